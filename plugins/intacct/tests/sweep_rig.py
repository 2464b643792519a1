"""Sage Intacct under the kill sweep: its stand-in, signed in to by login, so that sign-ins are points too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from wherry.simulator import Clock, Entry, serve
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry_intacct.simulator import IntacctSimulator, Login

KINDS = {"ARINVOICE": "invoice", "CUSTOMER": "customer", "ITEM": "product"}
LOGIN = Login("wherry", "sweep-canary-sender-6a1d", "gateway", "sweep-canary-user-77b0")
CONNECTION = """
plugin = "intacct"
base_url = "${BOOKS_URL}"
company = "acme-sandbox"
currency = "GBP"
term = "Net 30"
batch = 5
settle = 120
sender = "wherry"
sender_password = { env = "BOOKS_SENDER" }
user = "gateway"
password = { env = "BOOKS_PASSWORD" }
"""
WRITES = "/writes"


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """One company."""
    sim = IntacctSimulator(clock=clock, currencies=("GBP",), login=LOGIN)
    people = People(sim)
    with serve(apart(sim.app())) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_SENDER": LOGIN.sender_password, "BOOKS_PASSWORD": LOGIN.password},
            effects=people.effects_of_others, stage=sim.stage, writes=f"^{WRITES}/", enter=people.enter,
            edit=people.edit, twin=people.twin,
        )  # fmt: skip


def apart(app: ASGIApp) -> ASGIApp:
    """Writes by a path of their own, so that a fault can be meant for them: the gateway has one address for all."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            told = await receive()
            body, more = body + told.get("body", b""), bool(told.get("more_body"))
        if b"<uniqueid>true" in body:
            scope = {**scope, "path": WRITES + scope["path"]}
        parts: list[Message] = [{"type": "http.request", "body": body}]

        async def again() -> Message:
            return parts.pop() if parts else await receive()

        await app(scope, again, send)

    return application


class People:
    """Who works in the company's browser: what they do has no call behind it."""

    def __init__(self, sim: IntacctSimulator) -> None:
        self.sim = sim

    def effects_of_others(self, names: Names) -> list[Effect]:
        """What was done by nobody here: by the sink."""
        return [_effect(entry, names) for entry in self.sim.history.effects() if entry.detail["cause"]]

    def enter(self, row: dict[str, Any]) -> str:
        """An invoice of the same number."""
        contact = {"PRINTAS": "Somebody"}
        made = {"CUSTOMERID": f"P-{row['number']}"[:20], "NAME": "Somebody", "DISPLAYCONTACT": contact}
        customer = self.sim.make({"create": {"CUSTOMER": made}})
        return self._invoice(customer, row["number"], row["date"])

    def _invoice(self, customer: str, number: str, date: str, stamp: str = "") -> str:
        year, month, day = date.split("-")
        line = {"glaccountno": "4000", "amount": "5.00"}
        return self.sim.make({"create_invoice": {
            "customerid": customer, "datecreated": {"year": year, "month": month, "day": day}, "termname": "Net 30",
            "invoiceno": number, "externalid": stamp, "invoiceitems": {"lineitem": line},
        }})  # fmt: skip

    def edit(self, number: str, really: bool) -> None:
        """What it says is changed, or only what nobody compares."""
        held = self._held(number)
        if really:
            lines = self.sim.company.lines("ARINVOICEITEM", "RECORDKEY", held["RECORDNO"])
            told = [{"@line_num": str(n), "glaccountno": "4000", "amount": "99"} for n in range(1, len(lines) + 1)]
            self.sim.make({"update_invoice": {"@key": held["RECORDNO"],
                                              "updateinvoiceitems": {"updatelineitem": told}}})  # fmt: skip
        else:
            held["DOCNUMBER"] = "PO-7"

    def twin(self, number: str) -> str:
        """A second invoice with the same external ID, as an import may make one."""
        held = self._held(number)
        return self._invoice(held["CUSTOMERID"], f"{number} (copy)", "2026-01-05", held["EXTERNALID"])

    def _held(self, number: str) -> dict[str, str]:
        found = self.sim.company.find("ARINVOICE", RECORDID=number)
        assert found is not None
        return found


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    thing = names.get(f"{KINDS[kind]} {told['name']}", f"{kind} {told['id']}")
    return Effect(thing, what, told["id"], told["total"], told["date"], told["stamp"])


def rigs() -> list[Rig]:
    """Five functions a request."""
    return [
        Rig(
            name="intacct", plugins=("intacct",), modules=("wherry_intacct.plugin", "wherry_intacct.sink"),
            connection=CONNECTION, stand=stand, asks=True, resends=False,
            offers=frozenset({"enter", "edit", "twin"}), batch=5, deaths=60,
        )
    ]  # fmt: skip
