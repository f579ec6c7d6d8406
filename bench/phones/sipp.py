"""SIPp: scenarios of its own kind, and audio in a pcap file, which it sends at the file's pace."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from string import Template

from bench.phones.target import Target
from local.peers.rtp import RtpManner, packets

PACKAGE = "sip-tester"
BASE_PORT = 6000
# A pause after the audio, in which the last of it comes.
TAIL_MS = 500


def command(folder: Path, scenario: str, sides: Sequence[bytes], manner: RtpManner, to: Target) -> list[str]:
    """Return how SIPp is run to play `scenario`, a file beside this one, with audio of 8000 Hz mu-law for each line.

    What it needs is written to `folder`.
    """
    pcap = folder / "audio.pcap"
    write_pcap(pcap, sides, manner)
    text = Template(Path(__file__).with_name(f"{scenario}.xml").read_text(encoding="utf-8"))
    pause_ms = max(map(len, sides)) // 8 + TAIL_MS
    written = folder / f"{scenario}.xml"
    written.write_text(
        text.substitute(call=to.call, payload_type=manner.payload_type, pcap=pcap, pause_ms=pause_ms), encoding="utf-8"
    )
    return [
        "sipp", "-sf", str(written), "-s", to.trunk, "-t", "t1", "-m", "1", "-i", "127.0.0.1", "-mi", "127.0.0.1",
        "-nostdin", "-timeout", f"{pause_ms // 1000 + 20}", f"127.0.0.1:{to.port}",
    ]  # fmt: skip


def write_pcap(path: Path, sides: Sequence[bytes], manner: RtpManner) -> None:
    """Write the packets of each side to ports two apart, as SIPp sends them to ports that are."""
    sent = sorted(
        (
            (each.after_ms, place, each.data)
            for place, side in enumerate(sides)
            for each in packets(side, manner, ssrc=place + 1)
        ),
        key=lambda each: each[:2],
    )
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for after_ms, place, data in sent:
            frame = _frame(data, BASE_PORT + 2 * place)
            file.write(struct.pack("<IIII", after_ms // 1000, after_ms % 1000 * 1000, len(frame), len(frame)) + frame)


def _frame(data: bytes, port: int) -> bytes:
    udp = struct.pack("!HHHH", port, port, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
    return bytes(12) + b"\x08\x00" + ip + udp
