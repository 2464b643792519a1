"""Invoices, estimates, credit memos, receipts and journal entries of the stand-in: rules, totals, bookings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry_quickbooks.simulator.kinds import KINDS
from wherry_quickbooks.simulator.shapes import SHAPES

AR, SALES, BANK, AP = "84", "79", "35", "33"


def entry(book: Any, *lines: Any, **more: Any) -> dict[str, Any]:
    return {
        "TxnDate": "2026-03-31",
        "Line": [book(*told[:3], **(told[3] if told[3:] else {})) for told in lines],
        **more,
    }


def test_an_invoice_comes_back_with_what_quickbooks_adds(api: Any, line: Any) -> None:
    body = api.invoice(DocNumber="INV-1042", TxnDate="2026-03-31", PrivateNote="hub invoice 1042")
    made = api.made("Invoice", body)
    own = made["Line"][-1]
    assert (own["DetailType"], own["Amount"], own["SubTotalLineDetail"]) == ("SubTotalLineDetail", 250, {})
    assert (made["SyncToken"], made["domain"], made["sparse"]) == ("0", "QBO", False)
    assert made["MetaData"]["CreateTime"] == "2026-03-31T10:00:00-07:00"
    assert (made["TotalAmt"], made["Balance"], made["DueDate"]) == (250, 250, "2026-04-30")
    assert made["CustomerRef"]["name"] == "Acme Ltd"
    assert made["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "NON"}
    (effect,) = api.sim.history.effects("Invoice.created")
    assert effect.detail["name"] == "INV-1042"
    assert (effect.detail["note"], effect.detail["total"]) == ("hub invoice 1042", "250.00")


def test_every_kind_of_transaction_books_so_that_the_trial_balance_holds(api: Any, line: Any, book: Any) -> None:
    api.made("Invoice", api.invoice(250))
    api.made("CreditMemo", api.invoice(40))
    api.made("SalesReceipt", api.invoice(10.5))
    api.made("Estimate", api.invoice(999))
    api.made("JournalEntry", entry(book, ("Debit", BANK, 7), ("Credit", SALES, 7)))
    assert api.balances() == {AR: 210, "4": Decimal("10.5"), BANK: 7, SALES: Decimal("-227.5")}
    (customer,) = api.asked("select * from Customer")["Customer"]
    assert customer["Balance"] == 210


def test_an_update_a_void_and_a_deletion_take_their_bookings_along(api: Any, line: Any) -> None:
    body = api.invoice(250)
    one, two = api.made("Invoice", body), api.made("Invoice", body)
    newer = {**body, "Id": one["Id"], "SyncToken": "0", "Line": [{**body["Line"][0], "Amount": 100}]}
    assert api.made("Invoice", newer)["SyncToken"] == "1"
    assert api.balances()[AR] == 350
    token = {"Id": one["Id"], "SyncToken": "1"}
    voided = api.made("Invoice", token, operation="void")
    assert (voided["TotalAmt"], voided["Balance"], voided["PrivateNote"]) == (0, 0, "Voided")
    gone = api.made("Invoice", {"Id": two["Id"], "SyncToken": "0"}, operation="delete")
    assert gone == {"domain": "QBO", "status": "Deleted", "Id": two["Id"]}
    assert api.balances() == {}
    assert api.refused("Invoice", {"Id": two["Id"], "SyncToken": "0"}, operation="delete") == "610"
    told = [e.what for e in api.sim.history.effects() if e.what.startswith("Invoice")]
    assert told == ["Invoice.created", "Invoice.created", "Invoice.updated", "Invoice.voided", "Invoice.deleted"]


def test_a_sparse_update_keeps_what_it_leaves_out_and_a_full_one_blanks_it(api: Any) -> None:
    made = api.made("Invoice", api.invoice(PrivateNote="first", DocNumber="A1"))
    sparse = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "CustomerMemo": {"value": "Thanks"}}
    assert api.made("Invoice", sparse)["PrivateNote"] == "first"
    whole = api.made("Invoice", {**api.invoice(), "Id": made["Id"], "SyncToken": "1"})
    assert "PrivateNote" not in whole
    assert "CustomerMemo" not in whole
    assert whole["MetaData"]["CreateTime"] == made["MetaData"]["CreateTime"]
    assert api.refused("Invoice", {"Id": made["Id"], "SyncToken": "2", "CustomerRef": made["CustomerRef"]}) == "2020"


def test_a_stale_token_is_refused_and_changes_nothing(api: Any) -> None:
    """case_C11"""
    made = api.made("Invoice", api.invoice(PrivateNote="first"))
    note = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "second"}
    assert api.made("Invoice", note)["SyncToken"] == "1"
    assert api.refused("Invoice", {**note, "PrivateNote": "third"}) == "5010"
    assert api.refused("Invoice", {k: v for k, v in note.items() if k != "SyncToken"}) == "2020"
    assert api.get(f"invoice/{made['Id']}")["Invoice"]["PrivateNote"] == "second"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CustomerRef": {"value": "999"}}, "2500"),
        ({"CustomerRef": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"Line": [{"DetailType": "SubTotalLineDetail", "Amount": 1}]}, "2250"),
        ({"Line": [{"Amount": 1}]}, "2020"),
        ({"Line": [{"DetailType": "Nonsense", "Amount": 1}]}, "2170"),
        ({"Line": [{"DetailType": "GroupLineDetail", "GroupLineDetail": {}}]}, "5030"),
        ({"Line": [{"DetailType": "SalesItemLineDetail", "Amount": 1, "SalesItemLineDetail": {"Qty": 1}}]}, "6440"),
        ({"DocNumber": "N" * 22}, "2050"),
        ({"TxnDate": "2026-02-30"}, "2060"),
        ({"TotalAmount": 1}, "2010"),
        ({"CurrencyRef": {"value": "EUR"}}, "2220"),
        ({"GlobalTaxCalculation": "Sometimes"}, "2170"),
        ({"DepartmentRef": {"value": "7"}}, "2500"),
        ({"ExchangeRate": "one"}, "2100"),
        ({"ApplyTaxAfterDiscount": "perhaps"}, "2230"),
    ],
)
def test_a_malformed_invoice_is_refused_with_its_code(api: Any, change: dict[str, Any], code: str) -> None:
    assert api.refused("Invoice", {**api.invoice(), **change}) == code
    assert api.sim.objects("Invoice") == []
    assert api.balances() == {}


@pytest.mark.parametrize(
    ("amount", "detail", "code"),
    [
        (250, {"Qty": 2, "UnitPrice": 125}, ""),
        (0.33, {"Qty": 3, "UnitPrice": 0.11}, ""),
        (10.01, {"Qty": 3, "UnitPrice": 3.335}, ""),
        (250.01, {"Qty": 2, "UnitPrice": 125}, "6070"),
        (10.005, {}, "2140"),
        (10, {"TaxCodeRef": {"value": "2"}}, "6100"),
        (-10, {}, "6000"),
    ],
)
def test_a_lines_amount_is_quantity_times_price(api: Any, line: Any, amount: float, detail: Any, code: str) -> None:
    """case_C4"""
    item = api.item()
    body = {"CustomerRef": {"value": api.customer()}, "Line": [line(item, amount, **detail)]}
    assert (api.refused("Invoice", body) if code else api.made("Invoice", body)["TotalAmt"]) == (
        code or Decimal(str(amount))
    )


def test_a_credit_line_lowers_the_total_of_an_invoice(api: Any, line: Any) -> None:
    body = api.invoice(100)
    body["Line"].append({**body["Line"][0], "Amount": -30})
    assert api.made("Invoice", body)["TotalAmt"] == 70
    assert api.balances() == {AR: 70, SALES: -70}


def test_a_discount_lowers_the_total_and_has_its_own_account(api: Any) -> None:
    body = api.invoice(200)
    ten = {"PercentBased": True, "DiscountPercent": 10}
    body["Line"].append({"DetailType": "DiscountLineDetail", "DiscountLineDetail": ten})
    made = api.made("Invoice", body)
    assert (made["TotalAmt"], made["Line"][1]["Amount"]) == (180, 20)
    assert api.balances() == {AR: 180, SALES: -200, "86": 20}


def test_inactive_parties_and_things_cannot_be_used(api: Any, line: Any, book: Any) -> None:
    """case_C16"""
    body = api.invoice()
    customer, item = body["CustomerRef"]["value"], body["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"]
    account = api.made("Account", {"Name": "Old", "AccountType": "Expense"})["Id"]
    for kind, key in (("Item", item), ("Customer", customer), ("Account", account)):
        api.made(kind, {"Id": key, "SyncToken": "0", "sparse": True, "Active": False})
    assert api.refused("Invoice", body) == "6250"
    assert api.refused("Invoice", {**body, "CustomerRef": {"value": api.customer("Other")}}) == "610"
    assert api.refused("JournalEntry", entry(book, ("Debit", account, 1), ("Credit", SALES, 1))) == "610"
    assert api.refused("JournalEntry", entry(book, ("Debit", "4711", 1), ("Credit", SALES, 1))) == "2500"


def test_a_document_number_is_taken_once_as_far_as_the_preference_goes(api: Any) -> None:
    first = api.made("Invoice", api.invoice(DocNumber="A1"))
    again = api.post("invoice", api.invoice(DocNumber="a1"))
    assert again.json()["Fault"]["Error"][0]["code"] == "6140"
    assert f"TxnId={first['Id']}" in again.json()["Fault"]["Error"][0]["Detail"]
    assert api.made("CreditMemo", api.invoice(DocNumber="A1"))["DocNumber"] == "A1"
    assert api.made("Invoice", api.invoice(DocNumber="A1"), include="allowduplicatedocnum")["Id"] != first["Id"]
    api.sim.company().warn_duplicates = False
    assert api.made("Invoice", api.invoice(DocNumber="A1"))["DocNumber"] == "A1"


def test_numbers_are_given_out_where_the_company_does_not_keep_its_own(api: Any) -> None:
    assert "DocNumber" not in api.made("Invoice", api.invoice())
    prefs = api.get("preferences")["Preferences"]
    told = {"SyncToken": prefs["SyncToken"], "sparse": True, "SalesFormsPrefs": {"CustomTxnNumbers": False}}
    api.made("Preferences", {"Id": "1", **told})
    numbers = [api.made("Invoice", api.invoice())["DocNumber"] for _ in range(2)]
    assert len(set(numbers)) == 2


@pytest.mark.parametrize("code", ["6200", "6210", "5010"])
def test_closed_books_take_no_document_no_change_and_no_deletion(api: Any, code: str) -> None:
    """case_C12: the number 5010 of a closed period must not be taken for a stale object."""
    made = api.made("Invoice", api.invoice(TxnDate="2026-03-01"))
    api.sim.close_books("2026-03-31", code)
    assert api.refused("Invoice", api.invoice(TxnDate="2026-03-31")) == code
    token = {"Id": made["Id"], "SyncToken": "0"}
    assert api.refused("Invoice", {**token, "sparse": True, "TxnDate": "2026-04-02"}) == code
    assert api.refused("Invoice", token, operation="delete") == code
    assert api.refused("Invoice", token, operation="void") == code
    answer = api.post("invoice", token, operation="void").json()["Fault"]["Error"][0]
    assert "Period Closed" in answer["Message"] or "period" in answer["Message"]
    assert api.made("Invoice", api.invoice(TxnDate="2026-04-01"))["TxnDate"] == "2026-04-01"
    assert api.get("preferences")["Preferences"]["AccountingInfoPrefs"]["BookCloseDate"] == "2026-03-31"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([("Debit", BANK, 10), ("Credit", SALES, 9.99)], "2300"),
        ([("Debit", BANK, 10)], "2250"),
        ([("Debit", BANK, -10), ("Credit", SALES, -10)], "2290"),
        ([("Debit", BANK, 0), ("Credit", SALES, 0)], "2140"),
        ([("Debit", BANK, 0.005), ("Credit", SALES, 0.005)], "2140"),
        ([("Sideways", BANK, 10), ("Credit", SALES, 10)], "2170"),
        ([(None, BANK, 10), ("Credit", SALES, 10)], "2260"),
        ([("Debit", AR, 10), ("Credit", SALES, 10)], "6000"),
        ([("Debit", BANK, 10), ("Credit", AP, 10)], "6000"),
        (
            [("Debit", AR, 10, {"Entity": {"Type": "Vendor", "EntityRef": {"value": "1"}}}), ("Credit", SALES, 10)],
            "6000",
        ),
        ([("Debit", BANK, 10, {"TaxCodeRef": {"value": "TAX"}}), ("Credit", SALES, 10)], "2270"),
        (
            [("Debit", BANK, 10, {"TaxCodeRef": {"value": "TAX"}, "TaxApplicableOn": "Sales"}), ("Credit", SALES, 10)],
            "2280",
        ),
    ],
)
def test_a_wrong_journal_entry_is_refused_with_its_code(api: Any, book: Any, lines: Any, code: str) -> None:
    """case_C8"""
    assert api.refused("JournalEntry", entry(book, *lines)) == code
    assert api.balances() == {}


def test_a_journal_entry_on_receivables_names_one_customer(api: Any, book: Any) -> None:
    parties = [{"Entity": {"Type": "Customer", "EntityRef": {"value": api.customer(name)}}} for name in ("A", "B")]
    made = api.made("JournalEntry", entry(book, ("Debit", AR, 10, parties[0]), ("Credit", SALES, 10)))
    assert [part["Id"] for part in made["Line"]] == ["0", "1"]
    mixed = entry(book, ("Debit", AR, 10, parties[0]), ("Credit", AR, 10, parties[1]))
    assert api.refused("JournalEntry", mixed) == "6000"
    assert {c["DisplayName"]: c["Balance"] for c in api.asked("select * from Customer")["Customer"]} == {
        "A": 10,
        "B": 0,
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cents=st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=6), slip=st.integers(-1, 1))
def test_an_entry_passes_exactly_when_its_sides_are_equal(api: Any, book: Any, cents: list[int], slip: int) -> None:
    """case_C8"""
    debits = [book("Debit", BANK, c / 100) for c in cents]
    credit = book("Credit", SALES, (sum(cents) + slip) / 100)
    before = api.balances().get(BANK, 0)
    answer = api.post("journalentry", {"Line": [*debits, credit]})
    assert answer.status_code == (200 if slip == 0 else 400)
    assert api.balances().get(BANK, 0) - before == (Decimal(sum(cents)) / 100 if slip == 0 else 0)


def test_a_foreign_customer_is_billed_in_his_currency_and_booked_in_ours(standing: Any, book: Any) -> None:
    """case_C19"""
    api = standing(multicurrency=True)
    api.made("CompanyCurrency", {"Code": "EUR"})
    euro = {"CurrencyRef": {"value": "EUR"}}
    customer = api.customer("Kontor", **euro)
    api.made("ExchangeRate", {"SourceCurrencyCode": "EUR", "Rate": 1.085})
    body = {**api.invoice(33.33), "CustomerRef": {"value": customer}}
    made = api.made("Invoice", body)
    assert (made["CurrencyRef"]["value"], made["TotalAmt"]) == ("EUR", Decimal("33.33"))
    assert (made["ExchangeRate"], made["HomeTotalAmt"]) == (Decimal("1.085"), Decimal("36.16"))
    assert api.refused("Invoice", {**body, "CurrencyRef": {"value": "USD"}}) == "6000"
    foreign = next(a for a in api.sim.objects("Account") if a["Name"].endswith("EUR"))
    assert api.balances() == {foreign["Id"]: Decimal("36.16"), SALES: Decimal("-36.16")}
    party = {"Entity": {"Type": "Customer", "EntityRef": {"value": customer}}}
    wrong = entry(book, ("Debit", AR, 1, party), ("Credit", SALES, 1), **euro)
    right = entry(book, ("Debit", foreign["Id"], 1, party), ("Credit", SALES, 1), **euro)
    assert api.refused("JournalEntry", wrong) == "6000"
    assert api.made("JournalEntry", right)["ExchangeRate"] == Decimal("1.085")
    assert api.get("exchangerate", sourcecurrencycode="EUR")["ExchangeRate"]["Rate"] == Decimal("1.085")


def test_a_counted_item_leaves_the_stock_and_costs_what_it_cost(api: Any, line: Any) -> None:
    told = {"Type": "Inventory", "QtyOnHand": 10, "InvStartDate": "2026-01-01", "PurchaseCost": 3, "UnitPrice": 5}
    accounts = {"ExpenseAccountRef": {"value": "80"}, "AssetAccountRef": {"value": "81"}}
    item = api.item("Bolt", **told, **accounts)
    body = {"CustomerRef": {"value": api.customer()}, "Line": [line(item, 20, Qty=4, UnitPrice=5)]}
    made = api.made("Invoice", body)
    assert api.get(f"item/{item}")["Item"]["QtyOnHand"] == 6
    assert api.balances() == {AR: 20, SALES: -20, "80": 12, "81": 18, "34": -30}
    assert api.refused("Invoice", {**body, "TxnDate": "2025-12-31"}) == "6270"
    api.made("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert api.get(f"item/{item}")["Item"]["QtyOnHand"] == 10


WALK = st.lists(st.tuples(st.sampled_from(["create", "update", "void", "delete"]), st.integers(0, 10**7)), max_size=20)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=WALK, kind=st.sampled_from(["Invoice", "CreditMemo"]))
def test_receivables_are_the_sum_of_the_documents_whatever_was_done_to_them(api: Any, walk: Any, kind: str) -> None:
    """The model knows one number: what all documents together are worth."""
    sign = 1 if kind == "Invoice" else -1
    before, open_ones = api.balances().get(AR, Decimal(0)), {}
    for step, cents in walk:
        amount = Decimal(cents) / 100
        body = api.invoice(float(amount))
        if step == "create" or not open_ones:
            made = api.sim.write(kind, body)
        else:
            key, (token, _) = next(iter(open_ones.items()))
            told = {"Id": key, "SyncToken": token}
            made = api.sim.write(kind, {**body, **told} if step == "update" else told, step)
        if made.get("status") == "Deleted":
            del open_ones[made["Id"]]
        else:
            open_ones[made["Id"]] = (made["SyncToken"], made["TotalAmt"])
    worth = sum((total for _, total in open_ones.values()), Decimal(0))
    assert api.balances().get(AR, Decimal(0)) - before == sign * worth
    for key in open_ones:
        assert api.get(f"{kind.lower()}/{key}")[kind]["SyncToken"] == open_ones[key][0]


FIELDS = st.sampled_from(sorted({name for shape in SHAPES.values() for name in shape}))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(KINDS)), body=JSON, operation=st.sampled_from(["create", "update", "delete", "void"])
)
def test_whatever_a_body_holds_the_answer_is_an_object_or_a_fault(
    api: Any, kind: str, body: Any, operation: str
) -> None:
    answer = api.post(kind.lower(), body, operation=operation)
    assert answer.status_code in (200, 400)
    assert (kind if answer.status_code == 200 else "Fault") in answer.json()
