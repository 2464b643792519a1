"""Checks of a sink at the edges of what a flow brings: many lines, nothing at all, stamps and names that are nearly the
same, and a document that somebody renumbered while its answer was lost."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from wherry.errors import Rejected
from wherry.money import text
from wherry.records import DONE, Item
from wherry.roles import CallSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import JOURNAL, currency_of, differs, expected
from wherry.testing.sink_trial import (
    SinkTrial,
    ask,
    asking,
    changing,
    created,
    lose,
    needed,
    plain,
    stamp_of,
    update_of,
    write,
)
from wherry.testing.sinks_bodies import summed
from wherry.testing.sinks_fields import NUMBER

LONG = 300
"""Lines: more than a vendor's page, and than most take in one document."""
SAME = 8
"""Letters that two stamps may share: of as many there are two that are the same once in a million documents."""
CALLED = ("name", "number", "sku")
TELLING = 60


class Edges:
    """What is larger, smaller or more alike than the trial's own things."""

    @guarantee(promise.EXACT)
    def test_a_long_document_arrives_whole_or_is_rejected(self, trial: SinkTrial) -> None:
        """Who leaves out what does not fit has books that do not add up, and nobody is told."""
        _arrives(trial, _long)

    @guarantee(promise.EXACT)
    def test_a_line_of_nothing_is_a_line(self, trial: SinkTrial) -> None:
        """Zero is an amount: a line for free is no line without an amount."""
        if trial.items(1)[0].entity == JOURNAL:
            pytest.skip("an entry of nothing is none")
        _arrives(trial, _free)

    @guarantee(promise.EXACT)
    def test_a_line_of_nothing_holds_up_no_entry(self, trial: SinkTrial) -> None:
        """It books nothing: it is left out, or kept, or the entry is rejected before anything is sent."""
        holds, item = needed(trial.holds, "does not tell what the system holds of a thing"), trial.items(1)[0]
        if item.entity != JOURNAL:
            pytest.skip("the things of the trial are no journal entries")
        nothing = {**item.body["lines"][0], "amount": {"minor": 0, "currency": currency_of(item.body)}}
        other = msgspec.structs.replace(item, body={**item.body, "lines": [*item.body["lines"], nothing]})
        try:
            answer = write(trial.make(), [other]).get(other.stamp)
        except Rejected:
            return
        assert answer is not None and answer.fate == "created", answer  # noqa: PT018
        held = holds(other)
        assert held is not None
        assert held.total == expected(item).total

    @guarantee(promise.EXACT)
    def test_lines_are_said_in_their_order(self, trial: SinkTrial) -> None:
        """A heading belongs to what stands below it."""
        sink, item = trial.make(), trial.items(1)[0]
        if item.entity == JOURNAL or "lines" in trial.ignored or not item.body.get("lines"):
            pytest.skip("the things of the trial have no lines that stand in an order")
        long, currency = _long(item, 5), currency_of(item.body)
        long.body["lines"] = [long.body["lines"][n] | {"description": f"{n} kit"} for n in (2, 0, 4, 3, 1)]
        wanted = [Decimal(text(line["amount"]["minor"], currency)) for line in long.body["lines"]]
        said = [number for call in sink.encode([long]) for number in _numbers(call.body)]
        told = [number for number in said if number in wanted]
        if set(told) != set(wanted):
            pytest.skip("the amounts of a call cannot be read")
        assert list(dict.fromkeys(told)) == wanted, "the lines were put into another order"

    @guarantee(promise.NEVER_TWICE)
    def test_stamps_that_begin_alike_are_two_writes(self, trial: SinkTrial) -> None:
        """A key that holds a few letters of the stamp is that of another document one day."""
        sink, things = trial.make(), trial.items(2)
        items = [msgspec.structs.replace(one, stamp=f"{things[0].stamp[:SAME]}{one.stamp[::-1]}"[:26])
                 for one in things]  # fmt: skip
        answers = [created(sink, [item])[0] for item in items]
        assert answers[0].target != answers[1].target, "the second was taken for the first"

    @guarantee(promise.EXACT)
    def test_names_that_are_nearly_the_same_stay_two(self, trial: SinkTrial) -> None:
        """Cut to what the system takes, or without their accents, two things become one: that is to be rejected."""
        sink, item, same = trial.make(), trial.items(1)[0], []
        for name, one, other in _alike(item, trial.texts):
            if name in trial.ignored:
                continue
            tried("names nearly the same")
            said = [_said(sink, msgspec.structs.replace(item, body={**item.body, name: value}))
                    for value in (one, other)]  # fmt: skip
            same += [name] if said[0] and said[0] == said[1] else []
        assert same == [], "two things would have one name"

    @guarantee(promise.CHANGES)
    def test_what_says_the_same_as_before_is_sent_all_the_same(self, trial: SinkTrial) -> None:
        """Somebody decided to write over what was changed there: only the core knows what need not be sent."""
        sink, item = changing(trial), trial.items(1)[0]
        (first,) = created(sink, [item])
        again = msgspec.structs.replace(update_of(trial, item, first), body=copy.deepcopy(item.body))
        assert [stamp for call in sink.encode([again]) for stamp in call.items] == [again.stamp]

    @guarantee(promise.PLAINLY_SAID)
    def test_what_was_only_accepted_is_not_done(self, trial: SinkTrial) -> None:
        """202: it is in a queue there, and may be refused later. Whoever answers so says otherwise that it was done."""
        sink, item = trial.make(), trial.items(1)[0]
        for call in sink.encode([item]):
            reply = sink.http.send(call)
            if reply.status == 202:
                pytest.skip("the system answers 202 to what it has done")
            try:
                answers = sink.decode(call, [item], msgspec.structs.replace(reply, status=202))
            except Exception:
                answers = {}
            assert [one.fate for one in answers.values() if one.fate in DONE] == []

    @guarantee(promise.FOUND_AGAIN)
    def test_what_somebody_renumbered_is_found_by_its_stamp(self, trial: SinkTrial) -> None:
        """The answer was lost, and a person gave the thing another number: who looks for the number makes it twice."""
        renumber, sink, item = needed(trial.renumber, "cannot renumber a thing"), asking(trial), trial.items(1)[0]
        lose(trial, sink, [item])
        (effect,) = trial.effects(item)
        renumber(effect.detail["id"])
        trial.wait(sink.settle)
        hits = ask(sink, [item])[item.stamp]
        assert [(hit.target, hit.ours) for hit in hits] == [(effect.detail["id"], True)]


