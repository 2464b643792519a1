"""Checks of what a sink must never do, whatever it is given: harm by strange text, tell secrets, find doors of its own,
run into the vendor's limits, keep what passes through it."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Sequence

import msgspec
import pytest
import structlog

from wherry.errors import Rejected, WherryError
from wherry.records import Item, Reply
from wherry.roles import CallSinkWriter, Lists
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import differs, expected
from wherry.testing.hostile import SPOKEN
from wherry.testing.sink_trial import (
    SinkTrial,
    ask,
    asking,
    carried,
    created,
    over_http,
    write,
)
from wherry.testing.sinks_bodies import summed
from wherry.testing.trial import TURNED_AWAY, echoes, kept_secret, naps, strays, told_of

ROUNDS, TURNS, FEW = 20, 3, 4
"""An answer that is kept with its call is more than a few blocks of memory."""
WAIT, WELL = 47, 200


class Guarding:
    """What must never happen."""

    @guarantee(promise.HARMLESS)
    def test_strange_text_is_written_or_refused_and_harms_nothing_beside_it(self, trial: SinkTrial) -> None:
        sink = trial.make()
        said, refused = _strange(trial), 0
        for item in said:
            if not _can_be_said(sink, item):
                refused += 1
                continue
            answer = write(sink, [item]).get(item.stamp)
            assert answer is not None, f"{item.body} came to nothing that is known"
            if answer.fate == "refused":
                assert answer.reason
                continue
            assert answer.fate == "created"
            assert answer.facts in (None, sink.facts(item)), "it arrived otherwise than it was said"
            assert len(trial.effects(item)) == 1
            if trial.holds is not None and item.body.get("lines"):
                assert differs(summed(trial.holds(item)), summed(expected(item)) or expected(item)) == ""
        tried("strange texts", len(said))
        assert refused < len(said), "every strange text is refused: a person's O'Brien would be, too"
        created(sink, trial.items(len(said) + 1)[len(said) :])

    @guarantee(promise.HARMLESS)
    def test_what_has_a_strange_text_is_found_again(self, trial: SinkTrial) -> None:
        """Else its lost answer would make a second one."""
        sink, written = asking(trial), list[Item]()
        for item in _strange(trial):
            try:
                answer = write(sink, [item]).get(item.stamp)
            except Rejected:
                continue
            written += [item] if answer is not None and answer.fate == "created" else []
        trial.wait(sink.settle)
        found = ask(sink, written)
        assert [item.body for item in written if len([hit for hit in found[item.stamp] if hit.ours]) != 1] == []

    @guarantee(promise.SECRETS)
    def test_secrets_are_in_no_log_and_in_no_error(
        self, trial: SinkTrial, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        if not trial.secret:
            pytest.skip("the sink signs in nowhere")
        with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as events:
            sink, items = trial.make(), trial.items(2)
            answers, told = write(sink, items), _noes(trial, sink)
            for status in (*TURNED_AWAY, WELL):
                words = f"the token {trial.secret} is not welcome"
                for echo in (*echoes(words, trial.stage, status), *([trial.echo(words)] if trial.echo else [])):
                    trial.stage.faults.add("status", status=status, body=echo, times=10_000)
                    try:
                        sink.check()
                    except WherryError as error:
                        told += told_of(error)
                    trial.stage.faults.clear()
        tried("errors that held a secret", len(TURNED_AWAY))
        said = [
            caplog.text,
            str(events),
            *capfd.readouterr(),
            *told,
            repr(answers),
            repr(sink),
            repr(sink.facts(items[0])),
        ]
        kept_secret(trial.secret, said)

    @guarantee(promise.SECRETS)
    def test_nothing_is_printed(self, trial: SinkTrial, capfd: pytest.CaptureFixture[str]) -> None:
        """The terminal is the operator's, and its output may be read by a program."""
        write(trial.make(), trial.items(2))
        assert tuple(capfd.readouterr()) == ("", "")

    @guarantee(promise.ONE_DOOR)
    def test_no_connection_is_opened_but_by_the_cores_client(self, trial: SinkTrial) -> None:
        with strays() as found:
            sink, items = trial.make(), trial.items(2)
            sink.check()
            write(sink, items)
        assert found == [], "a plugin reaches its system by services.http alone"

    @guarantee(promise.LIMITS)
    def test_it_waits_by_the_hubs_clock_alone(self, trial: SinkTrial) -> None:
        """Who sleeps by himself holds up a whole session, and nobody sees why."""
        sink, items = trial.make(), trial.items(2)
        with naps(sink) as slept:
            sink.check()
            write(sink, items)
        assert slept == [], "say `after`, and let the core wait"

    @guarantee(promise.LIMITS)
    def test_a_look_waits_as_long_as_it_is_told_to(self, trial: SinkTrial) -> None:
        """429 with Retry-After: the same question once more, and not before."""
        sink = trial.make()
        over_http(sink)
        trial.stage.faults.add("status", status=429, headers={"Retry-After": str(WAIT)})
        before = trial.stage.clock.now()
        assert sink.check().id
        tried("calls turned away")
        assert trial.stage.clock.now() - before >= WAIT

    @guarantee(promise.BOUNDED)
    def test_nothing_is_kept_of_what_passes_through(self, trial: SinkTrial) -> None:
        """A session may last for hours: what was encoded and decoded is forgotten."""
        sink, items = trial.make(), trial.items(2)
        replies = [(call, sink.http.send(call)) for call in sink.encode(items)]

        def once() -> None:
            calls = {call.items: call for call in sink.encode(items)}
            for call, reply in replies:
                fresh = msgspec.structs.replace(call, body=bytes(bytearray(calls[call.items].body)))
                sink.decode(fresh, carried(items, fresh), Reply(
                    status=reply.status, headers=dict(reply.headers), body=bytes(bytearray(reply.body))))  # fmt: skip
                sink.facts(items[0])

        once()
        grown = usual_growth(once, ROUNDS)
        tried("answers that left nothing behind", TURNS * ROUNDS * len(replies))
        assert grown < FEW * ROUNDS * len(replies), f"{grown} more blocks after each {ROUNDS} rounds"

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_listing_has_every_thing_once(self, trial: SinkTrial) -> None:
        """What is matched against: one that is missing there is made a second time."""
        sink, items = trial.make(), trial.items(3)
        if not isinstance(sink, Lists):
            pytest.skip("the sink has no listing")
        try:
            before = {listed.id for listed in sink.listing(items[0].entity)}
        except Rejected:
            pytest.skip("the sink does not list the things of the trial")
        items = [_matchable(sink, item, n, trial.ignored) for n, item in enumerate(items)]
        answers = created(sink, items)
        listed = list(sink.listing(items[0].entity))
        ids = [one.id for one in listed]
        assert len(ids) == len(set(ids))
        assert set(ids) == before | {answer.target for answer in answers}
        known = {one.id: {"name": one.name, "sku": one.sku} for one in listed}
        for item, answer in zip(items, answers, strict=True):
            said = {name: item.body[name] for name in ("name", "sku") if name in item.body}
            assert {name: known[answer.target][name] for name in said} == said, "it would be matched by that"


