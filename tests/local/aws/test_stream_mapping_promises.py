"""Whatever the function answers: each record ends delivered or given up, once, in the order of its key."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.aws.event_source_mapping import EventSourceMapping
from local.aws.stream_mapping import Answered, Failed, GiveUp, ShardMapping, Unreached
from local.aws.stream_record import StreamRecord

NOW = 1_795_352_400.0

MAPPINGS = st.builds(
    EventSourceMapping,
    function=st.just("arn:push"),
    stream_arn=st.just("arn:stream"),
    batch_size=st.integers(1, 8),
    lanes=st.integers(1, 4),
    retries=st.integers(0, 3),
    window_s=st.sampled_from([0, 2]),
    bisect=st.booleans(),
    partial_answers=st.just(value=True),
    first_failed=st.sampled_from(["halve", "retry"]),
)
STREAMS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=40).map(
    lambda keys: [
        StreamRecord(key=key, sequence_number=str(number), created_at=NOW, event={}, size_bytes=500)
        for number, key in enumerate(keys)
    ]
)


class Referee:
    """Plays the function with arbitrary answers and watches what the mapping does with them."""

    def __init__(self, mapping, poison, choices):
        self.shard = ShardMapping(mapping)
        self.poison = poison
        self.choose = lambda *options: choices.draw(st.sampled_from(options))
        self.batch_size = mapping.batch_size
        self.now = NOW
        self.with_function = []
        self.settled = {}
        self.deliveries = {}

    def settle(self, records, how):
        for record in records:
            assert record.sequence_number not in self.settled, "settled twice"
            self.settled[record.sequence_number] = how

    def watch(self, effects):
        for effect in effects:
            if isinstance(effect, GiveUp):
                self.settle(effect.records, "given up")
                continue
            assert len(effect.records) <= self.batch_size
            keys = {record.key for record in effect.records}
            for other in self.with_function:
                assert keys.isdisjoint(record.key for record in other.records), "a key is out twice at once"
            assert not any(record.sequence_number in self.settled for record in effect.records), "out once more"
            self.with_function.append(effect)

    def read(self, records):
        self.watch(self.shard.read(records, now=self.now))

    def step(self):
        if not self.with_function:
            self.now = max(self.now, self.shard.wakes_at)
            self.watch(self.shard.proceed(now=self.now))
            return
        invoke = self.choose(*self.with_function)
        self.with_function.remove(invoke)
        answer = self.answer(invoke.records)
        self.watch(self.shard.answered(invoke.invocation, answer, now=self.now))

    def answer(self, records):
        """Poison always fails, the rest now and then."""
        bad = [index for index, record in enumerate(records) if record.sequence_number in self.poison]
        outcome = self.choose("failed", "partly") if bad else self.choose("well", "failed", "partly", "unreached")
        if outcome == "unreached":
            return Unreached()
        for record in records:
            self.deliveries[record.sequence_number] = self.deliveries.get(record.sequence_number, 0) + 1
        if outcome == "failed":
            return Failed()
        if outcome == "well":
            self.settle(records, "delivered")
            return Answered(None)
        failed = bad[0] if bad else self.choose(*range(len(records)))
        self.settle(records[:failed], "delivered")
        return Answered({"batchItemFailures": [{"itemIdentifier": records[failed].sequence_number}]})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mapping=MAPPINGS, stream=STREAMS, poison=st.sets(st.integers(0, 39).map(str), max_size=3), choices=st.data())
def test_nothing_is_lost_nothing_overtakes_and_attempts_are_bounded(mapping, stream, poison, choices):
    referee = Referee(mapping, poison, choices)
    middle = len(stream) // 2

    referee.read(stream[:middle])
    while not referee.shard.settled and referee.choose("on", "on", "halt") == "on":
        referee.step()
    referee.read(stream[middle:])
    while not referee.shard.settled:
        referee.step()

    assert len(referee.settled) == len(stream)
    for key in "abcd":
        of_key = {record.sequence_number for record in stream if record.key == key}
        order = [int(number) for number in referee.settled if number in of_key]
        assert order == sorted(order)
    assert not [number for number, how in referee.settled.items() if number in poison and how == "delivered"]
    # A split costs no retry and shortens the batch, so a record sees at most batch_size - 1 of them.
    bound = mapping.retries + 1 + (mapping.batch_size - 1 if mapping.bisect else 0)
    assert max(referee.deliveries.values(), default=0) <= bound
