"""Sales tax, currencies, credit memos and classes, as a company file takes them that keeps all of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from wherry.errors import ConfigError, Rejected
from wherry.posting.tables import tax_codes
from wherry.records import Item
from wherry_qbwc import facts

from .company_bench import desktop
from .test_sink import Bench, item, money, order

TABLE = [("7.75", "san tomas"), ("20", "San Tomas"), ("5", "Springfield")]


@pytest.fixture
def taxing() -> Bench:
    return Bench(desktop(sales_tax=True), TABLE)


@pytest.fixture
def several() -> Bench:
    return Bench(desktop(multicurrency=True))


def taxed(bench: Bench, *rates: str | None, **more: Any) -> dict[str, Any]:
    """An order whose two lines, 30.60 and 10.00, have these rates."""
    body = order(bench)
    body["lines"] = [{**line, "tax_rate": rate} for line, rate in zip(body["lines"], rates, strict=True)]
    return {**body, **more}


def held(bench: Bench, what: Item) -> Rejected:
    with pytest.raises(Rejected) as caught:
        bench.sent(what)
    assert caught.value.where["item"] == what.stamp
    return caught.value


def record(bench: Bench, what: Item) -> dict[str, Any]:
    return bench.sim.company().records[str(what.target)].body


# -- tax ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entity", ["sales_order", "invoice", "credit_memo", "estimate"])
def test_tax_of_the_source_is_the_tax_of_quickbooks_to_the_penny(
    taxing: Bench, entity: str, complaints: Callable[[bytes], list[str]]
) -> None:
    """One line of 30.60 is taxed at 7.75 %, one is not: 2.37 in QuickBooks as at the source."""
    whole = item(entity, taxed(taxing, "7.75", "0", tax=money(237), total=money(4297)))
    made = taxing.written(whole)
    assert (record(taxing, made)["SalesTaxTotal"], record(taxing, made)["TotalAmount"]) == ("2.37", "42.97")
    assert complaints(taxing.sent(whole)) == []
    again = taxing.written(replace(made, body=taxed(taxing, "0", "0", memo="None of it")))
    assert record(taxing, again)["TotalAmount"] == "40.60"
    [hit] = taxing.look(again)
    assert hit.facts == facts.of_item(again, taxing.books)


def test_a_document_that_says_nothing_of_tax_gets_none_where_all_is_taxable(taxing: Bench) -> None:
    made = taxing.written(item("invoice", order(taxing)))
    assert record(taxing, made)["TotalAmount"] == "40.60"


@pytest.mark.parametrize(
    ("rates", "more", "code"),
    [
        (("8.25", "0"), {}, "WHERRY-4362"),
        (("5", "0"), {}, "WHERRY-4365"),
        (("7.75", "20"), {}, "WHERRY-4361"),
        (("20", "0"), {}, "WHERRY-4363"),
        (("7.75", "0"), {"tax": money(238), "total": money(4298)}, "WHERRY-4363"),
        ((None, None), {"tax": money(237), "total": money(4297)}, "WHERRY-4364"),
        (("7.75", "0"), {"tax": money(237), "total": money(4298)}, "WHERRY-4634"),
    ],
)
def test_tax_that_quickbooks_would_make_another_is_held(
    taxing: Bench, rates: tuple[str | None, str | None], more: dict[str, Any], code: str
) -> None:
    """A rate without a row in the table, a name that QuickBooks lacks, two rates, another rate, a cent of rounding."""
    body = taxed(taxing, *rates, total=None)
    assert held(taxing, item("invoice", {**body, **more})).code == code


def test_tax_for_a_file_that_keeps_none_is_held_with_what_to_switch_on() -> None:
    plain = Bench(desktop(), TABLE)
    refused = held(plain, item("invoice", taxed(plain, "7.75", "0", total=None)))
    assert refused.code == "WHERRY-4360"
    assert "switch sales tax on" in refused.fix
    plain.written(item("invoice", taxed(plain, "0", None)))


def test_outside_the_united_states_the_code_of_a_line_says_its_rate(
    taxing: Bench, complaints: Callable[[bytes], list[str]]
) -> None:
    taxing.taxes = [{"rate": "20", "code": "Tax"}, {"rate": "", "code": "Non"}]
    taxing.read()
    taxing.books = replace(taxing.books, taxes=replace(taxing.books.taxes, by_line=True))
    sent = taxing.sent(item("invoice", taxed(taxing, "20", None, total=money(4672))))
    codes = taxing.books.taxes.codes
    assert b"ItemSalesTaxRef" not in sent
    assert [sent.count(codes[name].encode()) for name in ("tax", "non")] == [1, 1]
    assert complaints(sent) == []
    assert held(taxing, item("invoice", taxed(taxing, "5", None, total=None))).code == "WHERRY-4362"


@pytest.mark.parametrize("rows", [[("x", "Tax")], [("20", "")], [("20", "A"), ("20", "B")]])
def test_a_table_of_taxes_that_cannot_be_read_is_told_by_its_line(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(ConfigError, match=r"tables/tax\.csv, line [23]") as caught:
        tax_codes("tables/tax.csv", [{"rate": rate, "code": code} for rate, code in rows])
    assert caught.value.code == "WHERRY-2660"


# -- currencies --------------------------------------------------------------------------------------------------------


def in_euros(bench: Bench, customer: str) -> dict[str, Any]:
    body = order(bench, customer=customer, total=money(4060, "EUR"))
    body["lines"][1]["amount"] = money(1000, "EUR")
    return body


def test_a_document_goes_to_a_customer_of_its_currency_and_to_no_other(several: Bench) -> None:
    """A dollar customer's invoice would be in dollars whatever it says."""
    who = several.written(item("customer", {"name": "Kern", "number": "1", "currency": "EUR"}))
    several.read()
    assert several.books.currency == "USD"
    made = several.written(item("invoice", in_euros(several, str(who.target))))
    assert facts.of_item(made, several.books)["currency"] == "Euro"
    dollars = order(several)["customer"]
    refused = held(several, item("invoice", in_euros(several, dollars)))
    assert refused.code == "WHERRY-4348"
    assert "kept in US Dollar" in refused.message
    assert held(several, item("invoice", order(several, customer=str(who.target)))).code == "WHERRY-4348"


