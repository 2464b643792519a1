"""Checks of what a sink makes of answers: what is not plainly said is unknown, and each record is told by itself."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from wherry.records import DONE, Answer, Item, Reply
from wherry.roles import CallSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.sink_trial import (
    UNCLEAR,
    SinkTrial,
    carried,
    created,
    known,
    needed,
    over_http,
    settled_fates,
    write,
)

TRIES = 60
WAIT, TURNS = 31, 3


class Decoding:
    """What an answer is taken for."""

    @guarantee(promise.EACH_ITS_OWN)
    def test_what_was_written_is_told_with_target_and_facts(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), trial.items(trial.make().batch + 1)
        answers = created(sink, items)
        assert len({answer.target for answer in answers} - {""}) == len(items)
        for item, answer in zip(items, answers, strict=True):
            assert answer.facts is None or answer.facts == sink.facts(item)
            assert len(trial.effects(item)) == 1

    @guarantee(promise.PLAINLY_SAID)
    def test_a_reply_that_says_nothing_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            tried("answers that say nothing", len(UNCLEAR))
            for status, body in UNCLEAR:
                fates = settled_fates(sink, call, items, Reply(status=status, body=body))
                assert fates == {}, f"{status} with {body[:20]!r} was taken as {set(fates.values())}"

    @guarantee(promise.PLAINLY_SAID)
    def test_a_good_body_under_a_bad_status_is_not_believed(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            reply = sink.http.send(call)
            for status in (401, 500, 502, 503, 504):
                assert settled_fates(sink, call, items, msgspec.structs.replace(reply, status=status)) == {}

    @guarantee(promise.PLAINLY_SAID)
    def test_a_reply_that_breaks_off_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        for call in sink.encode(items):
            reply = sink.http.send(call)
            whole = reply.body.rstrip()
            tried("answers cut off", 4)
            for cut in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
                assert settled_fates(sink, call, items, msgspec.structs.replace(reply, body=whole[:cut])) == {}

    @guarantee(promise.PLAINLY_SAID)
    def test_junk_settles_nothing(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), list(trial.items(2))
        random = Random(4711)
        for call in sink.encode(items):
            for status in (200, 201):
                for body in (_junk(random) for _ in range(TRIES)):
                    assert settled_fates(sink, call, items, Reply(status=status, body=body)) == {}, body
        tried("answers of junk", 2 * TRIES)

    @guarantee(promise.PLAINLY_SAID)
    def test_the_answer_to_another_call_settles_nothing(self, trial: SinkTrial) -> None:
        sink, (item, other) = trial.make(), trial.items(2)
        (call,), (wrong,) = sink.encode([item]), sink.encode([other])
        reply = sink.http.send(wrong)
        tried("answers to another call")
        try:
            answer = sink.decode(call, [item], reply).get(item.stamp)
        except Exception:
            answer = None
        taken = answer is not None and answer.fate in DONE
        assert not taken, "the answer is about another record"

    @guarantee(promise.HANDS_OFF)
    def test_decoding_leaves_what_it_is_given_and_says_the_same_again(self, trial: SinkTrial) -> None:
        """An answer is kept and read again after a crash: by a sink that never encoded the call."""
        sink, items = trial.make(), list(trial.items(2))
        replies = [(call, sink.http.send(call)) for call in sink.encode(items)]
        given = copy.deepcopy((items, replies))
        for call, reply in replies:
            first = sink.decode(call, carried(items, call), reply)
            assert first == sink.decode(call, carried(items, call), reply)
            assert first == trial.make().decode(call, carried(items, call), reply)
        assert (items, replies) == given, "items, calls and replies are read, never written to"

    @guarantee(promise.LIMITS)
    def test_a_call_that_was_turned_away_is_not_counted_as_made(self, trial: SinkTrial) -> None:
        """429: nothing was done, and the same call goes through once the wait is over."""
        sink, items = trial.make(), trial.items(2)
        over_http(sink)
        for call in sink.encode(items):
            trial.stage.faults.add("status", status=429, headers={"Retry-After": str(WAIT)}, method=trial.writes)
            reply = sink.http.send(call)
            tried("calls turned away")
            assert reply.status == 429
            mine = carried(items, call)
            assert settled_fates(sink, call, mine, reply) == {}, "turned away is neither done nor refused"
            assert [trial.effects(item) for item in mine] == [[]] * len(mine)
            trial.wait(WAIT)
            answers = sink.decode(call, mine, sink.http.send(call))
            half = [one for one in answers.values() if one.fate == "queued" and one.target]
            assert half or [answers[item.stamp].fate for item in mine] == ["created"] * len(mine)

    @guarantee(promise.EACH_ITS_OWN)
    def test_one_bad_record_does_not_stop_the_others(self, trial: SinkTrial) -> None:
        bad = needed(trial.refused, "names nothing that the system would refuse")
        sink, good = trial.make(), list(trial.items(2))
        items = [good[0], bad, good[1]]
        told = _told(sink, items)
        assert {stamp: one.fate for stamp, one in told.items()} == {
            good[0].stamp: "created", bad.stamp: "refused", good[1].stamp: "created",
        }  # fmt: skip
        assert told[bad.stamp].reason, "why was it refused?"
        assert told[bad.stamp].fix, "and what is a person to do?"
        assert [len(trial.effects(item)) for item in items] == [1, 0, 1]

    @guarantee(promise.PLAINLY_SAID)
    def test_a_refusal_under_a_status_of_trouble_is_not_believed(self, trial: SinkTrial) -> None:
        """Something broke on the way: whether the record was taken, only a look can tell."""
        bad, sink = needed(trial.refused, "names nothing that the system would refuse"), trial.make()
        (call,) = sink.encode([bad])
        reply = sink.http.send(call)
        for status in {401, 500, 502, 503, 504} - {reply.status}:
            assert settled_fates(sink, call, [bad], msgspec.structs.replace(reply, status=status)) == {}, status

    @guarantee(promise.EACH_ITS_OWN)
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


def _told(sink: CallSinkWriter, items: Sequence[Item]) -> dict[str, Answer]:
    """What is settled of the items after some turns: a batch of which one is refused may have to be sent again."""
    told: dict[str, Answer] = {}
    memos: dict[str, str] = {}
    for _ in range(TURNS):
        left = [msgspec.structs.replace(item, memo=memos.get(item.stamp, "")) for item in items
                if item.stamp not in told]  # fmt: skip
        for stamp, answer in known(sink, left).items():
            memos[stamp] = answer.memo
            if answer.fate in DONE or answer.fate == "refused":
                told[stamp] = answer
    return told


def _junk(random: Random) -> bytes:
    """Bytes of no sense, or JSON of none."""
    if random.random() < 0.2:
        return random.randbytes(random.randint(0, 40))
    return msgspec.json.encode(_value(random, 3))


def _value(random: Random, depth: int) -> Any:
    plain = (None, True, False, random.randint(-9, 9), "", "x" * random.randint(0, 8), "\N{SNOWMAN}")
    if not depth or random.random() < 0.3:
        return random.choice(plain)
    some = [_value(random, depth - 1) for _ in range(random.randint(0, 3))]
    names = ("id", "Id", "status", "error", "results", "thing", "key", "", "\x00")
    return some if random.random() < 0.4 else {random.choice(names): one for one in some}
