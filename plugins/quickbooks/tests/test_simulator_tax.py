"""Sales tax and VAT of the stand-in, in each of its modes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

TAX_ACCOUNT = "89"


def test_automatic_sales_tax_overrules_the_total_that_was_sent(standing: Any, line: Any) -> None:
    """case_C3"""
    api = standing(tax="us-automatic")
    item, customer = api.item(), api.customer()
    body = {"CustomerRef": {"value": customer}, "Line": [line(item, 100, "TAX"), line(item, 50, "NON")]}
    made = api.made("Invoice", {**body, "TxnTaxDetail": {"TotalTax": 1}})
    assert made["TotalAmt"] == Decimal("158.25")
    assert made["TxnTaxDetail"]["TotalTax"] == Decimal("8.25")
    assert api.balances()[TAX_ACCOUNT] == Decimal("-8.25")
    free = api.customer("Charity", Taxable=False)
    assert api.made("Invoice", {**body, "CustomerRef": {"value": free}})["TotalAmt"] == 150


def test_manual_sales_tax_follows_the_code_of_the_document(standing: Any, line: Any) -> None:
    api = standing(tax="us-manual")
    item = api.item()
    body = {"CustomerRef": {"value": api.customer()}, "Line": [line(item, 100, "TAX"), line(item, 50, "NON")]}
    assert api.made("Invoice", body)["TotalAmt"] == 150
    code = {"TxnTaxCodeRef": {"value": "3"}}
    assert api.made("Invoice", {**body, "TxnTaxDetail": code})["TotalAmt"] == Decimal("159.10")
    assert api.made("Invoice", {**body, "TxnTaxDetail": {**code, "TotalTax": 9.11}})["TotalAmt"] == Decimal("159.11")
    assert api.refused("Invoice", {**body, "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "TAX"}}}) == "6160"
    assert api.refused("Invoice", {**body, "Line": [line(item, 100, "3")]}) == "6100"


def test_vat_is_computed_by_rate_and_shown_line_by_line(standing: Any, line: Any) -> None:
    """case_C3"""
    api = standing(tax="uk", currency="GBP")
    item = api.item()
    lines = [line(item, 10.01, "2"), line(item, 10.01, "2"), line(item, 20, "3"), line(item, 5, "4")]
    made = api.made("Invoice", {"CustomerRef": {"value": api.customer()}, "Line": lines})
    told = made["TxnTaxDetail"]
    assert [(t["TaxLineDetail"]["TaxPercent"], t["Amount"]) for t in told["TaxLine"]] == [(20, 4), (5, 1), (0, 0)]
    assert (told["TotalTax"], made["TotalAmt"]) == (5, Decimal("50.02"))
    assert made["GlobalTaxCalculation"] == "TaxExcluded"
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "2", "name": "20.0% S"}
    assert api.balances()[TAX_ACCOUNT] == -5


def test_gross_amounts_are_split_into_net_and_vat(standing: Any, line: Any) -> None:
    api = standing(tax="uk", currency="GBP")
    item = api.item()
    body = {"CustomerRef": {"value": api.customer()}, "Line": [line(item, 9.99, "2", Qty=1, UnitPrice=9.99)]}
    made = api.made("Invoice", {**body, "GlobalTaxCalculation": "TaxInclusive"})
    detail = made["Line"][0]["SalesItemLineDetail"]
    assert (made["TotalAmt"], made["Line"][0]["Amount"]) == (Decimal("9.99"), Decimal("8.33"))
    assert detail["TaxInclusiveAmt"] == Decimal("9.99")
    sent_back = {**made, "TotalAmt": 9.99, "Balance": 9.99}
    as_json = json.loads(json.dumps(sent_back, default=float))
    assert api.made("Invoice", as_json)["TotalAmt"] == Decimal("9.99")


def test_a_line_without_a_vat_code_is_refused_and_american_codes_are_unknown(standing: Any, line: Any) -> None:
    api = standing(tax="uk", currency="GBP")
    body = {"CustomerRef": {"value": api.customer()}, "Line": [line(api.item(), 10)]}
    assert api.refused("Invoice", body) == "6000"
    assert api.made("Invoice", {**body, "GlobalTaxCalculation": "NotApplicable"})["TotalAmt"] == 10
    told = {"GlobalTaxCalculation": "NotApplicable", "TxnTaxDetail": {"TotalTax": 2}}
    assert api.refused("Invoice", {**body, **told}) == "6170"
    assert api.refused("Invoice", {**body, "Line": [line(api.item("B"), 10, "TAX")]}) == "2500"


def test_vat_on_a_journal_entry_counts_on_its_side(standing: Any, book: Any) -> None:
    api = standing(tax="uk", currency="GBP")
    taxed = {"TaxCodeRef": {"value": "2"}, "TaxApplicableOn": "Sales", "TaxAmount": 20}
    made = api.made("JournalEntry", {"Line": [book("Debit", "35", 120), book("Credit", "79", 100, **taxed)]})
    assert made["TotalAmt"] == 120
    assert api.balances() == {"35": 120, "79": -100, TAX_ACCOUNT: -20}


@pytest.mark.parametrize("tax", ["none", "us-automatic", "us-manual", "uk"])
def test_tax_codes_rates_and_agencies_can_be_read(standing: Any, tax: str) -> None:
    api = standing(tax=tax)
    codes = api.asked("select * from TaxCode")["TaxCode"]
    rates = {r["Id"]: r for r in api.asked("select * from TaxRate").get("TaxRate", [])}
    named = [d for c in codes for d in c.get("SalesTaxRateList", {}).get("TaxRateDetail", [])]
    assert all(detail["TaxRateRef"]["value"] in rates for detail in named)
    assert {"TAX", "NON"} <= {c["Id"] for c in codes} or tax == "uk"
    assert api.get("preferences")["Preferences"]["TaxPrefs"]["PartnerTaxEnabled"] == (tax == "us-automatic")
    assert bool(api.asked("select * from TaxAgency")) == (tax != "none")
