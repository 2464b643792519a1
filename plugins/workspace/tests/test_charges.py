"""Import of charges: a file of another system becomes invoices, to the penny; the same file twice changes nothing."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ConfigError, NotFound
from wherry.roles import Documents
from wherry.store import Store
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.charge_import import import_charges
from wherry_workspace.layouts import ONLINE_RETAIL, layout_of
from wherry_workspace.rows import Report

if TYPE_CHECKING:
    from .conftest import Retail

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
TWO = [
    "536365,85123A,WHITE HEART,6,01/12/2010 08:26,2.55,17850,United Kingdom",
    "536365,71053,WHITE LANTERN,8,01/12/2010 08:26,3.39,17850,United Kingdom",
    "C536379,D,Discount,-1,01/12/2010 09:41,27.50,14527,United Kingdom",
]


@pytest.fixture
def stored(tmp_path: Path, clock: FakeClock) -> Iterator[Documents]:
    """A workspace on a real store."""
    store = Store(f"sqlite:///{tmp_path / 'state.db'}", clock, tmp_path / "files")
    with store.documents("workspace") as documents:
        yield documents
    store.close()


@pytest.fixture
def imported(tmp_path: Path, retail: Retail) -> Iterator[Documents]:
    """A workspace into which the real file was imported."""
    with retail.store(tmp_path) as store, store.documents("workspace") as documents:
        yield documents


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def file(*rows: str, name: str = "charges.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\r\n".join([HEADER, *rows]).encode(encoding))
        return path

    return file


def taken(documents: Documents, path: Path, **how: Any) -> Report:
    return import_charges(documents, ONLINE_RETAIL, path, how.pop("currency", "GBP"), **how)


def held(documents: Documents, kind: str, key: str) -> dict[str, dict[str, Any]]:
    """Every document's fields, by one of them."""
    return {document["fields"][key]: document["fields"] for _, document in documents.each(kind)}


def totals(documents: Documents) -> dict[str, int]:
    return {number: fields["total"]["minor"] for number, fields in held(documents, "invoice", "number").items()}


def reckoned(path: Path) -> tuple[dict[str, int], dict[str, int], int]:
    """Straight from the file: invoice → pence, invoice → lines, and the number of whole rows."""
    pence: dict[str, Decimal] = defaultdict(Decimal)
    lines: dict[str, int] = defaultdict(int)
    with path.open(encoding="cp1252", newline="") as handle:
        rows = [row for row in csv.reader(handle) if len(row) == 8][1:]
    for row in rows:
        pence[row[0]] += (Decimal(row[3]) * Decimal(row[5]) * 100).quantize(Decimal(1), ROUND_HALF_UP)
        lines[row[0]] += 1
    return {number: int(value) for number, value in pence.items()}, dict(lines), len(rows)


def test_the_real_file_becomes_its_invoices_to_the_penny_and_the_row_cut_off_is_told(
    retail: Retail, imported: Documents
) -> None:
    """b_003_08, I8"""
    report = retail.report
    pence, lines, rows = reckoned(retail.path)
    assert totals(imported) == pence
    invoices = held(imported, "invoice", "number")
    assert {number: len(fields["lines"]) for number, fields in invoices.items()} == lines
    assert sum(len(fields["lines"]) for fields in invoices.values()) == rows
    assert (report.creates, report.totals, report.residue) == (len(pence), {"GBP": "681528.61"}, {})
    assert [(one.row, one.reason) for one in report.bad] == [
        (rows + 2, "it has 3 of 8 cells; is it cut off? Invoice 539650 is without it")
    ]
    assert {fields.get("status") for fields in invoices.values()} == {"Invoiced"}
    assert sum(1 for fields in invoices.values() if fields["total"]["minor"] < 0) == sum(
        1 for number in pence if number.startswith("C")
    )
    assert sum(1 for fields in invoices.values() if "location" not in fields) == 270
    voucher = held(imported, "product", "sku")["gift_0001_40"]
    assert voucher["name"] == "Dotcomgiftshop Gift Voucher £40.00"
    names = [fields["name"].casefold() for _, d in imported.each("product") for fields in [d["fields"]]]
    assert len(names) == len(set(names)), "books know products by their names"


def test_the_real_file_twice_changes_nothing_the_second_time(retail: Retail, imported: Documents) -> None:
    before = {kind: list(imported.each(kind)) for kind in ("invoice", "product", "customer", "location")}
    report = taken(imported, retail.path)
    assert (report.creates, report.updated, report.others) == (0, {}, {})
    assert report.unchanged == len(before["invoice"])
    assert {kind: list(imported.each(kind)) for kind in before} == before


