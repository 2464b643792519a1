"""What QuickBooks' codes mean: each has a word, a fate and, where a person is needed, a next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from wherry_qbwc.words.statuses import Fate, _table, meaning, of_hresult

CALLS_FOR = {
    "done": "done", "done, empty": "done", "done with warning": "done", "retry later": "queued unknown",
    "look up the existing entry": "taken", "re-read, re-apply, retry once": "stale", "re-read": "stale",
    "re-read, then decide": "missing", "partial/empty": "missing", "fatal": "refused", "config problem": "refused",
    "mapping problem": "refused", "mapping problem: triage": "refused", "triage: closed period": "refused",
    "stop: same id used for other content": "unknown", "look up by key before resending": "unknown",
    "look up by key": "unknown", "treat as never processed, after a lookup": "missing",
}  # fmt: skip
"""How the contract says a code is handled → the fates that do so."""


def test_every_code_of_the_contract_is_listed_and_handled_as_it_says(contract: Path) -> None:
    codes = json.loads((contract / "qbxml-status-codes.json").read_text("utf-8"))["codes"]
    for told in codes:
        status = meaning(told["code"])
        assert told["code"] in _table("statuses"), told
        assert told["handling"] not in CALLS_FOR or status.fate in CALLS_FOR[told["handling"]].split(), told


def test_every_hresult_of_the_contract_is_listed(contract: Path) -> None:
    told = json.loads((contract / "hresult-codes.json").read_text("utf-8"))["hresults"]
    assert {int(code, 16) for code in told} <= set(_table("hresults"))


@pytest.mark.parametrize("table", ["statuses", "ranges", "hresults"])
def test_every_line_has_its_own_word_and_a_refusal_says_what_to_do(table: str) -> None:
    """I16."""
    lines = _table(table).values()
    words = [line[0] for line in lines]
    assert len(set(words)) == len(words)
    for word, fate, said, fix in lines:
        assert fate in get_args(Fate), word
        assert said, word
        assert not said.endswith("."), word
        assert fix or fate in ("done", "unknown", "stale", "missing") or word == "not-reached", word


@pytest.mark.parametrize(
    ("code", "fate"), [(2, "done"), (499, "done"), (540, "unknown"), (1020, "unknown"), (2010, "refused"),
                       (3161, "refused"), (3999, "refused"), (9003, "unknown"), (9100, "unknown"), (-1, "unknown")],
)  # fmt: skip
def test_a_code_that_is_not_listed_is_judged_by_its_range(code: int, fate: str) -> None:
    assert (meaning(code).code, meaning(code).fate) == (code, fate)


@pytest.mark.parametrize(
    ("code", "message", "word"),
    [
        (3180, "You cannot change a transaction that is dated before the Closing Date.", "closed-period"),
        (3180, "The transaction could not be locked. It is in use by another user.", "locked"),
        (3180, "The list is full.", "not-saved"),
        (3170, "The record is in use by Ann.", "locked"),
        (3140, 'There is an invalid reference to Item "closing date".', "bad-reference"),
        (3171, "", "closed-period"),
    ],
)
def test_a_general_code_is_told_apart_by_quickbooks_own_words(code: int, message: str, word: str) -> None:
    status = meaning(code, message)
    assert (status.code, status.word) == (code, word)


@pytest.mark.parametrize("text", ["0x80040414", " 0X80040414".lower(), "80040414", "-2147220460", "0x80040414 "])
def test_a_connections_code_is_read_in_each_of_its_spellings(text: str) -> None:
    status = of_hresult(text)
    assert (status.code, status.word, status.fate) == (0x80040414, "dialog-open", "unknown")


def test_only_codes_that_say_nothing_was_processed_are_no_doubt() -> None:
    """case_F4."""
    assert {code for code, line in _table("hresults").items() if line[1] != "unknown"} == {0x80040400, 0x80040423}


@pytest.mark.parametrize("text", ["", "0x80049999", "nonsense <b>", "²"])
def test_a_connections_code_that_nobody_knows_leaves_it_open(text: str) -> None:
    status = of_hresult(text)
    assert (status.word, status.fate) == ("connection-error", "unknown")
    assert status.fix
