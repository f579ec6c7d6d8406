import asyncio
import time

import pytest
from aiohttp import web

from local.twilio import Behaviour, place
from local.twilio.events import (
    DialEnded,
    Dialled,
    HungUp,
    Pausing,
    Ringing,
    Saying,
    StreamOpened,
    StreamStopped,
    WebhookAnswered,
    WebhookFailed,
)
from local.twilio.problems import Code

CALLER = bytes(range(160)) * 5  # 100 ms
CALLEE = bytes(range(255, 95, -1)) * 10  # 200 ms
DIAL = "<Dial><Number>+12025550199</Number></Dial>"
QUIET = b"\xff" * 160


async def test_the_voice_webhook_is_a_signed_form_with_its_blank_values(application, account, placement):
    application.twiml("/voice", "")

    report = await place(placement(), account=account)

    (request,) = application.received
    assert request.genuine
    assert (request.method, request.headers["content-type"]) == (
        "POST",
        "application/x-www-form-urlencoded; charset=UTF-8",
    )
    assert request.headers["user-agent"] == "TwilioProxy/1.1"
    assert len(request.headers["i-twilio-idempotency-token"]) == 36
    assert request.form["CallSid"] == report.call_sid
    assert request.form["AccountSid"] == account.sid
    assert request.form["CallStatus"] == "ringing"
    assert request.form["FromCity"] == ""
    assert report.webhooks[0].body == "<Response></Response>"


async def test_both_tracks_arrive_bit_for_bit_and_interleaved(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(inner='<Parameter name="ticket" value="one"/>') + DIAL)

    report = await place(placement(inbound_audio=CALLER, outbound_audio=CALLEE), account=account)

    got = await receiver.heard()
    assert got.audio("inbound") == CALLER + QUIET * 5
    assert got.audio("outbound") == CALLEE
    assert [e["media"]["track"] for e in got.media()] == ["inbound", "outbound"] * 10
    assert [e["event"] for e in got.events] == ["connected", "start", *["media"] * 20, "stop"]
    assert [e["sequenceNumber"] for e in got.events[1:]] == [str(n) for n in range(1, 23)]
    assert [e["media"]["timestamp"] for e in got.media("inbound")] == [str(102 + 20 * n) for n in range(10)]
    assert got.events[1]["start"]["customParameters"] == {"ticket": "one"}
    assert got.events[1]["start"]["callSid"] == report.call_sid
    assert got.close_code == 1000
    assert report.ended_normally
    assert report.media_streams[0].bytes_sent == {"inbound": 1600, "outbound": 1600}
    assert report.media_streams[0].messages_sent == 23


async def test_a_stream_of_one_track_carries_just_that(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(track="outbound_track") + DIAL)
    await place(placement(inbound_audio=CALLER, outbound_audio=CALLEE), account=account)
    assert (await receiver.heard()).events[1]["start"]["tracks"] == ["outbound"]
    assert ((await receiver.heard()).audio("inbound"), (await receiver.heard()).audio("outbound")) == (b"", CALLEE)


async def test_verbs_are_followed_in_order_across_a_redirect(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(name="live") + "<Redirect>/next</Redirect><Say>never said</Say>")
    application.twiml("/next", f'<Say>Hi</Say><Pause length="1"/>{DIAL}<Hangup/><Say>never said</Say>')
    seen = []

    report = await place(placement(inbound_audio=CALLER, outbound_audio=CALLEE), account=account, observe=seen.append)

    sid, media = report.call_sid, report.media_streams[0].stream_sid
    opened = StreamOpened(sid, media, "live", ("inbound", "outbound"))
    assert seen.index(opened) < seen.index(Saying(sid, "Hi"))
    seen.remove(opened)  # while the redirect was asked, so before or after its answer
    assert seen == [
        Ringing(sid),
        WebhookAnswered(sid, "voice", 200, ("StartStream", "Redirect", "Say")),
        WebhookAnswered(sid, "redirect", 200, ("Say", "Pause", "Dial", "Hangup", "Say")),
        Saying(sid, "Hi"),
        Pausing(sid, 1),
        Dialled(sid, ("+12025550199",)),
        DialEnded(sid, 1),
        HungUp(sid, 2),
        StreamStopped(sid, media, "live"),
    ]
    assert [(request.path, request.genuine) for request in application.received] == [("/voice", True), ("/next", True)]
    # 2 characters at 60 ms and 1 s are silent on the outbound track, while the caller goes on.
    assert (await receiver.heard()).audio("outbound") == QUIET * 56 + CALLEE
    assert (await receiver.heard()).audio("inbound").startswith(CALLER + QUIET)
    assert report.media_streams[0].audio_begins_ms == {"inbound": 0, "outbound": 1120}


