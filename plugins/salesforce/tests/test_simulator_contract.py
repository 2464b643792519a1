"""The stand-in beside Salesforce's published descriptions, and as one of its own users would use it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_salesforce.simulator import App, SalesforceSimulator
from wherry_salesforce.simulator.facts import STANDARD

from .conftest import DATA, START, Orgs, Standing

CONTRACTS = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "salesforce"
COARSE = {
    "boolean": {"boolean"}, "double": {"number"}, "currency": {"number"}, "percent": {"number"}, "int": {"number"},
    "datetime": {"date/datetime"}, "date": {"date/datetime"},
}  # fmt: skip
BEYOND = {"Case"}
"""Not in the inventory, which has 29 objects of Salesforce's."""


def contract(name: str) -> Any:
    path = CONTRACTS / name
    if not path.is_file():
        pytest.skip(f"needs the vendor's descriptions at {path}")
    return json.loads(path.read_text("utf-8"))


def test_every_standard_field_is_one_that_salesforce_has() -> None:
    inventory = contract("sobjects.standard.json")["sobjects"]
    odd = []
    for shape in STANDARD.values():
        known = inventory.get(shape.name)
        if known is None:
            assert shape.name in BEYOND
            continue
        for name, type in shape.fields.items():
            told = known["fields"].get(name)
            if told is None or not told["type"].startswith(tuple(COARSE.get(type, {"string", "picklist", "base64"}))):
                odd.append(f"{shape.name}.{name}: {type}, {told and told['type']}")
        odd += [f"{shape.name}: {name}" for name in shape.parents if name not in known["parents"]]
    assert odd == []


def test_every_path_that_the_stand_in_serves_is_one_of_salesforces_own_requests() -> None:
    """From the vendor's Postman collection."""
    asked = {(one["method"], _shape(one["url"])) for one in contract("rest-requests.postman-cc0.json")["requests"]}
    sim = SalesforceSimulator()
    served = {(method, _shape(path)) for method, path, _ in sim._rows()}
    beyond = {("GET", "/query/*"), ("GET", "/sobjects/ContentVersion/*/VersionData")}
    assert {(method, path) for method, path in served if (method, path) not in asked} <= beyond
    assert ("GET", "/sobjects/*/*/*") in asked, "of which VersionData is one"


def _shape(url: str) -> str:
    path = re.sub(r"^.*?/services/data/v(?:\{\{version\}\}|\{api\})", "", url).partition("?")[0].rstrip("/")
    return re.sub(r"<\w+>|\{\w+\}", "*", path)


def asked(org: Standing, soql: str, path: str = "query") -> httpx.Response:
    return org.http.get(f"{DATA}/{path}", params={"q": soql})


def test_a_query_answers_as_salesforce_does(org: Standing) -> None:
    account = org.sim.add("Account", Name="Acme")
    deal = org.sim.add("Opportunity", Name="Rail", StageName="Closed Won", CloseDate="2026-03-31", AccountId=account)
    org.sim.add("Opportunity", Name="Lone", StageName="Prospecting", CloseDate="2026-03-31")
    answer = asked(org, "select Id, Account.Name, IsWon, SystemModstamp from opportunity order by Name desc limit 1")
    url = f"{DATA}/sobjects/Opportunity/{deal}"
    parent = {"attributes": {"type": "Account", "url": f"{DATA}/sobjects/Account/{account}"}, "Name": "Acme"}
    row = {"attributes": {"type": "Opportunity", "url": url}, "Id": deal, "Account": parent, "IsWon": True,
           "SystemModstamp": "2026-02-02T09:00:00.000+0000"}  # fmt: skip
    assert answer.json() == {"totalSize": 1, "done": True, "records": [row]}
    assert re.fullmatch(r"api-usage=\d+/100000", answer.headers["sforce-limit-info"])
    assert org.soql("SELECT Account.Name FROM Opportunity WHERE AccountId = null")[0]["Account"] is None


