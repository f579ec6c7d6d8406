"""One call, end to end, through the stack as deployed locally. The words are written in the audio, to the byte."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from urllib.parse import urldefrag

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from callscribe.after_call import Entities, Sentiment, Summary, TranscriptReady
from callscribe.archive import key_of, pack, rows, unpack
from callscribe.call import fold
from callscribe.client import Watching
from callscribe.entries import CallFailed, CallStarted, Entry, Utterance, timestamp
from callscribe.joined import joined_key
from callscribe.messages import PartialMessage
from callscribe.tickets import push_ticket, sign
from callscribe.transcript import transcript
from local.aws.engine import root_at
from local.gladia.scripted import silence, spoken
from local.placing import Placed, Tracks, watch
from tests.path.files import file_of

# Their posts to twenty connections are most of what the local AWS can do; tests/bridge has them for twenty calls.
WITHOUT_PARTIALS = "+12025550105"
CALLSCRIBE = [sys.executable, "-m", "local.cli"]


def conversation(*lines: str) -> Tracks:
    """Each line is said after the other, the first by the caller, the second by the agent, and so on."""
    tracks = [b"", b""]
    for place, line in enumerate(lines):
        words = spoken(line) + silence(500)
        tracks[place % 2] += words
        tracks[1 - place % 2] += silence(len(words) // 8)
    return Tracks(*tracks)


def said(placed: Placed) -> list[tuple[str, str]]:
    return [(line.party, line.said.text) for line in transcript(placed.entries)]


def recorded_by_gladia(up, call_id: str) -> list[bytes]:
    """The audio of each of the call's sessions, without its RIFF header."""
    query = "?custom_metadata=" + urllib.request.quote(json.dumps({"call_id": call_id}))
    jobs = json.loads(_get(up, "/v2/live" + query))["items"]
    return [_get(up, f"/v2/live/{job['id']}/file").partition(b"data")[2][4:] for job in jobs]


def _get(up, path: str) -> bytes:
    request = urllib.request.Request(up.addresses.gladia_url + path, headers={"x-gladia-key": up.addresses.gladia_key})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


async def test_what_two_parties_say_reaches_a_client_and_gladia_had_every_byte(up):
    tracks = conversation("good morning", "this is the bank", "I have lost my card", "one moment please")

    placed = await up.place(tracks)

    assert said(placed) == [
        ("caller", "good morning"),
        ("agent", "this is the bank"),
        ("caller", "I have lost my card"),
        ("agent", "one moment please"),
    ]
    call = fold(placed.entries)
    assert call.settled
    assert [leg.complete for leg in call.legs] == [True, True]
    assert call.ended.reason == "completed"
    (audio,) = recorded_by_gladia(up, placed.report.call_sid)
    # Twilio's tracks begin with what was on the line before the callee answered; the files begin where it says.
    stream = placed.report.media_streams[0]
    for channel, (track, file) in enumerate((("inbound", tracks.inbound), ("outbound", tracks.outbound))):
        begin = stream.audio_begins_ms[track] * 8
        heard = audio[channel::2]
        assert heard[begin : begin + len(file)] == file
        assert set(heard[:begin] + heard[begin + len(file) :]) <= {0xFF}
        assert len(heard) == stream.bytes_sent[track]


async def test_the_log_has_no_hole_and_begins_with_the_call(up):
    placed = await up.place(conversation("hello", "hello"))

    assert [entry.seq for entry in placed.entries] == list(range(1, len(placed.entries) + 1))
    started = placed.entries[0].body
    assert isinstance(started, CallStarted)
    assert (started.from_number, started.to_number) == ("+12025550123", "+12025550188")


async def test_words_are_shown_before_they_are_final(up):
    said = ("one two three four five six seven", "yes")
    placed = await up.place(conversation(*said), pace=1)

    partials = [seen.what for seen in placed.seen if isinstance(seen.what, PartialMessage)]
    assert {partial.party for partial in partials} <= {"caller", "agent"}
    assert partials
    assert all(any(line.startswith(partial.text) for line in said) for partial in partials)


