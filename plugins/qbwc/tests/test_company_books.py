"""Lists and transactions of the company file: names, references, arithmetic, journals, closing date, editions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry_qbwc.simulator import Status
from wherry_qbwc.simulator.values import amount, cents

from .company_bench import ask, code, desktop, one, order, row, rq

SIDE = {"SalesOrPurchase": {"AccountRef": {"FullName": "Services Income"}}}


def total(answer: Any) -> str:
    return str(row(answer).findtext("TotalAmount"))


# Lists


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("CustomerAdd", {"Name": "COOK, brian"}),
        ("CustomerAdd", {"Name": "Holly Heating and Electric"}),
        ("ItemServiceAdd", {"Name": "panel", **SIDE}),
        ("AccountAdd", {"Name": "Checking", "AccountType": "Bank"}),
    ],
)
def test_a_name_is_taken_whatever_its_case_and_whichever_list_shares_it(name: str, body: dict[str, Any]) -> None:
    assert code(one(desktop(), rq(name, body))) == (3100, "Error")


def test_a_name_may_be_used_again_below_another_parent() -> None:
    company = desktop()
    made = row(one(company, rq("CustomerAdd", {"Name": "Family Room", "ParentRef": {"FullName": "Cook, Brian"}})))
    assert (made.findtext("FullName"), made.findtext("Sublevel")) == ("Cook, Brian:Family Room", "1")


def test_a_change_needs_the_current_edit_sequence_and_keeps_what_it_does_not_name() -> None:
    """A stale edit sequence is refused with 3200 and changes nothing."""
    company = desktop()
    made = row(one(company, rq("CustomerAdd", {"Name": "New", "CompanyName": "New Ltd", "Phone": "1"})))
    key = {"ListID": made.findtext("ListID"), "EditSequence": made.findtext("EditSequence")}
    changed = row(one(company, rq("CustomerMod", {**key, "Phone": ""})))
    assert (changed.findtext("CompanyName"), changed.findtext("Phone")) == ("New Ltd", None)
    assert changed.findtext("EditSequence") != key["EditSequence"]
    assert code(one(company, rq("CustomerMod", {**key, "Phone": "2"}))) == (3200, "Error")
    assert code(one(company, rq("CustomerMod", {**key, "ListID": "8-1"}))) == (3120, "Error")


def test_a_new_name_holds_at_once_for_the_entry_and_those_below_it() -> None:
    company = desktop()
    old, below = "Abercrombie, Kristy", "Abercrombie, Kristy:Family Room"
    asked = [rq("CustomerQuery", {"FullName": name}) for name in (old, below, below.replace("Kristy", "K"))]
    assert [code(a)[0] for a in ask(company, *asked)] == [0, 0, 500]
    company.change(next(told["id"] for told in company.records("Customer") if told["FullName"] == old),
                   Name="Abercrombie, K")  # fmt: skip
    assert [code(a)[0] for a in ask(company, *asked)] == [500, 500, 0]


def test_an_item_needs_an_account_that_sales_can_post_to() -> None:
    receivable = {"SalesOrPurchase": {"AccountRef": {"FullName": "Accounts Receivable"}}}
    assert code(one(desktop(), rq("ItemServiceAdd", {"Name": "A", **receivable}))) == (3280, "Error")
    assert code(one(desktop(), rq("ItemServiceAdd", {"Name": "A", "SalesOrPurchase": {"Price": "1"}})))[0] == 3270


# Sales


def test_a_sales_order_takes_prices_and_descriptions_from_its_items() -> None:
    made = row(one(desktop(), rq("SalesOrderAdd", order())))
    lines = [[line.findtext(name) for name in ("Desc", "Quantity", "Rate", "Amount")]
             for line in made.findall("SalesOrderLineRet")]  # fmt: skip
    assert lines == [["Consulting", "1", "150.00", "150.00"], ["Roof", "2", "99.95", "199.90"]]
    assert (made.findtext("TotalAmount"), made.findtext("RefNumber")) == ("349.90", "INV-1042")


@given(st.decimals("0.00001", "9999", places=5), st.decimals("0.00001", "9999", places=5))
def test_an_amount_is_quantity_times_rate_rounded_once(quantity: Decimal, rate: Decimal) -> None:
    company = desktop()
    line = {"ItemRef": {"FullName": "Panel"}, "Quantity": f"{quantity:f}", "Rate": f"{rate:f}"}
    body = {"CustomerRef": {"FullName": "Cook, Brian"}, "SalesOrderLineAdd": [line]}
    assert total(one(company, rq("SalesOrderAdd", body))) == amount(cents(quantity * rate))


def test_quantity_rate_and_amount_that_disagree_are_refused() -> None:
    line = {"ItemRef": {"FullName": "Panel"}, "Quantity": "2", "Rate": "10.00", "Amount": "20.01"}
    body = {"CustomerRef": {"FullName": "Cook, Brian"}, "SalesOrderLineAdd": [line]}
    assert code(one(desktop(), rq("SalesOrderAdd", body))) == (3210, "Error")


def test_an_amount_without_a_rate_makes_the_rate() -> None:
    line = {"ItemRef": {"FullName": "Panel"}, "Quantity": "3", "Amount": "100.00"}
    body = {"CustomerRef": {"FullName": "Cook, Brian"}, "SalesOrderLineAdd": [line]}
    made = row(one(desktop(), rq("SalesOrderAdd", body)))
    assert [made.findtext(f"SalesOrderLineRet/{name}") for name in ("Rate", "Amount")] == ["33.33333", "100.00"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"CustomerRef": {"FullName": "Nobody"}}, 3140),
        ({"CustomerMsgRef": {"FullName": "Good-bye"}}, 3140),
        ({"ExchangeRate": "1.1"}, 3250),
    ],
)
def test_a_sale_that_leads_nowhere_is_refused(changed: dict[str, Any], expected: int) -> None:
    company = desktop()
    body = order()
    lines = body.pop("SalesOrderLineAdd")
    answer = one(company, rq("SalesOrderAdd", {**body, **changed, "SalesOrderLineAdd": lines}))
    assert code(answer) == (expected, "Error")
    assert company.records("SalesOrder") == []


def test_a_customer_who_was_made_inactive_cannot_be_sold_to() -> None:
    company = desktop()
    key = next(told["id"] for told in company.records("Customer") if told["FullName"] == "Cook, Brian")
    company.change(key, IsActive="false")
    assert code(one(company, rq("SalesOrderAdd", order()))) == (3300, "Error")


def test_two_documents_may_have_one_number() -> None:
    company = desktop()
    assert [code(a)[0] for a in ask(company, *[rq("SalesOrderAdd", order())] * 2)] == [0, 0]
    assert len(company.records("SalesOrder")) == 2


def test_a_change_of_lines_removes_those_left_out_and_one_without_lines_keeps_them() -> None:
    company = desktop()
    made = row(one(company, rq("SalesOrderAdd", order())))
    key, first = made.findtext("TxnID"), made.findtext("SalesOrderLineRet/TxnLineID")
    same = {"TxnID": key, "EditSequence": made.findtext("EditSequence")}
    after = row(one(company, rq("SalesOrderMod", {**same, "Memo": "other"})))
    assert (after.findtext("Memo"), after.findtext("TotalAmount")) == ("other", "349.90")
    lines = [{"TxnLineID": first, "Quantity": "2"}, {"TxnLineID": "-1", "ItemRef": {"FullName": "Installation"}}]
    again = {"TxnID": key, "EditSequence": after.findtext("EditSequence"), "SalesOrderLineMod": lines}
    changed = row(one(company, rq("SalesOrderMod", again)))
    assert [line.findtext("Amount") for line in changed.findall("SalesOrderLineRet")] == ["300.00", "125.00"]
    assert changed.findtext("SalesOrderLineRet/TxnLineID") == first
    unknown = {"TxnID": key, "EditSequence": changed.findtext("EditSequence"), "SalesOrderLineMod": {"TxnLineID": "9"}}
    assert code(one(company, rq("SalesOrderMod", unknown))) == (3120, "Error")


def test_pro_has_no_sales_orders_and_has_invoices() -> None:
    company = desktop(edition="pro")
    assert code(one(company, rq("SalesOrderAdd", order()))) == (3250, "Error")
    assert code(one(company, "<SalesOrderQueryRq/>")) == (3250, "Error")
    body = {"CustomerRef": {"FullName": "Cook, Brian"}, "InvoiceLineAdd": [{"ItemRef": {"FullName": "Panel"}}]}
    assert row(one(company, rq("InvoiceAdd", body))).findtext("BalanceRemaining") == "99.95"
    assert row(one(company, "<HostQueryRq/>")).findtext("ProductName") == "QuickBooks Pro 2021"


def test_nothing_is_written_on_or_before_the_closing_date() -> None:
    company = desktop()
    made = row(one(company, rq("SalesOrderAdd", order())))
    company.company().closing = "2026-03-31"
    key = {"TxnID": made.findtext("TxnID"), "EditSequence": made.findtext("EditSequence")}
    asked = [rq("SalesOrderAdd", order()), rq("SalesOrderMod", {**key, "TxnDate": "2026-05-01"}),
             rq("TxnDel", {"TxnDelType": "SalesOrder", "TxnID": key["TxnID"]})]  # fmt: skip
    assert [code(a)[0] for a in ask(company, *asked, on_error="continueOnError")] == [3171, 3171, 3171]
    later = order() | {"TxnDate": "2026-04-01"}
    assert code(one(company, rq("SalesOrderAdd", later)))[0] == 0


# Journals


def journal(*lines: tuple[str, str, str, str], **told: Any) -> str:
    """Lines are (side, account, amount, name)."""
    made = "".join(
        f"<Journal{side}Line><AccountRef><FullName>{account}</FullName></AccountRef><Amount>{worth}</Amount>"
        + (f"<EntityRef><FullName>{name}</FullName></EntityRef>" if name else "")
        + f"</Journal{side}Line>"
        for side, account, worth, name in lines
    )
    head = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    return f"<JournalEntryAddRq><JournalEntryAdd>{head}{made}</JournalEntryAdd></JournalEntryAddRq>"


CREDIT = ("Credit", "Services Income", "10.00", "")
OWED = ("Debit", "Accounts Receivable", "10.00", "Cook, Brian")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([OWED, CREDIT], 0),
        ([CREDIT, ("Debit", "Checking", "10.00", "")], 0),
        ([OWED, ("Credit", "Services Income", "9.99", "")], 3180),
        ([("Debit", "Accounts Receivable", "10.00", ""), CREDIT], 3180),
        ([("Debit", "Accounts Receivable", "10.00", "Holly Heating and Electric"), CREDIT], 3180),
        ([("Debit", "Accounts Payable", "10.00", "Cook, Brian"), CREDIT], 3180),
        ([OWED, OWED, CREDIT, CREDIT], 3180),
        ([("Debit", "Sales Orders", "10.00", ""), CREDIT], 3180),
        ([("Debit", "Checking", "-10.00", ""), ("Credit", "Services Income", "-10.00", "")], 3040),
        ([("Debit", "Nowhere", "10.00", ""), CREDIT], 3140),
        ([], 3180),
    ],
)
def test_a_journal_entry_balances_and_names_who_owes(lines: list[tuple[str, str, str, str]], expected: int) -> None:
    """Debits equal credits, one receivables or payables line with its customer or vendor."""
    company = desktop()
    assert code(one(company, journal(*lines)))[0] == expected
    assert len(company.records("JournalEntry")) == (expected == 0)


def test_lines_of_a_journal_entry_keep_the_order_they_came_in() -> None:
    made = row(one(desktop(), journal(CREDIT, ("Debit", "Checking", "4.00", ""), CREDIT, ("Debit", "Checking", "16.00",
                                                                                       ""))))  # fmt: skip
    sides = [str(line.tag) for line in made if str(line.tag).endswith("Line")]
    assert sides == ["JournalCreditLine", "JournalDebitLine"] * 2


def test_a_journal_entry_in_a_foreign_currency_needs_the_feature() -> None:
    told = {"CurrencyRef": "<FullName>Euro</FullName>", "ExchangeRate": "1.1"}
    assert code(one(desktop(), journal(OWED, CREDIT, **told)))[0] == 3250
    made = row(one(desktop(multicurrency=True), journal(OWED, CREDIT, **told)))
    assert made.findtext("CurrencyRef/FullName") == "Euro"


def test_a_journal_entry_can_be_changed_line_by_line() -> None:
    company = desktop()
    made = row(one(company, journal(OWED, CREDIT)))
    ids = [line.findtext("TxnLineID") for line in made if line.tag in ("JournalDebitLine", "JournalCreditLine")]
    lines = [{"TxnLineID": key, "Amount": "12.00"} for key in ids]
    key = {"TxnID": made.findtext("TxnID"), "EditSequence": made.findtext("EditSequence")}
    row(one(company, rq("JournalEntryMod", {**key, "JournalLineMod": lines})))
    assert company.records("JournalEntry")[0]["TotalAmount"] == "12.00"


# Taking back


def test_a_void_keeps_the_number_and_takes_the_money_and_only_happens_once() -> None:
    company = desktop()
    key = company.enter("Invoice", CustomerRef={"FullName": "Cook, Brian"}, RefNumber="7", Memo="m",
                        InvoiceLineAdd=[{"ItemRef": {"FullName": "Panel"}}])  # fmt: skip
    void = rq("TxnVoid", {"TxnVoidType": "Invoice", "TxnID": key})
    assert code(one(company, void)) == (0, "Info")
    told = company.records("Invoice")[0]
    assert (told["RefNumber"], told["TotalAmount"], told["Memo"]) == ("7", "0.00", "VOID: m")
    assert code(one(company, void)) == (3185, "Error")


def test_a_deletion_leaves_a_trace() -> None:
    company = desktop()
    key = row(one(company, rq("SalesOrderAdd", order()))).findtext("TxnID") or ""
    delete = rq("TxnDel", {"TxnDelType": "SalesOrder", "TxnID": key})
    assert [code(a)[0] for a in ask(company, delete, delete)] == [0, 3120]
    left = row(one(company, "<TxnDeletedQueryRq><TxnDelType>SalesOrder</TxnDelType></TxnDeletedQueryRq>"))
    assert (left.findtext("TxnID"), left.findtext("RefNumber")) == (key, "INV-1042")


def test_an_entry_that_is_in_use_cannot_be_deleted() -> None:
    company = desktop()
    ask(company, rq("SalesOrderAdd", order()))
    ids = {told["FullName"]: told["id"] for told in company.records("Customer")}
    gone = [rq("ListDel", {"ListDelType": "Customer", "ListID": ids[name]}) for name in ("Cook, Brian", "Baker, Chris")]
    assert [code(a)[0] for a in ask(company, *gone, on_error="continueOnError")] == [3160, 0]


# What a judge reads


def test_the_history_tells_of_every_effect_with_the_request_and_set_that_made_it() -> None:
    company = desktop()
    ask(company, rq("SalesOrderAdd", order(), 'requestID="r7"'), newMessageSetID="s7")
    (made,) = company.history.effects("SalesOrder.add")
    told = {name: made.detail[name] for name in ("request", "set", "Memo", "TotalAmount", "Customer", "file")}
    assert told == {"request": "r7", "set": "s7", "Memo": "stamp-1", "TotalAmount": "349.90",
                    "Customer": "Cook, Brian", "file": r"C:\QB\Rock Castle.QBW"}  # fmt: skip


def test_what_a_person_enters_is_under_the_same_rules_and_marked_as_theirs() -> None:
    company = desktop()
    with pytest.raises(Status, match="3100"):
        company.enter("Customer", Name="Cook, Brian")
    company.enter("Customer", Name="By Hand")
    assert company.history.effects("Customer.add")[-1].detail["by"] == "person"
