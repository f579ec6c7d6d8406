"""The list of jobs, page by page: the same for sessions and for recordings.

Source: Gladia, OpenAPI document, `GET /v2/live`, `GET /v2/pre-recorded`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

from local.gladia.errors import decode_json, invalid
from local.gladia.messages import timestamp

STATUSES = ("queued", "processing", "done", "error")
DEFAULT_LIMIT = 20


class Listed(Protocol):
    """What the filters look at."""

    @property
    def created_at_s(self) -> float:
        """When it began, POSIX."""

    @property
    def status(self) -> str:
        """One of STATUSES."""

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """What the client gave with it."""


Job = TypeVar("Job", bound=Listed)


def page(jobs: Sequence[Job], shown: Callable[[Job], dict[str, Any]], *, query: str, url: str) -> dict[str, Any]:
    """Return the page of `jobs`, the oldest first, that the query string `query` asks for: the newest first.

    `shown` is what a job looks like. `url` is the list's own address, to which the links to pages lead. Raises
    RequestError 400.
    """
    pairs = parse_qsl(query)
    offset = _natural(pairs, "offset", default=0, lowest=0)
    limit = _natural(pairs, "limit", default=DEFAULT_LIMIT, lowest=1)
    chosen = [each for each in reversed(jobs) if _fits(each, pairs)]
    others = [(name, value) for name, value in pairs if name not in ("offset", "limit")]

    def link(start: int) -> str:
        return f"{url}?{urlencode([('offset', start), ('limit', limit), *others])}"

    return {
        "first": link(0),
        "current": link(offset),
        "next": link(offset + limit) if offset + limit < len(chosen) else None,
        "items": [shown(each) for each in chosen[offset : offset + limit]],
    }


def _natural(pairs: list[tuple[str, str]], name: str, *, default: int, lowest: int) -> int:
    text = dict(pairs).get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text) >= lowest):
        raise invalid(f"{name} must be an integer number not less than {lowest}")
    return int(text)


def _fits(each: Listed, pairs: list[tuple[str, str]]) -> bool:
    """Return whether the filters let a job through; dates compare as ISO 8601 texts do."""
    created = timestamp(each.created_at_s)
    statuses = [value for name, value in pairs if name == "status"]
    if unknown := [value for value in statuses if value not in STATUSES]:
        raise invalid(f"each value in status must be one of the following values: {', '.join(STATUSES)}: {unknown[0]}")
    dates = dict(pairs)
    return (
        (not statuses or each.status in statuses)
        and created.startswith(dates.get("date", "")[:10])
        and created < dates.get("before_date", "9999")
        and created > dates.get("after_date", "")
        and all((each.custom_metadata or {}).get(key) == value for key, value in _metadata(pairs))
    )


def _metadata(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    """Yield the metadata asked for, in either spelling: `custom_metadata={"a":"b"}` or `custom_metadata[a]=b`."""
    for name, value in pairs:
        if name == "custom_metadata":
            asked = decode_json(value, name="custom_metadata")
            if not isinstance(asked, Mapping):
                raise invalid("custom_metadata must be a JSON object")
            yield from asked.items()
        elif name.startswith("custom_metadata[") and name.endswith("]"):
            yield name.removeprefix("custom_metadata[")[:-1], value
