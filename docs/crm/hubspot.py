"""A call as an activity on the right contact in HubSpot: once, however often it is told.

Needs a private app with the scopes crm.objects.contacts.read and crm.objects.contacts.write, and once a property of
calls that tells them apart: POST /crm/v3/properties/calls with UNIQUE.
"""

from __future__ import annotations

from html import escape

import httpx

from docs.crm.report import Report

URL = "https://api.hubapi.com"
UNIQUE = {
    "name": "callscribe_call_id",
    "label": "callscribe: call",
    "type": "string",
    "fieldType": "text",
    "groupName": "callinformation",
    "hasUniqueValue": True,
}


async def tell(hubspot: httpx.AsyncClient, report: Report) -> str | None:
    """Keep a call on the contact with its number, and return the contact's id; None if nobody has that number.

    `hubspot` has URL for its base and the header Authorization: Bearer <token>. Raises httpx.HTTPStatusError.
    """
    activity = await _upserted(hubspot, report)
    contact = await _contact(hubspot, report.number)
    if contact is not None:
        path = f"/crm/v4/objects/calls/{activity}/associations/default/contacts/{contact}"
        (await hubspot.put(path)).raise_for_status()
    return contact


async def _upserted(hubspot: httpx.AsyncClient, report: Report) -> str:
    """Make the activity, or bring it up to date, and return its id."""
    properties = {
        "hs_timestamp": report.began_at,
        "hs_call_title": f"Call {'from' if report.is_inbound else 'to'} {report.number}",
        "hs_call_body": escape(report.text).replace("\n", "<br>"),  # HubSpot takes it for HTML
        "hs_call_duration": str(report.duration_ms),
        "hs_call_from_number": report.from_number,
        "hs_call_to_number": report.to_number,
        "hs_call_direction": "INBOUND" if report.is_inbound else "OUTBOUND",
        "hs_call_status": "COMPLETED",
    }
    one = {"idProperty": UNIQUE["name"], "id": report.call_id, "properties": properties}
    answer = (await hubspot.post("/crm/v3/objects/calls/batch/upsert", json={"inputs": [one]})).raise_for_status()
    return str(answer.json()["results"][0]["id"])


async def _contact(hubspot: httpx.AsyncClient, number: str) -> str | None:
    """Return the contact that a number is of; of several the one that changed last."""
    either = [
        {"filters": [{"propertyName": name, "operator": "EQ", "value": number}]} for name in ("phone", "mobilephone")
    ]
    newest = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]
    asked = {"filterGroups": either, "sorts": newest, "properties": ["phone"], "limit": 1}
    found = (await hubspot.post("/crm/v3/objects/contacts/search", json=asked)).raise_for_status().json()["results"]
    return str(found[0]["id"]) if found else None
