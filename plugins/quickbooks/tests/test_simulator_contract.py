"""What Intuit publishes judges the stand-in: its XML schemas, and samples of requests and answers.

The schemas describe XML; JSON uses the same names. Each answer is put into XML and validated by lxml against the whole
schema: names, types, enumerations, and how often a thing may come are judged by it. The order of elements is not, since
JSON promises none: the conversion sorts what the schema knows and leaves what it does not know where it fails.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_quickbooks.simulator import QuickBooksSimulator

etree = pytest.importorskip("lxml.etree", reason="lxml is a development extra")

ROOT = Path(__file__).parents[3]
CONTRACT = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "quickbooks"
pytestmark = pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the published contract is not at {CONTRACT}")

XS = "{http://www.w3.org/2001/XMLSchema}"
SPACE = "http://schema.intuit.com/finance/v3"
REALM = "123146000000001"


class Schemas:
    """Intuit's schemas: the compiled whole, and per type its fields in order."""

    @cached_property
    def compiled(self) -> Any:
        return etree.XMLSchema(etree.parse(str(CONTRACT / "xsd" / "IntuitRestServiceDef.xsd")))

    @cached_property
    def _parts(self) -> tuple[dict[str, Any], dict[str, str]]:
        types: dict[str, Any] = {}
        elements: dict[str, str] = {}
        for path in sorted((CONTRACT / "xsd").glob("*.xsd")):
            root = etree.parse(str(path)).getroot()
            types |= {t.get("name"): t for t in root.iterchildren(f"{XS}complexType")}
            named = {e.get("name"): _local(e.get("type")) for e in root.iterchildren(f"{XS}element")}
            elements |= {name: kind for name, kind in named.items() if kind}
        return types, elements

    def fields(self, kind: str) -> dict[str, str]:
        """Element → type, in the schema's order, of a type and what it extends."""
        types, elements = self._parts
        node = types.get(kind)
        if node is None:
            return {}
        base = node.find(f".//{XS}extension")
        own = [e for e in node.iter(f"{XS}element") if e.get("name") or e.get("ref")]
        told = {e.get("name") or _local(e.get("ref")): _local(e.get("type")) for e in own}
        inherited = self.fields(_local(base.get("base"))) if base is not None else {}
        return {**inherited, **{n: k or elements.get(n, "") for n, k in told.items()}}

    def attributes(self, kind: str) -> set[str]:
        node = self._parts[0].get(kind)
        if node is None:
            return set()
        base = node.find(f".//{XS}extension")
        own = {a.get("name") for a in node.iter(f"{XS}attribute")}
        return own | (self.attributes(_local(base.get("base"))) if base is not None else set())

    def type_of(self, element: str) -> str:
        return self._parts[1].get(element, "")


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


SCHEMAS = Schemas()


def converted(name: str, kind: str, body: Any) -> Any:
    """A JSON object as the XML element the schema describes."""
    node = etree.Element(f"{{{SPACE}}}{name}")
    if not isinstance(body, dict):
        node.text = _text(body)
        return node
    attributes, fields = SCHEMAS.attributes(kind), SCHEMAS.fields(kind)
    order = list(fields)
    members = sorted(body.items(), key=lambda m: order.index(m[0]) if m[0] in order else len(order))
    for member, value in members:
        if member in attributes:
            node.set(member, _text(value))
        elif member == "value":
            node.text = _text(value)
        else:
            for part in value if isinstance(value, list) else [value]:
                node.append(converted(member, fields.get(member) or SCHEMAS.type_of(member), part))
    return node


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def valid(body: dict[str, Any]) -> None:
    """Raise AssertionError with what the schema says against an answer."""
    node = etree.fromstring(etree.tostring(converted("IntuitResponse", "IntuitResponse", body)))
    if not SCHEMAS.compiled.validate(node):
        raise AssertionError("\n".join(str(e) for e in SCHEMAS.compiled.error_log))


