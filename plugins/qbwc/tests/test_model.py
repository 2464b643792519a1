"""A model of the desk beside a company file: whatever people do in QuickBooks and at the hub, and however sessions end,
the file holds what the source says, or somebody is told why not.

The judge is the computer's own history, which only grows: no document is added while the one before it stands, nothing
goes over an edit that nobody gave a word for, nothing lands in another company file; and once nothing is disturbed any
more, everything is there or waits for a person (I2, I3, I4, I12, I20, case_E16).
``WHERRY_MODEL_EXAMPLES=500`` searches for longer, and elsewhere each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from wherry.errors import WherryError
from wherry.operating import deciding, desk
from wherry.runs.job import Options
from wherry_qbwc.simulator import QbwcSimulator, Status

from .work_rig import TOTALS, Shop, shop

NUMBERS = st.sampled_from(sorted(TOTALS))
KINDS = ["dies", "dies-executed", "lost", "unheard", "late", "earlier", "doubled", "unstored", "closes"]
MISHAPS = st.one_of(
    st.just(("", "")),
    st.tuples(
        st.sampled_from(
            ["dies", "dies-executed", "lost", "unheard", "late", "earlier", "doubled", "unstored", "closes"]
        ),
        st.sampled_from(["Add", "Mod|Void", "Query", "InvoiceAdd"]),
    ),
    st.tuples(st.just("wrong-file"), st.just("")),
)
EDITS: dict[str, dict[str, Any]] = {
    "memo": {"Memo": "Mine"}, "date": {"TxnDate": "2010-11-11"}, "number": {"RefNumber": "MINE"},
}  # fmt: skip
FILE = r"C:\QB\Rock Castle.QBW"


class Model(RuleBasedStateMachine):
    """Three invoices, a company file, and what may happen between two sessions and in them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.judged = 0
        self.standing: dict[str, str] = {}
        """Document → the invoice's number, of those of ours that stand."""
        self.edited: dict[str, str] = {}
        """Documents with an edit that nobody gave a word for → the invoice's number."""
        self.touched: set[str] = set()
        """Invoices that a person had a hand in: those may end with a person."""

    @initialize(written=st.booleans())
    def begin(self, written: bool) -> None:
        folder = Path(tempfile.mkdtemp(prefix="wherry-model-"))
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.shop: Shop = self.stack.enter_context(shop(folder, document="invoice"))
        self.sim: QbwcSimulator = self.shop.desktop
        self.shop.session()
        if written:
            self.run()
            self.session(("", ""))

    # -- at the source -------------------------------------------------------------------------------------------------

    @rule(number=NUMBERS, field=st.sampled_from(["memo", "date", "status"]), to=st.booleans())
    def change(self, number: str, field: str, to: bool) -> None:
        values = {"memo": ("Back door", ""), "date": ("2010-12-05", "2010-12-01"), "status": ("Void", "Invoiced")}
        self.shop.clock.advance(1)
        with self.shop.hub.store.documents("workspace") as documents:
            [(id, held)] = [one for one in documents.each("invoice") if one[1]["fields"]["number"] == number]
            held["fields"][field] = values[field][not to]
            documents.put("invoice", [(id, held)])

    # -- in QuickBooks -------------------------------------------------------------------------------------------------

    @precondition(lambda self: bool(self.standing))
    @rule(data=st.data(), what=st.sampled_from([*EDITS, "delete"]))
    def edit(self, data: st.DataObject, what: str) -> None:
        id = data.draw(st.sampled_from(sorted(self.standing)))
        self.touched.add(self.standing[id])
        with suppress(Status):
            if what == "delete":
                self.sim.remove(id)
                self.edited.pop(id, None)
            else:
                self.sim.change(id, **EDITS[what])
                self.edited[id] = self.standing[id]

    @rule(name=st.sampled_from(["17850", "13047"]), kind=st.sampled_from(["Vendor", "Customer"]))
    def enter_of_that_name(self, name: str, kind: str) -> None:
        with suppress(Status):
            self.sim.enter(kind, Name=name)

    @rule(name=st.sampled_from(["17850", "13047"]), active=st.booleans())
    def rest(self, name: str, active: bool) -> None:
        found = [one for one in self.sim.records("Customer") if one.get("AccountNumber") == name]
        for one in found:
            self.sim.change(one["id"], IsActive=str(active).lower())
            self.touched |= set(TOTALS)

    # -- at the hub ----------------------------------------------------------------------------------------------------

    @rule()
    def run(self) -> None:
        assert self.shop.hub.run("invoices").exit_code != 1

    @rule(mishap=MISHAPS)
    def session(self, mishap: tuple[str, str]) -> None:
        if mishap[0]:
            self.sim.mishaps.add(mishap[0], request=mishap[1])
        assert "Wherry failed" not in self.shop.session().status
        self.sim.mishaps.clear()

    @rule()
    def restart(self) -> None:
        self.shop.restart()

    @rule(id=st.sampled_from(["INV-1001", "INV-1002", "INV-1003"]))
    def resync(self, id: str) -> None:
        with suppress(WherryError):
            self.shop.hub.resync("invoices", Options(records=(id,), resync=True), write=True)

    @rule(number=st.integers(0, 2), how=st.sampled_from(["retry", "keep", "again"]))
    def decide(self, number: int, how: str) -> None:
        """A person does something about what waits. The word counts for the edits that they could have been shown."""
        rows = desk.listed(self.shop.hub)
        if not rows or rows[number % len(rows)]["class"] == "decide":
            return
        row, hub = rows[number % len(rows)], self.shop.hub
        id = desk.number(row["id"])
        with suppress(WherryError):
            if how == "retry":
                deciding.retry(hub, desk.pick(hub, [id]))
                for document in [one for one in self.edited if row["class"] == "differs" and one == row["target"]]:
                    del self.edited[document]
            elif how == "keep":
                deciding.accept(hub, id)
            else:
                deciding.send_again(hub, id)

    # -- judgement -----------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_done_twice_or_over_an_edit(self) -> None:
        if not hasattr(self, "sim"):
            return
        entries = self.sim.history.entries
        for one in entries[self.judged :]:
            if one.kind == "effect" and "request" in one.detail and one.what.partition(".")[2] != "set":
                assert one.detail["file"] == FILE
                self._judge(one.what, one.detail)
        self.judged = len(entries)
        there = {one["id"] for one in self.sim.records("Invoice")}
        self.standing = {id: number for id, number in self.standing.items() if id in there}

    def _judge(self, what: str, told: Any) -> None:
        if not what.startswith("Invoice."):
            return
        if what == "Invoice.add":
            assert told["RefNumber"] not in self._standing_now(), f"{told['RefNumber']} is there twice"
            self.standing[told["id"]] = told["RefNumber"]
            return
        assert told["id"] not in self.edited, f"{what} went over an edit of {told['id']}"
        if what == "Invoice.void":
            self.standing.pop(told["id"], None)

    def _standing_now(self) -> set[str]:
        there = {one["id"] for one in self.sim.records("Invoice")}
        return {number for id, number in self.standing.items() if id in there}

    def teardown(self) -> None:
        try:
            if hasattr(self, "sim"):
                self._calm()
        finally:
            self.stack.close()

    def _calm(self) -> None:
        for _ in range(3):
            self.run()
            self.session(("", ""))
            self.nothing_is_done_twice_or_over_an_edit()
            self.shop.clock.advance(4 * 3600)
        waiting = self.shop.waiting()
        assert not waiting.get("unknown")
        assert not waiting.get("queued")
        told = {row["label"] for row in desk.listed(self.shop.hub)}
        with self.shop.hub.store.documents("workspace") as documents:
            said = {body["fields"]["number"]: body["fields"] for _, body in documents.each("invoice")}
        for number in set(TOTALS) - self.touched - told:
            [there] = [one for one in self.sim.records("Invoice") if one["RefNumber"] == number][-1:] or [{}]
            wanted = Decimal(0) if said[number]["status"] == "Void" else TOTALS[number]
            assert Decimal(there.get("TotalAmount", 0)) == wanted, f"{number} comes to {there}"


WANTED = int(os.environ.get("WHERRY_MODEL_EXAMPLES", "0"))
TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=WANTED or 5, stateful_step_count=12, deadline=None, derandomize=not WANTED, print_blob=True,
    phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
