"""The contract of a sink that is sent calls, as checks that bite: a plugin's test subclasses ``SinkSuite``.

    class TestSink(SinkSuite):
        @pytest.fixture
        def trial(self, ...) -> SinkTrial:
            return SinkTrial(make=..., stage=..., items=..., ...)

What a sink claims (``resend_for``, ``settle``, that its target can be asked) is proved by losing answers in earnest and
looking at the simulator's history. What it does not claim is skipped with the reason.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.errors import AccessLost, Rejected
from wherry.records import DONE, Reply
from wherry.roles import CallSinkWriter
from wherry.testing.elsewhere import elsewhere
from wherry.testing.sink_trial import (
    UNCLEAR,
    SinkTrial,
    ask,
    asking,
    carried,
    created,
    look,
    lose,
    needed,
    plain,
    recognising,
    settled_fates,
    stamp_of,
    update_of,
    void_of,
    write,
)
from wherry.testing.trial import strays

__all__ = ["SinkSuite", "SinkTrial", "stamp_of"]

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


class SinkSuite:
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    @pytest.fixture
    def elsewhere(self, request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
        """What this very test makes in another process, where hashes of text are others."""
        return elsewhere(request)

    # -- whose books --------------------------------------------------------------------------------------------------

    def test_the_sink_has_all_that_a_sink_needs(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        assert isinstance(sink, CallSinkWriter)
        assert item.entity in sink.entities
        assert sink.batch >= 1
        assert sink.width >= 1
        assert sink.settle >= 0
        assert sink.resend_for is None or sink.resend_for > 0

    def test_check_names_the_same_account_every_time(self, trial: SinkTrial) -> None:
        first, again = trial.make().check(), trial.make().check()
        assert first.id, "an account has an id: what is written is bound to it"
        assert first.name, "an account has a name for people"
        assert (first.id, first.name) == (again.id, again.name)

    def test_a_lost_sign_in_ends_check_with_access_lost(self, trial: SinkTrial) -> None:
        sink = trial.make()
        trial.stage.faults.add("expired", times=10_000)
        with pytest.raises(AccessLost):
            sink.check()

    # -- encode: pure, and the same everywhere ------------------------------------------------------------------------

    def test_every_item_is_in_exactly_one_call_in_order(self, trial: SinkTrial) -> None:
        sink = trial.make()
        items = trial.items(2 * sink.batch + 1)
        assert [stamp for call in sink.encode(items) for stamp in call.items] == [item.stamp for item in items]
        assert sink.encode([]) == []

    def test_no_call_carries_more_items_than_batch(self, trial: SinkTrial) -> None:
        sink = trial.make()
        calls = sink.encode(trial.items(2 * sink.batch + 1))
        assert max(len(call.items) for call in calls) <= sink.batch
        assert min(len(call.items) for call in calls) >= 1

    def test_encoding_is_pure(self, trial: SinkTrial) -> None:
        """Again, by a fresh sink, of equal items: equal bytes. And the items are left as they were."""
        items = list(trial.items(3))
        given, sink = copy.deepcopy(items), trial.make()
        calls = sink.encode(items)
        assert items == given
        assert plain(sink.encode(items)) == plain(calls)
        assert plain(trial.make().encode(copy.deepcopy(given))) == plain(calls)

    def test_encoding_in_another_process_gives_the_same_bytes(
        self, trial: SinkTrial, elsewhere: Callable[[bytes], bytes]
    ) -> None:
        encoded = plain(trial.make().encode(trial.items(3)))
        assert elsewhere(encoded) == encoded

    def test_a_call_holds_its_items_and_their_stamps(self, trial: SinkTrial) -> None:
        """Another body gives other bytes, and each stamp goes along: by it the target's record is found again."""
        sink, item = trial.make(), trial.items(1)[0]
        call = sink.encode([item])[0]
        other = sink.encode([msgspec.structs.replace(item, body=trial.changed(item))])[0]
        assert (call.body, call.path) != (other.body, other.path), "a changed body makes the same call"
        again = sink.encode([msgspec.structs.replace(item, stamp=stamp_of("another"))])[0]
        sent = plain([msgspec.structs.replace(call, items=())])
        assert sent != plain([msgspec.structs.replace(again, items=())]), "the stamp is nowhere in the call"

    def test_no_secret_is_frozen_with_a_call(self, trial: SinkTrial) -> None:
        sink = trial.make()
        for call in sink.encode(trial.items(3)):
            names = {name.lower() for name in call.headers}
            assert names.isdisjoint({"authorization", "proxy-authorization", "cookie"}), "the core signs, when it sends"
            assert not trial.secret or trial.secret.encode() not in plain([call])

    def test_encoding_decoding_and_facts_ask_nobody(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), trial.items(2)
        calls = sink.encode(items)
        replies = [(call, sink.http.send(call)) for call in calls]
        asked = len(trial.stage.history.requests())
        with strays() as found:
            sink.encode(items)
            for call, reply in replies:
                sink.decode(call, carried(items, call), reply)
            for item in items:
                sink.facts(item)
        assert found == []
        assert len(trial.stage.history.requests()) == asked

    def test_what_cannot_be_said_is_rejected_by_its_name(self, trial: SinkTrial) -> None:
        bad = needed(trial.rejected, "names nothing that cannot be said")
        with pytest.raises(Rejected) as caught:
            trial.make().encode([*trial.items(1), bad])
        assert caught.value.where.get("item") == bad.stamp, "the others of its batch are to go on"
        assert caught.value.message
        assert caught.value.fix

    # -- decode: what is not plainly said is unknown ------------------------------------------------------------------

    def test_what_was_written_is_told_with_target_and_facts(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), trial.items(trial.make().batch + 1)
        answers = created(sink, items)
        assert len({answer.target for answer in answers} - {""}) == len(items)
        for item, answer in zip(items, answers, strict=True):
            assert answer.facts is None or answer.facts == sink.facts(item)
            assert len(trial.effects(item)) == 1

    def test_a_reply_that_says_nothing_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            for status, body in UNCLEAR:
                fates = settled_fates(sink, call, items, Reply(status=status, body=body))
                assert fates == {}, f"{status} with {body[:20]!r} was taken as {set(fates.values())}"

    def test_a_good_body_under_a_bad_status_is_not_believed(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            reply = sink.http.send(call)
            for status in (401, 500, 502, 503, 504):
                assert settled_fates(sink, call, items, msgspec.structs.replace(reply, status=status)) == {}

    def test_a_reply_that_breaks_off_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            reply = sink.http.send(call)
            whole = reply.body.rstrip()
            for cut in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
                assert settled_fates(sink, call, items, msgspec.structs.replace(reply, body=whole[:cut])) == {}

    def test_junk_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        calls = sink.encode(items)

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(body=st.binary(max_size=40) | _JSON.map(msgspec.json.encode), status=st.sampled_from((200, 201)))
        def check(body: bytes, status: int) -> None:
            for call in calls:
                assert settled_fates(sink, call, items, Reply(status=status, body=body)) == {}

        check()

    def test_answers_are_matched_by_name_not_by_place(self, trial: SinkTrial) -> None:
        """In another order, and with one left out: each goes to its item, and the one left out is unknown."""
        muddle = needed(trial.muddle, "cannot muddle an answer of several items")
        sink = trial.make()
        if sink.batch < 3:
            pytest.skip("the sink puts fewer than three items into a call")
        items = trial.items(min(sink.batch, 5))
        muddle()
        answers = write(sink, items)
        assert {item.stamp for item in items[1:]} == {stamp for stamp, one in answers.items() if one.fate in DONE}
        for item in items[1:]:
            assert answers[item.stamp].facts in (None, sink.facts(item))
            assert [effect.detail["id"] for effect in trial.effects(item)] == [answers[item.stamp].target]

    # -- updates and voids --------------------------------------------------------------------------------------------

    def test_an_update_changes_the_same_thing_once(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        update = update_of(trial, item, first)
        answer = write(sink, [update])[update.stamp]
        assert (answer.fate, answer.target) == ("updated", first.target)
        assert answer.facts is None or answer.facts == sink.facts(update)
        assert len(trial.effects(update)) == 1

    def test_facts_tell_two_bodies_apart(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        facts = sink.facts(item)
        assert facts == trial.make().facts(copy.deepcopy(item))
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in facts.items())
        assert facts != sink.facts(msgspec.structs.replace(item, body=trial.changed(item)))

    def test_a_stale_token_is_unknown_and_changes_nothing(self, trial: SinkTrial) -> None:
        edit = needed(trial.edit, "cannot change a thing as a person would")
        sink, item = trial.make(), trial.items(1)[0]
        (first,) = created(sink, [item])
        edit(first.target)
        update = update_of(trial, item, first)
        answer = write(sink, [update])[update.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0), "the core is to look at once what stands there now"
        assert trial.effects(update) == [], "what a person changed was written over"

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

    # -- resend_for: the same bytes again have no second effect -------------------------------------------------------

    @pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
    def test_a_repeated_create_has_one_effect(self, trial: SinkTrial, share: float) -> None:
        """The answer is lost after the effect; the same bytes go out again, up to the end of ``resend_for``."""
        sink, lasting = recognising(trial)
        items = trial.items(sink.batch)
        calls = lose(trial, sink, items)
        trial.wait(share * lasting)
        for call in calls:
            answers = sink.decode(call, carried(items, call), sink.http.send(call))
            assert {stamp: answer.fate for stamp, answer in answers.items()} == dict.fromkeys(call.items, "created")
        for item in items:
            assert len(trial.effects(item)) == 1, "the target did not recognise the call: resend_for is not true"

    def test_a_repeated_call_tells_the_same_target_every_time(self, trial: SinkTrial) -> None:
        sink, _ = recognising(trial)
        item = trial.items(1)[0]
        (call,) = lose(trial, sink, [item])
        told = [sink.decode(call, [item], sink.http.send(call))[item.stamp] for _ in range(3)]
        assert len({(one.fate, one.target) for one in told}) == 1
        assert told[0].target == trial.effects(item)[0].detail["id"]

    def test_a_repeated_update_or_void_has_one_effect(self, trial: SinkTrial) -> None:
        sink, lasting = recognising(trial)
        item = trial.items(1)[0]
        (first,) = created(sink, [item])
        steps = (
            [update_of(trial, item, first)]
            if not trial.voids
            else [update_of(trial, item, first), void_of(item, first)]
        )
        for step in steps:
            step = msgspec.structs.replace(step, token=first.token)
            (call,) = lose(trial, sink, [step])
            trial.wait(0.9 * lasting)
            answer = sink.decode(call, [step], sink.http.send(call))[step.stamp]
            assert answer.fate in ("updated", "reversed")
            assert answer.target == first.target
            assert len(trial.effects(step)) == 1, "the target did not recognise the call: resend_for is not true"
            first = answer

    # -- ask and found: what a target is known to hold ----------------------------------------------------------------

    def test_what_was_written_is_found_as_ours(self, trial: SinkTrial) -> None:
        sink = asking(trial)
        items = trial.items(sink.batch + 1)
        lose(trial, sink, items)
        trial.wait(sink.settle)
        found = ask(sink, items)
        for item in items:
            (effect,) = trial.effects(item)
            assert [(hit.target, hit.ours) for hit in found[item.stamp]] == [(effect.detail["id"], True)]
            assert found[item.stamp][0].facts == sink.facts(item)

    def test_what_was_never_written_is_proved_absent(self, trial: SinkTrial) -> None:
        sink = asking(trial)
        items = trial.items(3)
        lose(trial, sink, items[:1], "dropped")
        created(sink, items[1:2])
        trial.wait(sink.settle)
        found = ask(sink, items)
        assert [[hit.ours for hit in found[item.stamp]] for item in items] == [[], [True], []]

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

    def test_a_thing_entered_by_hand_is_alike_not_ours(self, trial: SinkTrial) -> None:
        sink, item = asking(trial), trial.items(1)[0]
        target = needed(trial.enter, "cannot enter a thing as a person would")(item)
        trial.wait(sink.settle)
        assert [(hit.target, hit.ours, hit.alike) for hit in ask(sink, [item])[item.stamp]] == [(target, False, True)]

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

    def test_a_target_that_is_known_is_found_as_it_stands(self, trial: SinkTrial) -> None:
        """An update whose answer was lost: what stands there tells whether it was carried out."""
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
        assert found[updates[0].stamp][0].token != updates[0].token, "the next write needs the new version"

    def test_a_reply_that_says_nothing_proves_nothing_absent(self, trial: SinkTrial) -> None:
        """Proved absent means sent again: a page of junk must not be taken for an empty shelf."""
        sink, items = asking(trial), list(trial.items(2))
        for call in sink.ask(items):
            for status, body in [(429, b"{}"), *UNCLEAR]:
                try:
                    found = sink.found(call, carried(items, call), Reply(status=status, body=body))
                except Exception:
                    continue
                assert found == {}, f"{status} with {body[:20]!r} was taken for an answer"

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