async def test_twenty_calls_at_once_are_complete_and_share_no_word(up):
    names = [f"number{number}" for number in range(20)]
    live: set[str] = set()
    most_live = 0

    async def place(name: str, delay_s: float) -> Placed:
        nonlocal most_live
        # Callers do not all ring in the same second (each new copy of a function is a second of a core here); all their
        # calls are on the line at once all the same.
        await asyncio.sleep(delay_s)
        live.add(name)
        most_live = max(most_live, len(live))
        tracks = conversation(*[f"I am {name}", f"good day {name}"] * 6, f"bye {name}")
        placed = await up.place(tracks, to_number=WITHOUT_PARTIALS, pace=1)
        live.discard(name)
        return placed

    placed = await asyncio.gather(*(place(name, number * 0.6) for number, name in enumerate(names)))
    assert most_live == len(names)

    for name, call in zip(names, placed, strict=True):
        assert call.report.failure is None
        turns = [("caller", f"I am {name}"), ("agent", f"good day {name}")] * 6
        assert said(call) == [*turns, ("caller", f"bye {name}")]
        assert [entry.seq for entry in call.entries] == list(range(1, len(call.entries) + 1))
        state = fold(call.entries)
        assert state.settled
        assert all(leg.complete for leg in state.legs)


async def test_with_a_session_a_leg_each_partys_bytes_are_a_recording_of_their_own(up):
    tracks = conversation("good morning", "good morning to you")

    placed = await up.place(tracks, to_number="+12025550101")

    assert said(placed) == [("caller", "good morning"), ("agent", "good morning to you")]
    recorded = recorded_by_gladia(up, placed.report.call_sid)
    assert sorted(audio.strip(b"\xff") for audio in recorded) == sorted(
        audio.strip(b"\xff") for audio in (tracks.inbound, tracks.outbound)
    )


async def test_a_number_that_had_an_application_is_handed_to_it_with_the_stream_running(up, application):
    placed = await up.place(conversation("hello", "this is your application"), to_number="+12025550102")

    assert ("agent", "this is your application") in said(placed)
    assert placed.report.call_sid in application.asked[-1]


async def test_a_number_that_says_something_hears_the_caller_meanwhile(up):
    placed = await up.place(conversation("anybody there"), to_number="+12025550103", pace=4)

    call = fold(placed.entries)
    assert call.settled
    assert {leg.started.party for leg in call.legs} == {"caller", "agent"}


async def test_a_setting_that_gladia_refuses_is_in_the_log_with_gladias_words_and_the_phone_call_is_not_touched(up):
    placed = await up.place(conversation("hello", "hello"), to_number="+12025550104")

    failed = next(entry.body for entry in placed.entries if isinstance(entry.body, CallFailed))
    assert "gladia answered 400" in failed.reason
    assert "endpointing" in failed.reason
    assert placed.report.ended_normally


async def test_who_comes_late_gets_the_whole_log_and_who_saw_some_gets_the_rest(up):
    placed = await up.place(conversation("good morning", "hello"))
    call_id = placed.report.call_sid
    all_entries = placed.entries

    for after in (0, 1, len(all_entries) - 1):
        seen = []
        client = up.addresses.callscribe()
        async with asyncio.timeout(20), client, aclosing(client.follow(call_id, after=after)) as following:
            async for each in following:
                seen.append(each)
                if each.seq == len(all_entries):
                    break
        assert [entry.seq for entry in seen] == [entry.seq for entry in all_entries[after:]]


async def test_two_subscribers_see_the_same_call(up):
    placed = await up.place(conversation("good morning", "hello", "goodbye"))
    call_id = placed.report.call_sid

    async with up.addresses.callscribe() as callscribe:
        second = await watch(callscribe, call_id, lambda _what: None)

    assert [seen.what for seen in second if isinstance(seen.what, Entry)] == placed.entries


async def test_a_call_that_is_over_gets_its_chapters_and_figures_and_is_kept_as_a_file(up):
    placed = await up.place(conversation("good morning", "this is the bank", "I have lost my card"))
    call_id = placed.report.call_sid

    client = up.addresses.callscribe()
    async with asyncio.timeout(30), client, aclosing(client.follow(call_id)) as following:
        entries = []
        async for each in following:
            entries.append(each)
            if isinstance(each.body, TranscriptReady):
                break

    ready = entries[-1].body
    assert (ready.utterances, ready.complete, ready.unknown) == (3, True, ())
    assert [entry.kind for entry in entries[-3:]] == ["chapters", "analytics", "transcript.ready"]
    shares = {each.party: each.utterances for each in entries[-2].body.parties}
    assert shares == {"caller": 2, "agent": 1}
    rows = unpack(file_of(up, ready.archive))
    assert [row.seq for row in rows] == [entry.seq for entry in entries[:-1]]
    assert [(row.party, row.text) for row in rows if row.kind == "utterance"] == said(placed)


