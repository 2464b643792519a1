"""Where a line belongs: tracking categories and their options.

Facts: a line has at most two, each told by the category's name and the option's (API.md).
"""

from __future__ import annotations

from typing import Any

from wherry.posting.bodies import refusal
from wherry.records import Item

from .books import MOST_CATEGORIES, Books
from .client import Obj


def misplaced(books: Books, dimension: str, word: str) -> tuple[str, str]:
    """Why a line cannot bear it, and what to do; both empty where it can."""
    category = books.categories.get(dimension.casefold())
    if category is None:
        return (
            f"has the {dimension} {word}, and Xero has no tracking category for that",
            "name one in tracking of the connection, or leave it out of the table of accounts",
        )
    if word.strip().casefold() not in category.options:
        return (
            f"has the {dimension} {word}, which is no active option of {category.name} in Xero",
            "add the option in Xero, or correct the word",
        )
    return "", ""


def tracked(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj:
    """The tracking of a line. Raises Rejected for what Xero does not have."""
    told = {name: str(word) for name, word in (line.get("dimensions") or {}).items() if str(word).strip()}
    problem, fix = next((why for pair in told.items() if (why := misplaced(books, *pair))[0]), ("", ""))
    if len(told) > MOST_CATEGORIES:
        problem, fix = f"has {' and '.join(told)}, and Xero takes two on a line", "leave some of them out"
    if problem:
        raise refusal(
            item, f"line {n + 1} {problem}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4577"
        )
    found = [(books.categories[name.casefold()], word.strip().casefold()) for name, word in told.items()]
    made = [{"Name": one.name, "Option": one.options[word]} for one, word in found]
    return {"Tracking": sorted(made, key=lambda one: one["Name"])} if made else {}
