"""How a look is judged: nothing, one, two, or something alike; and when the same bytes may go again."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.protocol import resolving
from wherry.protocol.flight import Flight, Target, board
from wherry.protocol.steps import Lane, differing, stamp_of
from wherry.records import Answer, Call, Draft, Facts, Found, Item, Ref, Reply
from wherry.roles import Account
from wherry.store import Store
from wherry.store.calls import CallRow, OpenItem
from wherry.store.ledger import ItemRow, Route
from wherry.testing.clock import START, FakeClock

FACTS = st.dictionaries(st.sampled_from(["total", "date", "lines", "memo"]), st.text(max_size=4))
BEFORE, AFTER = {"total": "10.00 GBP"}, {"total": "12.00 GBP"}


class Shelf:
    """A sink whose target holds ``hits`` of whatever it is asked for; its facts are the body's own."""

    entities: Sequence[str] = ("invoice",)
    batch, width, settle = 1, 1, 60.0

    def __init__(self, hits: Sequence[Found] = (), resend_for: float | None = None) -> None:
        self.hits, self.resend_for, self.http = list(hits), resend_for, self

    def check(self) -> Account:
        return Account("1", "shelf")

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return [Call(method="POST", path="things", items=(item.stamp,)) for item in items]

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        return {}

    def facts(self, item: Item) -> Facts:
        return {"status": "void"} if item.action == "void" else {**item.body, "status": "open"}

    def read(self, method: str, path: str, **told: Any) -> Any:
        return type("Response", (), {"status": 200, "headers": {}, "content": b""})()


class Asking(Shelf):
    def ask(self, items: Sequence[Item]) -> list[Call]:
        return [Call(method="GET", path="things", items=tuple(item.stamp for item in items))]

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {item.stamp: self.hits for item in items}


