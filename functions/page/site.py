"""The page's files and its configuration, as answers to GET."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

CONFIG: Final = "config.json"
_INDEX: Final = "index.html"

# A new deployment is seen within a minute; until then CloudFront answers, after that a file that is as it was costs
# its headers.
_FILE: Final = "max-age=0, s-maxage=60, must-revalidate"
_HEADERS: Final = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; its text goes out as UTF-8."""

    status: HTTPStatus
    headers: Mapping[str, str]
    text: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    text: str
    media_type: str
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:32]
        object.__setattr__(self, "tag", f'"{digest}"')


class Site:
    """All files of a folder, read once, and `config.json` beside them."""

    def __init__(self, files: Mapping[str, _File]) -> None:
        self._files = files

    @classmethod
    def of(cls, folder: Path, *, config: Mapping[str, str]) -> Self:
        """Return the site in `folder`, whose files are text; `config` is what its `config.json` says."""
        files = {
            path.name: _File(path.read_text(encoding="utf-8"), _media_type(path.name)) for path in folder.iterdir()
        }
        files[CONFIG] = _File(json.dumps(config), _media_type(CONFIG))
        return cls(files)

    def answer(self, path: str, *, tag: str = "") -> Answer:
        """Return what `GET path` gets from a client that has what is tagged `tag` (its If-None-Match)."""
        file = self._files.get(path.removeprefix("/") or _INDEX)
        if file is None:
            headers = {**_HEADERS, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
            return Answer(HTTPStatus.NOT_FOUND, headers, "there is nothing here\n")
        headers = {**_HEADERS, "cache-control": _FILE, "etag": file.tag}
        # A cache that compresses makes a tag weak, and compares weakly (RFC 9110, 13.1.2).
        if tag.removeprefix("W/") == file.tag:
            return Answer(HTTPStatus.NOT_MODIFIED, headers)
        return Answer(HTTPStatus.OK, {**headers, "content-type": f"{file.media_type}; charset=utf-8"}, file.text)


def _media_type(name: str) -> str:
    # Not what this machine's tables say: a module that is no JavaScript is not run.
    return "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "text/plain"