def test_an_invoice_has_its_charges_as_lines_its_day_its_customer_and_its_place(
    file: Callable[..., Path], documents: Documents
) -> None:
    """b_003_08, b_003_14, I11: the day of the file, whatever zone it is read in."""
    taken(documents, file(*TWO))
    invoice = held(documents, "invoice", "number")["536365"]
    [(customer, c)], [(location, loc)] = (
        [(name, d["fields"]) for name, d in documents.each(kind) if "17850" in d["fields"]["name"]]
        for kind in ("customer", "location")
    )
    assert (c["number"], loc["gl_number"], loc["customer"], loc["country"]) == (
        "17850", "17850", customer, "United Kingdom",
    )  # fmt: skip
    products = {d["fields"]["sku"]: name for name, d in documents.each("product")}
    assert invoice == {
        "number": "536365", "date": "2010-12-01", "customer": customer, "location": location, "status": "Invoiced",
        "total": {"minor": 4242, "currency": "GBP"}, "custom": {"time": "08:26", "country": "United Kingdom"},
        "lines": [
            {"product": products["85123A"], "description": "WHITE HEART", "quantity": "6", "rate": "2.55",
             "amount": {"minor": 1530, "currency": "GBP"}},
            {"product": products["71053"], "description": "WHITE LANTERN", "quantity": "8", "rate": "3.39",
             "amount": {"minor": 2712, "currency": "GBP"}},
        ],
    }  # fmt: skip


def test_a_credit_note_is_an_invoice_below_zero(file: Callable[..., Path], documents: Documents) -> None:
    """case_C7"""
    taken(documents, file(*TWO))
    credit = held(documents, "invoice", "number")["C536379"]
    assert credit["total"] == {"minor": -2750, "currency": "GBP"}
    assert credit["lines"][0]["quantity"] == "-1"


def test_charges_without_customer_without_price_and_with_odd_words_are_taken_as_they_are(
    file: Callable[..., Path], documents: Documents
) -> None:
    odd = [
        "1,22139,?,-20,02/12/2010 10:00,0,,United Kingdom",
        "2,22139,damages,3,02/12/2010 10:01,0.0,,United Kingdom",
        "3,22139,,1,02/12/2010 10:02,4.25,,United Kingdom",
    ]
    report = taken(documents, file(*odd))
    invoices = held(documents, "invoice", "number")
    assert report.bad == []
    assert [line.get("description", "") for one in invoices.values() for line in one["lines"]] == ["?", "damages", ""]
    assert totals(documents) == {"1": 0, "2": 0, "3": 425}
    assert not any("customer" in one or "location" in one for one in invoices.values())
    assert held(documents, "product", "sku")["22139"]["name"] == "22139", "a note is no name"


def test_a_product_is_called_by_its_first_real_description_and_no_two_alike(
    file: Callable[..., Path], documents: Documents
) -> None:
    rows = [
        "1,22139,damages,1,02/12/2010 10:00,1,,UK", "1,22139,Found,1,02/12/2010 10:00,1,,UK",
        "1,22139,TEA SET,1,02/12/2010 10:00,1,,UK", "1,22139,TEA CUPS,1,02/12/2010 10:00,1,,UK",
        "1,22140,TEA  set!,1,02/12/2010 10:00,1,,UK", "1,22140,TEA-SET,1,02/12/2010 10:00,1,,UK",
        "1,m,Manual,1,02/12/2010 10:00,1,,UK", "1,M,Manual,1,02/12/2010 10:00,1,,UK",
    ]  # fmt: skip
    taken(documents, file(*rows))
    names = {sku: fields["name"] for sku, fields in held(documents, "product", "sku").items()}
    assert names == {"22139": "TEA SET", "22140": "TEA  set! (22140)", "m": "Manual"}


