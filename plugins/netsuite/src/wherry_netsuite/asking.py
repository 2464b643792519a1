"""Looking for what NetSuite holds of items.

What is known by its id, or was sent under its external id, is read whole. What has no id may have been entered by hand,
or have another external id by now, which a script gave it: it is looked for by number or name, many in one question of
SuiteQL. So is the entry that takes back another, together with the one that it takes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from wherry.books.numbering import reversing
from wherry.errors import TryAgain
from wherry.posting.entries import REVERSES
from wherry.posting.facts import TAKEN_BACK
from wherry.posting.texts import clean
from wherry.records import Call, Facts, Found, Item, Reply

from . import facts
from .books import Books
from .client import NOT_THERE, Obj, asked, decoded, quoted
from .documents import KINDS, TAKEN, reading
from .faults import fault_in
from .texts import taken_back

AT_ONCE = 100
"""Items in one question."""
GONE = frozenset({"NONEXISTENT_ID", "RCRD_DSNT_EXIST", "RCRD_NOT_FOUND"})
_TRANSACTION = (
    "SELECT id, externalid, tranid, TO_CHAR(trandate, 'YYYY-MM-DD') AS trandate, entity, memo FROM transaction "
    "WHERE type = {code} AND ({any}) ORDER BY id"
)
_LIST = {
    "customer": "SELECT id, externalid, entityid, companyname FROM customer WHERE {any} ORDER BY id",
    "product": "SELECT id, externalid, itemid, displayname FROM item WHERE {any} ORDER BY id",
}
_NAMES = {"customer": ("companyname", "entityid"), "product": ("displayname", "itemid")}


def calls(items: Sequence[Item], books: Books) -> list[Call]:
    """Reading calls that look for items, as few as there can be."""
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    single = []
    for item in items:
        if item.target is None or (item.action == "void" and item.entity == "journal_entry"):
            groups[item.entity].append(item)
        else:
            single.append(reading(item, item.target))
        if item.target is None and item.sent and item.memo != TAKEN:
            single.append(reading(item, f"eid:{item.stamp}"))
    parts = [group[n : n + AT_ONCE] for group in groups.values() for n in range(0, len(group), AT_ONCE)]
    return [*(_question(part, books) for part in parts), *single]


def _question(items: Sequence[Item], books: Books) -> Call:
    entity = items[0].entity
    any_of = " OR ".join(_conditions(items, books))
    form = _LIST.get(entity, _TRANSACTION)
    statement = form.format(code=quoted(KINDS[entity].code), any=any_of)
    return asked(statement, tuple(item.stamp for item in items))


def _conditions(items: Sequence[Item], books: Books) -> Iterator[str]:
    yield f"externalid IN ({_several(item.stamp for item in items)})"
    if targets := [item.target for item in items if item.target]:
        yield f"id IN ({', '.join(targets)})"
    if names := sorted({name for item in items for name in _keys(item, books)}):
        for column in _NAMES.get(items[0].entity, ("tranid",)):
            yield f"{column} IN ({_several(names)})"


def _several(texts: Sequence[str] | Iterator[str]) -> str:
    return ", ".join(map(quoted, texts))


def _keys(item: Item, books: Books) -> list[str]:
    """The number, or name and SKU, under which NetSuite could hold an item that is new."""
    if item.target is not None:
        return []
    if item.entity in _NAMES:
        return [key for key in (clean(item.body.get("name")), clean(item.body.get("sku"))) if key]
    number = clean(item.body.get("number"))
    if not number or books.settings.numbers != "wherry":
        return []
    return [number, reversing(number)] if item.entity == "journal_entry" else [number]


# -- what was found ------------------------------------------------------------


def found(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read, or that may hide some."""
    if call.method == "GET":
        return _single(items[0], reply, books)
    if reply.status != 200:
        return {}
    try:
        body = decoded(reply.body)
    except TryAgain:
        return {}
    rows = body.get("items")
    if not isinstance(rows, list) or body.get("hasMore") is not False:
        return {}
    return {item.stamp: list(_hits(item, rows, books)) for item in items}


def _single(item: Item, reply: Reply, books: Books) -> dict[str, list[Found]]:
    if reply.status == NOT_THERE:
        fault = fault_in(reply.body)
        return {item.stamp: []} if fault is not None and fault.code in GONE else {}
    if reply.status != 200:
        return {}
    try:
        held = decoded(reply.body)
    except TryAgain:
        return {}
    if not held.get("id"):
        return {}
    told = facts.of_record(item, held, books)
    return {item.stamp: [Found(target=str(held["id"]), ours=held.get("externalId") == item.stamp, facts=told)]}


def _hits(item: Item, rows: Sequence[Obj], books: Books) -> Iterator[Found]:
    keys = {key.casefold() for key in _keys(item, books)}
    columns = _NAMES.get(item.entity, ("tranid",))
    if item.target is not None:
        yield from _reversal(item, rows)
        return
    for row in _standing(item, rows):
        ours = row.get("externalid") == item.stamp
        alike = not taken_back(row.get("memo")) and any(clean(row.get(one)).casefold() in keys for one in columns)
        if ours or alike:
            yield Found(target=str(row["id"]), ours=ours, alike=alike and not ours, facts=_facts(item, row))


def _standing(item: Item, rows: Sequence[Obj]) -> list[Obj]:
    """The rows, without reversals of entries of this number, and the oldest entries, as many as there are reversals."""
    if item.entity != "journal_entry":
        return list(rows)
    sign = f"{REVERSES}{clean(item.body.get('number'))}."
    back = [row for row in rows if clean(row.get("memo")).startswith(sign)]
    rest = [row for row in rows if row not in back]
    return [row for n, row in enumerate(rest) if n >= len(back) or row.get("externalid") == item.stamp]


def _reversal(item: Item, rows: Sequence[Obj]) -> Iterator[Found]:
    """Whether the entry was taken back by this item; else as it stands."""
    back = any(row.get("externalid") == item.stamp for row in rows)
    for row in rows:
        if str(row["id"]) == item.target:
            told = dict(TAKEN_BACK) if back else _facts(item, row)
            yield Found(target=str(item.target), ours=back, facts=told)


def _facts(item: Item, row: Obj) -> Facts:
    """As much as a row tells, in the words of ``facts``."""
    if item.entity in _NAMES:
        return {"name": clean(row.get(_NAMES[item.entity][0]))}
    told = {"state": "stands", "date": str(row.get("trandate") or ""), "memo": clean(row.get("memo"))}
    if item.body.get("number"):
        told["number"] = clean(row.get("tranid"))
    return told | ({} if item.entity == "journal_entry" else {"customer": str(row.get("entity") or "")})
