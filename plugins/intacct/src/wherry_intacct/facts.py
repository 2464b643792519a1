"""What a record of Sage Intacct comes to, in words that ours and theirs can be compared by (``records.Facts``)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from wherry.errors import Rejected
from wherry.posting.bodies import ZERO
from wherry.posting.facts import TAKEN_BACK, names, plain
from wherry.posting.texts import clean
from wherry.records import Facts, Item

from .amounts import number
from .books import Books
from .client import Row
from .documents import LISTED, Form, form_of, paper_of
from .lists import customer_id, item_id
from .papers import Line, Paper, Words, facts_of, words_of
from .places import DIMENSIONS, generic
from .texts import iso

GONE = {"ARINVOICE": "Reversed", "SODOCUMENT": "Closed"}
"""The state of what was taken back in its place."""
_CUSTOMER = {"email": "DISPLAYCONTACT.EMAIL1", "phone": "DISPLAYCONTACT.PHONE1", "website": "DISPLAYCONTACT.URL1",
             "description": "COMMENTS"}  # fmt: skip


def of_item(item: Item, books: Books) -> Facts:
    """What Sage Intacct would hold once the item is written; nothing where that cannot be said (any more)."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    try:
        if item.entity in LISTED:
            return _listed(item, _expected(item, books), books)
        paper = paper_of(item, books)
    except Rejected:
        return {}
    return facts_of(paper, _words(item, books))


def _expected(item: Item, books: Books) -> Row:
    body = item.body
    told = {there: clean(body.get(ours)) for ours, there in _CUSTOMER.items()}
    price = "" if body.get("price") is None else str(body["price"])
    return {
        **told, "NAME": clean(body.get("name")), "CUSTOMERID": item.target or customer_id(body), "BASEPRICE": price,
        "ITEMID": item_id(body), "EXTENDED_DESCRIPTION": clean(body.get("description")),
    }  # fmt: skip


def of_record(item: Item, head: Row, lines: Sequence[Row], books: Books) -> Facts:
    """What Sage Intacct holds, of what the item speaks of."""
    if item.entity in LISTED:
        return _listed(item, head, books)
    form = form_of(item.entity, books)
    if is_gone(form, head):
        return dict(TAKEN_BACK)
    return facts_of(paper_in(form, head, lines, books), _words(item, books))


def is_gone(form: Form, head: Row) -> bool:
    """Whether a document was taken back in its place. What a second one takes back does not show it."""
    return form.object in GONE and head.get("STATE") == GONE[form.object]


def _words(item: Item, books: Books) -> Words:
    """What this body and the last one speak of; only this one where it was taken back."""
    found: list[Paper] = []
    for body in (item.body, item.before):
        try:
            if body is not None:
                found.append(paper_of(msgspec.structs.replace(item, body=body, before=None), books))
        except Rejected:
            continue
    told = words_of(*found)
    # It cannot be emptied: where it is not said any more the term decides.
    return told if item.body.get("due_date") else msgspec.structs.replace(told, named=told.named - {"due"})


def _listed(item: Item, row: Row, books: Books) -> Facts:
    """What people entered beside our fields is not ours to compare."""
    told = {"name": clean(row.get("NAME"))}
    if row.get("STATUS", "active") != "active":
        told["state"] = "inactive"
    if item.entity == "product":
        held = {"description": clean(row.get("EXTENDED_DESCRIPTION")), "price": plain(number(row.get("BASEPRICE")))}
        held |= {"sku": clean(row.get("ITEMID"))} if item.target is None else {}
    else:
        held = {ours: clean(row.get(there)) for ours, there in _CUSTOMER.items()}
        if item.target is None and books.settings.customer_ids == "wherry":
            held["number"] = clean(row.get("CUSTOMERID"))
    return told | {name: value for name, value in held.items() if names(item, name)}


# -- documents ------------------------------------------------------------


def paper_in(form: Form, head: Row, lines: Sequence[Row], books: Books) -> Paper:
    """The document as Sage Intacct holds it."""
    if form.object == "GLBATCH":
        return _journal(head, lines, books)
    made = [_ordered(one) if form.object == "SODOCUMENT" else _booked(one, form) for one in lines]
    sign = -1 if form.object == "ARADJUSTMENT" else 1
    total = head.get("TRX_TOTAL") if form.object == "SODOCUMENT" else head.get("TRX_TOTALENTERED")
    return Paper(
        date=iso(head.get("WHENCREATED")), currency=head.get("CURRENCY") or books.home, lines=made,
        total=number(total) * sign + 0, number=clean(head.get(form.name)),
        memo=clean(head.get("MESSAGE" if form.object == "SODOCUMENT" else "DESCRIPTION")),
        customer=head.get("CUSTVENDID" if form.object == "SODOCUMENT" else "CUSTOMERID", ""),
        due=iso(head.get("WHENDUE")),
    )  # fmt: skip


def _journal(head: Row, lines: Sequence[Row], books: Books) -> Paper:
    made = [
        Line(
            amount=number(one.get("TRX_AMOUNT")) * (1 if one.get("TR_TYPE") == "1" else -1),
            account=one.get("ACCOUNTNO", ""), customer=one.get("CUSTOMERID", ""), text=clean(one.get("DESCRIPTION")),
            places={name: one[generic(name)] for name in DIMENSIONS if one.get(generic(name))},
        )
        for one in lines
    ]  # fmt: skip
    currency = next((one["CURRENCY"] for one in lines if one.get("CURRENCY")), books.home)
    rate = next((one["EXCHANGE_RATE"] for one in lines if one.get("EXCHANGE_RATE")), "")
    return Paper(
        date=iso(head.get("BATCH_DATE")), currency=currency, lines=made, number=clean(head.get("REFERENCENO")),
        total=sum((line.amount for line in made if line.amount > 0), ZERO), memo=clean(head.get("BATCH_TITLE")),
        rate=plain(number(rate)) if rate else "",
    )  # fmt: skip


def _booked(row: Row, form: Form) -> Line:
    sign = -1 if form.object == "ARADJUSTMENT" else 1
    return Line(
        amount=number(row.get("TRX_AMOUNT")) * sign + 0, account=row.get("ACCOUNTNO", ""), item=row.get("ITEMID", ""),
        text=clean(row.get("ENTRYDESCRIPTION")), places=_places(row),
    )  # fmt: skip


def _ordered(row: Row) -> Line:
    return Line(
        amount=number(row.get("TRX_VALUE")), item=row.get("ITEMID", ""), quantity=number(row.get("UIQTY")),
        text=clean(row.get("MEMO")), places=_places(row),
    )  # fmt: skip


def _places(row: Row) -> dict[str, str]:
    return {name: row[f"{name.upper()}ID"] for name in DIMENSIONS if row.get(f"{name.upper()}ID")}
