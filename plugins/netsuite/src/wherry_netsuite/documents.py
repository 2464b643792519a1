"""Which record of NetSuite each entity becomes, and the calls that create, change, take back and read one.

Facts: ``PUT /record/v1/TYPE/eid:KEY`` creates or updates by external id, and may be repeated; ``PATCH`` changes; both
answer 204 and name the record in ``Location``, and no more. Lines of a sublist are merged unless ``replace`` names it.
Unknown names are ignored unless the call says ``Error`` (API.md).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct
from wherry.posting.bodies import as_before, closed_date, refusal
from wherry.records import Call, Item

from . import journals, lists, sales
from .books import Books
from .client import RECORDS, Obj

Build = Callable[[Item, Books], Obj]


class Kind(Struct, frozen=True):
    """One entity. ``record`` is NetSuite's type, ``code`` that of its transactions in SuiteQL, ``sublist`` what its
    lines are called. ``void`` builds what takes one back; None where nothing is booked."""

    record: str
    build: Build
    code: str = ""
    sublist: str = ""
    void: Build | None = None
    posts: bool = False


KINDS: dict[str, Kind] = {
    "customer": Kind("customer", lists.customer, sublist="addressBook"),
    "product": Kind("serviceSaleItem", lists.product),
    "invoice": Kind("invoice", sales.sale, "CustInvc", "item", sales.emptied, True),
    "sales_order": Kind("salesOrder", sales.sale, "SalesOrd", "item", sales.emptied),
    "credit_memo": Kind("creditMemo", sales.sale, "CustCred", "item", sales.emptied, True),
    "journal_entry": Kind("journalEntry", journals.journal, "Journal", "line", journals.reversal, True),
}
"""Entity → what it is in NetSuite. Nothing is deleted: invoices and credit memos are emptied, orders closed, and a
journal entry is reversed by a second one."""

NUMBERED = tuple(entity for entity, kind in KINDS.items() if kind.code)
"""What has a number, which NetSuite takes twice."""
READ = "read "
"""How the memo of an item begins that was written, and is to be read back: the id comes behind it."""
TAKEN = "taken"
"""The memo of an item whose name something else has."""
_HEADERS = {
    "Content-Type": "application/json", "Accept": "application/json", "X-NetSuite-PropertyNameValidation": "Error",
    "X-NetSuite-PropertyValueValidation": "Error",
}  # fmt: skip
_WHOLE = {"expandSubResources": "true"}
_encoder = msgspec.json.Encoder(decimal_format="number")


def call_of(item: Item, books: Books) -> Call:
    """The next call of an item. Raises Rejected for one that cannot be said in NetSuite's words."""
    kind = KINDS[item.entity]
    if item.memo.startswith(READ):
        return reading(item, item.memo.removeprefix(READ))
    if item.action == "void":
        return _void(item, kind, books)
    _open(item, books)
    if item.target is None:
        return _created(item, kind, _named(item, kind.build(item, books)))
    return _changed(item, kind, _changes(item, kind, books))


def reading(item: Item, id: str) -> Call:
    """The call that reads a record whole, by its id or ``eid:KEY``."""
    path = f"{RECORDS}/{KINDS[item.entity].record}/{id}"
    return Call(method="GET", path=path, items=(item.stamp,), params=_WHOLE, headers={"Accept": "application/json"})


def _named(item: Item, made: Obj) -> Obj:
    """What is made, without its blanks. Raises Rejected where its name has been refused before."""
    if item.memo == TAKEN:
        raise refusal(
            item, "something else in NetSuite has its name or number already", "name",
            "link it to that, or rename one of the two; then try it again", "WHERRY-4785",
        )  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def _void(item: Item, kind: Kind, books: Books) -> Call:
    last = msgspec.structs.replace(item, body=item.before or item.body)
    if kind.void is None or item.target is None:
        raise refusal(
            item, "entries of a list are not taken back: nothing is booked under them", "",
            "make it inactive in NetSuite if it is no longer used", "WHERRY-4784",
        )  # fmt: skip
    _open(last, books)
    made = kind.void(last, books)
    if item.entity == "journal_entry":
        return _created(item, kind, {name: value for name, value in made.items() if value is not None})
    return _changed(item, kind, made)


def _created(item: Item, kind: Kind, made: Obj) -> Call:
    return _call("PUT", f"{kind.record}/eid:{item.stamp}", item, kind, made)


def _changed(item: Item, kind: Kind, made: Obj) -> Call:
    return _call("PATCH", f"{kind.record}/{item.target}", item, kind, made)


def _call(method: str, path: str, item: Item, kind: Kind, made: Obj) -> Call:
    params = {"replace": kind.sublist} if kind.sublist in made else {}
    return Call(
        method=method, path=f"{RECORDS}/{path}", items=(item.stamp,), params=params, headers=_HEADERS,
        body=_encoder.encode(made),
    )  # fmt: skip


def _changes(item: Item, kind: Kind, books: Books) -> Obj:
    """What the body names, and null for what only the last one named. Lines that did not change are left out: people
    may have entered more on them. Nothing is where somebody said to write over what others made of it."""
    made, old = kind.build(item, books), as_before(item, lambda last: kind.build(last, books))
    if not item.overwrite_local and made.get(kind.sublist) == old.get(kind.sublist):
        made.pop(kind.sublist, None)
    gone = {name for name, value in old.items() if value is not None}
    blanks = dict.fromkeys(name for name in ("tranId", "dueDate", "exchangeRate") if name in gone - made.keys())
    return {name: value for name, value in made.items() if value is not None or name in gone} | blanks


def _open(item: Item, books: Books) -> None:
    """Raises Rejected for a date in closed periods, old or new: NetSuite would refuse it."""
    told = closed_date(item, books.closed)
    if not told or not KINDS[item.entity].posts:
        return
    raise refusal(
        item, f"it is dated {told}, and the periods in NetSuite are closed up to {books.closed}", "date",
        "open the period in NetSuite, or give it a later date; then try it again", "WHERRY-4783",
    )  # fmt: skip
