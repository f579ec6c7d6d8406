"""Lambda's side of `page`: a request of its HTTP API in, a file out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from functions.environment import required
from functions.page.site import Site
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
trace = Trace("page")

_site = Site.of(Path(__file__).parents[2] / "web", config={"api": required("API_URL"), "key": ""})


# Neither is the event logged: it says who looks at calls from where.
@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer `GET /` and `GET /{file}`."""
    answer = _site.answer(event["rawPath"], tag=event.get("headers", {}).get("if-none-match", ""))
    metrics.add_metric("PagesServed" if answer.status < 400 else "PagesNotFound", MetricUnit.Count, 1)
    return {"statusCode": int(answer.status), "headers": dict(answer.headers), "body": answer.text}
