"""Things to write that any accounting system takes: what a `SinkTrial` of one may be given as its items."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from wherry.records import Item
from wherry.testing.sink_trial import stamp_of

NAMES = ("customer", "product")


def money(minor: int, currency: str = "USD") -> dict[str, Any]:
    """An amount as bodies hold it."""
    return {"minor": minor, "currency": currency}


def sample(entity: str, number: int, customer: str, product: str, debit: str, credit: str) -> Item:
    """The n-th thing of an entity, always the same. It names a customer and a product that the system holds, an entry
    the numbers of two accounts."""
    if entity in NAMES:
        body: dict[str, Any] = {"name": f"Thing {number}", "description": f"The {number}th"}
        return _item(entity, number, body | ({"email": f"{number}@example.com"} if entity == "customer" else {}))
    body = {"number": f"N-{number}", "date": "2026-01-05", "memo": "from the yard"}
    if entity == "journal_entry":
        told = ({"side": "debit", "account": debit, "customer": customer}, {"side": "credit", "account": credit})
        return _item(entity, number, {**body, "lines": [{**one, "amount": money(100 + number)} for one in told]})
    line = {"product": product, "quantity": "2", "description": "Oak"}
    lines = [{**line, "rate": f"{number}.25"}, {**line, "rate": "10", "amount": money(2000)}]
    total = money(2 * (100 * number + 25) + 2000)
    return _item(entity, number, {**body, "customer": customer, "lines": lines, "total": total})


def _item(entity: str, number: int, body: dict[str, Any]) -> Item:
    return Item(entity=entity, key=f"id:{number}", body=body, stamp=stamp_of(f"{entity} {number}"))


def changed(item: Item) -> dict[str, Any]:
    """The body of a sample with other amounts; of a name, with another description and way to reach it."""
    body = copy.deepcopy(item.body)
    if item.entity in NAMES:
        more = {"email": "other@example.com"} if item.entity == "customer" else {}
        return {**body, "description": "Another", **more}
    if item.entity == "journal_entry":
        return {**body, "lines": [{**line, "amount": money(4711)} for line in body["lines"]]}
    body["lines"][0] |= {"quantity": "4", "rate": "3"}
    return {**body, "total": money(3200)}


def unsaid(item: Item) -> Item:
    """A sample that says nothing: a document without lines, a name of blanks."""
    empty: dict[str, Any] = {"name": " "} if item.entity in NAMES else {"lines": []}
    return msgspec.structs.replace(item, key="id:bad", body={**item.body, **empty}, stamp=stamp_of("bad"))


def for_nobody(item: Item, customer: str) -> Item:
    """A document for a customer that is not there: what the system itself refuses."""
    body = {**item.body, "number": "N-R", "customer": customer}
    if item.entity == "journal_entry":
        body["lines"] = [{**line, "customer": customer} for line in body["lines"]]
    return msgspec.structs.replace(item, key="id:refused", body=body, stamp=stamp_of("refused"))
