"""Looking for what JD Edwards holds of items: by our key, with the find orchestration of the site or in a table.

A find orchestration gives back the key it looked for, and an array of what it found, each with that key and under the
names of the inputs: an answer that lacks either proves nothing. Of a journal that is taken back the second one is
looked for; an order that is cancelled, by its number.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.errors import Rejected, TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Call, Found, Item, Reply

from . import facts
from .books import Books
from .client import API, Obj, decoded, path_of, question, rows_of
from .decoding import same, target_of
from .documents import CONTENT, Said, body_of, by_number, cancels, reference
from .faults import is_refusal
from .kinds import CANCELED, Kind


def calls(items: Sequence[Item], books: Books) -> list[Call]:
    """One reading call an item."""
    return [_call(item, books) for item in items]


def _call(item: Item, books: Books) -> Call:
    kind = books.kinds[item.entity]
    table, _, column = kind.find.partition(".")
    key = _key(item, books)
    if cancels(item, kind):
        fields = Said({"company": books.settings.company}, [])
        path, body = path_of(books.settings, kind.find), body_of(fields, kind, books.settings, by_number(item, kind))
    elif column:
        columns = tuple(dict.fromkeys((column, *kind.columns.values())))
        path, body = f"{API}/v2/dataservice", question(table, columns, {column: key}, books.settings.page)
    else:
        path, body = path_of(books.settings, kind.find), body_of(_asked(key, books), kind, books.settings)
    return Call(method="POST", path=path, items=(item.stamp,), headers=dict(CONTENT), body=body)


def _asked(key: str, books: Books) -> Said:
    return Said({"reference": key, "company": books.settings.company}, [])


def _key(item: Item, books: Books) -> str:
    try:
        return reference(item, books)
    except Rejected:
        return ""


def found(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read, or that may hide some."""
    [item] = items
    rows = _rows(item, reply, books) if reply.status == 200 else None
    if rows is None:
        return {}
    hits = [(target_of(books.kinds[item.entity], row), row) for row in rows]
    if not all(target for target, _ in hits):
        return {}
    if cancels(item, books.kinds[item.entity]):
        # One that is not there may have been moved to the history: that is neither standing nor taken back.
        return {item.stamp: [_of_order(item, row, books) for _, row in hits[:1]]} if hits else {}
    if item.target is not None:
        return {item.stamp: [_standing(item, item.target, bool(hits))]}
    return {item.stamp: [_hit(item, target, row, books) for target, row in dict(hits).items()]}


def _rows(item: Item, reply: Reply, books: Books) -> list[Obj] | None:
    """What was found, under the names of the inputs; None where that is not said for certain."""
    kind, key = books.kinds[item.entity], _key(item, books)
    if cancels(item, kind):
        rows = _listed(reply, books)
        return [row for row in rows if target_of(kind, row) == item.target] if rows is not None else None
    try:
        body = decoded(reply.body)
        rows = _of_table(kind, body) if "." in kind.find else _of_orchestration(kind, key, body, books)
    except TryAgain:
        return None
    sign = kind.inputs["reference"]
    return rows if rows is not None and key and all(same(row.get(sign), key) for row in rows) else None


def _of_table(kind: Kind, body: Obj) -> list[Obj] | None:
    table, _, column = kind.find.partition(".")
    rows, more = rows_of(body, table)
    names = {**kind.columns, kind.inputs["reference"]: column}
    return None if more else [{there: row.get(here) for there, here in names.items()} for row in rows]


def _listed(reply: Reply, books: Books) -> list[Obj] | None:
    try:
        return _array(decoded(reply.body), books)
    except TryAgain:
        return None


def _array(body: Obj, books: Books) -> list[Obj] | None:
    rows = body.get(books.settings.found)
    failed = is_refusal(body) or body.get("jde__status") == "ERROR"
    return rows if not failed and isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _of_orchestration(kind: Kind, key: str, body: Obj, books: Books) -> list[Obj] | None:
    return _array(body, books) if same(body.get(kind.inputs["reference"]), key) else None


def _standing(item: Item, target: str, taken_back: bool) -> Found:
    """What was written stands, as nobody changes what is posted; or the journal that takes it back is there, too."""
    if item.action == "void" and taken_back:
        return Found(target=target, ours=True, facts=dict(TAKEN_BACK))
    return Found(target=target)


def _of_order(item: Item, row: Obj, books: Books) -> Found:
    """An order as it stands, or as it was cancelled: by this call, or by somebody else."""
    ours = same(row.get(CANCELED), _key(item, books))
    return Found(target=str(item.target), ours=ours, facts=facts.of_row(item, row, books))


def _hit(item: Item, target: str, row: Obj, books: Books) -> Found:
    told = facts.of_row(item, row, books)
    if item.entity != "product":
        return Found(target=target, ours=True, facts=told)
    # Only one item can have a number: what has it, and the name that was to be written, is the thing itself.
    ours = told == {name: value for name, value in facts.of_item(item, books).items() if name in told}
    return Found(target=target, ours=ours, alike=not ours, facts=told)