class Judge:
    """Judges every JSON answer that passes; `judged` counts them by the entity they hold."""

    def __init__(self) -> None:
        self.judged: list[str] = []

    def __call__(self, answer: httpx.Response) -> None:
        answer.read()
        if answer.headers["content-type"].startswith("application/json"):
            body = json.loads(answer.text, parse_float=Decimal)
            if "Header" in body:
                body = {"Report": body}
            self.judged.append(next(name for name in body if name != "time"))
            valid(body)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture(params=["none", "us-automatic", "us-manual", "uk"])
def company(request: pytest.FixtureRequest, judge: Judge) -> Iterator[tuple[QuickBooksSimulator, httpx.Client]]:
    currency = "GBP" if request.param == "uk" else "USD"
    sim = QuickBooksSimulator(
        clock=Clock("2026-03-31T17:00:00"),
        tax=request.param,
        currency=currency,
        multicurrency=True,
        limits="none",
        companies=(REALM,),
    )
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [judge]}
    headers = {"authorization": "Bearer x", "accept": "application/json"}
    with serve(sim.app()) as url:
        base = f"{url}/v3/company/{REALM}/"
        with httpx.Client(base_url=base, headers=headers, event_hooks=hooks, verify=False) as http:
            yield sim, http


def sample(name: str) -> dict[str, Any]:
    body = json.loads((CONTRACT / "samples" / f"{name}.json").read_text(), parse_float=Decimal)
    return {key: value for key, value in body.items() if key != "_http"}


def made(http: httpx.Client, kind: str, body: Any, **params: str) -> dict[str, Any]:
    answer = http.post(kind.lower(), json=body, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()[kind]


def line(item: str, code: str) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item}, "Qty": 2, "UnitPrice": 12.5, "TaxCodeRef": {"value": code}}
    return {"DetailType": "SalesItemLineDetail", "Amount": 25, "SalesItemLineDetail": detail}


def test_every_entity_answers_as_the_schemas_say(company: Any, judge: Judge) -> None:
    sim, http = company
    uk = sim.company().tax == "uk"
    made(http, "CompanyCurrency", {"Code": "EUR"})
    made(http, "ExchangeRate", {"SourceCurrencyCode": "EUR", "Rate": 1.1})
    address = {"Line1": "1 High Street", "City": "Austin", "PostalCode": "78701"}
    person = {"BillAddr": address, "PrimaryEmailAddr": {"Address": "a@example.com"}, "Notes": "hub:1"}
    customer = made(http, "Customer", {"DisplayName": "Acme", "PrimaryPhone": {"FreeFormNumber": "1"}, **person})["Id"]
    made(http, "Customer", {"DisplayName": "Acme North", "Job": True, "ParentRef": {"value": customer}})
    made(http, "Vendor", {"DisplayName": "Supplier", **person})
    made(http, "Account", {"Name": "Till", "AccountType": "Bank", "AcctNum": "1000"})
    made(http, "Class", {"Name": "North"})
    made(http, "Department", {"Name": "Quay"})
    made(http, "Term", {"Name": "Net 7", "DueDays": 7})
    item = made(http, "Item", {"Name": "Work", "IncomeAccountRef": {"value": "79"}, "Sku": "W", "UnitPrice": 12.5})[
        "Id"
    ]
    counted = {"Type": "Inventory", "QtyOnHand": 3, "InvStartDate": "2026-01-01", "PurchaseCost": 2}
    accounts = {f"{n}AccountRef": {"value": v} for n, v in (("Income", "79"), ("Expense", "80"), ("Asset", "81"))}
    made(http, "Item", {"Name": "Bolt", **counted, **accounts})
    body = {"CustomerRef": {"value": customer}, "Line": [line(item, "2" if uk else "TAX")], "DocNumber": "X1"}
    made(http, "Estimate", body)
    made(http, "CreditMemo", body)
    made(http, "SalesReceipt", body)
    kept = made(http, "Invoice", {**body, "PrivateNote": "n", "CustomerMemo": {"value": "Thanks"}})
    made(http, "Invoice", {"Id": kept["Id"], "SyncToken": "0", "sparse": True, "DueDate": "2026-05-01"})
    made(http, "Invoice", {"Id": kept["Id"], "SyncToken": "1"}, operation="void")
    made(http, "Invoice", {"Id": kept["Id"], "SyncToken": "2"}, operation="delete")
    sides = [("Debit", {"Entity": {"Type": "Customer", "EntityRef": {"value": customer}}}, "84"), ("Credit", {}, "79")]
    lines = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": 5.5,
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}, **party},
        }
        for side, party, account in sides
    ]
    made(http, "JournalEntry", {"Line": lines})
    kinds = (
        "Customer",
        "Vendor",
        "Account",
        "Item",
        "Invoice",
        "CreditMemo",
        "JournalEntry",
        "TaxCode",
        "TaxRate",
        "Term",
    )
    for kind in (*kinds, "TaxAgency", "CompanyCurrency", "CompanyInfo", "Preferences", "Estimate", "SalesReceipt"):
        http.get("query", params={"query": f"select * from {kind}"})
    http.get("query", params={"query": "select count(*) from Item"})
    http.get("query", params={"query": "select * from Item where Name = 'none'"})
    http.get("cdc", params={"entities": ",".join(kinds), "changedSince": "2026-03-31T00:00:00Z"})
    http.get("reports/TrialBalance")
    assert {"Invoice", "QueryResponse", "CDCResponse", "Report", "ExchangeRate"} <= set(judge.judged)
    assert len(judge.judged) >= 38


