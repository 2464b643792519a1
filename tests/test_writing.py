"""The ledger's state machine: in whatever order things arrive and are answered, the same stands at the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from wherry.errors import ContractBroken, Guarded
from wherry.protocol import rows, writing
from wherry.protocol.steps import Lane, Step
from wherry.records import Answer, Ask, Create, Decision, Draft, Item, Link, Listed, Ref, Same, Skip
from wherry.roles import Account
from wherry.store import Store, ledger, needs, questions
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import LinkRow, Route
from wherry.store.tables import edges
from wherry.testing.clock import FakeClock

ROUTE = Route(1, 2)


class Shelf:
    """An atomic sink that keeps what it is given and notes every effect."""

    entities: Sequence[str] = ("thing",)

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.effects: list[tuple[str, str]] = []
        self.refused: set[str] = set()
        self._ids = itertools.count(1)

    def check(self) -> Account:
        return Account("1", "shelf")

    def apply(self, documents: Any, items: Sequence[Item]) -> list[Answer]:
        return [self._apply(item) for item in items]

    def _apply(self, item: Item) -> Answer:
        if item.key in self.refused:
            return Answer(fate="refused", reason="too long", field="name", fix="shorten it")
        target = item.target or f"S-{next(self._ids)}"
        self.effects.append((item.key, target))
        fate = "unchanged" if self.held.get(target) == item.body else ("updated" if item.target else "created")
        self.held[target] = item.body
        return Answer(fate=fate, target=target)  # type: ignore[arg-type]

    def listing(self, documents: Any, entity: str) -> Iterator[Listed]:
        return iter(())

    def current(self, documents: Any, entity: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        return {id: self.held[id] for id in ids if id in self.held}


def lane(sink: Any) -> Lane:
    return Lane(flow="flow", run="run", route=ROUTE, sink=sink, plugin="shelf")


def thing(key: str, *needs: str, root: bool = False, **body: Any) -> Draft:
    refs = tuple(Ref("thing", need) for need in needs)
    held = {"name": key, "needs": [{"entity": "thing", "key": need} for need in needs], **body}
    return Draft(entity="thing", key=key, body=held, refs=refs, root=root, label=key)


def step(draft: Draft, decision: Decision | None = None, **more: Any) -> Step:
    return Step(draft=draft, record_kind="deal", record_id=draft.key, decision=decision or Create(), **more)


def settle(tx: Tx, sink: Any, *steps: Step) -> dict[str, str]:
    """Settle as a run does: with what the ledger knows of each. Key → fate."""
    for each in steps:
        each.item = ledger.find_items(tx, ROUTE, [each.ref]).get(each.ref)
    found = writing.settle(tx, lane(sink), list(steps), "2026-01-05T09:00:00.000Z")
    return {ref.key: outcome.fate for ref, outcome in found.items()}


def answer(tx: Tx, sink: Any, key: str, decision: Decision) -> dict[str, str]:
    [asked] = [q for q in questions.find_questions(tx, limit=10_000) if q.key == key]
    return settle(tx, sink, step(asked.draft, decision, by_person=True))


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many rehearsed transactions, each of which is rolled back."""
    folder: Path = tmp_path_factory.mktemp("store")
    opened = Store(f"sqlite:///{folder / 'wherry.db'}", FakeClock(), folder / "files")
    yield opened
    opened.close()


# -- any order converges ----------------------------------------------------------------------------------------------


