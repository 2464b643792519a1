"""Sinks that passed every check there was, and were wrong at a real ERP."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
from wherry.records import Answer, Call, Found, Item, Reply
from wherry.testing.target import Ability
from wherry.testing.target_sink import AskingSink, TargetSink


class TakesYesForDone(AskingSink):
    """The target said yes to a void, and did nothing: it was paid."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        voids = [item for item in items if item.action == "void" and reply.status == 200]
        done = {item.stamp: Answer(fate="reversed", target=item.target or "") for item in voids}
        return done or super().decode(call, items, reply)


class TakesStaleForDone(TargetSink):
    """What a person changed is taken back all the same."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        voids = [item for item in items if item.action == "void" and reply.status == 412]
        done = {item.stamp: Answer(fate="reversed", target=item.target or "") for item in voids}
        return done or super().decode(call, items, reply)


class HasItMultiplied(TargetSink):
    """Quantity and rate go out, and the target rounds half a penny to the even one."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(item, body=_multiplied(item.body)) for item in items])


def _multiplied(body: dict[str, Any]) -> dict[str, Any]:
    lines = [_line(line) for line in body.get("lines", ())]
    total = {"minor": sum(line["amount"]["minor"] for line in lines), "currency": "GBP"}
    return {**body, "lines": lines, "total": total}


def _line(line: dict[str, Any]) -> dict[str, Any]:
    if "rate" not in line:
        return line
    exact = Decimal(line["quantity"]) * Decimal(line["rate"]) * 100
    return {**line, "amount": {"minor": int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)), "currency": "GBP"}}


class OffersTheVoided(AskingSink):
    """What was taken back has the number still."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        finds = super().found(call, items, reply)
        return {stamp: hits or [Found(target="X-1001", alike=True)] for stamp, hits in finds.items()}


class LooksByMemo(AskingSink):
    """It cannot look for what it could not write."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        assert all(item.body["memo"] for item in items)
        return super().ask(items)


LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (TakesYesForDone, "query", 1, "test_what_the_system_leaves_as_it_is_is_not_said_to_be_taken_back"),
    (TakesStaleForDone, "query", 1, "test_what_a_person_changed_is_not_taken_back_unseen"),
    (HasItMultiplied, "query", 1, "test_half_a_penny_is_rounded_as_the_source_did"),
    (OffersTheVoided, "query", 1, "test_what_was_taken_back_is_not_taken_for_what_comes_in_its_place"),
    (LooksByMemo, "query", 1, "test_what_a_body_need_not_say_may_be_missing"),
]
