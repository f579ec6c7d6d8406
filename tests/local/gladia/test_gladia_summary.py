"""A summary is made of sentences that were said."""

from local.gladia.intelligence.summary import summary
from tests.local.gladia.test_gladia_entities import utterance

CALL = [
    utterance("Good morning. I have lost my credit card in Berlin yesterday."),
    utterance("Okay."),
    utterance("Was the credit card stolen or lost in a shop in Berlin?"),
    utterance("The weather was lovely in the mountains near Salzburg."),
    utterance("I think I lost the credit card in a taxi in Berlin."),
    utterance("We will block the lost credit card and send another card."),
    utterance("Yes. Right."),
    utterance("Could somebody water the geraniums meanwhile?"),
]
SAID = " ".join(each.text.strip() for each in CALL)


def test_it_is_the_first_sentence_that_says_something_and_the_most_central_ones_in_order():
    assert summary(CALL, "concise") == (
        "I have lost my credit card in Berlin yesterday. I think I lost the credit card in a taxi in Berlin."
    )


def test_a_general_one_is_longer_and_leaves_out_what_is_beside_the_point():
    general = summary(CALL)
    assert summary(CALL, "concise").split(". ")[0] in general
    assert len(general) > len(summary(CALL, "concise"))
    assert "geraniums" not in general
    assert "Salzburg" not in general


def test_points_are_a_line_each():
    lines = summary(CALL, "bullet_points").splitlines()
    assert len(lines) == 5
    assert all(line.startswith("- ") and line[2:] in SAID for line in lines)


def test_where_nobody_says_much_what_there_is_has_to_do():
    assert summary([utterance("Hello?"), utterance("Yes.")]) == "Hello? Yes."


def test_nothing_said_has_a_blank_summary():
    assert summary([]) == ""


def test_three_hours_of_talk_are_summed_up_at_once():
    long = summary(CALL * 500, "general")
    assert long.count(". ") == 3
