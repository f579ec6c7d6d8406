"""The archive's files as a table of SQL: Glue knows its columns, Athena runs what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.archive import ANSWERS, ENTRIES, JOINED, Archive
from infra.grants import allow
from infra.key import Key

# `callscribe/joined.py` names both too, and a test holds them together.
TABLE: Final = "entries"  # a call a file, JSON
JOINED_TABLE: Final = "joined"  # a day a file, Parquet
# What one query may read, at 5 dollars a TB; a busy tenant's month is a hundredth of it.
MOST_BYTES: Final = 100_000_000_000

# The columns of a file's lines and of its folders' names; `callscribe/archive.py` makes them, and a test holds them
# together.
COLUMNS: Final = {
    "call_id": "string",
    "seq": "int",
    "kind": "string",
    "at": "string",
    "started_at": "string",
    "duration_ms": "int",
    "provider": "string",
    "direction": "string",
    "from_number": "string",
    "to_number": "string",
    "party": "string",
    "start_ms": "int",
    "end_ms": "int",
    "text": "string",
    "words": "string",
    "language": "string",
    "sentiment": "string",
    "entities": "string",
    "compared": "int",
    "differing": "int",
    "body": "string",
}
FOLDERS: Final = {"day": "string", "tenant": "string"}


@dataclass(frozen=True, slots=True)
class _Format:
    says: str
    classification: str
    input_format: str
    output_format: str
    library: str
    parameters: Mapping[str, str]


_JSON: Final = _Format(
    says="A line an entry of a call's log, a file a call",
    classification="json",
    input_format="org.apache.hadoop.mapred.TextInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    library="org.openx.data.jsonserde.JsonSerDe",
    # A line that is broken is a row of nothing, and costs no query.
    parameters={"ignore.malformed.json": "true"},
)
_PARQUET: Final = _Format(
    says="The same rows, a file a tenant's day that is over",
    classification="parquet",
    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    parameters={},
)


class ArchiveTable(Construct):
    """Two tables whose partitions are computed from their names, so that none has to be made known, and a workgroup."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: str, archive: Archive, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._archive = archive
        self.database = f"callscribe_{stage.replace('-', '_')}"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Stack.of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database, description="Calls that are over"
            ),
        )
        for logical, name, prefix, form in (
            ("Table", TABLE, ENTRIES, _JSON),
            ("JoinedTable", JOINED_TABLE, JOINED, _PARQUET),
        ):
            self._table(logical, name, f"s3://{archive.name}/{prefix}", form).add_resource_dependency(database)
        self._workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=f"callscribe-{stage}-search",
            description="Searches of calls (docs/archive.md)",
            recursive_delete_option=True,  # the history of queries, which has no worth of its own
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=MOST_BYTES,
                enforce_work_group_configuration=True,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{archive.name}/{ANSWERS}/",
                    encryption_configuration=_encryption(key),
                ),
            ),
        )

    def _table(self, construct_id: str, name: str, place: str, form: _Format) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            construct_id,
            catalog_id=Stack.of(self).account,
            database_name=self.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=f"{form.says} (docs/archive.md)",
                table_type="EXTERNAL_TABLE",
                parameters={
                    "classification": form.classification,
                    "projection.enabled": "true",
                    "projection.day.type": "date",
                    "projection.day.format": "yyyy-MM-dd",
                    "projection.day.range": "2026-01-01,NOW+1DAY",
                    # Every query names its tenant: nobody's reads another's files.
                    "projection.tenant.type": "injected",
                    "storage.location.template": f"{place}/day=${{day}}/tenant=${{tenant}}/",
                },
                partition_keys=_columns(FOLDERS),
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=_columns(COLUMNS),
                    location=f"{place}/",
                    input_format=form.input_format,
                    output_format=form.output_format,
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=form.library, parameters=form.parameters
                    ),
                ),
            ),
        )

    @property
    def workgroup(self) -> str:
        """The name that a process finds in SEARCH_WORKGROUP."""
        return self._workgroup.name

    def allow_query(self, role: iam.Role) -> None:
        """Let `role` run statements in the workgroup, which read the archive's files and leave their answers there."""
        stack = Stack.of(self)
        glue_arn = f"arn:{stack.partition}:glue:{stack.region}:{stack.account}"
        athena_arn = f"arn:{stack.partition}:athena:{stack.region}:{stack.account}"
        allow(
            role,
            "athena:StartQueryExecution",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            on=f"{athena_arn}:workgroup/{self._workgroup.name}",
        )
        # Glue asks for the right on all that a thing is in.
        allow(role, "glue:GetDatabase", "glue:GetTable", on=f"{glue_arn}:catalog")
        allow(role, "glue:GetDatabase", "glue:GetTable", on=f"{glue_arn}:database/{self.database}")
        for table in (TABLE, JOINED_TABLE):
            allow(role, "glue:GetTable", on=f"{glue_arn}:table/{self.database}/{table}")
        self._archive.allow_query(role)


def _columns(types: dict[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in types.items()]


def _encryption(key: Key | None) -> athena.CfnWorkGroup.EncryptionConfigurationProperty:
    if key is None:
        return athena.CfnWorkGroup.EncryptionConfigurationProperty(encryption_option="SSE_S3")
    return athena.CfnWorkGroup.EncryptionConfigurationProperty(
        encryption_option="SSE_KMS", kms_key=key.resource.key_arn
    )
