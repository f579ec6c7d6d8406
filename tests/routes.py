"""What API Gateway makes of a request before a function of the HTTP API gets it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from functions.calls.operations import OPERATIONS


def matched(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Return the route of a request, and the parts of its path by their names; a path of no route as it is."""
    for operation in OPERATIONS:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path), path)
        if found and operation.method == method:
            parts = {name: unquote(part) for name, part in found.groupdict().items()}
            return f"{operation.method} {operation.path}", parts
    return f"{method} {path}", {}
