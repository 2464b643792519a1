"""A company of QuickBooks Online on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_quickbooks.simulator import QuickBooksSimulator

START = "2026-03-31T17:00:00+00:00"
REALM = "123146000000001"


class Api:
    """Calls to one company; numbers come back as Decimal."""

    def __init__(self, sim: QuickBooksSimulator, http: httpx.Client, realm: str = REALM) -> None:
        self.sim, self.http, self.realm = sim, http, realm

    def get(self, path: str, **params: str) -> Any:
        return self._read(self.http.get(f"/v3/company/{self.realm}/{path}", params=params))

    def post(self, path: str, body: Any, **params: str) -> httpx.Response:
        return self.http.post(f"/v3/company/{self.realm}/{path}", json=body, params=params)

    def made(self, kind: str, body: Any, **params: str) -> dict[str, Any]:
        """Write an object that must be taken."""
        return self._read(self.post(kind.lower(), body, **params))[kind]

    def refused(self, kind: str, body: Any, **params: str) -> str:
        """Write an object that must be refused: the fault's code."""
        answer = self.post(kind.lower(), body, **params)
        assert answer.status_code == 400, answer.text
        return answer.json()["Fault"]["Error"][0]["code"]

    def asked(self, statement: str) -> dict[str, Any]:
        return self.get("query", query=statement)["QueryResponse"]

    def query_fault(self, statement: str) -> str:
        answer = self.http.get(f"/v3/company/{self.realm}/query", params={"query": statement})
        return answer.json()["Fault"]["Error"][0]["code"]

    def balances(self) -> dict[str, Decimal]:
        """Account id → balance of the trial balance, debits positive; totals and the chart are checked on the way."""
        rows = self.get("reports/TrialBalance", end_date="2026-12-31")["Rows"]["Row"]
        total = rows.pop()["Summary"]["ColData"]
        told = {r["ColData"][0]["id"]: [Decimal(c["value"] or 0) for c in r["ColData"][1:]] for r in rows}
        assert total[1] == total[2]
        assert sum(d - c for d, c in told.values()) == 0
        net = {account: debit - credit for account, (debit, credit) in told.items()}
        chart = self.asked("select * from Account where Classification = 'Asset'")["Account"]
        assert {a["Id"]: a["CurrentBalance"] for a in chart} == {a["Id"]: net.get(a["Id"], 0) for a in chart}
        return net

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    # What most tests begin with

    def customer(self, name: str = "Acme Ltd", **more: Any) -> str:
        return str(self.made("Customer", {"DisplayName": name, **more})["Id"])

    def item(self, name: str = "Installation", **more: Any) -> str:
        return str(
            self.made("Item", {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": "79"}, **more})["Id"]
        )

    def invoice(self, amount: float = 250.0, **more: Any) -> dict[str, Any]:
        """The body of an invoice with one line, for a customer and an item made on the way."""
        names = self.sim.company(self.realm).having
        customer = next(names("Customer", "DisplayName", "Acme Ltd"), None)
        item = next(names("Item", "Name", "Installation"), None)
        to = customer["Id"] if customer else self.customer()
        sold = item["Id"] if item else self.item()
        return {"CustomerRef": {"value": to}, "Line": [sale(sold, amount)], **more}


def sale(item: str, amount: float, tax: str = "", **detail: Any) -> dict[str, Any]:
    """A sales line."""
    code = {"TaxCodeRef": {"value": tax}} if tax else {}
    told = {"ItemRef": {"value": item}, **code, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": told}


def booking(side: str, account: str, amount: float, **detail: Any) -> dict[str, Any]:
    """A journal line."""
    told = {"PostingType": side, "AccountRef": {"value": account}, **detail}
    return {"DetailType": "JournalEntryLineDetail", "Amount": amount, "JournalEntryLineDetail": told}


Standing = Callable[..., Api]


@pytest.fixture
def standing() -> Iterator[Standing]:
    """Makes companies with the options of the simulator; without limits unless asked for."""
    with ExitStack() as stack:

        def make(**options: Any) -> Api:
            told = {"limits": "none", "companies": (REALM,), "clock": Clock(START), **options}
            sim = QuickBooksSimulator(**told)
            url = stack.enter_context(serve(sim.app()))
            headers = {"authorization": "Bearer x", "accept": "application/json"}
            return Api(sim, stack.enter_context(httpx.Client(base_url=url, headers=headers, verify=False)))

        yield make


@pytest.fixture
def api(standing: Standing) -> Api:
    return standing()


@pytest.fixture
def line() -> Callable[..., dict[str, Any]]:
    return sale


@pytest.fixture
def book() -> Callable[..., dict[str, Any]]:
    return booking
