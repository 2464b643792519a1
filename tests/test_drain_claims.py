"""What sinks claim of their targets: repeated calls that are recognised, for how long, and what if that is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from wherry.errors import TryAgain
from wherry.protocol.company import Company
from wherry.records import Answer, Call, Reply
from wherry.roles import Transport
from wherry.simulator import Call as SimCall
from wherry.simulator import Reply as SimReply
from wherry.testing.target import Ability
from wherry.testing.target_sink import TargetSink

from .drained import Books, books

Desk = Callable[..., Books]
THIRD = 2


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Books of a target with an ability."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(ability: Ability, **told: float) -> Books:
            url = f"sqlite:///{tmp_path / 'store' / 'wherry.db'}"
            return stack.enter_context(books(tmp_path, url, monkeypatch, ability, **told))

        yield make


@pytest.mark.parametrize("ability", ["key", "upsert"])
@pytest.mark.parametrize("kind", ["lost", "dropped"])
def test_within_the_retention_the_very_same_bytes_go_again_under_the_same_stamp(
    opened: Desk, ability: Ability, kind: str
) -> None:
    desk = opened(ability)
    bodies: list[bytes] = []

    def answer(call: SimCall) -> SimReply:
        bodies.append(call.body)
        reply: SimReply = desk.target.answer(call)
        return reply

    desk.target.stage.app(answer)
    desk.bill("1")
    desk.fault(kind, after=THIRD)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    last = desk.sent()[-1]
    assert last.sent == 2
    assert bodies.count(last.call.body) == (2 if kind == "lost" else 1)
    assert len(desk.writes()) == 4
    assert desk.states() == {}


def test_after_the_retention_nothing_is_repeated_blindly(opened: Desk) -> None:
    """case_A11: it is looked for instead"""
    desk = opened("key")
    desk.bill("1")
    desk.fault("lost", after=THIRD)
    desk.crash("after", "_send", nth=3)
    desk.died()
    desk.clock.tide.advance(25 * 3600)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    assert desk.sent()[-1].sent == 1


def unplugged(sink: TargetSink) -> TargetSink:
    """The sink, while nothing that it sends leaves."""

    def send(call: Call) -> Reply:
        raise TryAgain("nobody is there", code="WHERRY-6000", sent="no")

    sink.http = cast("Transport", SimpleNamespace(send=send, read=sink.http.read))
    return sink


@pytest.mark.parametrize("ability", ["none", "query"])
def test_what_never_left_is_no_question_to_anybody_and_goes_out_once_it_can(opened: Desk, ability: Ability) -> None:
    """Not sent is not lost, also where nobody could tell what became of it."""
    desk = opened(ability)
    desk.bill("1")
    desk.made = unplugged
    assert desk.run().exit_code == 6
    assert set(desk.states().values()) <= {"queued", "waiting"}
    desk.made = lambda sink: sink
    assert desk.run().exit_code == 0
    assert (desk.done(), desk.states()) == ([("created", "10.00")], {})


def test_a_repetition_that_never_left_leaves_the_call_as_lost_as_it_was(opened: Desk) -> None:
    """case_A5: it counts as none, and the very same bytes go again once somebody is there to take them."""
    desk = opened("key")
    desk.bill("1")
    desk.fault("lost", after=THIRD)
    desk.crash("after", "_send", nth=3)
    desk.died()

    desk.made = unplugged
    assert desk.run().exit_code == 6
    assert [(row.state, row.sent) for row in desk.sent()[-1:]] == [("lost", 1)]
    assert desk.item().state == "unknown"
    desk.made = lambda sink: sink
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    assert (desk.sent()[-1].sent, desk.states()) == (2, {})


def test_a_stored_failure_that_is_replayed_for_ever_is_given_up_after_three_times_and_looked_for(opened: Desk) -> None:
    """case_A13: a new stamp only after the effect is proved absent"""
    desk = opened("key")
    desk.bill("1")
    desk.fault("status", status=500, after=THIRD, times=3)
    assert desk.run().exit_code in (0, 6)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    first, second = desk.sent()[-2:]
    assert (first.sent, second.sent) == (3, 1)
    assert first.call.items != second.call.items


@pytest.mark.parametrize("lag", [0.0, 30.0])
def test_a_target_that_only_claims_to_recognise_a_repeated_call_is_found_out_and_gets_nothing_more(
    opened: Desk, lag: float
) -> None:
    """case_A12: alarm, halted until a person has looked"""
    desk = opened("key", retention=0.0, lag=lag)
    desk.bill("1")
    desk.fault("lost", after=THIRD)
    report = desk.run()
    assert [what for what, _ in desk.done()] == ["created", "created"]
    assert report.exit_code == 7
    assert "twice" in str(report.error)
    assert desk.item().state == "decide"
    desk.bill("2")
    assert desk.run().exit_code == 7
    assert desk.done("2") == []
    kept = next(iter(id for id, one in desk.target.things.items() if one["number"] == "INV-1"))
    desk.answer(Answer(fate="linked", target=kept, token="1"))
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]


def test_a_target_that_can_neither_recognise_nor_be_asked_is_sent_once_and_then_a_person_is(opened: Desk) -> None:
    """case_A26"""
    desk = opened("none")
    desk.bill("1")
    desk.fault("lost", after=THIRD)
    for _ in range(3):
        assert desk.run().exit_code == 4
    item = desk.item()
    assert item.state == "decide"
    assert all(choice in item.fix for choice in ("--link", "--send-again", "--abandon"))
    assert desk.done() == [("created", "10.00")]
    assert len(desk.writes()) == 3


def test_two_finds_with_our_stamp_are_an_alarm_and_nothing_is_deleted(opened: Desk) -> None:
    """Rule 8"""
    desk = opened("query")
    desk.bill("1")
    desk.fault("lost", after=THIRD)
    desk.dies_waiting()
    desk.died()
    stamp = desk.item().stamp
    desk.target.enter("invoice", number="INV-1", stamp=stamp, total="10.00", currency="GBP")
    assert desk.run().exit_code == 7
    assert desk.item().state == "decide"
    assert "2 times" in desk.item().reason
    assert [what for what, _ in desk.done()] == ["created", "entered"]
    desk.bill("2")
    assert desk.run().exit_code == 7
    assert desk.done("2") == []


def test_who_died_while_it_waited_for_an_answer_has_lost_it(opened: Desk) -> None:
    """A person was told that it is not here yet: it never comes."""
    desk = opened("none")
    desk.bill("1")
    desk.crash("after", "_advance")
    desk.died()
    assert desk.run().exit_code == 4
    assert desk.items()["customer/id:1"].reason.endswith("the answer was lost")


def test_who_is_stopped_while_a_call_waits_for_its_turn_knows_that_it_has_not_left(
    opened: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person was asked what became of it."""

    def stopped(*told: object, **more: object) -> None:
        raise KeyboardInterrupt

    desk = opened("none")
    desk.bill("1")
    with monkeypatch.context() as patch:
        patch.setattr(Company, "may_leave", stopped)
        assert desk.run().exit_code == 130
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]


