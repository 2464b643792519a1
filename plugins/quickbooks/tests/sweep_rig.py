"""QuickBooks Online under the kill sweep: its simulator, signed in to by OAuth 2, so that rotations are points too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wherry.simulator import Clock, Entry, serve
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry_quickbooks.simulator import QuickBooksSimulator

REALM = "123146000000001"
KINDS = {"Invoice": "invoice", "Customer": "customer", "Item": "product"}
CONNECTION = """
plugin = "quickbooks"
base_url = "${{BOOKS_URL}}"
environment = "simulator"
realm = "{realm}"
batch = {batch}
auth = {{ kind = "oauth2", client_id = "app", client_secret = {{ env = "BOOKS_SECRET" }}, \
refresh_token = {{ env = "BOOKS_REFRESH" }} }}
"""


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """One company, without the vendor's limits: nobody is to wait for them."""
    sim = QuickBooksSimulator(clock=clock, companies=(REALM,), currency="GBP", tax="none", limits="none")
    people = People(sim)
    with serve(sim.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_SECRET": "sweep-canary-6a1d", "BOOKS_REFRESH": "sweep-canary-77b0"},
            effects=people.effects_of_others,
            stage=sim.stage,
            writes=r"/v3/company/\d+/(invoice|customer|item|batch)",
            enter=people.enter,
            edit=people.edit,
            twin=people.twin,
            muddle=people.muddle,
        )


class People:
    """Who works in the company's browser."""

    def __init__(self, sim: QuickBooksSimulator) -> None:
        self.sim = sim
        self._ours: set[int] = set()
        """Which entries of the history are theirs."""

    def effects_of_others(self, names: Names) -> list[Effect]:
        """What was done by nobody here: by the sink."""
        entries = enumerate(self.sim.history.entries)
        return [
            _effect(entry, names)
            for n, entry in entries
            if entry.kind == "effect" and entry.what.partition(".")[0] in KINDS and n not in self._ours
        ]

    def enter(self, row: dict[str, Any]) -> str:
        """An invoice of the same number."""
        customer = self._write("Customer", {"DisplayName": "Somebody"})["Id"]
        item = self._write("Item", {"Name": "Something", "Type": "Service", "IncomeAccountRef": {"value": "1"}})["Id"]
        line = {"DetailType": "SalesItemLineDetail", "Amount": 5, "SalesItemLineDetail": {"ItemRef": {"value": item}}}
        head = {"DocNumber": row["number"], "TxnDate": row["date"], "CustomerRef": {"value": customer}}
        return str(self._write("Invoice", {**head, "Line": [line]})["Id"])

    def edit(self, number: str, really: bool) -> None:
        """What is billed is changed, or only the address that the invoice goes to."""
        held = self._invoice(number)
        change: dict[str, Any] = {"BillEmail": {"Address": "accounts@example.com"}}
        if really:
            lines = [one for one in held["Line"] if one["DetailType"] == "SalesItemLineDetail"]
            change = {"Line": [_billed(line, 99) for line in lines]}
        head = {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True}
        self._write("Invoice", {**head, **change}, "update")

    def twin(self, number: str) -> str:
        """A second invoice with the same stamp in its note."""
        held = self._invoice(number)
        kept = ("DocNumber", "TxnDate", "CustomerRef", "PrivateNote", "Line")
        self.sim.company().warn_duplicates = False
        return str(self._write("Invoice", {name: held[name] for name in kept})["Id"])

    def muddle(self) -> None:
        """The next batch is answered backwards, and lacks its first answer."""
        self.sim.mishaps.reverse, self.sim.mishaps.leave_out = True, 1

    def _invoice(self, number: str) -> dict[str, Any]:
        return next(one for one in self.sim.objects("Invoice") if one["DocNumber"] == number)

    def _write(self, kind: str, body: dict[str, Any], operation: str = "create") -> dict[str, Any]:
        before = len(self.sim.history.entries)
        written = self.sim.write(kind, body, operation)
        self._ours.update(range(before, len(self.sim.history.entries)))
        return written


def _billed(line: dict[str, Any], amount: int) -> dict[str, Any]:
    detail = {name: value for name, value in line["SalesItemLineDetail"].items() if name not in ("Qty", "UnitPrice")}
    return {"DetailType": line["DetailType"], "Amount": amount, "SalesItemLineDetail": detail}


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    thing = names.get(f"{KINDS[kind]} {told['name']}", f"{kind} {told['id']}")
    total = "" if what == "voided" else told["total"]  # a void leaves the document with nothing on it
    return Effect(thing, what, told["id"], total, told["date"], told["note"])


def rigs() -> list[Rig]:
    offers = frozenset({"enter", "edit", "twin", "muddle"})
    return [
        Rig(
            name="quickbooks" if batch == 1 else f"quickbooks-{batch}",
            plugins=("quickbooks",),
            modules=("wherry_quickbooks.plugin", "wherry_quickbooks.sink"),
            connection=CONNECTION.format(realm=REALM, batch=batch),
            stand=stand,
            asks=True,
            resends=True,
            offers=offers,
            batch=batch,
        )
        for batch in (1, 5)
    ]
