"""The trial balance of a company file: what invoices, credit memos and journal entries booked, in its own currency."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from lxml import etree

from .company import Company, Record
from .values import Obj, amount, cents, money

TEMPORARY = ("Income", "OtherIncome", "CostOfGoodsSold", "Expense", "OtherExpense")
COLUMNS = ("", "Debit", "Credit")
TOTAL = "TOTAL"


def trial_balance(company: Company, told: Obj) -> etree._Element:
    """The ReportRet, as of the last day of its period; income and expense begin anew in January."""
    last = told.get("ReportPeriod", {}).get("ToReportDate") or company.today()
    rows = [(_named(company, account), _sides(net)) for account, net in _standing(company, last).items() if net]
    sums = tuple(sum((sides[n] for _, sides in rows), Decimal(0)) for n in (0, 1))
    made = etree.Element("ReportRet")
    head = {"ReportTitle": "Trial Balance", "ReportSubtitle": f"As of {last}", "ReportBasis": "Accrual",
            "NumRows": str(len(rows) + 1), "NumColumns": str(len(COLUMNS)), "NumColTitleRows": "1"}  # fmt: skip
    for name, text in head.items():
        etree.SubElement(made, name).text = text
    for n, title in enumerate(COLUMNS, 1):
        column = etree.SubElement(made, "ColDesc", colID=str(n), dataType="AMTTYPE" if title else "STRTYPE")
        etree.SubElement(column, "ColTitle", {"titleRow": "1", **({"value": title} if title else {})})
        etree.SubElement(column, "ColType").text = title or "Label"
    data = etree.SubElement(made, "ReportData")
    for number, ((label, name), sides) in enumerate(rows, 1):
        row = etree.SubElement(data, "DataRow", rowNumber=str(number))
        etree.SubElement(row, "RowData", rowType="account", value=name)
        _cells(row, label, sides)
    _cells(etree.SubElement(data, "TotalRow", rowNumber=str(len(rows) + 1)), TOTAL, (sums[0], sums[1]))
    return made


def _cells(row: etree._Element, label: str, sides: tuple[Decimal, Decimal]) -> None:
    for n, text in enumerate((label, *(amount(side) if side else "" for side in sides)), 1):
        if text:
            etree.SubElement(row, "ColData", colID=str(n), value=text)


def _named(company: Company, account: str) -> tuple[str, str]:
    """As it is shown, number first, and its full name."""
    record = company.records[account]
    name = company.full_name(record)
    number = record.body.get("AccountNumber", "")
    return (f"{number} · {name}" if number else name), name


def _sides(net: Decimal) -> tuple[Decimal, Decimal]:
    return max(net, Decimal(0)), max(-net, Decimal(0))


def _standing(company: Company, last: str) -> dict[str, Decimal]:
    """Account → what stands on it at the end of a day, debits positive."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    kept = next(one.id for one in company.of("Account") if one.body.get("SpecialAccountType") == "RetainedEarnings")
    for record in company.of("Invoice", "CreditMemo", "JournalEntry"):
        date = record.body["TxnDate"]
        for account, worth in _booked(company, record) if date <= last else ():
            old = date[:4] < last[:4] and company.records[account].body["AccountType"] in TEMPORARY
            found[kept if old else account] += worth
    return found


def _booked(company: Company, record: Record) -> list[tuple[str, Decimal]]:
    rate = money(record.body.get("ExchangeRate", "1")) if "CurrencyRef" in record.body else Decimal(1)
    lines = _entry(record) if record.kind == "JournalEntry" else _sale(company, record)
    found = [(account, cents(worth * rate)) for account, worth in lines]
    left = sum((worth for _, worth in found), Decimal(0))
    if left:
        found.append((_special(company, "ExchangeGainLoss"), -left))
    return found


def _entry(record: Record) -> list[tuple[str, Decimal]]:
    return [
        (line["AccountRef"]["ListID"], money(line["Amount"]) * (1 if "Debit" in side else -1))
        for side, line in record.lines
    ]


def _sale(company: Company, record: Record) -> list[tuple[str, Decimal]]:
    sign = -1 if record.kind == "CreditMemo" else 1
    found = [(_special(company, "AccountsReceivable"), sign * money(record.body["TotalAmount"]))]
    if tax := money(record.body.get("SalesTaxTotal", "")):
        found.append((_special(company, "SalesTaxPayable"), -sign * tax))
    for _, line in record.lines:
        if "ItemRef" in line:
            item = company.records[line["ItemRef"]["ListID"]].body
            side = item.get("SalesOrPurchase") or item["SalesAndPurchase"]
            account = side.get("AccountRef") or side["IncomeAccountRef"]
            found.append((account["ListID"], -sign * money(line.get("Amount", ""))))
    return found


def _special(company: Company, kind: str) -> str:
    return next(one.id for one in company.of("Account") if one.body.get("SpecialAccountType") == kind)
