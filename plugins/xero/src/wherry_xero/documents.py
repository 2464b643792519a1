"""Which record of Xero each entity becomes, and the calls that create, change, take back and read one.

Facts: ``PUT`` creates, many at once; with ``summarizeErrors=false`` each element is answered for itself; ``POST`` below
a record's own address changes that one. ``Idempotency-Key`` has at most 128 characters; a call under a known one is
answered as the first was (API.md). Nothing is deleted: what is booked is voided, a draft is put to DELETED, which keeps
it; a journal is taken back by a second one.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from wherry.posting.bodies import as_before, closed_date, refusal
from wherry.records import Call, Item

from . import journals, lists, sales
from .books import Books
from .client import API, Obj

Build = Callable[[Item, Books], Obj]


class Kind(Struct, frozen=True):
    """One entity. ``name`` is Xero's plural, ``id`` and ``unique`` the fields that tell a record from others, ``stamp``
    the one that our key stands in, ``lines`` what its lines are called, ``states`` what a booked one and a draft is."""

    name: str
    id: str
    build: Build
    unique: str = ""
    stamp: str = ""
    lines: str = ""
    booked: str = ""

    @property
    def params(self) -> dict[str, str]:
        """So that unit prices keep four decimals; what has none knows no such parameter."""
        return {"unitdp": "4"} if self.name in ("Items", "Invoices", "CreditNotes") else {}


KINDS: dict[str, Kind] = {
    "customer": Kind("Contacts", "ContactID", lists.contact, "Name", "ContactNumber"),
    "product": Kind("Items", "ItemID", lists.product, "Code"),
    "invoice": Kind("Invoices", "InvoiceID", sales.invoice, "InvoiceNumber", "Url", "LineItems", "AUTHORISED"),
    "credit_memo": Kind(
        "CreditNotes", "CreditNoteID", sales.credit_note, "CreditNoteNumber", "Reference", "LineItems", "AUTHORISED"
    ),
    "journal_entry": Kind(
        "ManualJournals", "ManualJournalID", journals.journal, "Narration", "Url", "JournalLines", "POSTED"
    ),
}  # fmt: skip
"""Entity → what it is in Xero."""
OWN_TYPE = {"invoice": "ACCREC", "credit_memo": "ACCRECCREDIT"}
"""Others of the kind are of suppliers."""
UNDONE = frozenset({"VOIDED", "DELETED"})
ALONE = "alone"
"""The memo of an item that goes in a call of its own, since one that it shared was refused as a whole."""
OTHERWISE = "otherwise: "
"""What the memo of a void begins with that was refused: a draft may have been approved since, or was one when all else
was booked, and is taken back in the other way. The first refusal stands behind it, as it is the one to be told."""
TAKEN = "taken"
"""The memo of an item whose name or number something else has."""
_KEY = 26
_EACH = {"summarizeErrors": "false"}
_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(items: Sequence[Item], books: Books) -> list[Call]:
    """The calls that carry the items. Raises Rejected for the first that cannot be said in Xero's words."""
    made = [(item, body_of(item, books)) for item in items]
    return [_call(part, books) for part in _parts(made, books.settings.batch)]


def body_of(item: Item, books: Books) -> Obj:
    """What is sent of one item."""
    kind = KINDS[item.entity]
    if item.action == "void":
        return _void(item, kind, books)
    _open(item, books)
    if item.target is not None:
        return _changes(item, kind, books)
    if item.memo == TAKEN:
        raise refusal(
            item, "something else in Xero has its name or number already", "name" if not kind.lines else "number",
            "link it to that, or rename one of the two; then try it again", "WHERRY-4588",
        )  # fmt: skip
    made = {name: value for name, value in kind.build(item, books).items() if not _blank(value)}
    return {**made, "Status": _state(kind, books)} if kind.lines else made


def _parts(made: list[tuple[Item, Obj]], most: int) -> Iterator[list[tuple[Item, Obj]]]:
    """What is new goes together, kind by kind, each name once; all else goes by itself."""
    groups: defaultdict[str, list[tuple[Item, Obj]]] = defaultdict(list)
    alone: list[tuple[Item, Obj]] = []
    for one in made:
        is_new = one[0].target is None and one[0].memo != ALONE
        (groups[one[0].entity] if is_new else alone).append(one)
    for group in groups.values():
        part: list[tuple[Item, Obj]] = []
        for one in group:
            if len(part) == most or any(_name(one) == _name(other) for other in part):
                yield part
                part = []
            part.append(one)
        yield part
    yield from ([one] for one in alone)


