"""The page of entities: the canonical bodies, field by field, from the shapes that they are checked against."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterator
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields
from wherry.entities import SHAPES, Entity
from wherry.money import Money
from wherry.records import Ref

from generate import roles

MODULE = "wherry.entities"
TYPES = {
    "money": '`{"minor": 123456, "currency": "USD"}`: a whole number of the currency\'s smallest unit (cents; yen have'
    " no decimals, fils three) and its ISO 4217 code. `wherry.money.text` writes it as `1234.56`",
    "decimal": 'exact digits as text, such as `"1.5"`: quantities, prices, rates. Never a float, never an exponent',
    "date": '`"2026-01-31"`: an accounting date, plain, without a time or a zone',
    "reference": "in a draft a `wherry.records.Ref` (entity and key), or the id in the target as text. In `item.body`"
    " it is always text: the id that the thing has in the target, or in a plan, while it has none, a symbol such as"
    " `<id of customer id:17>`",
}
HEAD = """# Entities

What a draft's `body` holds on its way through Wherry, and what a sink is given as `item.body`: plain JSON values,
checked against these shapes (`wherry.entities.SHAPES`) before anything enters the ledger. A field that is not listed is
refused; so is a float wherever an amount is meant. A field that has its default is left out of a body: read it with
`body.get(…)`. A plugin may add shapes of its own by its [manifest](roles.md#manifest).

Every entity, and every line, also has `custom`: fields that only one organisation knows, by name, each a text, a whole
number, true, false or null.

**Amounts and signs.** An amount has the sign that the words give it: a credit memo's quantities and amounts are
positive, and that it gives back is said by its entity; a journal line has a `side`. Below zero is a discount line of an
invoice, a loss in `gain`, and the amount of a movement's line that is booked on the other side.

**Amount of a line.** `amount` counts. Where it is missing it is `quantity` × `rate`, rounded to the currency's unit.

**Tax.** A line's `amount` and `rate` are without tax. Tax comes on top: `total` = the lines' amounts + tax. The tax of
a document is its `tax`; where that is missing, the sum of its lines' `tax`; where those are missing too, what their
`tax_rate` comes to. Without a `tax_rate` on any line nothing is known of tax; `"0"` says that there is none. A journal
line names a tax code in `dimensions`, if any.

| type | in a body |
|---|---|
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD + "".join(f"| {name} | {told} |\n" for name, told in TYPES.items())]
    shown = dict.fromkeys(SHAPES.values())
    for name, shape in SHAPES.items():
        parts += [f"## {name}", "", *_table(shape)]
    for line in dict.fromkeys(inner for shape in shown for inner in _inner(shape)):
        parts += [f"## {line.__name__}", "", *_table(line)]
    return "\n".join(parts)


def _table(shape: type[Entity]) -> Iterator[str]:
    told = shape.__doc__ if "__doc__" in vars(shape) else None
    if told:
        yield from (inspect.cleandoc(told), "")
    yield from ("| field | type | default | meaning |", "|---|---|---|---|")
    meanings = _meanings(shape)
    for one in fields(shape):
        if one.name != "custom":
            yield f"| `{one.name}` | {words(one.type)} | {_default(one)} | {_cell(meanings.get(one.name, ''))} |"
    yield ""


def _meanings(shape: type[Entity]) -> dict[str, str]:
    """Field → what the code says below it, of the shape and of what it is built on."""
    found: dict[str, str] = {}
    for one in reversed(shape.__mro__):
        if one.__module__ == MODULE:
            found |= {member.name: member.meaning for member in roles.members(MODULE, one.__name__, {})}
    return found


def _inner(shape: type[Entity]) -> Iterator[type[Entity]]:
    for one in fields(shape):
        if get_origin(one.type) is list:
            yield get_args(one.type)[0]


_WORDS = {str: "text", int: "whole number", bool: "true or false", dt.date: "date", Decimal: "decimal", Money: "money"}


def words(type: Any) -> str:
    """A type in the words of the table at the top."""
    if get_origin(type) is Literal:
        return " or ".join(f'`"{one}"`' for one in get_args(type))
    if get_origin(type) is list:
        inner = get_args(type)[0]
        return f"list of [{inner.__name__}](#{inner.__name__.lower()})"
    if get_origin(type) is dict:
        return "texts by name"
    choices = [one for one in get_args(type) if one is not NoneType]
    if Ref in choices:
        return "reference"
    return words(choices[0]) if choices else _WORDS[type]


def _default(one: FieldInfo) -> str:
    if one.required:
        return "required"
    return "" if one.default in (msgspec.NODEFAULT, None, "") else f"`{_plain(one.default)}`"


def _plain(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
