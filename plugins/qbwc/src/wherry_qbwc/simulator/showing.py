"""Answers: records as rows in the schema's order, and the response to a message set round them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from lxml import etree

from .company import Company, Record
from .kinds import LINE, SALES, TXNS
from .reading import ORDERED
from .refusals import severity
from .shapes import Shape, shapes
from .values import Obj, amount, money

OK = "Status OK"


@dataclass(slots=True)
class Answered:
    """The answer to one request: its status, its rows (element, content), attributes beside those of every answer."""

    name: str
    request_id: str
    code: int = 0
    message: str = OK
    rows: list[tuple[str, Obj]] = field(default_factory=list)
    plain: Obj = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    report: etree._Element | None = None


def row(company: Company, record: Record, *, lines: bool = True) -> Obj:
    """A record as an answer shows it."""
    if record.kind not in TXNS:
        return _entry(company, record)
    body: Obj = {**company.stamped(record, "TxnID"), "TxnNumber": str(record.number), **_resolved(company, record.body)}
    if record.kind in SALES:
        body |= _totals(record)
    if not lines:
        return body
    shown = [(name, _resolved(company, line)) for name, line in record.lines]
    if record.kind in LINE:
        return {**body, f"{LINE[record.kind]}Ret": [_line(record.kind, line) for _, line in shown]}
    return {**body, ORDERED: shown}


def response(
    answers: Iterable[Answered], *, new_id: str = "", set_code: int | None = None, kept: Collection[str] = ()
) -> str:
    """The response to a message set; `kept` names the only elements that rows may show."""
    root = etree.Element("QBXML")
    inside = etree.SubElement(root, "QBXMLMsgsRs")
    if set_code is not None:
        inside.set("newMessageSetID", new_id)
        inside.set("messageSetStatusCode", str(set_code))
    for one in answers:
        inside.append(_answer(one))
    return '<?xml version="1.0" ?>\n' + etree.tostring(root, encoding="unicode") + "\n"


def only(told: Obj, wanted: Collection[str]) -> Obj:
    """A row with the elements that were asked for, if any were named."""
    return {name: value for name, value in told.items() if name in wanted} if wanted else told


def element(name: str, told: Obj, shape: Shape) -> etree._Element:
    """An element with its children in the schema's order."""
    made = etree.Element(name)
    for one in shape:
        if one.mixed:
            continue
        for value in _several(told.get(one.name)):
            made.append(_child(one.name, value, one.kind))
    for side, value in told.get(ORDERED, []):
        made.append(element(side, value, shapes()["JournalLine"]))
    return made


def _answer(one: Answered) -> etree._Element:
    made = etree.Element(f"{one.name}Rs")
    told = {"requestID": one.request_id, "statusCode": str(one.code), "statusSeverity": severity(one.code),
            "statusMessage": one.message, **one.attributes}  # fmt: skip
    for name, value in told.items():
        if value or name != "requestID":
            made.set(name, value)
    for name, value in one.plain.items():
        etree.SubElement(made, name).text = value
    made.extend([element(name, content, shapes()[name]) for name, content in one.rows])
    if one.report is not None:
        made.append(one.report)
    return made


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _child(name: str, value: object, kind: str) -> etree._Element:
    if isinstance(value, dict):
        if kind in shapes():
            return element(name, value, shapes()[kind])
        made = etree.Element(name)
        for inner, text in value.items():
            etree.SubElement(made, inner).text = str(text)
        return made
    made = etree.Element(name)
    made.text = str(value)
    return made


def _resolved(company: Company, body: Obj) -> Obj:
    """References with the names that they have now."""
    return {
        name: company.shown_reference(value) if "ListID" in value else _resolved(company, value)
        for name, value in body.items()
        if isinstance(value, dict)
    } | {name: value for name, value in body.items() if not isinstance(value, dict)}


def _entry(company: Company, record: Record) -> Obj:
    above = company.full_name(record).count(":")
    names = {"FullName": company.full_name(record), "Sublevel": str(above)}
    return {**company.stamped(record, "ListID"), **_resolved(company, record.body), **names}


def _totals(record: Record) -> Obj:
    total = record.body["TotalAmount"]
    nothing = total == "0.00"
    paid = {"AppliedAmount": "0.00", "BalanceRemaining": total, "IsPaid": "true" if nothing else "false"}
    closed = {"IsManuallyClosed": record.body.get("IsManuallyClosed", "false"), "IsFullyInvoiced": "false"}
    told = {"SalesTaxTotal": record.body.get("SalesTaxTotal", "0.00"), "IsActive": record.body.get("IsActive", "true")}
    if "CurrencyRef" in record.body:
        told["TotalAmountInHomeCurrency"] = amount(money(total) * money(record.body.get("ExchangeRate", "1")))
    told["CreditRemaining"] = total
    return {**told, **paid, **closed, "IsPending": record.body.get("IsPending", "false")}


def _line(kind: str, line: Obj) -> Obj:
    if kind != "SalesOrder" or "ItemRef" not in line:
        return line
    return {**line, "Invoiced": "0", "IsManuallyClosed": line.get("IsManuallyClosed", "false")}
