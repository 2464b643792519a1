"""Reading by id in batches: links by 1,000, objects by 100, an object once a run however many threads ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from wherry.errors import TryAgain

from .client import BATCH, ASSOCIATIONS_BATCH, Client, Fault, Associated, Target, CrmObject
from .errors import no_progress

A = TypeVar("A")
V = TypeVar("V")


class FanOut(Protocol):
    """``services.fan_out``: results in order, a bounded number of calls at once."""

    def __call__(self, function: Callable[..., Any], arguments: Iterable[Any]) -> Iterator[Any]: ...


def pieces(items: Sequence[A], size: int) -> list[Sequence[A]]:
    """The items in runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def spread(fan_out: FanOut, function: Callable[[A], V], arguments: Sequence[A]) -> list[V]:
    """The results in order; a single call needs no threads."""
    return [function(a) for a in arguments] if len(arguments) < 2 else list(fan_out(function, arguments))


class Reader:
    """Batch reads of one account."""

    def __init__(self, client: Client, fan_out: FanOut) -> None:
        self.client, self.fan_out = client, fan_out

    def objects(
        self, type_name: str, ids: Iterable[str], fields: Sequence[str], *, archived: bool = False
    ) -> list[CrmObject]:
        """Records by id, each once, in the order asked for; what HubSpot does not have is missing.

        A merged id is answered by its survivor, whose id differs: it stands after those that were asked for by name.
        """
        asked = list(dict.fromkeys(ids))
        batches = spread(
            self.fan_out, lambda some: self._batch(type_name, some, fields, archived), pieces(asked, BATCH)
        )
        found = {thing.id: thing for batch in batches for thing in batch}
        return [found.pop(i) for i in asked if i in found] + list(found.values())

    def _batch(self, type_name: str, ids: Sequence[str], fields: Sequence[str], archived: bool) -> list[CrmObject]:
        answer = self.client.read_batch(type_name, ids, fields, archived=archived)
        _judge(answer.errors, type_name)
        return answer.results

    def associations(self, type_name: str, to: str, ids: Iterable[str]) -> dict[str, list[Target]]:
        """Id → what it is linked with, all pages of it. Raises TryAgain when HubSpot cannot tell for some."""
        found: dict[str, dict[str, Target]] = {}
        inputs: list[dict[str, str]] = [{"id": i} for i in dict.fromkeys(ids)]
        asked: set[tuple[str, str]] = set()
        while inputs:
            answers = spread(self.fan_out, lambda some: self._linked(type_name, to, some), pieces(inputs, ASSOCIATIONS_BATCH))
            inputs = []
            for linked in (each for answer in answers for each in answer):
                held = found.setdefault(linked.origin.id, {})
                held.update((str(target.toObjectId), target) for target in linked.to)
                inputs += self._more(linked, asked)
        return {i: list(targets.values()) for i, targets in found.items()}

    def _linked(self, type_name: str, to: str, inputs: Sequence[Mapping[str, str]]) -> list[Associated]:
        answer = self.client.associations(type_name, to, inputs)
        _judge(answer.errors, type_name)
        return answer.results

    def _more(self, linked: Associated, asked: set[tuple[str, str]]) -> list[dict[str, str]]:
        """What to ask for the next page of one record's links, if there is one."""
        after = linked.paging.next.after if linked.paging and linked.paging.next else ""
        if not after:
            return []
        page = (linked.origin.id, after)
        if page in asked:
            raise no_progress(f"what is linked with record {linked.origin.id}")
        asked.add(page)
        return [{"id": linked.origin.id, "after": after}]


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


class Shelf(Generic[V]):
    """Objects by id, each read once a run. Threads that want one which another is reading wait for it.

    ``read`` is given ids that nobody read before and returns what it found; ``capacity`` bounds what is kept.
    """

    def __init__(self, read: Callable[[Sequence[str]], Mapping[str, V]], capacity: int = 20_000) -> None:
        self._read, self._capacity = read, capacity
        self._held: dict[str, Future[V | None]] = {}
        self._lock = threading.Lock()

    def get(self, ids: Iterable[str]) -> dict[str, V]:
        """Id → thing; what is not there is missing."""
        mine, futures = self._claim(ids)
        if mine:
            self._fill(mine, futures)
        return {i: value for i, future in futures.items() if (value := future.result()) is not None}

    def _claim(self, ids: Iterable[str]) -> tuple[list[str], dict[str, Future[V | None]]]:
        mine: list[str] = []
        futures: dict[str, Future[V | None]] = {}
        with self._lock:
            for i in ids:
                if i not in self._held:
                    self._held[i] = Future()
                    mine.append(i)
                futures[i] = self._held[i]
            while len(self._held) > self._capacity:
                del self._held[next(iter(self._held))]
        return mine, futures

    def _fill(self, mine: list[str], futures: Mapping[str, Future[V | None]]) -> None:
        try:
            found = self._read(mine)
        except BaseException as error:
            with self._lock:
                for i in mine:
                    self._held.pop(i, None)
            for i in mine:
                futures[i].set_exception(error)
            raise
        for i in mine:
            futures[i].set_result(found.get(i))
