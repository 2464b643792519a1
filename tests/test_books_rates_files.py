"""Entries in other currencies in files: in balance in both, with rate and rounding; accounts that are barred."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.accounting import BookedLine, ChartAccount, Entry, Side
from wherry.books import profiles, rates
from wherry.books.rates import Rate
from wherry.books.templates import fill_template
from wherry.errors import Rejected

DAY = dt.date(2026, 1, 31)
CHART = {
    one.code: one
    for one in (
        ChartAccount(id="1", code="1000", name="Clearing", type="asset"),
        ChartAccount(id="2", code="4000", name="Sales", type="income"),
        ChartAccount(id="3", code="4010", name="Fees", type="income"),
        ChartAccount(id="4", code="7990", name="Rounding", type="expense"),
        ChartAccount(id="5", code="1100", name="Bank", type="bank"),
        ChartAccount(id="6", code="1200", name="Debtors", type="receivable"),
        ChartAccount(id="7", code="2100", name="Creditors", type="payable"),
    )
}
AT_HOME = ("xero", "iif")
MINOR = st.integers(min_value=1, max_value=10**8)
RATE = st.decimals(min_value="0.01", max_value="99", places=4, allow_nan=False)


def entry(*lines: tuple[str, Side, int], party: str = "", currency: str = "EUR") -> Entry:
    made = tuple(BookedLine(account=code, side=side, minor=minor, party=party) for code, side, minor in lines)
    return Entry(key="2026-01/E", number="JE 1", date=DAY, period="2026-01", bucket="2026-01", currency=currency,
                 memo="January", lines=made, members=(1,))  # fmt: skip


def foreign(first: int, second: int, rate: Decimal) -> Entry:
    told = entry(("1000", "debit", first + second), ("4000", "credit", first), ("4010", "credit", second))
    found = rates.valued(told, Rate(rate=rate, source="ECB, 2026-01-30"), "USD")
    return Entry(**{name: getattr(found, name) for name in found.__struct_fields__} | {"rounding_account": "7990"})


def read(profile: str, one: Entry, delimiter: str = ",") -> list[dict[str, str]]:
    ((_, content),) = profiles.render(profile, [one], CHART)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column] or 0) for row in rows), Decimal(0))


@settings(deadline=None)
@given(MINOR, MINOR, RATE)
def test_a_file_is_in_balance_in_the_entrys_currency_and_at_home(first: int, second: int, rate: Decimal) -> None:
    """I8, I9"""
    one = foreign(first, second, rate)
    rows = read("generic", one)
    assert total(rows, "Debit") == total(rows, "Credit") == Decimal(first + second) / 100
    assert total(rows, "Home Debit") == total(rows, "Home Credit") == Decimal(rates.worth(one)) / 100
    assert {row["Exchange Rate"] for row in rows} == {f"{rate:f}"}
    assert {row["Rate Source"] for row in rows} == {"ECB, 2026-01-30"}
    assert ([row["Account"] for row in rows[3:]] == ["7990"]) == bool(one.rounding)


@settings(deadline=None)
@given(MINOR, MINOR, RATE)
def test_a_screen_without_a_place_for_the_currency_gets_the_home_amounts(
    first: int, second: int, rate: Decimal
) -> None:
    one = foreign(first, second, rate)
    if len(rates.at_home(one).lines) < 2:
        return
    rows = read("xero", one)
    assert total(rows, "*Amount") == 0
    assert sum(amount for row in rows if (amount := Decimal(row["*Amount"])) > 0) == Decimal(rates.worth(one)) / 100


def test_an_entry_that_is_worth_nothing_at_home_makes_no_file_of_headings_alone() -> None:
    one = foreign(1, 1, Decimal("0.004"))
    assert rates.worth(one) == 0
    assert profiles.render("xero", [one], CHART, home="USD") == []


def test_rates_go_where_a_screen_has_a_column_and_one_of_too_many_decimals_is_refused() -> None:
    one = foreign(3333, 3334, Decimal("1.085"))
    assert {row["Exchange Rate"] for row in read("netsuite", one)} == {"1.085"}
    assert {row["EXCHANGE_RATE"] for row in read("intacct", one)} == {"1.085"}
    with pytest.raises(Rejected, match="takes 4 decimals") as caught:
        read("intacct", foreign(3333, 3334, Decimal("1.08512")))
    assert caught.value.code == "WHERRY-4683"
    assert read("intacct", foreign(3333, 3334, Decimal("1.08500")))


def test_an_entry_whose_home_amounts_do_not_come_out_even_is_never_written() -> None:
    """I8"""
    one = foreign(3333, 3334, Decimal("1.085"))
    assert one.rounding == -1
    broken = Entry(**{name: getattr(one, name) for name in one.__struct_fields__} | {"rounding": 0})
    with pytest.raises(Rejected, match=r"out of balance by 0\.01 USD at home"):
        read("generic", broken)


@pytest.mark.parametrize("name", ["hledger", "beancount"])
def test_plain_text_ledgers_get_amounts_with_their_cost_at_home(name: str) -> None:
    ((_, content),) = profiles.render(name, [foreign(3333, 3334, Decimal("1.085"))], CHART)
    text = content.decode()
    assert "66.67 EUR @@ 72.34 USD" in text
    assert "-33.33 EUR @@ 36.16 USD" in text
    assert "-0.01 USD" in text
    assert "ECB" in text


@settings(deadline=None)
@given(MINOR, MINOR, RATE)
def test_beancount_finds_nothing_wrong_with_them(first: int, second: int, rate: Decimal) -> None:
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed here")
    ((_, content),) = profiles.render("beancount", [foreign(first, second, rate)], CHART)
    _, errors, _ = loader.load_string(content.decode())
    assert errors == []


@pytest.mark.parametrize("program", ["hledger", "ledger"])
def test_hledger_and_ledger_find_nothing_wrong_with_them(tmp_path: Path, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    some = [foreign(3333, 3334, Decimal("1.085")), foreign(1, 1, Decimal("0.5"))]
    ((_, content),) = profiles.render("hledger", some, CHART)
    path = tmp_path / "books.journal"
    path.write_bytes(content)
    command = [program, "-f", str(path), *(["check", "--strict"] if program == "hledger" else ["balance", "--strict"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_template_that_tells_home_amounts_gets_the_rounding_as_a_row(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"template.{ending}"
    rows = [["Account", "Rate", "Debit", "Home Dr", "Home Cr"],
            ["{account}", "{exchange_rate}", "{debit}", "{home_debit}", "{home_credit}"]]  # fmt: skip
    if ending == "csv":
        path.write_text("\n".join(",".join(row) for row in rows) + "\n", "utf-8")
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        book.save(path)
    filled = fill_template(path, [foreign(3333, 3334, Decimal("1.085"))], chart_names=CHART)
    if ending == "csv":
        told = list(csv.reader(io.StringIO(filled.decode(), newline="")))[1:]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(filled)).worksheets[0]
        told = [
            ["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(min_row=2, values_only=True)
        ]
    numbers = [[Decimal(cell or 0) for cell in row[1:]] for row in told]
    assert sum(row[2] for row in numbers) == sum(row[3] for row in numbers) == Decimal("72.34")
    assert {row[0] for row in numbers} == {Decimal("1.085")}
    assert told[-1][0] == "7990"


# -- accounts that a screen bars ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "code", "party", "why"),
    [
        ("xero", "1200", "Acme", "no manual journals on accounts receivable"),
        ("xero", "2100", "", "no manual journals on accounts payable"),
        ("xero", "1100", "", "no manual journals on bank accounts"),
        ("qbo", "1200", "", "wants a customer on each line"),
        ("netsuite", "2100", "", "wants a name on each line"),
        ("iif", "2100", "", "wants a vendor in NAME"),
    ],
)
def test_a_line_on_an_account_that_the_screen_bars_is_refused_with_what_to_do(
    profile: str, code: str, party: str, why: str
) -> None:
    with pytest.raises(Rejected, match=why) as caught:
        profiles.render(profile, [entry((code, "debit", 100), ("4000", "credit", 100), party=party)], CHART)
    assert caught.value.code == "WHERRY-4684"
    assert "clearing" in caught.value.fix


@pytest.mark.parametrize(
    ("profile", "code"), [("qbo", "1200"), ("netsuite", "2100"), ("iif", "1200"), ("intacct", "1200"), ("qbo", "1100")]
)
def test_with_a_party_a_screen_that_wants_one_takes_it(profile: str, code: str) -> None:
    told = entry((code, "debit", 100), ("4000", "credit", 100), party="Acme", currency="USD")
    assert profiles.render(profile, [told], CHART)
