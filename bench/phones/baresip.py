"""baresip: a softphone, with a file for a microphone."""

from __future__ import annotations

import wave
from pathlib import Path

from bench.phones.target import Target
from local.audio import mulaw_decode
from local.peers.rtp import PCMA, RtpManner

PACKAGE = "baresip-core"
_CONFIG = """\
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module account.so
module stdio.so
module_app menu.so
sip_listen 127.0.0.1:0
sip_transports tcp
net_interface 127.0.0.1
audio_source aufile,{folder}/microphone.wav
audio_player aufile,{folder}/speaker.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
audio_channels 1
rtp_ports 40000-40998
"""
# It hangs up at the end of its file, by itself.
TAIL_S = 5


def command(folder: Path, side: bytes, manner: RtpManner, to: Target) -> list[str]:
    """Return how baresip is run to call and say `side`, 8000 Hz mu-law. What it needs is written to `folder`."""
    with wave.open(str(folder / "microphone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(mulaw_decode(side).astype("<i2").tobytes())
    (folder / "config").write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    codec = "PCMA" if manner.payload_type == PCMA else "PCMU"
    account = (
        f"<sip:+12025550100@127.0.0.1;transport=tcp>;regint=0;audio_codecs={codec}/8000/1;ptime={manner.packet_ms}\n"
    )
    (folder / "accounts").write_text(account, encoding="utf-8")
    dial = f"/dial sip:{to.trunk}@127.0.0.1:{to.port};transport=tcp;call={to.call}"
    return ["baresip", "-f", str(folder), "-e", dial, "-t", str(len(side) // 8000 + TAIL_S)]
