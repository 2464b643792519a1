"""Reading by id in batches: associations by 1,000, objects by 100, an object once a run however many threads ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from wherry.errors import TryAgain

from .client import ASSOCIATIONS_BATCH, BATCH, Client
from .errors import no_progress
from .objects import Head, head_of
from .shapes import Associated, Fault, Target

A = TypeVar("A")
V = TypeVar("V")


def pieces(items: Iterable[A], size: int) -> list[Sequence[A]]:
    """The items, each once, in runs of at most ``size``."""
    distinct = list(dict.fromkeys(items))
    return [distinct[start : start + size] for start in range(0, len(distinct), size)]


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


class ReadOnce(Generic[V]):
    """Values by id, each read once a run. Threads that want one which another is reading wait for it.

    ``read`` is given ids that nobody read before and returns what it found; ``capacity`` bounds what is kept.
    """

    def __init__(self, read: Callable[[Sequence[str]], Mapping[str, V]], capacity: int = 10_000) -> None:
        self._read, self._capacity = read, capacity
        self._held: dict[str, Future[Mapping[str, V]]] = {}
        """Id → the read that it is part of."""
        self._lock = threading.Lock()

    def get(self, ids: Iterable[str]) -> dict[str, V]:
        """Id → value; what is not there is missing."""
        own: Future[Mapping[str, V]] = Future()
        reads = self._claim(ids, own)
        if mine := [i for i, read in reads.items() if read is own]:
            self._fill(mine, own)
        found = {read: read.result() for read in set(reads.values())}
        return {i: found[read][i] for i, read in reads.items() if i in found[read]}

    def _claim(self, ids: Iterable[str], own: Future[Mapping[str, V]]) -> dict[str, Future[Mapping[str, V]]]:
        with self._lock:
            reads = {i: self._held.setdefault(i, own) for i in ids}
            while len(self._held) > self._capacity:
                del self._held[next(iter(self._held))]
        return reads

    def _fill(self, mine: list[str], own: Future[Mapping[str, V]]) -> None:
        try:
            own.set_result(self._read(mine))
        except BaseException as error:
            with self._lock:
                for i in mine:
                    self._held.pop(i, None)
            own.set_exception(error)
            raise