async def test_a_redirect_by_get_has_its_fields_in_a_signed_query(application, account, placement):
    application.twiml("/voice", '<Redirect method="GET">/next?step=2</Redirect>')
    application.twiml("/next", "")

    await place(placement(), account=account)

    (request,) = application.on("/next")
    assert (request.method, request.genuine) == ("GET", True)
    assert (request.form["step"], request.form["CallStatus"], request.form["ToZip"]) == ("2", "ringing", "")


async def test_the_action_of_a_dial_is_told_how_it_went_and_says_what_comes_next(application, account, placement):
    application.twiml("/voice", '<Dial action="/after">+12025550199</Dial><Say>never said</Say>')
    application.twiml("/after", "")

    report = await place(placement(outbound_audio=CALLEE), account=account)

    (request,) = application.on("/after")
    assert request.genuine
    assert request.form["DialCallStatus"] == "completed"
    assert request.form["DialCallDuration"] == "1"
    assert request.form["CallStatus"] == "in-progress"
    assert [webhook.kind for webhook in report.webhooks] == ["voice", "dial action"]


async def test_a_call_without_a_verb_after_start_hangs_up(application, receiver, account, placement, stream):
    application.twiml("/voice", stream())
    report = await place(placement(inbound_audio=CALLER), account=account)
    assert [e["event"] for e in (await receiver.heard()).events] == ["connected", "start", "stop"]
    assert (report.ended_normally, report.duration_s) == (True, 0)


async def test_stop_ends_a_stream_by_name_while_the_call_goes_on(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(name="live") + '<Pause/><Stop><Stream name="live"/></Stop><Pause/>')
    report = await place(placement(pace=10), account=account)
    assert (await receiver.heard()).events[-1]["event"] == "stop"
    assert len((await receiver.heard()).media("inbound")) == 50
    assert report.duration_s == 2


async def test_streams_are_parallel_and_a_later_one_has_a_clock_of_its_own(
    application, receiver, account, placement, stream
):
    application.twiml("/voice", stream(name="a") + "<Pause/>" + stream(name="b") + DIAL)

    report = await place(placement(inbound_audio=CALLER, outbound_audio=CALLEE * 20, pace=20), account=account)

    first, second = await receiver.heard_all()
    assert len(first.media("inbound")) == 250
    assert 150 < len(second.media("inbound")) <= 200  # from when it was open
    assert second.media()[0]["media"]["timestamp"] == "102"
    late_ms = report.media_streams[1].audio_begins_ms["outbound"]
    assert late_ms <= 0
    assert second.audio("outbound") == (CALLEE * 20)[-late_ms * 8 :]


async def test_status_callbacks_are_signed_and_tell_the_life_of_a_stream_and_of_the_call(
    application, receiver, account, placement, stream
):
    application.twiml("/voice", stream(name="live", statusCallback="/stream-status") + DIAL)

    report = await place(placement(outbound_audio=CALLEE, status_url=application.url + "/status"), account=account)

    assert all(request.genuine for request in application.received)
    assert [r.form["StreamEvent"] for r in application.on("/stream-status")] == ["stream-started", "stream-stopped"]
    started = application.on("/stream-status")[0].form
    assert (started["StreamName"], started["StreamSid"]) == ("live", report.media_streams[0].stream_sid)
    (completed,) = application.on("/status")
    assert completed.form["CallStatus"] == "completed"
    assert completed.form["CallDuration"] == "1"
    assert completed.form["SequenceNumber"] == "0"
    assert completed.form["FromCity"] == ""


async def test_stream_callbacks_can_be_asked_for_by_get(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(statusCallback="/s", statusCallbackMethod="GET") + DIAL)
    await place(placement(outbound_audio=CALLEE), account=account)
    assert [(r.method, r.genuine, r.form["StreamEvent"]) for r in application.on("/s")] == [
        ("GET", True, "stream-started"),
        ("GET", True, "stream-stopped"),
    ]


