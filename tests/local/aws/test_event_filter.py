"""Filter patterns as in AWS Lambda's guide, section "Filter rule syntax"."""

import json

import pytest

from local.aws.event_filter import MalformedPattern, read_filter


def matches(pattern, event):
    return read_filter(json.dumps(pattern)).matches(event)


def image(**attributes):
    return {"eventName": "INSERT", "dynamodb": {"NewImage": attributes}}


def kind(*rule):
    return {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": list(rule)}}}}


def test_the_filter_of_push_takes_entries_and_leaves_heads():
    pattern = kind({"exists": True})

    assert matches(pattern, image(kind={"S": "utterance"}))
    assert not matches(pattern, image(status={"S": "open"}))
    assert not matches(pattern, {**image(kind={"S": "utterance"}), "eventName": "MODIFY"})


def test_a_missing_attribute_is_matched_only_by_exists_false():
    assert matches(kind({"exists": False}), image())
    assert matches(kind({"exists": False}), {"eventName": "INSERT"})
    assert not matches(kind({"exists": False}), image(kind={"S": "dtmf"}))
    assert not matches(kind({"anything-but": ["dtmf"]}), image())
    assert not matches(kind(None), image())


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (["dtmf", "utterance"], "utterance", True),
        (["dtmf"], "utterance", False),
        ([""], "", True),
        ([""], "x", False),
        ([None], None, True),
        ([None], "", False),
        ([300], 300, True),
        ([300], 300.0, False),
        ([1], True, False),
        ([True], True, True),
        ([{"prefix": "call."}], "call.started", True),
        ([{"prefix": "call."}], "leg.started", False),
        ([{"suffix": ".ended"}], "leg.ended", True),
        ([{"suffix": ".ended"}], "leg.started", False),
        ([{"equals-ignore-case": "DTMF"}], "dtmf", True),
        ([{"anything-but": ["dtmf", "leg.gap"]}], "leg.gap", False),
        ([{"anything-but": "dtmf"}], "utterance", True),
        ([{"numeric": ["=", 100]}], 100, True),
        ([{"numeric": ["=", 100]}], 100.0, True),
        ([{"numeric": [">", 10, "<=", 20]}], 20, True),
        ([{"numeric": [">", 10, "<=", 20]}], 10, False),
        ([{"numeric": ["=", 100]}], "100", False),
        (["dtmf", {"prefix": "call."}], "call.ended", True),
        (["b"], ["a", "b"], True),
        (["c"], ["a", "b"], False),
    ],
)
def test_an_alternative_matches_as_in_the_guide(rule, value, expected):
    assert matches(kind(*rule), image(kind={"S": value})) is expected


def test_dynamodbs_numbers_are_strings_and_no_numeric_comparison_matches_them():
    assert not matches({"dynamodb": {"NewImage": {"n": {"N": [{"numeric": [">", 0]}]}}}}, image(n={"N": "5"}))


def test_or_takes_whole_objects():
    pattern = {"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"NewImage": {"kind": {"S": ["dtmf"]}}}}]}

    assert matches(pattern, image(kind={"S": "dtmf"}))
    assert matches(pattern, {"eventName": "REMOVE"})
    assert not matches(pattern, image(kind={"S": "utterance"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"a": "b"}',
        '{"a": []}',
        '{"a": [{"cidr": "10.0.0.0/24"}]}',
        '{"a": [{"wildcard": "*"}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"prefix": "a", "suffix": "b"}]}',
        '{"a": [{"anything-but": {"prefix": "a"}}]}',
        '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"$or": []}',
    ],
)
def test_a_pattern_that_lambda_does_not_document_is_refused(text):
    with pytest.raises(MalformedPattern):
        read_filter(text)
