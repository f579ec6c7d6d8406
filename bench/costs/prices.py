"""What is paid for one unit of each thing, in US dollars: list prices of us-east-1 on arm64, first tier, no free tier.

None was read from a bill, and few on the seller's own pages, which are not to be had as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

MILLION: Final = 1_000_000
HOURS_A_MONTH: Final = 730

ToldBy = Literal["the seller", "a third party", "nobody: general knowledge"]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for `per` of `unit`; who says so, where it was read, and when."""

    usd: Decimal
    per: int
    unit: str
    told_by: ToldBy
    source: str
    read: str

    @property
    def of_one(self) -> Decimal:
        """Dollars for one unit."""
        return self.usd / self.per


_READ = "2026-11-26"
_GLADIA = "https://www.gladia.io/blog, and the catalogue https://github.com/api-evangelist/gladia"
_TWILIO = "https://support.twilio.com/hc/en-us/articles/223183328-How-Volume-Pricing-works-at-Twilio"
_FARGATE = "https://www.vantage.sh/blog/fargate-pricing"
_GATEWAY = "https://amnic.com/blogs/aws-api-gateway-pricing"
_LAMBDA = "https://cloudchipr.com/blog/aws-lambda-pricing"
_TABLE = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_AWS = "AWS, Automated Security Response on AWS, Implementation Guide, “Cost”"
_COPIES = "price lists copied into public repositories"


def _own(usd: str, unit: str, source: str, *, per: int = 1, read: str = _READ) -> Price:
    return Price(Decimal(usd), per, unit, "the seller", source, read)


def _told(usd: str, unit: str, source: str, *, per: int = 1) -> Price:
    return Price(Decimal(usd), per, unit, "a third party", source, _READ)


def _known(usd: str, unit: str, *, per: int = 1) -> Price:
    return Price(Decimal(usd), per, unit, "nobody: general knowledge", "none", "not read")


PRICES: Final[dict[str, Price]] = {
    "gladia_starter": _own("0.75", "hour of a channel, plan Starter", _GLADIA, read="2026-11-22"),
    "gladia_growth": _own("0.25", "hour of a channel, plan Growth, from", _GLADIA, read="2026-11-22"),
    "media_streams": _told("0.0044", "minute of a media stream",
                           f"{_COPIES}, of September 2026; older ones have 0.0040"),
    "inbound_voice": _own("0.0085", "minute of a call to a US local number", _TWILIO),
    "vcpu_hour": _told("0.03238", "vCPU hour, Linux on ARM", _FARGATE),
    "memory_hour": _told("0.00356", "GB hour of memory, Linux on ARM", _FARGATE),
    "ipv4_hour": _told("0.005", "hour of a public IPv4 address",
                       "https://www.doit.com/aws-public-ipv4-price-increase-the-complete-guide/"),
    "balancer_hour": _told("0.0225", "hour of a load balancer", "https://cal53.calculator.city/aws-alb-cost-calculator/"),
    "lcu_hour": _told("0.008", "LCU hour", f"{_COPIES}; what an LCU is: "
                      "https://handbook.vantage.sh/aws/services/elb-pricing"),
    "to_origin_gb": _own("0.020", "GB from CloudFront to an origin", _AWS),
    "edge_requests": _told("0.0100", "HTTPS requests to CloudFront", _COPIES, per=10_000),
    "internet_gb": _told("0.09", "GB out to the internet", "https://www.wring.co/blog/aws-api-gateway-pricing-guide"),
    "socket_messages": _told("1.00", "messages of a WebSocket API, 32 KB each", _GATEWAY, per=MILLION),
    "socket_minutes": _told("0.25", "minutes of a connection", _GATEWAY, per=MILLION),
    "http_requests": _told("1.00", "requests of an HTTP API", _GATEWAY, per=MILLION),
    "events": _known("1.00", "events put on a bus, 64 KB each", per=MILLION),
    "queue_requests": _known("0.40", "requests to queues", per=MILLION),
    "s3_puts": _known("5.00", "files put into S3", per=MILLION),
    "s3_gb_month": _known("0.023", "GB in S3, a month"),
    "invocations": _own("0.20", "invocations", _AWS, per=MILLION),
    "gb_seconds": _told("13.3334", "GB seconds on arm64", _LAMBDA, per=MILLION),
    "writes": _told("0.625", "write request units, on demand", _TABLE, per=MILLION),
    "reads": _told("0.125", "read request units, on demand", _TABLE, per=MILLION),
    "stored_gb_month": _own("0.25", "GB of a table, a month", _AWS),
    "restorable_gb_month": _told("0.20", "GB that can be restored to any moment, a month", _COPIES),
    "log_gb": _own("0.50", "GB of logs taken in", _AWS),
    "log_gb_month": _known("0.03", "GB of logs kept, a month"),
    "metric_month": _own("0.30", "metric of one's own, a month", _AWS),
    "alarm_month": _own("0.10", "metric of an alarm, a month", _AWS),
    "dashboard_month": _own("3.00", "dashboard, a month", _AWS),
    "traces": _own("5.00", "traces recorded", _AWS, per=MILLION),
    "secret_month": _told("0.40", "secret, a month", "https://hivebook.wiki/wiki/"
                          "aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms"),
}  # fmt: skip
