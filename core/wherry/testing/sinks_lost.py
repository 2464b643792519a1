"""Checks of what a sink does about lost answers: its claims, each proved by losing answers in earnest."""

from __future__ import annotations

import copy

import msgspec
import pytest

from wherry.accounting import Replaces
from wherry.records import Reply
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.sink_trial import (
    UNCLEAR,
    SinkTrial,
    ask,
    asking,
    carried,
    changing,
    created,
    look,
    lose,
    needed,
    plain,
    recognising,
    repeated,
    stamp_of,
    update_of,
    void_of,
)

MANY, FULL = 120, 55
"""So many are asked for at once, and so many of the first are there: more than a short page of answers holds."""
CALLED = ("number", "name")


class Repeating:
    """``resend_for``: the same bytes again have no second effect."""

    @guarantee(promise.NEVER_TWICE)
    @pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
    def test_a_repeated_create_has_one_effect(self, trial: SinkTrial, share: float) -> None:
        """The answer is lost after the effect; the same bytes go out again, up to the end of ``resend_for``."""
        sink, lasting = recognising(trial)
        items = trial.items(sink.batch)
        calls = lose(trial, sink, items)
        trial.wait(share * lasting)
        for call in calls:
            answers = repeated(sink, items, call)
            assert {stamp: answer.fate for stamp, answer in answers.items()} == dict.fromkeys(call.items, "created")
        for item in items:
            assert len(trial.effects(item)) == 1, _unrecognised(share * lasting, lasting)

    @guarantee(promise.NEVER_TWICE)
    def test_a_repeated_call_tells_the_same_target_every_time(self, trial: SinkTrial) -> None:
        sink, _ = recognising(trial)
        item = trial.items(1)[0]
        (call,) = lose(trial, sink, [item])
        told = [repeated(sink, [item], call)[item.stamp] for _ in range(3)]
        assert len({(one.fate, one.target) for one in told}) == 1
        assert told[0].target == trial.effects(item)[0].detail["id"]

    @guarantee(promise.NEVER_TWICE)
    def test_a_repeated_update_or_void_has_one_effect(self, trial: SinkTrial) -> None:
        sink, lasting = recognising(trial)
        item = trial.items(1)[0]
        (first,) = created(sink, [item])
        steps = [update_of(trial, item, first)] * trial.updates + [void_of(item, first)] * trial.voids
        for step in steps:
            step = msgspec.structs.replace(step, token=first.token)
            (call,) = lose(trial, sink, [step])
            trial.wait(0.9 * lasting)
            answer = repeated(sink, [step], call)[step.stamp]
            assert answer.fate in ("updated", "reversed"), _unrecognised(0.9 * lasting, lasting)
            assert answer.target == first.target
            assert len(trial.effects(step)) == 1, _unrecognised(0.9 * lasting, lasting)
            first = answer


def _unrecognised(later: float, lasting: float) -> str:
    """What is to be said of a call that was made again, so many seconds later."""
    return (f"the target did not recognise the call {later:,.0f} s later: resend_for is not true, which claims "
            f"{lasting:,.0f} s")  # fmt: skip


