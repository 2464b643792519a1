"""Files of entries for an import screen: no currency that the file cannot say, nothing that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.treasury import Treasury, treasury

FLOW = "wallet-journals"
ONE = "TX-9,2026-01-07,12.00 USD,storage,hot,W-3,"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


def unrated(desk: Treasury) -> None:
    """The organisation's currency is another by now, and what was posted says nothing of its worth there."""
    desk.setting('currency = "USD"', 'currency = "DKK"')


# -- currencies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["xero", "iif"])
def test_entries_in_a_currency_that_the_file_cannot_say_are_named_and_nothing_is_written(
    desk: Treasury, profile: str
) -> None:
    """C6: also where all of them are in one currency, which is not the organisation's own."""
    desk.moves(ONE)
    desk.does(f"journal post {FLOW} --yes")
    unrated(desk)
    desk.does(f"journal export {FLOW} --profile {profile} --to out", 4)
    told = desk.err
    assert "no column for the currency, and all in it counts as DKK: JE HOT 2026W02 (USD) cannot be in it" in told
    assert "--currency DKK" in told
    assert list((desk.folder / "out").glob("*")) == []
    assert desk.ask(f"journal export {FLOW} --profile {profile} --to out --currency DKK")["items"] == []
    assert len(desk.ask(f"journal export {FLOW} --profile generic --to out --currency usd")["items"]) == 1


# -- what is there already ---------------------------------------------------------------------------------------------


def test_a_file_for_the_system_that_the_flow_posts_to_is_refused_unless_it_is_asked_for(desk: Treasury) -> None:
    """Importing it would double the month."""
    desk.moves(ONE)
    desk.does(f"journal post {FLOW} --yes")
    desk.does(f"journal export {FLOW} --profile qbo --to out", 7)
    told = desk.err
    id = desk.number("JE HOT 2026W02")["Id"]
    assert "1 entry goes to books by itself, and the file would bring the same once more" in told
    assert f"JE HOT 2026W02 (posted as {id} on " in told
    assert "--again" in told
    assert not (desk.folder / "out").exists()
    assert desk.ask(f"journal export {FLOW} --profile generic --to out")["items"]
    assert desk.ask(f"journal export {FLOW} --profile qbo --to out --again")["items"]


def test_what_will_be_posted_by_itself_is_refused_as_well(desk: Treasury) -> None:
    desk.moves(ONE)
    desk.does(f"run {FLOW}")
    desk.does(f"journal export {FLOW} --profile qbo --to out --prepared", 7)
    assert "JE HOT 2026W02 (not posted yet)" in desk.err
