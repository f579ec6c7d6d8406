"""Lambda's side of `join`: invoked by a clock, it has the archive's files on its disk for as long as it joins them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from functions.environment import required
from functions.join.join import Join
from functions.join.parquet import keep_readable, merge
from functions.object_store import ObjectStore
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

WORKERS = 16  # files are small, and each is waited for
AT_ONCE = 400

logger = Logger()
metrics = Metrics()
trace = Trace("join")

_config = Config(
    connect_timeout=2, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=WORKERS,
)  # fmt: skip
_archive = ObjectStore(trace.watched(boto3.client("s3", config=_config)), required("ARCHIVE_BUCKET"))


def _files(keys: Sequence[str], workers: ThreadPoolExecutor) -> Iterator[bytes]:
    """Yield files in the order of their keys, some hundred of them in memory at once."""
    for at in range(0, len(keys), AT_ONCE):
        yield from filter(None, workers.map(_archive.get, keys[at : at + AT_ONCE]))


def _merge(prefix: str, key: str) -> tuple[int, int]:
    """Join the files of calls below `prefix` into the file `key`."""
    before = _archive.version_of(key)  # a clock may tick twice: of two runs, one that read less must not be the last
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as workers:
        calls, unreadable = keep_readable(_files(_archive.keys(prefix), workers), Path(scratch))
        if calls:
            joined = Path(scratch) / "all.parquet"
            merge(Path(scratch), joined)
            with joined.open("rb") as file:
                _archive.put_after(key, file, before)
    return calls, unreadable


@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Join the days that are over."""
    join = Join(_archive, _merge, time_left_s=lambda: context.get_remaining_time_in_millis() / 1000)
    report = join.run(now=datetime.now(UTC))
    metrics.add_metric("DaysJoined", MetricUnit.Count, report.joined)
    metrics.add_metric("FilesUnreadable", MetricUnit.Count, report.unreadable)
    told = {"days": report.joined, "calls": report.calls, "unreadable": report.unreadable, "is_over": report.is_over}
    logger.info("joined", extra=told)
