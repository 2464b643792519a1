"""Lists kept by name: customers, vendors, items, accounts, classes, departments, terms, currencies."""

from collections.abc import Callable
from decimal import Decimal

from .answers import QboFault
from .company import Company
from .kinds import CLASSIFICATIONS, KINDS, SHARED_NAMES, SUBTYPES
from .ledger import Posting
from .values import Obj, ref, rounded

MOST_LEVELS = 5
BANNED: dict[str, str] = {"Account": ':"\t\n\r'}
USUAL = ":\t\n\r"
GONE = " (deleted)"
ITEM_NEEDS: dict[str, tuple[str, ...]] = {
    "Service": ("IncomeAccountRef",),
    "NonInventory": ("IncomeAccountRef",),
    "Inventory": ("IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef", "QtyOnHand", "InvStartDate"),
}
ITEM_ACCOUNTS = {
    "IncomeAccountRef": ("Income", "Other Income"),
    "AssetAccountRef": ("Other Current Asset",),
}


def named(company: Company, kind: str, body: Obj, old: Obj | None) -> Obj:
    """Judge an entry of a list; the object to store. Raises QboFault."""
    body = dict(body)
    judge = JUDGES.get(kind)
    if judge:
        body = judge(company, body, old)
    return _placed(company, kind, _kept_apart(company, kind, body, old))


def _kept_apart(company: Company, kind: str, body: Obj, old: Obj | None) -> Obj:
    """Names are unique whatever their case; an entry made inactive lets go of its name."""
    field = KINDS[kind].unique
    name = str(body[field]).strip()
    if not name:
        raise QboFault("6080", f"{field} holds nothing but blanks", field)
    if any(sign in name for sign in BANNED.get(kind, USUAL)):
        raise QboFault("2040", f"{field} contains a colon, a quote, a tab or a new line", field)
    body.setdefault("Active", True)
    if old and old["Active"] and not body["Active"]:
        name = _let_go(company, kind, field, name)
    elif old and body["Active"] and not old["Active"]:
        name = name.partition(GONE[:-1])[0]
    body[field] = name
    own = (kind, (old or {}).get("Id"))
    taken = [other for other in _rivals(company, kind, field, body) if other != own]
    if taken:
        raise QboFault("6240", f"The name supplied already exists. : Id={taken[0][1]}", field)
    return body


def _let_go(company: Company, kind: str, field: str, name: str) -> str:
    number, new = 1, f"{name}{GONE}"
    while next(company.having(kind, field, new), None):
        new, number = f"{name}{GONE[:-1]} {number})", number + 1
    return new


def _rivals(company: Company, kind: str, field: str, body: Obj) -> list[tuple[str, str]]:
    kinds = [k for k in SHARED_NAMES if k in KINDS] if kind in SHARED_NAMES else [kind]
    found = [(k, other) for k in kinds for other in company.having(k, field, body[field])]
    # Lists in trees tell siblings apart, people are one list.
    siblings = kind not in SHARED_NAMES
    return [(k, other["Id"]) for k, other in found if not siblings or other.get("ParentRef") == body.get("ParentRef")]


def _placed(company: Company, kind: str, body: Obj) -> Obj:
    """Full name and level below the parents."""
    if "FullyQualifiedName" not in BRANCHES.get(kind, ()):
        return body
    names, parent, own = [body[KINDS[kind].unique]], body.get("ParentRef"), body.get("Id")
    while parent:
        if parent["value"] == own:
            raise QboFault("2500", "An entry cannot be below itself", "ParentRef")
        above = company.needed(kind, parent["value"])
        names.append(above[KINDS[kind].unique])
        parent = above.get("ParentRef")
    if len(names) > MOST_LEVELS:
        raise QboFault("6180", f"At most {MOST_LEVELS} levels are allowed", "ParentRef")
    body["FullyQualifiedName"] = ":".join(reversed(names))
    if "Level" in BRANCHES[kind] and len(names) > 1:
        body["Level"] = len(names) - 1
    return {**body, BRANCHES[kind][0]: len(names) > 1}


BRANCHES: dict[str, tuple[str, ...]] = {
    "Customer": ("Job", "FullyQualifiedName", "Level"),
    "Item": ("SubItem", "FullyQualifiedName", "Level"),
    "Account": ("SubAccount", "FullyQualifiedName"),
    "Class": ("SubClass", "FullyQualifiedName"),
    "Department": ("SubDepartment", "FullyQualifiedName"),
}


