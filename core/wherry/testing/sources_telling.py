"""Checks of what a source tells, to the letter: every field asked for, every relative, every page, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wherry.errors import WherryError
from wherry.records import Record
from wherry.roles import Fetches, Query, Sweeps
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.trial import Reading, Trial, faults_of, needed, no_account, offered, read, read_settled

ELSEWHERE = ("Asia/Tokyo", "America/Los_Angeles")
CUNNING = ("' or ''='", "*", "%", "../x", "a,b", "?x=1&y=2#z", "\N{SNOWMAN}", "x\r\nX-Header: 1", '"]}', "0 OR 1=1")
"""Ids of nobody, in which a careless query would find something."""


class Telling:
    """What is in a page, and what is in the next one."""

    @guarantee(promise.ACCOUNT)
    def test_junk_is_never_taken_for_an_account(self, trial: Trial) -> None:
        no_account(trial.make().check, faults_of(trial))

    @guarantee(promise.NONE_LOST)
    def test_a_page_that_is_just_full_and_one_of_a_single_record_lose_none(self, trial: Trial) -> None:
        """Whether there is more, the system says: neither a full page nor a short one does."""
        ids: list[str] = []
        for count in (trial.page, 1, trial.page - 1, 1):
            ids += trial.create(count)
            trial.wait(trial.settled)
            assert sorted(read(trial).ids) == sorted(ids), f"{len(ids)} records in pages of {trial.page}"

    @guarantee(promise.NONE_LOST)
    def test_as_many_changes_as_a_page_holds_are_all_read(self, trial: Trial) -> None:
        trial.create(1)
        known = read_settled(trial)
        ids: list[str] = []
        for _ in range(2):
            ids += trial.create(trial.page // 2)
            trial.wait(trial.settled)
        ids += trial.create(trial.page - 2 * (trial.page // 2))
        trial.wait(trial.settled)
        assert set(ids) <= set(read(trial, known.mark).ids)

    @guarantee(promise.TRUE_COPY)
    def test_each_field_is_told_that_is_asked_for(self, trial: Trial) -> None:
        """Alone, and in whatever order: what the map names is what it gets."""
        trial.create(2)
        trial.wait(trial.settled)
        whole = {record.id: record.fields for record in read(trial).records}
        for fields in (*((name,) for name in trial.fields), tuple(reversed(trial.fields))):
            query = Query(kind=trial.kind, fields=fields)
            for record in Reading(trial.make().read(query), None).records:
                told = {name: record.fields.get(name) for name in fields}
                assert told == {name: whole[record.id].get(name) for name in fields}

    @guarantee(promise.TRUE_COPY)
    def test_ids_versions_and_marks_are_text(self, trial: Trial) -> None:
        """A number would be another id once it was kept: 0042 is not 42."""
        trial.create(2)
        reading, source = read(trial), trial.make()
        found = [*reading.records, *source.complete(read(trial).records, trial.relatives)]
        if isinstance(source, Sweeps):
            found += source.sweep(trial.kind, reading.ids, trial.fields)
        if isinstance(source, Fetches):
            found += source.fetch(trial.kind, reading.ids, trial.fields)
        assert [value for record in found for value in _words(record) if not isinstance(value, str)] == []
        assert [record.id for record in found if not isinstance(record.payload, bytes)] == []

    @guarantee(promise.GOES_ON)
    def test_since_is_a_moment_whatever_zone_it_is_told_in(self, trial: Trial) -> None:
        trial.create(2)
        trial.wait(3_600)
        since = trial.clock.now()
        trial.wait(60)
        new = trial.create(2)
        trial.wait(trial.settled)
        for zone in ELSEWHERE:
            told = since.astimezone(ZoneInfo(zone))
            query = Query(kind=trial.kind, since=told, fields=trial.fields)
            tried("time zones")
            assert sorted(Reading(trial.make().read(query), None).ids) == sorted(new), f"another moment in {zone}"

    @guarantee(promise.GOES_ON)
    def test_since_reaches_years_back(self, trial: Trial) -> None:
        ids = trial.create(2)
        long_ago = dt.datetime(2001, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
        query = Query(kind=trial.kind, since=long_ago, fields=trial.fields)
        assert sorted(Reading(trial.make().read(query), None).ids) == sorted(ids)

    @guarantee(promise.RELATIVES)
    def test_all_relatives_are_found_that_the_system_holds(self, trial: Trial) -> None:
        """Also of a record that has more of them than one page or one call holds."""
        family = needed(trial.family, "does not tell what the system holds of a record's relatives")
        trial.create(3)
        completed = trial.make().complete(read(trial).records, trial.relatives)
        for record in completed:
            told = {kind: sorted(one.id for one in some) for kind, some in record.relatives.items() if some}
            assert told == {kind: sorted(ids) for kind, ids in family(record.id).items() if ids}
        assert any(record.relatives for record in completed), "no record of the trial has relatives"

    @guarantee(promise.HARMLESS)
    @pytest.mark.parametrize("how", ["fetch", "sweep"])
    def test_a_cunning_id_finds_nothing(self, trial: Trial, how: str) -> None:
        """An id is a value, never a part of a query."""
        role, otherwise = (Fetches, "cannot read single records") if how == "fetch" else (Sweeps, "cannot be swept")
        offered(trial, role, otherwise)
        trial.create(2)
        for id in CUNNING:
            tried("cunning ids")
            assert [one.id for one in _asked(trial, how, [id]) if not one.gone] == [], f"{id!r} found something"


def _asked(trial: Trial, how: str, ids: Sequence[str]) -> list[Record]:
    """What is found by an id; a system that says it is none may do so by one of our errors."""
    source: Any = trial.make()
    try:
        return list(getattr(source, how)(trial.kind, ids, trial.fields))
    except WherryError:
        return []


def _words(record: Record) -> list[Any]:
    relatives = [one for some in record.relatives.values() for one in some]
    return [value for one in (record, *relatives) for value in (one.id, one.version, one.kind, one.gone)]
