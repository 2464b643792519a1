"""The contract of a field mapper, as checks that bite: a plugin's test subclasses ``MapperSuite`` and names its mapper.

    class TestMapper(MapperSuite):
        @pytest.fixture
        def trial(self) -> MapperTrial:
            return MapperTrial(make=ShipmentMapper, records=lambda: [shipment()])

For a default map, as data: ``make=lambda: default_mapper("acme", "deal")``.
"""

from __future__ import annotations

import copy
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from wherry import entities
from wherry.money import DECIMALS
from wherry.records import Record, Skip
from wherry.roles import FieldMapper
from wherry.testing.guarantees import BOUNDED, EXACT, HANDS_OFF, ONE_DOOR, REFERENCES, guarantee
from wherry.testing.mapper_trial import (
    DECLARED,
    EACH_RECORD,
    SAME_DRAFTS,
    MapperTrial,
    all_drafts,
    amounts,
    calls,
    default_mapper,
    drafts,
    in_zone,
    is_plain,
    made,
    outside,
    plain,
    references,
    renamed,
    with_more,
    with_relatives,
)
from wherry.testing.mappers_reading import ReadingChecks
from wherry.testing.mappers_telling import TellingChecks

__all__ = ["MapperSuite", "MapperTrial", "default_mapper"]

FAR = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
MOST_MEMORY = 2_000_000
LONGEST_KEY = 500


