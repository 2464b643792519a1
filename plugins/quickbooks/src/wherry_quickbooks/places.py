"""Where a line belongs: its class and its department, as references to the company's own lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from typing import Any

from wherry.errors import Rejected
from wherry.posting.bodies import refusal
from wherry.records import Item

from .books import Books, Places
from .client import Obj

DIMENSIONS = {
    "class": ("ClassRef", "classes", "classes"),
    "department": ("DepartmentRef", "departments", "locations"),
    "location": ("DepartmentRef", "departments", "locations"),
}
"""Dimension of a line → QuickBooks' field, where the company's list is, and what QuickBooks calls it on screen."""
_UNKNOWN = defaultdict(
    lambda: "leave it out of the table of accounts",
    tax="map the tax to a line of its own, and leave the column out",
)


def placed(item: Item, books: Books, n: int, line: dict[str, Any], only: Container[str] = DIMENSIONS) -> Obj:
    """Class and department of a line, as references. QuickBooks calls a department location, too.

    Raises Rejected for a dimension that the company does not keep, or does not have, or that is not one of ``only``.
    """
    told = {name: str(word).strip() for name, word in (line.get("dimensions") or {}).items() if str(word).strip()}
    made: Obj = {}
    for name, word in told.items():
        why, fix = misplaced(books, name, word)
        if name in DIMENSIONS and name not in only:
            why, fix = f"has the {name} {word}, which such a document has as a whole", f"leave {name} out of the map"
        if why:
            raise _unplaced(item, n, why, fix)
        field, attribute, _ = DIMENSIONS[name]
        [found] = getattr(books, attribute).find(word)
        if made.setdefault(field, {"value": found}) != {"value": found}:
            raise _unplaced(item, n, "has a department and another location", "QuickBooks keeps one: leave one out")
    return made


def misplaced(books: Books, name: str, word: str) -> tuple[str, str]:
    """Why a line cannot be at this class or department, and what to do; both empty where it can."""
    if name not in DIMENSIONS:
        return f"has the {name} {word}, which QuickBooks does not take on lines", _UNKNOWN[name]
    _, attribute, calls = DIMENSIONS[name]
    places: Places | None = getattr(books, attribute)
    if places is None:
        why = f"has the {name} {word}, but the QuickBooks company does not track {calls}"
        return why, f"switch {calls} on in QuickBooks, or leave {name} out"
    found, near = places.find(word), places.near(word)
    if len(found) == 1:
        return "", ""
    hint = f"; near it: {', '.join(near)}" if near else ""
    why = f"has the {name} {word}, which QuickBooks " + ("has more than once" if found else f"does not have{hint}")
    return why, f"add it in QuickBooks, or correct it where the {name} comes from"


def _unplaced(item: Item, n: int, why: str, fix: str) -> Rejected:
    return refusal(item, f"line {n + 1} {why}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4774")
