"""QuickBooks Desktop under the kill sweep: what waits leaves while a Web Connector is here, and each call may fail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import msgspec
from msgspec.structs import replace
from wherry.simulator import Clock, Entry
from wherry.testing.errand import Document
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry.testing.visits import APART
from wherry_qbwc import passwords
from wherry_qbwc.simulator import QbwcSimulator, Unanswered, WebConnector
from wherry_qbwc.simulator.calling import Caller
from wherry_qbwc.simulator.connector import Late

NAME = "books"
KINDS = {"Invoice": "invoice", "SalesOrder": "invoice", "Customer": "customer", "ItemNonInventory": "product"}
WHAT = {"add": "created", "mod": "updated", "void": "voided", "del": "voided"}
COMPANIES = {r"C:\QB\Rock Castle.QBW": "T-1", r"C:\QB\Landscaping.QBW": "T-2"}
DAY = 90_000.0
"""Seconds: more than a lost request is sent again for."""
ASLEEP = {"asleep": (APART,), "asleep-day": (DAY,), "asleep-days": (APART, DAY)}
CALLS = ("cut", "cut-alone", "deaf", "deaf-alone", "twice", "stranger", "rival", "crowd", *ASLEEP)
"""What may happen at any call. cut: the Web Connector dies before it; deaf: it dies before it has the answer, which was
given; both also with a restart of ours (alone). twice: the call is made twice. stranger: its ticket is none.
rival: another computer comes first, and this one goes on with its old ticket. crowd: another comes in the middle.
asleep: this computer has the answer and sleeps over it, such as a request to be executed; another comes meanwhile, once
or on several days, and this one then goes on where it was."""
_WRITES = "(Add|Mod|Void|Del)(Rq)?"
MISHAPS: dict[str, dict[str, Any]] = {
    "hresult": {}, "hresult-done": {"kind": "hresult", "done": True}, "unstored": {}, "closed": {}, "wrong-file": {},
    "late": {"request": _WRITES}, "earlier": {"request": _WRITES},
    "locked": {"kind": "status", "code": "3175", "request": _WRITES},
    "internal": {"kind": "status", "code": "1000", "request": _WRITES},
    "internal-done": {"kind": "status", "code": "1000", "request": _WRITES, "done": True},
}  # fmt: skip
"""What may happen besides. In QuickBooks: hresult, internal: it fails at a message set, or at a request, which it may
have done all the same; unstored: it does not keep its answer; locked: somebody has the record open; closed: it does not
open. late: an answer is delivered in the next session, with its old ticket; earlier: the one before is, in its place.
"""
CONNECTION = """
plugin = "qbwc"
[flows.invoices.match.customer]
order = ["link"]
unmatched = "create"
"""
_http = httpx.Client(timeout=120)


class Computers:
    """The company file and the Web Connectors that poll for it, one for each visit."""

    def __init__(self, sim: QbwcSimulator, clock: Clock) -> None:
        self.sim, self.clock = sim, clock
        access, self.password = passwords.rotated(passwords.new(NAME), "2026-01-01T00:00:00.000Z")
        self.user = access.user
        self.documents = [Document("qbwc", passwords.KIND, NAME, msgspec.to_builtins(access))]
        self.wanted: list[tuple[str, int]] = []
        """What is to go wrong, and at which call from now."""
        self.alone = False
        """Whether our process is to end after this visit."""
        self.late: list[Late] = []
        """Answers that were kept back."""
        self.come = False
        """Whether any was here yet."""

    def visit(self, address: str) -> bool:
        """One session, to whatever end."""
        self.alone, self.come = False, True
        self.session(address, Disturbed(self, address))
        return not self.alone

    def session(self, address: str, caller: Caller) -> None:
        connector = WebConnector(
            self.sim.computer, caller, self.user, self.password, wait=self.clock.advance, patience=20
        )
        connector.held, self.late = self.late, []
        connector.session()
        self.late += connector.held

    def disturb(self, kind: str, number: int) -> None:
        if kind in MISHAPS:
            first = kind == "wrong-file" and not self.come  # whichever file is open then is the right one from then on
            self.sim.mishaps.add(**{"kind": kind, **MISHAPS[kind], "after": number - 1 + first})
        else:
            self.wanted.append((kind, number))

    def waiting(self) -> list[str]:
        """What has not gone wrong yet; QuickBooks may never come to it."""
        return [f"{kind} {number}" for kind, number in self.wanted]

    def next(self) -> str:
        """What goes wrong at this call."""
        self.wanted = [(kind, number - 1) for kind, number in self.wanted]
        due = next((one for one in self.wanted if not one[1]), None)
        if due is None:
            return ""
        self.wanted.remove(due)
        self.alone = due[0].endswith("-alone")
        return due[0].removesuffix("-alone")


class Disturbed(Caller):
    """A Web Connector's calls, of which some go wrong."""

    def __init__(self, computers: Computers, address: str) -> None:
        super().__init__(url_of(address), http=_http)
        self._computers, self._address = computers, address

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        kind = self._computers.next()
        if kind == "cut":
            raise Unanswered(operation, "the computer is off")
        if kind in ("rival", "crowd"):
            self._computers.clock.advance(APART if kind == "rival" else 0)
            self._computers.session(self._address, Caller(url_of(self._address), http=_http))
        if kind == "stranger" and "ticket" in told:
            super()._answer(operation, {**told, "ticket": str(uuid.UUID(int=7))})
        answer = super()._answer(operation, told)
        for seconds in ASLEEP.get(kind, ()):
            self._computers.clock.advance(seconds)
            self._computers.session(self._address, Caller(url_of(self._address), http=_http))
        if kind == "deaf":
            raise Unanswered(operation, "the computer is off")
        return super()._answer(operation, told) if kind == "twice" else answer


