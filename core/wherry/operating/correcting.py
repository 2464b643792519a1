"""Correcting what the target refused: values of its payload as an operator types them, checked against its shape.

A corrected payload is another content, so it gets a number and a stamp of its own when it is tried again.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

from wherry import entities
from wherry.entities import Entity
from wherry.errors import ConfigError, Guarded
from wherry.hub import Hub
from wherry.money import Money, parse
from wherry.operating import desk
from wherry.protocol.steps import references
from wherry.records import Ref
from wherry.store import audit, ledger
from wherry.store.inquiries import Placed, items_by_number

Values = dict[str, Any]
CORRECTED = "corrected here, and not tried again yet; before that: "
TRY_IT = "wherry errors retry E-N"
_MISSING = object()


def edit(hub: Hub, id: int, changes: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Put values into the payload of a refused document: ``number``, ``total``, ``lines.2.amount`` … and what is typed.

    An empty value takes a field away. Amounts are plain decimal text, with or without their currency; a reference is
    ``entity/key``, or an id in the target. Returns the item with what changed. Raises Guarded for what is not refused
    or was never mapped, ConfigError for a value that does not fit.
    """
    [one] = desk.pick(hub, [id])
    _must_be_kept(one)
    shapes = hub.plugins.shapes()
    body = msgspec.json.decode(msgspec.json.encode(one.item.draft.body))
    told = [_put(body, shapes, one, path, text) for path, text in changes]
    try:
        body = entities.check(one.item.entity, body, shapes)
    except ValueError as error:
        raise ConfigError(
            f"E-{id} cannot be changed so: {error}", fix=f"see what it holds: wherry errors show E-{id}",
            code="WHERRY-2120", key=", ".join(row["field"] for row in told),
        ) from None  # fmt: skip
    _store(hub, one, body, told)
    return {**desk.shown(hub, id), "changes": told}


def _must_be_kept(one: Placed) -> None:
    item = one.item
    if item.state != "refused":
        raise Guarded(
            f"E-{item.id} is not refused ({item.state}): only what the target will not take as it is can be edited",
            fix=f"wherry errors show E-{item.id}", code="WHERRY-7094",
        )  # fmt: skip
    if not item.draft.body:
        raise Guarded(
            f"E-{item.id} was never mapped, so there is nothing of it to edit: {item.reason}",
            fix=f"correct it at its source or in the flow's map, then: wherry errors retry E-{item.id}",
            code="WHERRY-7095",
        )  # fmt: skip


def _store(hub: Hub, one: Placed, body: Values, told: list[Values]) -> None:
    now = hub.store.now()
    with hub.store.write() as tx:
        still = items_by_number(tx, [one.item.id]).get(one.item.id)
        if still is None or still.item.draft != one.item.draft:
            raise Guarded(
                f"E-{one.item.id} has changed meanwhile; nothing was edited", fix=f"wherry errors show E-{one.item.id}",
                code="WHERRY-7096",
            )  # fmt: skip
        item, draft = still.item, still.item.draft
        renamed = draft.label != "" and draft.label == draft.body.get("number") and "number" in body
        label = str(body["number"]) if renamed else draft.label
        item.draft = msgspec.structs.replace(draft, body=body, refs=references(body), label=label)
        total = body.get("amount") or body.get("total") or {}
        item.label, item.amount, item.currency = label, total.get("minor"), total.get("currency", "")
        item.changed_at, item.fix = now, TRY_IT
        item.reason = CORRECTED + item.reason.removeprefix(CORRECTED)
        ledger.put_items(tx, one.route, [item])
        audit.write(tx, now, "errors.edit", f"E-{item.id}", {"key": str(item.ref), "changes": told})


# -- one value --------------------------------------------------------------------------------------------------------


def _put(body: Values, shapes: dict[str, type[Entity]], one: Placed, path: str, text: str) -> Values:
    """Put one value in its place; what was there before and what is there now."""
    shape: Any = shapes.get(one.item.entity, Entity)
    holder: Any = body
    names = path.split(".")
    for name in names[:-1]:
        holder, shape = _into(holder, shape, name, path, one)
    kind = _type_of(shape, names[-1], path, one)
    if isinstance(holder, list) or not names[-1]:
        raise _no_field(path, shape, one)
    before = holder.get(names[-1], _MISSING)
    if text == "":
        holder.pop(names[-1], None)
    else:
        holder[names[-1]] = _value(kind, text, before, path, one)
    after = holder.get(names[-1])
    return {"field": path, "before": None if before is _MISSING else before, "after": after}


def _into(holder: Any, shape: Any, name: str, path: str, one: Placed) -> tuple[Any, Any]:
    """The table of a name, or the line of a number, counted from one."""
    if isinstance(holder, list):
        if not name.isdecimal() or not 0 < int(name) <= len(holder):
            raise ConfigError(
                f"E-{one.item.id} has no line {name} for {path}: it has {len(holder)}",
                fix="lines are counted from 1: lines.1.amount=9.90", code="WHERRY-2121", key=path,
            )  # fmt: skip
        return holder[int(name) - 1], shape
    inner = _type_of(shape, name, path, one)
    if get_origin(inner) is list:
        return holder.setdefault(name, []), get_args(inner)[0]
    return holder.setdefault(name, {}), dict[str, str] if get_origin(inner) is dict else inner


def _type_of(shape: Any, name: str, path: str, one: Placed) -> Any:
    if get_origin(shape) is dict:
        return str
    known = {info.encode_name: info.type for info in fields(shape)} if isinstance(shape, type) and issubclass(
        shape, msgspec.Struct) else {}  # fmt: skip
    if name not in known:
        raise _no_field(path, shape, one)
    return known[name]


def _no_field(path: str, shape: Any, one: Placed) -> ConfigError:
    known = [info.encode_name for info in fields(shape)] if isinstance(shape, type) and issubclass(
        shape, msgspec.Struct) else []  # fmt: skip
    return ConfigError(
        f"E-{one.item.id}: {one.item.entity} has no field {path}", code="WHERRY-2122", key=path,
        fix=f"fields there: {', '.join(known)}" if known else f"wherry errors show E-{one.item.id}",
    )  # fmt: skip


def _value(kind: Any, text: str, before: Any, path: str, one: Placed) -> Any:
    """The text as the field's own kind of value. Whether it fits its shape is for the shape to say."""
    kinds = set(get_args(kind)) if get_origin(kind) in (Union, types.UnionType) else {kind}
    try:
        if Money in kinds:
            return _money(text, before, one)
        if dt.date in kinds:
            return dt.date.fromisoformat(text).isoformat()
        if int in kinds and str not in kinds:
            return int(text)
    except ValueError as error:
        raise ConfigError(
            f"E-{one.item.id}: {path}={text} is no value of that field" + (f": {error}" if Money in kinds else ""),
            fix="an amount is written like 12.50 or 12.50 GBP, a date like 2026-01-31", code="WHERRY-2123", key=path,
        ) from None  # fmt: skip
    if Decimal in kinds or str not in kinds or Ref not in kinds:
        return text
    return _reference(text, one)


def _money(text: str, before: Any, one: Placed) -> Values:
    number, _, currency = text.strip().partition(" ")
    known = before["currency"] if isinstance(before, dict) else one.item.currency
    found = parse(number, currency.strip() or known)
    return {"minor": found.minor, "currency": found.currency}


def _reference(text: str, one: Placed) -> Any:
    """One of the things that the document refers to already, as ``entity/key``; else an id in the target."""
    known = {str(ref): ref for ref in one.item.draft.refs}
    return {"entity": known[text].entity, "key": known[text].key} if text in known else text