class MapperSuite(ReadingChecks, TellingChecks):
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    # -- what it says of itself ---------------------------------------------------------------------------------------

    @guarantee(DECLARED)
    def test_the_mapper_has_all_that_a_mapper_needs(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        assert isinstance(mapper, FieldMapper)
        assert all(isinstance(kind, str) for kind in mapper.fields)
        for kind, names in mapper.fields.items():
            assert isinstance(names, tuple), f"fields of {kind} is a {type(names).__name__}; it is a tuple of names"
            assert all(isinstance(name, str) and name for name in names)
        assert {record.kind for record in trial.records()} <= set(mapper.fields), "the heads' own kind is one of them"

    @guarantee(SAME_DRAFTS)
    def test_the_fingerprint_is_the_same_however_often_it_is_made_and_used(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        before = mapper.fingerprint
        assert isinstance(before, str)
        assert before, "the fingerprint tells whether what was synced is to be looked at again"
        drafts(mapper, trial.records()[0])
        assert mapper.fingerprint == before == trial.make().fingerprint

    @guarantee(SAME_DRAFTS)
    def test_another_map_has_another_fingerprint(self, trial: MapperTrial) -> None:
        """Else a changed map would change nothing of what was synced before it."""
        if trial.another is None:
            pytest.skip("the mapper has one map alone")
        others = [trial.another] if callable(trial.another) else trial.another
        prints = [trial.make().fingerprint, *(other().fingerprint for other in others)]
        assert len(set(prints)) == len(prints)

    @guarantee(DECLARED)
    def test_fields_are_the_same_before_and_after_use(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        before = dict(mapper.fields)
        drafts(mapper, trial.records()[0])
        assert dict(mapper.fields) == before == dict(trial.make().fields)

    # -- the gate -----------------------------------------------------------------------------------------------------

    @guarantee(EACH_RECORD)
    def test_the_gate_answers_every_record_and_in_order(self, trial: MapperTrial) -> None:
        mapper, records = trial.make(), [*trial.left_out(), *trial.records(), *trial.left_out()]
        page = mapper.triggers(records)
        assert isinstance(page, list)
        assert len(page) == len(records)
        assert all(answer is None or isinstance(answer, Skip) for answer in page)
        assert page == [answer for record in records for answer in mapper.triggers([record])]
        assert mapper.triggers([]) == []

    @guarantee(EACH_RECORD)
    def test_the_gate_needs_nothing_but_the_head(self, trial: MapperTrial) -> None:
        mapper, heads = trial.make(), list(copy.deepcopy([*trial.records()]))
        for head in heads:
            head.relatives = {}
        assert mapper.triggers(heads) == mapper.triggers(list(trial.records()))

    @guarantee(EACH_RECORD)
    def test_what_is_left_out_has_a_reason(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        for record in trial.left_out():
            [skip] = mapper.triggers([record])
            found = skip or made(mapper, record)
            assert isinstance(found, Skip), f"{record.kind} {record.id} is said to be left out, and is not"
            assert found.reason.strip()
            assert found.amount is None or (isinstance(found.amount, int) and found.currency in DECIMALS)

    @guarantee(EACH_RECORD)
    def test_a_record_that_is_gone_stops_no_page(self, trial: MapperTrial) -> None:
        for gone in ("archived", "deleted", "merged"):
            record = Record(kind=trial.records()[0].kind, id="77", version="2", gone=gone)
            assert len(trial.make().triggers([record])) == 1

    # -- drafts -------------------------------------------------------------------------------------------------------

    @guarantee(EACH_RECORD)
    def test_one_draft_is_the_root_and_it_comes_last(self, trial: MapperTrial) -> None:
        for found in all_drafts(trial):
            assert [draft.root for draft in found] == [False] * (len(found) - 1) + [True]

    @guarantee(EACH_RECORD)
    def test_a_root_has_a_name_for_people(self, trial: MapperTrial) -> None:
        """``label``: by it a person knows in a list of what waits which one it is."""
        for found in all_drafts(trial):
            assert found[-1].label.strip(), f"{found[-1].entity} {found[-1].key} has none"

    @guarantee(EACH_RECORD)
    def test_every_draft_has_a_key_of_its_own(self, trial: MapperTrial) -> None:
        for found in all_drafts(trial):
            keys = [(draft.entity, draft.key) for draft in found]
            assert len(keys) == len(set(keys)), "two drafts of one key would be written one over the other"
            assert all(0 < len(key) <= LONGEST_KEY and "\0" not in key for _, key in keys)

    @guarantee(EACH_RECORD)
    def test_another_record_has_another_key(self, trial: MapperTrial) -> None:
        mapper, record = trial.make(), trial.records()[0]
        other = renamed(trial.records()[0], "kit-other-7919")
        assert drafts(mapper, other)[-1].key != drafts(mapper, record)[-1].key

    @guarantee(EACH_RECORD)
    def test_a_newer_version_of_a_record_has_the_same_keys(self, trial: MapperTrial) -> None:
        """Else each version would be written as a thing of its own."""
        for found, record in zip(all_drafts(trial), trial.records(), strict=True):
            record.version = f"{record.version}-newer"
            newer = drafts(trial.make(), record)
            assert [(draft.entity, draft.key) for draft in newer] == [(draft.entity, draft.key) for draft in found]

    @guarantee(EXACT)
    def test_bodies_fit_their_shapes(self, trial: MapperTrial) -> None:
        for found in all_drafts(trial):
            for draft in found:
                entities.check(draft.entity, draft.body, trial.known)

    @guarantee(EXACT)
    def test_bodies_are_plain_values_and_amounts_whole_minor_units(self, trial: MapperTrial) -> None:
        for draft in (draft for found in all_drafts(trial) for draft in found):
            assert is_plain(draft.body), f"{draft.entity} {draft.key} holds more than text, whole numbers and tables"
            for path, amount in amounts(draft.body):
                assert type(amount["minor"]) is int, f"{draft.entity}{path} is no whole number of minor units"
                assert amount["currency"] in DECIMALS, f"{draft.entity}{path} has no currency"

    @guarantee(REFERENCES)
    def test_references_are_told_and_lead_to_drafts_that_come_before(self, trial: MapperTrial) -> None:
        for found in all_drafts(trial):
            there = {(draft.entity, draft.key) for draft in found}
            for draft in found:
                said = {(ref.entity, ref.key) for ref in draft.refs}
                assert set(references(draft.body)) == said, (
                    f"refs of {draft.entity} {draft.key} are not those of its body"
                )
                assert (draft.entity, draft.key) not in said, "a draft cannot wait for itself"
                assert said <= there, f"{draft.entity} {draft.key} refers to what this record makes no draft of"

    # -- the same again -----------------------------------------------------------------------------------------------

    @guarantee(SAME_DRAFTS)
    def test_the_same_record_gives_the_same_drafts(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        for first, second in zip(trial.records(), trial.records(), strict=True):
            wanted = plain(made(mapper, first))
            assert plain(made(mapper, second)) == wanted
            assert plain(made(trial.make(), second)) == wanted

    @guarantee(SAME_DRAFTS)
    def test_what_came_before_a_record_does_not_change_its_drafts(self, trial: MapperTrial) -> None:
        mapper, records = trial.make(), list(trial.records())
        wanted = [plain(made(trial.make(), record)) for record in records]
        for record in [*trial.left_out(), renamed(trial.records()[0], "kit-before"), *trial.records()]:
            made(mapper, record)
        assert [plain(made(mapper, record)) for record in reversed(records)] == wanted[::-1]

    @guarantee(HANDS_OFF)
    def test_records_are_left_as_they_were(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        for record in trial.records():
            record.fields  # noqa: B018
            before = copy.deepcopy(record)
            mapper.triggers([record])
            found = drafts(mapper, record)
            for draft in found:
                draft.body.clear()
            assert (record.payload, record.decoded, record.version) == (before.payload, before.decoded, before.version)
            assert {kind: [one.fields for one in group] for kind, group in record.relatives.items()} == {
                kind: [one.fields for one in group] for kind, group in before.relatives.items()
            }

    @guarantee(SAME_DRAFTS)
    def test_the_machines_time_zone_changes_nothing(self, trial: MapperTrial) -> None:
        wanted = [plain(drafts(trial.make(), record)) for record in trial.records()]
        for zone in FAR:
            with in_zone(zone):
                assert [plain(drafts(trial.make(), record)) for record in trial.records()] == wanted

    @guarantee(SAME_DRAFTS)
    def test_several_threads_get_the_same(self, trial: MapperTrial) -> None:
        mapper, records = trial.make(), list(trial.records())
        wanted = [plain(made(trial.make(), record)) for record in records]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda n: plain(made(mapper, copy.deepcopy(records[n % len(records)]))), range(24)))
        assert found == [wanted[n % len(records)] for n in range(24)]

    # -- refusals, work, and the world outside ------------------------------------------------------------------------

    @guarantee(BOUNDED)
    def test_many_relatives_cost_no_more_than_their_number(self, trial: MapperTrial) -> None:
        """Told by the calls it takes, not by a clock: four times as many may take eight times the work, not sixteen."""
        mapper, record = trial.make(), trial.records()[0]
        few, many = (with_relatives(record, number) for number in (20, 80))
        made(mapper, copy.deepcopy(many))
        assert calls(lambda: made(mapper, many)) <= 8 * calls(lambda: made(mapper, few)) + 200

    @guarantee(SAME_DRAFTS)
    def test_relatives_keep_their_order(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        record = with_relatives(trial.records()[0], 7)
        turned = copy.deepcopy(record)
        for group in turned.relatives.values():
            group.reverse()
        there, back = drafts(mapper, record), drafts(mapper, turned)
        for entity in {draft.entity for draft in there}:
            keys = [[draft.key for draft in found if draft.entity == entity] for found in (there, back)]
            if len(keys[0]) == 7 and set(keys[0]) == set(keys[1]):
                assert keys[0] == keys[1][::-1], f"drafts of {entity} do not stand as their records came"

    @guarantee(BOUNDED)
    def test_nothing_is_kept_of_records_that_are_done(self, trial: MapperTrial) -> None:
        mapper, record = trial.make(), trial.records()[0]
        heavy = "x" * 50_000
        for number in range(10):
            made(mapper, renamed(copy.deepcopy(record), f"warm-{number}"))
        tracemalloc.start()
        try:
            for number in range(60):
                one = with_more(renamed(copy.deepcopy(record), f"cold-{number}"))
                one.payload = one.payload[:-1] + f',"kit_weight":"{number}{heavy}"}}'.encode()
                made(mapper, one)
            del one
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < MOST_MEMORY, f"{kept} bytes are held after 60 records of 50 kB"

    @guarantee(ONE_DOOR)
    def test_mapping_reaches_for_nothing_outside(self, trial: MapperTrial) -> None:
        """No connection, no file, no process: the same records must give the same drafts tomorrow."""
        mapper = trial.make()
        for record in [*trial.records(), *trial.left_out()]:
            mapper.triggers([record])
            made(mapper, record)  # what is imported at the first use is no reading
        with outside() as heard:
            for record in [*trial.records(), *trial.left_out()]:
                mapper.triggers([record])
                made(mapper, record)
        assert heard == []

    @guarantee(HANDS_OFF)
    def test_mapping_prints_nothing(self, trial: MapperTrial, capfd: pytest.CaptureFixture[str]) -> None:
        mapper = trial.make()
        capfd.readouterr()
        for record in trial.records():
            mapper.triggers([record])
            made(mapper, record)
        assert capfd.readouterr().out == "", "standard output belongs to the command"
