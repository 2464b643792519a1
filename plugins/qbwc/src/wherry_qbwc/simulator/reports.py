"""The trial balance of a company file, and the lines behind it: what invoices, credit memos and journal entries booked,
in its own currency."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from lxml import etree

from .company import Company, Record
from .values import Obj, amount, cents, money

TEMPORARY = ("Income", "OtherIncome", "CostOfGoodsSold", "Expense", "OtherExpense")
COLUMNS = ("", "Debit", "Credit")
TOTAL = "TOTAL"
SPOKEN = {"Invoice": "Invoice", "CreditMemo": "Credit Memo", "JournalEntry": "General Journal"}


def trial_balance(company: Company, told: Obj) -> etree._Element:
    """The ReportRet, as of the last day of its period; income and expense begin anew in January."""
    last = told.get("ReportPeriod", {}).get("ToReportDate") or company.today()
    rows = [(_named(company, account), _sides(net)) for account, net in _standing(company, last).items() if net]
    sums = tuple(sum((sides[n] for _, sides in rows), Decimal(0)) for n in (0, 1))
    made = etree.Element("ReportRet")
    head = {"ReportTitle": "Trial Balance", "ReportSubtitle": f"As of {last}", "ReportBasis": "Accrual",
            "NumRows": str(len(rows) + 1), "NumColumns": str(len(COLUMNS)), "NumColTitleRows": "1"}  # fmt: skip
    _head(made, head)
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


def _head(made: etree._Element, head: dict[str, str]) -> None:
    for name, text in head.items():
        etree.SubElement(made, name).text = text


def transactions(company: Company, told: Obj) -> etree._Element:
    """The ReportRet of what every transaction booked in its period, line by line, with the columns asked for."""
    period, columns = told.get("ReportPeriod", {}), told["IncludeColumn"]
    first, last = period.get("FromReportDate", ""), period.get("ToReportDate") or company.today()
    rows = [
        _line(company, record, account, worth)
        for record in company.of("Invoice", "CreditMemo", "JournalEntry")
        for account, worth in (_booked(company, record) if first <= record.body["TxnDate"] <= last else ())
    ]
    made = etree.Element("ReportRet")
    _head(made, {
        "ReportTitle": "Custom Transaction Detail Report", "ReportSubtitle": f"{first} through {last}",
        "ReportBasis": "Accrual", "NumRows": str(len(rows)), "NumColumns": str(len(columns)), "NumColTitleRows": "1",
    })  # fmt: skip
    for n, name in enumerate(columns, 1):
        kind = {"Date": "DATETYPE", "Debit": "AMTTYPE", "Credit": "AMTTYPE", "TxnID": "IDTYPE"}.get(name, "STRTYPE")
        column = etree.SubElement(made, "ColDesc", colID=str(n), dataType=kind)
        etree.SubElement(column, "ColTitle", titleRow="1", value=name)
        etree.SubElement(column, "ColType").text = name
    data = etree.SubElement(made, "ReportData")
    for number, row in enumerate(rows, 1):
        at = etree.SubElement(data, "DataRow", rowNumber=str(number))
        for n, name in enumerate(columns, 1):
            if row.get(name):
                etree.SubElement(at, "ColData", colID=str(n), value=row[name])
    if not rows:
        made.remove(data)
    return made


def _line(company: Company, record: Record, account: str, worth: Decimal) -> dict[str, str]:
    return {
        "TxnID": record.id, "TxnType": SPOKEN[record.kind], "TxnNumber": str(record.number),
        "RefNumber": record.body.get("RefNumber", ""), "Date": record.body["TxnDate"],
        "Account": _shown(company, account), "Debit": amount(worth) if worth > 0 else "",
        "Credit": amount(-worth) if worth < 0 else "",
    }  # fmt: skip


def _shown(company: Company, account: str) -> str:
    """Every part of a full name with its number in front."""
    at, parts = company.records[account], list[str]()
    while True:
        number = at.body.get("AccountNumber", "")
        parts.append(f"{number} · {at.name}" if number else at.name)
        above = company.parent(at)
        if above is None:
            return ":".join(reversed(parts))
        at = above


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
