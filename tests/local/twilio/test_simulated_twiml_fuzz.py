"""Whatever an application answers for TwiML: a document of verbs, or no TwiML."""

from __future__ import annotations

import contextlib

from hypothesis import given

from local.twilio.twiml import InvalidTwiml, parse
from tests.mutation import mutated

FORK = (
    b'<?xml version="1.0" encoding="UTF-8"?><Response><Start><Stream url="wss://media.example.test/twilio/t" '
    b'track="both_tracks" name="n" statusCallback="https://voice.example.test/s"><Parameter name="a" value="b"/>'
    b'</Stream></Start><Dial answerOnBridge="true" timeout="20" action="/next"><Number>+12025550188</Number></Dial>'
    b"</Response>"
)
DOCUMENTS = [
    FORK,
    b"<Response><Say>Hi &amp; good <break/>day</Say><Pause length='2'/><Redirect method='GET'>/</Redirect></Response>",
    b"<Response><Stop><Stream name='n'/></Stop><Hangup/></Response>",
    b"<?xml version='1.0' encoding='utf-32'?><Response><Hangup/></Response>",
    b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Response><Say>&b;</Say></Response>',
]


@given(mutated(DOCUMENTS))
def test_an_answer_is_a_document_or_no_twiml(body):
    with contextlib.suppress(InvalidTwiml):
        assert isinstance(parse(body).verbs, tuple)
