"""Looking for what QuickBooks holds of items: queries that cover many at once, and what their answers tell.

Facts: ids, numbers, names, dates and customers can be asked for, notes cannot; an answer holds 1,000 rows at most, and
inactive entries only if they are asked for (Intuit's pages on the query language). What was sent may have been given
another number or name by now: beside it all that was made since is asked for (``recent``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from wherry.errors import TryAgain
from wherry.posting.entries import REVERSES
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Call, Facts, Found, Item, Reply

from . import calls as writing
from . import facts, recent
from .books import Books
from .client import FULL, LISTS, Client, Obj, decoded, quoted
from .documents import KINDS, LISTED, Kind
from .faults import faults
from .journals import reversing
from .lists import said
from .memo import read
from .names import NAME_LENGTHS, fitted, mark_of, marked, stamp_of, unstamped
from .recent import Told
from .sales import LONGEST_NUMBER

AT_ONCE = 250
"""Ids, numbers or names in one query: it goes as a body and not in an address, which would be too long."""
GONE = " (deleted)"
"""What QuickBooks puts behind a name that was made inactive."""
HEADERS = {"Content-Type": "application/text", "Accept": "application/json"}
MOST = FULL


class Search(Struct, frozen=True):
    """How an item is looked for: by ``id``, by its ``key`` (number or name), or by its ``day`` and ``customer``."""

    entity: str
    by: Literal["id", "key", "day"]
    day: str = ""
    customer: str = ""


def numbered(books: Books) -> list[str]:
    """What bears the number there that it has at its source."""
    return [one for one in KINDS if one not in LISTED and (books.company.custom_numbers or one == "journal_entry")]


def search_of(item: Item, books: Books) -> Search:
    """The search that must find an item if QuickBooks holds it."""
    body = item.before or item.body if item.action == "void" else item.body
    day, customer = str(body.get("date") or ""), str(body.get("customer") or "")
    if item.entity == "journal_entry" and item.action == "void":
        # The entry that reverses it is known by its note only.
        return Search(item.entity, "day", day)
    if item.target is not None:
        return Search(item.entity, "id")
    if item.entity in LISTED or (body.get("number") and item.entity in numbered(books)):
        return Search(item.entity, "key")
    return Search(item.entity, "day", day, customer)


def calls(items: Sequence[Item], books: Books, client: Client) -> list[Call]:
    """Reading calls that look for items, as few as there can be."""
    groups: defaultdict[Search, list[Item]] = defaultdict(list)
    for item in items:
        groups[search_of(item, books)].append(item)
    return [
        _call(search, part, books, client) for search, group in groups.items() for part in _parts(search, group, books)
    ]


def _moved(search: Search, items: Sequence[Item]) -> bool:
    """Whether a person may have given them another number, name or day since they were sent."""
    return search.by != "id" and bool(recent.since(items))


def _parts(search: Search, items: Sequence[Item], books: Books) -> list[Sequence[Item]]:
    each = len(_keys(items[0], books)) if search.by == "key" else 1
    most = recent.AT_ONCE if _moved(search, items) else AT_ONCE // each
    return [items[start : start + most] for start in range(0, len(items), most)]


def _call(search: Search, items: Sequence[Item], books: Books, client: Client) -> Call:
    look = _statement(KINDS[search.entity], _conditions(search, items, books))
    stamps = tuple(item.stamp for item in items)
    if not _moved(search, items):
        path, headers, body, lane = "query", HEADERS, look.encode(), ""
    else:
        path, headers, body, lane = "batch", writing.HEADERS, _batch(search, look, items), "batch"
    return Call(
        method="POST", path=client.path(path), items=stamps, params=client.params, headers=headers, body=body, lane=lane
    )


def _batch(search: Search, look: str, items: Sequence[Item]) -> bytes:
    kind, asked = KINDS[search.entity], recent.questions(items)
    more = {name: _statement(kind, one.conditions, one.start) for name, one in asked.items()}
    parts = [{"bId": name, "Query": statement} for name, statement in {recent.LOOK: look, **more}.items()]
    return msgspec.json.encode({"BatchItemRequest": parts})


def _statement(kind: Kind, told: Sequence[str], start: int = 1) -> str:
    where = " and ".join([*told, "Active in (true, false)"] if kind.name in LISTS else told)
    return f"select * from {kind.name} where {where} orderby Id startposition {start} maxresults {MOST}"


def _conditions(search: Search, items: Sequence[Item], books: Books) -> list[str]:
    if search.by == "day":
        whose = [f"CustomerRef = {quoted(search.customer)}"] if search.customer else []
        return [f"TxnDate = {quoted(search.day)}", *whose]
    if search.by == "id":
        return [f"Id in {_several(str(item.target) for item in items)}"]
    unique = KINDS[search.entity].unique
    return [f"{unique} in {_several(key for item in items for key in _keys(item, books))}"]


def _several(values: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, dict.fromkeys(values)))})"


def _keys(item: Item, books: Books) -> list[str]:
    """The number or the names under which QuickBooks could hold an item that is new."""
    if item.entity not in LISTED:
        number = said(item, "number")
        former = f"{number[: LONGEST_NUMBER - 1]}R"  # how a reversal was called before
        return [number, reversing(number), former] if item.entity == "journal_entry" else [number]
    longest = NAME_LENGTHS[item.entity]
    names = [fitted(str(item.body.get("name") or ""), longest)]
    if books.name_taken == "suffix":
        names.append(marked(names[0], mark_of(item.stamp), longest))
    return [*names, *(f"{name}{GONE}" for name in names)]


# -- what was found ------------------------------------------------------------


def found(items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read, or is so full that it may hide some."""
    if reply.status != 200:
        return {}
    try:
        body = decoded(reply.body)
    except TryAgain:
        return {}
    told = _told(body, items)
    if told is None:
        return {}
    finds = {item.stamp: _hits(item, told, books) for item in items}
    return {stamp: hits for stamp, hits in finds.items() if told.complete or any(hit.ours for hit in hits)}


