"""An atomic sink on trial, and how the checks of ``wherry.testing.atomic`` write with it, as the core would."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from wherry.records import Answer, Item
from wherry.roles import AtomicSinkWriter, Documents
from wherry.testing.guarantees import tried


class AtomicTrial(Struct, kw_only=True):
    """A sink whose data lives in the hub's own store, and that store, which holds nothing of the things on trial yet.

    ``items`` gives that many things to create, always the same, in canonical form. What the sink cannot do is None, and
    its checks skip.
    """

    make: Callable[[], AtomicSinkWriter]
    opened: Callable[[], AbstractContextManager[Documents]]
    """Opens a transaction on the sink's documents: ``services.documents``."""
    items: Callable[[int], Sequence[Item]]
    changed: Callable[[Item], dict[str, Any]]
    """Another body for a thing: ``field`` is another, and something else beside it."""
    field: str
    """A field of free text that the bodies name."""
    wait: Callable[[float], object]
    gone: str
    """An id of the things' own form that is not there."""
    bad: Item
    """A thing that cannot be held: a field that is none, a date that is none."""
    dangling: Item | None = None
    """A thing that refers to something that is not there."""
    edit: Callable[[str, str, str], object] | None = None
    """A person changes a field of a thing to a text: (id, field, text)."""
    texts: tuple[str, ...] = ("name", "memo", "description")


class _Abandoned(Exception):
    """Ends a transaction, which is rolled back."""


class Seen:
    """Documents as the protocol has them, and nothing else; ``calls`` counts what is asked of them."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.calls = 0

    def get(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        self.calls += 1
        return self._documents.get(kind, ids)

    def known(self, kind: str, ids: Iterable[str]) -> set[str]:
        self.calls += 1
        return self._documents.known(kind, ids)

    def put(self, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        self.calls += 1
        self._documents.put(kind, rows)

    def remove(self, kind: str, ids: Iterable[str]) -> None:
        self.calls += 1
        self._documents.remove(kind, ids)

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self.calls += 1
        return self._documents.each(kind)

    def count(self, kind: str) -> int:
        self.calls += 1
        return self._documents.count(kind)

    def changed(self, kind: str, after: int, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        self.calls += 1
        return self._documents.changed(kind, after, limit)

    def new_ids(self, kind: str, prefix: str, count: int) -> list[str]:
        self.calls += 1
        return self._documents.new_ids(kind, prefix, count)


def apply(trial: AtomicTrial, items: Sequence[Item]) -> list[Answer]:
    """Write in a transaction; one answer an item."""
    with trial.opened() as documents:
        answers = trial.make().apply(Seen(documents), items)
    assert len(answers) == len(items), "one answer an item"
    return answers


def abandon(trial: AtomicTrial, sink: AtomicSinkWriter, items: Sequence[Item]) -> None:
    """Write in a transaction that is rolled back."""
    with suppress(_Abandoned), trial.opened() as documents:
        sink.apply(documents, items)
        raise _Abandoned
    tried("transactions rolled back")


def made(trial: AtomicTrial, items: Sequence[Item]) -> list[Item]:
    """Write what must be taken; the items as the core knows them then."""
    answers = apply(trial, items)
    assert [answer.fate for answer in answers] == ["created"] * len(items), answers
    return [
        msgspec.structs.replace(item, target=answer.target, before=copy.deepcopy(item.body), token=answer.token)
        for item, answer in zip(items, answers, strict=True)
    ]


def held(trial: AtomicTrial, *items: Item) -> list[dict[str, Any]]:
    """The bodies that the sink holds of items now."""
    ids = [str(item.target) for item in items]
    with trial.opened() as documents:
        bodies = trial.make().current(documents, items[0].entity, ids)
    return [bodies[id] for id in ids]


def everything(trial: AtomicTrial, entity: str) -> dict[str, dict[str, Any]]:
    """All that the sink holds of an entity, id → body."""
    with trial.opened() as documents:
        sink = trial.make()
        return sink.current(documents, entity, [listed.id for listed in sink.listing(documents, entity)])


def moves(trial: AtomicTrial, entity: str) -> int:
    """The sequence number of the last change to the documents of an entity."""
    with trial.opened() as documents:
        rows = documents.changed(entity, 0, 100_000)
    return max((number for number, _, _ in rows), default=0)


def with_body(item: Item, **fields: Any) -> Item:
    """The item with other values in some fields of its body."""
    return msgspec.structs.replace(item, body={**item.body, **fields})


def differences(body: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What a body holds otherwise than it should; values that are the default may be left out."""
    pairs = [(name, body.get(name), value) for name, value in wanted.items()]
    return {name: held for name, held, value in pairs if held != value and (held or value)}


def editing(trial: AtomicTrial) -> Callable[[str, str, str], object]:
    """How a person changes a field; without it the check is skipped."""
    if trial.edit is None:
        pytest.skip("the trial cannot change a thing as a person would")
    return trial.edit


def numbers(value: Any) -> Iterator[float]:
    """Every binary fraction in a value."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, float):
        yield value