def _person(company: Company, body: Obj, old: Obj | None) -> Obj:
    parts = [body.get(n, "") for n in ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")]
    name = body.get("DisplayName") or " ".join(p for p in parts if p) or body.get("CompanyName")
    if not name:
        raise QboFault(
            "6080", "At least one of DisplayName, GivenName, FamilyName, Title, Suffix is required", "DisplayName"
        )
    currency = body.get("CurrencyRef") or (old or {}).get("CurrencyRef") or ref(company.currency)
    if old and old["CurrencyRef"]["value"] != currency["value"]:
        raise QboFault("6000", "The currency of a customer or vendor cannot be changed", "CurrencyRef")
    return {
        **body,
        "DisplayName": name,
        "PrintOnCheckName": body.get("PrintOnCheckName", name),
        "CurrencyRef": currency,
    }


def _customer(company: Company, body: Obj, old: Obj | None) -> Obj:
    if bool(body.get("Job")) != ("ParentRef" in body):
        raise QboFault("6150", "ParentRef is required when Job is true, and allowed then only", "ParentRef")
    return {"Taxable": True, "BillWithParent": False, **_person(company, body, old)}


def _vendor(company: Company, body: Obj, old: Obj | None) -> Obj:
    return {"Vendor1099": False, "FullyQualifiedName": "", **_person(company, body, old)} | {"FullyQualifiedName": ""}


def _item(company: Company, body: Obj, old: Obj | None) -> Obj:
    kind = body.get("Type") or (old or {}).get("Type") or "Service"
    for field in ITEM_NEEDS.get(kind, ()):
        if field not in body:
            raise QboFault("2020", f"Required parameter {field} is missing in the request", field)
    for field, types in ITEM_ACCOUNTS.items():
        if field in body and company.needed("Account", body[field]["value"])["AccountType"] not in types:
            raise QboFault("6430", f"{field} must be an account of type {' or '.join(types)}", field)
    defaults = {"UnitPrice": Decimal(0), "PurchaseCost": Decimal(0), "Taxable": False, "TrackQtyOnHand": False}
    return {**defaults, **body, "Type": kind, "TrackQtyOnHand": kind == "Inventory"}


def _account(company: Company, body: Obj, old: Obj | None) -> Obj:
    kind, subtype = body.get("AccountType"), body.get("AccountSubType")
    by_subtype = {sub: main for main, subs in SUBTYPES.items() for sub in subs}
    kind = kind or by_subtype.get(subtype or "")
    if kind is None:
        raise QboFault("6010", "AccountType or AccountSubType must be given", "AccountType")
    if kind not in CLASSIFICATIONS:
        raise QboFault("2170", f"AccountType {kind} is not known", "AccountType")
    if subtype and subtype in by_subtype and subtype not in SUBTYPES[kind]:
        raise QboFault("6010", f"AccountSubType {subtype} is not one of {kind}", "AccountSubType")
    number = body.get("AcctNum")
    others = [a["Id"] for a in company.having("Account", "AcctNum", number or "")] if number else []
    if set(others) - {(old or {}).get("Id")}:
        raise QboFault("6240", f"The account number supplied already exists. : Id={others[0]}", "AcctNum")
    return company.typed_account({**body, "AccountType": kind})


def _term(company: Company, body: Obj, old: Obj | None) -> Obj:
    if ("DueDays" in body) == ("DayOfMonthDue" in body):
        raise QboFault("2020", "Either DueDays or DayOfMonthDue must be given", "DueDays")
    return {**body, "Type": "STANDARD" if "DueDays" in body else "DATE_DRIVEN"}


def _currency(company: Company, body: Obj, old: Obj | None) -> Obj:
    if not company.multicurrency:
        raise QboFault("5030", "Multicurrency is not switched on in this company", "Code")
    return {"Name": body["Code"], **body}


JUDGES: dict[str, Callable[[Company, Obj, Obj | None], Obj]] = {
    "Customer": _customer,
    "Vendor": _vendor,
    "Item": _item,
    "Account": _account,
    "Term": _term,
    "CompanyCurrency": _currency,
}


def opening(company: Company, kind: str, body: Obj) -> list[Posting]:
    """What a new entry books by being there: the opening stock of a counted item."""
    if kind != "Item" or body.get("Type") != "Inventory":
        return []
    worth = rounded(body["QtyOnHand"] * body["PurchaseCost"], company.currency)
    equity = company.account("equity")["Id"]
    date = body["InvStartDate"]
    return [Posting(body["AssetAccountRef"]["value"], worth, date), Posting(equity, -worth, date)]
