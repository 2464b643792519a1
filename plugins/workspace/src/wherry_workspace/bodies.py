"""Bodies of documents: their canonical form, what it refuses, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from wherry import entities
from wherry.entities import Custom
from wherry.money import decimals, exact

from wherry_workspace.clean import CONTROL, LARGEST_INT, as_it_stands, is_dirty
from wherry_workspace.kinds import Kind

_NAMED = re.compile(r"`\$\.([^`]+)`|field `([^`]+)`")
_PLAIN = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,20})?")
_FINEST = -30
"""The last decimal place of a price, quantity or rate: what is longer is noise."""


class Refusal(ValueError):
    """A body that cannot be held: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def full(kind: Kind, fields: dict[str, Any]) -> dict[str, Any]:
    """Every field with its value, defaults filled in, lines too."""
    body = {name: fields.get(name, field.default) for name, field in kind.fields.items()}
    if kind.line and body["lines"]:
        body["lines"] = [full(kind.line, line) for line in body["lines"]]
    return body


def short(kind: Kind, fields: dict[str, Any]) -> dict[str, Any]:
    """The canonical form: fields that hold their default are left out."""
    body = {name: fields[name] for name, field in kind.fields.items()
            if name in fields and (field.required or fields[name] != field.default)}  # fmt: skip
    if kind.line and body.get("lines"):
        body["lines"] = [short(kind.line, line) for line in body["lines"]]
    return body


def canonical(kind: Kind, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The body as it is stored, and the fields from which control characters were taken out.

    Raises Refusal that names the field: unknown, missing, of a wrong type, a float, a currency nobody knows.
    """
    fields = as_it_stands(kind, body)
    return (fields, []) if fields is not None else settled(kind, body)


def settled(kind: Kind, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The same, whatever the body is like: checked against its shape, and value by value."""
    try:
        checked = entities.check(kind.name, body)
    except ValueError as error:
        _refuse_floats(kind, body, "")
        found = _NAMED.search(str(error))
        raise Refusal((found[1] or found[2]) if found else "", _plain(str(error))) from None
    notes = list(_settle(kind, checked, ""))
    return short(kind, checked), notes


def _plain(message: str) -> str:
    """A checker's sentence without its own notation."""
    return re.sub(r" - at `\$[^`]*`$", "", message.partition(": ")[2] or message).replace("`", "'")


def _refuse_floats(kind: Kind, body: dict[str, Any], path: str) -> None:
    for name in kind.numbers:
        if isinstance(body.get(name), float):
            raise Refusal(path + name, "a binary fraction is not exact; write it as decimal text")
    if kind.line and isinstance(body.get("lines"), list):
        for number, line in enumerate(body["lines"]):
            if isinstance(line, dict):
                _refuse_floats(kind.line, line, f"lines[{number}].")


def _settle(kind: Kind, body: dict[str, Any], path: str) -> Iterator[str]:
    """Bring values into their one spelling, in place; yields the fields that were cleaned."""
    for name in kind.numbers:
        if body.get(name) is not None:
            body[name] = _number(path + name, body[name])
    for name in kind.amounts:
        if body.get(name) is not None:
            _known_currency(path + name, body[name])
    for name in kind.references:
        _settle_reference(path, body, name)
    for name in kind.counts:
        _bounded(path + name, body.get(name, 0))
    yield from _settle_texts(kind, body, path)
    yield from _settle_custom(body.get("custom") or {}, path)
    for number, line in enumerate(body.get("lines", ())):
        if kind.line:
            yield from _settle(kind.line, line, f"{path}lines[{number}].")


def _settle_texts(kind: Kind, body: dict[str, Any], path: str) -> Iterator[str]:
    for name in kind.texts:
        if isinstance(body.get(name), dict):
            _settle_reference(path, body, name)
        if name in body and is_dirty(body[name]):
            body[name] = CONTROL.sub("", body[name])
            yield path + name
    for name in kind.spoken:
        if name in body and not body[name].strip():
            del body[name]


def _settle_reference(path: str, body: dict[str, Any], name: str) -> None:
    value = body.get(name)
    if isinstance(value, dict):
        raise Refusal(path + name, f"{value.get('entity')} {value.get('key')} has no id yet")
    if value == "":
        body[name] = None


def _bounded(field: str, number: int) -> None:
    if abs(number) >= LARGEST_INT:
        raise Refusal(field, "the number is out of range")


def _settle_custom(custom: Custom, path: str) -> Iterator[str]:
    if None in custom.values():
        for name in [name for name, value in custom.items() if value is None]:
            del custom[name]
    for name, value in [*custom.items()]:
        if isinstance(value, int):
            _bounded(f"{path}custom.{name}", value)
        if is_dirty(name) or (isinstance(value, str) and is_dirty(value)):
            del custom[name]
            custom[CONTROL.sub("", name)] = CONTROL.sub("", value) if isinstance(value, str) else value
            yield f"{path}custom"


def _number(field: str, text: str) -> str:
    """A decimal in plain digits: ``1E+3`` is ``1000``."""
    if _PLAIN.fullmatch(text):
        return text
    try:
        number = exact(Decimal(text))
    except ValueError as error:
        raise Refusal(field, str(error)) from None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        raise Refusal(field, f"{text} has more than {-_FINEST} decimals")
    return format(number, "f")


def _known_currency(field: str, amount: dict[str, Any]) -> None:
    try:
        decimals(amount["currency"])
    except ValueError as error:
        raise Refusal(field, str(error)) from None
    _bounded(field, amount["minor"])


def references_of(kind: Kind, body: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(field path, kind, id) of every reference in a body; a reference's field is named after its kind."""
    for name in kind.references:
        if body.get(name):
            yield name, name, body[name]
    if kind.line:
        for number, line in enumerate(body.get("lines") or ()):
            for name in kind.line.references:
                if line.get(name):
                    yield f"lines[{number}].{name}", name, line[name]