def test_rows_that_cannot_be_read_are_told_with_number_and_column_and_cost_nothing_else(
    file: Callable[..., Path], documents: Documents
) -> None:
    rows = [
        *TWO,
        "536366,22633,HAND WARMER,six,01/12/2010 08:28,1.85,17850,United Kingdom",
        "536366,22632,HAND WARMER RED,6,31/02/2010 08:28,1.85,17850,United Kingdom",
        "536366,22631,HAND WARMER BLUE,6,01/12/2010 08:28,1.85,17850,United Kingdom",
        ",22630,HAND WARMER PINK,6,01/12/2010 08:28,1.85,17850,United Kingdom",
        "536366,22629,HAND WARMER GREY,6,01/12/2010 08:28,1.85,99,United Kingdom",
        "536366,22628,HAND WARMER GREEN,6,02/12/2010 08:28,1.85,17850,United Kingdom",
        '536367,"cut',
    ]
    report = taken(documents, file(*rows))
    assert [(one.row, one.field) for one in report.bad] == [
        (5, "quantity"), (6, "invoicedate"), (8, "invoiceno"), (9, "customerid"), (10, "invoicedate"), (11, ""),
    ]  # fmt: skip
    assert totals(documents) == {"536365": 4242, "C536379": -2750, "536366": 1110}
    assert "22630" not in held(documents, "product", "sku")


def test_an_edited_file_updates_what_it_changes_and_a_longer_one_adds_lines(
    file: Callable[..., Path], documents: Documents
) -> None:
    taken(documents, file(*TWO))
    edited = [TWO[0].replace(",6,", ",7,"), *TWO[1:], "536365,22632,HAND WARMER,1,01/12/2010 08:26,1.85,17850,UK"]
    report = taken(documents, file(*edited))
    assert (report.creates, report.unchanged, report.others) == (0, 1, {"product": 1})
    [changes] = report.updated.values()
    assert [change.field for change in changes][:3] == ["lines[0].quantity", "lines[0].amount", "lines[2]"]
    assert totals(documents)["536365"] == 4242 + 255 + 185


def test_what_was_edited_here_is_not_undone_by_the_same_file(file: Callable[..., Path], documents: Documents) -> None:
    """b_003_10: a void stays one."""
    taken(documents, file(*TWO))
    [name] = [name for name, d in documents.each("invoice") if d["fields"]["number"] == "536365"]
    work.edit(documents, "invoice", name, {"status": "Void"})
    report = taken(documents, file(*TWO))
    assert (report.unchanged, report.updated) == (2, {})
    assert held(documents, "invoice", "number")["536365"]["status"] == "Void"


def test_invoices_that_lie_in_pieces_are_put_together(file: Callable[..., Path], documents: Documents) -> None:
    taken(documents, file(TWO[0], TWO[2], TWO[1]))
    assert totals(documents) == {"536365": 4242, "C536379": -2750}


def test_what_is_known_by_number_is_used_and_keeps_its_name(file: Callable[..., Path], documents: Documents) -> None:
    documents.put("product", [("I-1", {"fields": {"name": "Heart", "sku": "85123a"}, "local": {}})])
    documents.put("customer", [("C-1", {"fields": {"name": "Acme", "number": "17850"}, "local": {}})])
    report = taken(documents, file(*TWO[:2]))
    assert report.others == {"product": 1, "location": 1}
    invoice = held(documents, "invoice", "number")["536365"]
    assert (invoice["customer"], invoice["lines"][0]["product"]) == ("C-1", "I-1")
    assert held(documents, "product", "sku")["85123a"]["name"] == "Heart"


def test_a_dry_run_tells_and_writes_nothing(file: Callable[..., Path], documents: Documents) -> None:
    report = taken(documents, file(*TWO), dry_run=True)
    assert (report.creates, report.applied, report.created) == (2, False, [])
    assert report.others == {"product": 3, "customer": 2, "location": 2}
    assert [documents.count(kind) for kind in ("invoice", "product", "customer", "location")] == [0, 0, 0, 0]


def test_a_layout_is_known_by_its_name_or_by_the_files_header(file: Callable[..., Path], tmp_path: Path) -> None:
    path = file(*TWO)
    assert layout_of("online-retail", path) is ONLINE_RETAIL
    assert layout_of("Online Retail", path) is ONLINE_RETAIL
    assert [layout_of(name, path) for name in ("charges", "charge", "invoice")] == [ONLINE_RETAIL] * 3
    assert layout_of("customer", path) is None
    plain = tmp_path / "plain.csv"
    plain.write_text("service,date\nStorage,2026-01-31\n")
    assert layout_of("charges", plain) is None
    assert layout_of("charges", tmp_path / "missing.csv") is None


def test_what_is_no_such_file_or_currency_is_told_at_once(
    file: Callable[..., Path], documents: Documents, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="GBX"):
        taken(documents, file(*TWO), currency="GBX")
    with pytest.raises(NotFound):
        taken(documents, tmp_path / "missing.csv")
    plain = tmp_path / "plain.csv"
    plain.write_text("service,date\nStorage,2026-01-31\n")
    with pytest.raises(ConfigError, match="unknown column 'service'"):
        taken(documents, plain)
    assert documents.count("invoice") == 0


