"""The product's own functions, started before the first call."""

import asyncio
from dataclasses import replace

import pytest

from local.aws import DeployError, LocalAws
from local.aws.warm import EVENTS, warm


async def test_every_function_starts_and_leaves_no_trace_in_the_tables(templates, tmp_path):
    async with LocalAws(tmp_path) as aws:
        stack = await aws.deploy(templates, secrets={}, media_url="ws://127.0.0.1:8080")

        await warm(stack)

        dynamodb = stack.root.client("dynamodb")
        tables = (await asyncio.to_thread(dynamodb.list_tables))["TableNames"]
        counts = {name: (await asyncio.to_thread(dynamodb.scan, TableName=name))["Count"] for name in tables}
    assert set(stack.functions) == set(EVENTS)
    assert set(counts.values()) == {0}


async def test_a_function_that_cannot_start_is_named(stack):
    # The stand-in wants a record, and gets an event of another function.
    swapped = replace(stack, functions={"authorize": stack.functions["push"]})

    with pytest.raises(DeployError, match=r"function authorize does not start: .*Records"):
        await warm(swapped)


async def test_a_function_without_an_event_is_an_error(stack):
    with pytest.raises(DeployError, match="no event for newcomer"):
        await warm(replace(stack, functions={"newcomer": "a-function"}))


async def test_the_others_are_left_cold_where_only_some_are_waited_for(stack):
    # The stand-in would fail at the event of `authorize`.
    both = {"push": stack.functions["push"], "authorize": stack.functions["push"]}

    await warm(replace(stack, functions=both), only=("push",))

    with pytest.raises(DeployError, match="function authorize does not start"):
        await warm(replace(stack, functions=both))
