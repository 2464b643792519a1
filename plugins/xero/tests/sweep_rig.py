"""Xero under the kill sweep: its stand-in, signed in to by OAuth 2, so that rotations are points too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wherry.simulator import Clock, Entry, serve
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry_xero.simulator import XeroSimulator

KINDS = {"Invoices": "invoice", "Contacts": "customer", "Items": "product"}
CONNECTION = """
plugin = "xero"
base_url = "${BOOKS_URL}"
batch = 5
auth = { kind = "oauth2", client_id = "app", client_secret = { env = "BOOKS_SECRET" }, \
refresh_token = { env = "BOOKS_REFRESH" } }
"""


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """One organisation, without Xero's limits: nobody is to wait for them."""
    sim = XeroSimulator(clock=clock, currency="GBP", limits="none")
    people = People(sim)
    with serve(sim.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_SECRET": "sweep-canary-6a1d", "BOOKS_REFRESH": "sweep-canary-77b0"},
            effects=people.effects_of_others, stage=sim.stage, writes=r"/api\.xro/2\.0/", enter=people.enter,
            edit=people.edit, twin=people.twin,
        )  # fmt: skip


class People:
    """Who works in the organisation's browser: what they do has no call behind it."""

    def __init__(self, sim: XeroSimulator) -> None:
        self.sim = sim

    def effects_of_others(self, names: Names) -> list[Effect]:
        """What was done by nobody here: by the sink."""
        return [_effect(entry, names) for entry in self.sim.history.effects() if entry.detail.get("cause")]

    def enter(self, row: dict[str, Any]) -> str:
        """An invoice of the same number."""
        contact = self.sim.write("Contacts", {"Name": "Somebody"})["ContactID"]
        head = {"Type": "ACCREC", "InvoiceNumber": row["number"], "Date": row["date"], "Status": "AUTHORISED"}
        line = {"Description": "Something", "AccountCode": "200", "UnitAmount": 5}
        made = self.sim.write("Invoices", {**head, "Contact": {"ContactID": contact}, "LineItems": [line]})
        return str(made["InvoiceID"])

    def edit(self, number: str, really: bool) -> None:
        """What it says is changed, or only what nobody compares."""
        held = self._invoice(number)
        lines = [{"ItemCode": one["ItemCode"], "UnitAmount": 99} for one in held["LineItems"]]
        self.sim.write(
            "Invoices", {"LineItems": lines} if really else {"ExpectedPaymentDate": "soon"}, held["InvoiceID"]
        )

    def twin(self, number: str) -> str:
        """A second invoice with the same key in its link, as a person may copy one."""
        held = self._invoice(number)
        kept = {name: held[name] for name in ("Type", "Contact", "Date", "Url", "LineItems", "Status")}
        return str(self.sim.write("Invoices", {**kept, "InvoiceNumber": f"{number} (copy)"})["InvoiceID"])

    def _invoice(self, number: str) -> dict[str, Any]:
        rows = self.sim.org.records["Invoices"].values()
        return next(one for one in rows if one["InvoiceNumber"] == number)


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    thing = names.get(f"{KINDS[kind]} {told['name']}", f"{kind} {told['id']}")
    id = f"{told['id']}/{told['code']}" if kind == "Items" else told["id"]
    total = "" if what == "voided" else told["total"]  # what is voided has nothing on it
    return Effect(thing, what, id, total, told["date"], told["stamp"])


def rigs() -> list[Rig]:
    """What is new goes five to a call; what changes or is taken back goes by itself."""
    return [
        Rig(
            name="xero", plugins=("xero",), modules=("wherry_xero.plugin", "wherry_xero.sink"), connection=CONNECTION,
            stand=stand, asks=True, resends=True, offers=frozenset({"enter", "edit", "twin"}), batch=5, deaths=60,
        )
    ]  # fmt: skip
