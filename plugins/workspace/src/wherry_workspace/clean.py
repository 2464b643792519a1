"""Bodies that are in canonical form but for their order and what is null, as nearly all are that a sync writes.

Told in one pass, and only where the longer way (``bodies.canonical``) comes to the same; a property test compares them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from wherry.money import DECIMALS

from wherry_workspace.kinds import Field, Kind

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LARGEST_INT = 2**63
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,20})?").fullmatch

Check = Callable[[Any], bool]
_NO_DEFAULT = object()
_checks: dict[str, dict[str, tuple[Any, Check]]] = {}
"""Kind → field → what it holds by default, and what its value has to be."""
_required: dict[str, frozenset[str]] = {}
"""Kind → the fields that must be there."""


def is_dirty(text: str) -> bool:
    """Whether control characters are to be taken out of a text. Nearly all is printable, which is quicker to tell."""
    return not text.isprintable() and CONTROL.search(text) is not None


def as_it_stands(kind: Kind, body: dict[str, Any]) -> dict[str, Any] | None:
    """The body in canonical form; None where a value of it has to be looked at or changed."""
    if kind.name not in _checks:
        _checks[kind.name] = {name: _checked(field) for name, field in kind.fields.items()}
        _required[kind.name] = frozenset(name for name, field in kind.fields.items() if field.required)
    checks = _checks[kind.name]
    for name, value in body.items():
        default, is_clean = checks.get(name, _UNKNOWN)
        if value == default or not is_clean(value):
            return None
    if not _required[kind.name] <= body.keys():
        return None
    if None in (body.get("custom") or {}).values():
        body = {**body, "custom": {name: value for name, value in body["custom"].items() if value is not None}}
    return _with_lines(kind.line, body) if kind.line and "lines" in body else body


def _with_lines(kind: Kind, fields: dict[str, Any]) -> dict[str, Any] | None:
    lines = [as_it_stands(kind, line) if line.__class__ is dict else None for line in fields["lines"]]
    return None if None in lines else {**fields, "lines": lines}


def _checked(field: Field) -> tuple[Any, Check]:
    """A field that need not be there is left out where it holds its default."""
    return _NO_DEFAULT if field.required else field.default, _check(field)


_UNKNOWN: tuple[Any, Check] = (_NO_DEFAULT, lambda value: False)


def _check(field: Field) -> Check:
    if field.type == "choice":
        return lambda value: _is_text(value) and value in field.choices
    if field.type == "custom" and field.name != "custom":
        return _is_table
    if field.type == "text" and field.default:
        return lambda value: _is_text(value) and value.strip() != ""
    return _CHECKS[field.type]


def _is_text(value: Any) -> bool:
    return value.__class__ is str and (value.isprintable() or not is_dirty(value))


def _is_reference(value: Any) -> bool:
    return value.__class__ is str and value != ""


def _is_number(value: Any) -> bool:
    return value.__class__ is str and _NUMBER(value) is not None


def _is_whole(value: Any) -> bool:
    return value.__class__ is int and -LARGEST_INT < value < LARGEST_INT


def _is_amount(value: Any) -> bool:
    if value.__class__ is not dict or len(value) != 2:
        return False
    currency = value.get("currency")
    return currency.__class__ is str and currency in DECIMALS and _is_whole(value.get("minor"))


def _is_day(value: Any) -> bool:
    return value.__class__ is str and _is_iso(value)


@lru_cache(8192)
def _is_iso(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_custom(value: Any) -> bool:
    """A table of texts, whole numbers and yes or no; what is null in it is dropped, but not all of it."""
    if value.__class__ is not dict or not _are_clean(tuple(value)):
        return False
    held = value.values()
    others = [one for one in held if one.__class__ is not str and one is not None]
    if others and not all(_is_whole(one) or one.__class__ is bool for one in others):
        return False
    text = "".join([one for one in held if one.__class__ is str])
    return (text != "" or others != []) and not is_dirty(text)


@lru_cache(1024)
def _are_clean(names: tuple[str, ...]) -> bool:
    """Most tables of a kind have the same names."""
    return "".join(names).isprintable()


def _is_table(value: Any) -> bool:
    """A table of texts, such as dimensions."""
    return value.__class__ is dict and value != {} and all(held.__class__ is str for held in value.values())


_CHECKS: dict[str, Check] = {
    "text": _is_text,
    "reference": _is_reference,
    "decimal": _is_number,
    "money": _is_amount,
    "date": _is_day,
    "int": _is_whole,
    "bool": lambda value: value.__class__ is bool,
    "lines": lambda value: value.__class__ is list,
    "custom": _is_custom,
}
