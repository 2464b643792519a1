"""Looking for what the company file holds of items: by id, else by number or name, else by day and customer.

Facts: nothing can be asked for by its memo, so documents are asked for by their number and their memos compared here; a
key that is not there is a warning (500) beside what was found. What was sent and lost is looked for among all that is
recent, too (``recent``): a person may have given it another number, name or day.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace
from wherry.books.numbering import reversing
from wherry.errors import ContractBroken
from wherry.records import Call, Found, Item, Reply

from . import facts, journals, recent
from .books import Books
from .documents import LISTED, kind_of
from .facts import Row
from .line import PATH
from .lists import TAKEN
from .names import NAME_LENGTHS, fitted, marked, numbered
from .visits import KEPT, MADE, claims
from .words import replies
from .words.requests import request
from .words.sets import message_set, set_id

AT_ONCE = 50
"""Items in one question."""
NOTHING, SOME, NOT_OFFERED = 1, 500, 3250
"""What the question matched nothing of, and only some of: both tell all there is. The third is said of what the edition
does not have, which is not there and cannot be written either, but also of what is only switched off for now."""


class Search(Struct, frozen=True):
    """How an item is looked for: by ``id``, by its ``key`` (number or name), or by its ``day`` and ``customer``."""

    query: str
    by: Literal["id", "key", "day"]
    day: str = ""
    customer: str = ""


def search_of(item: Item, books: Books) -> Search:
    """The search that must find an item if QuickBooks holds it."""
    query = "ItemQuery" if item.entity == "product" else f"{kind_of(item, books)}Query"
    if _reverses(item):
        item = journals.reversal(item)
    elif item.target is not None:
        return Search(query, "id")
    if item.entity in LISTED or item.body.get("number"):
        return Search(query, "key")
    return Search(query, "day", str(item.body.get("date") or ""), str(item.body.get("customer") or ""))


def id_of(stamps: Sequence[str]) -> str:
    """The request id of the question after these: the answer to another question, come once more, is none to this."""
    return f"look-{hashlib.blake2b(' '.join(stamps).encode(), digest_size=8).hexdigest()}"


def calls(items: Sequence[Item], books: Books) -> list[Call]:
    """Questions that look for items, as few as there can be. What may be on its way still is looked for by itself: if
    it cannot be made void, that is no other item's matter."""
    groups: defaultdict[tuple[Search, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[search_of(item, books), item.stamp if item.sent else ""].append(item)
    return [
        _call(search, group[start : start + AT_ONCE], books)
        for (search, _), group in groups.items()
        for start in range(0, len(group), AT_ONCE)
    ]


def _call(search: Search, items: Sequence[Item], books: Books) -> Call:
    body = _filter(search, items, books)
    if items[0].entity not in LISTED:
        body["IncludeLineItems"] = True
    stamps = tuple(item.stamp for item in items)
    id = id_of(stamps)
    further = recent.questions(search.query, items, id) if search.by != "id" else []
    content = message_set([request(search.query, body, id=id), *further], version=books.company.qbxml)
    return Call(method="POST", path=PATH, items=stamps, body=content, headers=claims(items, books.company.qbxml))


def _filter(search: Search, items: Sequence[Item], books: Books) -> dict[str, Any]:
    listed = items[0].entity in LISTED
    if search.by == "id":
        return {"ListID" if listed else "TxnID": list(dict.fromkeys(str(item.target) for item in items))}
    if search.by == "key":
        keys = list(dict.fromkeys(key for item in items for key in _keys(item, books)))
        return {"FullName" if listed else "RefNumber": keys}
    whose = {"EntityFilter": {"ListID": [search.customer]}} if search.customer else {}
    return {"TxnDateRangeFilter": {"FromTxnDate": search.day, "ToTxnDate": search.day}, **whose}


def _keys(item: Item, books: Books) -> list[str]:
    """The number or the names under which QuickBooks could hold an item that is new."""
    if item.entity == "journal_entry":
        number = str(item.body["number"])
        return [numbered(reversing(number)), *([] if _reverses(item) else [numbered(number)])]
    if item.entity not in LISTED:
        return [numbered(str(item.body["number"]))]
    longest = NAME_LENGTHS[item.entity]
    name = fitted(str(item.body.get("name") or ""), longest)
    return [name, marked(name, item.stamp, longest)] if books.settings.name_taken == "suffix" else [name]


# -- what was found ------------------------------------------------------------


def found(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read or is not whole."""
    try:
        told = replies.parse(reply.body)
    except ContractBroken:
        return {}
    answer = told.answer(id_of(call.items))
    if answer is None or answer.code not in (0, NOTHING, SOME, NOT_OFFERED):
        return {}
    if answer.code == NOT_OFFERED and (books.company.sales_orders or answer.name != "SalesOrderQuery"):
        return {}
    hits = {item.stamp: _with_made(item, _hits(item, answer.rows, books), reply, books) for item in items}
    sought = [item for item in items if not any(hit.ours for hit in hits[item.stamp])]
    if not sought or answer.code == NOT_OFFERED or search_of(items[0], books).by == "id" or not recent.since(items):
        return hits
    return _with_recent(hits, sought, *recent.rows(told, items, id_of(call.items)), books)


def _with_made(item: Item, hits: list[Found], reply: Reply, books: Books) -> list[Found]:
    """The finds, with what QuickBooks says that it made of the item, whatever a person has called it since."""
    told = reply.headers.get(f"{KEPT}{set_id(item.stamp)}", "")
    answer = replies.parse(told).answer(MADE) if told and not any(hit.ours for hit in hits) else None
    if answer is None or not answer.rows:
        return hits
    made = _moved(item, answer.rows[0], books) if _reverses(item) else _hit(item, answer.rows[0], books)
    return [*(hit for hit in hits if hit.target != made.target), replace(made, ours=True, alike=False)]


def _with_recent(
    hits: dict[str, list[Found]], sought: Sequence[Item], rows: Sequence[Row], whole: bool, books: Books
) -> dict[str, list[Found]]:  # fmt: skip
    """The finds, with what was made since and has a stamp of ours under another number, name or day. Where not all
    of that was told, what was not found is not told of."""
    for item in sought:
        mine = [row for row in rows if item.stamp in facts.stamps(row)]
        if mine:
            others = [hit for hit in hits[item.stamp] if hit.target not in {_id(row) for row in mine}]
            hits[item.stamp] = [*others, *(_moved(item, row, books) for row in mine)]
        elif not whole:
            del hits[item.stamp]
    return hits


def _moved(item: Item, row: Row, books: Books) -> Found:
    """What carries our stamp under another number, name or day. Lines were not asked for, and are not compared."""
    if _reverses(item):
        return Found(target=str(item.target), token=item.token, ours=True, facts=dict(facts.TAKEN_BACK))
    hit = _hit(item, row, books)
    if item.entity != "journal_entry":
        hit.facts = {name: said for name, said in hit.facts.items() if not name.startswith("line")}
    return hit


def _reverses(item: Item) -> bool:
    """Whether it is to be taken back by a second entry, which is what is looked for."""
    return item.action == "void" and item.entity == "journal_entry"


def _hits(item: Item, rows: Sequence[Row], books: Books) -> list[Found]:
    search = search_of(item, books)
    if _reverses(item):
        mine = [row for row in rows if item.stamp in facts.stamps(row)]
        return [Found(target=str(item.target), token=item.token, ours=True, facts=dict(facts.TAKEN_BACK)) for _ in mine]
    if search.by == "id":
        return [_hit(item, row, books) for row in rows if _id(row) == item.target]
    if search.by == "day":
        expected = facts.of_item(item, books).get("total")
        hits = [_hit(item, row, books, alike=facts.of_row(item, row).get("total") == expected) for row in rows]
    else:
        hits = _by_key(item, rows, books)
    return [hit for hit in hits if hit.ours or (hit.alike and hit.facts != facts.TAKEN_BACK)]


def _by_key(item: Item, rows: Sequence[Row], books: Books) -> list[Found]:
    """Those with the number or name. A name that QuickBooks called taken, and that another entry has, is settled."""
    keys, name = {key.casefold() for key in _keys(item, books)}, "Name" if item.entity in LISTED else "RefNumber"
    same = [row for row in rows if str(row.get(name) or "").casefold() in keys]
    if item.entity == "journal_entry":
        same = _standing(item, same)
    alike = item.memo != TAKEN
    return [_hit(item, row, books, alike=alike and row.get("IsActive") != "false") for row in same]


def _standing(item: Item, rows: Sequence[Row]) -> list[Row]:
    """The entries with the number, without the oldest ones for which there are reversals."""
    back = numbered(reversing(str(item.body["number"]))).casefold()
    entries = [row for row in rows if str(row["RefNumber"]).casefold() != back]
    entries.sort(key=lambda row: str(row.get("TimeCreated") or ""))
    left = entries[len(rows) - len(entries) :]
    return [row for row in entries if row in left or item.stamp in facts.stamps(row)]


def _hit(item: Item, row: Row, books: Books, *, alike: bool = False) -> Found:
    held = facts.of_row(item, row)
    ours = item.stamp in facts.stamps(row) or (item.entity == "product" and held == facts.of_item(item, books))
    return Found(
        target=_id(row), token=str(row.get("EditSequence") or ""), ours=ours, alike=alike and not ours, facts=held
    )


def _id(row: Row) -> str:
    return str(row.get("ListID") or row.get("TxnID") or "")
