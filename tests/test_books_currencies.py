"""Journals in other currencies than the organisation's own, all the way into QuickBooks, with tie-out and pack."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.treasury import Treasury, treasury

FLOW = "wallet-journals"
COLUMNS = "date,amount,category,partition,reference,exchange_rate,exchange_source"
EXCHANGE = "Exchange Gain or Loss"
RATES = "date,from,to,rate,source\n2026-01-09,EUR,USD,1.0850,ECB\n2026-01-16,EUR,USD,1.09,ECB\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        company = made.books.company()
        shown = {**company.preferences["CurrencyPrefs"], "MultiCurrencyEnabled": True}
        company.put("Preferences", {**company.preferences, "CurrencyPrefs": shown}, "Update")
        company.multicurrency = True
        made.books.write("CompanyCurrency", {"Code": "EUR"})
        made.mapped()
        yield made


def moves(desk: Treasury, *rows: str) -> None:
    (desk.folder / "moves.csv").write_text("\n".join([COLUMNS, *rows]) + "\n", "utf-8")
    desk.does("workspace import ledger-transaction moves.csv")


def setting(desk: Treasury, *lines: str) -> None:
    """Settings of the flow, at its end."""
    path = desk.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8") + "\n".join(lines) + "\n", "utf-8")


def rated(desk: Treasury, *lines: str) -> None:
    (desk.folder / "tables" / "rates.csv").write_text(RATES, "utf-8")
    setting(desk, 'rates = "tables/rates.csv"', *lines)


THREE = (
    "2026-01-05,33.33 EUR,storage,hot,W-1,,",
    "2026-01-06,33.34 EUR,switching,hot,W-2,,",
    "2026-01-07,12.00 USD,storage,hot,W-3,,",
)


def home(desk: Treasury) -> dict[str, Decimal]:
    """What stands on the accounts in the company's own currency."""
    return {one.get("AcctNum") or one["Name"]: Decimal(str(one["CurrentBalance"]))
            for one in desk.books.objects("Account") if one["CurrentBalance"]}  # fmt: skip


def test_without_a_rate_an_entry_is_held_listed_and_totalled_and_the_rest_goes(desk: Treasury) -> None:
    moves(desk, *THREE)
    data = desk.ask(f"journal preview {FLOW}")
    assert [(one["number"], one["currency"]) for one in data["entries"]] == [("JE HOT 2026W02", "USD")]
    [left] = data["left_out"]
    assert (left["reason"], left["movements"], left["minor"], left["currency"]) == ("no-rate", 2, 6667, "EUR")
    assert "no rate from EUR to USD for 2026-01-11: name a table of rates on the flow" in left["detail"]
    assert not data["blocked"]
    rated(desk)
    (desk.folder / "tables" / "rates.csv").write_text("date,from,to,rate,source\n2026-01-01,EUR,USD,1.1,ECB\n", "utf-8")
    said = desk.does(f"journal preview {FLOW}")
    assert "or the seven days before it: add it to tables/rates.csv" in said


def test_what_rounding_leaves_needs_an_account_and_it_is_the_one_where_the_target_books_it(desk: Treasury) -> None:
    moves(desk, *THREE)
    rated(desk)
    [left] = desk.ask(f"journal preview {FLOW}")["left_out"]
    assert left["reason"] == "rounding"
    assert "at 1.0850 the sides are 0.01 USD apart in USD" in left["detail"]
    assert f'set rounding = "{EXCHANGE}", where the target books it' in left["detail"]
    setting(desk, 'rounding = "4090"')
    [left] = desk.ask(f"journal preview {FLOW}")["left_out"]
    assert f'the target books that on {EXCHANGE}: set rounding = "{EXCHANGE}"' in left["detail"]


