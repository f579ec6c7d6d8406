"""The examples for CRMs, against servers that are as strict as what HubSpot and Salesforce publish of their APIs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import httpx
import msgspec
import pytest

from callscribe.after_call import Entities, EntityFound, Summary
from callscribe.client import Callscribe
from callscribe.entries import encode_body, kind_of
from callscribe.http_answers import CallDetail, LogEntry, LogPage
from docs.crm import hubspot, salesforce
from docs.crm.report import Report, report

INBOUND = Report(
    call_id="CA0123",
    is_inbound=True,
    from_number="+12025550123",
    to_number="+12025550188",
    began_at="2026-11-22T09:15:02.417Z",
    duration_ms=61_400,
    text="Maya <Lopez> lost her card.\nname: Maya Lopez\nhttps://calls.example.com/#call=CA0123",
)


@dataclass
class HubSpot:
    """Source: HubSpot API reference, "Calls", "Search the CRM", "Associations v4"."""

    contacts: dict[str, dict[str, str]]
    calls: dict[str, dict[str, str]] = field(default_factory=dict)
    associations: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer a-token"
        body = json.loads(request.content or b"null")
        match request.method, request.url.path.split("/")[2:]:
            case "POST", ["v3", "objects", "calls", "batch", "upsert"]:
                return httpx.Response(200, json={"status": "COMPLETE", "results": [self._keep(*body["inputs"])]})
            case "POST", ["v3", "objects", "contacts", "search"]:
                return httpx.Response(200, json=self._search(**body))
            case "PUT", ["v4", "objects", "calls", call, "associations", "default", "contacts", contact]:
                self.associations.add((call, contact))
                return httpx.Response(200, json={"status": "COMPLETE", "results": [{}, {}]})
        return httpx.Response(404, json={"status": "error", "category": "OBJECT_NOT_FOUND"})

    def _keep(self, given: dict) -> dict:
        assert set(given) == {"idProperty", "id", "properties"}
        assert given["idProperty"] == "callscribe_call_id"
        assert all(isinstance(value, str) for value in given["properties"].values())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", given["properties"]["hs_timestamp"])
        assert given["properties"]["hs_call_direction"] in ("INBOUND", "OUTBOUND")
        is_new = given["id"] not in self.calls
        self.calls[given["id"]] = given["properties"]
        return {"id": f"9{list(self.calls).index(given['id'])}", "properties": given["properties"], "new": is_new}

    def _search(self, *, sorts, properties, limit, **groups) -> dict:
        assert 1 <= len(groups["filterGroups"]) <= 5
        assert 1 <= limit <= 200
        assert len(sorts) == 1
        assert sorts[0]["direction"] in ("ASCENDING", "DESCENDING")
        wanted = [
            (each["propertyName"], each["value"]) for group in groups["filterGroups"] for each in group["filters"]
        ]
        found = [
            {"id": number, "properties": {name: known.get(name) for name in properties}}
            for number, known in self.contacts.items()
            if any(known.get(name) == value for name, value in wanted)
        ]
        return {"total": len(found), "results": found[:limit]}


@dataclass
class Salesforce:
    """Source: Salesforce REST API, "Insert or Update (Upsert) a Record Using an External ID", "Query"; SOQL; Task."""

    contacts: dict[str, dict[str, str]]
    tasks: dict[str, dict] = field(default_factory=dict)

    FIELDS = frozenset(
        {
            "Subject",
            "Description",
            "TaskSubtype",
            "CallType",
            "CallDurationInSeconds",
            "ActivityDate",
            "Status",
            "WhoId",
        }
    )

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer a-token"
        match request.method, request.url.path.removeprefix("/services/data/v62.0/").split("/"):
            case "PATCH", ["sobjects", "Task", "Callscribe_Id__c", given]:
                task = json.loads(request.content)
                assert set(task) <= self.FIELDS
                assert len(task["Description"]) <= 32_000
                is_new = given not in self.tasks
                self.tasks[given] = task
                body = {"id": "00T000000000001AAA", "errors": [], "success": True, "created": is_new}
                return httpx.Response(201 if is_new else 200, json=body)
            case "GET", ["query"]:
                return httpx.Response(200, json=self._query(request.url.params["q"]))
        return httpx.Response(404, json=[{"errorCode": "NOT_FOUND", "message": "no such resource"}])

    def _query(self, text: str) -> dict:
        strings = r"\(('(?:[^'\\]|\\.)*'(?:, '(?:[^'\\]|\\.)*')*)\)"
        pattern = (
            rf"SELECT Id FROM Contact WHERE Phone IN {strings} OR MobilePhone IN {strings}"
            r" ORDER BY LastModifiedDate DESC LIMIT 1"
        )
        phone, mobile = (re.findall(r"'([^']*)'", each) for each in re.fullmatch(pattern, text).groups())
        found = [
            {"attributes": {"type": "Contact"}, "Id": number}
            for number, known in self.contacts.items()
            if known.get("Phone") in phone or known.get("MobilePhone") in mobile
        ]
        return {"totalSize": len(found), "done": True, "records": found[:1]}


def client(server, url: str) -> httpx.AsyncClient:
    transport = httpx.MockTransport(server.answer)
    return httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer a-token"}, transport=transport)


async def test_hubspot_has_the_call_on_the_right_contact_once():
    server = HubSpot({"51": {"phone": "+12025550199"}, "52": {"mobilephone": "+12025550123"}})
    async with client(server, hubspot.URL) as http:
        assert await hubspot.tell(http, INBOUND) == "52"
        assert await hubspot.tell(http, INBOUND) == "52"

    (activity,) = server.calls.values()
    assert server.associations == {("90", "52")}
    assert activity["hs_call_title"] == "Call from +12025550123"
    assert activity["hs_call_duration"] == "61400"
    assert activity["hs_call_body"].startswith("Maya &lt;Lopez&gt; lost her card.<br>name: Maya Lopez<br>https://")


async def test_hubspot_has_calls_of_strangers_too_on_nobody():
    server = HubSpot({})
    async with client(server, hubspot.URL) as http:
        assert await hubspot.tell(http, INBOUND) is None

    assert list(server.calls) == ["CA0123"]
    assert server.associations == set()


@pytest.mark.parametrize("phone", ["+12025550123", "(202) 555-0123", "2025550123"])
async def test_salesforce_has_the_call_on_the_right_contact_once(phone):
    server = Salesforce({"003A": {"Phone": "(202) 555-0199"}, "003B": {"Phone": phone}})
    async with client(server, "https://example.my.salesforce.com") as http:
        assert await salesforce.tell(http, INBOUND) == "003B"
        assert await salesforce.tell(http, INBOUND) == "003B"

    (task,) = server.tasks.values()
    assert (task["WhoId"], task["CallType"], task["CallDurationInSeconds"]) == ("003B", "Inbound", 61)
    assert task["ActivityDate"] == "2026-11-22"
    assert "Maya <Lopez>" in task["Description"]


@pytest.mark.parametrize("number", ["anonymous", "", "+1' OR Name != '", "sip:alice@example.com"])
async def test_what_is_no_number_finds_nobody_and_gets_into_no_query(number):
    outbound = Report("CA1", False, "+12025550188", number, "2026-11-22T09:15:02.417Z", 0, "-")  # noqa: FBT003
    server = Salesforce({"003B": {"Phone": "+12025550123"}})
    async with client(server, "https://example.my.salesforce.com") as http:
        assert await salesforce.tell(http, outbound) is None

    assert server.tasks["CA1"]["Subject"] == f"Call to {number}"
    assert "WhoId" not in server.tasks["CA1"]


async def test_what_a_crm_does_not_take_is_an_error():
    transport = httpx.MockTransport(lambda _request: httpx.Response(429))
    async with httpx.AsyncClient(base_url=hubspot.URL, transport=transport) as http:
        for module in (hubspot, salesforce):
            with pytest.raises(httpx.HTTPStatusError):
                await module.tell(http, INBOUND)


def of_a_call(request: httpx.Request) -> httpx.Response:
    """Answer as the HTTP API does for one call."""
    bodies = (
        Summary(text="She lost her card."),
        Entities(utterance="u1", entities=(NAME, NAME)),
        Entities(utterance="u2", entities=(NUMBER,)),
    )
    entries = tuple(
        LogEntry(seq=seq, kind=kind_of(body), at=INBOUND.began_at, body=msgspec.Raw(encode_body(body)))
        for seq, body in enumerate(bodies, start=1)
    )
    answers = {
        "/v1/calls/CA1": CallDetail(
            call_id="CA1", seq=9, status="ended", provider="twilio", direction="inbound", metadata={}, legs=(),
            from_number=INBOUND.from_number, to_number=INBOUND.to_number, started_at=INBOUND.began_at,
            duration_ms=INBOUND.duration_ms, complete=True, settled=True, utterances=2,
        ),
        "/v1/calls/CA1/log": LogPage(call_id="CA1", entries=entries),
    }  # fmt: skip
    return httpx.Response(200, content=msgspec.json.encode(answers[request.url.path]))


NAME = EntityFound(type="NAME", text="Maya Lopez", start_ms=0, end_ms=1)
NUMBER = EntityFound(type="PHONE_NUMBER", text="202 555 0123", start_ms=0, end_ms=1)


async def test_a_report_has_the_summary_the_entities_and_a_link():
    async with Callscribe("https://api.example.com", key="a-key") as callscribe:
        callscribe._http = httpx.AsyncClient(
            base_url="https://api.example.com", transport=httpx.MockTransport(of_a_call)
        )
        found = await report(callscribe, "CA1", page_url="https://calls.example.com/")

    assert (found.number, found.is_inbound, found.duration_ms) == ("+12025550123", True, 61_400)
    assert found.text.splitlines() == [
        "She lost her card.",
        "name: Maya Lopez",
        "phone number: 202 555 0123",
        "https://calls.example.com/#call=CA1",
    ]
