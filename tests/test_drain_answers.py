"""What answers say of each item, and when a target is left alone: refusals, throttling, batches, odd sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.clock import TO_END
from wherry.errors import TryAgain
from wherry.http import Http
from wherry.records import Answer, Call, Item, Reply
from wherry.simulator import Reply as SimReply
from wherry.testing.target import Operation, Target
from wherry.testing.target_sink import AskingSink

from .drained import Books, books

THIRD = 2


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


class Wrapped(AskingSink):
    """The target's sink, its decoding replaced by a test's."""

    answers: Any = None

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found: dict[str, Answer] = type(self).answers(super().decode(call, items, reply), items)
        return found


def decoding(desk: Books, answers: Any) -> None:
    """From now on answers come out of decoding as this function of (answers, items) says."""
    kind = type("Replaced", (Wrapped,), {"answers": staticmethod(answers)})
    desk.made = lambda sink: kind(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_refusal_keeps_the_vendors_reason_field_and_what_to_do_and_the_rest_goes_on(desk: Books) -> None:
    """case_A10, I16"""
    desk.bills(3)
    error = {"error": {"code": "bad-amount", "message": "the total is off", "field": "total"}}
    desk.fault("status", status=422, after=THIRD, body=error)
    report = desk.run()
    assert report.exit_code == 4
    item = desk.item("1")
    assert (item.state, item.reason, item.field) == ("refused", "the total is off", "total")
    assert item.fix
    assert item.draft.body["total"]["minor"] == 110
    assert [desk.done("2"), desk.done("3")] == [[("created", "2.10")], [("created", "3.10")]]


def test_the_reasons_of_a_run_count_what_still_waits_at_its_end(desk: Books) -> None:
    refused = Answer(fate="refused", reason="no")
    decoding(desk, lambda answers, items: {items[0].stamp: refused} if items[0].key == "id:2" else answers)
    desk.bills(1)
    desk.bill("7", customer={"id": "2", "name": "Brook", "number": "C-2"})
    data = desk.run().data
    assert data["fates"]["invoice"] == {"created": 1, "waiting": 1}
    assert data["reasons"]["invoice"] == {"waiting": {"waits for its customer, product": 1}}


def test_what_a_sink_says_to_do_names_the_connection(desk: Books) -> None:
    fix = "sign in with more rights: wherry connect NAME"
    refused = Answer(fate="refused", reason="no", fix=fix)
    decoding(desk, lambda answers, items: {items[0].stamp: refused} if items[0].entity == "invoice" else answers)
    desk.bill("1")
    desk.run()
    assert desk.item("1").fix == "sign in with more rights: wherry connect books"


def test_a_refused_record_goes_by_itself_once_a_later_version_of_it_is_written(desk: Books) -> None:
    desk.bill("1")
    desk.fault("status", status=422, after=THIRD, body={"error": {"code": "unbalanced", "message": "no"}})
    desk.run()
    assert desk.states() == {"invoice/id:1": "refused"}
    desk.bill("1", "11.00")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "11.00")]
    assert desk.items() == {}


def test_an_item_that_cannot_be_said_in_the_targets_words_is_refused_among_good_ones(desk: Books) -> None:
    """case_A24: nothing of it is sent, and the others of its group are"""
    desk.batch = 5
    desk.bills(4)
    desk.bill("2", "2.10", number="N" * 41)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "refused"}
    assert "41 characters" in desk.item("2").reason
    assert [total for _, _, total in desk.effects()] == ["1.10", "3.10", "4.10"]


# -- sinks that misbehave ----------------------------------------------------------------------------------------------


def _raises(answers: dict[str, Answer], items: Sequence[Item]) -> Any:
    raise KeyError("gone")


def _rubbish(answers: dict[str, Answer], items: Sequence[Item]) -> Any:
    return ["done"]


def _no_target(answers: dict[str, Answer], items: Sequence[Item]) -> Any:
    return {item.stamp: Answer(fate="created") for item in items}


def _skips(answers: dict[str, Answer], items: Sequence[Item]) -> Any:
    return {item.stamp: Answer(fate="skipped") for item in items}


@pytest.mark.parametrize("answers", [_raises, _rubbish, _no_target, _skips])
def test_a_decode_that_misbehaves_ends_the_run_and_leaves_its_items_unknown(desk: Books, answers: Any) -> None:
    """I21: what was done is found by the next run, not done again"""
    desk.bill("1")
    desk.run()
    decoding(desk, answers)
    desk.bill("2")
    report = desk.run()
    assert report.exit_code == 1
    assert desk.states() == {"invoice/id:2": "unknown"}
    desk.made = lambda sink: sink
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]


def test_what_a_decode_leaves_out_is_unknown_and_looked_for(desk: Books) -> None:
    """case_A23"""
    decoding(desk, lambda answers, items: {} if items[0].entity == "invoice" else answers)
    desk.bill("1")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    assert desk.items() == {}


def test_answers_for_items_that_nobody_asked_about_are_not_believed(desk: Books) -> None:
    decoding(desk, lambda answers, items: {**answers, "z" * 26: Answer(fate="created", target="X-1")})
    desk.bill("1")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]


def test_a_batch_that_answers_in_another_order_and_leaves_one_out_is_matched_by_stamp(desk: Books) -> None:
    """case_A22, case_A23"""
    desk.batch, desk.target.muddled = 10, True
    desk.bills(6)
    assert desk.run().exit_code == 0
    assert sorted(desk.effects()) == sorted(("created", f"INV-{n}", f"{n}.10") for n in range(1, 7))
    for number in range(1, 7):
        link = desk.link(str(number))
        assert link is not None
        assert link.target == desk.number(str(number))["id"]


def test_a_target_that_writes_something_else_than_it_was_sent_is_shown_to_a_person(desk: Books) -> None:
    """The link is kept: it is there. The amounts are named."""

    def wrong(answers: dict[str, Answer], items: Sequence[Item]) -> dict[str, Answer]:
        told = {stamp: {**(one.facts or {}), "total": "11.00 GBP"} for stamp, one in answers.items()}
        return {s: msgspec.structs.replace(a, facts=told[s]) if a.target else a for s, a in answers.items()}

    desk.bill("1")
    desk.run()
    decoding(desk, wrong)
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 4
    item, link = desk.item(), desk.link()
    assert item.state == "differs"
    assert "total is 11.00 GBP there, 12.00 GBP here" in item.reason
    assert link is not None
    assert link.target == desk.number("1")["id"]


# -- throttling and outages --------------------------------------------------------------------------------------------


def test_a_throttled_call_goes_again_when_the_target_said_it_may_under_its_old_stamp(desk: Books) -> None:
    """case_E7"""
    desk.bill("1")
    desk.fault("status", status=429, headers={"Retry-After": "17"}, after=THIRD)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    first, second = desk.sent()[-2:]
    assert first.call.items == second.call.items
    assert desk.clock.waited == pytest.approx(17.0, abs=1.0)


def test_an_item_that_is_throttled_alone_goes_again_alone(desk: Books) -> None:
    desk.batch = 5
    desk.bills(3)
    put_off: list[str] = []

    def later(answers: dict[str, Answer], items: Sequence[Item]) -> dict[str, Answer]:
        mine = [item.stamp for item in items if item.entity == "invoice"]
        if put_off or not mine:
            return answers
        put_off.append(mine[1])
        return {**answers, mine[1]: Answer(fate="queued", reason="busy", after=3.0)}

    class Busy(Target):
        """It does not do what its answer will put off."""

        def _operate(self, operation: Operation) -> SimReply:
            mine = operation.thing.get("number") == "INV-2" and not put_off
            return SimReply(200, {"thing": {}}) if mine else super()._operate(operation)

    desk.target.__class__ = Busy
    decoding(desk, later)
    assert desk.run().exit_code == 0
    assert sorted(desk.effects()) == [("created", f"INV-{n}", f"{n}.10") for n in (1, 2, 3)]
    [*_, first, again] = [row.call.items for row in desk.sent()]
    assert (len(first), put_off[0] in first) == (3, True)
    assert len(again) == 1
    assert again[0] not in first, "a target that keeps its answers would put it off for ever"


def test_a_target_that_asks_to_be_left_alone_for_long_ends_the_run_with_exit_6(desk: Books) -> None:
    """case_E7, case_E8: the next run, when it is time, goes on"""
    desk.bill("1")
    desk.fault("status", status=429, headers={"Retry-After": "7200"}, after=THIRD)
    report = desk.run()
    assert report.exit_code == 6
    assert desk.states() == {"invoice/id:1": "queued"}
    assert desk.run().exit_code == 6
    assert desk.done() == []
    desk.clock.tide.advance(7201)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]


def test_a_refusal_to_let_anybody_in_that_says_nothing_of_an_item_ends_the_run(desk: Books) -> None:
    """case_E5: somebody has to sign in again, and nothing more is sent meanwhile."""
    desk.bills(3)
    desk.fault("status", status=403, body={}, after=THIRD, times=9)
    before = len(desk.writes())
    assert desk.run().exit_code == 5
    assert len(desk.writes()) - before == THIRD + 1
    desk.target.stage.faults.clear()
    assert desk.run().exit_code == 0
    assert sorted(desk.effects()) == [("created", f"INV-{n}", f"{n}.10") for n in (1, 2, 3)]


def test_a_target_out_of_order_is_left_alone_after_three_calls_and_then_drained_in_order(desk: Books) -> None:
    """case_E9, case_E10: 20 documents wait, three are tried"""
    desk.bill("0")
    desk.run()
    desk.bills(20)
    desk.fault("dropped", times=1000)
    before = len(desk.writes())
    report = desk.run()
    assert report.exit_code == 6
    assert len(desk.writes()) - before == 3
    desk.target.stage.faults.clear()
    assert desk.run().exit_code == 0
    assert sorted(desk.effects()[1:]) == sorted(("created", f"INV-{n}", f"{n}.10") for n in range(1, 21))


def put_off(desk: Books, times: int) -> None:
    """The sink's own word for so many answers is that the target takes it later."""
    later = Answer(fate="queued", reason="busy")
    decoding(
        desk,
        lambda answers, items: {stamp: later if one.fate == "refused" else one for stamp, one in answers.items()},
    )
    desk.bill("1")
    desk.run()
    desk.bill("2")
    desk.fault("status", status=422, body={"error": {"code": "bad-amount", "message": "busy"}}, times=times)


