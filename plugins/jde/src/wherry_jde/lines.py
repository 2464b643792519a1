"""What documents have in common: numbers that fit, and what lines say beside their amounts."""

from __future__ import annotations

from typing import Any

from wherry.posting.bodies import refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .books import Books
from .kinds import DIMENSION
from .texts import DESCRIPTION

Fields = dict[str, str]


def fitting(item: Item, field: str, longest: int) -> str:
    """What a field says. Raises Rejected where it is too long: cut, two things would have one name."""
    told = clean(item.body.get(field))
    if len(told) <= longest:
        return told
    raise refusal(
        item, f"its {field} has {len(told)} characters, and JD Edwards takes {longest}", field,
        "shorten it at the source, then try it again", "WHERRY-4946",
    )  # fmt: skip


def misplaced(books: Books, entity: str, dimension: str, word: str) -> tuple[str, str]:
    """Why a line cannot bear it, and what to do; both empty where it can."""
    kind = books.kinds.get(entity)
    if kind is not None and kind.line_inputs.get(DIMENSION + dimension):
        return "", ""
    return (
        f"has the {dimension} {word}, and no input of a line is named for that",
        f'name one, line_inputs = {{ "{DIMENSION}{dimension}" = "…" }}, or leave it out of the table of accounts',
    )


def beside(item: Item, books: Books, n: int, line: dict[str, Any]) -> Fields:
    """Description and dimensions of a line. Raises Rejected for what the site has no input for."""
    told = {name: str(word).strip() for name, word in (line.get("dimensions") or {}).items() if str(word).strip()}
    for name, word in told.items():
        problem, fix = misplaced(books, item.entity, name, word)
        if problem:
            raise refusal(
                item, f"line {n + 1} {problem}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4947"
            )
    words = cut(line.get("description") or line.get("service"), DESCRIPTION)
    return {"description": words, **{DIMENSION + name: word for name, word in told.items()}}