def test_a_full_chart_and_its_trial_balance_answer_as_the_schemas_say(judge: Judge) -> None:
    sim = QuickBooksSimulator(clock=Clock("2026-03-31T17:00:00"), limits="none", companies=(REALM,), chart="full")
    lines = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": Decimal("5.50"),
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}},
        }
        for side, account in (("Debit", "105"), ("Credit", "133"))
    ]
    for day in ("2025-12-31", "2026-01-01"):
        sim.write("JournalEntry", {"TxnDate": day, "Line": lines})
    headers = {"authorization": "Bearer x", "accept": "application/json"}
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [judge]}
    with (
        serve(sim.app()) as url,
        httpx.Client(base_url=f"{url}/v3/company/{REALM}/", headers=headers, event_hooks=hooks) as http,
    ):
        found = http.get(
            "query", params={"query": "select * from Account where Active in (true, false) maxresults 1000"}
        )
        report = http.get("reports/TrialBalance", params={"end_date": "2026-12-31"}).json()
    accounts = found.json()["QueryResponse"]["Account"]
    assert (len(accounts), sum(account["Active"] for account in accounts)) == (69, 64)
    assert {account["AcctNum"][0] for account in accounts if account["Classification"] == "Asset"} == {"0"}
    assert sum(account["SubAccount"] for account in accounts) >= 12
    rows = [[cell["value"] for cell in row["ColData"]] for row in report["Rows"]["Row"][:-1]]
    assert rows == [
        ["01210 Digital Assets:Bitcoin", "11.00", ""],
        ["32000 Retained Earnings", "", "5.50"],
        ["40310 Rental Income:Storage", "", "5.50"],
    ]
    assert judge.judged == ["QueryResponse", "Report"]


def test_faults_and_batches_answer_as_the_schemas_say(company: Any, judge: Judge) -> None:
    _, http = company
    http.post("customer", json={"Notes": "nameless"})
    http.post("customer", json={"Nonsense": 1})
    http.get("customer/4711")
    http.get("query", params={"query": "select"})
    items = [{"operation": "create", "Customer": {"DisplayName": "A"}}] * 2 + [{"Query": "select * from Customer"}]
    http.post("batch", json={"BatchItemRequest": [{"bId": str(n), **item} for n, item in enumerate(items)]})
    assert judge.judged == ["Fault"] * 4 + ["BatchItemResponse"]


def test_the_judge_finds_a_wrong_name_a_wrong_type_and_a_wrong_word(company: Any) -> None:
    _, http = company
    good = http.get("account/84").json()["Account"]
    valid({"Account": good})
    for wrong in ({"Nonsense": "x"}, {"CurrentBalance": "much"}, {"Classification": "Money"}):
        with pytest.raises(AssertionError):
            valid({"Account": {**good, **wrong}})


