"""Where a line belongs: location, department and the other dimensions, by their IDs.

Facts: journal entries call them LOCATION, DEPARTMENT, PROJECTID …, the other functions locationid, departmentid …; a
company of several entities wants a location on each line (API.md).
"""

from __future__ import annotations

from typing import Any

from wherry.posting.bodies import refusal
from wherry.posting.texts import clean
from wherry.records import Item

from .xml import Obj

DIMENSIONS = ("department", "location", "project", "vendor", "employee", "class")
"""In the order that the functions want."""
IN_JOURNALS = {"department": "DEPARTMENT", "location": "LOCATION"}


def placed(item: Item, n: int, line: dict[str, Any], location: str | None) -> dict[str, str]:
    """Dimension → ID of a line, the connection's location where it names none. Raises Rejected for others."""
    told = {name: text for name, word in (line.get("dimensions") or {}).items() if (text := clean(word))}
    for name, word in told.items():
        why, fix = misplaced(name, word)
        if why:
            raise refusal(
                item, f"line {n + 1} {why}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4677"
            )
    return {"location": location, **told} if location else told


def misplaced(name: str, word: str) -> tuple[str, str]:
    """Why a line cannot be there, and what to do; both empty where it can."""
    if name in DIMENSIONS:
        return "", ""
    return f"has the {name} {word}, which Sage Intacct does not take on lines", "leave it out of the table of accounts"


def generic(name: str) -> str:
    """What a dimension is called in journal entries and in answers about them."""
    return IN_JOURNALS.get(name, f"{name.upper()}ID")


def legacy(places: dict[str, str], names: tuple[str, ...]) -> Obj:
    """The elements of other functions, those that are asked for; a blank empties what was there before."""
    return {f"{name}id": places.get(name, "") for name in names}
