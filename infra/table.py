"""A table of DynamoDB, paid by the request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.key import Key


@dataclass(frozen=True, slots=True)
class Index:
    """A second way in to a table's items, by two attributes of text.

    It holds whole items, or the keys and `attributes`.
    """

    name: str
    partition: str
    sort: str
    attributes: tuple[str, ...] | None = None


def kept_table(
    scope: Construct,
    *,
    key: Key | None,
    indexes: Sequence[Index] = (),
    has_stream: bool = False,
    until: str | None = None,
) -> dynamodb.TableV2:
    """Return a table that outlives its stack, and can be restored to any second of the last 35 days.

    It is encrypted with `key`, or with one of DynamoDB's own. Items that have an attribute `until` are gone after it.
    """
    table = dynamodb.TableV2(
        scope,
        "Table",
        partition_key=_text("pk"),
        sort_key=_text("sk"),
        billing=dynamodb.Billing.on_demand(),
        global_secondary_indexes=_indexes(indexes),
        dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE if has_stream else None,
        time_to_live_attribute=until,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.RETAIN,
    )
    return _encrypt(table, key)


def passing_table(
    scope: Construct,
    *,
    key: Key | None,
    until: str,
    why: str,
    keys: Sequence[str] = ("pk", "sk"),
    indexes: Sequence[Index] = (),
) -> dynamodb.TableV2:
    """Return a table of items that are gone after the time in `until`; `why` it is no loss if all of them are."""
    partition, *sort = keys
    table = dynamodb.TableV2(
        scope,
        "Table",
        partition_key=_text(partition),
        sort_key=_text(sort[0]) if sort else None,
        billing=dynamodb.Billing.on_demand(),
        global_secondary_indexes=_indexes(indexes),
        time_to_live_attribute=until,
        removal_policy=RemovalPolicy.DESTROY,
    )
    Validations.of(table).acknowledge(Acknowledgment(id="AwsSolutions-DDB3", reason=why))
    return _encrypt(table, key)


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _encrypt(table: dynamodb.TableV2, key: Key | None) -> dynamodb.TableV2:
    """Encrypt `table` with `key`, by hand: CDK's own way wants to know the region, and a template is for any."""
    if key is not None:
        resource = cast("dynamodb.CfnGlobalTable", table.node.default_child)
        resource.add_property_override("SSESpecification", {"SSEEnabled": True, "SSEType": "KMS"})
        resource.add_property_override("Replicas.0.SSESpecification", {"KMSMasterKeyId": key.resource.key_arn})
    return table


def _indexes(indexes: Sequence[Index]) -> list[dynamodb.GlobalSecondaryIndexPropsV2] | None:
    return [_index(each) for each in indexes] or None


def _index(index: Index) -> dynamodb.GlobalSecondaryIndexPropsV2:
    projection = dynamodb.ProjectionType.ALL
    if index.attributes is not None:
        projection = dynamodb.ProjectionType.INCLUDE if index.attributes else dynamodb.ProjectionType.KEYS_ONLY
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=index.name,
        partition_key=_text(index.partition),
        sort_key=_text(index.sort),
        projection_type=projection,
        non_key_attributes=list(index.attributes) if index.attributes else None,
    )
