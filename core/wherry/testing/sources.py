"""The contract of a source, as checks that bite: a plugin's test subclasses ``SourceSuite`` and says how to try it.

    class TestSource(SourceSuite):
        @pytest.fixture
        def trial(self, ...) -> Trial:
            return Trial(make=..., kind="part", ...)

What a source does not offer (files, descriptions, a network that can fail) is skipped with the reason.
"""

from __future__ import annotations

import copy
import logging

import msgspec
import pytest
import structlog

from wherry.errors import AccessLost, Rejected, TryAgain, WherryError
from wherry.roles import Describes, Fetches, OpensFiles, Query, SourceConnector, Sweeps
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.sources_edges import Edges
from wherry.testing.sources_faults import Beside, Failing
from wherry.testing.sources_telling import Telling
from wherry.testing.trial import (
    TURNED_AWAY,
    Reading,
    Trial,
    all_there,
    change,
    each_once,
    echoes,
    family,
    faults_of,
    is_new,
    kept_secret,
    missing_id,
    offered,
    read,
    read_settled,
    script,
    strays,
    told_of,
)

__all__ = ["SourceSuite", "Trial"]

TEMPORARY = ("unavailable", "throttled", "html", "truncated", "dropped")
STRANGE_MARK = "\N{SNOWMAN} no mark of anybody"


