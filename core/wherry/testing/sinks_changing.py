"""Checks of a sink's changes: once, to the right thing, over nobody's work; and of the numbers that arrive."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import msgspec
import pytest

from wherry.errors import Rejected
from wherry.records import DONE, Item
from wherry.testing import guarantees as promise
from wherry.testing.altering import lacking, rich
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import PENNIES, differs, expected, priced
from wherry.testing.sink_trial import (
    AskingSink,
    SinkTrial,
    ask,
    asking,
    changing,
    created,
    known,
    needed,
    plain,
    stamp_of,
    update_of,
    void_of,
    write,
)

KEPT = ("lines", "customer", "total", "tax", "currency")
"""What a thing that was written goes on to have, though its shape could do without."""


class Changing:
    """Updates and voids."""

    @guarantee(promise.CHANGES)
    def test_an_update_changes_the_same_thing_once(self, trial: SinkTrial) -> None:
        sink, item = changing(trial), trial.items(1)[0]
        (first,) = created(sink, [item])
        update = update_of(trial, item, first)
        answer = write(sink, [update])[update.stamp]
        assert (answer.fate, answer.target) == ("updated", first.target)
        assert answer.facts is None or answer.facts == sink.facts(update)
        assert [effect.detail["id"] for effect in trial.effects(update)] == [first.target]

    @guarantee(promise.CHANGES)
    def test_facts_tell_two_bodies_apart(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        facts = sink.facts(item)
        assert facts == trial.make().facts(copy.deepcopy(item))
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in facts.items())
        other = sink.facts(msgspec.structs.replace(item, body=trial.changed(item)))
        assert facts != other, "`facts` tell nothing of what `changed` changes: is it something that the target holds?"

    @guarantee(promise.CHANGES)
    def test_what_a_body_no_longer_names_is_emptied(self, trial: SinkTrial) -> None:
        """Each field that a body may leave out, in a thing of its own."""
        sink, (first, *_) = changing(trial), trial.items(1)
        names = [name for name, _ in lacking(rich(first)) if name in rich(first).body and name not in trial.ignored]
        names = [name for name in names if name not in KEPT]
        if not names:
            pytest.skip("the things of the trial have nothing that they may leave out")
        items = [rich(item) for item in trial.items(len(names))]
        steps = [update_of(trial, item, told) for item, told in zip(items, created(sink, items), strict=True)]
        for name, item, step in zip(names, items, steps, strict=True):
            step.body = {other: value for other, value in item.body.items() if other != name}
        answers = write(sink, steps)
        tried("fields emptied", len(names))
        for name, step in zip(names, steps, strict=True):
            assert answers[step.stamp].fate == "updated"
            assert answers[step.stamp].facts in (None, sink.facts(step)), f"{name} is still there"

    @guarantee(promise.CHANGES)
    def test_every_write_is_known_by_a_version_of_its_own(self, trial: SinkTrial) -> None:
        """The version that an answer tells is the one to write upon: a second change goes through as the first did."""
        sink, item = changing(trial), trial.items(1)[0]
        (first,) = created(sink, [item])
        update = update_of(trial, item, first)
        second = write(sink, [update])[update.stamp]
        assert not first.token or second.token not in ("", first.token)
        back = update_of(trial, update, second, "back")
        back.body = copy.deepcopy(item.body)
        answer = write(sink, [back])[back.stamp]
        assert (answer.fate, answer.target) == ("updated", first.target)
        assert answer.facts in (None, sink.facts(back))

    @guarantee(promise.CHANGES)
    def test_a_change_of_what_is_not_there_makes_nothing(self, trial: SinkTrial) -> None:
        if not trial.gone:
            pytest.skip("the trial names no id that the system does not hold")
        sink, item = changing(trial), trial.items(1)[0]
        update = msgspec.structs.replace(item, target=trial.gone, token="1", before=copy.deepcopy(item.body))
        before = len(trial.stage.history.effects())
        answer = write(sink, [update]).get(update.stamp)
        assert answer is None or answer.fate not in DONE
        assert len(trial.stage.history.effects()) == before

    @guarantee(promise.PEOPLE)
    def test_a_stale_token_is_unknown_and_changes_nothing(self, trial: SinkTrial) -> None:
        edit = needed(trial.edit, "cannot change a thing as a person would")
        sink, item = changing(trial), trial.items(1)[0]
        (first,) = created(sink, [item])
        if not first.token:
            pytest.skip("the things have no versions: the core looks what stands there before it sends a change")
        edit(first.target)
        update = update_of(trial, item, first)
        answer = write(sink, [update])[update.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0), "the core is to look at once what stands there now"
        assert trial.effects(update) == [], "what a person changed was written over"

    @guarantee(promise.PEOPLE)
    def test_what_a_person_changed_is_not_taken_back_unseen(self, trial: SinkTrial) -> None:
        """Nor where the things are never changed: what takes one back carries the version, too, where there is one."""
        edit = needed(trial.edit, "cannot change a thing as a person would")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        if not trial.voids or not first.token:
            pytest.skip("the things cannot be taken back, or have no versions")
        void = void_of(item, first)
        if plain(sink.encode([void])) == plain(sink.encode([msgspec.structs.replace(void, token=f"9{void.token}")])):
            pytest.skip("the call that takes a thing back carries no version")
        edit(first.target)
        answer = write(sink, [void])[void.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0), "the core is to look at once what stands there now"
        assert trial.effects(void) == [], "what a person changed was taken back"

    @guarantee(promise.TAKEN_BACK)
    def test_a_void_takes_the_thing_back_once(self, trial: SinkTrial) -> None:
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        void = void_of(item, first)
        answer = write(sink, [void])[void.stamp]
        assert (answer.fate, answer.target) == ("reversed", first.target)
        assert answer.facts is None or answer.facts == sink.facts(void)
        assert len(trial.effects(void)) == 1

    @guarantee(promise.TAKEN_BACK)
    def test_a_void_leaves_the_others_as_they_are(self, trial: SinkTrial) -> None:
        """Also one of the same number: what is taken back is known by its id."""
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        sink, items = trial.make(), list(trial.items(3))
        answers = created(sink, items)
        before = [len(trial.effects(item)) for item in (items[0], items[2])]
        body = {**items[1].body, "number": items[0].body.get("number", "")} if items[1].body.get("number") else {}
        void = void_of(msgspec.structs.replace(items[1], body=body or items[1].body), answers[1])
        answer = write(sink, [void]).get(void.stamp)
        assert answer is None or answer.target in ("", answers[1].target)
        assert [len(trial.effects(item)) for item in (items[0], items[2])] == before
        others = {effect.detail["id"] for effect in trial.effects(void)} & {answers[0].target, answers[2].target}
        assert others == set(), "another document was taken back"

    @guarantee(promise.TAKEN_BACK)
    def test_what_the_system_leaves_as_it_is_is_not_said_to_be_taken_back(self, trial: SinkTrial) -> None:
        """Some systems say yes to that, and do nothing: an answer that tells nothing is read back, or left unknown."""
        pays = needed(trial.pays, "cannot have a thing paid")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        pays(first.target)
        void = void_of(item, first)
        if isinstance(sink, AskingSink):  # as somebody has it sent who has seen what stands there
            void.token = next((hit.token for hit in ask(sink, [void])[void.stamp]), void.token)
        answer = write(sink, [void]).get(void.stamp)
        assert answer is None or answer.fate not in DONE, "it stands there, and is said to be taken back"

    @guarantee(promise.TAKEN_BACK)
    def test_what_is_written_after_it_was_taken_back_is_another_thing(self, trial: SinkTrial) -> None:
        """A newer version of a voided document has its number, and a stamp of its own."""
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        void = void_of(item, first)
        assert write(sink, [void])[void.stamp].fate == "reversed"
        body = trial.changed(item)
        anew = msgspec.structs.replace(item, body=body, stamp=stamp_of(f"anew {item.stamp}"))
        answer = write(sink, [anew]).get(anew.stamp)
        done = answer is not None and answer.fate in DONE
        assert answer is None or not done or (answer.fate == "created" and answer.target != first.target)
        assert len(trial.effects(anew)) == done, "said to be written, and not there; or there, and not said to be"

    @guarantee(promise.TAKEN_BACK)
    def test_what_was_taken_back_is_not_said_to_be_changed(self, trial: SinkTrial) -> None:
        """A change that comes too late is refused or looked at; said to be made, it must be there."""
        if not trial.voids or not trial.updates:
            pytest.skip("the things cannot be changed and taken back")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        void = void_of(item, first)
        change = update_of(trial, item, write(sink, [void])[void.stamp])
        change.target = change.target or first.target
        answer = write(sink, [change]).get(change.stamp)
        done = answer is not None and answer.fate in DONE
        assert not done or trial.effects(change), f"said to be {answer and answer.fate}, and nothing was done"

    @guarantee(promise.TAKEN_BACK)
    def test_what_was_taken_back_is_not_taken_for_what_comes_in_its_place(self, trial: SinkTrial) -> None:
        """It keeps its number in many books. Who offers it as alike has a person decide what nobody doubts."""
        sink, item = asking(trial), trial.items(1)[0]
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        (first,) = created(sink, [item])
        void = void_of(item, first)
        assert write(sink, [void])[void.stamp].fate == "reversed"
        anew = msgspec.structs.replace(item, body=trial.changed(item), stamp=stamp_of(f"anew {item.stamp}"))
        assert [hit for hit in ask(sink, [anew])[anew.stamp] if hit.ours or hit.alike] == []

    @guarantee(promise.TAKEN_BACK)
    def test_what_is_taken_back_is_what_was_written(self, trial: SinkTrial) -> None:
        """The source may have changed a record before it took it back. ``before`` is what stands there."""
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        void = void_of(item, first)
        other = msgspec.structs.replace(void, body=trial.changed(item))
        assert plain(sink.encode([other])) == plain(sink.encode([void])), "taken back as the source says it now"

    @guarantee(promise.PLAINLY_SAID)
    @pytest.mark.parametrize("what", ["change", "void"])
    def test_the_answer_to_another_change_settles_nothing(self, trial: SinkTrial, what: str) -> None:
        if not (trial.updates if what == "change" else trial.voids):
            pytest.skip("the things are written once")
        sink, items = trial.make(), list(trial.items(2))
        told = zip(items, created(sink, items), strict=True)
        one, other = (update_of(trial, *each) if what == "change" else void_of(*each) for each in told)
        (call,), (wrong,) = sink.encode([one]), sink.encode([other])
        own, reply = sink.http.send(call), sink.http.send(wrong)
        if reply.body == own.body:
            pytest.skip("the answers do not tell what they are about")
        tried("answers to another call")
        try:
            answer = sink.decode(call, [one], reply).get(one.stamp)
        except Exception:
            answer = None
        assert answer is None or answer.fate not in DONE, "the answer is about another record"

    @guarantee(promise.PEOPLE)
    def test_a_place_that_is_taken_is_not_said_to_be_written(self, trial: SinkTrial) -> None:
        """A name, a number or a file that something else has: that is looked at, or refused, and left as it is."""
        clash = needed(trial.clash, "cannot have something else take a thing's place")
        sink, item = trial.make(), trial.items(1)[0]
        clash(item)
        before = len(trial.stage.history.effects())
        answer = write(sink, [item]).get(item.stamp)
        assert answer is None or answer.fate not in DONE
        assert len(trial.stage.history.effects()) == before


class Arriving:
    """Documents as the target holds them: told by the simulator, worked out by the kit."""

    @guarantee(promise.EXACT)
    def test_the_target_holds_every_line_with_its_side_and_amount(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), lined(trial, 3)
        created(sink, items)
        arrived(trial, items)

    @guarantee(promise.EXACT)
    def test_amounts_arrive_to_the_last_penny(self, trial: SinkTrial) -> None:
        sink = trial.make()
        things = zip(lined(trial, len(PENNIES)), PENNIES, strict=True)
        items = [msgspec.structs.replace(item, body=priced(item, minor)) for item, minor in things]
        created(sink, items)
        tried("awkward amounts", len(items))
        arrived(trial, items)

    @guarantee(promise.EXACT)
    def test_a_change_arrives_line_by_line(self, trial: SinkTrial) -> None:
        sink, (item,) = changing(trial), lined(trial, 1)
        (first,) = created(sink, [item])
        update = update_of(trial, item, first)
        assert write(sink, [update])[update.stamp].fate == "updated"
        arrived(trial, [update])

    @guarantee(promise.CLOSED)
    def test_nothing_is_written_into_a_closed_period(self, trial: SinkTrial) -> None:
        close = needed(trial.close, "cannot close a period")
        item = trial.items(1)[0]
        close(item.body["date"])
        before = len(trial.stage.history.effects())
        try:
            answer = known(trial.make(), [item])[item.stamp]
            told = (str(answer.fate), answer.reason, answer.fix)
        except Rejected as error:
            told = ("refused" if error.where.get("item") == item.stamp else "nobody's", error.message, error.fix)
        assert told[0] == "refused"
        assert all(told), "a person is told why, and what to do"
        if len(trial.stage.history.effects()) != before:  # a draft, which stands in no books, may have been left
            stands = trial.holds is None or trial.holds(item) is not None
            assert not stands, "it is said to be refused, and stands in the closed period"


def lined(trial: SinkTrial, count: int) -> list[Item]:
    """Things of the trial, if they have lines and its system tells what it holds; else the check is skipped."""
    items = list(trial.items(count))
    needed(trial.holds, "does not tell what the system holds of a thing")
    if not items[0].body.get("lines"):
        pytest.skip("the things of the trial have no lines")
    return items


def arrived(trial: SinkTrial, items: Sequence[Item]) -> None:
    """Raises AssertionError where the system holds other than it should."""
    assert trial.holds is not None
    wrong = {item.label or item.key: differs(trial.holds(item), expected(item)) for item in items}
    assert {name: why for name, why in wrong.items() if why} == {}
