"""Looking for what Sage Intacct holds of items, many in one request.

What has a target is read by its key. What is new is looked for by its stamp (``externalid``; of a journal entry the
DOCUMENT of its lines) and by its number; customers and items, which have no place for a stamp, by ID and name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from wherry.books.numbering import reversing
from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.posting.texts import clean
from wherry.records import Call, Facts, Found, Item, Reply

from . import envelope, facts
from .books import Books
from .client import Row, reading
from .documents import FORMS, LISTED, READ, Form, by_key, form_of, portions, reverses
from .lists import customer_id, item_id, record_of
from .queries import any_of, query, within
from .sales import definition
from .texts import iso
from .xml import Obj

_TITLES = ("BATCHNO", "BATCH_DATE", "BATCHTITLE")
"""What a line of a journal tells of its entry."""


def calls(items: Sequence[Item], books: Books) -> list[Call]:
    """Reading calls that look for items, as few as there can be."""
    groups: defaultdict[tuple[str, bool], list[Item]] = defaultdict(list)
    for item in items:
        groups[form_of(item.entity, books).object, _is_known(item, books)].append(item)
    made = []
    for (name, known), group in groups.items():
        for part in portions(group):
            ask = by_key(FORMS[name], [_key(item) for item in part]) if known else _questions(FORMS[name], part, books)
            made.append(reading(ask, tuple(item.stamp for item in part)))
    return made


def _is_known(item: Item, books: Books) -> bool:
    return item.target is not None and not reverses(item, books)


def _key(item: Item) -> str:
    return record_of(str(item.target)) if item.entity == "product" else str(item.target)


def _questions(form: Form, items: Sequence[Item], books: Books) -> list[tuple[str, Obj]]:
    fields, stamps = ("RECORDNO", *form.fields), [item.stamp for item in items]
    names = [name for item in items for name in _names(form, item, books)]
    found = [within(_named(form), names)] if names else []
    if targets := [str(item.target) for item in items if item.target]:
        found.append(within(form.key, targets))
    if form.object in LISTED.values():
        found.append(within("NAME", [clean(item.body.get("name")) for item in items]))
    elif form.object != "GLBATCH":
        found.append(within("EXTERNALID", stamps))
    else:
        lines = query(form.lines, ("RECORDNO", *_TITLES, *form.line_fields), within("DOCUMENT", stamps))
        return [("lines", lines), *([("heads", query(form.object, fields, any_of(*found)))] if found else [])]
    return [("heads", query(form.object, fields, any_of(*found)))]


def _named(form: Form) -> str:
    """The field of the number or ID that an item could be found under."""
    return {"CUSTOMER": "CUSTOMERID", "SODOCUMENT": "DOCID"}.get(form.object, form.name)


def _names(form: Form, item: Item, books: Books) -> list[str]:
    if item.target is not None:
        return []
    if form.object == "CUSTOMER":
        return [customer_id(item.body)]
    if form.object == "ITEM":
        return [item_id(item.body)]
    number = clean(item.body.get("number"))
    if not number:
        return []
    if form.object == "SODOCUMENT":
        return [f"{definition(item.entity, books)}-{number}"]
    return [number, reversing(number)] if form.object in ("GLBATCH", "ARADJUSTMENT") else [number]


# -- what was found ------------------------------------------------------------


def found(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, list[Found]]:
    """Stamp → what is there. Nothing is told of an answer that cannot be read, or that may hide some."""
    try:
        told = envelope.told(reply.body) if reply.status == 200 else None
    except TryAgain:
        return {}
    form, known = form_of(items[0].entity, books), _is_known(items[0], books)
    if told is None or told.failed or not told.results:
        return {}
    if any(one.status != "success" or one.remaining for one in told.results):
        return {}
    rows = {one.control: one.rows for one in told.results}
    wanted = {"heads", "lines"} if known and form.lines else {"lines"} if form.object == "GLBATCH" else {"heads"}
    if wanted - rows.keys():
        return {}
    heads, lines = rows.get("heads", []), rows.get("lines", [])
    look = _by_key if known else _by_sign
    return {item.stamp: list(look(item, form, heads, lines, books)) for item in items}


def _by_key(item: Item, form: Form, heads: list[Row], lines: list[Row], books: Books) -> Iterator[Found]:
    key = _key(item)
    for head in heads:
        if head.get(form.key) == key:
            under = [row for row in lines if row.get(form.parent) == key]
            ours = head.get("EXTERNALID") == item.stamp or any(row.get("DOCUMENT") == item.stamp for row in under)
            told = facts.of_record(item, head, under, books)
            gone = item.action == "void" and told == TAKEN_BACK
            yield Found(target=str(item.target), ours=ours or gone, facts=told)


def _by_sign(item: Item, form: Form, heads: list[Row], lines: list[Row], books: Books) -> Iterator[Found]:
    if form.object == "GLBATCH":
        heads = _with_theirs(heads, lines)
    if item.target is not None:
        yield from _taken_back(item, form, heads, lines, books)
        return
    names = {name.casefold() for name in _names(form, item, books)}
    for head in _standing(item, form, heads, lines):
        ours, told = _is_ours(item, form, head, lines, books), _facts(item, form, head, books)
        alike = clean(head.get(_named(form))).casefold() in names and not facts.is_gone(form, head)
        if form.object in LISTED.values():
            alike |= clean(head.get("NAME")).casefold() == clean(item.body.get("name")).casefold()
            alike &= head.get("STATUS", "active") == "active"
        if ours or alike:
            memo = f"{READ}{head[form.key]}" if ours and form.lines else ""  # its lines are read next
            yield Found(target=_target(form, head), ours=ours, alike=alike and not ours, facts=told, memo=memo)


def _with_theirs(heads: list[Row], lines: list[Row]) -> list[Row]:
    """The entries that were found by number, and those whose lines have a stamp: what these tell of them."""
    there = {head["RECORDNO"] for head in heads}
    more = {row["BATCHNO"]: row for row in lines if row.get("BATCHNO") not in there}
    told = {"BATCH_DATE": "BATCH_DATE", "BATCHTITLE": "BATCH_TITLE"}
    return [*heads, *({"RECORDNO": id, **{there: row.get(name, "") for name, there in told.items()}}
                      for id, row in more.items())]  # fmt: skip


def _standing(item: Item, form: Form, heads: list[Row], lines: list[Row]) -> list[Row]:
    """The records, less the oldest of this number, as many as there are others that take them back."""
    number = clean(item.body.get("number"))
    if form.object not in ("GLBATCH", "ARADJUSTMENT") or not number:
        return heads
    sign = reversing(number).casefold()
    back = [head for head in heads if clean(head.get(form.name)).casefold() == sign]
    rest = [head for head in heads if head not in back]
    ours = {row.get("BATCHNO") for row in lines if row.get("DOCUMENT") == item.stamp}
    alike = [head for head in rest if clean(head.get(form.name)).casefold() == number.casefold()]
    gone = [
        head for head in alike[: len(back)] if head["RECORDNO"] not in ours and head.get("EXTERNALID") != item.stamp
    ]
    return [head for head in rest if head not in gone]


def _is_ours(item: Item, form: Form, head: Row, lines: list[Row], books: Books) -> bool:
    if form.object == "GLBATCH":
        return any(row.get("DOCUMENT") == item.stamp and row.get("BATCHNO") == head["RECORDNO"] for row in lines)
    if form.object in LISTED.values():
        # Only one can have an ID: what has it, and all else that was to be written, is the thing itself.
        return facts.of_record(item, head, (), books) == facts.of_item(item, books) != {}
    return head.get("EXTERNALID") == item.stamp


def _facts(item: Item, form: Form, head: Row, books: Books) -> Facts:
    """As much as was asked for."""
    if form.object in LISTED.values() or facts.is_gone(form, head):
        return facts.of_record(item, head, (), books)
    paper = facts.paper_in(form, head, (), books)
    told = {"state": "stands", "date": paper.date, "memo": paper.memo, "number": paper.number}
    return told if form.object == "GLBATCH" else {**told, "customer": paper.customer}


def _taken_back(item: Item, form: Form, heads: list[Row], lines: list[Row], books: Books) -> Iterator[Found]:
    """Whether the record was taken back by this item; else as it stands."""
    back = any(_is_ours(item, form, head, lines, books) for head in heads)
    for head in heads:
        if head.get(form.key) == item.target:
            date = iso(head.get("BATCH_DATE") or head.get("WHENCREATED"))
            told = dict(TAKEN_BACK) if back else {"state": "stands", "date": date}
            yield Found(target=str(item.target), ours=back, facts=told)


def _target(form: Form, head: Row) -> str:
    return f"{head['RECORDNO']}/{head['ITEMID']}" if form.object == "ITEM" else head[form.key]
