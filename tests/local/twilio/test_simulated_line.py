from local.twilio.line import Line

QUIET = b"\xff" * 160


def test_the_caller_is_heard_from_the_first_frame_and_the_callee_once_dialled():
    line = Line(caller=b"a" * 160 + b"b" * 160, callee=b"x" * 160)

    assert line.hear() == (b"a" * 160, QUIET)
    line.begin_dial()
    assert line.hear() == (b"b" * 160, b"x" * 160)
    assert line.callee_begins == 1


def test_all_is_said_when_the_longer_recording_is_over():
    line = Line(caller=b"a" * 160, callee=b"x" * 320)
    line.begin_dial()

    line.hear()
    assert not line.all_said
    assert line.hear() == (QUIET, b"x" * 160)
    assert line.all_said


def test_a_last_frame_is_filled_with_silence():
    line = Line(caller=b"a" * 100, callee=b"")
    assert line.hear()[0] == b"a" * 100 + b"\xff" * 60


def test_a_second_dial_goes_on_where_the_first_ended():
    line = Line(caller=b"", callee=b"x" * 160 + b"y" * 160)
    line.begin_dial()
    line.hear()
    line.end_dial()
    assert line.hear()[1] == QUIET
    line.begin_dial()
    assert line.hear()[1] == b"y" * 160
    assert line.callee_begins == 0
