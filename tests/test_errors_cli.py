"""``wherry errors``: what a machine cannot do alone is told with its reason and amount, and done by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.cli.errors import edit  # noqa: F401

from .counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


LONG = "INV-" + "9" * 45


def refused(at: Counter) -> str:
    """An invoice whose number is too long for the target; its number here."""
    at.desk.bill("1", "12.50", number=LONG)
    assert at.desk.run().exit_code == 4
    return f"E-{at.desk.item().id}"


def test_what_waits_is_listed_by_cause_with_sums_and_the_next_step(at: Counter) -> None:
    """I16"""
    at.desk.bill("1", "12.50", number=LONG)
    at.desk.bill("2", "7.50", number=LONG + "0")
    at.desk.bill("3", "1.00")
    at.desk.run()
    data = at.ask("errors", "list")
    print(data)
    print(at.text("errors", "list"))
    print(at.text("errors", "show", data["items"][0]["id"]))


def test_edit_retry(at: Counter) -> None:
    id = refused(at)
    print(at.text("errors", "edit", id, "number=INV-1", "lines.1.amount=13.50", "total=13.50"))
    print(at.text("errors", "retry", id))
    assert at.desk.done() == [("created", "13.50")]
    print(at.said())
