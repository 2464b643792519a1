"""Values as people write and read them: parsed by the type of their field, exact or not at all."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from decimal import Decimal
from typing import Any

import msgspec
from wherry import money

from wherry_workspace.bodies import Refusal
from wherry_workspace.kinds import Field

_MONEY = re.compile(r"(?P<before>[A-Za-z]{3})?\s*(?P<number>[-+0-9.,]+)\s*(?P<after>[A-Za-z]{3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INT = re.compile(r"[-+]?[0-9]{1,19}")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def parse(field: Field, text: str, currency: str = "") -> Any:
    """A plain JSON value from text; empty text is the default. ``currency`` is for amounts which name none.

    Raises Refusal with the reason. References are not looked up here.
    """
    plain = text if field.type == "text" else text.strip()
    if not plain.strip():
        if field.required:
            raise Refusal(field.name, "is required and cannot be empty")
        return plain if field.type == "text" and not field.default else field.default
    return _parsed(field, plain, currency)


def _parsed(field: Field, text: str, currency: str) -> Any:
    match field.type:
        case "decimal":
            return _decimal(field, text)
        case "money":
            return _money(field, text, currency)
        case "date":
            return _date(field, text)
        case "int":
            if not _INT.fullmatch(text):
                raise Refusal(field.name, f"{text!r} is not a whole number")
            return int(text)
        case "bool":
            return _bool(field, text)
        case "choice":
            return _choice(field, text)
        case "custom":
            return _object(field, text)
        case "lines":
            raise Refusal(field.name, "is a list; name one field of one line, such as lines[0].quantity")
        case "text" | "reference":
            return text


def _decimal(field: Field, text: str) -> str:
    try:
        return format(money.exact(text), "f")
    except ValueError as error:
        raise Refusal(field.name, _hinted(str(error), text)) from None


def _money(field: Field, text: str, currency: str) -> dict[str, Any]:
    found = _MONEY.fullmatch(text)
    if not found or (found["before"] and found["after"]):
        raise Refusal(field.name, f"{text!r} is not an amount; write it as 12.50 USD")
    named = (found["before"] or found["after"] or currency).upper()
    if not named:
        raise Refusal(field.name, f"{text!r} has no currency; write it as {text} USD, or give a currency column")
    try:
        amount = money.parse(found["number"], named)
    except ValueError as error:
        raise Refusal(field.name, _hinted(str(error), found["number"])) from None
    return {"minor": amount.minor, "currency": amount.currency}


def _hinted(reason: str, text: str) -> str:
    return f"{reason}; write it with a point and without separators, such as 1234.50" if "," in text else reason


def _date(field: Field, text: str) -> str:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal(field.name, f"{text!r} is not a date; write it as YYYY-MM-DD") from None


def _bool(field: Field, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Refusal(field.name, f"{text!r} is neither true nor false")


def _choice(field: Field, text: str) -> str:
    if text.lower() in field.choices:
        return text.lower()
    near = difflib.get_close_matches(text.lower(), field.choices, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise Refusal(field.name, f"{text!r} is none of {', '.join(field.choices)}{hint}")


def _object(field: Field, text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(field.name, 'is not a JSON object such as {"colour": "red"}')
    return value


def shown(field: Field, value: Any) -> str:
    """A value as text that ``parse`` takes again: ``12.50 USD``, ``2026-01-31``. Nothing is empty text."""
    if value is None or value == [] or value == {}:
        return ""
    match field.type:
        case "money":
            return f"{money.text(value['minor'], value['currency'])} {value['currency']}"
        case "bool":
            return "true" if value else "false"
        case "custom":
            said = {name: one for name, one in value.items() if one is not None}
            return msgspec.json.encode(said, order="sorted").decode() if said else ""
        case "lines":
            return f"{len(value)} line{'' if len(value) == 1 else 's'}"
        case _:
            return str(value)


def order_key(field: Field, value: Any) -> tuple[bool, Any]:
    """What to sort by: numbers as numbers, amounts within their currency, nothing first."""
    if value is None:
        return (False, ())
    match field.type:
        case "money":
            return (True, (value["currency"], value["minor"]))
        case "decimal":
            return (True, Decimal(value))
        case "lines" | "custom":
            return (True, len(value))
        case "int" | "bool":
            return (True, value)
        case _:
            return (True, str(value).casefold())
