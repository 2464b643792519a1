"""Checks of what a sink tells of its target's books: entries and documents by name, and all that moved in them.

A tie-out stands on these. A sink that tells nothing of the books is not checked.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from wherry.accounting import HasBalances, HeldDocument, HeldEntry, ListsDocuments, ListsEntries
from wherry.errors import TryAgain
from wherry.records import Answer, Item
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee
from wherry.testing.sink_trial import SinkTrial, created, needed

_JOURNAL, _VISITS = "journal_entry", 8


class Told:
    """What a sink tells of one day; documents on the accounts that moved, or on these."""

    def __init__(self, sink: Any, day: dt.date, codes: Sequence[str] = ()) -> None:
        self.sink, self.day = sink, day
        self.moved = self._moved()
        self.codes = codes or sorted({code for _, code in self.moved})
        self.entries: list[HeldEntry] | None = None
        self.documents: list[HeldDocument] | None = None
        if isinstance(sink, ListsEntries):
            self.entries = list(sink.journal_entries(day, day))
        if isinstance(sink, ListsDocuments):
            self.documents = list(sink.documents_on(self.codes, day, day))

    def _moved(self) -> dict[tuple[str, str], int]:
        if not isinstance(self.sink, HasBalances):
            return {}
        told = self.sink.balances(self.day, self.day)
        return {(one.currency, one.code): minor for one in told if (minor := one.debit - one.credit)}

    def explained(self) -> dict[tuple[str, str], int]:
        """What entries and documents come to, in the currency of the balances."""
        homes, found = {currency for currency, _ in self.moved}, Counter[tuple[str, str]]()
        home = next(iter(homes)) if len(homes) == 1 else ""
        for entry in self.entries or ():
            foreign = home not in ("", entry.currency)
            for line in entry.lines:
                worth = line.home if foreign else line.minor
                found[home or entry.currency, line.account] += worth if line.side == "debit" else -worth
        ids = {entry.id for entry in self.entries or ()}
        for posting in (one for each in self.documents or () if each.id not in ids for one in each.postings):
            found[home, posting.account] += posting.minor if posting.side == "debit" else -posting.minor
        return {key: minor for key, minor in found.items() if minor}


class Telling:
    """What it lists, for sinks that list."""

    @guarantee(promise.EXACT)
    def test_what_it_lists_of_the_books_is_what_moved_them(self, trial: SinkTrial) -> None:
        sink, items, _ = _written(trial)
        told = _told(trial, sink, _day(items[0]))
        before = _told(trial, sink, told.day - dt.timedelta(days=1), told.codes)
        assert not any((before.moved, before.entries, before.documents)), "something of a day on which nothing was done"
        if not told.moved or told.entries is None or (told.documents is None and items[0].entity != _JOURNAL):
            pytest.skip("the sink does not tell balances and all that moved them")
        assert told.explained() == told.moved

    @guarantee(promise.EACH_ITS_OWN)
    def test_what_was_written_is_listed_once_by_its_own_id(self, trial: SinkTrial) -> None:
        sink, items, answers = _written(trial)
        told = _told(trial, sink, _day(items[0]))
        listed: Any = told.entries if items[0].entity == _JOURNAL else told.documents if told.moved else None
        if listed is None:
            pytest.skip("the sink does not list such things, or they move nothing")
        by_id = {one.id: one for one in listed}
        assert len(by_id) == len(listed), "an id comes twice"
        for item, answer in zip(items, answers, strict=True):
            assert answer.target in by_id, f"{item.label or item.key} is not listed"
            one = by_id[answer.target]
            assert (one.date.isoformat(), one.number) == (item.body["date"], item.body.get("number", one.number))
            assert item.entity != _JOURNAL or one.stamp == item.stamp, "its own sign is not read back"


def _written(trial: SinkTrial) -> tuple[Any, list[Item], list[Answer]]:
    """Some things of one day, written; or the check is skipped."""
    sink, items = trial.make(), list(trial.items(3))
    if not isinstance(sink, HasBalances | ListsEntries | ListsDocuments):
        pytest.skip("the sink tells nothing of its target's books")
    if not all(item.body.get("date") for item in items):
        pytest.skip("the things of the trial are not booked on a day")
    items = [item for item in items if _day(item) == _day(items[0])]
    return sink, items, created(sink, items)


def _told(trial: SinkTrial, sink: Any, day: dt.date, codes: Sequence[str] = ()) -> Told:
    """What it tells of a day, once the target has told all that it was asked."""
    for _ in range(_VISITS):
        try:
            return Told(sink, day, codes)
        except TryAgain:
            needed(trial.tells, "has no target that tells of its books at once, nor says how to let it tell")()
    raise AssertionError(f"{_VISITS} times the target told all that it was asked, and it does not come to an end")


def _day(item: Item) -> dt.date:
    return dt.date.fromisoformat(item.body["date"])
