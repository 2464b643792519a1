"""Where a line belongs: its class, department and location, as references.

Facts: a reference names an internal id, or the external id that somebody gave the entry (API.md). A journal entry has
one subsidiary; one between several is another type of record.
"""

from __future__ import annotations

from typing import Any

from wherry.posting.bodies import refusal
from wherry.records import Item

from .client import Obj

DIMENSIONS = ("class", "department", "location")


def placed(item: Item, n: int, line: dict[str, Any], subsidiary: str | None = None) -> Obj:
    """The references of a line. Raises Rejected for what NetSuite does not take on one."""
    told = {name: str(word).strip() for name, word in (line.get("dimensions") or {}).items() if str(word).strip()}
    for name, word in told.items():
        why, fix = misplaced(name, word, subsidiary)
        if why:
            raise refusal(
                item, f"line {n + 1} {why}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4799"
            )
    return {name: reference(word) for name, word in told.items() if name in DIMENSIONS}


def misplaced(name: str, word: str, subsidiary: str | None) -> tuple[str, str]:
    """Why a line cannot be there, and what to do; both empty where it can."""
    if name in DIMENSIONS or (name == "subsidiary" and word == subsidiary):
        return "", ""
    if name == "subsidiary":
        return (
            f"has the subsidiary {word}, and the connection writes for {subsidiary or 'none'}",
            "give each subsidiary a connection of its own, with the internal id",
        )
    return f"has the {name} {word}, which NetSuite does not take on lines", "leave it out of the table of accounts"


def reference(word: str) -> Obj:
    """Digits are an internal id, anything else an external one."""
    return {"id": word} if word.isdecimal() else {"externalId": word}