@pytest.mark.parametrize(("soql", "code"), [
    ("SELECT Id FROM Nothing", "INVALID_TYPE"),
    ("SELECT Nope FROM Account", "INVALID_FIELD"),
    ("SELECT Nope.Name FROM Account", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name = 'it's'", "MALFORMED_QUERY"),
    ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
    ("SELECT Id FROM ContentDocumentLink WHERE SystemModstamp > 2026-01-01T00:00:00Z", "MALFORMED_QUERY"),
    ("", "MALFORMED_QUERY"),
])  # fmt: skip
def test_a_query_that_is_wrong_is_refused_with_salesforces_code(org: Standing, soql: str, code: str) -> None:
    answer = asked(org, soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_composite_call_counts_as_one_and_takes_five_queries(org: Standing) -> None:
    def compose(count: int) -> httpx.Response:
        one = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+User"}
        parts = [{**one, "referenceId": f"r{n}"} for n in range(count)]
        return org.http.post(f"{DATA}/composite", json={"compositeRequest": parts})

    five, six = compose(5), compose(6)
    assert [part["httpStatusCode"] for part in five.json()["compositeResponse"]] == [200] * 5
    assert [part["referenceId"] for part in five.json()["compositeResponse"]] == [f"r{n}" for n in range(5)]
    assert six.status_code == 400
    assert six.headers["sforce-limit-info"] == "api-usage=2/100000"
    bytes_of = {"method": "GET", "url": f"{DATA}/sobjects/ContentVersion/x/VersionData", "referenceId": "r"}
    (part,) = org.http.post(f"{DATA}/composite", json={"compositeRequest": [bytes_of]}).json()["compositeResponse"]
    assert part["httpStatusCode"] == 404


def test_the_recycle_bin_shows_in_query_all_alone_until_it_is_emptied(org: Standing) -> None:
    account = org.sim.add("Account", Name="Acme")
    assert org.http.delete(f"{DATA}/sobjects/Account/{account}").status_code == 204
    soql = f"SELECT IsDeleted FROM Account WHERE Id = '{account}'"
    assert asked(org, soql).json()["totalSize"] == 0
    assert asked(org, soql, "queryAll").json()["records"][0]["IsDeleted"] is True
    assert org.http.delete(f"{DATA}/sobjects/Account/{account}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    org.sim.org.purge("Account", account)
    assert asked(org, soql, "queryAll").json()["totalSize"] == 0


def test_a_line_has_its_product_of_the_price_book_and_its_deal_their_sum(org: Standing) -> None:
    product = org.sim.add("Product2", Name="Plank", ProductCode="PL-1")
    book = org.sim.add("Pricebook2", Name="Standard")
    entry = org.sim.add("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=5)
    deal = org.sim.add("Opportunity", Name="Rail", StageName="Prospecting", CloseDate="2026-03-31")
    body = {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 3, "UnitPrice": 1.15}
    assert org.http.post(f"{DATA}/sobjects/OpportunityLineItem", json=body).status_code == 201
    (line,) = org.soql("SELECT ProductCode, Product2.Name, TotalPrice, Opportunity.Amount FROM OpportunityLineItem")
    assert (line["ProductCode"], line["Product2"]["Name"], line["TotalPrice"]) == ("PL-1", "Plank", 3.45)
    assert line["Opportunity"]["Amount"] == 3.45
    missing = org.http.post(f"{DATA}/sobjects/Opportunity", json={"Name": "x"})
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")


def test_the_days_calls_end_and_come_back(orgs: Orgs) -> None:
    org = orgs(limit=2)
    said = [asked(org, "SELECT Id FROM User") for _ in range(3)]
    assert [one.status_code for one in said] == [200, 200, 403]
    assert said[2].json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    org.sim.clock.advance(86_401)
    assert asked(org, "SELECT Id FROM User").headers["sforce-limit-info"] == "api-usage=1/2"
    assert org.http.get("/services/data/").json()[-1]["version"] == "67.0"


def test_an_app_signs_in_by_itself_and_its_session_ends_when_it_is_not_used() -> None:
    sim = SalesforceSimulator(clock=Clock(START), tokens=())
    form = {"grant_type": "client_credentials", "client_id": "sim-client", "client_secret": "sim-secret"}
    with serve(sim.app()) as url, httpx.Client(base_url=url, verify=False) as http:
        told = http.post("/services/oauth2/token", data=form).json()
        assert {"expires_in", "refresh_token"}.isdisjoint(told)
        assert told["instance_url"] == url
        bearer = {"authorization": f"Bearer {told['access_token']}"}
        soql = {"q": "SELECT Id FROM User"}
        for seconds, status in ((7_000, 200), (7_000, 200), (7_300, 401)):
            sim.clock.advance(seconds)
            answer = http.get(f"{DATA}/query", params=soql, headers=bearer)
            assert answer.status_code == status
        assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"
        wrong = http.post("/services/oauth2/token", data={**form, "client_secret": "x"})
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")
        sim.oauth.app = App(run_as=False)
        assert http.post("/services/oauth2/token", data=form).json()["error"] == "invalid_grant"
