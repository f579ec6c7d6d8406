"""The configuration that docs/sip has people paste: in the pages as in the files, and what a bridge takes."""

from __future__ import annotations

import base64
import configparser
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest
from aiosipua.message import SipMessage, SipRequest

from bridge.dialects.asterisk import FORMATS
from bridge.dialects.by_name import DIALECTS, SUBPROTOCOLS, dialect_of
from bridge.sip.recording_server import addressed
from bridge.trunk_door import Shown, shown

DOCS = Path(__file__).parents[2] / "docs" / "sip"
FILES = sorted(path for path in DOCS.glob("*/*") if path.is_file())
EXTENSIONS = (DOCS / "asterisk" / "extensions.conf").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_page_has_its_files_word_for_word(file):
    page = (DOCS / f"{file.parent.name}.md").read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8") in page


def test_every_snippet_of_a_page_is_a_file():
    for page in DOCS.glob("*.md"):
        for snippet in re.findall(r"^```\w+\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            assert snippet in [file.read_text(encoding="utf-8") for file in FILES]


def test_asterisks_client_opens_an_address_that_a_trunk_is_let_in_at():
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    parser.read(DOCS / "asterisk" / "websocket_client.conf")
    client = parser["callscribe"]

    path = urlsplit(client["uri"]).path
    found = shown(f"{path}/{client['password']}", {})
    assert found == Shown("asterisk", client["username"], client["password"])
    assert client["protocols"] in SUBPROTOCOLS
    assert client["tls_enabled"] == "yes"


def test_asterisks_forks_ask_for_what_the_bridge_takes():
    forks = re.findall(
        r"Originate\(WebSocket/callscribe/c\((\w+)\)f\((\w+)\)d\((\w+)\)v\((.*?)\),app,ChanSpy,", EXTENSIONS
    )
    assert len(forks) == 2
    parties = []
    for codec, told, direction, variables in forks:
        assert (codec in FORMATS, told, direction) == (True, "json", "in")
        query = re.sub(r"\$\{\w+\}", "1795684502.17", variables.replace("\\,", "&"))
        asked = dict(parse_qsl(query))
        assert dialect_of("asterisk", asked)
        assert asked["call"] == "1795684502.17"
        parties.append(asked["party"])
    assert parties == ["caller", "agent"]


def test_freeswitchs_fork_shows_a_secret_and_asks_for_what_the_bridge_takes():
    tree = ET.parse(DOCS / "freeswitch" / "audio_stream.xml")
    told = dict(
        action.attrib["data"].split("=", 1) for action in tree.iter("action") if action.attrib["application"] == "set"
    )
    command, _, action, address, mix, rate = told["api_on_answer"].replace("${uuid}", "6d4a-1").split()
    assert (command, action, mix, rate) == ("uuid_audio_stream", "start", "stereo", "8k")

    opened = urlsplit(address)
    headers = json.loads(told["STREAM_EXTRA_HEADERS"])
    assert shown(opened.path, headers) == Shown("freeswitch", "pbx", "SECRET")
    asked = dict(parse_qsl(opened.query))
    assert asked == {"call": "6d4a-1", "party": "caller,agent", "channels": "2"}
    assert dialect_of("freeswitch", asked)


def test_every_dialect_is_in_the_table():
    page = (DOCS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\|[^|]+\| `(\w+)` \|[^|]+\|[^|]+\|[^|]+\|$", page, re.MULTILINE)) == set(DIALECTS)


@pytest.mark.parametrize("file", sorted((DOCS / "siprec").iterdir()), ids=lambda path: path.name)
def test_recording_clients_invite_an_address_that_names_a_trunk(file):
    text = file.read_text(encoding="utf-8")
    (address,) = re.findall(r"sip:[^\"]+", text)
    request = SipMessage.parse(f"INVITE {address} SIP/2.0\r\n\r\n")
    assert isinstance(request, SipRequest)
    assert addressed(request) == ("sbc", "", "")
    assert address.endswith(";transport=tcp")
    if file.suffix == ".json":
        assert json.loads(text)[0]["record"]["siprecServerURL"] == address


def test_asterisks_audiosocket_is_linear_and_has_a_uuid():
    text = (DOCS / "asterisk" / "audiosocket.conf").read_text(encoding="utf-8")
    (dialled,) = re.findall(r"AudioSocket/([^,]+),app,ChanSpy,", text)
    assert dialled == "10.0.12.7:9092/${UUID()}/c(slin)"


def test_rtpengine_is_asked_for_what_the_bridge_takes():
    asked = json.loads((DOCS / "rtp" / "subscribe.json").read_text(encoding="utf-8"))
    answered = json.loads((DOCS / "rtp" / "answer.json").read_text(encoding="utf-8"))
    assert (asked["command"], answered["command"]) == ("subscribe request", "subscribe answer")
    assert asked["codec"]["transcode"] == ["PCMU"]
    assert set(answered) == {"command", "call-id", "to-tag", "sdp"}


def of_the_carriers() -> dict[str, tuple[str, dict[str, str]]]:
    """Return each carrier's address in the page, and the headers that come of its configuration."""
    carriers = DOCS / "carriers"
    telnyx = json.loads((carriers / "telnyx.json").read_text(encoding="utf-8"))
    ((vonage,),) = (each["endpoint"] for each in json.loads((carriers / "vonage.json").read_text(encoding="utf-8")))
    plivo, signalwire, bandwidth = (
        next(ET.fromstring((carriers / f"{name}.xml").read_text(encoding="utf-8")).iter(tag)).attrib
        | {"text": next(ET.fromstring((carriers / f"{name}.xml").read_text(encoding="utf-8")).iter(tag)).text}
        for name, tag in (("plivo", "Stream"), ("signalwire", "Stream"), ("bandwidth", "StartStream"))
    )
    exotel = urlsplit((carriers / "exotel.txt").read_text(encoding="utf-8").strip())
    return {
        "telnyx": (telnyx["stream_url"], {}),
        "vonage": (vonage["uri"], {}),
        "plivo": (plivo["text"], {}),
        "signalwire": (signalwire["url"], {"Authorization": f"Bearer {signalwire['authBearerToken']}"}),
        "bandwidth": (bandwidth["destination"], basic(bandwidth["username"], bandwidth["password"])),
        "exotel": (exotel.geturl(), basic(exotel.username, exotel.password)),
    }


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.mark.parametrize("carrier", ["telnyx", "plivo", "vonage", "signalwire", "exotel", "bandwidth"])
def test_carriers_open_an_address_that_their_trunk_is_let_in_at(carrier):
    address, headers = of_the_carriers()[carrier]
    parts = urlsplit(address)
    assert shown(parts.path, headers) == Shown(carrier, "numbers", "SECRET")
    assert dialect_of(carrier, dict(parse_qsl(parts.query)))


def test_jambonz_opens_an_address_that_its_trunk_is_let_in_at():
    (verb,) = json.loads((DOCS / "jambonz" / "listen.json").read_text(encoding="utf-8"))
    listen = verb["listen"]
    parts = urlsplit(listen["url"])
    headers = basic(listen["wsAuth"]["username"], listen["wsAuth"]["password"])
    assert shown(parts.path, headers) == Shown("jambonz", "pbx", "SECRET")
    dialect = dialect_of("jambonz", dict(parse_qsl(parts.query)))
    told = {name: listen[name] for name in ("mixType", "sampleRate")} | {"callSid": "c-1", "direction": "inbound"}
    started, *_ = dialect.receive(json.dumps(told).encode(), is_text=True, now_ms=0.0)
    assert started.tracks == ("caller", "agent")