def _matchable(sink: CallSinkWriter, item: Item, number: int, ignored: Sequence[str]) -> Item:
    """A product with a SKU, where the target has a place for one."""
    if item.entity != "product" or "sku" in ignored:
        return item
    return msgspec.structs.replace(item, body={**item.body, "sku": f"KIT-{number}"})


def _can_be_said(sink: CallSinkWriter, item: Item) -> bool:
    """Whether the sink takes it. Raises AssertionError where it does not say which one it rejects, or what to do."""
    try:
        sink.encode([item])
    except Rejected as error:
        told = error
    else:
        return True
    assert told.where.get("item") == item.stamp, "which of them?"
    assert told.fix, "and now?"
    return False


def _noes(trial: SinkTrial, sink: CallSinkWriter) -> list[str]:
    """What is said of a thing that the sink cannot say, and of one that the system refuses."""
    told: list[str] = []
    if trial.rejected is not None:
        with pytest.raises(WherryError) as caught:
            sink.encode([trial.rejected])
        told += told_of(caught.value)
    return [*told, repr(write(sink, [trial.refused]))] if trial.refused is not None else told


def _strange(trial: SinkTrial) -> list[Item]:
    """Things of the trial, each with a strange text in all its free texts at once."""
    items = []
    for n, (item, text) in enumerate(zip(trial.items(len(SPOKEN)), SPOKEN, strict=True)):
        body = {name: f"{text} {n}" if name in trial.texts else value for name, value in item.body.items()}
        items.append(msgspec.structs.replace(item, body=body))
    return items


def usual_growth(act: Callable[[], object], times: int = 1) -> int:
    """By how many blocks of memory this process grows as a rule when something is done so many times: what is kept
    grows every time, a cache or another thread once, and another thread may let go of much in one turn. Counted, not
    traced: that costs nothing. What was there before is put aside, so that collecting looks at what is new alone;
    where a runner has put things aside, they stay there."""
    aside = gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    try:
        return sorted(_growth(act, times) for _ in range(TURNS))[TURNS // 2]
    finally:
        if not aside:
            gc.unfreeze()


def _growth(act: Callable[[], object], times: int) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        act()
    gc.collect()
    return sys.getallocatedblocks() - before