def _arrives(trial: SinkTrial, turned: Callable[[Item], Item]) -> None:
    """Written as it was said, or rejected or refused, and then not there."""
    holds, item = needed(trial.holds, "does not tell what the system holds of a thing"), trial.items(1)[0]
    if not item.body.get("lines") or "lines" in trial.ignored:
        pytest.skip("the things of the trial have no lines")
    other = turned(item)
    try:
        answer = write(trial.make(), [other]).get(other.stamp)
    except Rejected:
        return
    if answer is not None and answer.fate == "created":
        held, wanted = holds(other), expected(other)
        if item.entity == JOURNAL:  # lines of one account may be booked as one
            held, wanted = summed(held), summed(wanted) or wanted
        assert differs(held, wanted) == ""
    else:
        assert holds(other) is None, f"the system holds it, and the sink says {answer}"


def _long(item: Item, count: int = LONG) -> Item:
    """The thing with so many lines, each of another amount; an entry has as many pairs of a debit and a credit."""
    body, currency = copy.deepcopy(item.body), currency_of(item.body)
    if item.entity == JOURNAL:
        two = [next(line for line in body["lines"] if line["side"] == side) for side in ("debit", "credit")]
        body["lines"] = [_at(line, 1_003 + n, currency) for n in range(count // 2) for line in two]
    else:
        body["lines"] = [_at(body["lines"][0], 1_003 + n, currency) for n in range(count)]
        if body.get("total"):
            body["total"]["minor"] = sum(line["amount"]["minor"] for line in body["lines"])
    return msgspec.structs.replace(item, body=body, stamp=stamp_of(f"{count} lines {item.stamp}"))


def _free(item: Item) -> Item:
    """The thing with one more line, which costs nothing."""
    body, currency = copy.deepcopy(item.body), currency_of(item.body)
    body["lines"].append(_at(body["lines"][0], 0, currency))
    return msgspec.structs.replace(item, body=body, stamp=stamp_of(f"for free {item.stamp}"))


def _at(line: dict[str, Any], minor: int, currency: str) -> dict[str, Any]:
    priced = {"quantity": "1", "rate": text(minor, currency)} if "side" not in line else {}
    return {**line, **priced, "amount": {"minor": minor, "currency": currency}}


def _alike(item: Item, texts: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Two values each of what a thing is called that differ in their end, and of any text in an accent."""
    for name, value in item.body.items():
        if isinstance(value, str) and name in CALLED:
            yield name, f"{value}{'n' * TELLING}1", f"{value}{'n' * TELLING}2"
        if isinstance(value, str) and (name in CALLED or name in texts):
            yield name, f"{value} Zoë", f"{value} Zoé"


def _said(sink: CallSinkWriter, item: Item) -> bytes:
    """What the call of an item says; empty where it is rejected."""
    try:
        return plain([msgspec.structs.replace(call, headers={}) for call in sink.encode([item])])
    except Rejected:
        return b""


def _numbers(body: bytes) -> list[Decimal]:
    return [Decimal(found) for found in NUMBER.findall(unquote(body.decode("utf-8", "replace")))]
