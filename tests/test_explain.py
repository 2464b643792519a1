"""``wherry explain``: one sentence says whether a document is in the target, or why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


def test_play(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.bill("2", "7.50", status="draft")
    at.desk.bill("3", "1.00", customer={"id": "7", "name": "N" * 50, "number": "C-7"})
    at.desk.run()
    for doc in ("INV-1", "1", "2", "INV-3", "X-103", "id:7"):
        print("==", doc)
        print(at.text("explain", doc))
    print(at.fails("explain", "99", code=3))
