"""Where a deployment is, and by what names AWS knows its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bridge.environment import read_environment
from callscribe.errors import Refused


class Incomplete(Exception):
    """The stacks do not tell all that has to be known; the message names what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment. Addresses have no slash at their end; secrets are ARNs by the variable of the bridge's task."""

    voice_url: str
    status_url: str
    api_url: str
    media_url: str
    gladia_url: str
    twilio_url: str
    sessions_table: str
    keys_table: str
    gladia_sessions: int
    secrets: Mapping[str, str]

    @classmethod
    def read(cls, outputs: Mapping[str, str], task: Mapping[str, str]) -> Self:
        """Return what the outputs of all stacks and the environment of the bridge's task say. Raises Incomplete."""
        missing = [name for name in ("VoiceUrl", "StatusUrl", "ApiUrl", "MediaUrl", "KeysTable") if name not in outputs]
        if missing:
            raise Incomplete(", ".join(missing))
        try:
            bridge = read_environment(task)
        except Refused as error:
            raise Incomplete(f"the bridge's task all that it needs: {error}") from error
        return cls(
            voice_url=outputs["VoiceUrl"],
            status_url=outputs["StatusUrl"],
            api_url=outputs["ApiUrl"].rstrip("/"),
            media_url=bridge.media_url.rstrip("/"),
            gladia_url=bridge.gladia_url.rstrip("/"),
            twilio_url=bridge.twilio_url.rstrip("/"),
            sessions_table=bridge.sessions_table,
            keys_table=outputs["KeysTable"],
            gladia_sessions=bridge.gladia_sessions,
            secrets={
                "GLADIA_SECRET": bridge.gladia_secret,
                "TWILIO_SECRET": bridge.twilio_secret,
                "SIGNING_SECRET": bridge.signing_secret,
            },
        )

    @property
    def stream_url(self) -> str:
        """The webhook that is told of media streams."""
        return f"{self.voice_url.partition('#')[0].removesuffix('/voice')}/stream"
