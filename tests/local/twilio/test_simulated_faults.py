"""Faults on the wire, and what the call's report says of them."""

import asyncio
import json

import pytest

from local.twilio import Behaviour, place
from local.twilio.chance import seeded
from local.twilio.events import StreamFailed, StreamStopped, WebhookAnswered
from local.twilio.faults import Death, Drift, Ending, Gap, Jump, Late, Malformed, Repeat, SecondStream, Stall
from local.twilio.problems import Code
from local.twilio.spans import Span, missing

CALLEE = b"\x55" * 1600  # 200 ms
DIAL = "<Dial>+12025550199</Dial>"


@pytest.fixture
def call(application, account, placement, stream):
    """Place a call of 200 ms whose first media stream has the faults of a script."""

    async def call(*script, verbs: str = DIAL, also=lambda event: None, **changes):
        application.twiml("/voice", stream(statusCallback="/s", name="live") + verbs)
        seen = []
        faults = {"faults": (script,)} if script else {}
        placed = placement(outbound_audio=CALLEE, **faults | changes)

        def observe(event):
            seen.append(event)
            also(event)

        return await place(placed, account=account, observe=observe), seen

    return call


def callbacks(application) -> list[str]:
    return [request.form["StreamEvent"] for request in application.on("/s")]


async def test_a_call_without_faults_says_that_all_was_delivered(call):
    report, _ = await call()
    (media,) = report.media_streams
    assert (media.injected, media.starts_ms) == ((), 0)
    assert media.delivered == {"inbound": (Span(0, 200),), "outbound": (Span(0, 200),)}
    assert media.undelivered == {"inbound": (), "outbound": ()}
    assert report.undelivered("inbound") == ()


async def test_the_report_says_to_the_frame_what_a_track_never_delivered(receiver, call):
    gaps = (Gap(0, 40, "outbound"), Gap(100, 20), Gap(180, None, "inbound"))
    report, _ = await call(*gaps)

    (media,) = report.media_streams
    assert media.injected == gaps
    assert media.undelivered["inbound"] == (Span(100, 120), Span(180, 200))
    assert media.undelivered["outbound"] == (Span(0, 40), Span(100, 120))
    assert media.bytes_sent == {"inbound": 8 * 160, "outbound": 7 * 160}
    assert len((await receiver.heard()).audio("inbound")) == 8 * 160
    with pytest.raises(LookupError, match="dropped"):
        media.sent_at("outbound", 40)
    assert media.sent_at("inbound", 40) <= media.sent_at("outbound", 60)


async def test_gaps_are_told_on_the_clock_of_the_timestamps(receiver, call):
    report, _ = await call(Jump(60, 420), Gap(100, 20), Drift(0.0))
    (media,) = report.media_streams
    assert media.undelivered["inbound"] == (Span(60, 480), Span(520, 540))
    stamps = [int(e["media"]["timestamp"]) - 102 for e in (await receiver.heard()).media("inbound")]
    assert stamps == [0, 20, 40, 480, 500, 540, 560, 580, 600]
    assert report.undelivered("inbound") == (Span(100, 120),)  # nothing else was lost of the call


async def test_a_stall_delays_and_loses_nothing(receiver, call):
    report, _ = await call(Stall(40, 100))
    (media,) = report.media_streams
    assert media.undelivered == {"inbound": (), "outbound": ()}
    assert media.sent_at("inbound", 60) >= media.sent_at("inbound", 40)
    assert (await receiver.heard()).audio("outbound") == CALLEE


async def test_late_repeated_and_malformed_messages_arrive_as_they_were_meant_to(receiver, call):
    report, _ = await call(Late(20, 20, "inbound"), Repeat(80, "outbound"), Malformed(100, "no_json"))
    assert report.media_streams[0].undelivered == {"inbound": (), "outbound": ()}
    got = await receiver.heard()
    assert got.messages.pop(2 + 11) == '{"event":"media","sequenceNumber":'
    assert [int(e["media"]["timestamp"]) - 102 for e in got.media("inbound")][:4] == [0, 40, 20, 60]
    assert [int(e["media"]["timestamp"]) - 102 for e in got.media("outbound")][3:7] == [60, 80, 80, 100]


@pytest.mark.parametrize(("how", "code"), [("close", 1000), ("cut", 1006), ("reset", 1006)])
async def test_a_stream_that_dies_is_told_as_broken_and_the_call_goes_on(application, receiver, call, how, code):
    report, seen = await call(Death(60, how))

    (media,) = report.media_streams
    assert (report.ended_normally, report.heard_ms) == (True, 200)
    assert media.problem.code is Code.STREAM_BROKEN_PIPE
    assert media.undelivered == {"inbound": (Span(60, 200),), "outbound": (Span(60, 200),)}
    assert [type(event) for event in seen if isinstance(event, StreamFailed | StreamStopped)] == [StreamFailed]
    assert callbacks(application) == ["stream-started", "stream-error"]
    assert (await receiver.heard()).close_code == code
    assert not any('"stop"' in message for message in (await receiver.heard()).messages)


