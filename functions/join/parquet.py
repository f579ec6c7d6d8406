"""Calls' files made into one of Parquet, on the disk that a function has: nothing is in memory as a whole.

Source: DuckDB, "JSON loading", "Parquet export".
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
from msgspec import MsgspecError

from callscribe.archive import COLUMNS, SUFFIX, unpack

_TYPES = {"string": "VARCHAR", "int": "INTEGER"}
MEMORY_MB = 1500  # of the function's 3000; beyond it DuckDB goes to disk


def keep_readable(files: Iterable[bytes], folder: Path) -> tuple[int, int]:
    """Write files of calls into `folder`; return how many were written, and how many make no sense and were not."""
    written = unreadable = 0
    for number, file in enumerate(files):
        try:
            lines = unpack(file)
        except (OSError, EOFError, MsgspecError):
            lines = []
        if not lines:
            unreadable += 1
            continue
        (folder / f"{number}{SUFFIX}").write_bytes(file)
        written += 1
    return written, unreadable


def merge(folder: Path, target: Path) -> None:
    """Make one Parquet file of the calls' files in `folder`: calls by their start, each with its entries in order."""
    typed = ", ".join(f"'{name}': '{_TYPES[kind]}'" for name, kind in COLUMNS.items())
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    with duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{MEMORY_MB}MB'")
        database.execute(f"SET temp_directory = '{folder}'")
        database.execute(
            f"COPY (SELECT {columns} FROM read_json('{folder}/*{SUFFIX}', columns = {{{typed}}}, "  # noqa: S608
            "format = 'newline_delimited') ORDER BY started_at, call_id, seq) "
            f"TO '{target}' (FORMAT PARQUET, COMPRESSION ZSTD)"
        )