def _told(body: Obj, items: Sequence[Item]) -> Told | None:
    kind = KINDS[items[0].entity].name
    if faults(body):
        return None
    if "BatchItemResponse" in body:
        return recent.read(body, kind, items)
    response = body.get("QueryResponse")
    rows: list[Obj] = (response.get(kind) or []) if isinstance(response, dict) else []
    return Told(rows) if isinstance(response, dict) and len(rows) < MOST else None


def _hits(item: Item, told: Told, books: Books) -> list[Found]:
    """What bears its stamp is the item, also where QuickBooks found it by letters that are not quite the same."""
    search, mine = search_of(item, books), [row for row in [*told.rows, *told.made] if _stamp(item, row) == item.stamp]
    rows = list({str(row.get("Id")): row for row in [*told.rows, *mine]}.values())
    if item.action == "void" and item.entity == "journal_entry":
        return _reversal(item, rows, books)
    if search.by == "id":
        return [_hit(item, row, books) for row in told.rows if str(row.get("Id")) == item.target]
    if search.by == "day":
        hits = [_hit(item, row, books, alike=_same_sum(item, row, books)) for row in rows]
        return [hit for hit in hits if hit.ours or hit.alike]
    by_stamp = {str(row["Id"]): _hit(item, row, books) for row in mine}
    return list({**by_stamp, **{hit.target: hit for hit in _by_key(item, told.rows, books)}}.values())


def _stamp(item: Item, row: Obj) -> str:
    return stamp_of(row.get(KINDS[item.entity].note))


def _by_key(item: Item, rows: Sequence[Obj], books: Books) -> list[Found]:
    """Those with the number or name. Alike is what is in use: active, and not taken back.

    A name that QuickBooks called taken, and that another entry has, is settled: it is not a thing to ask about.
    """
    kind, keys = KINDS[item.entity], {key.casefold() for key in _keys(item, books)}
    same = [row for row in rows if str(row.get(kind.unique) or "").casefold() in keys]
    if item.entity == "journal_entry":
        same = _standing(item, same)
    hits = [_hit(item, row, books, alike=row.get("Active") is not False) for row in same]
    if item.entity in LISTED and read(item.memo).taken:
        expected = facts.of_item(item, books)
        hits = [hit for hit in hits if hit.ours or (item.entity == "product" and hit.facts == expected)]
    return [hit for hit in hits if hit.ours or (hit.alike and hit.facts != TAKEN_BACK)]


def _standing(item: Item, rows: Sequence[Obj]) -> list[Obj]:
    """The entries with the number, without the oldest ones for which there are reversals. A reversal of ours is never
    taken for the entry, whatever it is numbered."""
    number = said(item, "number").casefold()
    back = [row for row in rows if unstamped(row.get("PrivateNote")).startswith(REVERSES)]
    reversals = [row for row in back if _reversed_number(row) == number]
    mine = [row for row in back if stamp_of(row.get("PrivateNote"))]
    entries = [row for row in rows if str(row["DocNumber"]).casefold() == number and row not in mine]
    ours = [row for row in entries if stamp_of(row.get("PrivateNote")) == item.stamp]
    entries.sort(key=lambda row: (len(str(row["Id"])), str(row["Id"])))
    return [row for row in entries if row in ours or row in entries[len(reversals) :]]


def _reversed_number(row: Obj) -> str:
    """The number of the entry that an entry says it reverses."""
    return unstamped(row.get("PrivateNote")).removeprefix(REVERSES).partition(". ")[0].rstrip(".").casefold()


def _hit(item: Item, row: Obj, books: Books, *, alike: bool = False) -> Found:
    held = facts.of_object(item, row, books)
    ours = _stamp(item, row) == item.stamp or (alike and _is_the_one(item, held, books))
    return Found(
        target=str(row["Id"]), token=str(row.get("SyncToken") or ""), ours=ours, alike=alike and not ours, facts=held
    )


def _is_the_one(item: Item, held: Facts, books: Books) -> bool:
    """Items of QuickBooks have no room for a stamp, but only one can have a name: what has it, and all else that was
    to be written, is the thing itself."""
    return item.entity == "product" and held == facts.of_item(item, books)


def _reversal(item: Item, rows: Sequence[Obj], books: Books) -> list[Found]:
    entry = next((row for row in rows if str(row.get("Id")) == item.target), None)
    if any(stamp_of(row.get("PrivateNote")) == item.stamp for row in rows):
        return [Found(target=str(item.target), token=item.token, ours=True, facts=dict(TAKEN_BACK))]
    return [_hit(item, entry, books)] if entry else []


def _same_sum(item: Item, row: Obj, books: Books) -> bool:
    """Whether a document of the same day (and customer) comes to the same: it could be this one, entered by hand."""
    expected = facts.of_item(item, books).get("total")
    return expected is not None and facts.of_object(item, row, books).get("total") == expected