class SourceSuite(Failing, Beside, Telling, Edges):
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    # -- whose account ------------------------------------------------------------------------------------------------

    @guarantee(promise.ACCOUNT)
    def test_the_source_has_all_that_a_source_needs(self, trial: Trial) -> None:
        source = trial.make()
        assert isinstance(source, SourceConnector)
        assert trial.kind in source.kinds
        assert source.chunk >= 1

    @guarantee(promise.ACCOUNT)
    def test_check_names_the_same_account_every_time(self, trial: Trial) -> None:
        first, again = trial.make().check(), trial.make().check()
        assert first.id, "an account has an id: links and marks hang on it"
        assert first.name, "an account has a name for people"
        assert (first.id, first.name) == (again.id, again.name)

    # -- pages and marks ----------------------------------------------------------------------------------------------

    @guarantee(promise.ENDS)
    def test_an_empty_system_gives_no_record_and_the_read_ends(self, trial: Trial) -> None:
        reading = read(trial)
        assert reading.ids == []
        assert read(trial, reading.mark).ids == []

    @guarantee(promise.NONE_LOST)
    def test_every_record_comes_once(self, trial: Trial) -> None:
        ids = trial.create(2 * trial.page + 3)
        each_once(read(trial).ids, ids)

    @guarantee(promise.TRUE_COPY)
    def test_records_carry_their_kind_a_version_and_a_json_object(self, trial: Trial) -> None:
        trial.create(3)
        for record in read(trial).records:
            assert record.kind == trial.kind
            assert record.version
            assert isinstance(msgspec.json.decode(record.payload), dict)
            assert record.relatives == {}, "a read gives heads; relatives are added by complete"

    @guarantee(promise.GOES_ON)
    def test_changes_come_oldest_first(self, trial: Trial) -> None:
        ids = trial.create(4)
        known, changed = read_settled(trial), [ids[2], ids[0], ids[3]]
        for name in changed:
            trial.wait(trial.settled)
            trial.change(name)
        fresh = [record.id for record in read(trial, known.mark).records if is_new(record, known)]
        assert fresh == changed

    @guarantee(promise.GOES_ON)
    def test_reading_goes_on_after_any_page_without_loss(self, trial: Trial) -> None:
        """Cut anywhere: nothing is lost, and what is read again is the same and of the last moment only."""
        moment = {}
        for n in range(3):
            moment.update(dict.fromkeys(trial.create(trial.page // 2 + 1), n))
            trial.wait(trial.settled)
        whole = read(trial)
        for cut in range(1, len(whole.pages) + 1):
            before = [record for page in whole.pages[:cut] for record in page.records]
            rest, seen = read(trial, whole.pages[cut - 1].mark), {record.id for record in before}
            each_once(seen | set(rest.ids), moment, f" behind page {cut}")
            reached = max((moment[name] for name in seen), default=0)
            again = [name for name in rest.ids if name in seen and moment[name] < reached]
            assert again == [], f"read again behind page {cut}, although long settled"

    @guarantee(promise.GOES_ON)
    def test_a_read_without_changes_brings_nothing_new(self, trial: Trial) -> None:
        trial.create(trial.page + 1)
        known = read_settled(trial)
        second = read(trial, known.mark)
        assert [record.id for record in second.records if is_new(record, known)] == []
        trial.wait(trial.settled)
        assert len(read(trial, second.mark).ids) <= len(second.ids)

    @guarantee(promise.NONE_LOST)
    def test_records_of_one_moment_are_not_lost_at_the_edge_of_a_page(self, trial: Trial) -> None:
        trial.create(1)
        known = read_settled(trial)
        ids = trial.create(2 * trial.page + 1)
        trial.wait(trial.settled)
        whole = read(trial, known.mark)
        all_there(whole.ids, ids)
        for cut in range(1, len(whole.pages) + 1):
            before = [record.id for page in whole.pages[:cut] for record in page.records]
            all_there({*before, *read(trial, whole.pages[cut - 1].mark).ids}, ids, f" behind page {cut}")

    @guarantee(promise.NONE_LOST)
    @pytest.mark.parametrize("start", ["the beginning", "a mark"])
    def test_a_record_that_changes_while_pages_are_read_is_not_lost(self, trial: Trial, start: str) -> None:
        trial.create(1)
        known = read_settled(trial) if start == "a mark" else Reading(iter(()), None)
        ids = trial.create(2 * trial.page + 1)
        trial.wait(2)
        turns = iter([ids[0], ids[-1], ids[len(ids) // 2]])
        during = read(trial, known.mark, between=lambda: change(trial, next(turns, None)))
        trial.wait(trial.settled)
        after = read(trial, during.mark)
        found = known.newest() | during.newest() | after.newest()
        assert found == read(trial).newest()

    @guarantee(promise.NONE_LOST)
    def test_a_record_made_in_the_moment_of_the_last_read_is_not_lost(self, trial: Trial) -> None:
        trial.create(2)
        reading = read(trial)
        late = trial.create(1)
        trial.wait(trial.settled)
        all_there(read(trial, reading.mark).ids, late)

    @guarantee(promise.ENDS)
    @pytest.mark.parametrize("start", ["the beginning", "a mark"])
    def test_a_read_ends_although_the_system_never_rests(self, trial: Trial, start: str) -> None:
        trial.create(1)
        known = read_settled(trial) if start == "a mark" else Reading(iter(()), None)
        ids = trial.create(2 * trial.page + 1)

        def busy() -> None:
            trial.wait(2)
            for name in ids[: trial.page + 1]:
                trial.change(name)

        assert set(read(trial, known.mark, between=busy).ids) >= {ids[0]}

    @guarantee(promise.GOES_ON)
    def test_since_leaves_out_what_changed_earlier(self, trial: Trial) -> None:
        """From the beginning, and from a mark that is older still."""
        mark = read(trial).mark
        old = trial.create(2)
        trial.wait(3_600)
        since = trial.clock.now()
        trial.wait(60)
        new = trial.create(2)
        trial.change(old[0])
        for after in (None, mark):
            query = Query(kind=trial.kind, after=after, since=since, fields=trial.fields)
            each_once(Reading(trial.make().read(query), None).ids, [old[0], *new])

    @guarantee(promise.GOES_ON)
    def test_a_strange_mark_is_refused_by_one_of_our_errors(self, trial: Trial) -> None:
        trial.create(1)
        with pytest.raises(WherryError) as caught:
            read(trial, STRANGE_MARK)
        assert caught.value.fix or isinstance(caught.value, TryAgain)

    # -- what is in a record ------------------------------------------------------------------------------------------

    @guarantee(promise.TRUE_COPY)
    def test_an_unchanged_record_has_the_same_bytes_every_time(self, trial: Trial) -> None:
        ids = trial.create(3)
        first = read_settled(trial)
        trial.change(ids[1])
        again = read(trial)
        same = [name for name in ids if first.newest()[name] == again.newest()[name]]
        assert same == [ids[0], ids[2]], "a payload is hashed as it stands: nothing in it may change by itself"

    @guarantee(promise.HANDS_OFF)
    def test_a_read_leaves_what_it_was_given_as_it_was(self, trial: Trial) -> None:
        trial.create(2)
        relatives = {kind: tuple(fields) for kind, fields in trial.relatives.items()}
        query = Query(kind=trial.kind, fields=trial.fields, relatives=relatives)
        before = copy.deepcopy(query)
        list(trial.make().read(query))
        assert query == before

    # -- relatives ----------------------------------------------------------------------------------------------------

    @guarantee(promise.RELATIVES)
    def test_complete_keeps_the_records_and_their_order(self, trial: Trial) -> None:
        trial.create(5)
        given = read(trial).records[::-1]
        asked = dict(trial.relatives)
        before = [(record.id, record.version, record.payload) for record in given]
        completed = trial.make().complete(list(given), asked)
        assert [(record.id, record.version, record.payload) for record in completed] == before
        assert asked == dict(trial.relatives)
        assert trial.make().complete([], asked) == []

    @guarantee(promise.RELATIVES)
    def test_complete_adds_only_what_was_asked_for(self, trial: Trial) -> None:
        trial.create(2)
        for record in trial.make().complete(read(trial).records, {}):
            assert record.relatives == {}
        for kind, fields in trial.relatives.items():
            for record in trial.make().complete(read(trial).records, {kind: fields}):
                assert set(record.relatives) <= {kind}
                assert all(relative.kind == kind for relative in record.relatives.get(kind, ()))

    @guarantee(promise.RELATIVES)
    def test_records_completed_together_are_those_completed_one_by_one(self, trial: Trial) -> None:
        if not trial.relatives:
            pytest.skip("the trial names no relatives")
        trial.create(trial.make().chunk + 2 if trial.make().chunk < 50 else 5)
        together = trial.make().complete(read(trial).records, trial.relatives)
        alone = [trial.make().complete([record], trial.relatives)[0] for record in read(trial).records]
        assert [family(record) for record in together] == [family(record) for record in alone]
        assert any(family(record) for record in together), "no record of the trial has relatives"

    # -- what a source may offer --------------------------------------------------------------------------------------

    @guarantee(promise.OFFERS)
    def test_single_records_are_those_that_a_read_gives(self, trial: Trial) -> None:
        source = offered(trial, Fetches, "cannot read single records")
        ids = trial.create(4)
        heads = read(trial).newest()
        wanted = [ids[2], ids[0]]
        fetched = {r.id: (r.version, r.payload) for r in source.fetch(trial.kind, wanted, trial.fields)}
        assert {name: payload for name, (_, payload) in fetched.items()} == {name: heads[name][1] for name in wanted}
        assert source.fetch(trial.kind, [missing_id(ids)], trial.fields) == []

    @guarantee(promise.GONE)
    def test_a_sweep_has_a_head_for_every_id(self, trial: Trial) -> None:
        source = offered(trial, Sweeps, "cannot be swept")
        ids = trial.create(3)
        asked = [ids[1], missing_id(ids), ids[0]]
        swept = {record.id: record for record in source.sweep(trial.kind, asked, trial.fields)}
        assert set(swept) == set(asked)
        assert [swept[name].gone for name in asked] == ["", "deleted", ""]

    @guarantee(promise.OFFERS)
    def test_a_description_knows_the_fields_that_are_read(self, trial: Trial) -> None:
        source = offered(trial, Describes, "does not describe itself")
        names = [info.name for info in source.describe(trial.kind).fields]
        assert len(names) == len(set(names))
        assert set(trial.fields) <= set(names)
        assert names == [info.name for info in source.describe(trial.kind, fresh=True).fields]

    @guarantee(promise.OFFERS)
    def test_files_open_with_their_bytes_and_missing_ones_are_rejected(self, trial: Trial) -> None:
        source = offered(trial, OpensFiles, "has no files")
        if trial.file is None:
            pytest.skip("the trial names no file")
        name, data = trial.file
        with source.open_file(name) as pieces:
            assert b"".join(pieces) == data
        with pytest.raises(Rejected), source.open_file(missing_id([name])) as pieces:
            b"".join(pieces)

    # -- a network that fails -----------------------------------------------------------------------------------------

    @guarantee(promise.OUTAGES)
    @pytest.mark.parametrize("fault", TEMPORARY)
    def test_a_temporary_fault_is_survived_without_loss(self, trial: Trial, fault: str) -> None:
        ids = trial.create(trial.page + 1)
        script(faults_of(trial), fault)
        tried("faults on the way", 2)
        each_once(read(trial).ids, ids)

    @guarantee(promise.OUTAGES)
    def test_an_outage_ends_the_read_with_try_again(self, trial: Trial) -> None:
        trial.create(1)
        faults_of(trial).add("status", status=503, times=10_000)
        with pytest.raises(TryAgain):
            read(trial)

    @guarantee(promise.OUTAGES)
    def test_a_lost_sign_in_ends_check_and_read_with_access_lost(self, trial: Trial) -> None:
        trial.create(1)
        faults_of(trial).add("expired", times=10_000)
        with pytest.raises(AccessLost):
            trial.make().check()
        with pytest.raises(AccessLost):
            read(trial)

    @guarantee(promise.SECRETS)
    def test_secrets_are_in_no_log_and_in_no_error(
        self, trial: Trial, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        faults, told = faults_of(trial), []
        assert trial.secret, "a trial with a network says what it signs in with"
        trial.create(1)
        with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as events:
            read(trial)
            for status in TURNED_AWAY:
                for echo in echoes(f"the token {trial.secret} is not welcome", trial.stage, status):
                    faults.add("status", status=status, body=echo, times=10_000)
                    with pytest.raises(WherryError) as caught:
                        trial.make().check()
                    faults.clear()
                    told += told_of(caught.value)
            with pytest.raises(WherryError) as caught:
                read(trial, STRANGE_MARK)
        said = [caplog.text, str(events), *capfd.readouterr(), *told, *told_of(caught.value)]
        kept_secret(trial.secret, said)

    @guarantee(promise.ONE_DOOR)
    def test_no_connection_is_opened_but_by_the_cores_client(self, trial: Trial) -> None:
        trial.create(2)
        with strays() as found:
            source = trial.make()
            source.check()
            source.complete(read(trial).records, trial.relatives)
        assert found == [], "a plugin reaches its system by services.http alone"
