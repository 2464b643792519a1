"""Checks of a source at the edges of what it is asked: the very moment of ``since``, a mark that is a year old, ids by
the hundred, and a key that may not read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from wherry.errors import WherryError
from wherry.records import Record
from wherry.roles import Chooses, Fetches, Query, Sweeps
from wherry.testing import guarantees as promise
from wherry.testing.elsewhere import Elsewhere
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.trial import Reading, Trial, all_there, faults_of, missing_id, needed, offered, read, read_settled

REFUSED = (400, 403, 404, 410, 422, 451)
"""Statuses that say no: to who asks, to how it is asked, or to what for."""
NO_WORD = (400, 403, 422, 451)
"""Those of them that say nothing of whether a single record is there."""
FOR_EVER, YEAR = 10_000, 400 * 86_400.0
MANY = 120
"""Ids: more than one call of most systems takes."""


class Edges(Elsewhere):
    """Where questions end."""

    @guarantee(promise.NONE_LOST)
    def test_what_changed_in_the_very_moment_of_since_is_read(self, trial: Trial) -> None:
        """``since`` is the earliest moment of interest: it is asked for with its own second."""
        trial.create(1)
        trial.wait(3_600)
        since = trial.clock.now().replace(microsecond=0)
        ids = trial.create(2)
        trial.wait(trial.settled)
        query = Query(kind=trial.kind, since=since, fields=trial.fields)
        all_there(Reading(trial.make().read(query), None).ids, ids)

    @guarantee(promise.GOES_ON)
    def test_a_mark_that_is_later_than_since_counts(self, trial: Trial) -> None:
        """A flow keeps its ``since`` for ever: not every run is to begin there again."""
        trial.create(2)
        since = trial.clock.now() - dt.timedelta(days=1)
        trial.wait(3_600)
        trial.create(1)
        known = read_settled(trial)
        new = trial.create(1)
        trial.wait(trial.settled)
        query = Query(kind=trial.kind, after=known.mark, since=since, fields=trial.fields)
        again = set(Reading(trial.make().read(query), known.mark).ids)
        assert again == set(read(trial, known.mark).ids)
        assert set(new) <= again

    @guarantee(promise.GOES_ON)
    def test_the_same_settings_choose_the_same_records(self, trial: Trial) -> None:
        """Another choice has everything read anew: one that is never the same would do so at every run."""
        first, second = (offered(trial, Chooses, "reads whatever it is set to") for _ in range(2))
        said = first.choice(trial.kind)
        assert isinstance(said, str)
        assert second.choice(trial.kind) == said

    @guarantee(promise.GOES_ON)
    def test_an_old_mark_loses_nothing(self, trial: Trial) -> None:
        """A flow that was paused for a year: what the system no longer tells from there on is said, or read anew."""
        trial.create(1)
        known = read_settled(trial)
        ids = trial.create(2)
        trial.wait(YEAR)
        ids = [*ids, *trial.create(1)]
        trial.wait(trial.settled)
        try:
            found, why = set(read(trial, known.mark).ids), ""
        except WherryError as error:
            found, why = set(), error.fix
        assert why or set(ids) <= found, "an old mark reads as if nothing had happened"

    @guarantee(promise.OUTAGES)
    def test_a_read_that_is_refused_is_no_empty_system(self, trial: Trial) -> None:
        """A right that was taken away, an address that has moved: nothing is known of what is there."""
        faults = faults_of(trial)
        trial.create(2)
        for status in REFUSED:
            faults.add("status", status=status, times=FOR_EVER)
            try:
                with pytest.raises(WherryError):
                    read(trial)
            finally:
                faults.clear()
            tried("reads refused")

    @guarantee(promise.OUTAGES)
    def test_a_refusal_is_never_taken_for_records_that_are_gone(self, trial: Trial) -> None:
        faults, ids = faults_of(trial), list(trial.create(2))
        source = offered(trial, Sweeps, "cannot be swept")
        list(source.sweep(trial.kind, ids, trial.fields))
        for status in NO_WORD:
            faults.add("status", status=status, times=FOR_EVER)
            gone = _gone(offered(trial, Sweeps, "cannot be swept"), trial, ids)
            faults.clear()
            tried("reads refused")
            assert gone == [], f"{status} was taken to say that records are gone"

    @guarantee(promise.GONE)
    def test_a_sweep_of_many_has_a_head_for_each(self, trial: Trial) -> None:
        source, ids = offered(trial, Sweeps, "cannot be swept"), list(trial.create(3))
        first = missing_id(ids)
        stem = int(first) if first.isdigit() else 0
        absent = [str(stem + n) if stem else f"{first}{n}" for n in range(MANY)]
        asked = [ids[0], *absent[:60], ids[1], *absent[60:], ids[2]]
        told = {record.id: record.gone for record in source.sweep(trial.kind, asked, trial.fields)}
        assert set(told) == set(asked), "some ids got no answer"
        assert [name for name, gone in told.items() if not gone] == ids

    @guarantee(promise.TRUE_COPY)
    def test_another_process_reads_the_same_bytes(self, trial: Trial, elsewhere: Callable[[bytes], bytes]) -> None:
        """The core knows a record that did not change by its bytes: the order of a set is another one each time."""
        trial.create(3)
        ours = b"\n".join(payload for _, (_, payload) in sorted(read(trial).newest().items()))
        assert elsewhere(ours) == ours

    @guarantee(promise.OFFERS)
    def test_fewer_fields_are_fewer_in_whatever_is_asked(self, trial: Trial) -> None:
        """What a sweep or a look at single records tells is compared with what a read told."""
        source, ids = trial.make(), list(trial.create(2))
        trial.wait(trial.settled)
        for name in trial.fields:
            self._as_read(trial, source, ids, (name,))

    def _as_read(self, trial: Trial, source: Any, ids: list[str], fields: tuple[str, ...]) -> None:
        query = Query(kind=trial.kind, fields=fields)
        wanted = {name: payload for name, (_, payload) in Reading(source.read(query), None).newest().items()}
        found: list[Record] = []
        if isinstance(source, Fetches):
            found += source.fetch(trial.kind, ids, fields)
        if isinstance(source, Sweeps):
            found += source.sweep(trial.kind, ids, fields)
        assert {record.payload for record in found if record.payload != wanted[record.id]} == set()

    @guarantee(promise.GONE)
    def test_an_id_is_not_given_away_again(self, trial: Trial) -> None:
        """Of a system, or of its stand-in, that did, all that is known of the former record would be the new one's."""
        remove = needed(trial.remove, "cannot delete records")
        former = set(trial.create(3))
        remove(max(former))
        assert former.isdisjoint(trial.create(2)), "a new record has the id of one that was deleted"


def _gone(source: Any, trial: Trial, ids: list[str]) -> list[str]:
    try:
        return [record.id for record in source.sweep(trial.kind, ids, trial.fields) if record.gone]
    except WherryError:
        return []
