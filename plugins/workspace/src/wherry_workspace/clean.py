"""Bodies that are in canonical form but for their order and what is null, as nearly all are that a sync writes.

Told in one pass, and only where the longer way (``bodies.canonical``) comes to the same; a property test compares them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from wherry.money import DECIMALS

from wherry_workspace.kinds import Field, Kind

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LARGEST_INT = 2**63
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,20})?").fullmatch

Check = Callable[[Any], bool]
_NO_DEFAULT = object()
_kinds: dict[str, Kind] = {}


class Plan(NamedTuple):
    """What the values of these fields have to be. ``texts`` takes all of them that are text out of a body."""

    texts: Callable[[dict[str, Any]], tuple[Any, ...]]
    others: tuple[tuple[str, Any, Check], ...]
    """Field, what it holds by default, and what its value has to be."""


def is_dirty(text: str) -> bool:
    """Whether control characters are to be taken out of a text. Nearly all is printable, which is quicker to tell."""
    return not text.isprintable() and CONTROL.search(text) is not None


def as_it_stands(kind: Kind, body: dict[str, Any]) -> dict[str, Any] | None:
    """The body in canonical form; None where a value of it has to be looked at or changed."""
    if kind.name not in _kinds:
        _kinds[kind.name] = kind
    plan = _plan(kind.name, tuple(body))
    if plan is None or not _are_texts(plan.texts(body)):
        return None
    for name, default, is_clean in plan.others:
        value = body[name]
        if value == default or not is_clean(value):
            return None
    if "custom" in body and None in body["custom"].values():
        body = {**body, "custom": {name: value for name, value in body["custom"].items() if value is not None}}
    return _with_lines(kind.line, body) if kind.line and "lines" in body else body


def _with_lines(kind: Kind, fields: dict[str, Any]) -> dict[str, Any] | None:
    lines = [as_it_stands(kind, line) if line.__class__ is dict else None for line in fields["lines"]]
    return None if None in lines else {**fields, "lines": lines}


@lru_cache(1024)
def _plan(kind: str, names: tuple[str, ...]) -> Plan | None:
    """Most bodies of a kind have the same fields. None: one is unknown, or one is missing."""
    fields = _kinds[kind].fields
    if not fields.keys() >= set(names) or any(field.required and name not in names for name, field in fields.items()):
        return None
    texts = [name for name in names if _is_plain(fields[name])]
    others = [name for name in names if name not in texts]
    return Plan(
        itemgetter(*texts) if len(texts) > 1 else lambda body: tuple(body[name] for name in texts),
        tuple((name, *_checked(fields[name])) for name in others),
    )


def _is_plain(field: Field) -> bool:
    """Whether it holds nothing by default, and anything else is any text."""
    return field.type == "reference" or (field.type == "text" and not field.default)


def _are_texts(values: tuple[Any, ...]) -> bool:
    try:
        text = "".join(values)
    except TypeError:
        return False
    return "" not in values and not is_dirty(text)


def _checked(field: Field) -> tuple[Any, Check]:
    """A field that need not be there is left out where it holds its default."""
    return _NO_DEFAULT if field.required else field.default, _check(field)


def _check(field: Field) -> Check:
    if field.type == "choice":
        return lambda value: _is_text(value) and value in field.choices
    if field.type == "custom" and field.name != "custom":
        return _is_table
    if field.type == "text":
        return lambda value: _is_text(value) and value.strip() != ""
    return _CHECKS[field.type]


def _is_text(value: Any) -> bool:
    return value.__class__ is str and (value.isprintable() or not is_dirty(value))


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


_TEXT_OR_NULL = frozenset({str, type(None)})


def _is_custom(value: Any) -> bool:
    """A table of texts, whole numbers and yes or no; what is null in it is dropped, but not all of it."""
    if value.__class__ is not dict or not _are_clean(tuple(value)):
        return False
    held = value.values()
    if _TEXT_OR_NULL.issuperset(map(type, held)):
        text = "".join(filter(None, held))
        return text != "" and not is_dirty(text)
    others = [one for one in held if one.__class__ is not str and one is not None]
    if not all(_is_whole(one) or one.__class__ is bool for one in others):
        return False
    return not is_dirty("".join([one for one in held if one.__class__ is str]))


@lru_cache(1024)
def _are_clean(names: tuple[str, ...]) -> bool:
    """Most tables of a kind have the same names."""
    return "".join(names).isprintable()


def _is_table(value: Any) -> bool:
    """A table of texts, such as dimensions."""
    return value.__class__ is dict and value != {} and all(held.__class__ is str for held in value.values())


_CHECKS: dict[str, Check] = {
    "decimal": _is_number,
    "money": _is_amount,
    "date": _is_day,
    "int": _is_whole,
    "bool": lambda value: value.__class__ is bool,
    "lines": lambda value: value.__class__ is list,
    "custom": _is_custom,
}
