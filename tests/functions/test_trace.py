"""What X-Ray's daemon is sent, as Lambda has it beside a function."""

from __future__ import annotations

import json
import socket

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from functions.trace import HEADER, MOST, Trace

ROOT = "1-67891233-abcdef012345678912345678"
SAMPLED = {
    "_X_AMZN_TRACE_ID": f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:0:0",
    "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
}


class Daemon:
    """Takes datagrams."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, tuple[str, int]]] = []

    def send(self, datagram: bytes, address: tuple[str, int]) -> None:
        self.datagrams.append((datagram, address))

    @property
    def document(self) -> dict:
        ((datagram, _),) = self.datagrams
        header, _, body = datagram.partition(b"\n")
        assert header + b"\n" == HEADER
        return json.loads(body)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def trace(daemon) -> Trace:
    ticks = iter(range(1_795_000_000, 1_796_000_000))
    return Trace("voice", environment=SAMPLED, clock=lambda: float(next(ticks)), send=daemon.send)


def test_an_invocation_is_a_part_of_the_segment_that_lambda_began(trace, daemon):
    answer = trace.capture(lambda event, _context: event * 2)(21, None)

    assert answer == 42
    assert daemon.datagrams[0][1] == ("169.254.79.129", 2000)
    document = daemon.document
    assert {name: document[name] for name in ("type", "name", "trace_id", "parent_id", "fault")} == {
        "type": "subsegment", "name": "voice", "trace_id": ROOT, "parent_id": "53995c3f42cd8ad8", "fault": False,
    }  # fmt: skip
    assert len(document["id"]) == 16
    assert document["start_time"] < document["end_time"]


def test_it_is_found_by_each_call_that_it_was_for_and_by_none_of_an_earlier_one(trace, daemon):
    with trace.invocation():
        trace.of_call("CA0")
    daemon.datagrams.clear()
    with trace.invocation():
        trace.of_call("CA1")
        trace.of_call("CA2")

    parts = daemon.document["subsegments"]
    assert [part["annotations"] for part in parts] == [{"call_id": "CA1"}, {"call_id": "CA2"}]


def test_an_invocation_that_fails_is_a_fault_and_the_error_lambdas_own(trace, daemon):
    def fail(_event, _context):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        trace.capture(fail)({}, None)

    assert daemon.document["fault"] is True


def test_what_is_asked_of_aws_is_told_without_what_was_asked(trace, daemon, environment):
    with mock_aws():
        client = trace.watched(boto3.client("dynamodb"))
        with trace.invocation():
            client.list_tables()
            with pytest.raises(ClientError):
                client.get_item(TableName="none", Key={"pk": {"S": "CALL#secret"}})

    told = [(each["name"], each["aws"], each["namespace"]) for each in daemon.document["subsegments"]]
    assert told == [
        ("dynamodb", {"operation": "ListTables"}, "aws"),
        ("dynamodb", {"operation": "GetItem"}, "aws"),
    ]
    well, refused = daemon.document["subsegments"]
    assert (well["error"], well["fault"], refused["error"], refused["fault"]) == (False, False, True, False)
    assert well["start_time"] < well["end_time"]
    assert b"secret" not in daemon.datagrams[0][0]


def test_a_service_that_is_not_reached_is_a_fault(trace, daemon, environment):
    config = Config(retries={"total_max_attempts": 1})
    client = trace.watched(boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config))
    with trace.invocation(), pytest.raises(EndpointConnectionError):
        client.list_tables()

    (part,) = daemon.document["subsegments"]
    assert (part["name"], part["fault"]) == ("dynamodb", True)


@pytest.mark.parametrize(
    "changed",
    [
        {"_X_AMZN_TRACE_ID": f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0"},
        {"_X_AMZN_TRACE_ID": ""},
        {"_X_AMZN_TRACE_ID": "nonsense"},
        {"AWS_XRAY_DAEMON_ADDRESS": ""},
        {"AWS_XRAY_DAEMON_ADDRESS": "daemon:port"},
    ],
)
def test_where_it_is_not_sampled_or_there_is_no_daemon_nothing_is_sent(daemon, changed):
    trace = Trace("voice", environment=SAMPLED | changed, send=daemon.send)
    with trace.invocation():
        trace.of_call("CA1")

    assert daemon.datagrams == []


def test_a_fan_out_still_fits_a_datagram(trace, daemon):
    with trace.invocation():
        for number in range(1000):
            trace.of_call(f"CA{number:032x}")

    assert len(daemon.document["subsegments"]) == MOST
    assert daemon.document["metadata"] == {"callscribe": {"left_out": 1000 - MOST}}
    assert len(daemon.datagrams[0][0]) < 64_000


def test_it_goes_out_as_a_datagram_and_a_daemon_that_is_gone_harms_nothing():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        host, port = daemon.getsockname()
        trace = Trace("voice", environment=SAMPLED | {"AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}"})
        with trace.invocation():
            pass
        assert daemon.recv(65536).startswith(HEADER)
    trace = Trace("voice", environment=SAMPLED | {"AWS_XRAY_DAEMON_ADDRESS": "no-such-host.invalid:2000"})
    with trace.invocation():
        pass