async def test_all_that_was_sent_before_a_cut_arrives(receiver, call):
    report, _ = await call(Death(100, "cut"))
    assert len((await receiver.heard()).audio("inbound")) == report.media_streams[0].bytes_sent["inbound"] == 800


async def test_a_stream_that_freezes_is_noticed_by_nobody_and_stays_open_after_the_call(application, receiver, call):
    connections, completed = [], asyncio.Event()
    receiver.on_message = lambda connection, _: connections.append(connection)

    def look(event):
        if isinstance(event, WebhookAnswered) and event.kind == "completed":
            completed.set()

    placing = asyncio.create_task(call(Death(60, "nothing"), also=look, status_url=application.url + "/status"))
    await completed.wait()
    assert not receiver.upgrades[0].over.is_set()
    assert callbacks(application) == ["stream-started", "stream-stopped"]

    await connections[0].close()  # as the receiver has heard that the call is over

    report, _ = await placing
    assert report.media_streams[0].problem is None
    assert report.media_streams[0].undelivered["inbound"] == (Span(60, 200),)


async def test_a_socket_that_is_left_open_is_given_up_some_day(receiver, call):
    report, _ = await call(Ending("nothing"), behaviour=Behaviour(abandoned_after_s=0.05))
    got = await receiver.heard()
    assert [e["event"] for e in got.events[-1:]] == ["media"]
    assert got.close_code == 1006
    assert report.media_streams[0].undelivered == {"inbound": (), "outbound": ()}


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ("stop_twice", (["stop", "stop"], 1000)),
        ("close", (["media", "media"], 1000)),
        ("cut", (["media", "media"], 1006)),
    ],
)
async def test_a_stream_can_end_in_other_ways_than_it_should(application, receiver, call, how, seen):
    report, _ = await call(Ending(how))
    got = await receiver.heard()
    assert ([e["event"] for e in got.events[-2:]], got.close_code) == seen
    assert report.media_streams[0].injected == (Ending(how),)
    assert callbacks(application) == ["stream-started", "stream-stopped"]


async def test_a_second_stream_is_of_the_same_call_with_an_identifier_of_its_own(receiver, call):
    report, _ = await call(SecondStream(60), pace=5)
    first, second = report.media_streams
    starts = [upgrade.events[1]["start"] for upgrade in await receiver.heard_all()]
    assert [start["streamSid"] for start in starts] == [first.stream_sid, second.stream_sid]
    assert {start["callSid"] for start in starts} == {report.call_sid}
    assert first.undelivered["inbound"] == ()
    assert second.name == "live"
    assert report.undelivered("outbound") == ()


async def test_what_a_receiver_that_hung_up_did_not_get_is_undelivered(receiver, call):
    async def close(connection, _):
        if len(receiver.upgrades[0].messages) == 6:
            await connection.close(1001)

    receiver.on_message = close
    report, _ = await call(verbs='<Pause length="1"/>', pace=10)
    (media,) = report.media_streams
    (gone,) = media.undelivered["inbound"]
    assert gone.end_ms == 1000
    assert media.delivered["inbound"] == (Span(0, gone.start_ms),)
    assert report.undelivered("inbound") == (gone,)


@pytest.mark.parametrize("seed", range(12))
async def test_a_seeded_call_is_accounted_for_and_can_be_placed_again(receiver, call, seed):
    script = seeded(seed, duration_ms=2000, deadly=False)
    reports = [(await call(*script, verbs='<Pause length="2"/>'))[0] for _ in range(2)]

    wires = []
    for upgrade in await receiver.heard_all():
        sids = {json.loads(upgrade.messages[1])["streamSid"], json.loads(upgrade.messages[1])["start"]["callSid"]}
        wires.append([_without(sids, message) for message in upgrade.messages])
    assert wires[0] == wires[1]
    for report in reports:
        (media,) = report.media_streams
        for track, delivered in media.delivered.items():
            assert report.undelivered(track) == missing(delivered, end_ms=2000)


@pytest.mark.parametrize("seed", range(40))
async def test_a_seeded_call_ends_whatever_happens_to_its_media_stream(call, seed):
    script = seeded(seed, duration_ms=1000)
    quick = Behaviour(abandoned_after_s=0.01)
    report, _ = await call(*script, verbs='<Pause length="1"/>', behaviour=quick)
    assert (report.ended_normally, report.heard_ms) == (True, 1000)
    assert set(report.media_streams[0].injected) <= set(script)


def _without(sids: set[str], message: str) -> str:
    for sid in sids:
        message = message.replace(sid, "")
    return message
