"""The recording server's own decisions: what it answers to whom, and what it tells of recording sessions."""

from __future__ import annotations

import pytest
from aiosipua.message import SipMessage, SipRequest, SipResponse
from hypothesis import given
from hypothesis import strategies as st

from bridge.sip.dialog import Way
from bridge.sip.recording_server import GIVEN_UP_S, Ended, Invited, Offered, RecordingServer, Refusal, Send

WAY = Way("c", "192.0.2.9:5060", ("203.0.113.5", 4711))
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n"
ANSWER = "v=0\r\n"


def request(
    method: str, *headers: str, seq: int = 1, to: str = "", sdp: str = "", uri: str = "sip:sbc@srs"
) -> SipRequest:
    lines = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/TCP sbc.example;branch=z9hG4bK1;rport",
        "From: <sip:+12025550100@sbc.example>;tag=theirs",
        f"To: <sip:srs>{to}",
        "Call-ID: call-1",
        f"CSeq: {seq} {method}",
        "Contact: <sip:sbc@203.0.113.5:5060>",
        *headers,
        *(["Content-Type: application/sdp"] if sdp else []),
        "",
        sdp,
    ]
    parsed = SipMessage.parse("\r\n".join(lines))
    assert isinstance(parsed, SipRequest)
    return parsed


class Told:
    """A server, and what it wants done."""

    def __init__(self) -> None:
        self.server = RecordingServer()

    def __call__(self, *args, now: float = 0.0, **options) -> list:
        return list(self.server.receive(request(*args, **options), WAY, now=now))

    def begun(self, *headers: str) -> tuple:
        """Begin a session; return its dialog and the tag that it has on our side."""
        (_, invited) = self("INVITE", *headers, sdp=SDP)
        (answer,) = self.server.accept(invited.dialog, ANSWER, now=0.0)
        self("ACK")
        return invited.dialog, ";tag=" + invited.dialog.local_tag, parsed(answer)


def parsed(effect) -> SipResponse:
    message = SipMessage.parse(effect.data)
    assert isinstance(message, SipResponse)
    return message


def statuses(effects) -> list[int]:
    return [parsed(each).status_code for each in effects if isinstance(each, Send)]


def test_an_invitation_is_told_and_answered_by_who_decides():
    told = Told()
    trying, invited = told("INVITE", "Require: siprec", sdp=SDP, uri="sip:sbc:s%20ecret@srs;call=c%2D1")
    assert parsed(trying).status_code == 100
    assert isinstance(invited, Invited)
    assert (invited.trunk, invited.secret, invited.call, invited.caller) == ("sbc", "s ecret", "c-1", "+12025550100")
    assert "ecret" not in repr(invited)
    (answer,) = told.server.accept(invited.dialog, ANSWER, now=0.0)
    response = parsed(answer)
    assert (response.status_code, response.body, response.content_type) == (200, b"v=0\r\n", "application/sdp")
    assert response.to_addr.tag == invited.dialog.local_tag
    assert response.get_header("contact") == "<sip:callscribe@192.0.2.9:5060;transport=tcp>;+sip.srs"
    assert response.get_header("via") == "SIP/2.0/TCP sbc.example;branch=z9hG4bK1;rport=4711;received=203.0.113.5"


def test_a_call_without_a_name_is_named_by_its_call_id():
    _, invited = Told()("INVITE", sdp=SDP)
    assert invited.call == "call-1"


def test_the_answer_is_sent_again_until_it_is_acknowledged_and_then_given_up():
    told = Told()
    _, invited = told("INVITE", sdp=SDP)
    list(told.server.accept(invited.dialog, ANSWER, now=0.0))
    at, again = [], []
    while (deadline := told.server.deadline) is not None:
        again = list(told.server.wake(now=deadline))
        at.append(deadline)
    assert at[:5] == [0.5, 1.5, 3.5, 7.5, 11.5]
    bye, ended = again
    assert at[-1] >= GIVEN_UP_S
    assert bye.data.startswith(b"BYE sip:sbc@203.0.113.5:5060 SIP/2.0\r\n")
    assert ended == Ended(invited.dialog, "the answer was not acknowledged")


def test_an_acknowledged_answer_is_not_sent_again():
    told = Told()
    told.begun()
    assert told.server.deadline is None


def test_an_invitation_that_comes_again_is_the_same():
    told = Told()
    _, invited = told("INVITE", sdp=SDP)
    assert told("INVITE", sdp=SDP) == []
    (answer,) = told.server.accept(invited.dialog, ANSWER, now=0.0)
    assert told("INVITE", sdp=SDP) == [answer]


def test_another_offer_is_told_and_answered_in_its_turn():
    told = Told()
    dialog, tag, _ = told.begun()
    (offered,) = told("INVITE", seq=2, to=tag, sdp=SDP + "a=inactive\r\n")
    assert isinstance(offered, Offered)
    assert offered.dialog is dialog
    assert not offered.offer.lines[0].is_sent
    assert statuses(told("UPDATE", seq=3, to=tag, sdp=SDP)) == [491]  # one at a time
    (answer,) = told.server.accept(dialog, ANSWER, now=0.0)
    assert told("INVITE", seq=2, to=tag, sdp=SDP) == [answer]
    assert statuses(told("INVITE", seq=1, to=tag, sdp=SDP)) == [500]


def test_an_offer_that_can_not_be_heard_leaves_the_session_as_it_was():
    told = Told()
    _, tag, _ = told.begun()
    assert statuses(told("INVITE", seq=2, to=tag, sdp=SDP.replace("0 8", "18"))) == [488]
    assert statuses(told("BYE", seq=3, to=tag)) == [200]