async def test_a_wrong_track_fails_without_a_callback_and_the_call_goes_on(application, account, placement, stream):
    application.twiml("/voice", stream(track="mixed_track", statusCallback="/s") + DIAL)
    report = await place(placement(outbound_audio=CALLEE), account=account)
    assert report.media_streams[0].problem.code is Code.STREAM_TRACK
    assert report.duration_s == 1
    assert application.on("/s") == []


async def test_a_ws_address_needs_permission(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(statusCallback="/s") + DIAL)
    report = await place(placement(outbound_audio=CALLEE, allow_insecure=False), account=account)
    assert report.media_streams[0].problem.code is Code.STREAM_SCHEME
    assert receiver.upgrades == []
    assert application.on("/s")[0].form["StreamError"].startswith("31922: ")


async def test_a_query_is_dropped_from_the_address_and_from_its_signature(
    application, receiver, account, placement, stream
):
    application.twiml("/voice", stream(receiver.url + "?token=1") + DIAL)
    report = await place(placement(outbound_audio=CALLEE), account=account)
    assert (await receiver.heard()).path == "/media"
    assert [warning.code for warning in report.warnings] == [Code.STREAM_HANDSHAKE]


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (web.Response(status=403), 403, "answered 403: does it know this account's auth token"),
        (web.Response(status=404), 404, "answered 404: is this the right path?"),
        (web.Response(status=502), 502, "answered 502: its own log says why"),
        (web.Response(text="{}", content_type="application/json"), 200, "'application/json', where TwiML is text/xml"),
        (web.Response(text="{}", content_type="text/xml"), 200, "not XML"),
    ],
)
async def test_a_bad_answer_ends_the_call_and_is_told_in_one_sentence(  # noqa: PLR0917 - fixtures
    application, account, placement, answer, status, says
):
    application.answers["/voice"] = answer
    seen = []

    report = await place(placement(status_url=application.url + "/status"), account=account, observe=seen.append)

    assert not report.ended_normally
    assert says in report.failure
    assert "\n" not in report.failure
    assert [event.status for event in seen if isinstance(event, WebhookFailed)] == [status]
    assert application.on("/status")[0].form["CallStatus"] == "completed"


async def test_a_bad_answer_to_a_redirect_also_ends_the_streams(application, receiver, account, placement, stream):
    application.twiml("/voice", stream() + "<Pause/><Redirect>/gone</Redirect>")
    application.answers["/gone"] = web.Response(status=404)

    report = await place(placement(), account=account)

    assert "redirect webhook" in report.failure
    assert (await receiver.heard()).events[-1]["event"] == "stop"


async def test_nobody_at_the_voice_webhook_is_told_with_the_address_and_without_the_query(account, placement):
    report = await place(placement(voice_url="http://127.0.0.1:1/voice?token=secret"), account=account)
    assert "no connection to http://127.0.0.1:1 " in report.failure
    assert "secret" not in report.failure
    assert report.webhooks[0].status is None


@pytest.mark.parametrize(
    "case",
    [
        ("", 503, 1),
        ("#rc=3&rp=all", 503, 4),
        ("#rc=3&rp=all", 404, 4),
        ("#rc=2&rp=5xx", 503, 3),
        ("#rc=2&rp=5xx", 404, 1),
        ("#rc=2&rp=4xx,ct", 404, 3),
        ("#rc=0&rp=all", 503, 1),
        ("#rc=6&rp=all", 503, 2),  # out of range: as often as without
        ("#rc=x&rp=sometimes", 503, 1),
    ],
)
async def test_a_webhook_is_asked_again_as_its_address_says(application, account, placement, case):
    fragment, status, times = case
    application.answers["/voice"] = web.Response(status=status)

    report = await place(placement(f"/voice{fragment}"), account=account)

    assert report.failure is not None
    assert all(asked.genuine for asked in application.received)  # the fragment is neither sent nor signed
    assert len({asked.headers["i-twilio-idempotency-token"] for asked in application.received}) == 1
    assert len(application.received) == times


async def test_a_webhook_that_comes_to_its_senses_is_answered(application, account, placement):
    application.answers["/voice"] = web.Response(status=503)
    again = placement("/voice#rc=5&rp=all")

    async def mend() -> None:
        await application.reached["/voice"].wait()
        application.twiml("/voice", "")

    report, _ = await asyncio.gather(place(again, account=account), mend())

    assert report.ended_normally