def test_a_currency_that_the_file_does_not_keep_is_held(several: Bench) -> None:
    assert held(several, item("customer", {"name": "Kern", "currency": "JPY"})).code == "WHERRY-4367"
    body = order(several, total=money(4060, "JPY"))
    body["lines"] = [{**body["lines"][0]}]
    assert held(several, item("invoice", body)).code == "WHERRY-4366"


def entry(currency: str = "USD", **more: Any) -> dict[str, Any]:
    lines = [{"side": side, "account": account, "amount": money(1250, currency)}
             for side, account in (("debit", "10100"), ("credit", "40100"))]  # fmt: skip
    return {"number": "J-1", "date": "2026-03-31", "lines": lines, "currency": currency, **more}


def test_an_entry_in_another_currency_carries_it_and_its_rate(
    several: Bench, complaints: Callable[[bytes], list[str]]
) -> None:
    whole = item("journal_entry", entry("EUR", exchange_rate="1.0825", home="USD"))
    assert complaints(several.sent(whole)) == []
    body = record(several, several.written(whole))
    assert (body["ExchangeRate"], several.sim.company().shown_reference(body["CurrencyRef"])["FullName"]) == (
        "1.0825", "Euro",
    )  # fmt: skip
    assert b"CurrencyRef" not in several.sent(item("journal_entry", entry()))
    other = item("journal_entry", entry("EUR", exchange_rate="1.0825", home="GBP"))
    assert held(several, other).code == "WHERRY-4368"


# -- journals ----------------------------------------------------------------------------------------------------------


def test_the_line_on_receivables_comes_first_and_names_its_customer_and_its_class() -> None:
    bench = Bench(desktop())
    customer = order(bench)["customer"]
    lines = [
        {"side": "debit", "account": "10100", "amount": money(250)},
        {"side": "debit", "account": "60100", "amount": money(1000), "dimensions": {"class": "remodel"}},
        {"side": "credit", "account": "11000", "amount": money(1250), "customer": customer},
    ]
    body = {"number": "J-1", "date": "2026-03-31", "lines": lines}
    made = bench.written(item("journal_entry", body))
    kept = bench.sim.company().records[str(made.target)].lines
    shown = bench.sim.company().told(bench.sim.company().records[str(made.target)])["lines"]
    assert kept[0][0] == "JournalCreditLine"
    assert (shown[0]["AccountRef"], shown[0]["EntityRef"]) == ("Accounts Receivable", "Cook, Brian")
    assert {line.get("ClassRef") for line in shown} == {None, "Remodel"}
    twice = [*lines[:2], {**lines[2], "amount": money(1000)}, {**lines[2], "amount": money(250)}]
    assert held(bench, item("journal_entry", {**body, "lines": twice})).code == "WHERRY-4349"


@pytest.mark.parametrize("entity", ["sales_order", "invoice", "credit_memo", "estimate"])
def test_a_line_of_a_sale_gets_its_class_and_one_that_nobody_has_is_held(
    entity: str, complaints: Callable[[bytes], list[str]]
) -> None:
    bench = Bench(desktop())
    body = order(bench)
    body["lines"][0]["dimensions"] = {"class": "Remodel"}
    made = bench.written(item(entity, body))
    lines = bench.sim.company().told(bench.sim.company().records[str(made.target)])["lines"]
    assert [line.get("ClassRef") for line in lines] == ["Remodel", None]
    assert complaints(bench.sent(item(entity, body))) == []
    body["lines"][1]["dimensions"] = {"class": "Remodle"}
    refused = held(bench, item(entity, body))
    assert refused.code == "WHERRY-4359"
    assert "near it: Remodel" in refused.message
    plain = bench.written(replace(made, body=order(bench)))
    assert "class" not in str(facts.of_item(replace(plain, before=None), bench.books))
