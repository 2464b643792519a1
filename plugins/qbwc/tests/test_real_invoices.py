"""The real invoices through sessions in each of which something else goes wrong: each there once, to the penny."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from wherry_qbwc import mirror
from wherry_qbwc.simulator import Unanswered
from wherry_qbwc.simulator.calling import Caller

from .work_rig import NAME, Shop, shop

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[4] / "shared"))
INVOICES = SHARED / "data" / "invoices" / "online_retail.csv"
CHARGES = int(os.environ.get("WHERRY_CHARGES", "200"))
"""How many charges of the file are taken; ``make nightly`` takes a good part of it."""
CALLS_OF_A_START = 14
"""Calls until the first document leaves, in a session that reads the lists."""


APART, DAY = 200.0, 90_000.0
TROUBLES = ("cut", "deaf", "twice", "stranger", "rival", "asleep", "asleep for days", "restart", "restart, deaf")
"""What happens at one call of a session. cut: the Web Connector dies before it; deaf: when it was answered; both also
with an end of our own (restart). twice: it is made twice. stranger: it is made with a ticket that is none. rival:
another computer comes before it; asleep: after it was answered, such as with a request that is to be executed."""
WRITES = "(SalesOrder|Customer|Item.*)Add"
MISHAPS: tuple[dict[str, Any], ...] = (
    {"kind": "late", "request": WRITES}, {"kind": "unstored", "request": WRITES}, {"kind": "wrong-file"},
    {"kind": "hresult", "request": WRITES, "done": True}, {"kind": "unheard", "request": WRITES},
    {"kind": "status", "code": "3391", "request": "(Customer|Item)Query", "after": 1},
)  # fmt: skip
"""What happens beside, in QuickBooks or on the way: the last is an iterator that ends."""


class Troubled(Caller):
    """A Web Connector at whose n-th call something goes wrong."""

    def __init__(self, made: Shop, kind: str, number: int) -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._made, self._kind, self._left = made, kind, number

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        self._left -= 1
        if self._left:
            return super()._answer(operation, told)
        self._before(operation, told)
        answer = super()._answer(operation, told)
        self._after(operation)
        return super()._answer(operation, told) if self._kind == "twice" else answer

    def _before(self, operation: str, told: Mapping[str, str | int]) -> None:
        if self._kind == "stranger" and "ticket" in told:
            super()._answer(operation, {**told, "ticket": str(uuid.UUID(int=7))})
        if self._kind == "rival":
            self._made.session()
        if self._kind == "restart":
            self._made.restart()
        if self._kind in ("cut", "restart"):
            raise Unanswered(operation, "the computer is off")

    def _after(self, operation: str) -> None:
        for seconds in {"asleep": (APART,), "asleep for days": (APART, DAY)}.get(self._kind, ()):
            self._made.clock.advance(seconds)
            self._made.session()
        if self._kind == "restart, deaf":
            self._made.restart()
        if self._kind.endswith("deaf"):
            raise Unanswered(operation, "the computer is off")


def wanted(made: Shop) -> dict[str, Decimal]:
    """Number → total of the invoices that have a customer and are not given back."""
    with made.hub.store.documents("workspace") as documents:
        invoices = [held["fields"] for _, held in documents.each("invoice")]
    found = [one for one in invoices if one["total"]["minor"] >= 0 and one.get("location")]
    return {one["number"]: Decimal(one["total"]["minor"]) / 100 for one in found}


def troubled_sessions(made: Shop, count: int, chance: random.Random) -> list[str]:
    """Sessions in which something goes wrong at some call, with one more done than with the other; how each ended."""
    ends, kinds = [], [*TROUBLES, *MISHAPS]
    for number in range(count):
        made.run()
        kind = kinds[number % len(kinds)]
        if isinstance(kind, str):
            at = chance.randint(1, CALLS_OF_A_START + min(4 * number, 20 + CHARGES // 100))
            ends.append(made.session(caller=Troubled(made, kind, at)).how)
        else:
            made.desktop.mishaps.add(**kind)
            ends.append(made.session().how)
    made.desktop.mishaps.clear()
    return ends


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["FullName"].casefold() for row in rows]


@pytest.mark.skipif(not INVOICES.is_file(), reason=f"needs the real invoices in {INVOICES} (or WHERRY_SHARED)")
def test_real_invoices_arrive_once_each_to_the_penny_through_sessions_that_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b_003_01, b_003_02, I2, I3, I9"""
    monkeypatch.setattr(mirror, "PAGE", 20)
    more = "lists_every = 0"
    with INVOICES.open(encoding="utf-8", errors="replace") as lines, shop(tmp_path, sample=False, more=more) as made:
        made.imports("".join(islice(lines, CHARGES)))
        count = len(TROUBLES) + len(MISHAPS) + CHARGES // 1000
        assert {"broken", "error"} <= set(troubled_sessions(made, count, random.Random(2026)))
        for _ in range(4):
            made.run()
            made.session()
        must, there = wanted(made), made.totals()
        assert len(must) > 5
        assert {number: there[number] for number in must} == must
        assert not {"queued", "unknown", "waiting", "decide", "differs"} & {s for s, n in made.waiting().items() if n}
        held = {number: total for number, total in there.items() if number not in must}
        assert not [total for total in held.values() if total >= 0], "nobody asked for these"
        for kind in ("Customer", "ItemService", "ItemNonInventory"):
            assert len(set(names(made.written(kind)))) == len(made.written(kind))
