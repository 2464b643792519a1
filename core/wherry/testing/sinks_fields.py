"""Checks of a sink, field by field: nothing of a record is lost on the way, and nothing of another comes along."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from wherry.errors import Rejected
from wherry.money import text
from wherry.records import Call, Facts, Item
from wherry.roles import CallSinkWriter, Lists
from wherry.testing import guarantees as promise
from wherry.testing.altering import OTHERS, altered, foreign, in_currency, rich
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import currency_of, priced
from wherry.testing.sink_trial import (
    AskingSink,
    SinkTrial,
    ask,
    carried,
    created,
    over_http,
    plain,
    stamp_of,
    update_of,
    void_of,
    write,
)

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
HIGH = ("date", "customer", "total", "currency", "number", "name", "sku")
"""What a person would ask about: two things that differ in it are two things."""


class Fields:
    """What of a body arrives in a call, and how a sink's words are typed."""

    @guarantee(promise.EXACT)
    def test_every_field_of_a_body_makes_a_difference_to_the_call(self, trial: SinkTrial) -> None:
        """A field that can change without a trace is dropped on the way: memo, due date, quantity, description. What
        documents usually say is tried, whether the trial names it or not."""
        sink, item = trial.make(), rich(trial.items(1)[0])
        assert sink.encode([item])
        usual, lost = _said(sink, item), []
        for path, body in [*altered(item.body), *foreign(item.body)]:
            name = ".".join(part for part in path if not part.isdigit())
            other = msgspec.structs.replace(item, body=body)
            tried("fields changed")
            if name == "total" and _facts(sink, other) != _facts(sink, item):
                continue  # a system that adds up the lines itself: what it comes to is compared afterwards
            if name == "lines.rate" and body["lines"][int(path[1])].get("amount"):
                continue  # a system that works out the price itself, of what the line comes to
            if name not in trial.ignored and _said(sink, other) == usual:
                lost.append(name)
        assert lost == [], "the same call, whatever these say: send them, or name them in `ignored` and in the docs"

    @guarantee(promise.EXACT)
    def test_facts_tell_two_records_apart_by_whatever_people_ask_for(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        usual, same = sink.facts(item), []
        for path, body in altered(item.body):
            if path[0] in HIGH and path[0] not in trial.ignored and len(path) == 1:
                facts = _facts(sink, msgspec.structs.replace(item, body=body))
                same += [path[0]] if facts == usual else []
        same += [
            "currency"
            for _, body in foreign(item.body)
            if _facts(sink, msgspec.structs.replace(item, body=body)) == usual
        ]
        assert same == [], "what was sent and what stands there would count as equal, whatever these say"

    @guarantee(promise.EXACT)
    def test_a_currency_of_other_decimals_is_said_in_its_own(self, trial: SinkTrial) -> None:
        """Yen have no decimals and dinars have three. What the target does not take is rejected."""
        sink, item = trial.make(), trial.items(1)[0]
        if not item.body.get("lines") or not any(line.get("amount") for line in item.body["lines"]):
            pytest.skip("the things of the trial have no lines with amounts")
        own = currency_of(item.body)
        if not _amounts(sink, item, own, 123_457) & {Decimal(text(123_457, own))}:
            pytest.skip("the amounts of a call cannot be read")
        for currency, minor in OTHERS.items():
            try:
                numbers = _amounts(sink, item, currency, minor)
            except Rejected:
                continue
            tried("foreign currencies")
            wanted, wrong = Decimal(text(minor, currency)), Decimal(minor).scaleb(-2)
            assert wanted in numbers, f"{wanted} {currency} is not in the call"
            assert wrong not in numbers, f"{minor} minor units of {currency} are said to be {wrong}"

    @guarantee(promise.EACH_ITS_OWN)
    def test_ids_versions_and_names_are_text(self, trial: SinkTrial) -> None:
        """A number would be another id once it was kept: 0042 is not 42."""
        sink, items = trial.make(), trial.items(2)
        told: dict[str, Any] = {}
        for answer in created(sink, items):
            told |= {f"answer {name}": getattr(answer, name) for name in ("target", "token", "reason", "memo", "code")}
        if isinstance(sink, AskingSink):
            trial.wait(sink.settle)
            for hit in (hit for hits in ask(sink, items).values() for hit in hits):
                told |= {"found target": hit.target, "found token": hit.token}
        if isinstance(sink, Lists):
            with suppress(Rejected):  # of documents there is none
                for one in sink.listing(items[0].entity):
                    told |= {f"listed {name}": getattr(one, name) for name in ("id", "name", "sku", "number")}
        assert {name: value for name, value in told.items() if not isinstance(value, str)} == {}

    @guarantee(promise.HANDS_OFF)
    def test_nothing_of_one_record_comes_along_with_the_next(self, trial: SinkTrial) -> None:
        """A sink that has written, changed and taken back says the same as one that was just made."""
        used, items = trial.make(), list(trial.items(4))
        (first,) = created(used, items[:1])
        if trial.updates:
            write(used, [update_of(trial, items[0], first)])
        elif trial.voids:
            write(used, [void_of(items[0], first)])
        if trial.rejected is not None:
            with pytest.raises(Rejected):
                used.encode([trial.rejected])
        fresh = trial.make()
        for some in (items[1:2], items[2:4]):
            assert plain(used.encode(some)) == plain(fresh.encode(some))
        assert [used.facts(item) for item in items] == [fresh.facts(item) for item in items]

    @guarantee(promise.NEVER_TWICE)
    def test_two_full_calls_are_two_writes(self, trial: SinkTrial) -> None:
        """Calls of one size and of other records have each their own key."""
        sink = trial.make()
        items = trial.items(2 * sink.batch)
        answers = created(sink, items)
        assert len({answer.target for answer in answers}) == len(items)
        assert [len(trial.effects(item)) for item in items] == [1] * len(items)

    @guarantee(promise.NEVER_TWICE)
    def test_a_call_is_one_request_whatever_is_answered(self, trial: SinkTrial) -> None:
        """Only the core may send again: it knows what the target recognises."""
        sink, items = trial.make(), trial.items(1)
        over_http(sink)
        for status in (500, 503, 401, 409):
            (call,) = sink.encode(items)
            trial.stage.faults.add("status", status=status, method=trial.writes, times=3)
            before = len(_writes(trial))
            reply = sink.http.send(call)
            sink.decode(call, carried(items, call), reply)
            trial.stage.faults.clear()
            assert len(_writes(trial)) - before == 1, f"after {status} it was sent again"


def _writes(trial: SinkTrial) -> list[Any]:
    return [one for one in trial.stage.history.requests() if re.match(trial.writes, one.what.partition(" ")[0])]


def _facts(sink: CallSinkWriter, item: Item) -> Facts:
    try:
        return sink.facts(item)
    except Rejected as error:
        pytest.fail(f"`facts` rejects nothing: where it cannot be said they are {{}} ({error.message})")


def _said(sink: CallSinkWriter, item: Item) -> bytes:
    """What the call of an item says, whatever else goes along with it, or that it cannot be said."""
    try:
        return plain([msgspec.structs.replace(call, headers={}) for call in sink.encode([item])])
    except Rejected as error:
        return f"rejected: {error.message}".encode()


def _amounts(sink: CallSinkWriter, item: Item, currency: str, minor: int) -> set[Decimal]:
    """The numbers in the call of an item whose lines have this amount."""
    stamp = stamp_of(f"{currency} {item.stamp}")
    turned = msgspec.structs.replace(item, body=in_currency(currency, item.body), stamp=stamp)
    body = priced(turned, minor)
    return {number for call in sink.encode([msgspec.structs.replace(turned, body=body)]) for number in _numbers(call)}


def _numbers(call: Call) -> set[Decimal]:
    words = unquote(call.body.decode("utf-8", "replace")) + " ".join(call.params.values())
    return {Decimal(found) for found in NUMBER.findall(words)}
