"""Lambda's side of `authorize`: the REQUEST authorizer of the WebSocket API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.tickets import Ticket
from callscribe.used_tickets import UsedTickets
from functions.authorize.decision import Unauthorized, decide
from functions.environment import required
from functions.kept import Kept, Store
from functions.secrets import signing_keys
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
trace = Trace("authorize")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_secrets = Store(SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_signing = Kept(_secrets, required("SIGNING_SECRET"))
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_tickets = UsedTickets(required("TICKETS_TABLE"))


def _use(ticket: Ticket) -> bool:
    return perform(_dynamodb, _tickets.use(ticket))


# The event holds the ticket, so it is neither logged nor traced.
@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Judge the ticket in the query; 403 for a wrong one, 401 for none, 500 while keys or table can't be reached."""
    metrics.add_metric("ConnectionsRequested", MetricUnit.Count, 1)
    text = (event.get("queryStringParameters") or {}).get("ticket")
    if not text:
        # API Gateway itself answers 401 where the ticket is missing, and asks us only where it is blank.
        raise Unauthorized
    keys = signing_keys(_signing.read())
    answer, word = decide(text, keys, use=_use, method_arn=event["methodArn"], now_s=time.time())
    if word != "allowed":
        metrics.add_metric("TicketsRefused", MetricUnit.Count, 1)
        logger.warning("ticket refused", extra={"code": word})
    return answer
