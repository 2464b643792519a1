"""``wherry journal``, ``exports`` and ``periods``: what is shown is posted, once, by somebody; nothing is deleted."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.bookkeeping import journals, trail
from wherry.hub import Hub

from .treasury import Treasury, treasury

FLOW = "wallet-journals"
JANUARY = (
    "TX-1,2026-01-05,100.00 USD,storage,hot,W-1,",
    "TX-2,2026-01-06,40.50 USD,switching,hot,W-2,",
    "TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD",
    "TX-4,2026-02-01,3.00 USD,storage,cold,W-4,",
)
HOT, COLD = "JE HOT 2026W02", "JE COLD 2026W05a"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    """A treasury in which nothing has moved yet; its table of accounts is filled in."""
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


@pytest.fixture
def at(empty: Treasury) -> Treasury:
    """Four movements of two wallets, the last week cut by the end of January."""
    empty.once("moved", lambda: empty.moves(*JANUARY))
    return empty


@pytest.fixture
def posted(at: Treasury) -> Treasury:
    """All of them are in the books."""
    at.once("posted", lambda: at.does(f"journal post {FLOW} --yes"))
    return at


def looked(at: Treasury, more: str = "", code: int = 0) -> Any:
    return at.ask(f"journal preview {FLOW} {more}", code)


def numbers(data: Any) -> list[str]:
    return [entry["number"] for entry in data["entries"]]


def in_books(at: Treasury) -> list[tuple[str, str]]:
    return sorted((one["DocNumber"], str(one["TotalAmt"])) for one in at.entries())


# -- preview -----------------------------------------------------------------------------------------------------------


def test_a_preview_shows_entries_that_balance_and_writes_nothing(at: Treasury) -> None:
    """b_004_15 b_000_12"""
    data = looked(at)
    assert numbers(data) == [COLD, "JE COLD 2026W05b", HOT]
    for entry in data["entries"]:
        sides = {"debit": 0, "credit": 0}
        for line in entry["lines"]:
            sides[line["side"]] += line["minor"]
        assert sides["debit"] == sides["credit"] == entry["minor"]
    assert data["sums"] == {"USD": 15650}
    assert at.entries() == []
    assert at.ask(f"approve {FLOW}")["items"] == []
    with Hub.open(at.folder) as hub, hub.store.read() as tx:
        assert trail.subledger_rows(tx, hub.project.flows[FLOW]) == []


def test_the_screen_sets_debits_and_credits_below_each_other_and_says_that_they_balance(at: Treasury) -> None:
    said = at.does(f"journal preview {FLOW} --partition cold --period 2026-01")
    assert said.splitlines()[:7] == [
        "week 2026-W05a cut at the period's end: 26–31 Jan   JE COLD 2026W05a   1 movement   cold",
        "  1205 Storage clearing                  13.00",
        "  4010 Storage income                                  12.00",
        "  4090 Realised gains                                   1.00",
        "  ----------------------------------------------------------",
        "  balanced USD                           13.00         13.00",
        "Under one cent: none        Rounding: 0.00        Period open in target: yes",
    ]
    assert said.splitlines()[-1] == f"Next: wherry journal post {FLOW} --period 2026-01 --partition cold"


def test_of_many_entries_the_first_are_shown_and_what_the_others_come_to(at: Treasury) -> None:
    said = at.does(f"journal preview {FLOW} --limit 1").splitlines()
    assert len([line for line in said if "balanced USD" in line]) == 1
    assert "… and 2 more journal entries, 143.50 USD (--limit 3)" in said
    assert len(looked(at, "--limit 1")["entries"]) == 3


def test_a_period_of_a_target_that_cannot_be_asked_is_not_said_to_be_open(
    at: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as JD Edwards."""
    monkeypatch.setattr(journals, "HasPeriods", int)  # which no sink is
    assert "Period open in target: not known, it cannot be asked" in at.does(f"journal preview {FLOW}")


