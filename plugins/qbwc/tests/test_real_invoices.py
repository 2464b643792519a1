"""The real invoices through sessions that are cut at one call after the other: each there once, to the penny."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from wherry_qbwc.simulator import Unanswered
from wherry_qbwc.simulator.calling import Caller

from .work_rig import NAME, Shop, shop

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[4] / "shared"))
INVOICES = SHARED / "data" / "invoices" / "online_retail.csv"
CHARGES = int(os.environ.get("WHERRY_CHARGES", "200"))
"""How many charges of the file are taken; ``make nightly`` takes a good part of it."""
CALLS_OF_A_START = 14
"""Calls until the first document leaves, in a session that reads the lists."""


class Cut(Caller):
    """A Web Connector that dies at its n-th call: before it, or (deaf) when it was answered."""

    def __init__(self, made: Shop, number: int, *, deaf: bool) -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._left, self._deaf = number, deaf

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        self._left -= 1
        if self._left:
            return super()._answer(operation, told)
        if self._deaf:
            super()._answer(operation, told)
        raise Unanswered(operation, "the computer is off")


def wanted(made: Shop) -> dict[str, Decimal]:
    """Number → total of the invoices that have a customer and are not given back."""
    with made.hub.store.documents("workspace") as documents:
        invoices = [held["fields"] for _, held in documents.each("invoice")]
    found = [one for one in invoices if one["total"]["minor"] >= 0 and one.get("location")]
    return {one["number"]: Decimal(one["total"]["minor"]) / 100 for one in found}


def cut_sessions(made: Shop, count: int, chance: random.Random) -> list[str]:
    """Sessions that end at some call, one with more done than the other; every third time we end with them."""
    ends = []
    for number in range(count):
        made.run()
        cut = Cut(made, chance.randint(1, CALLS_OF_A_START + number * 4), deaf=bool(number % 2))
        ends.append(made.session(caller=cut).how)
        if number % 3 == 2:
            made.restart()
    return ends


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["FullName"].casefold() for row in rows]


@pytest.mark.skipif(not INVOICES.is_file(), reason=f"needs the real invoices in {INVOICES} (or WHERRY_SHARED)")
def test_real_invoices_arrive_once_each_to_the_penny_through_sessions_that_are_cut(tmp_path: Path) -> None:
    """b_003_01, b_003_02, I2, I3, I9"""
    with INVOICES.open(encoding="utf-8", errors="replace") as lines, shop(tmp_path, sample=False) as made:
        made.imports("".join(islice(lines, CHARGES)))
        assert "broken" in cut_sessions(made, 10 + CHARGES // 2000, random.Random(2026))
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