def _name(one: tuple[Item, Obj]) -> Any:
    return str(one[1].get(KINDS[one[0].entity].unique) or one[0].stamp).casefold()


def _call(part: list[tuple[Item, Obj]], books: Books) -> Call:
    first, kind = part[0][0], KINDS[part[0][0].entity]
    stamps = tuple(item.stamp for item, _ in part)
    key = stamps[0] if len(stamps) == 1 else _digest(stamps)
    if first.memo.startswith(OTHERWISE):
        key += "-2"  # it is another call, and under the key of the first it would be answered as that was
    new = first.target is None or reverses(first)
    path = f"{API}/{kind.name}" if new else f"{API}/{kind.name}/{id_of(str(first.target))}"
    return Call(
        method="PUT" if new else "POST", path=path, items=stamps, params={**(_EACH if new else {}), **kind.params},
        headers={**books.headers, "Content-Type": "application/json", "Idempotency-Key": key},
        body=_encoder.encode({kind.name: [body for _, body in part]}),
    )  # fmt: skip


def _digest(stamps: Sequence[str]) -> str:
    told = hashlib.blake2b("|".join(stamps).encode(), digest_size=16).digest()
    return base64.b32encode(told).decode().rstrip("=").lower()[:_KEY]


def id_of(target: str) -> str:
    """Xero's id of a target; that of an item has its code behind it."""
    return target.partition("/")[0]


def reading(item: Item, books: Books) -> Call:
    """The call that reads a record whole, by the id of its target."""
    kind = KINDS[item.entity]
    path = f"{API}/{kind.name}/{id_of(str(item.target))}"
    return Call(method="GET", path=path, items=(item.stamp,), params=kind.params, headers=dict(books.headers))


def _void(item: Item, kind: Kind, books: Books) -> Obj:
    last = msgspec.structs.replace(item, body=item.before or item.body)
    if not kind.booked or item.target is None:
        raise refusal(
            item, "entries of a list are not taken back: nothing is booked under them", "",
            "archive it in Xero if it is no longer used", "WHERRY-4589",
        )  # fmt: skip
    _open(last, books)
    if reverses(item):
        return {**journals.reversal(last, books), "Status": _state(kind, books)}
    is_booked = (books.settings.status == "approved") != item.memo.startswith(OTHERWISE)
    return {kind.id: id_of(item.target), "Status": "VOIDED" if is_booked else "DELETED"}


def reverses(item: Item) -> bool:
    """Whether it takes a journal back, which another one does: both stand side by side, and nothing vanishes."""
    return item.action == "void" and item.entity == "journal_entry"


def _state(kind: Kind, books: Books) -> str:
    return kind.booked if books.settings.status == "approved" else "DRAFT"


def _changes(item: Item, kind: Kind, books: Books) -> Obj:
    """What the body names, and a blank for what only the last one named. Lines that did not change are left out: people
    may have entered more on them. Nothing is where somebody said to write over what others made of it."""
    made, old = kind.build(item, books), as_before(item, lambda last: kind.build(last, books))
    if kind.lines and not item.overwrite_local and made[kind.lines] == old.get(kind.lines):
        made.pop(kind.lines)
    told = {name: value for name, value in made.items() if not _blank(value) or not _blank(old.get(name))}
    return {kind.id: id_of(str(item.target)), **told}


def _blank(value: Any) -> bool:
    return value in (None, "") or value == [{"PhoneType": "DEFAULT", "PhoneNumber": ""}]


def _open(item: Item, books: Books) -> None:
    """Raises Rejected for a locked date, old or new: Xero would refuse it."""
    told = closed_date(item, books.locked)
    if not told or not KINDS[item.entity].booked:
        return
    raise refusal(
        item, f"it is dated {told}, and the books in Xero are locked up to {books.locked}", "date",
        "move the lock date in Xero, or give it a later date; then try it again", "WHERRY-4590",
    )  # fmt: skip
