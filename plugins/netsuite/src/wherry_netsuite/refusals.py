"""What NetSuite's error codes mean for a write: a table, one line a code.

Facts: names of codes are those of contracts/netsuite/status-detail-codes.json; USER_ERROR stands for a closed period,
an unbalanced entry and missing fields alike, and its words are for people only (API.md). What is not here and came with
400, 403, 404 or 409 was not carried out either: it is refused in NetSuite's own words.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .faults import DENIED, THROTTLED, Fault

Verdict = Literal["refused", "later", "exists", "closed", "unknown"]


class Line(Struct, frozen=True):
    """``fix`` says in plain words what a person does."""

    verdict: Verdict
    reason: str = "NetSuite refused it"
    fix: str = "do what NetSuite says, then try it again"
    field: str = ""


_REFERENCE = Line(
    "refused", "it refers to something that NetSuite does not have, or does not let this role see",
    "link what NetSuite names to another record, or make it active again there; then try it again",
)  # fmt: skip
_NAMES = (
    "DATA_MUST_BE_UNIQUE DUP_ENTITY DUP_ENTITY_NAME DUP_ITEM DUP_ITEM_NAME DUP_NAME DUP_RCRD DUP_TRANS "
    "CANT_CREATE_NON_UNIQUE_RCRD ITEM_NAME_MUST_BE_UNIQUE ITEM_NOT_UNIQUE NONUNIQUE_INDEX_VALUE UNIQUE_CUST_ID_REQD "
    "UNIQUE_ENTITY_NAME_REQD UNIQUE_RCRD_ID_REQD"
)
_PERIODS = "CLOSED_TRAN_PRD TRAN_PERIOD_CLOSED TRAN_PRD_CLOSED CANT_UPDATE_ACCTNG_PRDS"
_NO_PERIOD = "ACCTNG_PRD_REQD INVALID_ACCT_PRD INVALID_PERIOD MISSING_ACCT_PRD MISSNG_ACCT_PRD UNDEFINED_ACCTNG_PRD " \
             "VALID_PRD_REQD"  # fmt: skip
CODES: dict[str, Line] = {
    **dict.fromkeys(THROTTLED, Line("later", "NetSuite has too many calls at once")),
    **dict.fromkeys(_NAMES.split(), Line("exists", "NetSuite has something of that name, number or external id")),
    **dict.fromkeys(_PERIODS.split(), Line("closed")),
    **dict.fromkeys(_NO_PERIOD.split(), Line(
        "refused", "there is no accounting period for its date",
        "set up the period in NetSuite, or correct the date; then try it again", "date",
    )),
    **dict.fromkeys(DENIED, Line(
        "refused", "the role of this connection may not write that",
        "give the role the permission in NetSuite, then try it again",
    )),
    **dict.fromkeys(("INVALID_KEY_OR_REF", "INVALID_RCRD_REF", "INVALID_REF_KEY", "NONEXISTENT_ID", "RCRD_DSNT_EXIST",
                     "RCRD_NOT_FOUND"), _REFERENCE),
    "JE_AMOUNTS_MUST_BALANCE": Line("refused", "debits and credits differ", field="lines"),
    "SUBSIDIARY_MISMATCH": Line(
        "refused", "its customer, item or account belongs to another subsidiary",
        "use what belongs to the subsidiary of the connection, then try it again",
    ),
    "INVALID_CONTENT": Line("refused", "NetSuite does not take a value of it"),
    "RCRD_HAS_BEEN_CHANGED": Line("unknown"),
    "UNEXPECTED_ERROR": Line("unknown"),
}  # fmt: skip
FIELDS = {
    "account": "lines", "companyName": "name", "currency": "currency", "displayName": "name", "dueDate": "due_date",
    "email": "email", "entity": "customer", "item": "lines", "itemId": "name", "line": "lines", "memo": "memo",
    "tranDate": "date", "tranId": "number",
}  # fmt: skip
"""NetSuite's word for a field → the field of the record that it was made of."""
CLOSED_WORDS = ("period is closed", "closed period", "period has been closed", "period is locked", "locked period")


def judged(fault: Fault) -> Line:
    """The line of the table for an error."""
    told = CODES.get(fault.code, Line("refused"))
    if told.verdict == "refused" and any(words in fault.detail.casefold() for words in CLOSED_WORDS):
        return Line("closed")
    return told


def field_of(fault: Fault) -> str:
    """The record's field that an error is about; empty where it is about none of ours."""
    return FIELDS.get(fault.path.partition(".")[0].partition("[")[0], "")
