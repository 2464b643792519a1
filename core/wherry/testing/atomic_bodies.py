"""Checks of an atomic sink with bodies that its author may not have thought of: references to nothing, lines that
leave, zeros, and two sources that say the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from wherry.entities import SHAPES
from wherry.records import Item
from wherry.testing import guarantees as promise
from wherry.testing.altering import pointers
from wherry.testing.atomic_trial import AtomicTrial, apply, differences, everything, held, made, moves, with_body
from wherry.testing.guarantees import guarantee, tried

NOWHERE = "KIT-99999"


class Bodies:
    """What a flow may bring, beside what the trial's own things say."""

    @guarantee(promise.REFERENCES)
    def test_each_reference_has_to_lead_somewhere(self, trial: AtomicTrial) -> None:
        """Of a document and of its lines: each field that refers to a thing, with an id that nothing has."""
        item = trial.items(1)[0]
        taken = []
        for name, body in _dangling(item):
            tried("references to nothing")
            (answer,) = apply(trial, [msgspec.structs.replace(item, body=body)])
            taken += [name] if answer.fate != "refused" else []
        assert taken == [], "what these refer to is not there"

    @guarantee(promise.CHANGES)
    def test_a_line_that_the_source_no_longer_has_leaves(self, trial: AtomicTrial) -> None:
        item = trial.items(1)[0]
        if not item.body.get("lines"):
            pytest.skip("the things of the trial have no lines")
        first = item.body["lines"][0]
        second = {**copy.deepcopy(first), **({"source": "kit-second"} if "source" in first else {})}
        two = made(trial, [with_body(item, lines=[first, second])])[0]
        assert len(held(trial, two)[0]["lines"]) == 2
        apply(trial, [with_body(two, lines=[first])])
        assert len(held(trial, two)[0]["lines"]) == 1
        apply(trial, [with_body(two, lines=[])])
        assert held(trial, two)[0].get("lines", []) == []

    @guarantee(promise.EXACT)
    def test_a_zero_is_a_number_and_not_nothing(self, trial: AtomicTrial) -> None:
        item = trial.items(1)[0]
        body = _zeroed(item.body)
        if body == item.body:
            pytest.skip("the things of the trial have no numbers")
        (answer,) = apply(trial, [msgspec.structs.replace(item, body=body)])
        assert answer.fate == "created"
        (there,) = held(trial, msgspec.structs.replace(item, target=answer.target))
        assert differences(there, body) == {}

    @guarantee(promise.CHANGES)
    def test_what_says_less_of_the_same_changes_nothing(self, trial: AtomicTrial) -> None:
        """Another record of one thing, with the same in fewer fields: nobody is told of a change that was none."""
        (item,) = made(trial, trial.items(1))
        if trial.field in ("name", "number"):
            pytest.skip(f"a thing cannot be without its {trial.field}")
        body = {name: value for name, value in item.body.items() if name != trial.field}
        (answer,) = apply(trial, [msgspec.structs.replace(item, key="id:another-record", body=body)])
        assert (answer.fate, answer.changes) == ("unchanged", ())


class TakingBack:
    """A void is no change like others: it takes a document back, or is refused."""

    @guarantee(promise.TAKEN_BACK)
    def test_a_void_is_answered_as_one(self, trial: AtomicTrial) -> None:
        """Taken for an update it would say that all is well, and what its source took back would stand."""
        (item,) = made(trial, trial.items(1))
        before = everything(trial, item.entity)
        (answer,) = apply(trial, [_void(item)])
        assert answer.fate in ("reversed", "refused"), "a void that passes for something else"
        if answer.fate == "refused":
            assert answer.reason, "why?"
            assert answer.fix, "and now?"
            assert everything(trial, item.entity) == before

    @guarantee(promise.TAKEN_BACK)
    def test_a_void_takes_the_thing_back_once_and_leaves_its_trace(self, trial: AtomicTrial) -> None:
        item, other = made(trial, trial.items(2))
        body, neighbour = held(trial, item)[0], held(trial, other)
        if apply(trial, [_void(item)])[0].fate != "reversed":
            pytest.skip("such things cannot be taken back")
        (there,) = held(trial, item)  # a document is never deleted
        assert there != body, "it stands as if nothing had been taken back"
        assert held(trial, other) == neighbour
        number = moves(trial, item.entity)
        assert [answer.fate for answer in apply(trial, [_void(item)])] == ["reversed"]
        assert moves(trial, item.entity) == number, "taken back twice"
        tried("voids", 2)

    @guarantee(promise.TAKEN_BACK)
    def test_what_is_not_there_any_more_needs_no_taking_back(self, trial: AtomicTrial) -> None:
        item = msgspec.structs.replace(trial.items(1)[0], target=trial.gone)
        before = everything(trial, item.entity)
        (answer,) = apply(trial, [_void(item)])
        assert answer.fate in ("reversed", "refused")
        assert everything(trial, item.entity) == before


def _void(item: Item) -> Item:
    return msgspec.structs.replace(item, action="void", before=item.body)


def _dangling(item: Item) -> Iterator[tuple[str, dict[str, Any]]]:
    shape = SHAPES.get(item.entity)
    for name in pointers(shape) if shape else ():
        yield name, {**item.body, name: NOWHERE}
    lines = item.body.get("lines") or []
    for name in pointers(shape, lines=True) if shape and lines else ():
        yield f"lines.{name}", {**item.body, "lines": [{**lines[0], name: NOWHERE}, *lines[1:]]}


def _zeroed(value: Any) -> Any:
    """The same with nothing in every amount, price and quantity."""
    if isinstance(value, dict) and value.keys() == {"minor", "currency"}:
        return {**value, "minor": 0}
    if isinstance(value, dict):
        return {name: "0" if name in ("quantity", "price", "rate") else _zeroed(one) for name, one in value.items()}
    return [_zeroed(one) for one in value] if isinstance(value, list) else value
