"""A call as a task on the right contact in Salesforce: once, however often it is told.

Needs once a custom field of Activity, `Callscribe_Id`: text of 64, an external id, unique.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from docs.crm.report import Report

API = "/services/data/v62.0"
ID = "Callscribe_Id__c"


async def tell(salesforce: httpx.AsyncClient, report: Report) -> str | None:
    """Keep a call on the contact with its number, and return the contact's id; None if nobody has that number.

    `salesforce` has the instance's address for its base and the header Authorization: Bearer <token>. Raises
    httpx.HTTPStatusError.
    """
    contact = await _contact(salesforce, report.number)
    task: dict[str, Any] = {
        "Subject": f"Call {'from' if report.is_inbound else 'to'} {report.number}",
        "Description": report.text,
        "TaskSubtype": "Call",
        "CallType": "Inbound" if report.is_inbound else "Outbound",
        "CallDurationInSeconds": round(report.duration_ms / 1000),
        "ActivityDate": report.began_at[:10],
        "Status": "Completed",
    }
    if contact is not None:
        task["WhoId"] = contact
    (await salesforce.patch(f"{API}/sobjects/Task/{ID}/{report.call_id}", json=task)).raise_for_status()
    return contact


async def _contact(salesforce: httpx.AsyncClient, number: str) -> str | None:
    """Return the contact that a number is of; of several the one that changed last."""
    written = ", ".join(f"'{each}'" for each in spellings(number))
    query = (  # what is in quotes has no quotes: see `spellings`
        f"SELECT Id FROM Contact WHERE Phone IN ({written}) OR MobilePhone IN ({written})"  # noqa: S608
        " ORDER BY LastModifiedDate DESC LIMIT 1"
    )
    found = (await salesforce.get(f"{API}/query", params={"q": query})).raise_for_status().json()["records"]
    return str(found[0]["Id"]) if found else None


def spellings(number: str) -> list[str]:
    """Return how a number in E.164 may stand in Salesforce, which keeps it as it was typed.

    Ten digits of North America are shown, and kept, as (202) 555-0123. A number that is none has no spelling but ''.
    """
    if not re.fullmatch(r"\+[0-9]{6,15}", number):
        return [""]  # of anonymous callers; nothing of theirs gets into the query
    digits = number[1:]
    if not re.fullmatch(r"1[0-9]{10}", digits):
        return [number, digits]
    area, office, line = digits[1:4], digits[4:7], digits[7:]
    return [number, digits, digits[1:], f"({area}) {office}-{line}", f"{area}-{office}-{line}"]
