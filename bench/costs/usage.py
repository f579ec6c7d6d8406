"""How much of each thing so many calls at once use in an hour: plain arithmetic on decimals, of 28 digits.

A GB is 10^9 bytes, which is 7 % more than what AWS takes for one in some places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Final

from bench.costs.parameters import Parameters
from bench.costs.prices import HOURS_A_MONTH

READ_BYTES: Final = 4096
GB: Final = Decimal(10**9)
MINUTES: Final = 60
SECONDS: Final = 3600
SWEEPS: Final = 60
MEMORY_GB: Final = {
    "voice": Decimal("0.5"),
    "push": Decimal("0.5"),
    "publish": Decimal("0.25"),
    "finish": Decimal(1),
    "batch": Decimal(1),
    "join": Decimal("2.9375"),
    "deliver": Decimal("0.5"),
    "assist": Decimal("0.5"),
    "subscribe": Decimal("0.5"),
    "authorize": Decimal("0.25"),
    "calls": Decimal(1),
    "sweep": Decimal("0.5"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """So much of what `price` names, for one part of the system."""

    part: str
    what: str
    price: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour with `calls` on at any moment."""

    calls: int
    given: Parameters = field(default_factory=Parameters)

    @property
    def begun(self) -> Decimal:
        """Calls that begin in the hour."""
        return self.calls * MINUTES / self.given.call_minutes

    @property
    def minutes(self) -> Decimal:
        """Minutes of talk, all calls together."""
        return Decimal(self.calls * MINUTES)

    @property
    def tasks(self) -> Decimal:
        """Tasks of the bridge."""
        return _up(self.calls / self.given.calls_a_task)

    @property
    def entries(self) -> Decimal:
        """Entries appended to logs."""
        return self.begun * self.given.entries_a_call + self.minutes * self.given.utterances_a_minute

    @property
    def connections(self) -> Decimal:
        """Connections that are opened."""
        return self.begun * self.given.subscribers

    @property
    def partial_posts(self) -> Decimal:
        """Posts of partials, by the bridge."""
        return self.minutes * self.given.partial_posts_a_minute * self.given.subscribers

    @property
    def entry_posts(self) -> Decimal:
        """Posts of entries by `push`, had each a batch of its own; in batches they are fewer."""
        return self.entries * self.given.subscribers

    @property
    def pings(self) -> Decimal:
        """Pings of all connections, each answered by a post."""
        return self.minutes * self.given.subscribers * self.given.pings_a_minute

    @property
    def replays(self) -> Decimal:
        """Replays that are asked with pings, one for each call that is followed; they find nothing."""
        return self.pings

    @property
    def posts(self) -> Decimal:
        """All posts to connections: entries, partials, pongs, the end of each replay."""
        return self.entry_posts + self.partial_posts + self.pings + self.replays + self.connections

    @property
    def invocations(self) -> dict[str, Decimal]:
        """Invocations of each function; `push` and `publish` are invoked for each entry by itself."""
        return {
            "voice": self.begun * self.given.webhooks_a_call,
            "push": self.entries,
            "publish": self.entries,
            "finish": self.begun * self.given.ends_a_call,
            "batch": self.begun * self.given.looks_at_a_recording,
            "subscribe": 3 * self.connections + self.pings + self.replays,  # open, subscribe, close
            "authorize": self.connections,
            "calls": self.connections,  # a ticket each
            "join": Decimal(1),
            "deliver": self.begun * self.given.told_a_call + SWEEPS,
            "assist": Decimal(0),  # without hooks, which is the default
            "sweep": Decimal(SWEEPS),
        }

    @property
    def busy_s(self) -> dict[str, Decimal]:
        """Seconds that each function runs, all its invocations together."""
        took_ms = {
            "voice": self.given.voice_ms,
            "push": self.given.push_ms,
            "publish": self.given.publish_ms,
            "finish": self.given.finish_ms,
            "batch": self.given.batch_ms,
            "subscribe": self.given.subscribe_ms,
            "authorize": self.given.ticket_ms,
            "calls": self.given.ticket_ms,
            "deliver": self.given.deliver_ms,
            "assist": Decimal(0),
            "join": self.given.join_ms + self.begun * self.given.join_a_call_ms,
            "sweep": self.given.sweep_ms,
        }
        return {name: count * took_ms[name] / 1000 for name, count in self.invocations.items()}

    @property
    def tasks_units(self) -> Decimal:
        """Read units of one look at all tasks."""
        return read_units(self.tasks * self.given.task_bytes)

    @property
    def slots_units(self) -> Decimal:
        """Read units of one look at all slots, when each call has one."""
        return read_units(self.calls * self.given.slot_bytes)

    @property
    def traces(self) -> Decimal:
        """Traces recorded: one invocation a second, and one in twenty of the others.

        Source: AWS X-Ray, "Configuring sampling rules", the default rule; here the one a second is all functions'.
        """
        total = sum(self.invocations.values(), Decimal(0))
        first = min(total, Decimal(SECONDS))
        return first + (total - first) / 20

    def log_writes(self) -> Decimal:
        """Write units of the table Calls, its indexes included."""
        given = self.given
        of_calls = self.begun * (given.conflicts_a_call + given.head_writes_a_call)
        return self.entries * given.writes_an_entry + of_calls

    def session_writes(self) -> Decimal:
        """Write units of the table Sessions: lanes, slots, and each task's heartbeat."""
        given = self.given
        of_calls = self.begun * (given.lane_writes_a_call + given.slot_writes_a_call)
        return of_calls + self.minutes * given.lane_writes_a_minute + self.tasks * MINUTES * given.beats_a_minute

    def log_reads(self) -> Decimal:
        """Read units of the table Calls: what each call asks, its whole log once, and two looks a replay."""
        whole = self.entries / self.begun * self.given.entry_bytes / READ_BYTES
        return self.begun * (self.given.log_reads_a_call + whole) + 2 * self.replays

    def session_reads(self) -> Decimal:
        """Read units of the table Sessions: each task looks at all others, each call at all slots."""
        looks = self.tasks * MINUTES * self.given.looks_a_minute * self.tasks_units
        slots = self.begun * (self.slots_units + self.tasks_units)
        lanes = read_units(self.given.calls_a_task * self.given.lane_bytes) / 2  # an index is read at half the price
        sweeps = SWEEPS * (self.tasks_units + self.tasks * lanes)
        return looks + slots + self.begun * self.given.lane_reads_a_call + sweeps

    def audience_reads(self) -> Decimal:
        """Read units of the table Subscriptions, by the bridge, `push` and each ping."""
        return self.minutes * self.given.audience_reads_a_minute + self.entries + self.pings / 2

    def lines(self) -> Iterator[Line]:
        """Yield what is paid for, part by part; the phone call itself isn't among it."""
        yield from self._others()
        yield from self._bridge()
        yield from self._tables()
        yield from self._following()
        yield from self._functions()
        yield from self._watching()

    def carrier(self) -> Line:
        """Return the phone call itself, which is paid for without callscribe as well."""
        return Line("the phone call itself", "minutes", "inbound_voice", self.billed_minutes)

    @property
    def billed_minutes(self) -> Decimal:
        """Minutes that Twilio bills."""
        return self.minutes + self.begun * self.given.rounding_minutes

    def _others(self) -> Iterator[Line]:
        yield Line("Gladia", "hours of channels", "gladia_starter", self.calls * self.given.tracks)
        yield Line("Twilio Media Streams", "minutes", "media_streams", self.billed_minutes)

    def _bridge(self) -> Iterator[Line]:
        received = self.calls * self.given.media_bytes_a_second * SECONDS / GB
        sent = self.calls * self.given.gladia_bytes_a_second * SECONDS / GB
        yield Line("bridge", "vCPU hours", "vcpu_hour", self.tasks * self.given.task_cores)
        yield Line("bridge", "GB hours of memory", "memory_hour", self.tasks * self.given.task_gb)
        yield Line("bridge", "public addresses", "ipv4_hour", self.tasks)
        yield Line("audio in", "GB through CloudFront", "to_origin_gb", received)
        yield Line("audio in", "requests to CloudFront", "edge_requests", self.begun)
        yield Line("audio in", "load balancer", "balancer_hour", Decimal(1))
        yield Line("audio in", "LCU", "lcu_hour", max(received, self.calls / Decimal(3000), self.begun / SECONDS / 25))
        yield Line("audio out", "GB to Gladia", "internet_gb", sent)

    def _tables(self) -> Iterator[Line]:
        given = self.given
        kept = (self.entries * given.entry_bytes) / GB
        tickets = self.connections * given.subscriber_writes + self.replays  # which find nothing to change
        yield Line("the log", "write units of Calls", "writes", self.log_writes())
        yield Line("the log", "read units of Calls", "reads", self.log_reads())
        yield Line("the log", "GB kept for a month", "stored_gb_month", kept)
        yield Line("the log", "GB restorable for a month", "restorable_gb_month", kept)
        yield Line("sessions", "write units of Sessions", "writes", self.session_writes())
        yield Line("sessions", "read units of Sessions", "reads", self.session_reads())
        yield Line("webhooks", "write units of Idempotency", "writes", self.begun * given.callback_writes_a_call)
        yield Line("following", "write units of Subscriptions, Tickets", "writes", tickets)
        reads = self.audience_reads() + self.connections * given.subscriber_reads
        yield Line("following", "read units of Subscriptions", "reads", reads)

    def _following(self) -> Iterator[Line]:
        messages = self.posts + self.pings + self.replays + self.connections
        of_entries = self.entry_posts * self.given.entry_frame_bytes
        out = of_entries + self.partial_posts * self.given.partial_bytes
        yield Line("following", "messages", "socket_messages", messages)
        yield Line("following", "minutes of connections", "socket_minutes", self.minutes * self.given.subscribers)
        yield Line("following", "GB to clients", "internet_gb", out / GB)
        yield Line("following", "tickets", "http_requests", self.connections)
        yield Line("webhooks", "requests", "http_requests", self.invocations["voice"])

    def _functions(self) -> Iterator[Line]:
        yield Line("event bus", "events", "events", self.entries)
        # Each event is put into its queue, taken out and deleted; the three are also asked while there is none.
        of_calls = sum(self.invocations[name] for name in ("finish", "batch", "deliver"))
        events = of_calls - SWEEPS  # which `deliver` is invoked for by a clock
        asked = 3 * events + 3 * self.given.empty_receives_a_second * SECONDS
        yield Line("event bus", "requests to queues", "queue_requests", asked)
        yield Line("archive", "files", "s3_puts", self.begun)
        kept = self.entries * self.given.archived_entry_bytes / GB
        yield Line("archive", "GB kept for a month", "s3_gb_month", kept)
        for name, count in self.invocations.items():
            yield Line("Lambda", f"{name}: invocations", "invocations", count)
            yield Line("Lambda", f"{name}: GB seconds", "gb_seconds", self.busy_s[name] * MEMORY_GB[name])
        yield Line("traces", "traces", "traces", self.traces)

    def _watching(self) -> Iterator[Line]:
        given = self.given
        requests = self.invocations["voice"] + self.invocations["calls"] + self.invocations["subscribe"]
        written = (
            sum(self.invocations.values(), Decimal(0)) * given.logged_bytes_an_invocation
            + requests * given.access_line_bytes
            + self.begun * given.call_line_bytes
            + self.tasks * MINUTES * (given.metric_line_bytes + given.insight_line_bytes)
        ) / GB
        yield Line("logs and metrics", "GB taken in", "log_gb", written)
        yield Line("logs and metrics", "GB kept for a month", "log_gb_month", written)
        yield Line("logs and metrics", "metrics", "metric_month", given.metrics / HOURS_A_MONTH)
        yield Line("logs and metrics", "metrics with alarms", "alarm_month", given.alarmed_metrics / HOURS_A_MONTH)
        yield Line("logs and metrics", "dashboards", "dashboard_month", given.dashboards / HOURS_A_MONTH)
        yield Line("secrets", "secrets", "secret_month", given.secrets / HOURS_A_MONTH)


def read_units(size_bytes: Decimal) -> Decimal:
    """Return the units of a consistent read of so much at once; nothing costs as much as little."""
    return max(Decimal(1), _up(size_bytes / READ_BYTES))


def _up(value: Decimal) -> Decimal:
    return value.to_integral_value(rounding=ROUND_CEILING)