def test_the_published_requests_are_taken_and_answered_in_the_published_shape(judge: Judge) -> None:
    sim = QuickBooksSimulator(clock=Clock("2026-03-31T17:00:00"), limits="none", companies=(REALM,))
    headers = {"authorization": "Bearer x", "accept": "application/json"}
    with serve(sim.app()) as url:
        base = f"{url}/v3/company/{REALM}/"
        with httpx.Client(base_url=base, headers=headers, event_hooks={"response": [judge]}, verify=False) as http:
            plain = {name: json.loads((CONTRACT / "samples" / f"{name}.request.json").read_text()) for name in
                     ("customer-create", "item-service-create", "invoice-create", "estimate-create",
                      "journal-entry-create", "customer-sparse-update", "batch")}  # fmt: skip
            for body in plain.values():
                body.pop("_http", None)
            customer = made(http, "Customer", plain["customer-create"])["Id"]
            assert customer == "58"
            first = made(http, "Item", plain["item-service-create"])["Id"]
            for number in range(2):
                last = made(http, "Item", {**plain["item-service-create"], "Name": f"I{number}"})["Id"]
            assert (first, last) == ("19", "21")
            invoice = made(http, "Invoice", plain["invoice-create"], requestid="hub-inv-1042-1")
            assert invoice["Id"] == "145"
            made(http, "Estimate", plain["estimate-create"])
            entry = made(http, "JournalEntry", plain["journal-entry-create"], requestid="hub-je-202603")
            for _ in range(3):
                made(http, "Customer", {"Id": "58", "SyncToken": str(_), "sparse": True})
            assert made(http, "Customer", plain["customer-sparse-update"])["SyncToken"] == "4"
            batch = http.post("batch", json=plain["batch"]).json()["BatchItemResponse"]
    published = sample("invoice.response")["Invoice"]
    assert set(published) - set(invoice) == set()
    assert set(published["Line"][0]) - set(invoice["Line"][0]) == set()
    published = sample("journal-entry.response")["JournalEntry"]
    assert set(published) - set(entry) == set()
    assert entry["Line"][0]["JournalEntryLineDetail"]["Entity"] == {
        "Type": "Customer",
        "EntityRef": {"value": "58"},
    } | {"EntityRef": entry["Line"][0]["JournalEntryLineDetail"]["Entity"]["EntityRef"]}
    assert [b["bId"] for b in batch] == ["1", "2", "3"]
    assert (
        batch[2]["Fault"]["Error"][0]["code"]
        == sample("batch.response")["BatchItemResponse"][2]["Fault"]["Error"][0]["code"]
    )


@pytest.mark.parametrize(
    "name", ["429", "401", "5010-stale", "2300-unbalanced", "2020-required", "6240-duplicate-name"]
)
def test_faults_have_the_published_shape(name: str) -> None:
    from wherry_quickbooks.simulator.answers import QboFault, too_many, unauthorized

    published = sample(f"fault-{name}")
    code = name.partition("-")[0]
    if code == "401":
        body = json.loads(unauthorized(0, "Token expired").reply.body)
        assert set(published) <= set(body)
        assert set(published["fault"]["error"][0]) == set(body["fault"]["error"][0])
        return
    body = json.loads(too_many("t").body) if code == "429" else QboFault(code, "d").body()
    ours, theirs = body["Fault"], published["Fault"]
    assert ours["type"] == theirs["type"]
    assert ours["Error"][0]["code"] == theirs["Error"][0]["code"]
    assert set(theirs["Error"][0]) <= set(ours["Error"][0])


def test_every_published_code_for_records_has_wording_here() -> None:
    from wherry_quickbooks.simulator.answers import MESSAGES

    groups = sample_codes()
    known = set(MESSAGES)
    assert set(groups["mapping"]) - known == set()
    assert set(groups["conflict"]) | set(groups["closed_books"]) | set(groups["request"]) <= known


def sample_codes() -> dict[str, dict[str, str]]:
    codes: dict[str, dict[str, str]] = json.loads((CONTRACT / "fault-codes.json").read_text())["codes"]
    return codes
