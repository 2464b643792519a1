"""Journal entries as drafts: the body that the ledger keeps and the target is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.accounting import BookedLine, Entry
from wherry.books.frozen import ENTITY
from wherry.protocol.steps import references
from wherry.records import Draft, Ref


def draft_of(key: str, entry: Entry) -> Draft:
    """The entry as the target is to hold it."""
    lines = [_said(line, entry.currency, entry.home) for line in entry.lines]
    body = {
        "number": entry.number, "date": entry.date.isoformat(), "period": entry.period, "type": entry.type,
        "currency": entry.currency, "memo": entry.memo, "lines": lines, **_valued(entry),
    }  # fmt: skip
    plain = {name: value for name, value in body.items() if value not in ("", None)}
    return Draft(entity=ENTITY, key=key, body=plain, label=entry.number, root=True, refs=references(plain))


def _valued(entry: Entry) -> dict[str, Any]:
    """What an entry in another currency says of its worth at home."""
    if entry.exchange_rate is None:
        return {}
    said = {"exchange_rate": f"{entry.exchange_rate:f}", "exchange_source": entry.exchange_source, "home": entry.home}
    if not entry.rounding:
        return said
    return {**said, "rounding": {"minor": entry.rounding, "currency": entry.home},
            "rounding_account": entry.rounding_account}  # fmt: skip


def _said(line: BookedLine, currency: str, home: str) -> dict[str, Any]:
    said: dict[str, Any] = {"account": line.account, "side": line.side,
                            "amount": {"minor": line.minor, "currency": currency}}  # fmt: skip
    if home:
        said["home"] = {"minor": line.home, "currency": home}
    if line.description:
        said["description"] = line.description
    if line.party:
        ref = Ref("customer", f"party:{line.party}")
        said["customer"] = {"entity": ref.entity, "key": ref.key}
    if line.dimensions:
        said["dimensions"] = dict(line.dimensions)
    return said


def parties(entries: Iterable[Entry]) -> list[Draft]:
    """The customers whose receivables are booked: matched by number or name, like those of any document."""
    names = {line.party for entry in entries for line in entry.lines if line.party}
    return [
        Draft(entity="customer", key=f"party:{name}", body={"name": name, "number": name}, label=name, reference=True)
        for name in sorted(names)
    ]