@pytest.mark.parametrize(
    ("headers", "sdp", "status"),
    [
        (["Require: siprec, 100rel"], SDP, 420),
        (["Session-Expires: 10"], SDP, 422),
        ([], "", 488),
        ([], "v=one", 400),
        ([], SDP.replace("RTP/AVP", "RTP/SAVP"), 488),
        ([], SDP.replace("0 8", "18"), 488),
    ],
)
def test_what_can_not_be_done_is_refused_with_what_there_is(headers, sdp, status):
    told = Told()
    effects = told("INVITE", *headers, sdp=sdp)
    assert statuses(effects) == [100, status]
    assert not any(isinstance(each, Invited | Ended) for each in effects)
    assert statuses(told("INVITE", sdp=SDP, seq=2))[0] == 100  # and may be tried again


def test_a_refusal_says_what_to_configure():
    effects = Told()("INVITE", sdp=SDP.replace("0 8", "18"))
    assert Refusal("the offer has no format that all its lines share: offer PCMU or PCMA") in effects
    assert "offer PCMU or PCMA" in parsed(effects[1]).get_header("warning")


def test_what_is_cancelled_while_it_is_decided_is_not_answered_any_more():
    told = Told()
    _, invited = told("INVITE", sdp=SDP)
    effects = told("CANCEL")
    assert statuses(effects) == [200, 487]
    assert effects[-1] == Ended(invited.dialog, "cancelled")
    assert list(told.server.accept(invited.dialog, ANSWER, now=0.0)) == []
    assert statuses(told("CANCEL")) == [481]


def test_it_is_over_with_bye_and_known_no_more():
    told = Told()
    dialog, tag, _ = told.begun()
    response, ended = told("BYE", seq=2, to=tag)
    assert parsed(response).status_code == 200
    assert ended == Ended(dialog, "stop")
    assert statuses(told("BYE", seq=3, to=tag)) == [481]
    assert statuses(told("INVITE", seq=3, to=tag, sdp=SDP)) == [481]


def test_we_hang_up_where_its_requests_come_from_along_its_route():
    told = Told()
    dialog, _, _ = told.begun("Record-Route: <sip:proxy.example;lr>")
    bye, ended = told.server.hang_up(dialog, "it has to end")
    message = SipMessage.parse(bye.data)
    assert isinstance(message, SipRequest)
    assert (message.uri, message.get_header("route")) == ("sip:sbc@203.0.113.5:5060", "<sip:proxy.example;lr>")
    assert message.to_addr.tag == "theirs"
    assert message.from_addr.tag == dialog.local_tag
    assert ended.reason == "it has to end"
    assert list(told.server.hang_up(dialog, "again")) == []


def test_a_session_that_is_not_refreshed_in_time_is_over():
    told = Told()
    dialog, tag, answer = told.begun("Supported: timer", "Session-Expires: 90;refresher=uac")
    assert (answer.get_header("session-expires"), answer.get_header("require")) == ("90;refresher=uac", "timer")
    assert told.server.deadline == 60.0
    assert statuses(told("UPDATE", "Supported: timer", "Session-Expires: 90;refresher=uac", seq=2, to=tag, now=50)) == [
        200
    ]
    assert told.server.deadline == 110.0
    *_, ended = told.server.wake(now=110.0)
    assert ended == Ended(dialog, "the session was not refreshed in time")


@pytest.mark.parametrize(
    "headers", [["Session-Expires: 90"], ["Supported: timer", "Session-Expires: 90;refresher=uas"]]
)
def test_no_timer_is_promised_that_we_would_have_to_keep(headers):
    told = Told()
    _, _, answer = told.begun(*headers)
    assert answer.get_header("session-expires") is None
    assert told.server.deadline is None


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("OPTIONS", {}, 200),
        ("REGISTER", {}, 405),
        ("BYE", {"to": ";tag=x"}, 481),
        ("UPDATE", {}, 481),
        ("CANCEL", {}, 481),
    ],
)
def test_other_requests(method, options, status):
    assert statuses(Told()(method, **options)) == [status]


def test_a_request_without_what_each_must_have_is_a_bad_one():
    broken = request("INVITE", sdp=SDP)
    broken.remove_header("call-id")
    server = RecordingServer()
    assert statuses(server.receive(broken, WAY, now=0.0)) == [400]
    broken.remove_header("via")
    assert list(server.receive(broken, WAY, now=0.0)) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "OPTIONS"]),
            st.integers(0, 3),
            st.booleans(),
            st.sampled_from([SDP, "", "v=one", SDP.replace("0 8", "18")]),
            st.sampled_from(["accept", "refuse", "wait"]),
        ),
        max_size=12,
    )
)
def test_fuzz_sessions_begin_and_end_once_whatever_comes(steps):
    told = Told()
    now, live, ended, waiting, tag = 0.0, set(), set(), [], ""
    for method, seq, has_tag, sdp, then in steps:
        now += 1
        effects = told(method, seq=seq, to=tag if has_tag else "", sdp=sdp, now=now)
        if then != "wait" and waiting:
            dialog = waiting.pop()
            effects += (
                told.server.accept(dialog, ANSWER, now=now) if then == "accept" else told.server.refuse(dialog, 488)
            )
        effects += told.server.wake(now=now)
        for each in effects:
            if isinstance(each, Invited):
                assert each.dialog not in live
                live.add(each.dialog)
            if isinstance(each, Invited | Offered):
                waiting.append(each.dialog)
                tag = ";tag=" + each.dialog.local_tag
            if isinstance(each, Ended):
                assert each.dialog in live
                assert each.dialog not in ended
                ended.add(each.dialog)
            if isinstance(each, Send):
                SipMessage.parse(each.data)
