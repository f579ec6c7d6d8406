"""What goes wrong with recordings, on demand; nothing by itself."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class PreRecordedFaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For every job of the server, until others are set."""

    refusals: tuple[Literal[400, 401, 402, 403, 413, 422, 429, 500, 503], ...] = ()
    """The statuses with which the next uploads and jobs are answered, in that order."""

    fate: Literal["done", "error", "never"] = "done"
    """What becomes of a job: its result, an error with `error_code`, or nothing, for ever."""

    error_code: Annotated[int, Meta(ge=400, le=599)] = 500

    callbacks: Annotated[int, Meta(ge=0)] = 1
    """How often the end of a job is told: 0 for never."""

    failing_add_ons: tuple[Literal["named_entity_recognition", "sentiment_analysis", "summarization"], ...] = ()
    """Add-ons whose result is an error."""


NONE = PreRecordedFaults()
