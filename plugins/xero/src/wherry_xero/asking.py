"""Looking for what Xero holds of items.

What has a target is read by its id. What is new is looked for by its stamp and by its number or name, many in one
question; items, which have no place for a stamp and are not paged, by reading them all.

Facts: ``where`` filters by any element, as in ``Status=="DRAFT"`` (contracts/xero); that conditions may be joined by OR
is general knowledge. What has a quotation mark is not asked for by that text: how it is written there is not known.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from msgspec.structs import replace
from wherry.decoding import object_in
from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.posting.texts import clean
from wherry.records import Call, Found, Item, Reply

from . import facts
from .books import Books
from .client import API, NOT_THERE, PAGE, USUAL_PAGE, Obj, count, decoded
from .decoding import target_of
from .documents import KINDS, OWN_TYPE, UNDONE, reading, reverses
from .journals import narration, turned
from .lists import code
from .sales import reference
from .texts import REFERENCE, stamp_in, when

AT_ONCE, LONGEST = 15, 1500
"""Items in one question, and characters of it as they stand in the address, which cannot be long."""


def calls(items: Sequence[Item], books: Books) -> list[Call]:
    """Reading calls that look for items, as few as there can be."""
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    items = [_with_body(item) for item in items]
    for item in items:
        if _is_asked(item):
            groups[item.entity].append(item)
    known = [reading(item, books) for item in items if not _is_asked(item)]
    return [*known, *(call for entity, group in groups.items() for call in _questions(entity, group, books))]


def _with_body(item: Item) -> Item:
    """What is taken back may come without a body: then it is what was written last."""
    return item if item.body else replace(item, body=item.before or {})


def _is_asked(item: Item) -> bool:
    return item.target is None or reverses(item)


def _questions(entity: str, items: list[Item], books: Books) -> Iterator[Call]:
    name, more = KINDS[entity].name, KINDS[entity].params
    if entity == "product":
        yield _call(name, items, books, more)
        return
    more |= {"includeArchived": "true"} if entity == "customer" else {}
    more |= {"page": "1", "pageSize": str(PAGE)}
    part: list[Item] = []
    for item in items:
        if part and (len(part) == AT_ONCE or len(quote(_where([*part, item], books))) > LONGEST):
            yield _call(name, part, books, {"where": _where(part, books), **more})
            part = []
        part.append(item)
    yield _call(name, part, books, {"where": _where(part, books), **more})


def _where(items: Sequence[Item], books: Books) -> str:
    return " OR ".join(dict.fromkeys(one for item in items for one in _conditions(item, books)))


def _call(name: str, items: Sequence[Item], books: Books, params: dict[str, str]) -> Call:
    stamps = tuple(item.stamp for item in items)
    return Call(method="GET", path=f"{API}/{name}", items=stamps, params=params, headers=dict(books.headers))


def _conditions(item: Item, books: Books) -> Iterator[str]:
    kind = KINDS[item.entity]
    if reverses(item):
        yield f'{kind.id}==guid("{item.target}")'
    told = [(kind.stamp, _sign(item, books)), (kind.unique, _key(item))]
    if item.entity == "journal_entry":
        told.append((kind.unique, narration(turned(replace(item, body=item.before or item.body)))))
    # How a quotation mark would be written is not known, and a narration can have pages.
    asked = [(field, text) for field, text in told if text and not set(text) & {'"', "\\"} and len(text) <= REFERENCE]
    yield from (f'{field}=="{text}"' for field, text in asked)
    if item.sent and kind.stamp == "Url" and kind.unique not in dict(asked):
        # The link of the connection may have been another when it was sent.
        yield f"Date=={when(dt.date.fromisoformat(item.body['date']))}"


def _sign(item: Item, books: Books) -> str:
    """What the field of the stamp holds: as a whole, since a part of a text cannot be asked for."""
    if item.entity == "customer":
        return item.stamp
    return reference(item) if item.entity == "credit_memo" else f"{books.settings.link}/{item.stamp}"


def _key(item: Item) -> str:
    """The number, name or code under which Xero could hold an item that is new."""
    if item.entity == "product":
        return code(item.body)
    if item.entity == "journal_entry":
        return narration(item)
    return clean(item.body.get("name" if item.entity == "customer" else "number"))


# -- what was found ------------------------------------------------------------


def found(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read, or that may hide some."""
    if reply.status == NOT_THERE and not _is_asked(items[0]):
        gone = object_in(reply.body).get("Status") == NOT_THERE
        return {items[0].stamp: []} if gone else {}
    if reply.status != 200:
        return {}
    try:
        body = decoded(reply.body)
    except TryAgain:
        return {}
    rows = body.get(KINDS[items[0].entity].name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return {}
    if "page" in call.params and not _is_whole(body, rows):
        return {}
    finds = {item.stamp: list(_hits(_with_body(item), rows, books)) for item in items}
    return {stamp: hits for stamp, hits in finds.items() if hits or _is_asked(items[0])}


def _is_whole(body: Obj, rows: Sequence[Obj]) -> bool:
    """Whether the first page is all that there is. Where that is not told, one of Xero's usual length may hide some."""
    try:
        return count(body, "pageCount") <= 1
    except TryAgain:
        return len(rows) < USUAL_PAGE


def _hits(item: Item, rows: Sequence[Obj], books: Books) -> Iterator[Found]:
    kind, key = KINDS[item.entity], _key(item).casefold()
    taken_back = reverses(item) and any(_is_ours(item, row) and row.get("Status") not in UNDONE for row in rows)
    for row in _standing(item, rows):
        target = target_of(item, row)
        if not target or row.get("Type") != OWN_TYPE.get(item.entity, row.get("Type")):
            continue
        if item.target is not None:
            if target.partition("/")[0] == item.target.partition("/")[0]:
                told = TAKEN_BACK if taken_back else facts.of_record(item, row, books)
                yield Found(target=item.target, ours=taken_back or _is_ours(item, row), facts=dict(told))
            continue
        ours = _is_ours(item, row) or (item.entity == "product" and _is_the_one(item, row, books))
        alike = not ours and bool(key) and clean(row.get(kind.unique)).casefold() == key and _is_used(row)
        if ours or alike:
            yield Found(target=target, ours=ours, alike=alike, facts=facts.of_record(item, row, books))


def _standing(item: Item, rows: Sequence[Obj]) -> Iterator[Obj]:
    """The rows, less as many journals of this narration as are taken back by others."""
    sign = narration(turned(item)) if item.entity == "journal_entry" and item.target is None else ""
    back = sum(1 for row in rows if sign and clean(row.get("Narration")) == sign and _is_used(row))
    for row in rows:
        alike = bool(back) and clean(row.get("Narration")) == _key(item) and _is_used(row)
        if alike and not _is_ours(item, row):
            back -= 1
        else:
            yield row


def _is_ours(item: Item, row: Obj) -> bool:
    stamp = KINDS[item.entity].stamp
    return bool(stamp) and stamp_in(row.get(stamp)) == item.stamp


def _is_the_one(item: Item, row: Obj, books: Books) -> bool:
    """Only one can have a code: what has it, and all else that was to be written, is the thing itself."""
    return facts.of_record(item, row, books) == facts.of_item(item, books)


def _is_used(row: Obj) -> bool:
    return row.get("Status") not in UNDONE and row.get("ContactStatus", "ACTIVE") == "ACTIVE"
