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


def test_one_sentence_says_why_a_document_is_there_or_is_not(at: Counter) -> None:
    """I16"""
    at.desk.bill("1", "12.50")
    at.desk.bill("2", "7.50", status="draft")
    at.desk.bill("3", "1.00", customer={"id": "7", "name": "N" * 50, "number": "C-7"})
    at.desk.run()
    there = at.desk.number("1")["id"]
    for word in ("INV-1", "1", there):
        assert "INV-1 is in books" in at.text("explain", word, "--short")
    assert "left out" in at.text("explain", "2", "--short")
    assert "refused" in at.text("explain", "INV-3", "--short")
    at.fails("explain", "99", code=3)


def test_from_a_document_in_the_target_back_to_request_and_answer(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    told = at.text("explain", "--target", at.desk.number("1")["id"])
    assert "invoice 1 of shelf" in told
    assert "request" in told
    assert "answer" in told
    assert "drain-canary" not in told
