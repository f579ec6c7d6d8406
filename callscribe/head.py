"""The item HEAD of a call: what a list of calls shows, derived from the entries.

Each update is a function of one entry, may be repeated, and may arrive in any order; so a HEAD that a crash left
behind is put right by applying the log again. Attributes: list, started_at, tenant, provider, direction, from, to,
status (`in-progress`, `ended`, `failed`), reason, ended_at, duration_ms, parties; and live, which is LIVE from the
start of a call to its end, so that an index of it holds the calls in progress and no others.
"""

from __future__ import annotations

from callscribe.entries import CallEnded, CallFailed, CallStarted, Entry, LegStarted
from callscribe.requests import Request

LIVE = "LIVE"


def update(table: str, entry: Entry) -> Request | None:
    """Return what `entry` changes in its call's HEAD, None for the kinds that change nothing."""
    values: dict[str, dict[str, str]]
    match entry.body:
        case CallStarted() as started:
            clause = (
                "SET #list = :list, #started_at = :at, #tenant = :tenant, #provider = :provider, "
                "#direction = :direction, #from = :from, #to = :to, #status = if_not_exists(#status, :status), "
                # A start that is written after the end finds a value that no query asks for.
                "#live = if_not_exists(#ended_at, :live)"
            )
            values = {
                ":list": {"S": list_partition(entry.tenant)},
                ":at": {"S": entry.at},
                ":tenant": {"S": entry.tenant},
                ":provider": {"S": started.provider},
                ":direction": {"S": started.direction},
                ":from": {"S": started.from_number},
                ":to": {"S": started.to_number},
                ":status": {"S": "in-progress"},
                ":live": {"S": LIVE},
            }
        case CallEnded() as ended:
            clause = "SET #status = :status, #reason = :reason, #ended_at = :at, #duration_ms = :duration REMOVE #live"
            values = {
                ":status": {"S": "ended"},
                ":reason": {"S": ended.reason},
                ":at": {"S": entry.at},
                ":duration": {"N": str(ended.duration_ms)},
            }
        case CallFailed() as failed:
            clause = "SET #failure = :failure"
            values = {":failure": {"S": failed.reason}}
        case LegStarted() as leg:
            return _request(table, entry, "ADD #parties :party", {":party": {"SS": [leg.party]}})
        case _:
            return None
    return _request(table, entry, clause, values)


def list_partition(tenant: str) -> str:
    """Return the partition of the index that lists a tenant's calls by start."""
    return f"TENANT#{tenant}"


def _request(
    table: str, entry: Entry, clause: str, values: dict[str, dict[str, str]] | dict[str, dict[str, list[str]]]
) -> Request:
    names = sorted({word.rstrip(",)") for word in clause.replace("(", " ").split() if word.startswith("#")})
    return Request(
        "update_item",
        {
            "TableName": table,
            "Key": {"pk": {"S": f"CALL#{entry.call_id}"}, "sk": {"S": "HEAD"}},
            "UpdateExpression": clause,
            "ExpressionAttributeNames": {name: name.removeprefix("#") for name in names},
            "ExpressionAttributeValues": values,
        },
    )
