"""TwiML: what a webhook answers, as typed verbs.

What Twilio ignores with a warning is ignored here with the same warning. `<Connect>` belongs to that: this Twilio
has no bidirectional media streams. Source: https://www.twilio.com/docs/voice/twiml and the pages of the verbs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from local.twilio.problems import Code, Problem


@dataclass(frozen=True, slots=True)
class StartStream:
    """`<Start><Stream>`: fork the call's audio to a WebSocket; the call goes on at once. Attributes as written."""

    url: str
    name: str | None
    track: str
    status_callback: str | None
    status_callback_method: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StopStream:
    """`<Stop><Stream>`: end the media stream of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text to the caller."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait in silence."""

    length_s: int


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect the caller to another party, and go on when they have hung up."""

    destinations: tuple[str, ...]  # numbers, clients, SIP addresses, conferences: the simulated callee answers for all
    answer_on_bridge: bool
    timeout_s: int
    action: str | None
    method: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Fetch another document and follow that instead."""

    url: str  # empty: the document's own
    method: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = StartStream | StopStream | Say | Pause | Dial | Redirect | Hangup

_STREAM_ATTRIBUTES = frozenset(
    {
        "url",
        "name",
        "track",
        "statusCallback",
        "statusCallbackMethod",
        "connectorName",
        "audioFormat",  # known to Twilio's library since 9.13; what they do isn't documented
        "sampleRate",
    }
)
_DESTINATIONS = frozenset({"Number", "Client", "Sip", "Conference", "Queue", "WhatsApp", "Application", "Sim"})


@dataclass(frozen=True, slots=True)
class Document:
    """A TwiML document: its verbs in order, and what Twilio would have warned about."""

    verbs: tuple[Verb, ...]
    warnings: tuple[Problem, ...]


class InvalidTwiml(Exception):
    """This answer is no TwiML: Twilio reports the problem and ends the call."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parse(body: bytes) -> Document:
    """Return the document in `body`. Raises InvalidTwiml if it isn't XML or its root isn't `<Response>`."""
    try:
        # From the user's own server, and expat bounds the growth of entities since 2.4.1.
        root = ET.fromstring(body)  # noqa: S314
    except (ET.ParseError, LookupError, ValueError) as error:  # the last two for an encoding that expat doesn't know
        raise InvalidTwiml(Problem(Code.DOCUMENT_PARSE_FAILURE, f"the answer is not XML ({error})")) from error
    if root.tag != "Response":
        raise InvalidTwiml(Problem(Code.ROOT_IS_NOT_RESPONSE, f"the answer begins with <{root.tag}>, not <Response>"))
    warnings: list[Problem] = []
    verbs = tuple(verb for element in root for verb in _verbs(element, warnings))
    return Document(verbs=verbs, warnings=tuple(warnings))


def _verbs(element: ET.Element, warnings: list[Problem]) -> Iterator[Verb]:
    """Yield the verbs in one child of `<Response>`; `<Start>` and `<Stop>` may hold several."""
    match element.tag:
        case "Start" | "Stop":
            yield from _streams(element, warnings)
        case "Say":
            yield Say(text=" ".join("".join(element.itertext()).split()))
        case "Pause":
            yield Pause(length_s=_seconds(element, "length", 1, warnings))
        case "Dial":
            yield from _dial(element, warnings)
        case "Redirect":
            yield Redirect(url=(element.text or "").strip(), method=_method(element, "method"))
        case "Hangup":
            yield Hangup()
        case unknown:
            warnings.append(_ignored(f"<{unknown}>"))


def _streams(element: ET.Element, warnings: list[Problem]) -> Iterator[Verb]:
    """Yield what `<Start>` starts or `<Stop>` stops; other nouns than Stream aren't simulated."""
    for noun in element:
        if noun.tag != "Stream":
            warnings.append(_ignored(f"<{element.tag}><{noun.tag}>"))
        elif element.tag == "Start":
            yield _stream(noun, warnings)
        elif name := noun.get("name"):
            yield StopStream(name=name)
        else:
            warnings.append(_ignored("<Stop><Stream> without a name"))


def _stream(noun: ET.Element, warnings: list[Problem]) -> StartStream:
    warnings.extend(
        _ignored(f"the attribute {attribute} of <Stream>")
        for attribute in sorted(set(noun.keys()) - _STREAM_ATTRIBUTES)
    )
    parameters: list[tuple[str, str]] = []
    for child in noun:
        name, value = child.get("name"), child.get("value")
        if child.tag != "Parameter" or name is None or value is None:
            warnings.append(_ignored(f"<{child.tag}> in <Stream>, which is no Parameter with a name and a value"))
        else:
            parameters.append((name, value))
    return StartStream(
        url=noun.get("url", "").strip(),
        name=noun.get("name") or None,
        track=noun.get("track", "inbound_track"),
        status_callback=noun.get("statusCallback") or None,
        status_callback_method=_method(noun, "statusCallbackMethod"),
        parameters=tuple(parameters),
    )


def _dial(element: ET.Element, warnings: list[Problem]) -> Iterator[Verb]:
    destinations = [(element.text or "").strip()]
    for noun in element:
        if noun.tag in _DESTINATIONS:
            destinations.append(" ".join("".join(noun.itertext()).split()))
        else:
            warnings.append(_ignored(f"<{noun.tag}> in <Dial>"))
    destinations = [destination for destination in destinations if destination]
    if not destinations:
        warnings.append(_ignored("<Dial> without anybody to dial"))
        return
    yield Dial(
        destinations=tuple(destinations),
        answer_on_bridge=element.get("answerOnBridge", "false").lower() == "true",
        timeout_s=_seconds(element, "timeout", 30, warnings),
        action=element.get("action"),
        method=_method(element, "method"),
    )


def _seconds(element: ET.Element, attribute: str, default: int, warnings: list[Problem]) -> int:
    written = element.get(attribute)
    if written is None:
        return default
    if written.isascii() and written.isdigit():
        return int(written)
    warnings.append(_ignored(f"{attribute}={written!r} of <{element.tag}>, which is no number of seconds,"))
    return default


def _method(element: ET.Element, attribute: str) -> str:
    return "GET" if element.get(attribute, "POST").upper() == "GET" else "POST"


def _ignored(what: str) -> Problem:
    return Problem(Code.SCHEMA_VALIDATION, f"{what} is ignored")
