"""A simulated Twilio: places a phone call to a real deployment, signed, and streams its audio as Twilio does.

It knows webhooks, TwiML and unidirectional Media Streams; `place` is all that a caller needs. What goes wrong on demand
is in `faults`, by script, and `chance`, by seed; `rest` answers for the calls that are placed through a `Switchboard`.
"""

from local.twilio.account import Account
from local.twilio.call import place
from local.twilio.events import CallEvent
from local.twilio.placement import Behaviour, Placement
from local.twilio.report import CallReport, MediaStreamReport, WebhookReport
from local.twilio.switchboard import Switchboard

__all__ = [
    "Account",
    "Behaviour",
    "CallEvent",
    "CallReport",
    "MediaStreamReport",
    "Placement",
    "Switchboard",
    "WebhookReport",
    "place",
]