class Asking:
    """``ask`` and ``found``: what a target is known to hold."""

    @guarantee(promise.FOUND_AGAIN)
    def test_what_was_written_is_found_as_ours(self, trial: SinkTrial) -> None:
        sink = asking(trial)
        items = trial.items(sink.batch + 1)
        lose(trial, sink, items)
        trial.wait(sink.settle)
        found = ask(sink, items)
        for item in items:
            (effect,) = trial.effects(item)
            assert [(hit.target, hit.ours) for hit in found[item.stamp]] == [(effect.detail["id"], True)]
            assert found[item.stamp][0].memo or found[item.stamp][0].facts == sink.facts(item)

    @guarantee(promise.FOUND_AGAIN)
    def test_what_was_taken_back_is_found_so(self, trial: SinkTrial) -> None:
        """The answer to a void was lost: what stands there tells that it was carried out, and by whom. What is taken
        back is what was written (``before``), whatever the source says of it by now."""
        sink, (item,) = asking(trial), trial.items(1)
        if not trial.voids:
            pytest.skip("the things cannot be taken back")
        (first,) = created(sink, [item])
        void = void_of(item, first)
        void.body = trial.changed(item)
        back = sink.facts(void)
        for hit in ask(sink, [void]).get(void.stamp, ()):
            told = [name for name in back if name in hit.facts and back[name] != hit.facts[name]]
            assert told or not hit.facts, "no fact of both tells what stands from what is taken back: name a state"
        lose(trial, sink, [void])
        trial.wait(sink.settle)
        hits = ask(sink, [void])[void.stamp]
        whole = [hit.facts for hit in hits if hit.target == first.target and not hit.memo]
        assert whole in ([], [back])
        if isinstance(sink, Replaces) and item.entity in sink.replaces:
            assert [hit.ours for hit in hits] == [True], "what somebody else took back is not to be written anew"

    @guarantee(promise.FOUND_AGAIN)
    def test_what_was_never_written_is_proved_absent(self, trial: SinkTrial) -> None:
        sink = asking(trial)
        items = trial.items(3)
        lose(trial, sink, items[:1], "dropped")
        created(sink, items[1:2])
        trial.wait(sink.settle)
        found = ask(sink, items)
        assert [[hit.ours for hit in found[item.stamp]] for item in items] == [[], [True], []]

    @guarantee(promise.FOUND_AGAIN)
    def test_a_call_carried_out_late_is_found_after_settle(self, trial: SinkTrial) -> None:
        """``settle`` covers the system's longest time for a call, and what its search lags behind."""
        sink, items = asking(trial), trial.items(2)
        assert sink.settle >= trial.latest
        lose(trial, sink, items, "late")
        trial.wait(trial.latest)
        trial.stage.release()
        trial.wait(sink.settle - trial.latest)
        found = ask(sink, items)
        assert [[hit.ours for hit in found[item.stamp]] for item in items] == [[True], [True]]

    @guarantee(promise.FOUND_AGAIN)
    def test_many_are_asked_for_at_once_and_each_is_told(self, trial: SinkTrial) -> None:
        """More than one question holds: none falls between two of them."""
        sink, items = asking(trial), list(trial.items(MANY))
        there = {*range(FULL), MANY // 2 - 1, MANY // 2, MANY - 1}
        created(sink, [items[n] for n in sorted(there)])
        trial.wait(sink.settle)
        found = ask(sink, items)
        assert [n for n, item in enumerate(items) if item.stamp not in found] == [], "nothing is said of these"
        assert {n for n, item in enumerate(items) if any(hit.ours for hit in found[item.stamp])} == there

    @guarantee(promise.PEOPLE)
    def test_what_a_person_changed_since_is_still_found(self, trial: SinkTrial) -> None:
        """The answer was lost, and a person has worked on the thing meanwhile: it is there all the same."""
        edit = needed(trial.edit, "cannot change a thing as a person would")
        sink, item = asking(trial), trial.items(1)[0]
        lose(trial, sink, [item])
        (effect,) = trial.effects(item)
        edit(effect.detail["id"])
        trial.wait(sink.settle)
        hits = ask(sink, [item])[item.stamp]
        assert [hit.target for hit in hits if hit.ours or hit.alike] == [effect.detail["id"]]

    @guarantee(promise.PEOPLE)
    def test_a_thing_entered_by_hand_is_alike_not_ours(self, trial: SinkTrial) -> None:
        sink, item = asking(trial), trial.items(1)[0]
        target = needed(trial.enter, "cannot enter a thing as a person would")(item)
        trial.wait(sink.settle)
        assert [(hit.target, hit.ours, hit.alike) for hit in ask(sink, [item])[item.stamp]] == [(target, False, True)]

    @guarantee(promise.FOUND_AGAIN)
    def test_two_things_of_one_stamp_are_two_hits(self, trial: SinkTrial) -> None:
        """Which of them is meant is for a person to say."""
        sink, item = asking(trial), trial.items(1)[0]
        twin = needed(trial.twin, "cannot make two things of one stamp")
        (first,) = created(sink, [item])
        twin(item)
        trial.wait(sink.settle)
        ours = [hit.target for hit in ask(sink, [item])[item.stamp] if hit.ours]
        assert len(set(ours)) == 2
        assert first.target in ours

    @guarantee(promise.FOUND_AGAIN)
    def test_a_target_that_is_known_is_found_as_it_stands(self, trial: SinkTrial) -> None:
        """An update whose answer was lost: what stands there tells whether it was carried out."""
        changing(trial)
        sink, items = asking(trial), list(trial.items(2))
        firsts = created(sink, items)
        updates = [update_of(trial, item, first) for item, first in zip(items, firsts, strict=True)]
        lose(trial, sink, updates[:1])
        lose(trial, sink, updates[1:], "dropped")
        trial.wait(sink.settle)
        found = ask(sink, updates)
        for update, first, body in zip(updates, firsts, (updates[0].body, items[1].body), strict=True):
            (hit,) = found[update.stamp]
            assert hit.target == first.target
            assert hit.facts == sink.facts(msgspec.structs.replace(update, body=body))
        version = found[updates[0].stamp][0].token
        assert version != updates[0].token or not version, "the next write needs the new version"

    @guarantee(promise.FOUND_AGAIN)
    def test_a_change_is_looked_for_by_the_id_of_its_target(self, trial: SinkTrial) -> None:
        """It may be the number that changes, or the name: nothing has the new one yet."""
        changing(trial)
        sink, item = asking(trial), trial.items(1)[0]
        field = next((name for name in CALLED if item.body.get(name)), None)
        if field is None:
            pytest.skip("the things of the trial have neither number nor name")
        (first,) = created(sink, [item])
        update = update_of(trial, item, first)
        update.body[field] = f"{item.body[field]}-b"
        lose(trial, sink, [update], "dropped")
        trial.wait(sink.settle)
        (hit,) = ask(sink, [update])[update.stamp]
        assert hit.target == first.target
        assert hit.facts == sink.facts(msgspec.structs.replace(update, body=item.body))

    @guarantee(promise.PEOPLE)
    def test_what_was_written_for_another_record_is_not_ours(self, trial: SinkTrial) -> None:
        """It has the same number or name, and a stamp: that of another record, or of another hub."""
        sink, item = asking(trial), trial.items(1)[0]
        created(sink, [item])
        other = msgspec.structs.replace(item, key="id:other", body=trial.changed(item), stamp=stamp_of("other"))
        trial.wait(sink.settle)
        assert [hit.target for hit in ask(sink, [other]).get(other.stamp, []) if hit.ours] == []

    @guarantee(promise.PLAINLY_SAID)
    def test_a_reply_that_says_nothing_proves_nothing_absent(self, trial: SinkTrial) -> None:
        """Proved absent means sent again: a page of junk must not be taken for an empty shelf."""
        sink, items = asking(trial), list(trial.items(2))
        sent = [msgspec.structs.replace(item, sent=True, since="2026-01-01T00:00:00.000Z") for item in items]
        for call in [*sink.ask(items), *sink.ask(sent)]:
            for status, body in [(429, b"{}"), *UNCLEAR]:
                if (status, body) == (200, trial.nothing):
                    continue
                try:
                    found = sink.found(call, carried(items, call), Reply(status=status, body=body))
                except Exception:
                    continue
                assert found == {}, f"{status} with {body[:20]!r} was taken for an answer"

    @guarantee(promise.PLAINLY_SAID)
    def test_an_empty_list_under_a_bad_status_proves_nothing_absent(self, trial: SinkTrial) -> None:
        """A proxy, or a sign-in that ran out, may answer in a form that reads like an empty shelf."""
        sink, items = asking(trial), list(trial.items(2))
        for call in sink.ask(items):
            reply = look(sink, call)
            for status in (401, 403, 404, 500, 503):
                try:
                    found = sink.found(call, carried(items, call), msgspec.structs.replace(reply, status=status))
                except Exception:
                    continue
                assert found == {}, f"{status} was taken to say what is there"

    @guarantee(promise.PLAINLY_SAID)
    def test_half_a_list_proves_nothing_absent(self, trial: SinkTrial) -> None:
        sink, items = asking(trial), list(trial.items(2))
        created(sink, items[:1])
        trial.wait(sink.settle)
        for call in sink.ask(items):
            whole = look(sink, call).body.rstrip()
            for cut in (1, len(whole) // 2, len(whole) - 1):
                tried("lists cut off")
                try:
                    found = sink.found(call, carried(items, call), Reply(status=200, body=whole[:cut]))
                except Exception:
                    continue
                assert not [stamp for stamp, hits in found.items() if not hits], "half a list was taken for a whole one"

    @guarantee(promise.HANDS_OFF)
    def test_asking_looks_for_every_item_and_changes_nothing(self, trial: SinkTrial) -> None:
        sink, items = asking(trial), list(trial.items(3))
        given, before = copy.deepcopy(items), len(trial.stage.history.effects())
        calls = sink.ask(items)
        assert {stamp for call in calls for stamp in call.items} == {item.stamp for item in items}
        assert plain(sink.ask(items)) == plain(calls)
        for call in calls:
            look(sink, call)
        assert items == given
        assert len(trial.stage.history.effects()) == before
