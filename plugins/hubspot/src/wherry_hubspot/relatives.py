"""What belongs to a head: company, line items, products, owner, files; only what is asked for, each call once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial

from wherry.crm import tell_problem
from wherry.records import Record

from .files import DealFiles
from .objects import OWNER, POSITION, PRODUCT_ID, TYPES, Linked, names_in, properties_for, record_of
from .owners import Owners
from .reading import Coming, Reader, ReadOnce
from .shapes import AssociationType, Target
from .shelf import Shelf
from .views import View

LISTED = frozenset({"deals", "tickets"})
"""Object types whose records have relatives that their list can name."""
LINKS = {"company": "companies", "line_item": "line_items", "product": "line_items", "deal": "deals"}
"""Kind of a relative → object type of the association that leads there."""
PRIMARY = {("deals", "companies"): 5, ("tickets", "companies"): 26}
HUBSPOT = "HUBSPOT_DEFINED"
LAST = Decimal(10**9)

Wanted = Mapping[str, tuple[str, ...]]


class Relatives:
    """Completes heads of one type. Companies and products are read once a run, whoever needs them."""

    def __init__(self, reader: Reader, files: DealFiles, owners: Owners) -> None:
        self.reader, self.files, self.owners = reader, files, owners
        self._read_once: dict[tuple[str, tuple[str, ...]], ReadOnce[Record]] = {}
        self._lock = threading.Lock()
        self._coming = {type_name: Coming() for type_name in TYPES.values()}
        self._adders: Mapping[str, Callable[[str, list[Record], tuple[str, ...]], None]] = {
            "company": self._companies,
            "line_item": self._line_items,
            "deal": self._deals,
            "owner": self._owner,
            "file": self._files,
        }

    def complete(self, type_name: str, records: list[Record], wanted: Wanted) -> None:
        """Add the relatives to the records, in place. Products follow the line items that name them."""
        kinds = [kind for kind in self._adders if kind in wanted and kind != records[0].kind]
        if "product" in wanted and "line_item" not in kinds and type_name == "deals":
            kinds.append("line_item")
        self.reader.spread(lambda kind: self._adders[kind](type_name, records, self._line_fields(kind, wanted)), kinds)
        if "product" in wanted:
            self._products(records, wanted["product"])

    def _line_fields(self, kind: str, wanted: Wanted) -> tuple[str, ...]:
        fields = wanted.get(kind, ())
        return (*fields, PRODUCT_ID) if kind == "line_item" and "product" in wanted else fields

    def expect(self, records: Iterable[Record]) -> None:
        """The list has told these: what they are linked with will probably be asked for."""
        told = [record for record in records if isinstance(record, Linked)]
        for to in ("companies", "line_items"):
            self._coming[to].expect(partial(_linked_with, told, to))

    def _ids(self, type_name: str, to: str, records: list[Record]) -> dict[str, Sequence[str]]:
        """Id → the ids of what it is associated with: as the list told, else asked for."""
        told, rest = _told(records, to)
        found = self.reader.associations(type_name, to, rest) if rest else {}
        return told | {i: [target.id for target in targets] for i, targets in found.items()}

    # company

    def _companies(self, type_name: str, records: list[Record], fields: tuple[str, ...]) -> None:
        told, rest = _told(records, "companies")
        found = self.reader.associations(type_name, "companies", rest) if rest else {}
        chosen = {i: (ids[0] if ids else "", "") for i, ids in told.items()}
        chosen |= {i: primary(type_name, found.get(i, ())) for i in rest}
        wanted = dict.fromkeys(company for company, _ in chosen.values() if company)
        companies = self._once("company", "companies", fields).get(wanted)
        for record in records:
            company, problem = chosen[record.id]
            held = companies.get(company)
            record.relatives["company"] = [held] if held else []
            if company and not held:
                problem = f"company {company} is archived, or the token may not read it"
            if problem:
                tell_problem(record, problem)

    # line items and products

    def _line_items(self, type_name: str, records: list[Record], fields: tuple[str, ...]) -> None:
        linked = self._ids(type_name, "line_items", records)
        ids = [i for some in linked.values() for i in some]
        found = self._once("line_item", "line_items", (*fields, POSITION)).get(ids, keep=False)
        for record in records:
            lines = [found[i] for i in linked.get(record.id, ()) if i in found]
            record.relatives["line_item"] = sorted(lines, key=_place)

    def _products(self, records: list[Record], fields: tuple[str, ...]) -> None:
        named = {
            r.id: [str(names_in(line).hs_product_id or "") for line in r.relatives.get("line_item", ())]
            for r in records
        }
        wanted = dict.fromkeys(i for ids in named.values() for i in ids if i)
        products = self._once("product", "products", fields).get(wanted)
        for record in records:
            for line, product in zip(record.relatives.get("line_item", ()), named[record.id], strict=True):
                line.relatives["product"] = [products[product]] if product in products else []
            record.relatives["product"] = [products[i] for i in dict.fromkeys(named[record.id]) if i in products]

    # deal of a ticket, owner, files

    def _deals(self, type_name: str, records: list[Record], fields: tuple[str, ...]) -> None:
        linked = self._ids(type_name, "deals", records)
        ids = dict.fromkeys(i for some in linked.values() for i in some)
        # A map that only names the deal's id needs no look at the deal itself.
        deals = self._once("deal", "deals", fields).get(ids) if fields else {i: _only_id(i) for i in ids}
        for record in records:
            record.relatives["deal"] = [deals[i] for i in linked.get(record.id, ()) if i in deals]

    def _owner(self, type_name: str, records: list[Record], fields: tuple[str, ...]) -> None:
        for record in records:
            owner = self.owners.find(str(record.fields.get(OWNER) or ""))
            record.relatives["owner"] = [owner] if owner else []

    def _files(self, type_name: str, records: list[Record], fields: tuple[str, ...]) -> None:
        files = self.files.of([r.id for r in records]) if type_name == "deals" else {}
        for record in records:
            record.relatives["file"] = files.get(record.id, [])

    def _once(self, kind: str, type_name: str, fields: tuple[str, ...]) -> ReadOnce[Record]:
        def read(ids: Sequence[str]) -> dict[str, Record]:
            heads = self.reader.heads(type_name, ids, properties_for(kind, fields))
            return {head.id: record_of(kind, head) for head in heads}

        with self._lock:
            once = self._read_once.get((kind, fields))
            if once is None:
                shelf = None if kind == "line_item" else Shelf(Record)  # a line belongs to one deal
                once = self._read_once[kind, fields] = ReadOnce(read, coming=self._coming[type_name], shelf=shelf)
        return once


def linked_with(view: View, kinds: Iterable[str]) -> tuple[str, ...]:
    """Object types whose associations the list of a view shall tell, where relatives of these kinds are wanted."""
    wanted = dict.fromkeys(LINKS[kind] for kind in kinds if kind in LINKS)
    return tuple(to for to in wanted if to != view.type_name) if view.type_name in LISTED else ()


def _linked_with(records: Iterable[Linked], to: str) -> list[str]:
    return [id for record in records for id in record.links.get(to, ())]


def _told(records: Iterable[Record], to: str) -> tuple[dict[str, Sequence[str]], list[str]]:
    """What the list told, by id, and of whom it did not, or told several companies: which is the primary one, only the
    types of the associations say."""
    told, rest = dict[str, Sequence[str]](), list[str]()
    for record in records:
        ids = record.links.get(to) if isinstance(record, Linked) else None
        if ids is None or (to == "companies" and len(ids) > 1):
            rest.append(record.id)
        else:
            told[record.id] = ids
    return told, rest


def primary(type_name: str, targets: Sequence[Target]) -> tuple[str, str]:
    """The company that counts, and why there is none where one could be expected.

    The primary one by its association type, never by its place; without a primary the only one there is. A choice
    between several is not guessed (case B15).
    """
    type_id = PRIMARY.get((type_name, "companies"))
    marked = [t for t in targets if any(_is_primary(each, type_id) for each in t.associationTypes)]
    if len(marked) == 1:
        return marked[0].id, ""
    if not marked and len(targets) <= 1:
        return (targets[0].id if targets else ""), ""
    names = ", ".join(sorted((t.id for t in marked or targets), key=int))
    if marked:
        return "", f"{len(marked)} companies are marked as primary: {names}"
    return "", f"{len(targets)} companies are associated and none is marked as primary: {names}"


def _is_primary(each: AssociationType, type_id: int | None) -> bool:
    return each.category == HUBSPOT and (each.typeId == type_id or (each.label or "").lower() == "primary")


def _place(line: Record) -> tuple[Decimal, int]:
    """Where a line stands on the quote; lines without a place come last, in order of id."""
    told = names_in(line).hs_position_on_quote
    try:
        return Decimal(str(told)) if told else LAST, int(line.id)
    except InvalidOperation:
        return LAST, int(line.id)


def _only_id(deal: str) -> Record:
    return Record(kind="deal", id=deal, version="")
