"""Checks of a source whose system fails in the middle of things, and of what reading must never do."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from wherry.errors import AccessLost, TryAgain, WherryError
from wherry.records import Page
from wherry.roles import Fetches, Query, Sweeps
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.hostile import SPOKEN
from wherry.testing.sinks_encoding import ZONES, in_zone
from wherry.testing.sinks_guarding import usual_growth
from wherry.testing.trial import (
    Reading,
    Trial,
    all_there,
    each_once,
    faults_of,
    junk,
    needed,
    offered,
    read,
    read_settled,
)

FOR_EVER = 10_000
WAIT = 47
BROKEN: dict[str, dict[str, Any]] = {
    "an outage": {"kind": "status", "status": 503},
    "junk": {"kind": "html"},
    "a cut line": {"kind": "truncated"},
    "a lost sign-in": {"kind": "expired"},
}
LONGEST_MARK = 4_000
READS, FEW, ENOUGH = 2, 3, 70
"""A record that is kept is more than a few blocks of memory."""


class Failing:
    """A system that fails in mid-read, or answers nonsense."""

    @guarantee(promise.ENDS)
    @pytest.mark.parametrize("what", BROKEN)
    def test_a_read_that_breaks_off_keeps_what_it_had_and_goes_on_from_there(self, trial: Trial, what: str) -> None:
        """Pages are handed over as they come: who reads everything first has nothing when the line breaks."""
        faults, ids = faults_of(trial), spread(trial, 2 * trial.page)
        pages = trial.make().read(Query(kind=trial.kind, fields=trial.fields))
        had = [_first(pages)]
        faults.add(times=FOR_EVER, **BROKEN[what])
        with pytest.raises(WherryError) as caught:
            had.extend(pages)
        faults.clear()
        tried("reads broken off")
        assert isinstance(caught.value, AccessLost if what == "a lost sign-in" else TryAgain)
        seen = {record.id for page in had for record in page.records}
        each_once(seen | set(read(trial, had[-1].mark).ids), ids, " behind the break")

    @guarantee(promise.OUTAGES)
    def test_junk_is_never_taken_for_an_empty_system(self, trial: Trial) -> None:
        """A read that ends well with nothing says: there is nothing. Records would be taken for deleted."""
        faults = faults_of(trial)
        trial.create(2)
        for body in junk(trial.nothing):
            faults.add("status", status=200, body=body, times=FOR_EVER)
            try:
                found = read(trial).ids
            except WherryError:
                found = ["it said so"]
            faults.clear()
            tried("answers of junk")
            assert found, f"{body!r} was taken for an empty system"

    @guarantee(promise.OUTAGES)
    def test_junk_is_never_taken_for_records_that_are_gone(self, trial: Trial) -> None:
        faults, source = faults_of(trial), offered(trial, Sweeps, "cannot be swept")
        ids = list(trial.create(2))
        list(source.sweep(trial.kind, ids, trial.fields))
        for body in junk(trial.nothing):
            faults.add("status", status=200, body=body, times=FOR_EVER)
            try:
                again = offered(trial, Sweeps, "cannot be swept")
                gone = [record.id for record in again.sweep(trial.kind, ids, trial.fields) if record.gone]
            except WherryError:
                gone = []
            faults.clear()
            tried("answers of junk")
            assert gone == [], f"{body!r} was taken to say that records are gone"

    @guarantee(promise.LIMITS)
    def test_a_read_waits_as_long_as_it_is_told_to(self, trial: Trial) -> None:
        """429 with Retry-After: the same question once more, and not before."""
        faults, ids = faults_of(trial), trial.create(2)
        before = trial.clock.monotonic()
        faults.add("status", status=429, headers={"Retry-After": str(WAIT)})
        each_once(read(trial).ids, ids)
        tried("calls turned away")
        assert trial.clock.monotonic() - before >= WAIT

    @guarantee(promise.OUTAGES)
    def test_a_sign_in_that_runs_out_in_mid_read_loses_nothing(self, trial: Trial) -> None:
        """It is renewed, or the read ends with AccessLost; either way the next one has all the rest."""
        faults, ids = faults_of(trial), spread(trial, trial.page)
        pages = trial.make().read(Query(kind=trial.kind, fields=trial.fields))
        had = [_first(pages)]
        faults.add("expired")
        try:
            had.extend(pages)
        except AccessLost:
            tried("sign-ins that ran out")
        faults.clear()
        seen = {record.id for page in had for record in page.records}
        each_once(seen | set(read(trial, had[-1].mark).ids), ids)


class Beside:
    """What a source is beside its pages: truthful, quiet, and one of several."""

    @guarantee(promise.TRUE_COPY)
    def test_a_record_says_what_the_system_holds(self, trial: Trial) -> None:
        holds = needed(trial.holds, "does not tell what the system holds of a record")
        ids = trial.create(3)
        trial.wait(trial.settled)
        trial.change(ids[1])
        found = {record.id: record.fields for record in read(trial).records}
        for name in ids:
            wanted = holds(name)
            assert wanted, "the trial tells nothing of it"
            assert {field: found[name].get(field) for field in wanted} == wanted

    @guarantee(promise.HARMLESS)
    def test_strange_text_comes_as_it_stands_there(self, trial: Trial) -> None:
        write = needed(trial.write, "cannot write a text into a record")
        ids = trial.create(len(SPOKEN))
        said = {}
        for name, text in zip(ids, SPOKEN, strict=True):
            said[name] = write(name, text)
        tried("strange texts", len(said))
        trial.wait(trial.settled)
        found = {record.id: record.fields for record in read(trial).records}
        field = trial.fields[0]
        assert {name: found[name][field] for name in ids} == said

    @guarantee(promise.TRUE_COPY)
    def test_a_read_is_the_same_in_every_time_zone(self, trial: Trial) -> None:
        trial.create(2)
        trial.wait(3_600)
        since = trial.clock.now()
        trial.wait(60)
        trial.create(2)
        trial.wait(trial.settled)
        query = Query(kind=trial.kind, since=since, fields=trial.fields)
        whole, late = read(trial), Reading(trial.make().read(query), None)
        for zone in ZONES:
            with in_zone(zone):
                again = read(trial)
                assert (again.newest(), again.mark) == (whole.newest(), whole.mark), f"another read in {zone}"
                assert Reading(trial.make().read(query), None).ids == late.ids, f"another since in {zone}"

    @guarantee(promise.TRUE_COPY)
    def test_a_version_changes_with_its_record(self, trial: Trial) -> None:
        ids = trial.create(3)
        before = read_settled(trial).newest()
        trial.change(ids[0])
        after = read(trial).newest()
        assert [name for name in ids if after[name][0] != before[name][0]] == [ids[0]]

    @guarantee(promise.GONE)
    def test_what_was_deleted_is_noticed(self, trial: Trial) -> None:
        remove = needed(trial.remove, "cannot delete a record")
        source, ids = offered(trial, Sweeps, "cannot be swept"), list(trial.create(3))
        trial.wait(trial.settled)
        remove(ids[1])
        trial.wait(trial.settled)
        told = {record.id: record.gone for record in source.sweep(trial.kind, ids, trial.fields)}
        assert told[ids[1]] in ("deleted", "archived")
        assert (told[ids[0]], told[ids[2]]) == ("", "")
        assert [r.id for r in read(trial).records if r.id == ids[1] and not r.gone] == [], "it is read as if it stood"

    @guarantee(promise.GONE)
    def test_what_was_merged_says_into_what(self, trial: Trial) -> None:
        merge = needed(trial.merge, "cannot merge records")
        source, ids = offered(trial, Sweeps, "cannot be swept"), list(trial.create(3))
        trial.wait(trial.settled)
        merge(ids[0], ids[1])
        trial.wait(trial.settled)
        told = {record.id: record for record in source.sweep(trial.kind, ids, trial.fields)}
        assert (told[ids[1]].gone, told[ids[1]].merged_into) == ("merged", ids[0])
        assert told[ids[0]].gone == told[ids[2]].gone == ""

    @guarantee(promise.RELATIVES)
    def test_a_record_that_is_gone_meanwhile_harms_no_other(self, trial: Trial) -> None:
        """It was read, and deleted before its relatives were asked for."""
        remove = needed(trial.remove, "cannot delete a record")
        ids = trial.create(3)
        records = read(trial).records
        remove(ids[1])
        completed = trial.make().complete(records, trial.relatives)
        assert [record.id for record in completed] == [record.id for record in records]

    @guarantee(promise.GOES_ON)
    def test_a_mark_is_a_short_text_that_can_be_kept(self, trial: Trial) -> None:
        trial.create(trial.page + 1)
        reading = read(trial)
        marks = [page.mark for page in reading.pages]
        assert [mark for mark in marks if not isinstance(mark, str) or not 0 < len(mark) <= LONGEST_MARK] == []
        kept = msgspec.json.decode(msgspec.json.encode(marks[0]))
        assert set(read(trial, kept).ids) | {r.id for r in reading.pages[0].records} == set(reading.ids)

    @guarantee(promise.NONE_LOST)
    def test_a_moment_that_begins_in_the_middle_of_a_page_is_not_lost(self, trial: Trial) -> None:
        """Of what changed since the mark: the edge of a page cuts through the records of one moment."""
        trial.create(1)
        known, ids = read_settled(trial), list[str]()
        for count in (trial.page // 2 + 1, trial.page, trial.page // 2 + 1):
            ids += trial.create(count)
            trial.wait(trial.settled)
        whole = read(trial, known.mark)
        all_there(whole.ids, ids)
        assert len(whole.ids) == len(set(whole.ids)), "read twice at the edge of a page"
        for cut in range(1, len(whole.pages) + 1):
            before = [record.id for page in whole.pages[:cut] for record in page.records]
            all_there({*before, *read(trial, whole.pages[cut - 1].mark).ids}, ids, f" behind page {cut}")

    @guarantee(promise.NONE_LOST)
    def test_two_reads_at_once_do_not_disturb_each_other(self, trial: Trial) -> None:
        ids = trial.create(2 * trial.page + 1)
        query = Query(kind=trial.kind, fields=trial.fields)
        one, other = trial.make().read(query), trial.make().read(query)
        found: dict[int, list[str]] = {0: [], 1: []}
        left = {0: one, 1: other}
        while left:
            for n, pages in list(left.items()):
                page = next(pages, None)
                if page is None:
                    del left[n]
                else:
                    found[n] += [record.id for record in page.records]
        each_once(found[0], ids)
        each_once(found[1], ids)

    @guarantee(promise.OFFERS)
    def test_nothing_asked_is_nothing_found_and_twice_asked_is_found_once(self, trial: Trial) -> None:
        source = offered(trial, Fetches, "cannot read single records")
        ids = trial.create(2)
        assert source.fetch(trial.kind, [], trial.fields) == []
        found = [record.id for record in source.fetch(trial.kind, [ids[0], ids[0], ids[1]], trial.fields)]
        assert set(found) == {ids[0], ids[1]}
        if isinstance(source, Sweeps):
            assert list(source.sweep(trial.kind, [], trial.fields)) == []

    @guarantee(promise.OFFERS)
    def test_many_single_records_are_all_found(self, trial: Trial) -> None:
        """More than one call holds: none falls between two of them."""
        source = offered(trial, Fetches, "cannot read single records")
        ids = trial.create(trial.page + 3)
        assert {record.id for record in source.fetch(trial.kind, ids, trial.fields)} == set(ids)

    @guarantee(promise.HANDS_OFF)
    def test_reading_changes_nothing_in_the_system(self, trial: Trial) -> None:
        stage = needed(trial.stage, "does not tell what happened in the system")
        trial.create(trial.page + 1)
        before = len(stage.history.effects())
        source = trial.make()
        source.check()
        source.complete(read(trial).records, trial.relatives)
        assert len(stage.history.effects()) == before

    @guarantee(promise.SECRETS)
    def test_nothing_is_printed(self, trial: Trial, capfd: pytest.CaptureFixture[str]) -> None:
        """The terminal is the operator's, and its output may be read by a program."""
        ids, source = trial.create(2), trial.make()
        source.check()
        source.complete(read(trial).records, trial.relatives)
        if isinstance(source, Fetches):
            source.fetch(trial.kind, ids, trial.fields)
        if isinstance(source, Sweeps):
            list(source.sweep(trial.kind, ids, trial.fields))
        assert tuple(capfd.readouterr()) == ("", "")

    @guarantee(promise.BOUNDED)
    def test_nothing_is_kept_of_what_is_read(self, trial: Trial) -> None:
        """A first read may be of millions: pages that were handed over are forgotten."""
        count = len(trial.create(2 * trial.page + 1))
        source, query = trial.make(), Query(kind=trial.kind, fields=trial.fields)
        for _ in range(2):
            for page in source.read(query):
                del page

        seen = trial.stage.history.entries if trial.stage is not None else []
        noted = len(seen)

        reads = max(READS, ENOUGH // count)  # what other threads keep meanwhile is to count for little

        def once() -> None:
            for _ in range(reads):
                for page in source.read(query):
                    del page
            del seen[noted:]  # the simulator lives in this process, too, and notes every request

        grown = usual_growth(once)
        assert grown < FEW * reads * count, f"{grown} more blocks after each {reads} reads of {count} records"

    @guarantee(promise.HANDS_OFF)
    def test_a_record_that_was_handed_over_is_nobodys_to_change(self, trial: Trial) -> None:
        """What the hub does to a record is not seen by the next read of the same source."""
        trial.create(2)
        source, query = trial.make(), Query(kind=trial.kind, fields=trial.fields)
        records = [record for page in source.read(query) for record in page.records]
        given = copy.deepcopy([(record.id, record.payload) for record in records])
        for record in records:
            record.payload, record.relatives = b"{}", {"spoilt": []}
        again = [(record.id, record.payload) for page in source.read(query) for record in page.records]
        assert again == given


def spread(trial: Trial, count: int) -> list[str]:
    """So many records of one moment, as many of a later one, and one more."""
    ids = list(trial.create(count))
    trial.wait(trial.settled)
    ids += trial.create(count)
    trial.wait(trial.settled)
    return [*ids, *trial.create(1)]


def _first(pages: Any) -> Page:
    """The first page with records; a source may begin with an empty one."""
    for page in pages:
        if page.records:
            found: Page = page
            return found
    raise AssertionError("no page has records")