QUANTITY = st.integers(-(10**6), 10**6)
RATE = st.decimals("0", "99999.9999", places=4).map(lambda rate: format(rate, "f"))


@given(st.lists(st.tuples(st.integers(1, 4), QUANTITY, RATE), min_size=1, max_size=12))
def test_totals_are_sums_of_lines_rounded_once_and_the_residue_is_counted(
    fresh: Callable[[], Documents], tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, str]]
) -> None:
    """I8, I9"""
    path = tmp_path_factory.getbasetemp() / "charges.csv"
    text = (f"{n},SKU,THING,{quantity},01/12/2010 08:26,{rate},17850,UK" for n, quantity, rate in rows)
    path.write_text("\n".join([HEADER, *text]))
    documents = fresh()
    report = taken(documents, path)
    whole = sum((quantity * Decimal(rate) for _, quantity, rate in rows), Decimal(0))
    assert sum(totals(documents).values()) == int(Decimal(report.totals["GBP"]) * 100)
    assert Decimal(report.totals["GBP"]) + Decimal(report.residue.get("GBP", "0")) == whole
    for _, document in documents.each("invoice"):
        lines = document["fields"]["lines"]
        assert document["fields"]["total"]["minor"] == sum(line["amount"]["minor"] for line in lines)


def numbers(rows: Iterable[str]) -> list[str]:
    return [row.partition(",")[0] for row in rows]


@given(st.permutations(TWO * 2))
def test_the_order_of_rows_changes_no_total(
    fresh: Callable[[], Documents], tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "shuffled.csv"
    path.write_text("\n".join([HEADER, *rows]))
    documents = fresh()
    taken(documents, path)
    assert totals(documents) == {"536365": 2 * 4242, "C536379": -2 * 2750}
    assert set(totals(documents)) == set(numbers(rows))


# -- the order of days -------------------------------------------------------------------------------------------------

US = "536365,1001,Oak bench,6,12/1/2010 8:26,2.55,17850,United Kingdom"
US_PAST_THE_12TH = "536366,1001,Oak bench,6,12/13/2010 8:26,2.55,17850,United Kingdom"
DAY_FIRST = "536367,1001,Oak bench,6,13/12/2010 8:26,2.55,17850,United Kingdom"


def dates(documents: Documents) -> list[str]:
    return [fields["date"] for fields in held(documents, "invoice", "number").values()]


def test_one_day_past_the_12th_tells_the_order_of_all(stored: Documents, file: Callable[..., Path]) -> None:
    report = taken(stored, file(US, US_PAST_THE_12TH))
    assert dates(stored) == ["2010-12-01", "2010-12-13"]
    assert report.told == "its days are written month-day-year, as those past the 12th show"
    assert not report.bad


def test_days_that_may_be_of_either_order_are_never_swapped_in_silence(
    stored: Documents, file: Callable[..., Path]
) -> None:
    report = taken(stored, file(US))
    assert dates(stored) == ["2010-01-12"]
    assert "12/1/2010 8:26 is 2010-01-12; if that is wrong, import it again with --days month-day-year" in report.told
    again = taken(stored, file(US), days="month-day-year")
    assert (dates(stored), again.told) == (["2010-12-01"], "")
    with pytest.raises(ConfigError) as refused:
        taken(stored, file(US), named=False)
    assert refused.value.code == "WHERRY-2862"


def test_a_file_with_days_of_both_orders_is_refused_as_a_whole_unless_one_is_said(
    stored: Documents, file: Callable[..., Path]
) -> None:
    with pytest.raises(ConfigError, match=r"row 2 has '12/13/2010 8:26'") as refused:
        taken(stored, file(US_PAST_THE_12TH, DAY_FIRST))
    assert refused.value.code == "WHERRY-2863"
    assert dates(stored) == []
    report = taken(stored, file(US_PAST_THE_12TH, DAY_FIRST), days="month-day-year")
    assert dates(stored) == ["2010-12-13"]
    assert [one.reason for one in report.bad] == ["'13/12/2010 8:26' is not a day such as 01/31/2026 08:26"]


def test_a_day_that_is_the_same_in_both_orders_asks_nothing(stored: Documents, file: Callable[..., Path]) -> None:
    assert taken(stored, file(US.replace("12/1/", "12/12/")), named=False).told == ""
    assert dates(stored) == ["2010-12-12"]