def test_a_week_across_a_month_end_is_cut(at: Treasury) -> None:
    """case_C15"""
    cut = [entry for entry in looked(at)["entries"] if entry["cut"]]
    assert [(one["first"], one["last"], one["period"]) for one in cut] == [
        ("2026-01-26", "2026-01-31", "2026-01"), ("2026-02-01", "2026-02-01", "2026-02"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("--period 2026-01", [COLD, HOT]),
        ("--partition hot", [HOT]),
        ("--partition hot --partition cold --from 2026-02-01", ["JE COLD 2026W05b"]),
        ("--from 2026-01-06 --to 2026-01-06", [f"{HOT}.SGLKF"]),
        ("--period 2026-01 --group month", ["JE COLD 2026-01", "JE HOT 2026-01"]),
        ("--group day --to 2026-01-06", ["JE HOT 2026-01-05", "JE HOT 2026-01-06"]),
        ("--period 2025-12", []),
    ],
)
def test_a_selection_is_by_period_wallet_and_days(at: Treasury, more: str, found: list[str]) -> None:
    """b_004_10"""
    assert numbers(looked(at, more)) == found


@pytest.mark.parametrize(
    ("more", "code", "exit_code"),
    [
        ("--partition nope", "WHERRY-3090", 3),
        ("--period 2026-13", "WHERRY-2155", 2),
        ("--period January", "WHERRY-2155", 2),
        ("--from 2026-02-01 --to 2026-01-01", "WHERRY-2146", 2),
        ("--period 2026-01 --from 2026-02-01", "WHERRY-2146", 2),
    ],
)
def test_a_selection_that_means_nothing_is_told(at: Treasury, more: str, code: str, exit_code: int) -> None:
    at.does(f"journal preview {FLOW} {more}", exit_code)
    assert code in at.err


def test_movements_under_one_cent_and_before_the_books_are_left_out_and_told(empty: Treasury) -> None:
    """b_004_04"""
    empty.moves("TX-1,2026-01-05,0.00 USD,storage,hot,W-1,", "TX-2,2025-12-31,7.00 USD,storage,hot,W-2,")
    data = looked(empty)
    [small], [early] = data["under_one_cent"], data["left_out"]
    assert (small["movements"], small["exact"]) == (1, "0.00")
    assert (early["reason"], early["movements"], early["minor"]) == ("before-books", 1, 700)
    assert data["entries"] == []


def test_a_flow_that_books_nothing_is_told_so(at: Treasury) -> None:
    at.setting('document = "journal"\naccounts = "tables/accounts.csv"', 'document = "invoice"')
    at.does(f"journal preview {FLOW}", 2)
    assert "WHERRY-2144" in at.err


# -- the gate ----------------------------------------------------------------------------------------------------------


def test_nothing_is_posted_until_every_movement_has_a_debit_and_a_credit_account(at: Treasury) -> None:
    """b_004_08 b_004_09 b_004_11"""
    at.mapped("category,debit,credit\nstorage,1205,4010\nswitching,1205,\ngain,1205,4090\n")
    data = looked(at, code=4)
    assert data["blocked"]
    assert [one["movements"] for one in data["left_out"]] == [1]
    at.does(f"journal post {FLOW} --yes", 7)
    assert "WHERRY-7081" in at.err
    assert 'category "switching" has no credit account in row 3' in at.err
    assert at.entries() == []
    at.mapped()
    at.does(f"journal post {FLOW} --yes")
    assert len(at.entries()) == 3


def test_the_gate_looks_at_the_selection_alone(at: Treasury) -> None:
    at.mapped("category,debit,credit\nstorage,1205,4010\ngain,1205,4090\n")
    at.does(f"journal post {FLOW} --partition cold --yes")
    assert [number for number, _ in in_books(at)] == [COLD, "JE COLD 2026W05b"]


# -- post --------------------------------------------------------------------------------------------------------------


