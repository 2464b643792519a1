"""Checks of what an atomic sink writes, and of what it leaves to people."""

from __future__ import annotations

import copy

import msgspec
import pytest

from wherry.records import DONE
from wherry.roles import AtomicSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.altering import OTHERS, altered, in_currency
from wherry.testing.atomic_trial import (
    AtomicTrial,
    Seen,
    abandon,
    apply,
    differences,
    editing,
    everything,
    held,
    made,
    moves,
    with_body,
)
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import PENNIES, currency_of, priced
from wherry.testing.sinks_encoding import ZONES, in_zone

DAY = 86_400.0


class Writing:
    """Creates and updates."""

    @guarantee(promise.BOOKS)
    def test_the_sink_has_all_that_an_atomic_sink_needs(self, trial: AtomicTrial) -> None:
        sink = trial.make()
        assert isinstance(sink, AtomicSinkWriter)
        assert {item.entity for item in trial.items(3)} <= set(sink.entities)

    @guarantee(promise.BOOKS)
    def test_check_names_the_same_account_every_time(self, trial: AtomicTrial) -> None:
        first, again = trial.make().check(), trial.make().check()
        assert first.id, "an account has an id: what is written is bound to it"
        assert first.name, "an account has a name for people"
        assert (first.id, first.name) == (again.id, again.name)

    @guarantee(promise.EACH_ONCE)
    def test_there_is_one_answer_an_item_in_order(self, trial: AtomicTrial) -> None:
        items = list(trial.items(3))
        first = made(trial, items[:2])
        answers = apply(trial, [first[1], items[2], first[0]])
        assert [answer.fate for answer in answers] == ["unchanged", "created", "unchanged"]
        assert [answers[0].target, answers[2].target] == [first[1].target, first[0].target]

    @guarantee(promise.EACH_ONCE)
    def test_an_id_is_never_given_again(self, trial: AtomicTrial) -> None:
        """What was removed is still linked to, and spoken of: its id is no other thing's."""
        things = list(trial.items(3))
        before = made(trial, things[:2])
        with trial.opened() as documents:
            documents.remove(before[1].entity, [str(before[1].target)])
        (new,) = made(trial, things[2:])
        assert new.target not in {item.target for item in before}

    @guarantee(promise.EACH_ONCE)
    def test_where_nothing_is_asked_nothing_is_done(self, trial: AtomicTrial) -> None:
        before = everything(trial, trial.items(1)[0].entity)
        assert apply(trial, []) == []
        assert everything(trial, trial.items(1)[0].entity) == before

    @guarantee(promise.EACH_ONCE)
    def test_every_thing_is_there_once_under_an_id_of_its_own(self, trial: AtomicTrial) -> None:
        before = set(everything(trial, trial.items(1)[0].entity))
        written = [*made(trial, trial.items(3)), *made(trial, trial.items(5)[3:])]
        ids = [str(item.target) for item in written]
        assert len(set(ids)) == 5
        assert "" not in ids
        assert set(everything(trial, written[0].entity)) - before == set(ids)

    @guarantee(promise.EACH_ONCE)
    def test_a_large_batch_is_written_whole(self, trial: AtomicTrial) -> None:
        written = made(trial, trial.items(500))
        tried("records at once", 500)
        assert len({item.target for item in written}) == 500

    @guarantee(promise.EXACT)
    def test_what_was_written_is_held_as_it_was_said(self, trial: AtomicTrial) -> None:
        items = made(trial, trial.items(3))
        assert [differences(body, item.body) for body, item in zip(held(trial, *items), items, strict=True)] == [{}] * 3

    @guarantee(promise.EXACT)
    def test_amounts_are_held_to_the_last_penny(self, trial: AtomicTrial) -> None:
        things = list(trial.items(len(PENNIES)))
        if not any(line.get("amount") for line in things[0].body.get("lines", ())):
            pytest.skip("the things of the trial have no lines with amounts")
        currency = currency_of(things[0].body)
        priced_ones = [with_body(item, **priced(item, minor)) for item, minor in zip(things, PENNIES, strict=True)]
        items = made(trial, priced_ones)
        tried("awkward amounts", len(items))
        for body, minor in zip(held(trial, *items), PENNIES, strict=True):
            assert {(line["amount"]["minor"], line["amount"]["currency"]) for line in body["lines"]} == {
                (minor, currency)
            }

    @guarantee(promise.EXACT)
    def test_a_day_is_the_same_day_in_every_time_zone(self, trial: AtomicTrial) -> None:
        for n, zone in enumerate(ZONES):
            with in_zone(zone):
                (item,) = made(trial, trial.items(n + 1)[n:])
                assert differences(held(trial, item)[0], item.body) == {}

    @guarantee(promise.SAME_BYTES)
    def test_the_same_again_is_unchanged_and_moves_nothing(self, trial: AtomicTrial) -> None:
        """Also long after, and with the fields in another order: else every run would report changes."""
        items = made(trial, trial.items(2))
        before = moves(trial, items[0].entity)
        trial.wait(40 * DAY)
        turned = [with_body(item) for item in items]
        for item in turned:
            item.body = dict(reversed(list(item.body.items())))
        answers = apply(trial, turned)
        assert [(answer.fate, answer.target) for answer in answers] == [("unchanged", item.target) for item in items]
        assert moves(trial, items[0].entity) == before

    @guarantee(promise.CHANGES)
    def test_an_update_changes_the_same_thing_and_nothing_else(self, trial: AtomicTrial) -> None:
        item, other = made(trial, trial.items(2))
        neighbour = held(trial, other)
        (answer,) = apply(trial, [with_body(item, **trial.changed(item))])
        assert (answer.fate, answer.target) == ("updated", item.target)
        assert differences(held(trial, item)[0], trial.changed(item)) == {}
        assert held(trial, other) == neighbour

    @guarantee(promise.EXACT)
    def test_every_field_of_a_body_is_held(self, trial: AtomicTrial) -> None:
        """A field that can change without a trace is dropped on the way: memo, quantity, the day."""
        (item,) = made(trial, trial.items(1))
        before, lost = held(trial, item)[0], []
        for path, body in altered(item.body):
            name = ".".join(part for part in path if not part.isdigit())
            with trial.opened() as documents:
                (answer,) = trial.make().apply(Seen(documents), [msgspec.structs.replace(item, body=body)])
            tried("fields changed")
            if answer.fate != "refused" and held(trial, item)[0] == before:
                lost.append(name)
            apply(trial, [item])
            before = held(trial, item)[0]
        assert lost == [], "the same is held, whatever these say"

    @guarantee(promise.EXACT)
    def test_a_currency_of_other_decimals_is_held_in_its_own(self, trial: AtomicTrial) -> None:
        """Yen have no decimals and dinars have three: minor units stay minor units."""
        things = list(trial.items(len(OTHERS)))
        if not currency_of(things[0].body):
            pytest.skip("the things of the trial have no amounts")
        bodies = [in_currency(code, item.body) for item, code in zip(things, OTHERS, strict=True)]
        answers = apply(trial, [msgspec.structs.replace(i, body=b) for i, b in zip(things, bodies, strict=True)])
        for item, body, answer in zip(things, bodies, answers, strict=True):
            if answer.fate == "created":
                tried("foreign currencies")
                there = msgspec.structs.replace(item, target=answer.target)
                assert differences(held(trial, there)[0], body) == {}

    @guarantee(promise.CHANGES)
    def test_an_update_says_what_it_changed(self, trial: AtomicTrial) -> None:
        (item,) = made(trial, trial.items(1))
        (answer,) = apply(trial, [with_body(item, **{trial.field: "another word"})])
        told = {change.field: (change.before, change.after, change.kept) for change in answer.changes}
        assert told == {trial.field: (item.body[trial.field], "another word", "")}

    @guarantee(promise.CHANGES)
    def test_what_a_body_no_longer_names_is_emptied(self, trial: AtomicTrial) -> None:
        (item,) = made(trial, trial.items(1))
        less = {name: value for name, value in item.body.items() if name != trial.field}
        if trial.field in ("name", "number"):
            pytest.skip(f"a thing cannot be without its {trial.field}")
        (answer,) = apply(trial, [msgspec.structs.replace(item, body=less)])
        assert answer.fate == "updated"
        assert not held(trial, item)[0].get(trial.field)

    @guarantee(promise.CHANGES)
    def test_two_changes_of_one_thing_in_one_batch_both_count(self, trial: AtomicTrial) -> None:
        (item,) = made(trial, trial.items(1))
        steps = [with_body(item, **{trial.field: word}) for word in ("one", "two")]
        assert [answer.fate for answer in apply(trial, steps)] == ["updated", "updated"]
        assert held(trial, item)[0][trial.field] == "two"

    @guarantee(promise.CHANGES)
    def test_a_change_of_what_is_not_there_is_refused_and_makes_nothing(self, trial: AtomicTrial) -> None:
        item = msgspec.structs.replace(trial.items(1)[0], target=trial.gone)
        before = everything(trial, item.entity)
        (answer,) = apply(trial, [item])
        assert answer.fate == "refused"
        assert answer.reason
        assert answer.fix
        assert everything(trial, item.entity) == before

    @guarantee(promise.ATOMIC)
    def test_what_is_rolled_back_was_never_there(self, trial: AtomicTrial) -> None:
        (known,) = made(trial, trial.items(1))
        before = everything(trial, known.entity)
        abandon(trial, trial.make(), [with_body(known, **trial.changed(known)), *trial.items(3)[1:]])
        assert everything(trial, known.entity) == before

    @guarantee(promise.ATOMIC)
    def test_what_was_rolled_back_is_written_the_second_time(self, trial: AtomicTrial) -> None:
        """Nothing that the sink remembers may say that it was done."""
        sink, items = trial.make(), trial.items(2)
        abandon(trial, sink, items)
        with trial.opened() as documents:
            answers = sink.apply(documents, items)
        assert [answer.fate for answer in answers] == ["created", "created"]
        assert set(everything(trial, items[0].entity)) >= {answer.target for answer in answers}

    @guarantee(promise.REFERENCES)
    def test_what_refers_to_something_that_is_not_there_is_refused(self, trial: AtomicTrial) -> None:
        if trial.dangling is None:
            pytest.skip("the things of the trial refer to nothing")
        good = trial.items(1)[0]
        before = set(everything(trial, good.entity))
        answers = apply(trial, [trial.dangling, good])
        assert [answer.fate for answer in answers] == ["refused", "created"]
        assert answers[0].field, "which reference?"
        assert answers[0].fix
        assert set(everything(trial, good.entity)) - before == {answers[1].target}


