"""Reading by id in batches: associations by 1,000, objects by 100, an object once a run however many threads ask."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, Generic, TypeVar

from wherry.errors import TryAgain
from wherry.rows import pieces

from .client import ASSOCIATIONS_BATCH, BATCH, Client
from .errors import no_progress
from .objects import Head, head_of
from .shapes import Associated, Fault, Target
from .shelf import Shelf

MOST_EXPECTED, MOST_PAGES = 5_000, 15
"""Ids, and pages not looked at yet: some more than a run reads ahead."""
CAPACITY = 3_000
"""Values in memory: those of a few batches, and all companies of most accounts."""
A = TypeVar("A")
V = TypeVar("V")


class Reader:
    """Batch reads of one account. ``fan_out`` is that of ``Services``."""

    def __init__(self, client: Client, fan_out: Callable[..., Iterator[Any]]) -> None:
        self.client, self._fan_out = client, fan_out

    def spread(self, function: Callable[[A], V], arguments: Sequence[A]) -> list[V]:
        """The results in order; a single call needs no threads."""
        return [function(a) for a in arguments] if len(arguments) < 2 else list(self._fan_out(function, arguments))

    def heads(self, type_name: str, ids: Iterable[str], fields: Sequence[str], *, archived: bool = False) -> list[Head]:
        """Heads by id, each once, in the order asked for; what HubSpot does not have is missing.

        A merged id is answered by its survivor, whose id differs: it stands after those that were asked for by name.
        """

        def read(some: Sequence[str]) -> list[Head]:
            answer = self.client.read_batch(type_name, some, fields, archived=archived)
            _judge(answer.errors, type_name)
            return [head_of(found) for found in answer.results]

        asked = list(dict.fromkeys(ids))
        found = {head.id: head for batch in self.spread(read, pieces(asked, BATCH)) for head in batch}
        return [found.pop(i) for i in asked if i in found] + list(found.values())

    def associations(self, type_name: str, to: str, ids: Iterable[str]) -> dict[str, list[Target]]:
        """Id → what it is associated with, all pages of it. Raises TryAgain when HubSpot cannot tell for some."""

        def read(some: Sequence[tuple[str, str]]) -> list[Associated]:
            inputs = [{"id": i, "after": after} if after else {"id": i} for i, after in some]
            answer = self.client.associations(type_name, to, inputs)
            _judge(answer.errors, type_name)
            return answer.results

        found: dict[str, dict[str, Target]] = {}
        asked: set[tuple[str, str]] = set()
        left = [(i, "") for i in ids]
        while left:
            answers = self.spread(read, pieces(left, ASSOCIATIONS_BATCH))
            asked.update(left)
            left = []
            for each in (each for answer in answers for each in answer):
                found.setdefault(each.origin.id, {}).update((target.id, target) for target in each.to)
                left += [(each.origin.id, each.after)] if each.after else []
            if again := asked.intersection(left):
                raise no_progress(f"what is associated with record {min(again)[0]}")
        return {i: list(targets.values()) for i, targets in found.items()}


def _judge(errors: Sequence[Fault], type_name: str) -> None:
    """Nothing there is an answer; any other error of a 207 must not be read as nothing there."""
    for fault in errors:
        if not fault.means_none:
            ids = sorted({i for some in fault.context.values() for i in some})[:5]
            raise TryAgain(
                f"HubSpot could not answer for some of the {type_name}: {fault.message or fault.category}",
                code="WHERRY-6707",
                records=", ".join(ids),
            )


class Coming:
    """Ids in the order that a list told them: what a batch is filled up with that would not be full, since it will
    probably be asked for next."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._unread: deque[Callable[[], Iterable[str]]] = deque(maxlen=MOST_PAGES)
        self._lock = threading.Lock()

    def expect(self, ids: Callable[[], Iterable[str]]) -> None:
        """A page told these now. They are looked at when a batch wants filling."""
        with self._lock:
            self._unread.append(ids)

    def _read(self) -> None:
        while self._unread:
            self._ids.update(dict.fromkeys(self._unread.popleft()()))
        while len(self._ids) > MOST_EXPECTED:
            self._ids.popitem(last=False)

    def take(self, count: int, asked: Iterable[str], known: Container[str]) -> list[str]:
        """So many that nobody read yet: of those told after the ones asked for now, then of those between them, which
        others may be about to ask for. What was told before all of these was left out meanwhile."""
        wanted = set(asked)
        with self._lock:
            self._read()
            before, between, behind = self._around(wanted, count, known)
            found = [*behind, *between][:count]
            for i in (*before, *wanted, *found):
                self._ids.pop(i, None)
        return found

    def _around(self, wanted: set[str], count: int, known: Container[str]) -> tuple[list[str], list[str], list[str]]:
        """What was told before all that is wanted, between it, and, so many, behind it. Looks no further."""
        before, between, behind = list[str](), list[str](), list[str]()
        left = places = sum(i in self._ids for i in wanted)
        for i in self._ids:
            if i in wanted:
                left -= 1
            elif not left and len(behind) == count:
                break
            elif left == places > 0:
                before.append(i)
            elif i not in known:
                (between if left else behind).append(i)
        return before, between, behind


