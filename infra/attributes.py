"""Keys of tables."""

from aws_cdk import aws_dynamodb as dynamodb


def text(name: str) -> dynamodb.Attribute:
    """Return the attribute `name` of a key that holds text."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