async def test_what_gladia_makes_of_words_is_in_the_log_and_is_searched_for(up):
    said_by_caller = "My name is Maya Lopez and I am not happy."
    placed = await up.place(conversation("good morning", "this is the bank", said_by_caller), to_number="+12025550107")
    call_id = placed.report.call_sid
    client = up.addresses.callscribe()
    bodies = []
    async with asyncio.timeout(60), client:
        async with aclosing(client.follow(call_id)) as following:
            async for each in following:
                bodies.append(each.body)
                if isinstance(each.body, TranscriptReady):
                    break

        spoken_ids = {body.id: body for body in bodies if isinstance(body, Utterance)}
        (found,) = [body for body in bodies if isinstance(body, Entities)]
        assert [(each.type, each.text) for each in found.entities] == [("NAME", "Maya Lopez")]
        utterance = spoken_ids[found.utterance]
        assert utterance.text == said_by_caller
        assert utterance.start_ms <= found.entities[0].start_ms < found.entities[0].end_ms <= utterance.end_ms
        sounds = {body.utterance: body.sentiments[0].sentiment for body in bodies if isinstance(body, Sentiment)}
        assert sounds[utterance.id] == "negative"
        assert sounds.keys() == spoken_ids.keys()
        (summary,) = [body for body in bodies if isinstance(body, Summary)]
        assert "Maya Lopez" in summary.text
        assert bodies[-1].unknown == ()

        for query in ('entity:"NAME=Maya Lopez"', "happy sentiment:negative"):
            assert call_id in [call.call_id async for call in client.search(query)]


async def test_what_was_said_is_found_when_the_call_is_over_in_the_terminal_too(up):
    placed = await up.place(conversation("good morning", "this is the bank", "I have lost my turquoise umbrella"))
    call_id = placed.report.call_sid
    client = up.addresses.callscribe()
    async with asyncio.timeout(60), client:
        async with aclosing(client.follow(call_id)) as following:
            async for each in following:
                if isinstance(each, Entry) and isinstance(each.body, TranscriptReady):
                    break
        found = [call async for call in client.search('"turquoise umbrella" party:caller -elephant')]
        assert [call.call_id for call in found] == [call_id]
        (moment,) = found[0].moments
        assert moment.text == "I have lost my turquoise umbrella"
        assert moment.link == f"#call={call_id}&t={moment.start_ms // 1000}"
        assert [call async for call in client.search("turquoise party:agent")] == []

    def search(*words: str) -> subprocess.CompletedProcess:
        command = [*CALLSCRIBE, "search", *words, "--state", str(up.state)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    shown = await asyncio.to_thread(search, "turquoise", "-elephant")
    assert "I have lost my turquoise umbrella" in shown.stdout
    assert f"{up.addresses.page_url}#call={call_id}" in shown.stdout
    assert "nothing was found" in (await asyncio.to_thread(search, "hippopotamus")).stdout
    wrong = await asyncio.to_thread(search, '"turquoise')
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "this quotation mark has no second one" in wrong.stderr


async def test_a_day_that_is_over_is_joined_and_searched_like_any_other(up):
    aws = root_at(up.addresses.aws_url)
    s3, (bucket,) = aws.client("s3"), [each for each in buckets(aws) if "archive" in each]
    began = datetime.now(UTC) - timedelta(days=5)
    entries = [
        Entry("CAold", 1, timestamp(began), "default", CallStarted(
            provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
        )),
        Entry("CAold", 2, timestamp(began), "default", Utterance(
            leg="MZ1/inbound", id="G1/1", text="an ancient hippogriff", start_ms=4200, end_ms=5000, language="en",
            confidence=0.9, words=(),
        )),
    ]  # fmt: skip
    s3.put_object(Bucket=bucket, Key=key_of(fold(entries), "CAold", "default"), Body=pack(rows(entries)))
    (join,) = [each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]
               if "JoinFunction" in each["FunctionName"]]  # fmt: skip
    answer = await asyncio.to_thread(aws.client("lambda").invoke, FunctionName=join, Payload=b"{}")
    assert "FunctionError" not in answer

    assert joined_key(began.date(), "default") in {
        each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]
    }
    async with up.addresses.callscribe() as client:
        (found,) = [call async for call in client.search("hippogriff")]
        assert (found.call_id, found.started_at, found.moments[0].start_ms) == ("CAold", timestamp(began), 4200)
        # Both are searched together, and a page may end between them.
        assert len([call async for call in client.search("number:+12025550123")]) > 1


def buckets(aws) -> list[str]:
    return [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]]


