"""What Intuit's fault codes mean for a write: a table, one line a code.

Facts: Intuit's published error table. A number alone is not enough: 5010 is a stale object or, in some companies, a
closed period. A validation fault whose number is not in the table was not carried out either: it is refused in
QuickBooks' own words. Everything else that is not here leaves the item unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from .faults import Fault

Verdict = Literal["refused", "stale", "later", "name taken", "number taken", "closed", "unknown"]
VALIDATION = "ValidationFault"
_OTHER = re.compile(r"\b(?:Txn)?Id=(\d+)")


class Line(Struct, frozen=True):
    """``fix`` says in plain words what a person does; ``after`` is in seconds."""

    verdict: Verdict
    reason: str = ""
    field: str = ""
    fix: str = ""
    after: float = 60.0


def _refused(reason: str, fix: str, field: str = "") -> Line:
    return Line("refused", reason, field, fix)


_CORRECT = "correct the record or the map, then try it again"
CODES: dict[str, Line] = {
    # not now
    "3001": Line("later", "QuickBooks asks for fewer calls"),
    # somebody was there before
    "5010": Line("stale"),
    "6140": Line("number taken"),
    "6240": Line("name taken"),
    # closed books
    "6200": Line("closed"),
    "6210": Line("closed"),
    # what it refers to
    "610": _refused(
        "something it needs was deleted or made inactive in QuickBooks",
        "make it active again in QuickBooks, or link the record to another, then try it again",
    ),
    "2500": _refused(
        "it refers to something that QuickBooks does not have",
        "link the customer, product or account that QuickBooks names to another one, then try it again",
    ),
    "6250": _refused(
        "its customer is missing or inactive in QuickBooks",
        "make the customer active again, or link it to another, then try it again", "customer",
    ),
    "6440": _refused("a line has no product or account", "match the line's product, then try it again", "lines"),
    # what it says
    "2010": _refused("QuickBooks does not know a field of it", "look for a newer version of the QuickBooks plugin"),
    "2020": _refused("QuickBooks misses a value", "add the value that QuickBooks names, then try it again"),
    "2040": _refused("QuickBooks does not take a character of it", "take the character out, then try it again"),
    "2050": _refused("a text is too long for QuickBooks", "shorten the text that QuickBooks names, then try it again"),
    "2060": _refused("QuickBooks does not take a date of it", _CORRECT, "date"),
    "2130": _refused("QuickBooks does not take the key of the call", "look for a newer version of the plugin"),
    "2140": _refused("QuickBooks does not take an amount of it", _CORRECT, "lines"),
    "2170": _refused("QuickBooks does not know a value of it", _CORRECT),
    "2220": _refused(
        "its currency is not one of the QuickBooks company", "add the currency in QuickBooks, then try it again",
        "currency",
    ),
    "2250": _refused("it lacks lines", _CORRECT, "lines"),
    "2260": _refused("a line is neither debit nor credit", _CORRECT, "lines"),
    "2270": _refused("a line has a tax code but does not say of what", _CORRECT, "lines"),
    "2280": _refused("a line has a tax code but no tax", _CORRECT, "lines"),
    "2290": _refused("the amount of a line is negative", "change the side of the line, then try it again", "lines"),
    "2300": _refused("debits and credits differ", "correct the entry, then try it again", "lines"),
    "6000": _refused("a rule of QuickBooks is against it", "do what QuickBooks says, then try it again"),
    "6010": _refused("type and subtype of the account do not fit", _CORRECT),
    "6070": _refused("an amount is not quantity times rate", _CORRECT, "lines"),
    "6080": _refused("it has no name", "give it a name at the source, then try it again", "name"),
    "6100": _refused(
        "a line has a tax code that this company does not take there",
        "correct the code in the table of taxes, then try it again", "lines",
    ),
    "6160": _refused(
        "QuickBooks does not take the tax code of the document",
        "correct the code in the table of taxes, then try it again", "tax",
    ),
    "6170": _refused("QuickBooks does not take what it says of tax", _CORRECT, "tax"),
    "6270": _refused(
        "an item was not yet in stock on its date", "correct the date, or the item's start date in QuickBooks", "date"
    ),
    "6430": _refused(
        "an account is not of a type that is allowed there", "choose another account (income_account, or the map)"
    ),
    # what the account allows
    "5020": _refused(
        "whoever signed in may not do that in QuickBooks",
        "let an administrator of the company sign in (wherry connect NAME), then try it again",
    ),
    "5030": _refused("this edition of QuickBooks cannot do that", "leave it out of the flow, or change the edition"),
    "6190": _refused("the subscription of the QuickBooks company has ended", "renew it, then try it again"),
    # whether it was done is not known
    "10000": Line("unknown"),
}  # fmt: skip
FIELDS = {
    "AccountRef": "lines", "Amount": "lines", "CurrencyRef": "currency", "CustomerRef": "customer",
    "DisplayName": "name", "DocNumber": "number", "DueDate": "due_date", "Entity": "lines", "ItemRef": "lines",
    "Line": "lines", "Name": "name", "PrimaryEmailAddr": "email", "PrivateNote": "memo", "TxnDate": "date",
    "TxnTaxDetail": "tax",
}  # fmt: skip
"""What QuickBooks' elements say → the field of the record that it was made of."""
CLOSED_WORDS = ("period has closed", "period closed", "books are closed", "closed period", "closing date")


def judged(faults: Sequence[Fault]) -> tuple[Line, Fault]:
    """The line of the table for an answer's faults, and the fault it is for: the first that the table knows."""
    known = next((fault for fault in faults if fault.code in CODES), None)
    if known is None:
        fault = faults[0]
        if fault.type == VALIDATION:
            return _refused("QuickBooks refused it", "do what QuickBooks says, then try it again"), fault
        return Line("unknown"), fault
    if known.code == "5010" and known.says(*CLOSED_WORDS):
        return Line("closed"), known
    return CODES[known.code], known


def field_of(fault: Fault) -> str:
    """The record's field that a fault is about; of an element that none of ours becomes, QuickBooks' own word."""
    return FIELDS.get(fault.element.partition(".")[0], fault.element)


def other_id(fault: Fault) -> str:
    """The id of what has the name or number already, from the fault's text; ``?`` where it does not tell."""
    found = _OTHER.search(fault.detail) or _OTHER.search(fault.message)
    return found[1] if found else "?"
