"""How the emulated Gladia behaves where a test wants it short, or where Gladia's own behaviour is not known."""

from dataclasses import dataclass
from typing import Literal

from local.gladia.plan import NO_FAULTS, Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and open questions of the API. Times are seconds, sizes bytes."""

    keys: frozenset[str] | None = None
    """The keys let in; None lets in any that is not empty."""

    sessions_per_key: int | None = None
    """Sessions one key may have open; one more is answered 429. Gladia: 1 on the free plan, 30 on a paid one."""

    recordings_per_key: int | None = None
    """Jobs on recordings that one key may have running. Gladia: 3 on the free plan, 25 on a paid one."""

    recordings_queued_per_key: int | None = None
    """Jobs that may wait besides; one more is answered 429. Gladia: 300 on a paid plan."""

    upload_limit_bytes: int = 1000 * 1000 * 1000
    """The largest file; a larger one is answered 413. Documented, but for the status."""

    idle_limit_s: float = 30.0
    """A session without audio for so long is ended. Not documented; 30 s is what others saw."""

    idle_close_code: int = 4408
    """Seen by others for "no audio for too long"; Gladia publishes no list of codes."""

    idle_from_creation: bool = True
    """Whether the idle clock starts with the POST, or with the first audio. Not known."""

    empty_chunks_are_audio: bool = True
    """Whether a chunk without a byte starts the idle clock anew, as some clients rely on. Not known."""

    duration_limit_s: float = 3 * 3600.0
    """The longest life of a session, from the POST. Documented."""

    duration_close_code: int = 1000
    """How a session at that limit is closed, after its results. Not known."""

    message_limit_bytes: int = 1 << 20
    """A longer message closes the socket with 1009; base64 counts as the text it is."""

    too_long_limit: int = 3
    """After so many closes with 1009 the handshake is answered 403: the session is lost. The number is not known."""

    unread_limit_messages: int = 50_000
    """A client that leaves more unread loses its connection, as with any server; the session waits for it."""

    inclusive_byte_range: bool = False
    """Whether an acknowledgement's second position is that of the last byte. Gladia's documents disagree."""

    keep_while_away: bool = True
    """Whether what is said while no socket is connected waits for the next one, or is lost. Not known."""

    second_socket: Literal["replaces", "refused"] = "replaces"
    """What a second socket on one URL does: end the first, or be ended itself. Not known."""

    second_socket_close_code: int = 4409
    """The code with which the loser of the two is closed. Not known."""

    unknown_token_status: int = 403
    """How the handshake with a token that never was is answered. 401 and 404 are as likely."""

    nested_unknowns_refused: bool = False
    """Whether an unknown property below the top level is an error. Known clients send some unharmed."""

    empty_add_ons: bool = True
    """Whether an add-on that finds nothing in a final says so, with an empty list, or says nothing. Not known."""

    sentiments_as_list: bool = False
    """Whether a result holds sentiments as a list, as in Gladia's documentation, or that list as a text of JSON, as its
    OpenAPI document has it."""

    compression: bool = False
    """Whether permessage-deflate is accepted when the client offers it. Not known."""

    faults: Faults = NO_FAULTS
    """What goes wrong, on demand; nothing by itself."""