def ticket(up, **changes) -> str:
    made = push_ticket("default", ("CA1",), expires_at=int(time.time()) + 60)
    return sign(msgspec.structs.replace(made, **changes), up.addresses.signing_key)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (lambda up: "", 401),
        (lambda up: "?ticket=nonsense", 403),
        (lambda up: "?ticket=" + ticket(up, expires_at=1), 403),
        (lambda up: "?ticket=" + ticket(up, use="media"), 403),
        (lambda up: "?ticket=" + ticket(up)[:-2], 403),
    ],
)
async def test_without_a_good_ticket_nobody_follows(up, query, status):
    with pytest.raises(InvalidStatus) as raised:
        async with connect(up.addresses.push_url + query(up), proxy=None):
            pass

    assert raised.value.response.status_code == status


async def test_a_ticket_that_was_used_opens_nothing(up):
    used = f"{up.addresses.push_url}?ticket={ticket(up)}"
    async with connect(used, proxy=None):
        pass

    with pytest.raises(InvalidStatus) as raised:
        async with connect(used, proxy=None):
            pass
    assert raised.value.response.status_code == 403


async def test_who_watches_the_tenant_is_told_when_a_call_begins_and_ends(up):
    told = []
    async with asyncio.timeout(60), up.addresses.callscribe() as callscribe, aclosing(callscribe.watch()) as watching:
        assert isinstance(await anext(watching), Watching)
        placing = asyncio.create_task(up.place(conversation("hello")))
        async for each in watching:
            told.append(each.entry)
            if each.entry.kind == "call.ended":
                break
    placed = await placing

    assert [(entry.call_id, entry.kind) for entry in told] == [
        (placed.report.call_sid, "call.started"),
        (placed.report.call_sid, "call.ended"),
    ]


async def test_a_ticket_for_one_call_shows_no_other(up):
    placed = await up.place(conversation("secret"))
    async with connect(f"{up.addresses.push_url}?ticket={ticket(up)}", proxy=None) as socket:
        await socket.send(json.dumps({"action": "subscribe", "call_id": placed.report.call_sid, "after": 0}))
        answer = json.loads(await socket.recv())

        assert (answer["type"], answer["code"]) == ("error", "forbidden")
        await socket.send(json.dumps({"action": "ping"}))
        assert json.loads(await socket.recv()) == {"type": "pong"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("", {}, 403),
        ("", {"x-twilio-signature": "Zm9yZ2Vk"}, 403),
        ("/nowhere", {}, 404),
    ],
)
def test_a_webhook_that_is_not_twilios_is_turned_away(up, path, headers, status):
    request = urllib.request.Request(
        urldefrag(up.addresses.voice_url).url + path, data=b"CallSid=CA1&From=%2B1&To=%2B2", headers=headers
    )

    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request)

    assert raised.value.code == status


def test_a_file_that_is_no_audio_is_one_clear_line(up, tmp_path):
    path = tmp_path / "letter.wav"
    path.write_text("Dear customer")

    ended = subprocess.run(
        [*CALLSCRIBE, "call", str(path), "--state", str(up.state)], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "letter.wav" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_command_line_places_a_call_and_tails_it(up, tmp_path):
    tracks = conversation("good morning", "hello there")
    paths = [tmp_path / "caller.ulaw", tmp_path / "agent.ulaw"]
    for path, audio in zip(paths, (tracks.inbound, tracks.outbound), strict=True):
        path.write_bytes(audio)

    def run(*arguments: str) -> str:
        command = [*CALLSCRIBE, *arguments, "--state", str(up.state)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout

    placed = run("call", *map(str, paths))
    (call_id,) = set(re.findall(r"#call=(CA[0-9a-f]{32})", placed))
    tailed = run("tail", call_id)
    assert call_id in run("calls", "--limit", "200")
    assert "caller: good morning" in run("export", call_id)
    captions = tmp_path / "captions.vtt"
    run("export", call_id, "--format", "vtt", "--output", str(captions))
    assert "<v agent>hello there</v>" in captions.read_text()

    for shown in (placed, tailed):
        assert re.search(r"caller +good morning", shown)
        assert re.search(r"agent +hello there", shown)


def test_nothing_is_said_of_what_was_said(up):
    asyncio.run(up.place(conversation("xylophone quixotic", "zeitgeist")))

    logs = up.logs()
    assert "media stream closed" in logs
    for secret in (
        "xylophone",
        "zeitgeist",
        "2025550123",
        "2025550188",
        up.addresses.auth_token,
        up.addresses.signing_key,
        up.addresses.api_key,
    ):
        assert secret not in logs
    assert "/v2/live?token=" not in logs
    assert not re.search(r"ticket=(?!<)", logs)
