"""Where a call's chapters begin, what they are called, and that they hold all that was said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callscribe.chapters import chapters
from callscribe.entries import CallStarted, Entry, LegStarted, Utterance

STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
LEG = LegStarted(
    leg="MZ1/caller", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
    offset_ms=0,
)  # fmt: skip

CARD = """
I have lost my card somewhere in the city yesterday
The card was a blue debit card from your bank
We will block the card so nobody can pay with the card
Was the card used in a shop after you lost it
Nobody used the card as far as my bank app shows
A new debit card comes by post and the PIN in another letter
""".strip().splitlines()
LOAN = """
The other matter is a mortgage for a house
Which rate would the mortgage have over ten years
The mortgage rate depends on the deposit for the house
We have a deposit of a quarter of what the house costs
Then the mortgage rate is lower and the house can be yours
An adviser calls about the mortgage and the rate and the deposit
""".strip().splitlines()
FLIGHT = """
My flight to Lisbon was cancelled and the airline offers a voucher
Travel insurance pays for a cancelled flight and the hotel
The hotel in Lisbon was paid before the airline cancelled
Send the ticket of the flight and the invoice of the hotel
The insurance refunds flight and hotel within two weeks
Then the airline voucher is yours as well as the insurance refund
""".strip().splitlines()


def log(*texts, each_ms=9000, language="en"):
    said = [
        Utterance(
            leg="MZ1/caller", id=f"G1/{number}", text=text, start_ms=each_ms * number,
            end_ms=each_ms * number + min(8000, each_ms), language=language, confidence=0.9, words=(),
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    return [
        Entry("CA1", seq, "2026-11-22T09:00:00.000Z", "a", body) for seq, body in enumerate([STARTED, LEG, *said], 1)
    ]


def test_a_chapter_begins_where_the_words_change():
    made = chapters(log(*CARD, *LOAN, *FLIGHT)).chapters

    assert [each.start_ms for each in made] == [0, 6 * 9000, 12 * 9000]


def test_a_title_is_of_the_words_that_only_this_chapter_has():
    titles = [each.title for each in chapters(log(*CARD, *LOAN, *FLIGHT)).chapters]

    assert titles == ["Lost, card, debit", "Mortgage, house, rate", "Flight, cancelled, hotel"]


def test_a_call_about_one_thing_is_one_chapter():
    (chapter,) = chapters(log(*CARD)).chapters

    assert (chapter.start_ms, chapter.end_ms) == (0, 5 * 9000 + 8000)
    assert chapter.title == "Lost, card, debit"


def test_a_call_in_which_nothing_was_said_has_none():
    assert chapters(log()).chapters == ()
    assert chapters([]).chapters == ()


def test_a_chapter_without_a_telling_word_is_named_by_how_it_opens():
    (chapter,) = chapters(log("Yes, hello, how are you?", "Fine.")).chapters

    assert chapter.title == "Yes, hello, how are you?"


def test_scripts_without_spaces_have_titles_of_two_characters_and_names_keep_their_spelling():
    (japanese,) = chapters(log("保険の契約", "保険の更新", "保険を確認", language="ja")).chapters
    (arabic,) = chapters(log("التأمين على السيارة", "وثيقة التأمين", "رقم التأمين", language="ar")).chapters

    assert japanese.title.split(", ")[0] == "保険"
    assert "التأمين" in arabic.title


def test_the_same_log_has_the_same_chapters():
    assert chapters(log(*CARD, *LOAN)) == chapters(log(*CARD, *LOAN))


words = st.sampled_from(["card", "bank", "house", "rate", "flight", "hotel", "the", "of", "12", "!", "é", "保険"])


@given(st.lists(st.lists(words, max_size=12).map(" ".join), max_size=60), st.integers(1, 20_000))
def test_every_utterance_is_in_a_chapter_and_chapters_follow_each_other(texts, each_ms):
    entries = log(*texts, each_ms=each_ms)
    made = chapters(entries).chapters

    said = [entry.body for entry in entries if isinstance(entry.body, Utterance)]
    assert all(any(each.start_ms <= one.start_ms and one.end_ms <= each.end_ms for each in made) for one in said)
    assert [each.start_ms for each in made] == sorted({each.start_ms for each in made})
    assert bool(made) == bool(said)
