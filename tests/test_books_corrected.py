"""What a bookkeeper corrects at the source, posts in parts, or finds moved: the books follow, to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from wherry.bookkeeping.tying import Days, Tied
from wherry.books.tieout import Row, TieOut
from wherry.cli import tied

from tests.treasury import Treasury, treasury

FLOW = "wallet-journals"
WALLET = "Wallet,Date,Asset,Fiat value,Fiat currency,Category,Credit,Reference"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


def moves(desk: Treasury, *rows: str) -> None:
    """Ledger transactions happen: date, amount, category, wallet and reference of each."""
    desk.moved(*(tuple(row.split(",")) for row in rows))


def standing(desk: Treasury) -> dict[str, Decimal]:
    """What stands on the accounts through journal entries, by number."""
    numbers = {one["Name"]: one["AcctNum"] for one in desk.books.objects("Account") if one.get("AcctNum")}
    return {numbers[name]: minor for name, minor in desk.balances().items() if minor}


# -- corrected at the source -------------------------------------------------------------------------------------------


def test_a_category_or_account_corrected_at_the_source_is_booked_anew(desk: Treasury) -> None:
    """b_004_09, case_C11"""
    desk.setting('late = "next-period"', 'late = "correct"')
    desk.wallet(WALLET, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,,W-2")
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4010": Decimal("-107.00")}
    desk.wallet(WALLET, "hot,2026-01-05,ETH,100.00,USD,switching,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,4090,W-2")
    assert desk.ask(f"run {FLOW}")["fates"]["ledger_transaction"] == {"updated": 2}
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4020": Decimal("-100.00"), "4090": Decimal("-7.00")}


def test_a_movement_that_is_given_its_category_blocks_the_month_no_longer(desk: Treasury) -> None:
    """b_004_09, b_004_11"""
    desk.wallet(WALLET, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,,,W-2")
    assert desk.ask(f"run {FLOW}", code=4)["books"]["blocked"]
    assert {row["flow"]: row["health"] for row in desk.ask("status", code=4)["flows"]}[FLOW] == "blocked"
    desk.wallet(WALLET, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,,W-2")
    assert not desk.ask(f"run {FLOW}")["books"]["blocked"]
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4010": Decimal("-107.00")}


def test_what_replaces_a_booked_movement_is_held_with_what_takes_that_back_and_explain_says_so(desk: Treasury) -> None:
    """case_C11, I16: its own week is free, but both would stand in the books."""
    desk.setting('late = "next-period"', 'late = "hold"')
    desk.wallet(WALLET, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1")
    desk.does(f"journal post {FLOW} --yes")
    desk.wallet(WALLET, "hot,2026-01-20,ETH,120.00,USD,storage,,W-1")
    assert desk.ask(f"run {FLOW}")["books"]["entries"] == []
    held = "M-2 takes it back since its record says something else, and is held: its group was posted before it came"
    assert held in desk.does("explain M-1 --short")
    said = desk.does("explain W-1 --short")
    assert "is not in books" in said
    assert (
        "M-2, which takes its earlier version back, is held; M-1 is there, an earlier version of it (100.00 USD" in said
    )


# -- moved, and posted in parts ----------------------------------------------------------------------------------------


def told(desk: Treasury, words: str = "") -> list[tuple[str, str, int, str]]:
    """The entries of a preview: day, moved from where, worth, number."""
    data = desk.ask(f"journal preview {FLOW}{words}")
    return [(one["date"], one["moved"], one["minor"], one["number"]) for one in data["entries"]]


def test_what_is_late_goes_to_the_next_open_period_and_moves_nothing_that_came_in_time(desk: Treasury) -> None:
    """case_C10"""
    moves(desk, "2026-10-30,100.00 USD,storage,hot,A", "2026-11-01,11.11 USD,storage,hot,B")
    desk.does(f"journal post {FLOW} --period 2026-10 --yes")
    moves(desk, "2026-10-30,5.00 USD,storage,hot,C")
    assert told(desk, " --period 2026-10") == [("2026-11-01", "2026-10", 500, "JE HOT 2026W44bL2610")]
    desk.does(f"journal post {FLOW} --period 2026-10 --yes")
    assert "moved from 2026-10" in desk.err
    assert told(desk, " --period 2026-11") == [("2026-11-01", "", 1111, "JE HOT 2026W44b")]
    moves(desk, "2026-11-01,2.00 USD,storage,hot,D", "2026-10-29,3.00 USD,storage,hot,E")
    assert told(desk) == [
        ("2026-11-01", "", 1311, "JE HOT 2026W44b"), ("2026-11-01", "2026-10", 300, "JE H2026W44b-SUYETCZK"),
    ]  # fmt: skip
    desk.does(f"journal post {FLOW} --yes")
    assert "moved from 2026-10" in desk.does('journal show "JE H2026W44b-SUYETCZK"')
    assert [(one["DocNumber"], one["TxnDate"]) for one in desk.journals()] == [
        ("JE H2026W44b-SUYETCZK", "2026-11-01"), ("JE HOT 2026W44a", "2026-10-31"), ("JE HOT 2026W44b", "2026-11-01"),
        ("JE HOT 2026W44bL2610", "2026-11-01"),
    ]  # fmt: skip


def test_a_number_is_that_of_one_content_and_the_rest_of_a_group_is_not_late(desk: Treasury) -> None:
    """b_004_14, b_004_15"""
    moves(
        desk,
        "2026-01-05,100.00 USD,storage,hot,A", "2026-01-07,40.00 USD,storage,hot,B",
        "2026-01-08,7.00 USD,storage,hot,C",
    )  # fmt: skip
    desk.does(f"run {FLOW}")
    [(_, _, _, whole)] = told(desk)
    [(_, _, minor, part)] = told(desk, " --to 2026-01-06")
    [(_, _, _, other)] = told(desk, " --to 2026-01-07")
    assert minor == 10000
    assert len({whole, part, other}) == 3
    desk.does(f"journal post {FLOW} --to 2026-01-06 --yes")
    assert [(one["DocNumber"], one["TotalAmt"]) for one in desk.journals()] == [(part, 100)]
    assert told(desk) == [("2026-01-11", "", 4700, whole)]
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("147.00"), "4010": Decimal("-147.00")}


def test_what_was_approved_is_what_is_posted(desk: Treasury) -> None:
    """b_004_09"""
    moves(desk, "2026-01-05,100.00 USD,storage,hot,A", "2026-01-07,40.00 USD,storage,hot,B")
    desk.does(f"run {FLOW}")
    [whole] = desk.ask(f"approve {FLOW}")["items"]
    desk.does(f"run {FLOW}")
    [again] = desk.ask(f"approve {FLOW}")["items"]
    assert again["id"] == whole["id"]
    moves(desk, "2026-01-08,7.00 USD,storage,hot,C")
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} {whole['id']} --yes", code=3)
    assert desk.journals() == []


def test_partitions_that_begin_alike_have_numbers_of_their_own_whatever_is_selected(desk: Treasury) -> None:
    """b_004_08"""
    moves(desk, "2026-01-05,100.00 USD,storage,cold one,A", "2026-01-07,40.00 USD,storage,cold two,B")
    both = {number for *_, number in told(desk)}
    one, two = (told(desk, f' --partition "cold {name}"')[0][-1] for name in ("one", "two"))
    assert {one, two} == both
    assert one != two
    desk.does(f'journal post {FLOW} --partition "cold one" --yes')
    assert told(desk)[0][-1] == two


# -- taken back --------------------------------------------------------------------------------------------------------

HOT = "JE HOT 2026W02"


@pytest.fixture
def posted(desk: Treasury) -> Treasury:
    desk.once("moved", lambda: moves(desk, "2026-01-05,70.00 USD,storage,hot,A"))
    desk.once("posted", lambda: desk.does(f"journal post {FLOW} --yes"))
    return desk


def test_what_was_deleted_there_is_not_reversed_and_is_booked_anew_without_a_reversal(posted: Treasury) -> None:
    """b_000_15"""
    held = posted.number(HOT)
    posted.books.write("JournalEntry", {"Id": held["Id"], "SyncToken": held["SyncToken"]}, "delete")
    posted.does(f"journal reverse {FLOW} '{HOT}' --repost --yes", 7)
    assert "WHERRY-7098" in posted.err
    assert f"wherry journal reverse {FLOW} '{HOT}' --deleted" in posted.err
    assert posted.entries() == []
    assert "1 movement" in posted.does(f"journal reverse {FLOW} '{HOT}' --deleted --note 'by Dana'")
    posted.does(f"journal post {FLOW} --yes")
    assert standing(posted) == {"1205": Decimal("70.00"), "4010": Decimal("-70.00")}
    assert "It ties out." in posted.does(f"reconcile {FLOW}")


def test_what_stands_there_is_not_let_go_as_deleted(posted: Treasury) -> None:
    """b_000_15"""
    posted.does(f"journal reverse {FLOW} '{HOT}' --deleted", 7)
    assert "WHERRY-7100" in posted.err


def test_of_an_entry_that_was_edited_there_what_stands_there_is_taken_back(posted: Treasury) -> None:
    """b_000_15, b_004_16"""
    lines = posted.number(HOT)["Line"]
    posted.edited(HOT, Line=[{**line, "Amount": 70.01} for line in lines])
    assert "does not tie out" in posted.does(f"reconcile {FLOW}", 4)
    done = posted.ask(f"journal reverse {FLOW} '{HOT}' --yes")
    assert "debit 1205 is 70.01 there, 70.00 was written" in done["edited"]
    assert standing(posted) == {}
    assert "It ties out." in posted.does(f"reconcile {FLOW}")


def test_what_was_edited_there_is_written_over_once_a_person_says_so(posted: Treasury) -> None:
    """I3: its lines were left out as unchanged; and tried again after a refusal it was called unchanged"""
    edit = {"Line": [{**line, "Amount": 70.01} for line in posted.number(HOT)["Line"]]}
    posted.edited(HOT, **edit)
    posted.type(f"errors reopen '{HOT}' --kind journal_entry")
    [open_] = posted.ask("errors list")["items"]
    no = {"Fault": {"Error": [{"Message": "no", "Detail": "no", "code": "6000"}], "type": "ValidationFault"}}
    posted.books.stage.faults.add("status", method="POST", path="journalentry", status=400, body=no)
    assert f"{open_['id']}   journal entry {HOT}   refused" in posted.type(f"errors retry {open_['id']} --yes")
    posted.does(f"errors retry {open_['id']}")
    assert standing(posted) == {"1205": Decimal("70.00"), "4010": Decimal("-70.00")}


def test_a_reversal_shows_its_own_sides_before_anybody_says_yes(posted: Treasury) -> None:
    """b_000_15"""
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes")
    assert posted.err.splitlines()[0].startswith(f"reversal of {HOT}")
    [debit] = [line for line in posted.err.splitlines() if "1205" in line]
    [credit] = [line for line in posted.err.splitlines() if "4010" in line]
    assert len(debit) > len(credit)


def test_original_reversal_and_repost_stand_side_by_side_however_the_entry_is_called(desk: Treasury) -> None:
    """b_000_15"""
    desk.setting('group = "week"', 'group = "none"')
    moves(desk, "2026-01-05,70.00 USD,storage,,INVOICE-2026-0001R", "2026-01-05,7.00 USD,storage,,ABC")
    desk.does(f"journal post {FLOW} --yes")
    for number in ("JE INVOICE-2026-0001R", "JE ABC"):
        desk.does(f"journal reverse {FLOW} '{number}' --repost --yes")
    assert len({one["DocNumber"] for one in desk.entries()}) == 4
    moves(desk, "2026-01-05,3.00 USD,storage,,ABCR")  # called as the reversal of the other
    desk.does(f"journal post {FLOW} --yes")
    assert len(desk.entries()) == 7
    assert standing(desk) == {"1205": Decimal("80.00"), "4010": Decimal("-80.00")}
    assert "It ties out." in desk.does(f"reconcile {FLOW}")


# -- sums --------------------------------------------------------------------------------------------------------------


def test_what_is_held_counts_with_its_sign_and_a_gain_is_taken_back_from_gains(desk: Treasury) -> None:
    """b_004_04, case_C11"""
    desk.mapped("category,debit,credit\nstorage,1205,4010\ngain,1205,4090\nloss,4020,1205\n")
    wallet_gain(desk, "100.00", "12.50")
    desk.does(f"journal post {FLOW} --yes")
    desk.does("periods close 2026-01 --target books --note m")
    wallet_gain(desk, "90.00", "10.00")
    [left] = desk.ask(f"journal preview {FLOW}")["left_out"]
    assert (left["movements"], left["minor"]) == (2, 9000 + 1000 - 10000 - 1250)
    desk.does("periods reopen 2026-01 --target books --note m")
    desk.setting('late = "next-period"', 'late = "correct"')
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("100.00"), "4010": Decimal("-90.00"), "4090": Decimal("-10.00")}


def wallet_gain(desk: Treasury, value: str, gain: str) -> None:
    rows = ["Wallet,Date,Asset,Fiat value,Fiat currency,Category,Reference,Gain", ""]
    rows[1] = f"hot,2026-01-05,ETH,{value},USD,storage,W-1,{gain}"
    (desk.folder / "gains.csv").write_text("\n".join(rows) + "\n", "utf-8")
    desk.does("workspace import wallet gains.csv")


# -- side by side with the target --------------------------------------------------------------------------------------


def balance(desk: Treasury) -> dict[str, tuple[int, int, int]]:
    """Account → ours, what is off, and what others made; net."""
    rows = desk.ask(f"journal trial-balance {FLOW}")["items"]
    return {row["account"]: (row["debit"] - row["credit"], row["off"], row["others"]) for row in rows}


def test_a_trial_balance_tells_what_is_off_in_our_entries_from_what_others_made(posted: Treasury) -> None:
    """b_004_16"""
    posted.edited(HOT, Line=[{**line, "Amount": 70.01} for line in posted.number(HOT)["Line"]])
    posted.enters("BY-HAND", "5.00", "1205", "4020")
    assert balance(posted) == {"1205": (7000, 1, 500), "4010": (-7000, -1, 0), "4020": (0, 0, -500)}
    shown = posted.does(f"journal trial-balance {FLOW}")
    assert f"! edited   {HOT}: debit 1205 is 70.01 there, 70.00 was written" in shown
    assert "OFF" in shown
    held = posted.number(HOT)
    posted.books.write("JournalEntry", {"Id": held["Id"], "SyncToken": held["SyncToken"]}, "delete")
    assert balance(posted) == {"1205": (7000, -7000, 500), "4010": (-7000, 7000, 0), "4020": (0, 0, -500)}
    assert f"! missing   {HOT}: is not there any more" in posted.does(f"journal trial-balance {FLOW}")


def test_an_entry_typed_by_hand_on_the_day_of_its_movement_says_the_same_as_ours(posted: Treasury) -> None:
    """b_000_03"""
    lines = posted.number(HOT)["Line"]
    posted.books.write("JournalEntry", {"TxnDate": "2026-01-05", "DocNumber": "DANA-1", "Line": lines})
    posted.books.write("JournalEntry", {"TxnDate": "2026-01-12", "DocNumber": "DANA-2", "Line": lines})
    others = posted.ask(f"reconcile {FLOW}")["others"]
    assert {one["number"]: one["like"] for one in others} == {"DANA-1": HOT, "DANA-2": ""}


def test_a_tie_out_in_several_currencies_says_which() -> None:
    """b_004_16"""
    rows = [
        Row(account="1205", name="", currency=one, opening=0, hub=5, off=0, others=0, documents=0, closing=5)
        for one in ("EUR", "USD")
    ]
    day = dt.date(2026, 1, 31)
    found = TieOut(first=day, last=day, entries=1, rows=rows, problems=[], foreign=[])
    days = Days(day, day)
    shown = list(tied.lines(Tied(connection="books", flows=[FLOW], days=days, found=found)))
    assert [line.split()[:2] for line in shown[1:4]] == [["ACCOUNT", "CURRENCY"], ["1205", "EUR"], ["1205", "USD"]]


# -- under another name ------------------------------------------------------------------------------------------------


def test_a_flow_with_movements_that_are_not_posted_keeps_its_name_and_leaves_them_out_after_that(
    desk: Treasury,
) -> None:
    """I10: nobody else would book them, and nobody but that flow corrects them."""
    moves(desk, "2026-01-05,100.00 USD,storage,hot,A")
    desk.does(f"run {FLOW}")
    desk.setting("[flows.wallet-journals]", "[flows.other]")
    desk.does("run other", 7)
    assert "WHERRY-7036" in desk.err
    desk.setting("[flows.other]", "[flows.wallet-journals]")
    desk.does(f"approve {FLOW} --all --yes")
    desk.setting("[flows.wallet-journals]", "[flows.other]")
    why = "flow wallet-journals has it already, and the project has no flow of that name any more"
    assert desk.ask("run other")["reasons"]["ledger_transaction"]["skipped"] == {why: 1}
    said = [one["sentence"] for one in desk.ask("explain A")["items"]]
    assert [" is in books" in one for one in said] == [True]
    told = [
        one["sentence"]
        for one in desk.ask(f"explain {desk.ask('workspace list ledger-transaction')['items'][0]['id']}")["items"]
    ]
    assert sum("is not sent to books" in one and "by flow other" in one for one in told) == 1
