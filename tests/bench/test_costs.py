"""What an hour is computed to use and to cost, by hand for small cases; and the page says what is computed."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest

from bench.costs.bill import Bill
from bench.costs.limits import LIMITS
from bench.costs.page import PAGE, amount, dollars, filled
from bench.costs.parameters import Parameters, explained
from bench.costs.prices import PRICES
from bench.costs.usage import Hour
from bridge.pulse import BEAT_S
from bridge.succession import KEEP_S
from bridge.watch import EVERY_S
from local.twilio.mediastream import MediaStream

TEXT = PAGE.read_text(encoding="utf-8")
ROUND = Parameters(
    call_minutes=Decimal(6),
    utterances_a_minute=Decimal(10),
    partial_posts_a_minute=Decimal(60),
    partial_bytes=Decimal(300),
    entry_frame_bytes=Decimal(500),
    writes_an_entry=Decimal(1),
    media_bytes_a_second=Decimal(40_000),
    gladia_bytes_a_second=Decimal(20_000),
    calls_a_task=Decimal(12),
)
"""Ten calls an hour, each of six minutes and 66 entries; twelve to a task."""


def quantities(hour: Hour) -> dict[tuple[str, str], Decimal]:
    return {(line.part, line.what): line.quantity for line in hour.lines()}


def limit(what: str):
    (found,) = [each for each in LIMITS if each.what.startswith(what)]
    return found


def test_one_call_at_once_is_as_many_calls_as_fit_in_an_hour():
    hour = Hour(1, ROUND)

    assert (hour.begun, hour.minutes, hour.entries, hour.tasks) == (10, 60, 700, 1)


def test_there_are_whole_tasks():
    assert [Hour(calls, ROUND).tasks for calls in (12, 13, 24, 25)] == [1, 2, 2, 3]


def test_what_is_used_is_what_a_hand_computes():
    found = quantities(Hour(1, ROUND))

    assert found["Gladia", "hours of channels"] == 2
    assert found["Twilio Media Streams", "minutes"] == 65  # ten last minutes, each half over
    assert (found["bridge", "vCPU hours"], found["bridge", "GB hours of memory"]) == (1, 2)
    assert found["audio in", "GB through CloudFront"] == Decimal("0.144")
    assert found["audio out", "GB to Gladia"] == Decimal("0.072")
    assert found["the log", "write units of Calls"] == 700 + 10 * (2 + 10)
    # Ten calls with 6 for lanes and 2 for slots; 4 a minute; 1,800 heartbeats.
    assert found["sessions", "write units of Sessions"] == 80 + 240 + 1800
    # 3,600 looks at one task; ten at all tasks and slots; ten times two of the lane; 60 sweeps, with a task's lanes.
    assert found["sessions", "read units of Sessions"] == 3600 + 20 + 20 + 60 * Decimal("2.5")
    # 700 entries, 3,600 partials, 60 pings and replays with their answers, ten subscribe and are answered.
    assert found["following", "messages"] == 700 + 3600 + 240 + 20
    assert found["following", "GB to clients"] == Decimal(700 * 500 + 3600 * 300) / 10**9
    assert found["Lambda", "push: invocations"] == 700
    assert found["Lambda", "subscribe: invocations"] == 30 + 120
    assert (
        found["traces", "traces"] == 40 + 2 * 700 + 150 + 10 + 10 + 60 + 2 * 30 + 1 + 50 + 60
    )  # fewer than one a second


def test_without_subscribers_nothing_is_posted_but_who_follows_is_asked_all_the_same():
    found = quantities(Hour(1, Parameters(subscribers=Decimal(0))))

    assert found["following", "messages"] == found["following", "minutes of connections"] == 0
    assert found["following", "read units of Subscriptions"] > 2000


def test_all_tasks_look_at_all_tasks():
    few, many = Hour(1200, ROUND), Hour(12_000, ROUND)

    assert (few.tasks, few.tasks_units) == (100, 3)  # 9,000 bytes
    assert (many.tasks, many.tasks_units) == (1000, 22)  # 90,000 bytes
    assert limit("DynamoDB: read units a second of the partition of all tasks").needed(many) > 22_000


def test_of_many_traces_one_in_twenty_is_recorded():
    hour = Hour(1000)
    invoked = sum(hour.invocations.values())

    assert hour.traces == 3600 + (invoked - 3600) / 20


def test_a_bill_is_quantities_times_prices():
    hour = Hour(1, ROUND)
    bill = Bill.of(hour)

    assert bill.parts["Gladia"] == Decimal("1.50")
    assert bill.parts["bridge"] == Decimal("0.03238") + 2 * Decimal("0.00356") + Decimal("0.005")
    assert round(bill.total, 20) == round(sum(line.quantity * PRICES[line.price].of_one for line in hour.lines()), 20)
    assert bill.aws == bill.total - Decimal("1.50") - 65 * Decimal("0.0044")
    assert bill.total_at_growth == bill.total - 1
    assert bill.carrier == 65 * Decimal("0.0085")


def test_a_limit_holds_up_to_the_number_of_calls_that_it_tells_and_no_further():
    for each in LIMITS:
        most = each.most_calls()
        assert most >= 1
        assert each.holds(Hour(most))
        assert most == 1_000_000 or not each.holds(Hour(most + 1))


def test_the_page_is_up_to_date():
    assert filled(TEXT) == TEXT, "make costs"


def test_every_table_has_its_place_on_the_page():
    assert Counter(re.findall(r"<!-- computed: (\w+) -->", TEXT)) == Counter(
        ["costs", "limits", "quantities", "parameters", "prices"]
    )


def test_what_the_page_says_in_words_is_so():
    one, hundred = Bill.of(Hour(1)), Bill.of(Hour(100))
    alone = Bill.of(Hour(100, Parameters(subscribers=Decimal(0))))
    fuller = Bill.of(Hour(10_000, Parameters(calls_a_task=Decimal(80))))
    posts = Hour(100).partial_posts / Hour(100).posts
    others = [1 - bill.aws / bill.total for bill in (one, hundred)]

    assert f"{others[0]:.0%} of a single call, {others[1]:.0%}" in TEXT
    assert f"{hundred.aws:.1f} cents an hour and call" in TEXT
    assert f"{hundred.aws:.1f} cents an hour and call" in (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"nobody follows, {alone.aws:.1f}" in TEXT
    assert f"{posts:.0%} of all posts are partials" in TEXT
    assert f"a call's {Hour(1).given.media_bytes_a_second * 3600 / 10**6:.0f} MB an hour" in TEXT
    assert fuller.parts["bridge"] * 2 == Bill.of(Hour(10_000)).parts["bridge"]
    assert f"The {Hour(100).tasks} tasks" in TEXT
    assert f"ends at {limit('tasks that there may be').most_calls()} calls" in TEXT
    for what in ("of all tasks", "of all slots"):
        most = limit(f"DynamoDB: read units a second of the partition {what}").most_calls()
        assert f"{what.removeprefix('of ')} at {most // 100 * 100:,}" in TEXT
    assert f"at about {limit('API Gateway: requests').most_calls() // 100 * 100:,}" in TEXT


def test_each_price_says_where_and_when_it_was_read():
    for price in PRICES.values():
        assert price.source
        assert re.fullmatch(r"2026-\d\d-\d\d", price.read) or price.told_by.startswith("nobody")


def test_each_price_is_used():
    used = {line.price for line in Hour(1).lines()} | {Hour(1).carrier().price, "gladia_growth"}

    assert used == set(PRICES)


def test_each_parameter_is_known_in_one_of_three_ways():
    assert {each.known for each in explained(Parameters())} == {"measured", "code", "assumed"}


def test_what_is_taken_from_the_bridges_constants_is_what_they_are():
    given = Parameters()

    assert given.beats_a_minute == Decimal(60) / Decimal(BEAT_S)
    assert given.looks_a_minute == Decimal(60) / Decimal(EVERY_S)
    assert given.lane_writes_a_minute == 2 * Decimal(60) / Decimal(KEEP_S)


def test_a_second_of_both_tracks_is_as_many_bytes_as_the_simulated_carrier_sends():
    stream = MediaStream(
        stream_sid="MZ" + "0" * 32, call_sid="CA" + "0" * 32, account_sid="AC" + "0" * 32,
        tracks=("inbound", "outbound"), parameters=(), chunks="shared", first_timestamp_ms=102,
    )  # fmt: skip
    seconds = 300
    header = 8  # of a WebSocket message from a client, of 126 bytes and more
    sent = sum(
        len(stream.media(track, ms, b"\x7e" * 160)) + header
        for ms in range(0, seconds * 1000, 20)
        for track in ("inbound", "outbound")
    )

    assert round(Decimal(sent) / seconds) == Parameters().media_bytes_a_second


@pytest.mark.parametrize(
    ("value", "shown"), [("180.6", "181"), ("2.284", "2.28"), ("0.02284", "0.0228"), ("15000", "15,000")]
)
def test_a_sum_is_shown_as_the_page_says(value: str, shown: str):
    assert dollars(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("102384", "102,384"), ("8", "8"), ("14.126", "14.1"), ("0.001", "under 0.01")]
)
def test_a_quantity_is_shown_to_three_digits(value: str, shown: str):
    assert amount(Decimal(value)) == shown