class ReadOnce(Generic[V]):
    """Values by id, each read once a run. Threads that want one which another is reading wait for it.

    ``read`` is given ids that nobody read before and returns what it found; ``capacity`` bounds what is kept in memory,
    and what goes from there is on the ``shelf``, where there is one; its last batch is filled up with what is
    ``coming``.
    """

    def __init__(
        self, read: Callable[[Sequence[str]], Mapping[str, V]], capacity: int = CAPACITY, coming: Coming | None = None,
        shelf: Shelf[V] | None = None,
    ) -> None:  # fmt: skip
        self._read, self._capacity, self._coming, self._shelf = read, capacity, coming or Coming(), shelf
        self._held: dict[str, Future[Mapping[str, V]]] = {}
        """Id → the read that it is part of."""
        self._lock = threading.Lock()

    def get(self, ids: Iterable[str], *, keep: bool = True) -> dict[str, V]:
        """Id → value; what is not there is missing. What is not kept is read again by who wants it later."""
        own, spare = Future[Mapping[str, V]](), Future[Mapping[str, V]]()
        reads, mine, more = self._claim(ids, own, spare)
        if mine:
            self._fill(mine, more, own, spare)
        found = {read: read.result() for read in set(reads.values()) if read.exception() is None}
        failed = [i for i, read in reads.items() if read not in found]  # somebody else's: ours has raised
        if not keep:
            self._forget(reads)
        told = {i: found[read][i] for i, read in reads.items() if i in found.get(read, ())}
        return told | (self.get(failed, keep=keep) if failed else {})

    def _claim(
        self, ids: Iterable[str], own: Future[Mapping[str, V]], spare: Future[Mapping[str, V]]
    ) -> tuple[dict[str, Future[Mapping[str, V]]], list[str], list[str]]:
        """Id → the read that it is part of; what our own has to ask for, and what fills it up."""
        ids = list(ids)
        with self._lock:
            self._take_down(ids)
            reads = {i: self._held.setdefault(i, own) for i in ids}
            mine = [i for i, read in reads.items() if read is own]
            more = self._coming.take(-len(mine) % BATCH, reads, self._held)
            self._held.update(dict.fromkeys(more, spare))
            for oldest in [*islice(self._held, max(0, len(self._held) - self._capacity))]:
                del self._held[oldest]
        return reads, mine, more

    def _take_down(self, ids: Sequence[str]) -> None:
        """What is on the shelf counts as read."""
        away = [i for i in ids if i not in self._held]
        if self._shelf is None or not away:
            return
        there, taken = self._shelf.get(away), Future[Mapping[str, V]]()
        taken.set_result({i: value for i, value in there.items() if value is not None})
        self._held.update(dict.fromkeys(there, taken))

    def _fill(
        self, mine: list[str], more: list[str], own: Future[Mapping[str, V]], spare: Future[Mapping[str, V]]
    ) -> None:
        """Nothing that fills up keeps from being read what was asked for."""
        try:
            found = self._read([*mine, *more])
        except BaseException as error:
            self._forget([*mine, *more])
            spare.set_exception(error)
            if more and isinstance(error, TryAgain):
                found = self._alone(mine, own)
            else:
                own.set_exception(error)
                raise
        else:
            spare.set_result({i: found[i] for i in more if i in found})  # what was asked for need not wait for them
            self._shelve([*mine, *more], found)
        own.set_result(found)

    def _shelve(self, ids: Sequence[str], found: Mapping[str, V]) -> None:
        if self._shelf is not None:
            with self._lock:
                self._shelf.put(ids, found)

    def _alone(self, mine: list[str], own: Future[Mapping[str, V]]) -> Mapping[str, V]:
        try:
            return self._read(mine)
        except BaseException as error:
            own.set_exception(error)
            raise

    def _forget(self, ids: Iterable[str]) -> None:
        with self._lock:
            for i in ids:
                self._held.pop(i, None)