class World(Struct):
    """Things that need earlier ones, what a matcher says of each, and what a person answers where one is asked."""

    needs: list[list[int]]
    kinds: list[str]
    answers: list[str]

    def key(self, n: int) -> str:
        return f"id:{n}"

    def draft(self, n: int) -> Draft:
        return thing(self.key(n), *(self.key(m) for m in self.needs[n]))

    def closure(self, n: int) -> list[int]:
        """The thing with all it needs, as the drafts of one record hold them."""
        found = {n}
        for m in (*self.needs[n], *([self.same(n)] if self.kinds[n] == "same" else ())):
            found |= set(self.closure(m))
        return sorted(found)

    def same(self, n: int) -> int:
        return n - 1

    def decision(self, n: int) -> Decision:
        return {
            "create": Create(), "link": Link(f"OLD-{n}", "sku"), "skip": Skip("a rule"), "ask": Ask((), "which?"),
            "same": Same(Ref("thing", self.key(self.same(n))), "name") if n else Create(),
        }[self.kinds[n]]  # fmt: skip

    def reply(self, n: int) -> Decision:
        return {"create": Create(), "link": Link(f"ANS-{n}", "person"), "skip": Skip("not ours")}[self.answers[n]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    size = draw(st.integers(1, 5))
    needs = [draw(st.lists(st.integers(0, n - 1), max_size=3, unique=True)) if n else [] for n in range(size)]
    kinds = draw(st.lists(st.sampled_from(["create", "link", "skip", "ask", "same"]), min_size=size, max_size=size))
    kinds[0] = "create" if kinds[0] == "same" else kinds[0]
    answers = draw(st.lists(st.sampled_from(["create", "link", "skip"]), min_size=size, max_size=size))
    return World(needs, kinds, answers)


def play(tx: Tx, world: World, events: Sequence[tuple[str, int]]) -> tuple[dict[str, str], Shelf]:
    """Records and answers in this order, then every answer that is still wanted. Key → what it is at the end."""
    sink = Shelf()
    for kind, n in events:
        if kind == "record":
            linked = ledger.find_links(tx, ROUTE, [Ref("thing", world.key(m)) for m in world.closure(n)])
            steps = [step(world.draft(m), world.decision(m)) for m in world.closure(n)]
            for each in steps:
                each.link = linked.get(each.ref)
                each.decision = None if each.link else each.decision
            settle(tx, sink, *steps)
        else:
            _reply(tx, world, sink, n)
    for n in range(len(world.kinds)):
        _reply(tx, world, sink, n)
    return _told(tx, world, sink), sink


def _reply(tx: Tx, world: World, sink: Shelf, n: int) -> None:
    asked = [q for q in questions.find_questions(tx, state="open", limit=10_000) if q.key == world.key(n)]
    if asked:
        answer(tx, sink, world.key(n), world.reply(n))


def _told(tx: Tx, world: World, sink: Shelf) -> dict[str, str]:
    """Targets are numbered as they come: told by the key that made them instead, and so are references to them."""
    made = {target: key for key, target in sink.effects}
    links = ledger.find_links(tx, ROUTE, [Ref("thing", world.key(n)) for n in range(len(world.kinds))])
    told = {ref.key: f"made for {made[link.target]}" if link.target in made else f"is {link.target or 'nothing'}"
            for ref, link in links.items()}  # fmt: skip
    bodies = {f"body of {made[target]}": str([made.get(need, need) for need in body["needs"]])
              for target, body in sink.held.items()}  # fmt: skip
    return {**told, **bodies}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_of_arrival_and_of_answers_leads_to_the_same_links(one_store: Store, data: st.DataObject) -> None:
    """case_B3, case_C10, I1, I2: nothing is made twice, nothing is left waiting, every reference is filled in."""
    world = data.draw(worlds())
    size = len(world.kinds)
    events = [("record", n) for n in range(size)]
    shuffled = data.draw(st.permutations([*events, *(("answer", n) for n in range(size)), ("record", size - 1)]))
    with one_store.rehearse() as tx:
        straight, _ = play(tx, world, events)
        assert ledger.open_items(tx) == []
    with one_store.rehearse() as tx:
        crooked, sink = play(tx, world, shuffled)
        assert crooked == straight
        keys = [key for key, _ in sink.effects]
        assert len(keys) == len(set(keys)), "written once"
        assert ledger.open_items(tx) == [], "nothing is left waiting"
        assert not questions.find_questions(tx, state="open")
        assert not tx.rows(sa.select(edges)), "and nothing is waited for"


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_a_chain_of_waiting_things_goes_on_to_its_end_with_one_answer(store: Store) -> None:
    """b_001_74, I1"""
    sink = Shelf()
    chain = [step(thing("0"), Ask((), "which?")), *(step(thing(str(n), str(n - 1))) for n in range(1, 40))]
    with store.write() as tx:
        assert set(settle(tx, sink, *chain).values()) == {"triage", "waiting"}
        assert sink.effects == []
        assert set(answer(tx, sink, "0", Create()).values()) == {"created"}
        assert len(sink.held) == 40
        assert ledger.open_items(tx) == []


def test_what_the_sink_refuses_holds_up_what_needs_it_until_a_better_version_comes(store: Store) -> None:
    """I16"""
    sink = Shelf()
    sink.refused = {"a"}
    with store.write() as tx:
        assert settle(tx, sink, step(thing("a")), step(thing("b", "a"))) == {"a": "refused", "b": "waiting"}
        [refused] = ledger.open_items(tx, state="refused")
        assert (refused.reason, refused.field, refused.fix) == ("too long", "name", "shorten it")
        sink.refused = set()
        assert settle(tx, sink, step(thing("a"))) == {"a": "created", "b": "created"}
        assert ledger.open_items(tx) == []


def test_a_circle_waits_and_does_not_spin(store: Store) -> None:
    """I20"""
    with store.write() as tx:
        fates = settle(tx, Shelf(), step(thing("a", "b")), step(thing("b", "a")))
        assert fates == {"a": "waiting", "b": "waiting"}


def test_a_version_that_needs_less_goes_on_and_the_edges_of_the_older_are_gone(store: Store) -> None:
    """I1"""
    sink = Shelf()
    with store.write() as tx:
        settle(tx, sink, step(thing("p"), Ask((), "?")), step(thing("a", "p")))
        [item] = ledger.open_items(tx, state="waiting")
        assert settle(tx, sink, step(thing("a"))) == {"a": "created"}
        assert needs.of(tx, item.id) == []
        assert answer(tx, sink, "p", Create()) == {"p": "created"}
        assert [key for key, _ in sink.effects] == ["a", "p"]


def test_a_question_asked_again_keeps_its_number_and_the_day_it_was_asked(store: Store) -> None:
    """b_001_71"""
    with store.write() as tx:
        settle(tx, Shelf(), step(thing("a"), Ask((), "which?")))
        [first] = questions.find_questions(tx)
        settle(tx, Shelf(), step(thing("a"), Ask((), "which, then?")))
        [second] = questions.find_questions(tx)
        assert (second.id, second.asked_at, second.why) == (first.id, first.asked_at, "which, then?")
        assert len(ledger.open_items(tx)) == 1


def test_a_question_is_found_again_however_many_there_are(one_store: Store) -> None:
    """b_001_71, I2"""
    with one_store.rehearse() as tx:
        settle(tx, Shelf(), *(step(thing(f"id:{n}"), Ask((), "which?")) for n in range(1_100)))
        assert settle(tx, Shelf(), step(thing("id:1099"), Ask((), "still?"))) == {"id:1099": "triage"}
        assert len(questions.find_questions(tx, limit=5_000)) == 1_100


def test_an_answer_to_something_that_must_wait_itself_is_an_answer(store: Store) -> None:
    """b_001_73, I2: it is not asked again, not even by a newer version, and given a second time it makes nothing."""
    sink = Shelf()
    with store.write() as tx:
        settle(tx, sink, step(thing("a"), Ask((), "which?")), step(thing("b", "a"), Ask((), "which?")))
        assert answer(tx, sink, "b", Create()) == {"b": "waiting"}
        assert [q.key for q in questions.find_questions(tx, state="open")] == ["a"]
        assert settle(tx, sink, step(thing("b", "a", size=2), Ask((), "which?"))) == {"b": "waiting"}
        assert [q.key for q in questions.find_questions(tx, state="open")] == ["a"]
        assert answer(tx, sink, "a", Create()) == {"a": "created", "b": "created"}
        [asked] = [q for q in questions.find_questions(tx) if q.key == "b"]
        assert (asked.state, asked.rule, sink.held[asked.answer]["size"]) == ("answered", "created", 2)
        assert answer(tx, sink, "b", Create()) == {"b": "unchanged"}
        assert len(sink.effects) == 2


def test_an_answer_that_waits_can_be_taken_back(store: Store) -> None:
    """b_001_73"""
    sink = Shelf()
    with store.write() as tx:
        settle(tx, sink, step(thing("a"), Ask((), "which?")), step(thing("b", "a"), Ask((), "which?")))
        answer(tx, sink, "b", Create())
        [asked] = [q for q in questions.find_questions(tx) if q.key == "b"]
        rows.reopen(tx, asked, "2026-01-06T09:00:00.000Z")
        assert answer(tx, sink, "a", Create()) == {"a": "created"}
        assert answer(tx, sink, "b", Skip("not ours")) == {"b": "skipped"}
        assert ledger.open_items(tx) == []


# -- links and repetition ---------------------------------------------------------------------------------------------


def test_what_is_linked_is_not_written_unless_it_repeats_and_then_only_where_it_differs(store: Store) -> None:
    """I2, b_001_14"""
    sink = Shelf()
    with store.write() as tx:
        settle(tx, sink, step(thing("a")))
        link = ledger.find_links(tx, ROUTE, [Ref("thing", "a")])[Ref("thing", "a")]
        assert settle(tx, sink, step(thing("a", size=2), link=link)) == {"a": "unchanged"}
        assert settle(tx, sink, step(thing("a"), link=link, always=True)) == {"a": "unchanged"}
        assert len(sink.effects) == 1
        assert settle(tx, sink, step(thing("a", size=2), link=link, always=True)) == {"a": "updated"}
        assert sink.held[link.target]["size"] == 2


def test_an_item_that_was_decided_before_its_link_came_uses_the_link(store: Store) -> None:
    """I2: two records name one new thing; the second arrives decided as a create."""
    sink = Shelf()
    with store.write() as tx:
        settle(tx, sink, step(thing("a")))
        assert settle(tx, sink, step(thing("a"))) == {"a": "unchanged"}
        assert len(sink.effects) == 1


def test_one_target_may_be_linked_from_many_keys_and_systems(store: Store) -> None:
    """b_001_75"""
    with store.write() as tx:
        settle(tx, Shelf(), step(thing("a"), Link("I-1", "sku")), step(thing("b"), Link("I-1", "name")))
        ledger.put_links(tx, Route(9, 2), [LinkRow("thing", "z", "I-1", "person")])
        assert sorted(ledger.links_of_target(tx, 2, "thing", "I-1")) == [
            (1, "a", "sku"), (1, "b", "name"), (9, "z", "person")]  # fmt: skip


def test_of_a_file_that_arrives_the_audit_log_tells(store: Store) -> None:
    """b_001_57, I17"""
    from wherry.store import audit

    draft = thing("f")
    draft.file = "77"
    with store.write() as tx:
        settle(tx, Shelf(), step(draft))
        [row] = audit.find(tx, what="file.synced")
        assert (row["detail"]["name"], row["actor"]) == ("f", "flow flow")


# -- sinks that misbehave ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [[], None, ["done"], [Answer(fate="created")], [Answer(fate="created", target="1")] * 2, "x", {"0": 1}],
)  # fmt: skip
def test_answers_of_the_wrong_number_or_shape_are_the_sinks_fault_and_leave_nothing(store: Store, answers: Any) -> None:
    """case_A23, case_G20, I2"""
    sink = Shelf()
    sink.apply = lambda documents, items: answers  # type: ignore[method-assign]
    with pytest.raises(ContractBroken, match="misbehaved") as caught:
        with store.write() as tx:
            settle(tx, sink, step(thing("a")))
    assert caught.value.where["hook"] == "wherry_sink_writer"
    with store.read() as tx:
        assert ledger.find_links(tx, ROUTE, [Ref("thing", "a")]) == {}


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), MemoryError(), RecursionError()])
def test_whatever_a_sink_raises_is_named_and_rolled_back(store: Store, error: BaseException) -> None:
    """case_G19, I2"""

    def apply(documents: Any, items: Any) -> list[Answer]:
        documents.put("thing", [("1", {})])
        raise error

    sink = Shelf()
    sink.apply = apply  # type: ignore[method-assign]
    with pytest.raises(ContractBroken, match="apply raised"):
        with store.write() as tx:
            settle(tx, sink, step(thing("a")))
    with store.read() as tx:
        assert DocumentView(tx, "shelf").count("thing") == 0