async def test_a_webhook_that_is_slow_is_given_up_in_the_time_its_address_says(application, account, placement):
    application.holds["/voice"] = asyncio.Event()

    report = await place(placement("/voice#rt=100&rc=1&rp=rt"), account=account)
    application.holds["/voice"].set()

    assert report.failure is not None
    assert len(application.received) == 2


async def test_names_under_localhost_are_this_machine_whatever_the_resolver_says(application, account, placement):
    application.twiml("/voice", "")
    application.url = application.url.replace("127.0.0.1", "voice.localhost")

    report = await place(placement(), account=account)

    assert report.ended_normally
    assert application.received[0].genuine
    assert application.received[0].headers["host"] == application.url.removeprefix("http://")


async def test_a_call_that_is_cancelled_leaves_no_connection_behind(application, receiver, account, placement, stream):
    application.twiml("/voice", stream() + '<Pause length="3600"/>')
    heard = asyncio.Event()
    receiver.on_message = lambda _, __: heard.set()

    call = asyncio.create_task(place(placement(pace=10), account=account))
    await heard.wait()
    call.cancel()

    assert (await receiver.heard()).close_code == 1006
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_redirect_to_itself_ends(application, account, placement):
    application.twiml("/voice", "<Redirect/>")
    report = await place(placement(), account=account)
    assert "lead to itself" in report.failure
    assert len(application.received) == 100


async def test_a_caller_hangs_up_on_twiml_that_waits_without_an_end(application, receiver, account, placement, stream):
    application.twiml("/voice", stream() + '<Pause length="3600"/>')
    report = await place(placement(hang_up_after_s=2), account=account)
    assert (report.ended_normally, report.duration_s) == (True, 2)
    assert len((await receiver.heard()).media("inbound")) == 100
    assert (await receiver.heard()).close_code == 1000


async def test_the_line_goes_on_while_a_webhook_thinks(application, receiver, account, placement, stream):
    application.twiml("/voice", stream() + "<Say>Hi</Say><Redirect>/slow</Redirect>")
    application.twiml("/slow", "")
    application.holds["/slow"] = asyncio.Event()

    def count(_, __) -> None:
        if len(receiver.upgrades[0].messages) == 42:
            application.holds["/slow"].set()

    receiver.on_message = count
    report = await place(placement(inbound_audio=CALLER, pace=5), account=account)
    assert report.ended_normally
    assert len((await receiver.heard()).media("inbound")) >= 20


async def test_frames_keep_to_their_schedule_and_report_when_they_were_sent(
    application, receiver, account, placement, stream
):
    application.twiml("/voice", stream() + DIAL)
    before_s = time.monotonic()

    report = await place(placement(outbound_audio=CALLEE * 10, pace=4), account=account)

    media = report.media_streams[0]
    first_s, last_s = media.sent_at("inbound", 0), media.sent_at("outbound", 2000)
    assert before_s < first_s < last_s < time.monotonic()
    assert last_s - first_s >= 1.98 / 4  # 99 frames, never early
    assert media.sent_at("inbound", 20) == first_s
    assert media.sent_at("inbound", 20.1) > first_s
    with pytest.raises(LookupError):
        media.sent_at("inbound", 2001)


async def test_ten_calls_at_once_are_kept_apart(application, receiver, account, placement, stream):
    application.twiml("/voice", stream(statusCallback="/s") + DIAL)

    def audio(n: int) -> bytes:
        return bytes([n]) * 1600

    reports = await asyncio.gather(
        *(
            place(placement(inbound_audio=audio(n), outbound_audio=audio(100 + n), pace=4), account=account)
            for n in range(10)
        )
    )

    by_call = {upgrade.events[1]["start"]["callSid"]: upgrade for upgrade in await receiver.heard_all()}
    for n, report in enumerate(reports):
        assert by_call[report.call_sid].audio("inbound") == audio(n)
        assert by_call[report.call_sid].audio("outbound") == audio(100 + n)
        assert by_call[report.call_sid].close_code == 1000
    assert len(application.on("/s")) == 20


async def test_what_twilio_leaves_open_can_be_switched(application, receiver, account, placement, stream):
    application.twiml("/voice", stream() + DIAL)
    behaviour = Behaviour(chunks="per_track", first_timestamp_ms=171)
    await place(placement(outbound_audio=CALLEE, behaviour=behaviour), account=account)
    assert [(e["media"]["chunk"], e["media"]["timestamp"]) for e in (await receiver.heard()).media()[:3]] == [
        ("1", "171"),
        ("1", "171"),
        ("2", "191"),
    ]