@pytest.mark.parametrize(("lost", "state"), [(4, None), (5, "decide")])
def test_what_is_lost_and_never_there_is_sent_five_times_however_often_it_was_put_off(
    desk: Books, lost: int, state: str | None
) -> None:
    """I20: what its sink had put off counted as lost, and a person was asked after one look"""
    put_off(desk, times=6)
    desk.fault("dropped", times=lost)
    for _ in range(4):
        desk.run()
        desk.clock.tide.advance(600)
    assert (desk.states().get("invoice/id:2"), len(desk.done("2"))) == (state, 0 if state else 1)
    assert len(desk.writes()) == 3 + 6 + 5


def test_a_target_that_says_later_again_and_again_is_asked_no_more_in_that_run(desk: Books) -> None:
    """case_E10"""
    put_off(desk, times=99)
    assert desk.run().exit_code == 6
    assert len(desk.writes()) == 3 + 9
    assert [round(seconds) for seconds in desk.clock.slept][:5] == [4, 8, 16, 32, 60]


def test_calls_that_provably_never_left_are_sent_again_under_their_stamp_without_asking(desk: Books) -> None:
    """Nobody listens: nothing is looked for, nothing is unknown."""
    desk.bill("1")
    desk.run()
    desk.bill("2")
    away, desk.url = desk.url, "http://127.0.0.1:9"
    report = desk.run()
    assert report.exit_code == 6
    desk.url = away
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]
    assert len(desk.stamps("2")) == 1


