"""Checks of what a source tells, to the letter: every field asked for, every relative, every page, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from wherry.clock import date_of
from wherry.errors import WherryError
from wherry.http import Response, client
from wherry.records import Record
from wherry.roles import Fetches, Query, Sweeps
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.services import SharedClock
from wherry.testing.trial import (
    Reading,
    Trial,
    all_there,
    each_once,
    faults_of,
    naps,
    needed,
    no_account,
    offered,
    read,
    read_settled,
)

NUMBERS = ("0.1", "-0.29", "70368744177664.17", "900719925474099.29")
ELSEWHERE = ("Asia/Tokyo", "America/Los_Angeles")
CUNNING = ("' or ''='", "*", "%", "../x", "a,b", "?x=1&y=2#z", "\N{SNOWMAN}", "x\r\nX-Header: 1", '"]}', "0 OR 1=1")
"""Ids of nobody, in which a careless query would find something."""


class Telling:
    """What is in a page, and what is in the next one."""

    @guarantee(promise.ACCOUNT)
    def test_junk_is_never_taken_for_an_account(self, trial: Trial) -> None:
        no_account(trial.make().check, faults_of(trial))

    @guarantee(promise.ACCOUNT)
    def test_another_account_is_another_account(self, trial: Trial) -> None:
        """Links and marks of one are not those of another: the core compares the ids."""
        move = needed(trial.move, "cannot have the sign-in open another account")
        before = trial.make().check()
        move()
        assert trial.make().check().id != before.id, "the id is that of the account that is reached, asked for anew"

    @guarantee(promise.NONE_LOST)
    def test_what_shows_up_late_is_not_lost(self, trial: Trial) -> None:
        """An index lags behind: what changed before the last read may show after it, and after what changed later."""
        slow = needed(trial.slow, "shows each change at once")
        trial.create(2)
        known = read_settled(trial)
        slow()
        late = trial.create(2)
        trial.wait(1)
        if trial.prompt is not None:
            trial.prompt()
            trial.create(1)
        first = read(trial, known.mark)
        trial.wait(trial.settled)
        all_there({*first.ids, *read(trial, first.mark).ids}, late)

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
        all_there(read(trial, known.mark).ids, ids)

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
    def test_a_map_that_names_no_fields_misses_no_record(self, trial: Trial) -> None:
        """It takes what the source usually tells."""
        ids = trial.create(2)
        trial.wait(trial.settled)
        found = Reading(trial.make().read(Query(kind=trial.kind)), None).records
        assert sorted(record.id for record in found) == sorted(ids)
        assert all(isinstance(record.fields, dict) for record in found)

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
        each_once(Reading(trial.make().read(query), None).ids, ids)

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

    @guarantee(promise.RELATIVES)
    def test_a_record_whose_relative_changed_comes_again(self, trial: Trial) -> None:
        """``touched``, where its own version is what it was: else the core would drop it as a repeat."""
        touch = needed(trial.touch, "cannot change a relative of a record")
        id = trial.create(3)[1]
        query = Query(kind=trial.kind, fields=trial.fields, relatives=trial.relatives)
        trial.wait(trial.settled)
        known = Reading(trial.make().read(query), None)
        trial.wait(trial.settled)
        touch(id)
        trial.wait(trial.settled)
        again = Reading(trial.make().read(msgspec.structs.replace(query, after=known.mark)), None)
        told = [record for record in again.records if record.id == id]
        assert told, "nobody would hear of it"
        assert any(record.touched or record.version != known.newest()[id][0] for record in told)

    @guarantee(promise.TRUE_COPY)
    def test_an_emptied_field_says_so(self, trial: Trial) -> None:
        """Left out, it would be one that was not sent, and stay in the target as it was."""
        write = needed(trial.write, "cannot write a text into a record")
        field, id = trial.fields[0], trial.create(2)[0]
        trial.wait(trial.settled)
        said = write(id, "")
        trial.wait(trial.settled)
        told = next(record.fields for record in read(trial).records if record.id == id)
        assert field in told, f"{field} is left out, as if it had not been asked for"
        assert (told[field] or "") == said

    @guarantee(promise.TRUE_COPY)
    def test_numbers_come_digit_by_digit(self, trial: Trial) -> None:
        """Also those that a binary fraction cannot hold."""
        field, put = needed(trial.exact, "has no field of numbers")
        ids = trial.create(len(NUMBERS))
        for name, text in zip(ids, NUMBERS, strict=True):
            put(name, text)
        trial.wait(trial.settled)
        told = {record.id: record.fields[field] for record in read(trial).records}
        tried("awkward numbers", len(NUMBERS))
        assert [Decimal(str(told[name])) for name in ids] == [Decimal(text) for text in NUMBERS]

    @guarantee(promise.NONE_LOST)
    @pytest.mark.parametrize(("ours", "told"), [(-26, 0), (26, 0), (0, -26), (0, 26), (26, None), (26, 26)])
    def test_a_wrong_clock_has_no_say_in_what_is_read(
        self, trial: Trial, ours: int, told: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a read ends is a moment of the system's clock. That of this machine may be wrong by a day, and so may
        the Date that a proxy wrote, or took out: none may lose what comes later, or put off more than a page of it."""
        _skew(monkeypatch, ours, told)
        first = trial.create(3)
        trial.wait(trial.settled)
        known = read(trial)
        trial.wait(trial.settled)
        late = trial.create(trial.page + 1)
        trial.wait(trial.settled)
        each_once(known.ids, first)
        all_there(read(trial, known.mark).ids, late)

    @guarantee(promise.LIMITS)
    def test_it_waits_by_the_hubs_clock_alone(self, trial: Trial) -> None:
        """Who sleeps by himself holds up a whole run, and nobody sees why."""
        trial.create(trial.page + 1)
        source = trial.make()
        with naps(source) as slept:
            source.check()
            source.complete(read(trial).records, trial.relatives)
        assert slept == [], "say the vendor's limits in the Profile, and let the core wait"

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


def _skew(monkeypatch: pytest.MonkeyPatch, ours: int, told: int | None) -> None:
    """This machine's clock, and the ``Date`` of all answers, are wrong by so many hours; None: it is not told."""
    now, made = SharedClock.now, client._response

    def response(answer: httpx.Response) -> Response:
        found = made(answer)
        headers = dict(found.headers)
        if (date := date_of(headers.pop("date", ""))) and told is not None:
            headers["date"] = format_datetime(date + dt.timedelta(hours=told), usegmt=True)
        found.headers = headers
        return found

    monkeypatch.setattr(SharedClock, "now", lambda self: now(self) + dt.timedelta(hours=ours))
    monkeypatch.setattr(client, "_response", response)


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