def url_of(address: str) -> str:
    return f"{address}/hooks/qbwc/{NAME}"


class People:
    """Who works at the computer, with documents of one kind."""

    def __init__(self, sim: QbwcSimulator, kind: str) -> None:
        self.sim, self.kind = sim, kind

    def enter(self, row: dict[str, Any]) -> str:
        """A document of the same number."""
        customer = self.sim.enter("Customer", Name="Somebody")
        income = next(one["id"] for one in self.sim.records("Account") if one.get("AccountType") == "Income")
        side = {"Price": "5.00", "AccountRef": {"ListID": income}}
        item = self.sim.enter("ItemService", Name="Something", SalesOrPurchase=side)
        line = {"ItemRef": {"ListID": item}, "Quantity": "1", "Amount": "5.00"}
        told = {"CustomerRef": {"ListID": customer}, "RefNumber": row["number"], "TxnDate": row["date"]}
        return self._entered(told, [line])

    def edit(self, number: str, really: bool) -> None:
        """What is billed to whom is changed, or only a remark for the mail."""
        change: dict[str, Any] = {"TxnDate": "2026-01-31"} if really else {"IsToBePrinted": "true"}
        self.sim.change(self._held(number)["id"], **change)

    def twin(self, number: str) -> str:
        """A second document with the same stamp in its memo."""
        held = self.sim.company().records[self._held(number)["id"]]
        kept = ("CustomerRef", "RefNumber", "TxnDate", "Memo")
        lines = [{name: body[name] for name in ("ItemRef", "Quantity", "Amount")} for _, body in held.lines]
        return self._entered({name: held.body[name] for name in kept}, lines)

    def reach(self, company: str) -> None:
        """Another company file is opened."""
        self.sim.computer.open = next(path for path, name in COMPANIES.items() if name == company)

    def _entered(self, body: dict[str, Any], lines: list[dict[str, Any]]) -> str:
        told: dict[str, Any] = {**body, f"{self.kind}LineAdd": lines}
        return self.sim.enter(self.kind, **told)

    def _held(self, number: str) -> dict[str, Any]:
        return next(one for one in self.sim.records(self.kind) if one["RefNumber"] == number)


@contextmanager
def stand(clock: Clock, kind: str = "Invoice") -> Iterator[Stand]:
    """A computer with two company files, and a Web Connector that comes when it is asked to."""
    sim = QbwcSimulator(clock=clock, sample=False)
    computers, people = Computers(sim, clock), People(sim, kind)
    yield Stand(
        environ={},
        effects=lambda names: [_effect(entry, names) for entry in sim.history.entries if _is_ours(entry)],
        stage=sim.stage,
        enter=people.enter,
        edit=people.edit,
        twin=people.twin,
        reach=people.reach,
        visit=computers.visit,
        disturb=computers.disturb,
        disturbed=computers.waiting,
        documents=computers.documents,
    )


def _is_ours(entry: Entry) -> bool:
    kind, _, what = entry.what.partition(".")
    return entry.kind == "effect" and kind in KINDS and what in WHAT and entry.detail.get("by") != "person"


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    what = "void" if told.get("IsManuallyClosed") == "true" else what  # an order is closed where an invoice is voided
    called = str(told.get("RefNumber") or told.get("FullName") or "")
    thing = names.get(f"{KINDS[kind]} {called}", f"{kind} {told['id']}")
    total = "" if WHAT[what] == "voided" else str(told.get("TotalAmount") or "")
    company = COMPANIES[told["file"]]
    return Effect(thing, WHAT[what], told["id"], total, str(told.get("TxnDate") or ""), company=company)


def rigs() -> list[Rig]:
    invoices = Rig(
        name="qbwc",
        plugins=("qbwc",),
        modules=("wherry_qbwc.plugin", "wherry_qbwc.sink", "wherry_qbwc.work", "wherry.web.app"),
        connection=CONNECTION,
        stand=stand,
        asks=True,
        resends=True,
        offers=frozenset({"enter", "edit", "twin", "reach"}),
        company="T-1",
        most=Decimal("8123456789012.35"),
        deaths=28,
        disturbances=CALLS,
        mishaps=tuple(MISHAPS),
    )
    orders = replace(
        invoices, name="qbwc-orders", flow='document = "sales-order"', stand=partial(stand, kind="SalesOrder"), deaths=7
    )
    return [invoices, orders]