def test_who_is_told_to_end_while_a_call_waits_sends_no_other_and_says_so(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target was said to be out of order, after three calls that had not left."""

    def told(http: Http, call: Call) -> Reply:
        raise TryAgain("told to end", code=TO_END, sent="no")

    desk.bills(4)
    with monkeypatch.context() as patch:
        patch.setattr(Http, "send", told)
        report = desk.run()
    assert (report.error and report.error.code, len(desk.sent())) == (TO_END, 1)
    assert desk.run().exit_code == 0


def test_who_is_not_let_in_stops_with_exit_5_and_what_was_sent_last_is_looked_for_later(desk: Books) -> None:
    """case_E5: 401 after a body was sent is no proof of anything; one may be a token that ended early"""
    desk.bill("1")
    desk.run()
    desk.bills(3)
    desk.fault("status", status=401, committed=True, times=2)
    report = desk.run()
    assert report.exit_code == 5
    states = desk.states()
    assert sorted(states.values()) == ["queued", "unknown", "unknown"]
    assert desk.run().exit_code == 0
    assert len(desk.effects()) == 4
    assert {number for _, number, _ in desk.effects()} == {"INV-1", "INV-2", "INV-3"}


# -- what the target does not take -------------------------------------------------------------------------------------


def without_products(desk: Books) -> None:
    kind = type("Narrow", (AskingSink,), {"entities": ("customer", "invoice")})
    desk.made = lambda sink: kind(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)


def test_a_target_is_never_sent_what_it_does_not_take(desk: Books) -> None:
    """A sink that was sent a thing it does not know could write it as another."""
    without_products(desk)
    desk.bill("1")
    assert desk.run().exit_code == 4
    [refused] = [item for ref, item in desk.items().items() if ref.startswith("product/")]
    assert (refused.state, refused.reason) == ("refused", "kit-target takes no product; it takes: customer, invoice")
    assert "product = false" in refused.fix
    assert desk.states()["invoice/id:1"] == "waiting"
    assert "product" in desk.item("1").reason
    assert (len(desk.effects("customer")), desk.effects("product"), desk.effects()) == (1, [], [])


def test_what_the_target_learns_to_take_goes_with_the_next_try(desk: Books) -> None:
    without_products(desk)
    desk.bill("1")
    desk.run()
    desk.made = lambda sink: sink
    desk.bill("1", "11.00")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "11.00")]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
def test_a_target_that_throttles_everything_is_given_time_and_then_left_alone(
    desk: Books, headers: dict[str, str]
) -> None:
    """case_E7, I18: also where it does not say how long, and the sink's profile does not know"""
    desk.bill("0")
    desk.run()
    desk.bills(3)
    desk.fault("status", status=429, headers=headers, times=1000)
    before = len(desk.writes())
    report = desk.run()
    assert report.exit_code == 6
    assert report.error is not None
    assert report.error.code == "WHERRY-6062"
    assert len(desk.writes()) - before == 8
    assert desk.clock.waited > (3 if headers else 120), "not told how long, it waits longer each time"
    assert set(desk.states().values()) == {"queued"}
