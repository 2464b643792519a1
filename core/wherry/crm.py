"""What connectors of CRMs share, whatever the system calls things: parts of default maps, and what belongs to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from wherry.records import Record
from wherry.settings.sites import LOCATION_FIELDS

PROBLEM = "company_problem"
"""The field of a head that says why it has no company; only there when there is something to tell."""
MATCH: dict[str, dict[str, Any]] = {
    "customer": {"order": ["link", "name"], "unmatched": "create"},
    "product": {"order": ["link", "sku", "name"], "unmatched": "create"},
    "project": {"order": ["link"], "unmatched": "create"},
    "ticket": {"order": ["link"], "unmatched": "create"},
    "location": {"order": ["link"], "unmatched": "create"},
    "file": {"order": ["link"], "unmatched": "create"},
}
"""A CRM is where customers and products come from: what nothing matches is created."""


def plain(kind: str, **fields: str) -> dict[str, str]:
    """Our field → the source's, carried over as it is, or empty."""
    return {name: f"default({kind}.{field}, '')" for name, field in fields.items()}


def file_map(key: str, **more: str) -> dict[str, Any]:
    """The map of a deal's files, records with ``name``, ``media_type`` and ``size``; ``key`` is its expression."""
    return {
        "from": "file",
        "each": True,
        "key": key,
        "label": "file.name",
        "file": "file.id",
        "fields": {
            "name": "file.name",
            "project": "ref(project)",
            "media_type": "file.media_type",
            "size": "file.size",
            **more,
        },
    }


def location_map(customer: dict[str, Any]) -> dict[str, Any]:
    """The map of sites, records with ``LOCATION_FIELDS``, and of the customer that each belongs to."""
    return {
        "customer": {"from": "company", "optional": True, **customer},
        "location": {
            "root": True,
            "key": "id(location.id)",
            "label": "location.name",
            "fields": {
                "name": "location.name",
                "customer": "ref(customer)",
                **plain("location", **{name: name for name in LOCATION_FIELDS if name != "name"}),
            },
        },
    }


# -- what belongs to heads ---------------------------------------------------------------------------------------------

Found = Iterable[tuple[str, Record]]
"""Records, each with the id of the head that it belongs to."""


def by_kind(records: Sequence[Record], most: int) -> Iterator[tuple[str, list[Record]]]:
    """Heads of one kind, at most so many at once."""
    for kind in dict.fromkeys(record.kind for record in records):
        own = [record for record in records if record.kind == kind]
        yield from ((kind, own[start : start + most]) for start in range(0, len(own), most))


def give_lines(records: Sequence[Record], found: Found, number: str, wanted: Collection[str]) -> None:
    """Each deal its lines, by the number in that field of theirs, those without one last; and the products that lines
    brought along, each once. Of ``line_item`` and ``product``, as far as they are wanted."""
    lines = _by_owner(found)
    for record in records:
        own = sorted(lines.get(record.id, ()), key=lambda line: _place(line, number))
        if "line_item" in wanted:
            record.relatives["line_item"] = own
        if "product" in wanted:
            distinct = {one.id: one for line in own for one in line.relatives.get("product", ())}
            record.relatives["product"] = list(distinct.values())


def give_files(records: Sequence[Record], found: Found) -> None:
    """Each deal its files, in order of id."""
    files = _by_owner(found)
    for record in records:
        record.relatives["file"] = sorted(files.get(record.id, ()), key=lambda file: file.id)


def tell_problem(record: Record, why: str) -> None:
    """Note in a head why it has no company."""
    record.decoded = {**record.fields, PROBLEM: why}


def _by_owner(found: Found) -> dict[str, list[Record]]:
    by_owner: dict[str, list[Record]] = {}
    for owner, record in found:
        by_owner.setdefault(owner, []).append(record)
    return by_owner


def _place(line: Record, number: str) -> tuple[bool, int, str]:
    place = line.fields.get(number)
    return place is None, int(place or 0), line.id
