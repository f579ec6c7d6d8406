"""What is heard on the caller's leg, frame by frame.

Sans-I/O. Inbound is what Twilio hears from the caller, outbound what it plays to the caller: the callee while a
`<Dial>` lasts, silence else (the simulated Twilio has no voice for `<Say>`).
"""

from local.audio import SILENCE

FRAME_BYTES = 160  # 20 ms of 8000 Hz mu-law
FRAME_MS = 20
SAY_CHARACTER_MS = 60  # about 16 characters a second, an unhurried voice

_SILENT_FRAME = SILENCE * FRAME_BYTES


class Line:
    """The audio of one call. The caller speaks from the first frame on, the callee from the first dialled one."""

    def __init__(self, *, caller: bytes, callee: bytes) -> None:
        self._caller = caller
        self._callee = callee
        self._callee_at = 0
        self._dialling = False
        self.frames = 0  # heard so far
        self.callee_begins: int | None = None  # the frame in which the callee's audio begins

    def begin_dial(self) -> None:
        """Let the callee speak, who goes on where an earlier dial ended."""
        self._dialling = True
        if self.callee_begins is None:
            self.callee_begins = self.frames

    def end_dial(self) -> None:
        """Let the callee fall silent."""
        self._dialling = False

    @property
    def all_said(self) -> bool:
        """Whether both parties have said all they have to say."""
        return self.frames * FRAME_BYTES >= len(self._caller) and self._callee_at >= len(self._callee)

    def hear(self) -> tuple[bytes, bytes]:
        """Return the next frame of inbound and of outbound; what a recording lacks at its end is silence."""
        at = self.frames * FRAME_BYTES
        inbound = self._caller[at : at + FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
        outbound = _SILENT_FRAME
        if self._dialling:
            outbound = self._callee[self._callee_at : self._callee_at + FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
            self._callee_at += FRAME_BYTES
        self.frames += 1
        return inbound, outbound
