"""A model of the whole: whatever people do, whatever is lost and whoever dies, the target holds what the source says.

The model knows what people did. The judge is the target's own history, which only grows: no work item has two effects,
no document is there twice, every amount is one that the source named, in the order in which it did; and once nothing
is disturbed any more, what the target holds is what the source says (I2, I3, I4, I20).
``WHERRY_MODEL_EXAMPLES=500`` searches for longer, and elsewhere each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from wherry.errors import WherryError
from wherry.http import Http
from wherry.operating import approvals, deciding, desk, looking
from wherry.records import Call, Reply
from wherry.runs.job import Options
from wherry.testing.target import Ability

from ..drained import Books, Crash, books, crash

IDS = st.sampled_from(["1", "2", "3"])
TOTALS = st.sampled_from(["10.00", "12.50", "90071992547409.93"])
"""The last is more pennies than a float can hold."""
FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"kind": "lost"}, "dropped": {"kind": "dropped"}, "truncated": {"kind": "truncated"},
    "late": {"kind": "late"}, "500 after": {"kind": "status", "status": 500, "committed": True},
    "503 before": {"kind": "status", "status": 503}, "429": {"kind": "status", "status": 429},
    "junk": {"kind": "html", "committed": True}, "401 after": {"kind": "status", "status": 401, "committed": True},
}  # fmt: skip
TROUBLES = st.tuples(
    st.one_of(
        st.sampled_from(["", *sorted(FAULTS), "dies waiting"]),
        st.sampled_from(["dies at a send before", "dies at a send after"]),
        st.sampled_from([f"dies at a commit {place}" for place in ("before", "inside", "after")]),
    ),
    st.integers(1, 12),
)  # fmt: skip
Trouble = tuple[str, int]
OURS = ("created", "updated", "voided")


class Model(RuleBasedStateMachine):
    """Three invoices, a target of some ability, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.versions: dict[str, list[tuple[str, str]]] = {}
        """Invoice → what the source said of it, in order: status and total."""
        self.edited: set[str] = set()
        """Invoices that a person changed in the target: they may end with a person."""
        self.marked: set[str] = set()
        """Ids in the target of what a person changed there; nobody ever says that it may be written over."""
        self.vague: set[str] = set()
        """Invoices of which a restored store knows less than was done."""
        self.kept: dict[str, int] | None = None

    @initialize(
        ability=st.sampled_from(["query", "key", "upsert", "none"]), batch=st.sampled_from([1, 3]),
        approval=st.sampled_from([False, False, True]), begun=st.sampled_from([True, False]),
    )  # fmt: skip
    def begin(self, ability: Ability, batch: int, approval: bool, begun: bool) -> None:
        folder = Path(tempfile.mkdtemp(prefix="wherry-model-"))
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self.patch = patch
        url = f"sqlite:///{folder / 'store' / 'wherry.db'}"
        self.desk: Books = self.stack.enter_context(books(folder, url, patch, ability))
        self.desk.batch, self.approval = batch, approval
        self.desk.flows = {"invoices": 'approval = "required"' if approval else ""}
        self.desk.shelf.put([])
        self.gone, self.sends = "", 0
        real = Http.send

        def send(http: Http, call: Call) -> Reply:
            self.sends -= 1
            gone, self.gone = (self.gone, "") if self.sends < 0 else ("", self.gone)
            if gone == "before":
                raise Crash
            reply = real(http, call)
            if gone == "after":
                raise Crash
            return reply

        patch.setattr(Http, "send", send)
        if begun:
            self.bill_and_sync(dict.fromkeys(("1", "2", "3"), "10.00"), ("", 0))

    # -- people --------------------------------------------------------------------------------------------------------

    def _say(self, id: str, status: str, total: str) -> None:
        """An invoice is issued, comes to another total, is taken back, or is issued again after that."""
        if self.versions.get(id, [("", "")])[-1][0] == "void" and self.desk.target.ability == "upsert":
            return  # its external id is taken for good by the document that was taken back
        if self.versions.get(id, [("", "")])[-1] != (status, total):
            self.versions.setdefault(id, []).append((status, total))
        self.desk.bill(id, total, status=status)

    @precondition(lambda self: self._live() and self.desk.target.ability != "upsert")
    @rule(data=st.data(), really=st.booleans())
    def edit(self, data: st.DataObject, really: bool) -> None:
        """A person touches a document in the target: what it says, or only a remark on it."""
        id = data.draw(st.sampled_from(sorted(self._live())))
        thing = self._live()[id]
        self.desk.target.edit(thing["id"], **({"memo": "paid by card"} if really else {"note": "seen"}))
        self.marked |= {thing["id"]} if really else set()
        self.edited |= {id} if really or self.desk.target.ability == "none" else set()

    @rule(keep=st.booleans())
    def look(self, keep: bool) -> None:
        """A person is shown what is held otherwise, says no to writing over it, and perhaps that it stays as it is."""
        with self._may_end_early(), self.desk.open() as hub:
            found = desk.all_of(hub, "differs")
            looking.look(hub, found)
            for one in found if keep else ():
                deciding.accept(hub, one.item.id)

    @precondition(lambda self: self.approval)
    @rule()
    def approve(self) -> None:
        with self._may_end_early(), self.desk.open() as hub:
            approvals.approve(hub, "invoices")

    # -- the world -----------------------------------------------------------------------------------------------------

    def _disturb(self, trouble: Trouble) -> None:
        """What goes wrong in the next run."""
        what, number = trouble
        if what in FAULTS:
            self.desk.fault(**FAULTS[what], after=number % 4)
        if what == "late":
            self.desk.clock.at(25.0, self.desk.target.stage.release)
        if what.startswith("dies at a commit"):
            self.desk.crash(what.rpartition(" ")[2], "", number)
        if what.startswith("dies at a send"):
            self.gone, self.sends = what.rpartition(" ")[2], number % 4
        if what == "dies waiting":
            self.desk.dies_waiting()

    @rule(seconds=st.sampled_from([1.0, 70.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        with self._may_end_early():
            self.desk.clock.sleep(seconds)

    # -- runs ----------------------------------------------------------------------------------------------------------

    @rule(trouble=TROUBLES)
    def sync(self, trouble: Trouble) -> None:
        self._disturb(trouble)
        with self._may_end_early():
            self.desk.run()

    @rule(totals=st.dictionaries(IDS, TOTALS, min_size=1), trouble=TROUBLES)
    def bill_and_sync(self, totals: dict[str, str], trouble: Trouble) -> None:
        for id, total in totals.items():
            self._say(id, "invoiced", total)
        self.sync(trouble)

    @rule(id=IDS, first=TOTALS, then=TOTALS, trouble=TROUBLES)
    def there_and_back(self, id: str, first: str, then: str, trouble: Trouble) -> None:
        for total in (first, then, first):
            self.bill_and_sync({id: total}, trouble)

    @rule(totals=st.dictionaries(IDS, TOTALS, min_size=1), trouble=TROUBLES)
    def sync_and_restore(self, totals: dict[str, str], trouble: Trouble) -> None:
        """Yesterday's backup comes back after another day's work."""
        self.backup()
        self.bill_and_sync(totals, trouble)
        if self.kept is not None:
            self.restore()
        self.sync(("", 0))

    @rule(id=IDS, trouble=TROUBLES)
    def void_and_sync(self, id: str, trouble: Trouble) -> None:
        if id in self.versions:
            self._say(id, "void", self.versions[id][-1][1])
        self.sync(trouble)

    @rule(id=IDS)
    def resync(self, id: str) -> None:
        with self._may_end_early(), self.desk.open() as hub:
            hub.resync("invoices", Options(records=(id,), resync=True), write=True)

    @rule()
    def backup(self) -> None:
        if (self.desk.folder / "store" / "wherry.db").exists():
            self.desk.copy("", "kept-")
            self.kept = {id: len(self.desk.done(id)) for id in ("1", "2", "3")}

    @precondition(lambda self: self.kept is not None)
    @rule()
    def restore(self) -> None:
        assert self.kept is not None
        self.desk.copy("kept-", "")
        self.wait(70.0)
        self.vague |= {id for id, number in self.kept.items() if len(self.desk.done(id)) != number}

    def _may_end_early(self) -> Any:
        return suppress(Crash, WherryError)

    # -- judgement -----------------------------------------------------------------------------------------------------

    def _live(self) -> dict[str, dict[str, Any]]:
        """The invoices that the target holds and that are not void."""
        found = self.desk.target.things.values()
        return {one["number"].removeprefix("INV-"): one for one in found
                if one["kind"] == "invoice" and one["status"] != "void"}  # fmt: skip

    @invariant()
    def no_work_item_has_two_effects(self) -> None:
        if not hasattr(self, "desk"):
            return
        ours = [one.detail["stamp"] for one in self.desk.target.stage.history.effects() if one.what in OURS]
        assert len(ours) == len(set(ours))
        for kind in ("customer", "product"):
            assert len(self.desk.effects(kind)) <= 1
        for id in self.versions:
            self._in_order(id, [one for one in self.desk.done(id) if one[0] in OURS])
        assert {self.desk.target.things[id]["memo"] for id in self.marked} <= {"paid by card"}

    def _in_order(self, id: str, done: list[tuple[str, str]]) -> None:
        """Every effect is a version of the source, in the order of the source, and no document stands twice."""
        versions, standing = iter(self.versions[id]), False
        for what, total in done:
            if what == "voided":
                assert standing
                assert any(status == "void" for status, _ in versions)
            else:
                assert standing == (what == "updated")
                assert any(version == ("invoiced", total) for version in versions), f"{total} of {id} in {done}"
            standing = what != "voided"

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self._calm()
        finally:
            self.stack.close()

    def _calm(self) -> None:
        """Nothing is disturbed any more: a few runs bring everything to its end."""
        desk = self.desk
        desk.target.stage.faults.clear()
        desk.crash("never", "")
        desk.clock.forget(crash)
        self.gone = ""
        desk.clock.sleep(70.0)
        for _ in range(3):
            desk.run()
            if self.approval:
                with desk.open() as hub, suppress(WherryError):
                    approvals.approve(hub, "invoices")
            desk.clock.sleep(70.0)
        self.no_work_item_has_two_effects()
        self._nothing_is_lost()

    def _nothing_is_lost(self) -> None:
        states, live = self.desk.states(), self._live()
        for ref, state in states.items():
            assert state in ("decide", "differs", "waiting"), f"{ref} is {state}"
            assert self._is_for_a_person(ref, states), f"{ref} is {state}: {self.desk.items()[ref].reason}"
        for id, versions in self.versions.items():
            if f"invoice/id:{id}" in states or id in self.vague | self.edited:
                continue
            status, total = versions[-1]
            if status == "void":
                assert id not in live
            else:
                link = self.desk.link(id)
                assert live[id]["total"] == total
                assert link is not None
                assert link.target == live[id]["id"]

    def _is_for_a_person(self, ref: str, states: dict[str, str]) -> bool:
        """What nobody could tell: of a target that cannot be asked what was lost, of the others what people changed."""
        id = ref.rpartition(":")[2]
        if self.desk.target.ability == "none":
            return True
        if states[ref] == "waiting":
            return any(state == "decide" for state in states.values())
        return id in self.edited | self.vague


WANTED = int(os.environ.get("WHERRY_MODEL_EXAMPLES", "0"))
TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=WANTED or 5, stateful_step_count=14, deadline=None, derandomize=not WANTED, print_blob=True,
    phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
