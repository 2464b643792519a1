"""The trial balance and the general ledger, as QuickBooks reports them, from what the documents booked.

Facts: balances are those at the end of the last day, whatever the first one is; income and expense begin anew with each
fiscal year, what they came to before is carried to the retained earnings (Intuit's help on closing a year). Where the
company keeps account numbers they stand before the names. The general ledger has a section for each account, with the
columns that were asked for: one that the company does not know is left out without a word, and a report of more than
400,000 cells ends with a row that says so (Intuit's API reference on the report, and its limits).
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from wherry.money import decimals

from .company import Company
from .kinds import CLASSIFICATIONS
from .ledger import Posting
from .values import ZERO, Obj

TEMPORARY = frozenset({"Revenue", "Expense"})
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def trial_balance(company: Company, start: str, end: str) -> Obj:
    """Accounts with a balance at the end of `end`, debits and credits apart; the last row adds them up."""
    balances = _carried(company, end)
    order = list(CLASSIFICATIONS)
    accounts = sorted(company.objects["Account"].values(), key=lambda a: (order.index(a["AccountType"]), a["Name"]))
    rows = [_row(company, account, balances[account["Id"]]) for account in accounts if balances.get(account["Id"])]
    debits = sum((max(b, ZERO) for b in balances.values()), ZERO)
    credits = sum((max(-b, ZERO) for b in balances.values()), ZERO)
    sums = ({"value": _money(side, company.currency)} for side in (debits, credits))
    foot = [{"Summary": {"ColData": [{"value": "TOTAL"}, *sums]}, "type": "Section", "group": "GrandTotal"}]
    titles = (("", "Account"), ("Debit", "Money"), ("Credit", "Money"))
    columns = [{"ColTitle": title, "ColType": kind} for title, kind in titles]
    return {
        "Header": _header(company, "TrialBalance", start, end, rows),
        "Columns": {"Column": columns},
        "Rows": {"Row": rows + foot},
    }


def _carried(company: Company, end: str) -> Mapping[str, Decimal]:
    """Balances at the end of a day, the results of earlier fiscal years among the retained earnings."""
    balances = defaultdict(Decimal, company.ledger.until(end))
    retained = company.account("retained")["Id"]
    for account, amount in company.ledger.until(_day_before(_year_of(company, end))).items():
        if company.objects["Account"][account]["Classification"] in TEMPORARY:
            balances[account] -= amount
            balances[retained] += amount
    return balances


def _year_of(company: Company, day: str) -> str:
    """The first day of the fiscal year that a day is in."""
    month = MONTHS.index(company.preferences["AccountingInfoPrefs"]["FirstMonthOfFiscalYear"]) + 1
    year = int(day[:4]) - (int(day[5:7]) < month)
    return f"{year:04d}-{month:02d}-01"


def _day_before(day: str) -> str:
    """A text that sorts after every earlier day, and before this one."""
    return f"{day[:-2]}00"


def _row(company: Company, account: Obj, balance: Decimal) -> Obj:
    sides = (_money(balance, company.currency) if balance > 0 else "",
             _money(-balance, company.currency) if balance < 0 else "")  # fmt: skip
    number = company.shown("Account", account).get("AcctNum")
    name = f"{number} {account['FullyQualifiedName']}" if number else account["FullyQualifiedName"]
    return {"ColData": [{"value": name, "id": account["Id"]}, *({"value": side} for side in sides)]}


def _money(amount: Decimal, currency: str) -> str:
    return f"{amount:.{decimals(currency)}f}"


def _header(company: Company, name: str, start: str, end: str, rows: list[Obj]) -> Obj:
    return {
        "Time": company.time,
        "ReportName": name,
        "ReportBasis": "Accrual",
        "StartPeriod": start,
        "EndPeriod": end,
        "SummarizeColumnsBy": "Total",
        "Currency": company.currency,
        "Option": [{"Name": "NoReportData", "Value": "false" if rows else "true"}],
    }


# -- the general ledger ------------------------------------------------------------

MOST_CELLS = 400_000
COLUMNS = {
    "tx_date": ("Date", "Date"), "txn_type": ("Transaction Type", "String"), "doc_num": ("Num", "String"),
    "memo": ("Memo/Description", "String"), "account_name": ("Account", "Account"), "debt_amt": ("Debit", "Money"),
    "credit_amt": ("Credit", "Money"), "subt_nat_amount": ("Amount", "Money"), "debt_home_amt": ("Debit", "Money"),
    "credit_home_amt": ("Credit", "Money"), "subt_nat_home_amount": ("Amount", "Money"),
}  # fmt: skip
"""Key → title and type. Amounts at home have keys of their own, where there are several currencies."""
LABELS = {"JournalEntry": "Journal Entry", "CreditMemo": "Credit Memo", "SalesReceipt": "Sales Receipt",
          "Item": "Inventory Starting Value"}  # fmt: skip
CUT = "Unable to display more data. Please reduce the date range."


def general_ledger(company: Company, start: str, end: str, accounts: str = "", columns: str = "") -> Obj:
    """What every document booked from `start` to `end`, by account: those named by id, or all."""
    chosen = [one for one in accounts.split(",") if one]
    keys = _known(company, columns.split(",") if columns else ["tx_date", "txn_type", "doc_num", "memo",
                                                               "subt_nat_amount"])  # fmt: skip
    booked: defaultdict[str, list[tuple[tuple[str, str], Posting]]] = defaultdict(list)
    for key, postings in company.ledger.postings.items():
        for one in postings:
            if start <= one.date <= end and (not chosen or one.account in chosen):
                booked[one.account].append((key, one))
    rows = [_section(company, account, sorted(some, key=lambda two: two[1].date), keys)
            for account, some in sorted(booked.items(), key=lambda two: int(two[0]))]  # fmt: skip
    if sum(len(some) for some in booked.values()) * len(keys) > MOST_CELLS:
        rows = [*rows[:1], {"ColData": [{"value": CUT}], "type": "Data"}]
    told = [{"ColTitle": COLUMNS[key][0], "ColType": COLUMNS[key][1], "MetaData": [{"Name": "ColKey", "Value": key}]}
            for key in keys]  # fmt: skip
    return {"Header": _header(company, "GeneralLedger", start, end, rows), "Columns": {"Column": told},
            "Rows": {"Row": rows}}  # fmt: skip


def _known(company: Company, keys: list[str]) -> list[str]:
    """Amounts in the form of the other kind of company are left out."""
    amounts = {key: "_home" in key for key in COLUMNS if COLUMNS[key][1] == "Money"}
    return [key for key in keys if key in COLUMNS and amounts.get(key, company.multicurrency) == company.multicurrency]


def _section(company: Company, account: str, booked: list[tuple[tuple[str, str], Posting]], keys: list[str]) -> Obj:
    held = company.objects["Account"][account]
    name = str(company.shown("Account", held)["FullyQualifiedName"])
    blank = [{"value": ""} for _ in keys[1:]]
    lines: list[Obj] = [{"ColData": [{"value": "Beginning Balance"}, *blank], "type": "Data"}]
    lines += [{"ColData": [_cell(company, key, name, one, column) for column in keys], "type": "Data"}
              for key, one in booked]  # fmt: skip
    return {
        "Header": {"ColData": [{"value": name, "id": account}, *blank]}, "Rows": {"Row": lines},
        "Summary": {"ColData": [{"value": f"Total for {name}"}, *blank]}, "type": "Section",
    }  # fmt: skip


def _cell(company: Company, key: tuple[str, str], name: str, one: Posting, column: str) -> Obj:
    kind, id = key
    document = company.objects[kind].get(id, {})
    if column == "tx_date":
        return {"value": one.date}
    if column == "txn_type":
        return {"value": LABELS.get(kind, kind), **({"id": id} if "TxnDate" in document else {})}
    if column == "account_name":
        return {"value": name, "id": one.account}
    if column in ("doc_num", "memo"):
        return {"value": str(document.get("DocNumber" if column == "doc_num" else "PrivateNote") or "")}
    sided = {"debt": one.amount, "cred": -one.amount}.get(column[:4])
    if sided is not None:
        return {"value": _money(sided, company.currency) if sided > 0 else ""}
    debit = company.objects["Account"][one.account]["Classification"] in ("Asset", "Expense")
    return {"value": _money(one.amount if debit else -one.amount, company.currency)}