def test_one_of_our_own_errors_passes_through_a_sink_as_it_is(store: Store) -> None:
    """I16"""

    def apply(documents: Any, items: Any) -> list[Answer]:
        raise Guarded("the period is closed", code="WHERRY-7099")

    sink = Shelf()
    sink.apply = apply  # type: ignore[method-assign]
    with pytest.raises(Guarded, match="period"):
        with store.write() as tx:
            settle(tx, sink, step(thing("a")))


# -- filling in -------------------------------------------------------------------------------------------------------

_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(_plain)
def test_filling_in_changes_nothing_but_references(body: Any) -> None:
    """I19"""
    known = {Ref("thing", "a"): "S-1", Ref("thing", "b"): None}
    refs = list(known)
    pointers = [{"entity": "thing", "key": "a"}, {"key": "b", "entity": "thing"}]
    filled = writing.fill({"body": body, "at": pointers}, refs, {**known})
    assert filled == {"body": body, "at": ["S-1", None]}


@given(st.dictionaries(st.text(max_size=5), _plain, max_size=5))
def test_equal_bodies_have_equal_digests_whatever_their_order(body: dict[str, Any]) -> None:
    """I19"""
    assert writing.digest(body) == writing.digest(dict(reversed(list(body.items()))))
    assert writing.digest(body) != writing.digest({**body, "one more field": 1})
