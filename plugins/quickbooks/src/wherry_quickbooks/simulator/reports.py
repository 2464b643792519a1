"""The trial balance, as QuickBooks reports it, from what the documents booked."""

from decimal import Decimal

from .company import Company
from .kinds import CLASSIFICATIONS
from .values import ZERO, Obj


def trial_balance(company: Company, start: str, end: str) -> Obj:
    """Accounts with a balance at the end of `end`, debits and credits apart; the last row adds them up."""
    balances = company.ledger.until(end)
    order = list(CLASSIFICATIONS)
    accounts = sorted(company.objects["Account"].values(), key=lambda a: (order.index(a["AccountType"]), a["Name"]))
    rows = [_row(account, balances[account["Id"]]) for account in accounts if balances.get(account["Id"])]
    debits = sum((max(b, ZERO) for b in balances.values()), ZERO)
    credits = sum((max(-b, ZERO) for b in balances.values()), ZERO)
    total = {"ColData": [{"value": "TOTAL"}, {"value": _money(debits)}, {"value": _money(credits)}]}
    foot = [{"Summary": total, "type": "Section", "group": "GrandTotal"}]
    titles = (("", "Account"), ("Debit", "Money"), ("Credit", "Money"))
    columns = [{"ColTitle": title, "ColType": kind} for title, kind in titles]
    return {"Header": _header(company, start, end, rows), "Columns": {"Column": columns}, "Rows": {"Row": rows + foot}}


def _row(account: Obj, balance: Decimal) -> Obj:
    sides = (_money(balance) if balance > 0 else "", _money(-balance) if balance < 0 else "")
    name = {"value": account["FullyQualifiedName"], "id": account["Id"]}
    return {"ColData": [name, *({"value": side} for side in sides)]}


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


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
