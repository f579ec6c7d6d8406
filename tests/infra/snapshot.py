"""The templates as they were last looked at, in `tests/data/templates`: what a change does to them is read there.

`python -m tests.infra.snapshot` writes them anew, from a synth in `cdk.out`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "data" / "templates"
# The content of assets changes with every line of code.
_HASH = re.compile(r"[0-9a-f]{64}")


def masked(template: Any) -> Any:
    """Return a template without the hashes of its assets."""
    match template:
        case dict():
            return {key: masked(value) for key, value in template.items()}
        case list():
            return [masked(value) for value in template]
        case str():
            return _HASH.sub("<hash>", template)
    return template


def text(template: Any) -> str:
    """Return a template as it is kept."""
    return json.dumps(masked(template), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def templates(outdir: Path) -> dict[str, str]:
    """Return the templates in `outdir` as they are kept, by the name of their file."""
    found = sorted(outdir.glob("*.template.json"))
    return {path.name.replace(".template", ""): text(json.loads(path.read_text())) for path in found}


def main() -> None:
    """Write what `make synth` made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, kept in templates(ROOT / "cdk.out").items():
        (KEPT / name).write_text(kept, encoding="utf-8")
        sys.stdout.write(f"{KEPT / name}\n")


if __name__ == "__main__":
    main()
