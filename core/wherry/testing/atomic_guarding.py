"""Checks of what an atomic sink must never do, and of what stands beside its writing: listing, bodies, costs."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.records import Item
from wherry.testing import guarantees as promise
from wherry.testing.atomic_trial import (
    AtomicTrial,
    Seen,
    abandon,
    apply,
    differences,
    everything,
    held,
    made,
    moves,
    numbers,
    with_body,
)
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.hostile import SPOKEN
from wherry.testing.sinks_guarding import usual_growth
from wherry.testing.trial import strays

JUNK = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4) | st.lists(st.none(), max_size=2)
EXAMPLES, ROUNDS = 25, 5


class Harmless:
    """Bad items, strange texts, wrong types."""

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_bad_item_is_refused_and_the_others_are_written(self, trial: AtomicTrial) -> None:
        first, last = trial.items(2)
        answers = apply(trial, [first, trial.bad, last])
        assert [answer.fate for answer in answers] == ["created", "refused", "created"]
        assert answers[1].reason, "why?"
        assert answers[1].fix, "and now?"

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_refused_item_leaves_nothing_behind(self, trial: AtomicTrial) -> None:
        (item,) = made(trial, trial.items(1))
        before, number = everything(trial, item.entity), moves(trial, item.entity)
        answers = apply(trial, [trial.bad, msgspec.structs.replace(trial.bad, target=item.target)])
        assert {answer.fate for answer in answers} == {"refused"}
        assert everything(trial, item.entity) == before
        assert moves(trial, item.entity) == number

    @guarantee(promise.EACH_ITS_OWN)
    def test_an_entity_that_it_does_not_hold_is_refused(self, trial: AtomicTrial) -> None:
        answer, good = apply(trial, [Item(entity="spaceship", key="id:1", body={"name": "x"}), trial.items(1)[0]])
        assert (answer.fate, good.fate) == ("refused", "created")
        assert answer.fix

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_field_that_it_does_not_know_is_refused_not_dropped(self, trial: AtomicTrial) -> None:
        (answer,) = apply(trial, [with_body(trial.items(1)[0], no_such_field="lost for ever")])
        assert answer.fate == "refused"
        assert "no_such_field" in answer.field + answer.reason

    @guarantee(promise.HARMLESS)
    def test_junk_in_a_body_is_an_answer_never_a_crash(self, trial: AtomicTrial) -> None:
        item = trial.items(1)[0]

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(name=st.sampled_from(sorted(item.body)), junk=JUNK)
        def check(name: str, junk: Any) -> None:
            (answer,) = apply(trial, [with_body(item, **{name: junk})])
            assert answer.fate == "created" or (answer.fate == "refused" and answer.reason)

        check()
        tried("bodies of junk", EXAMPLES)

    @guarantee(promise.HARMLESS)
    def test_strange_text_is_kept_cleaned_or_refused(self, trial: AtomicTrial) -> None:
        things = list(trial.items(len(SPOKEN) + 1))
        said = [
            with_body(item, **{name: f"{text} {n}" for name in trial.texts if name in item.body})
            for n, (item, text) in enumerate(zip(things, SPOKEN, strict=False))
        ]
        answers = apply(trial, [*said, things[-1]])
        tried("strange texts", len(said))
        assert {answer.fate for answer in answers} <= {"created", "refused"}
        assert answers[-1].fate == "created"
        kept = [(item, answer) for item, answer in zip(said, answers, strict=False) if answer.fate == "created"]
        for item, answer in kept:
            (body,) = held(trial, msgspec.structs.replace(item, target=answer.target))
            fields = [name for name in trial.texts if name in item.body]
            assert [_printed(body[name]) for name in fields] == [_printed(item.body[name]) for name in fields]
        assert any(answer.fate == "created" for answer in answers[:-1])

    @guarantee(promise.EXACT)
    def test_a_binary_fraction_is_refused_wherever_it_stands(self, trial: AtomicTrial) -> None:
        item, tries = trial.items(1)[0], 0
        for body in _floated(item.body):
            (answer,) = apply(trial, [msgspec.structs.replace(item, body=body)])
            assert answer.fate == "refused", f"taken: {body}"
            tries += 1
        tried("binary fractions", tries)

    @guarantee(promise.EXACT)
    def test_no_binary_fraction_is_stored(self, trial: AtomicTrial) -> None:
        items = made(trial, trial.items(2))
        with trial.opened() as documents:
            stored = documents.get(items[0].entity, [str(item.target) for item in items])
        assert list(numbers(stored)) == []

    @guarantee(promise.EACH_ITS_OWN)
    def test_ids_and_names_are_text(self, trial: AtomicTrial) -> None:
        """A number would be another id once it was kept: 0042 is not 42."""
        items = made(trial, trial.items(2))
        answers = apply(trial, [*items, trial.bad])
        with trial.opened() as documents:
            listed = list(trial.make().listing(documents, items[0].entity))
        told = [getattr(answer, name) for answer in answers for name in ("target", "reason", "field", "fix", "token")]
        told += [getattr(one, name) for one in listed for name in ("id", "name", "sku", "number")]
        assert [value for value in told if not isinstance(value, str)] == []

    @guarantee(promise.HANDS_OFF)
    def test_nothing_of_one_batch_comes_along_with_the_next(self, trial: AtomicTrial) -> None:
        """A sink that has written, refused and been rolled back does the same as one that was just made."""
        used, items = trial.make(), list(trial.items(6))
        with trial.opened() as documents:
            used.apply(documents, [*items[:2], trial.bad])
        abandon(trial, used, [msgspec.structs.replace(items[2], body=trial.changed(items[2]))])
        with trial.opened() as documents:
            answers = used.apply(documents, items[2:4])
        with trial.opened() as documents:
            answers += trial.make().apply(documents, items[4:])
        assert [answer.fate for answer in answers] == ["created"] * 4
        for item, answer in zip(items[2:], answers, strict=True):
            there = msgspec.structs.replace(item, target=answer.target)
            assert differences(held(trial, there)[0], item.body) == {}

    @guarantee(promise.HANDS_OFF)
    def test_items_are_left_as_they_were(self, trial: AtomicTrial) -> None:
        items = [*made(trial, trial.items(1)), *trial.items(3)[1:], trial.bad]
        given = copy.deepcopy(items)
        apply(trial, [with_body(items[0], **trial.changed(items[0])), *items[1:]])
        assert items == given

    @guarantee(promise.HANDS_OFF)
    def test_a_body_that_is_handed_out_is_nobodys_to_change(self, trial: AtomicTrial) -> None:
        (item,) = made(trial, trial.items(1))
        body = held(trial, item)[0]
        given = copy.deepcopy(body)
        body.clear()
        assert held(trial, item)[0] == given


class Beside:
    """What is matched against and compared with, and what writing costs."""

    @guarantee(promise.OFFERS)
    def test_a_listing_has_every_thing_once_with_its_name(self, trial: AtomicTrial) -> None:
        items = made(trial, trial.items(4))
        with trial.opened() as documents:
            listed = list(trial.make().listing(documents, items[0].entity))
        assert len(listed) == len({one.id for one in listed})
        names = {one.id: (one.name, one.sku) for one in listed}
        for item in items:
            assert str(item.target) in names
            wanted = (item.body.get("name"), item.body.get("sku"))
            told = zip(names[str(item.target)], wanted, strict=True)
            assert [one for one, want in told if want not in (None, one)] == []

    @guarantee(promise.OFFERS)
    def test_the_bodies_it_holds_are_told_by_id_and_missing_ones_left_out(self, trial: AtomicTrial) -> None:
        items = made(trial, trial.items(2))
        with trial.opened() as documents:
            sink = trial.make()
            bodies = sink.current(documents, items[0].entity, [str(items[1].target), trial.gone])
            assert sink.current(documents, items[0].entity, []) == {}
        assert set(bodies) == {items[1].target}
        assert differences(bodies[str(items[1].target)], items[1].body) == {}

    @guarantee(promise.ONE_DOOR)
    def test_no_connection_is_opened(self, trial: AtomicTrial) -> None:
        with strays() as found:
            trial.make().check()
            everything(trial, made(trial, trial.items(2))[0].entity)
        assert found == [], "an atomic sink does no I/O but by the documents it is given"

    @guarantee(promise.SECRETS)
    def test_nothing_is_printed(self, trial: AtomicTrial, capfd: pytest.CaptureFixture[str]) -> None:
        apply(trial, [*trial.items(2), trial.bad])
        assert tuple(capfd.readouterr()) == ("", "")

    @guarantee(promise.BOUNDED)
    def test_a_batch_costs_a_few_calls_however_large_it_is(self, trial: AtomicTrial) -> None:
        """The store is asked for what a batch touches at once: one by one a sync takes minutes instead of seconds."""
        calls = []
        for start, count in ((0, 2), (2, 80)):
            with trial.opened() as documents:
                seen = Seen(documents)
                trial.make().apply(seen, trial.items(start + count)[start:])
            calls.append(seen.calls)
        assert calls[1] <= calls[0] + 2

    @guarantee(promise.BOUNDED)
    def test_nothing_is_kept_of_what_passes_through(self, trial: AtomicTrial) -> None:
        sink = trial.make()
        items = made(trial, trial.items(20))

        def once() -> None:
            with trial.opened() as documents:
                sink.apply(documents, copy.deepcopy(items))

        once()
        grown = usual_growth(once, ROUNDS)
        assert grown < ROUNDS * len(items), f"{grown} more blocks after each {ROUNDS} batches"


def _printed(text: str) -> str:
    """What of a text can be seen."""
    return "".join(letter for letter in text if letter.isprintable())


def _floated(value: Any) -> list[Any]:
    """Copies of a body, each with one of its amounts as a binary fraction."""
    if isinstance(value, dict) and isinstance(value.get("minor"), int):
        return [{**value, "minor": value["minor"] + 0.5}]
    if isinstance(value, dict):
        return [{**value, name: one} for name, inner in value.items() for one in _floated(inner)]
    if isinstance(value, list):
        return [[*value[:n], one, *value[n + 1 :]] for n, inner in enumerate(value) for one in _floated(inner)]
    return []