class Silent(Asking):
    """It cannot tell."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'wherry.db'}", FakeClock(), tmp_path / "files")
    yield opened
    opened.close()


def target(store: Store, sink: Any) -> Target:
    lane = Lane(flow="f", run="r", route=Route(1, 2), sink=sink, plugin="shelf", identity="a>b")
    return Target(
        name="books", sink_id=2, account="1", sink=sink, store=store, lane=lambda source: lane, beside=store.files
    )


def flight(goal: Target, *, held: str | None = None, action: Any = "write", tries: int = 0) -> Flight:
    """An item of 12.00, an update of one of 10.00 where something is held."""
    draft = Draft(entity="invoice", key="id:1", body=AFTER, label="INV-1", root=True, void=action == "void")
    stamp = stamp_of(goal.lane(1), draft, action, 1, 1)
    row = ItemRow(
        entity="invoice", key="id:1", flow="f", run="r", state="unknown", record_kind="invoice", record_id="1",
        root=True, draft=draft, label="INV-1", target=held or "", action=action, stamp=stamp, sequence=1, attempt=1,
        tries=tries, changed_at="2026-01-05T09:00:00.000Z",
    )  # fmt: skip
    item = Item(
        entity="invoice", key="id:1", body=AFTER, target=held, stamp=stamp, token="1" if held else "", action=action,
        before=BEFORE if held else None, label="INV-1",
    )  # fmt: skip
    return Flight(open=OpenItem(1, row), item=item)


def judged(store: Store, sink: Any, **told: Any) -> tuple[Answer, Flight]:
    goal = target(store, sink)
    one = flight(goal, **told)
    [(_, answer)] = resolving.resolved(goal, [one])
    return answer, one


def test_a_document_whose_customer_is_gone_stays_although_another_of_his_is_taken_back(store: Store) -> None:
    """I10: a reversal needs nothing to be there; what is to be made does"""
    goal = target(store, Shelf())
    void, fresh = flight(goal, held="X-1", action="void").open, flight(goal).open
    for one in (void, fresh):
        one.item.draft.refs = (Ref("customer", "id:7"),)
    with store.read() as tx:
        flights, stranded = board(tx, 2, [void, fresh])
    assert ([one.open for one in flights], stranded) == ([void], [fresh])


# -- facts -------------------------------------------------------------------------------------------------------------


@given(FACTS, FACTS)
def test_facts_differ_where_both_tell_and_tell_otherwise(sent: Facts, held: Facts) -> None:
    changes = differing(sent, held)
    assert {change.field for change in changes} == {
        name for name in sent.keys() & held.keys() if sent[name] != held[name]
    }
    assert all((change.before, change.after) == (sent[change.field], held[change.field]) for change in changes)


# -- a create ----------------------------------------------------------------------------------------------------------


def test_nothing_there_is_proved_absent_and_gets_the_next_attempts_stamp(store: Store) -> None:
    answer, one = judged(store, Asking())
    assert (answer.fate, answer.after) == ("queued", 0.0)
    assert one.open.item.attempt == 2
    assert one.stamp != one.item.stamp


def test_one_of_ours_is_what_was_sent(store: Store) -> None:
    answer, one = judged(store, Asking([Found(target="X-1", token="1", ours=True, facts={**AFTER, "status": "open"})]))
    assert (answer.fate, answer.target, answer.token) == ("created", "X-1", "1")
    assert one.open.item.attempt == 1


def test_one_of_ours_that_holds_something_else_is_shown(store: Store) -> None:
    answer, _ = judged(store, Asking([Found(target="X-1", ours=True, facts={"total": "1.00 GBP"})]))
    assert (answer.fate, answer.target) == ("differs", "X-1")
    assert "total is 1.00 GBP there, 12.00 GBP here" in answer.reason


def test_two_of_ours_are_never_mended_by_a_machine(store: Store) -> None:
    """Rule 8"""
    answer, one = judged(store, Asking([Found(target=f"X-{n}", ours=True) for n in (1, 2)]))
    assert answer.fate == "decide"
    assert "X-1, X-2" in answer.reason
    assert resolving.TWICE in one.open.item.evidence


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_only_alike_is_for_a_person(store: Store, number: int) -> None:
    """case_C20"""
    answer, _ = judged(store, Asking([Found(target=f"X-{n}", alike=True) for n in range(number)]))
    assert answer.fate == "decide"
    assert "X-0" in answer.reason


def test_one_of_ours_beside_something_alike_is_ours(store: Store) -> None:
    hits = [Found(target="X-1", alike=True), Found(target="X-2", ours=True)]
    assert judged(store, Asking(hits))[0].target == "X-2"


# -- an update ---------------------------------------------------------------------------------------------------------


def test_an_update_that_is_there_as_it_was_sent_is_done(store: Store) -> None:
    """case_E15: our own lost update"""
    hits = [Found(target="X-1", token="2", facts={**AFTER, "status": "open"})]
    answer, _ = judged(store, Asking(hits), held="X-1")
    assert (answer.fate, answer.token) == ("updated", "2")


def test_a_document_as_it_was_before_is_sent_again_with_the_version_it_has_now(store: Store) -> None:
    """case_E15: a harmless touch"""
    hits = [Found(target="X-1", token="7", facts={**BEFORE, "status": "open"})]
    answer, one = judged(store, Asking(hits), held="X-1")
    assert answer.fate == "queued"
    assert (one.open.item.token, one.open.item.attempt) == ("7", 2)


@pytest.mark.parametrize(("token", "says"), [("1", "gave no clear answer"), ("7", "keeps changing")])
def test_of_a_change_that_never_gets_through_it_is_said_why(store: Store, token: str, says: str) -> None:
    """I16, I20: it was said to keep changing there although nothing changed, but each answer was unclear"""
    hits = [Found(target="X-1", token=token, facts={**BEFORE, "status": "open"})]
    answer, _ = judged(store, Asking(hits), held="X-1", tries=8)
    assert (answer.fate, says in answer.reason) == ("decide", True)


def test_a_document_that_a_person_made_something_else_of_is_not_written_over(store: Store) -> None:
    """case_E16"""
    hits = [Found(target="X-1", token="7", facts={"total": "11.00 GBP", "status": "open"})]
    answer, _ = judged(store, Asking(hits), held="X-1")
    assert (answer.fate, answer.target, answer.token) == ("differs", "", "7")
    assert "total is 11.00 GBP there, 10.00 GBP here" in answer.reason


def test_a_void_document_is_the_reversal_that_was_sent(store: Store) -> None:
    answer, _ = judged(store, Asking([Found(target="X-1", facts={"status": "void"})]), held="X-1", action="void")
    assert answer.fate == "reversed"


@pytest.mark.parametrize("hits", [[], [Found(target="X-9", ours=True)]])
def test_a_document_that_is_no_longer_there_is_refused(store: Store, hits: list[Found]) -> None:
    answer, _ = judged(store, Asking(hits), held="X-1")
    assert answer.fate == "refused"
    assert "X-1" in answer.reason
    assert answer.fix


# -- who cannot tell ---------------------------------------------------------------------------------------------------


def test_a_look_that_tells_nothing_is_repeated_and_in_the_end_left_to_a_person(store: Store) -> None:
    """I20: bounded"""
    first, one = judged(store, Silent())
    assert (first.fate, one.open.item.attempt) == ("unknown", 1)
    assert first.after
    assert judged(store, Silent(), tries=20)[0].fate == "decide"


def test_one_silent_answer_among_many_does_not_touch_the_others(store: Store) -> None:
    class Half(Asking):
        def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
            return {items[0].stamp: []}

    goal = target(store, Half())
    one, other = flight(goal), flight(goal, action="void")
    told = {id(each): answer.fate for each, answer in resolving.resolved(goal, [one, other])}
    assert told == {id(one): "queued", id(other): "unknown"}


def test_a_target_that_cannot_be_asked_leaves_it_to_a_person_with_three_choices(store: Store) -> None:
    """case_A26"""
    answer, _ = judged(store, Shelf())
    assert answer.fate == "decide"
    assert all(choice in answer.fix for choice in ("--link", "--send-again", "--abandon"))


# -- the same bytes again ----------------------------------------------------------------------------------------------


def again(store: Store, resend_for: float | None, age: float, **told: Any) -> bool:
    goal = target(store, Shelf(resend_for=resend_for))
    one = flight(goal)
    one.open.item.call = 7
    made = {"state": "lost", "items": (one.stamp,), **told}
    call = Call(method="POST", path="things", items=made.pop("items"))
    row = CallRow(id=7, sink=2, at=START.isoformat(), call=call, **made)
    store.clock.advance(age)  # type: ignore[attr-defined]
    return bool(resolving.repeatable(goal, [one], {7: row}))


@pytest.mark.parametrize(
    ("resend_for", "age", "goes"),
    [(None, 0.0, False), (60.0, 0.0, True), (60.0, 59.9, True), (60.0, 60.0, False), (60.0, 90_000.0, False),
     (60.0, -1.0, False), (math.inf, 1e9, True)],
)  # fmt: skip
def test_bytes_go_again_only_while_the_target_is_sure_to_know_them(
    store: Store, resend_for: float | None, age: float, goes: bool
) -> None:
    """case_A11; a clock that was set back proves nothing (case_E14)"""
    assert again(store, resend_for, age) == goes


@pytest.mark.parametrize("state", ["answered", "settled", "unsent"])
def test_only_what_has_no_answer_goes_again(store: Store, state: str) -> None:
    assert not again(store, 60.0, 1.0, state=state)


def test_after_three_times_it_is_looked_for(store: Store) -> None:
    """case_A13"""
    assert again(store, 60.0, 1.0, sent=2)
    assert not again(store, 60.0, 1.0, sent=3)


def test_a_call_of_which_some_items_are_settled_is_not_repeated(store: Store) -> None:
    """case_A22"""
    goal = target(store, Shelf())
    assert not again(store, 60.0, 1.0, items=(flight(goal).stamp, "other"))


class AtOnce(Asking):
    """A call for each item, which is answered once as many are on their way as may be."""

    width = 2

    def __init__(self) -> None:
        super().__init__()
        self._together = threading.Barrier(self.width)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        return [Call(method="GET", path="things", items=(item.stamp,)) for item in items]

    def read(self, method: str, path: str, **told: Any) -> Any:
        self._together.wait(5)
        return super().read(method, path, **told)


def test_a_look_of_several_calls_has_as_many_on_their_way_as_the_sink_may() -> None:
    """W6"""
    items = [Item(entity="invoice", key=str(n), body={}, stamp=f"{n:026d}") for n in range(4)]
    assert resolving.holdings(AtOnce(), items) == {item.stamp: [] for item in items}  # type: ignore[arg-type]
