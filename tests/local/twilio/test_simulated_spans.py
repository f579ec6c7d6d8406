from local.twilio.spans import Coverage, Span, missing, united


def test_spans_that_touch_or_overlap_are_one():
    assert united([Span(40, 60), Span(0, 20), Span(20, 30), Span(50, 80)]) == (Span(0, 30), Span(40, 80))


def test_an_empty_span_covers_nothing():
    assert united([Span(20, 20)]) == ()


def test_what_is_missing_is_told_up_to_the_end():
    assert missing([Span(20, 40), Span(60, 80)], end_ms=100) == (Span(0, 20), Span(40, 60), Span(80, 100))
    assert missing([Span(0, 200)], end_ms=100) == ()
    assert missing([Span(120, 200)], end_ms=100) == (Span(0, 100),)
    assert missing([], end_ms=0) == ()


def test_coverage_is_the_same_in_any_order_and_when_repeated():
    coverage = Coverage()
    for span in (Span(0, 20), Span(40, 60), Span(20, 40), Span(20, 40), Span(100, 120)):
        coverage.add(span)
    assert coverage.spans() == (Span(0, 60), Span(100, 120))
