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


# -- a template of one's own -------------------------------------------------------------------------------------------


def test_a_template_of_ones_own_is_filled_with_each_entry_once(desk: Treasury) -> None:
    desk.moves(ONE)
    desk.does(f"journal post {FLOW} --yes")
    (desk.folder / "ours.csv").write_text("Date;Account;Amount\n{date};{account};{amount}\n")
    export = f"journal export {FLOW} --template ours.csv --to out"
    desk.does(f"{export} --date-format banana", 2)
    assert not (desk.folder / "out").exists() or list((desk.folder / "out").iterdir()) == []
    [file] = desk.ask(f"{export} --date-format DD.MM.YYYY")["files"]
    assert Path(file).name == "journals-ours-2026-01-11-2026-01-11.csv"
    [head, *lines] = (desk.folder / file).read_text().splitlines()
    assert head == "Date;Account;Amount"
    assert sorted(line.split(";")[0] + line.split(";")[2] for line in lines) == ["11.01.2026-12.00", "11.01.202612.00"]
    again = desk.ask(export)
    assert (again["files"], len(again["before"])) == ([], 1)
    assert [one["target"] for one in desk.ask("exports list")["items"]].count("file:template:ours.csv") == 1
    desk.does("exports unmark 'JE HOT 2026W02' --target file:template:ours.csv --note again")
    assert len(desk.ask(export)["files"]) == 1


@pytest.mark.parametrize("form", ["", "--profile generic --template ours.csv", "--template ours.csv --plain"])
def test_files_are_in_a_profile_or_a_template(desk: Treasury, form: str) -> None:
    (desk.folder / "ours.csv").write_text("{date}\n")
    desk.does(f"journal export {FLOW} {form} --to out", 2)
