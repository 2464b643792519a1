"""The trial balance, as QuickBooks reports it, from what the documents booked.

Facts: balances are those at the end of the last day, whatever the first one is; income and expense begin anew with each
fiscal year, what they came to before is carried to the retained earnings (Intuit's help on closing a year). Where the
company keeps account numbers they stand before the names.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from wherry.money import decimals

from .company import Company
from .kinds import CLASSIFICATIONS
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
    return {"Header": _header(company, start, end, rows), "Columns": {"Column": columns}, "Rows": {"Row": rows + foot}}


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


def _header(company: Company, start: str, end: str, rows: list[Obj]) -> Obj:
    return {
        "Time": company.time,
        "ReportName": "TrialBalance",
        "ReportBasis": "Accrual",
        "StartPeriod": start,
        "EndPeriod": end,
        "SummarizeColumnsBy": "Total",
        "Currency": company.currency,
        "Option": [{"Name": "NoReportData", "Value": "false" if rows else "true"}],
    }
