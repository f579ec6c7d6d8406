"""What the computation takes for granted: each number with its reason, by how it is known.

`measured` is measured here, by `python -m bench.costs.measure` where nothing else is named; `code` is what the code or
its templates say; `assumed` is neither, and the first to be replaced by what a deployment shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, NamedTuple, get_args, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """One deployment and its calls. Rates are of one call unless they say otherwise."""

    call_minutes: Annotated[
        Decimal,
        "assumed",
        "as calls end, others begin; short calls cost more by the hour",
    ] = Decimal(5)
    tracks: Annotated[Decimal, "code", "`both_tracks`; Gladia bills each"] = Decimal(2)
    subscribers: Annotated[
        Decimal,
        "assumed",
        "somebody follows each call from beginning to end, on a connection of its own",
    ] = Decimal(1)

    utterances_a_minute: Annotated[Decimal, "measured", "29 in 134.4 s of four calls"] = Decimal("12.9")
    partial_posts_a_minute: Annotated[
        Decimal,
        "measured",
        "219 to one subscriber in 134.4 s; at most 240, as they are paced at 250 ms",
    ] = Decimal("97.8")
    partial_bytes: Annotated[Decimal, "measured", "64,346 bytes in 219 posts"] = Decimal(294)
    entry_bytes: Annotated[Decimal, "measured", "an item of Calls, 29,159 bytes in 53"] = Decimal(550)
    entry_frame_bytes: Annotated[Decimal, "measured", "what a subscriber is sent of it"] = Decimal(509)
    entries_a_call: Annotated[
        Decimal, "code", "call started and ended, two legs started and ended; summary, chapters, analytics, ready"
    ] = Decimal(10)
    writes_an_entry: Annotated[Decimal, "measured", "units; two of 53 were over 1 KB"] = Decimal("1.04")
    conflicts_a_call: Annotated[
        Decimal,
        "measured",
        "writes that found the number taken, at the call's end",
    ] = Decimal(2)
    head_writes_a_call: Annotated[Decimal, "measured", "4 to HEAD and 6 to its indexes"] = Decimal(10)
    log_reads_a_call: Annotated[Decimal, "measured", "units, beside one reading of the whole log"] = Decimal(6)
    lane_writes_a_call: Annotated[
        Decimal,
        "measured",
        "two at its begin and one at its end, index included",
    ] = Decimal(6)
    lane_writes_a_minute: Annotated[
        Decimal,
        "code",
        "kept each 30 s, index included (`bridge/succession.py`)",
    ] = Decimal(4)
    lane_reads_a_call: Annotated[Decimal, "measured", "units"] = Decimal(2)
    slot_writes_a_call: Annotated[Decimal, "measured", "taken and given back"] = Decimal(2)
    audience_reads_a_minute: Annotated[
        Decimal,
        "measured",
        "units, 84 in 134.4 s: who follows is asked each second in which there are partials, also where nobody does",
    ] = Decimal("37.5")
    callback_writes_a_call: Annotated[
        Decimal,
        "code",
        "Powertools' idempotency notes the begin and the answer of three callbacks",
    ] = Decimal(6)
    subscriber_writes: Annotated[
        Decimal,
        "code",
        "a ticket used, a subscription put and removed with its index",
    ] = Decimal(5)
    subscriber_reads: Annotated[
        Decimal,
        "code",
        "units: who owns the call, a page of the log, what is to be forgotten",
    ] = Decimal(3)
    task_bytes: Annotated[Decimal, "measured", "the item of a task in Sessions"] = Decimal(90)
    slot_bytes: Annotated[Decimal, "measured", "the item of a slot"] = Decimal(137)
    lane_bytes: Annotated[Decimal, "measured", "the item of a lane"] = Decimal(745)
    beats_a_minute: Annotated[Decimal, "code", "of a task, each 2 s (`bridge/pulse.py`)"] = Decimal(30)
    looks_a_minute: Annotated[Decimal, "code", "of a task, at all tasks (`bridge/watch.py`)"] = Decimal(60)

    media_bytes_a_second: Annotated[
        Decimal,
        "measured",
        "100 messages of both tracks with their WebSocket headers, mean of five minutes, spelled by "
        "`local/twilio/mediastream.py`",
    ] = Decimal(39239)
    gladia_bytes_a_second: Annotated[
        Decimal,
        "assumed",
        "ten chunks of 1,600 bytes, each with 8 of WebSocket, 22 of TLS and two packets' headers of 52",
    ] = Decimal(17340)

    calls_a_task: Annotated[
        Decimal,
        "code",
        "the context `calls_per_task`: the slowest machine that was measured carried 45 on a core, log and partials "
        "to a subscriber each, others up to 106, none of them ARM ([performance](performance.md), README)",
    ] = Decimal(40)
    task_cores: Annotated[Decimal, "code", "`infra/bridge_service.py`"] = Decimal(1)
    task_gb: Annotated[Decimal, "code", "`infra/bridge_service.py`"] = Decimal(2)

    rounding_minutes: Annotated[
        Decimal,
        "assumed",
        "Twilio bills a call's last minute as a whole, as most of its voice products, which is half a minute "
        "a call on average",
    ] = Decimal("0.5")
    webhooks_a_call: Annotated[Decimal, "code", "voice, stream started, stream stopped, call completed"] = Decimal(4)
    pings_a_minute: Annotated[Decimal, "code", "of a connection, with a replay each (`web/callscribe.js`)"] = Decimal(1)
    voice_ms: Annotated[Decimal, "assumed", "four requests to DynamoDB at 10 ms on average, and 5 of its own"] = (
        Decimal(45)
    )
    push_ms: Annotated[
        Decimal,
        "assumed",
        "one query at 10 ms, one post at 30 (10 to 50 is what is planned with), and 5 ms of its own",
    ] = Decimal(45)
    publish_ms: Annotated[Decimal, "assumed", "one request to the bus at 20 ms, and 5 of its own"] = Decimal(25)
    ends_a_call: Annotated[Decimal, "code", "of two legs and of the call, `infra/finish.py`"] = Decimal(3)
    finish_ms: Annotated[
        Decimal,
        "assumed",
        "ten requests to DynamoDB at 10 ms, Gladia's answer and the file at 100 each, for one event of the three; "
        "the others find that the call goes on, or that it is done",
    ] = Decimal(150)
    looks_at_a_recording: Annotated[Decimal, "code", "two legs began, the transcript is ready, `infra/batch.py`"] = (
        Decimal(3)
    )
    batch_ms: Annotated[
        Decimal, "assumed", "it reads the log and finds that no second pass is wanted, which is the default"
    ] = Decimal(25)
    told_a_call: Annotated[
        Decimal, "code", "it began and is over, chapters, figures, the transcript is ready, `infra/deliver.py`"
    ] = Decimal(5)
    deliver_ms: Annotated[Decimal, "assumed", "one query, which finds that no endpoint wants it"] = Decimal(15)
    empty_receives_a_second: Annotated[
        Decimal, "assumed", "Lambda asks a queue with five pollers, each for up to 20 s where there is nothing"
    ] = Decimal("0.25")
    archived_entry_bytes: Annotated[Decimal, "assumed", "an entry and its columns, compressed to a sixth"] = Decimal(
        250
    )
    subscribe_ms: Annotated[Decimal, "assumed", "the same"] = Decimal(45)
    ticket_ms: Annotated[Decimal, "assumed", "a request to DynamoDB, and twice the 5 ms, for signing"] = Decimal(20)
    sweep_ms: Annotated[Decimal, "assumed", "with nothing to look after"] = Decimal(500)
    join_ms: Annotated[Decimal, "assumed", "each hour it looks whether a day is over"] = Decimal(300)
    join_a_call_ms: Annotated[Decimal, "assumed", "a file is read in 20 ms, sixteen at once, and written in one"] = (
        Decimal(3)
    )
    logged_bytes_an_invocation: Annotated[
        Decimal,
        "assumed",
        "Lambda's own lines, a line of metrics (about 900), at times another",
    ] = Decimal(1500)
    access_line_bytes: Annotated[
        Decimal,
        "assumed",
        "six to eight values of one request (`infra/access_log.py`)",
    ] = Decimal(250)
    call_line_bytes: Annotated[
        Decimal,
        "measured",
        "`media stream opened` and `closed` in the bridge's log",
    ] = Decimal(900)
    metric_line_bytes: Annotated[Decimal, "measured", "of a task, each minute: `Meter().line`"] = Decimal(2900)
    insight_line_bytes: Annotated[
        Decimal,
        "assumed",
        "Container Insights' of a task and its container, each minute",
    ] = Decimal(2500)
    metrics: Annotated[
        Decimal,
        "assumed",
        "about: 55 of the bridge, 50 of the functions, 25 of Container Insights",
    ] = Decimal(130)
    alarmed_metrics: Annotated[Decimal, "code", "of the alarms in `infra/alarms.py`, and two of the scaling"] = Decimal(
        48
    )
    dashboards: Annotated[Decimal, "code", "`infra/dashboard.py`"] = Decimal(1)
    secrets: Annotated[Decimal, "code", "`infra/secrets.py`"] = Decimal(3)


class Explained(NamedTuple):
    """A parameter as it is documented."""

    name: str
    value: Decimal
    known: str
    why: str


def explained(parameters: Parameters) -> Iterator[Explained]:
    """Yield every parameter with how it is known and why, in order."""
    for name, hint in get_type_hints(Parameters, include_extras=True).items():
        _, known, why = get_args(hint)
        yield Explained(name, getattr(parameters, name), known, why)