def test_what_was_shown_is_approved_and_posted_and_by_whom_stands_in_the_log(at: Treasury) -> None:
    """b_004_14 b_000_15"""
    data = at.ask(f"journal post {FLOW} --period 2026-01 --yes")
    assert [(row["label"], row["state"]) for row in data["items"]] == [(COLD, "created"), (HOT, "created")]
    assert in_books(at) == [(COLD, "13.00"), (HOT, "140.50")]
    rows = [row for row in at.ask("audit list")["items"] if row["action"] in ("journal.post", "approve")]
    who, what = {row["actor"] for row in rows}, {row["object"] for row in rows}
    assert (who, what) == ({"anna"}, {FLOW, *(row["id"] for row in data["items"])})
    assert all(dt.datetime.fromisoformat(row["at"]).tzinfo is not None for row in rows)
    assert [row["number"] for row in at.ask(f"approve {FLOW}")["items"]] == ["JE COLD 2026W05b"]


def test_posting_twice_posts_once(posted: Treasury) -> None:
    before = in_books(posted)
    assert "nothing to post" in posted.does(f"journal post {FLOW} --yes")
    posted.does(f"run {FLOW}")
    assert in_books(posted) == before
    data = looked(posted)
    assert (data["already"]["movements"], data["already"]["sums"]) == (4, {"USD": 15650})


def test_without_a_person_and_without_yes_nothing_is_posted(at: Treasury) -> None:
    at.does(f"journal post {FLOW}", 2)
    assert HOT in at.err
    assert at.entries() == []