def test_rate_source_and_rounding_are_kept_shown_and_sent_and_the_books_tie_out(desk: Treasury) -> None:
    """I8, I9, b_000_03"""
    moves(desk, *THREE)
    rated(desk, f'rounding = "{EXCHANGE}"')
    shown = desk.does(f"journal preview {FLOW}")
    at = "at 1.0850 (ECB, 2026-01-09)   72.34 USD   rounding 0.01 credit on Exchange Gain or Loss"
    assert at in shown
    desk.does(f"journal post {FLOW} --yes")
    held = desk.number("JE HOT 2026W02 EUR")
    assert (held["CurrencyRef"]["value"], held["ExchangeRate"]) == ("EUR", Decimal("1.085"))
    assert at in desk.does('journal show "JE HOT 2026W02 EUR"')
    found = desk.ask('journal show "JE HOT 2026W02 EUR"')
    assert (found["home"], found["home_minor"], found["rounding"]) == ("USD", 7234, -1)
    assert home(desk)["1205"] == Decimal("84.34")
    tied = desk.ask(f"reconcile {FLOW}")
    assert tied["passes"] is True
    rows = {one["account"]: (one["hub"], one["off"], one["documents"]) for one in tied["accounts"]}
    assert rows[EXCHANGE] == (-1, 0, 0)
    assert rows["1205"] == (8434, 0, 0)
    balance = desk.ask(f"journal trial-balance {FLOW}")
    assert {row["currency"] for row in balance["items"]} == {"USD"}
    assert all(not row["others"] for row in balance["items"])


def test_a_rate_that_was_changed_in_the_target_is_named_by_the_tie_out(desk: Treasury) -> None:
    moves(desk, *THREE)
    rated(desk, f'rounding = "{EXCHANGE}"')
    desk.does(f"journal post {FLOW} --yes")
    desk.edited("JE HOT 2026W02 EUR", ExchangeRate=Decimal("1.2"))
    tied = desk.ask(f"reconcile {FLOW}", code=4)
    [problem] = [one for one in tied["problems"] if one["what"] == "edited"]
    assert "72.34 USD was written at 1.085" in problem["says"]
    assert "its exchange rate was changed" in problem["says"]


def test_a_record_that_says_its_rate_goes_before_the_table(desk: Treasury) -> None:
    moves(desk, "2026-01-05,100.00 EUR,storage,hot,W-1,1.2,desk", "2026-01-06,50.00 EUR,storage,hot,W-2,,")
    rated(desk)
    desk.does(f"journal post {FLOW} --yes")
    assert sorted((one["TotalAmt"], one["ExchangeRate"]) for one in desk.entries()) == [
        (Decimal("50.00"), Decimal("1.085")), (Decimal("100.00"), Decimal("1.2")),
    ]  # fmt: skip
    [own] = [one["DocNumber"] for one in desk.entries() if one["TotalAmt"] == 100]
    assert "at 1.2 (desk)   120.00 USD" in desk.does(f'journal show "{own}"')


def test_a_reversal_takes_back_the_same_home_amounts(desk: Treasury) -> None:
    moves(desk, *THREE[:2])
    rated(desk, f'rounding = "{EXCHANGE}"')
    desk.does(f"journal post {FLOW} --yes")
    desk.does(f'journal reverse {FLOW} "JE HOT 2026W02 EUR" --yes')
    assert {one["ExchangeRate"] for one in desk.entries()} == {Decimal("1.085")}
    assert home(desk) == {}
    tied = desk.ask(f"reconcile {FLOW}")
    assert tied["passes"] is True
    assert {row["account"]: row["hub"] for row in tied["accounts"] if row["hub"]} == {}


def test_the_pack_has_rate_source_home_amounts_and_the_rounding_line(desk: Treasury, tmp_path: Path) -> None:
    import openpyxl

    moves(desk, *THREE[:2])
    rated(desk, f'rounding = "{EXCHANGE}"')
    desk.does(f"journal post {FLOW} --yes")
    desk.does(f"run {FLOW}")
    desk.does(f"close 2026-01 --pack {tmp_path / 'pack.xlsx'} --yes")
    sheet: Any = openpyxl.load_workbook(tmp_path / "pack.xlsx")["entries"]
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert {(one["exchange rate"], one["source of the rate"], one["home currency"]) for one in told} == {
        ("1.0850", "ECB, 2026-01-09", "USD")
    }
    assert sum(one["home debit"] or 0 for one in told) == sum(one["home credit"] or 0 for one in told)
    assert told[-1]["account"] == EXCHANGE