def test_a_person_says_it_is_not_there_and_only_then_it_is_sent_again(opened: Desk) -> None:
    """case_A27, at this level: the next attempt is a new stamp"""
    desk = opened("none")
    desk.bill("1")
    desk.fault("dropped", after=THIRD)
    assert desk.run().exit_code == 4
    first = desk.item().stamp
    desk.again()
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    assert desk.stamps() != [first]


def test_an_answer_that_is_stored_is_believed_before_anybody_is_asked_or_anything_is_repeated(opened: Desk) -> None:
    """case_A3: also of a target that cannot be asked, and where an earlier call has to be repeated first"""
    desk = opened("upsert")
    desk.bill("0")
    desk.run()
    desk.bills(2)
    desk.fault("lost")
    desk.crash("after", "_send", nth=2)
    desk.died()
    assert sorted(row.state for row in desk.sent()[-2:]) == ["answered", "lost"]
    assert desk.run().exit_code == 0
    assert desk.items() == {}
    assert "decide" not in [*desk.fates("1"), *desk.fates("2")]
    assert len(desk.effects()) == 3


def test_a_stored_answer_of_a_target_that_cannot_be_asked_never_reaches_a_person(opened: Desk) -> None:
    """case_A3, case_A26"""
    desk = opened("none")
    desk.bill("1")
    desk.crash("after", "_send", nth=3)
    desk.died()
    assert desk.run().exit_code == 0
    assert "decide" not in desk.fates()
    assert desk.done() == [("created", "10.00")]


def test_a_target_that_recognises_repeats_for_ever_is_never_given_up(opened: Desk) -> None:
    """I20: it was away for a while, and is well again"""
    desk = opened("upsert")
    desk.bill("1")
    desk.fault("truncated", after=THIRD, times=4)
    for _ in range(3):
        desk.run()
    assert desk.states() == {}
    assert desk.done() == [("created", "10.00")]


@pytest.mark.parametrize("why", ["touched", "issued again"])
def test_a_stale_version_that_nobody_can_ask_about_is_left_to_a_person(opened: Desk, why: str) -> None:
    """I20: the same bytes can never succeed"""
    desk = opened("upsert")
    desk.bill("1")
    desk.run()
    if why == "touched":
        desk.target.edit(desk.number("1")["id"], note="seen")
    else:
        desk.bill("1", status="void")
        desk.run()
    desk.bill("1", "12.00", status="invoiced")
    for _ in range(3):
        report = desk.run()
    assert report.exit_code == 4
    assert desk.item().state in ("decide", "refused")