def test_what_changed_since_it_was_shown_is_not_posted(at: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Hub.run

    def changed(self: Hub, *told: Any, **more: Any) -> Any:
        with self.store.documents("workspace") as documents:
            held = documents.get("ledger_transaction", ["TX-1"])["TX-1"]
            held["fields"]["amount"]["minor"] += 1
            documents.put("ledger_transaction", [("TX-1", held)])
        return real(self, *told, **more)

    monkeypatch.setattr(Hub, "run", changed)
    at.does(f"journal post {FLOW} --yes", 7)
    assert "WHERRY-7084" in at.err
    assert at.entries() == []


def test_a_part_of_a_week_is_posted_and_the_rest_of_it_is_not_lost(empty: Treasury) -> None:
    """What was prepared of the whole week is made anew: no movement stands in an entry without its money."""
    empty.moves("TX-1,2026-01-05,10.00 USD,storage,hot,W-1,", "TX-2,2026-01-07,5.00 USD,storage,hot,W-2,")
    empty.setting('late = "next-period"', 'late = "correct"')
    empty.does(f"run {FLOW}")
    empty.does(f"journal post {FLOW} --to 2026-01-05 --yes")
    [(part, worth)] = in_books(empty)
    assert (part != HOT, worth) == (True, "10.00")
    assert len(empty.ask(f"journal show '{part}'")["members"]) == 1
    empty.does(f"journal post {FLOW} --yes")
    assert sorted(total for _, total in in_books(empty)) == ["10.00", "5.00"]


def test_an_entry_on_an_inactive_account_is_refused_before_anything_is_sent(at: Treasury) -> None:
    """case_C16"""
    at.changed("4020", Active=False)
    data = looked(at, code=4)
    [stuck] = [entry for entry in data["entries"] if entry["state"] == "refused"]
    assert (stuck["number"], "is inactive" in stuck["reason"]) == (HOT, True)
    at.does(f"journal post {FLOW} --yes", 4)
    assert [number for number, _ in in_books(at)] == [COLD, "JE COLD 2026W05b"]


# -- show --------------------------------------------------------------------------------------------------------------


def test_an_entry_tells_its_movements_and_the_records_that_they_came_from(posted: Treasury) -> None:
    """b_000_02 b_000_15"""
    data = posted.ask(f"journal show '{HOT}'")
    assert (data["state"], data["remote_id"], data["by"]) == ("posted", posted.number(HOT)["Id"], "anna")
    assert [(one["record"], one["minor"]) for one in data["members"]] == [
        ("ledger_transaction TX-1", 10000), ("ledger_transaction TX-2", 4050),
    ]  # fmt: skip
    assert posted.ask(f"journal show '{data['key']}'")["number"] == HOT
    assert "M-1" in posted.does(f"journal show '{HOT}'")
    assert sum(one["minor"] for one in posted.ask(f"journal show '{COLD}'")["members"]) == 1300


def test_an_entry_that_there_is_not_is_not_found(posted: Treasury) -> None:
    posted.does("journal show 'JE NOPE'", 3)
    assert "WHERRY-3087" in posted.err


# -- reverse -----------------------------------------------------------------------------------------------------------


def test_an_entry_is_reversed_by_another_and_its_movements_are_held(posted: Treasury) -> None:
    """b_000_15 case_C11"""
    posted.does(f"journal reverse {FLOW} '{HOT}' --note 'wrong wallet' --yes")
    assert [one["DocNumber"] for one in posted.entries()] == [COLD, "JE COLD 2026W05b", HOT, f"{HOT}R"]
    posted.does(f"run {FLOW}")
    data = looked(posted)
    assert data["entries"] == []
    [held] = data["left_out"]
    assert (held["reason"], held["movements"], held["minor"]) == ("held", 2, 14050)
    assert "wrong wallet" in held["detail"]
    assert posted.ask(f"journal show '{HOT}'")["state"] == "taken back"


def test_reversing_twice_is_refused(posted: Treasury) -> None:
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes")
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes", 7)
    assert "WHERRY-7071" in posted.err
    assert "was reversed already" in posted.err


@pytest.mark.parametrize("later", [False, True])
def test_the_movements_of_a_reversed_entry_are_booked_anew_when_asked_for(posted: Treasury, later: bool) -> None:
    """case_C11"""
    if later:
        posted.does(f"journal reverse {FLOW} '{HOT}' --yes")
        posted.does(f"run {FLOW}")
    posted.does(f"journal reverse {FLOW} '{HOT}' --repost --yes")
    posted.does(f"journal post {FLOW} --yes")
    assert [one["DocNumber"] for one in posted.entries()][-3:] == [HOT, f"{HOT}R", f"{HOT}.2"]
    rows = posted.ask(f"journal trial-balance {FLOW}")
    assert rows["totals"][0]["debit"] == 15650
    assert {row["others"] for row in rows["items"]} == {0}


def test_nothing_is_reversed_in_closed_books(posted: Treasury) -> None:
    """b_000_15 case_C12"""
    posted.does("periods close 2026-01 --target books")
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes", 7)
    assert "WHERRY-7086" in posted.err
    posted.does("periods reopen 2026-01 --target books")
    posted.books.close_books("2026-01-31")
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes", 7)
    assert len(posted.entries()) == 3


def test_what_is_not_posted_is_not_reversed(at: Treasury) -> None:
    at.does(f"run {FLOW}")
    at.does(f"journal reverse {FLOW} '{HOT}' --yes", 7)
    assert "was not posted" in at.err


def test_reversing_asks_for_the_number(posted: Treasury) -> None:
    posted.does(f"journal reverse {FLOW} '{HOT}'", 2)
    assert "WHERRY-2154" in posted.err


# -- trial balance -----------------------------------------------------------------------------------------------------


def test_the_trial_balance_stands_beside_the_targets_own(posted: Treasury) -> None:
    """b_004_16 b_000_03"""
    data = posted.ask(f"journal trial-balance {FLOW}")
    [total] = data["totals"]
    assert total["debit"] == total["credit"] == total["target_debit"] == total["target_credit"] == 15650
    assert {row["others"] for row in data["items"]} == {0}
    [january] = posted.ask(f"journal trial-balance {FLOW} --period 2026-01")["totals"]
    assert january["debit"] == 15350


def test_what_a_fiscal_year_carried_to_the_retained_earnings_was_booked_by_nobody(empty: Treasury) -> None:
    """b_000_03, b_004_16"""
    empty.setting("books_from = 2026-01-01", "books_from = 2025-12-01")
    empty.mapped()
    empty.moves("TX-1,2025-12-10,10.00 USD,storage,hot,W-1,", "TX-2,2026-01-10,5.00 USD,storage,hot,W-2,")
    empty.does(f"run {FLOW}")
    empty.does(f"journal post {FLOW} --yes")
    rows = {row["account"]: row for row in empty.ask(f"journal trial-balance {FLOW}")["items"]}
    assert {code: (row["carried"], row["others"]) for code, row in rows.items()} == {
        "1205": (0, 0), "4010": (1000, 0), "Retained Earnings": (-1000, 0)
    }  # fmt: skip
    assert "CARRIED" in empty.does(f"journal trial-balance {FLOW}")
    assert "CARRIED" not in empty.does(f"journal trial-balance {FLOW} --period 2026-01")


def test_entries_that_others_made_show_in_the_trial_balance(posted: Treasury) -> None:
    """b_000_03"""
    posted.enters("X-1", "7.00", "1205", "4010")
    data = posted.ask(f"journal trial-balance {FLOW}")
    assert {row["account"]: row["others"] for row in data["items"]} == {"1205": 700, "4010": -700, "4020": 0, "4090": 0}


# -- files -------------------------------------------------------------------------------------------------------------


def rows(path: str, at: Treasury) -> list[dict[str, str]]:
    with (at.folder / path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_entry_goes_into_a_file_once_for_each_profile(posted: Treasury) -> None:
    """b_000_08 b_000_14 b_002_03"""
    first = posted.ask(f"journal export {FLOW} --profile generic --to out")
    assert (len(first["files"]), len(first["items"]), first["before"]) == (1, 3, [])
    assert sum(Decimal(row["Debit"] or 0) for row in rows(first["files"][0], posted)) == Decimal("156.50")
    again = posted.ask(f"journal export {FLOW} --profile generic --to out")
    assert (again["files"], again["items"], len(again["before"])) == ([], [], 3)
    other = posted.ask(f"journal export {FLOW} --profile hledger --to out")
    assert len(other["items"]) == 3


def test_what_was_exported_comes_again_only_when_asked_for(posted: Treasury) -> None:
    """b_002_04"""
    posted.does(f"journal export {FLOW} --profile generic --to out")
    again = posted.ask(f"journal export {FLOW} --profile generic --to out --reexport-since 2020-01-01")
    assert len(again["items"]) == 3
    assert again["files"] == ["out/journals-generic-2026-01-11-2026-02-01-2.csv"]
    later = posted.ask(f"journal export {FLOW} --profile generic --to out --reexport-since 2999-01-01")
    assert later["items"] == []


def test_what_was_exported_and_reversed_goes_out_turned_over_and_again_when_reposted(posted: Treasury) -> None:
    """b_000_14 case_C11"""
    posted.does(f"journal export {FLOW} --profile generic --to out")
    posted.does(f"journal reverse {FLOW} '{HOT}' --repost --yes")
    back = posted.ask(f"journal export {FLOW} --profile generic --to out")
    assert [(one["number"], one["state"]) for one in back["items"]] == [(f"{HOT}R", "reversed")]
    [clearing, *_] = rows(back["files"][0], posted)
    assert (clearing["Account"], clearing["Credit"]) == ("1205", "140.50")
    posted.does(f"journal post {FLOW} --yes")
    anew = posted.ask(f"journal export {FLOW} --profile generic --to out")
    assert [(one["number"], one["state"]) for one in anew["items"]] == [(f"{HOT}.2", "posted")]
    assert posted.ask(f"journal export {FLOW} --profile generic --to out")["items"] == []


def test_what_was_reversed_before_it_was_exported_does_not_go_out(posted: Treasury) -> None:
    posted.does(f"journal reverse {FLOW} '{HOT}' --yes")
    made = posted.ask(f"journal export {FLOW} --profile generic --to out")
    assert [one["number"] for one in made["items"]] == [COLD, "JE COLD 2026W05b"]


def test_a_prepared_entry_that_changed_since_it_was_exported_is_told_and_not_repeated(at: Treasury) -> None:
    """b_000_14"""
    at.does(f"run {FLOW}")
    assert at.ask(f"journal export {FLOW} --profile generic --to out")["items"] == []
    assert len(at.ask(f"journal export {FLOW} --profile generic --to out --prepared")["items"]) == 3
    at.moves("TX-5,2026-01-07,1.00 USD,storage,hot,W-5,")
    at.does(f"run {FLOW}")
    told = at.ask(f"journal export {FLOW} --profile generic --to out --prepared", 4)
    assert [one["number"] for one in told["changed"]] == [HOT]
    assert told["files"] == []


def test_the_note_of_a_file_is_dropped_and_what_stands_goes_out_once_more(at: Treasury) -> None:
    """b_000_14, b_000_15"""
    at.does(f"run {FLOW}")
    at.ask(f"journal export {FLOW} --profile generic --to out --prepared")
    at.does(f"exports unmark '{HOT}' --target file:xero", 3)
    assert "counts as never written" in at.does(f"exports unmark '{HOT}' --target file:generic --note 'not imported'")
    again = at.ask(f"journal export {FLOW} --profile generic --to out --prepared")
    assert [one["number"] for one in again["items"]] == [HOT]
    assert "not imported" in at.does("audit list --output json")


def test_a_profile_that_there_is_not_is_told_and_nothing_is_noted(posted: Treasury) -> None:
    posted.does(f"journal export {FLOW} --profile sap --to out", 2)
    assert "WHERRY-2482" in posted.err
    assert not (posted.folder / "out").exists()
    (posted.folder / "taken").write_text("")
    posted.does(f"journal export {FLOW} --profile generic --to taken/below", 2)
    assert len(posted.ask(f"journal export {FLOW} --profile generic --to out")["items"]) == 3


# -- what went where ---------------------------------------------------------------------------------------------------


def test_exports_are_listed_by_target_with_remote_id_and_who(posted: Treasury) -> None:
    """b_002_03 b_000_15"""
    posted.does(f"journal export {FLOW} --profile generic --to out")
    there = posted.ask("exports list --target books")["items"]
    assert sorted((one["number"], one["remote_id"], one["by"]) for one in there) == sorted(
        (one["DocNumber"], one["Id"], "anna") for one in posted.entries())  # fmt: skip
    assert len(posted.ask(f"exports list --flow {FLOW}")["items"]) == 6
    assert posted.ask("exports list --since 2999-01-01")["items"] == []
    page = posted.ask("exports list --target books --limit 2")
    assert len(page["items"]) == 2
    assert len(posted.ask(f"exports list --target books --limit 2 --cursor {page['cursor']}")["items"]) == 1
    posted.does("exports list --target nowhere", 3)


@pytest.mark.parametrize("word", [HOT, "TX-1"])
def test_a_document_is_shown_in_every_target_with_its_members(posted: Treasury, word: str) -> None:
    """b_000_15"""
    posted.does(f"journal export {FLOW} --profile generic --to out")
    data = posted.ask(f"exports show '{word}'")
    assert [one["target"] for one in data["items"]] == ["books", "file:generic"]
    assert [one["record"] for one in data["members"]] == ["ledger_transaction TX-1", "ledger_transaction TX-2"]
    posted.does("exports show nothing-of-the-kind", 3)


def test_what_somebody_entered_by_hand_is_linked_and_never_posted(at: Treasury) -> None:
    """case_C20"""
    at.does(f"run {FLOW}")
    there = at.enters("X-1", "140.50", "1205", "4010")
    at.does(f"exports mark '{HOT}' --target books --remote-id 999 --note typo", 3)
    at.does(f"exports mark '{HOT}' --target books --remote-id {there} --note 'entered by Dana'")
    assert "number X-1" in at.err
    at.does(f"journal post {FLOW} --yes")
    assert [number for number, _ in in_books(at)] == [COLD, "JE COLD 2026W05b", "X-1"]
    data = at.ask(f"exports show '{HOT}'")
    assert [(one["remote_id"], one["state"], one["by"]) for one in data["items"]] == [(there, "marked", "anna")]
    assert [one["note"] for one in data["notes"]] == ["entered by Dana"]
    at.does(f"exports mark '{HOT}' --target books --remote-id {there} --note again", 7)
    assert "WHERRY-7088" in at.err


def test_a_mark_is_taken_back(at: Treasury) -> None:
    at.does(f"run {FLOW}")
    there = at.enters("X-1", "140.50", "1205", "4010")
    at.does(f"exports mark '{HOT}' --target books --remote-id {there} --note wrong")
    at.does(f"exports unmark '{HOT}' --target books --note 'another one'")
    at.does(f"journal post {FLOW} --yes")
    assert (f"{HOT}.2", "140.50") in in_books(at)
    at.does(f"exports unmark '{HOT}' --target books", 3)
    assert "WHERRY-3093" in at.err


def test_what_was_never_prepared_cannot_be_marked(at: Treasury) -> None:
    at.does(f"exports mark '{HOT}' --target books --remote-id 1 --note x", 3)
    assert "WHERRY-3092" in at.err


# -- periods -----------------------------------------------------------------------------------------------------------


def test_periods_tell_what_lies_in_them_and_who_closed_them(posted: Treasury) -> None:
    """case_C12"""
    posted.moves("TX-5,2026-02-10,1.00 USD,storage,hot,W-5,")
    posted.does(f"run {FLOW}")
    posted.does("periods close 2026-01 --target books --note 'month end'")
    posted.books.close_books("2025-12-31")
    by_name = {row["period"]: row for row in posted.ask("periods list books")["items"]}
    assert (by_name["2026-01"]["state"], by_name["2026-01"]["posted"]) == ("closed here", 2)
    assert (by_name["2026-02"]["state"], by_name["2026-02"]["prepared"], by_name["2026-02"]["movements"]) == (
        "open",
        1,
        2,
    )
    assert posted.ask(f"periods list {FLOW}")["closed_there"] == "2025-12-31"
    [row] = posted.ask("audit list --what periods")["items"]
    assert (row["actor"], row["object"], row["detail"]["note"]) == ("anna", "books 2026-01", "month end")


def test_nothing_is_booked_into_a_closed_period_and_what_is_there_is_held(at: Treasury) -> None:
    """case_C12"""
    at.does(f"run {FLOW}")
    at.does("periods close 2026-01 --target books")
    assert "2 entries are prepared" in at.err
    data = looked(at)
    assert numbers(data) == ["JE COLD 2026W05b"]
    assert [(one["reason"], one["movements"]) for one in data["left_out"]] == [("held", 3)]
    at.does(f"journal post {FLOW} --yes")
    assert [number for number, _ in in_books(at)] == ["JE COLD 2026W05b"]
    at.does("periods reopen 2026-01 --target books --note 'a late invoice'")
    assert numbers(looked(at)) == [COLD, HOT]


def test_opening_a_period_opens_all_after_it_and_says_so(at: Treasury) -> None:
    at.does("periods close 2026-03 --target books")
    data = at.ask("periods reopen 2026-02 --target books")
    assert (data["closed_until"], data["also"]) == ("2026-01-31", ["2026-03"])
    assert "was open already" in at.does("periods reopen 2026-02 --target books")


def test_what_the_target_has_closed_is_opened_there(at: Treasury) -> None:
    at.books.close_books("2026-01-31")
    at.does("periods reopen 2026-01 --target books", 7)
    assert "WHERRY-7082" in at.err


def test_periods_have_the_names_of_the_flows_own_calendar(at: Treasury) -> None:
    (at.folder / "tables" / "periods.csv").write_text(
        "name,first,last\n2026-P01,2026-01-01,2026-01-28\n2026-P02,2026-01-29,2026-02-25\n"
    )
    at.setting('late = "next-period"', 'late = "next-period"\nperiods = "tables/periods.csv"')
    assert numbers(looked(at, "--period 2026-p01")) == [COLD, HOT]
    at.does(f"run {FLOW}")
    assert [row["period"] for row in at.ask(f"periods list {FLOW}")["items"]] == ["2026-P01", "2026-P02"]
    assert at.ask("periods close 2026-P01 --target books")["closed_until"] == "2026-01-28"
    at.does("periods close 2026-01 --target books", 2)
    assert "from 2026-P01 to 2026-P02" in at.err
    at.does("periods close 2026-01 --target platform", 2)
    at.does("periods close 2026-01 --target nowhere", 3)
