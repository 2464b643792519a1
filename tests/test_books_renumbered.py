"""What a person gave another number in QuickBooks while its answer was lost is found by its stamp, or by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.errors import TryAgain
from wherry.protocol import resolving

from .shop import Shop, shop

NAMED = 'environment = "simulator"'


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with shop(tmp_path, monkeypatch, capsys) as made:
        made.setting(NAMED, f"{NAMED}\nbatch = 1\nresend_for = 0\nsettle = 0")
        yield made


def numbers(at: Shop) -> list[str]:
    return sorted(one["DocNumber"] for one in at.books.objects("Invoice"))


LOOK = resolving.look


def no_answer(target: Any, flights: Any) -> Any:
    """Nobody tells what became of what was sent."""
    if any(one.open.item.state == "unknown" for one in flights):
        raise TryAgain("nobody answers", code="WHERRY-1320")
    return LOOK(target, flights)


def test_an_invoice_that_was_renumbered_while_its_answer_was_lost_is_not_written_again(
    at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I2, case_A2: nothing looks for it until somebody has given it another number."""
    at.books.faults.add("lost", method="POST", path="/invoice")
    with monkeypatch.context() as patch:
        patch.setattr(resolving, "look", no_answer)
        at.type("run invoices")
    assert "536365" in numbers(at)
    at.edited("536365", DocNumber="MINE-1")
    at.type("run invoices")
    assert numbers(at) == ["536366", "536367", "MINE-1"]
    [held] = [one for one in at.books.objects("Invoice") if one["DocNumber"] == "MINE-1"]
    assert f"as {held['Id']} since" in at.does("explain 536365")
