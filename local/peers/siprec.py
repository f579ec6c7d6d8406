"""A simulated session border controller that has a call recorded: SIP over TCP or TLS, a line of RTP a party."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from local.peers.rtp import PCMA, PCMU, RtpManner, goodbye, packets

PERSONS = ("sip:+12025550100@pbx.example", "sip:+12025550188@pbx.example")


class NotRecorded(Exception):
    """The recording server refused, or answered what makes no sense."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """What a request was answered."""

    status: int
    phrase: str
    headers: dict[str, str]  # by lower-case names; of those that come twice, the last
    body: str

    @property
    def ports(self) -> list[int]:
        """The ports of its lines."""
        return [int(port) for port in re.findall(r"^m=\S+ (\d+)", self.body, re.MULTILINE)]

    @property
    def host(self) -> str:
        """The address where RTP goes."""
        found = re.search(r"^c=IN IP[46] (\S+)", self.body, re.MULTILINE)
        return found[1] if found else ""


@dataclass(slots=True)
class RecordingClient:
    """One recording session, seen from the one who has the call."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    target: str  # sip:<trunk>@<host>;call=…
    call_id: str = field(default_factory=lambda: f"{uuid.uuid4().hex}@sbc.example")
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    remote: str = ""  # To, as it was answered
    seq: int = 0
    labels: Sequence[str] = ("1", "2")
    persons: Sequence[str] = PERSONS
    line_end: str = "\r\n"
    answered: asyncio.Queue[Response] = field(default_factory=asyncio.Queue)
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)  # methods of requests that came, "" at the end

    async def listen(self) -> None:
        """Take what comes until the connection is closed, and answer requests."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = (await self.reader.readexactly(int(headers.get("content-length", "0")))).decode()
                if first.startswith("SIP/2.0 "):
                    _, status, phrase = first.split(" ", 2)
                    if int(status) > 100:
                        await self.answered.put(Response(int(status), phrase, headers, body))
                else:
                    kept = [line for line in lines if re.match("(?i)via|from|to|call-id|cseq", line)]
                    self.writer.write("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode())
                    await self.told.put(first.partition(" ")[0])
        await self.told.put("")

    async def request(self, method: str, *headers: str, body: str = "", kind: str = "", seq: int | None = None) -> None:
        """Send a request, of the next number if `seq` names none."""
        self.seq = self.seq + 1 if seq is None else seq
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK{uuid.uuid4().hex[:12]}",
            "Max-Forwards: 70",
            f"From: <sip:recorder@sbc.example>;tag={self.tag}",
            f"To: {self.remote or '<sip:srs@callscribe>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.seq} {method}",
            "Contact: <sip:sbc@127.0.0.1:5060;transport=tcp>;+sip.src",
            *headers,
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body.encode())}",
            "",
            body,
        ]
        self.writer.write(self.line_end.join(lines).encode())
        await self.writer.drain()

    async def invite(
        self, *headers: str, payload_types: Sequence[int] = (PCMU, PCMA), direction: str = "sendonly"
    ) -> Response:
        """Offer the lines; return what it was answered, acknowledged. Raises NotRecorded if it was refused."""
        await self.request(
            "INVITE",
            "Require: siprec",
            *headers,
            body=self._body(payload_types, direction),
            kind="multipart/mixed;boundary=callscribe",
        )
        response = await self.answered.get()
        if response.status != 200:
            raise NotRecorded(response.status, response.headers.get("warning", response.phrase))
        self.remote = response.headers["to"]
        await self.request("ACK", seq=self.seq)
        return response

    async def bye(self) -> None:
        """End the session."""
        await self.request("BYE")
        await self.answered.get()

    def _body(self, payload_types: Sequence[int], direction: str) -> str:
        kinds = " ".join(map(str, payload_types))
        lines = ["v=0", "o=sbc 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        for place, label in enumerate(self.labels):
            lines += [f"m=audio {40_000 + 2 * place} RTP/AVP {kinds} 101", "a=rtpmap:101 telephone-event/8000"]
            lines += [f"a=label:{label}", f"a={direction}"]
        end = self.line_end
        sdp = end.join([*lines, ""])
        return end.join(
            [
                "--callscribe", "Content-Type: application/sdp", "", sdp,
                "--callscribe", "Content-Type: application/rs-metadata+xml",
                "Content-Disposition: recording-session", "", self._metadata(), "--callscribe--", "",
            ]
        )  # fmt: skip

    def _metadata(self) -> str:
        people = "".join(
            f'<participant participant_id="p{label}"><nameID aor="{person}"><name>{label}</name></nameID></participant>'
            f'<stream stream_id="s{label}" session_id="session-1"><label>{label}</label></stream>'
            f'<participantstreamassoc participant_id="p{label}"><send>s{label}</send></participantstreamassoc>'
            for label, person in zip(self.labels, self.persons, strict=False)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?><recording xmlns="urn:ietf:params:xml:ns:recording:1">'
            f'<datamode>complete</datamode><session session_id="session-1"/>{people}</recording>'
        )


@contextlib.asynccontextmanager
async def recording_client(
    host: str,
    port: int,
    trunk: str,
    *,
    secret: str = "",
    call: str = "",
    tls: ssl.SSLContext | None = None,
    **options: object,
) -> AsyncIterator[RecordingClient]:
    """Connect, for a session at `trunk`; `options` are the client's own fields."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    user = f"{trunk}:{secret}" if secret else trunk
    target = f"sip:{user}@{host}:{port}" + (f";call={call}" if call else "")
    client = RecordingClient(reader, writer, target, **options)  # type: ignore[arg-type]  # its own fields
    listening = asyncio.create_task(client.listen())
    try:
        yield client
    finally:
        writer.close()
        await listening


async def speak(
    response: Response,
    sides: Sequence[bytes],
    manner: RtpManner | None = None,
    *,
    pace: float | None = 1.0,
    ssrc: int = 1,
) -> None:
    """Send the audio of each line, 8000 Hz mu-law, by RTP to where `response` says, then RTCP's goodbye.

    Lines have sources from `ssrc` on; one that spoke before has to be another source now, as its numbers begin anew.

    `pace` None: as fast as can be, and never so fast that the other side's buffers overflow.
    """
    loop = asyncio.get_running_loop()
    manner = manner or RtpManner()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(response.host, 0))
    try:
        sent = sorted(
            (
                (datagram.after_ms, place, datagram.data)
                for place, side in enumerate(sides)
                for datagram in packets(side, manner, ssrc=ssrc + place)
            ),
            key=lambda each: each[:2],
        )
        began = loop.time()
        for after_ms, place, data in sent:
            await asyncio.sleep(0 if pace is None else began + after_ms / 1000 / pace - loop.time())
            transport.sendto(data, (response.host, response.ports[place]))
        for place in range(len(sides)):
            transport.sendto(goodbye(ssrc + place), (response.host, response.ports[place] + 1))
    finally:
        transport.close()
