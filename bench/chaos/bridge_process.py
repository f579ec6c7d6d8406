"""`python -m bench.chaos.bridge_process '{"bridge.session.SILENT_S": 0.5}'`: the bridge, with other patience.

The constants named are set before it starts; none that does not exist is. Everything else is `python -m bridge`.
"""

from __future__ import annotations

import importlib
import json
import sys

import bridge.__main__


def main() -> int:
    """Set the constants, then run the bridge; return its exit status."""
    for path, value in json.loads(sys.argv[1]).items():
        module_name, _, name = path.rpartition(".")
        module = importlib.import_module(module_name)
        if not hasattr(module, name):
            raise SystemExit(f"there is no {path} to set")
        setattr(module, name, value)
    return bridge.__main__.main()


if __name__ == "__main__":
    sys.exit(main())