class People:
    """What a person changed stays, and is told."""

    @guarantee(promise.PEOPLE)
    def test_what_a_person_changed_survives_a_sync_and_is_told(self, trial: AtomicTrial) -> None:
        edit = editing(trial)
        (item,) = made(trial, trial.items(1))
        edit(str(item.target), trial.field, "by hand")
        (answer,) = apply(trial, [with_body(item, **{trial.field: "from the source"})])
        assert held(trial, item)[0][trial.field] == "by hand"
        kept = [change for change in answer.changes if change.kept]
        assert [(change.field, change.before, change.after) for change in kept] == [
            (trial.field, "by hand", "from the source")
        ]

    @guarantee(promise.PEOPLE)
    def test_what_stands_beside_it_still_follows_the_source(self, trial: AtomicTrial) -> None:
        edit = editing(trial)
        (item,) = made(trial, trial.items(1))
        edit(str(item.target), trial.field, "by hand")
        changed = trial.changed(item)
        (answer,) = apply(trial, [with_body(item, **changed)])
        rest = {name: value for name, value in changed.items() if name != trial.field}
        assert answer.fate == "updated"
        assert differences(held(trial, item)[0], {**rest, trial.field: "by hand"}) == {}

    @guarantee(promise.PEOPLE)
    def test_a_person_may_ask_for_the_sources_word(self, trial: AtomicTrial) -> None:
        edit = editing(trial)
        (item,) = made(trial, trial.items(1))
        edit(str(item.target), trial.field, "by hand")
        (answer,) = apply(trial, [msgspec.structs.replace(item, overwrite_local=True)])
        assert answer.fate in DONE
        assert held(trial, item)[0][trial.field] == item.body[trial.field]

    @guarantee(promise.PEOPLE)
    def test_what_a_person_changed_survives_many_syncs(self, trial: AtomicTrial) -> None:
        edit = editing(trial)
        (item,) = made(trial, trial.items(1))
        edit(str(item.target), trial.field, "by hand")
        for n in range(3):
            apply(trial, [with_body(item, **{**trial.changed(item), trial.field: f"word {n}"})])
            apply(trial, [item])
        assert held(trial, item)[0][trial.field] == "by hand"

    @guarantee(promise.CHANGES)
    def test_two_records_of_one_thing_in_one_batch_both_count(self, trial: AtomicTrial) -> None:
        """The second is written over what the first has made of it, not over what stood there before."""
        (item,) = made(trial, trial.items(1))
        if trial.field in ("name", "number"):
            pytest.skip(f"a thing cannot be without its {trial.field}")
        one = with_body(item, **{trial.field: "by the first"})
        changed = trial.changed(item)
        body = {name: value for name, value in changed.items() if name != trial.field}
        apply(trial, [one, msgspec.structs.replace(item, key="id:another-record", body=body)])
        (there,) = held(trial, item)
        assert there[trial.field] == "by the first"
        assert differences(there, body) == {}

    @guarantee(promise.PEOPLE)
    def test_another_record_leaves_alone_what_it_does_not_name(self, trial: AtomicTrial) -> None:
        """Two records of a source may speak of one thing: each of its own fields."""
        (item,) = made(trial, trial.items(1))
        body = copy.deepcopy(item.body)
        del body[trial.field]
        if trial.field in ("name", "number"):
            pytest.skip(f"a thing cannot be without its {trial.field}")
        other = msgspec.structs.replace(item, key="id:another-record", body=body)
        apply(trial, [other])
        assert held(trial, item)[0][trial.field] == item.body[trial.field]
