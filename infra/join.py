"""The function that joins the files of days that are over, and the clock that invokes it."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.archive import Archive
from infra.clock import invoke_each
from infra.function import Function


class Join(Construct):
    """Runs each hour: a day is joined when it has been over for a day, and again when a call of it has changed."""

    def __init__(self, scope: Construct, construct_id: str, *, code: Path, archive: Archive) -> None:
        super().__init__(scope, construct_id)
        self.function = function = Function(
            self,
            "Function",
            name="join",
            code=code,
            memory_mib=3008,  # DuckDB has half of it, and two cores
            timeout_s=900,  # Lambda's own limit; what is left over is done in the next hour
            disk_mib=4096,  # the files of a day of a tenant with some hundred thousand calls
            environment={"ARCHIVE_BUCKET": archive.name},
        )
        archive.allow_join(function.role)
        invoke_each(self, "EachHour", Duration.hours(1), function, finds="the same days")
