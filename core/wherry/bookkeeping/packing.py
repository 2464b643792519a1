"""What goes into the pack of a month end: entries, members, what is left out, tie-out, trial balance, audit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wherry.accounting import Balance, BookedLine, Entry, Period
from wherry.bookkeeping import trail
from wherry.bookkeeping.checklist import Row
from wherry.bookkeeping.exporting import free
from wherry.bookkeeping.trail import Known
from wherry.bookkeeping.tying import Tied
from wherry.books import pack, rates
from wherry.books.pack import Amount, Sheet
from wherry.errors import ConfigError
from wherry.hub import Hub
from wherry.operating.reconciling import Reconciled
from wherry.records import Ref
from wherry.settings import Flow
from wherry.store import audit, exported, inquiries, movements
from wherry.store.database import Tx
from wherry.wording import with_amounts

_ACTIONS = ("approve", "journal.", "periods.", "close.", "exports.", "errors.")
_AUDIT_ROWS = 100_000
_OF_PACKS = "close.pack"
"""What the log says of packs themselves is in none of them, so that the same month makes the same file."""


def workbook(
    hub: Hub, flows: Sequence[Flow], period: Period, tied: Tied, *, sources: Sequence[Reconciled] = (),
    rows: Sequence[Row] = (), before: Sequence[Balance] | None = None,
) -> bytes:  # fmt: skip
    """The pack of a period. ``rows`` is what the checklist found, ``before`` the target's balances before anything
    was posted at this month end."""
    with hub.store.read() as tx:
        known = [one for flow in flows for one in trail.known(tx, flow)
                 if period.first <= one.entry.date <= period.last]  # fmt: skip
        sheets = [
            _entries(hub, tx, known), _members(tx, known), _left_out(tied, sources, rows), _tie_out(tied),
            _trial_balance(tied, before), _audit(tx, known, flows, tied.connection),
        ]  # fmt: skip
    return pack.workbook(sheets)


def write(path: Path, data: bytes) -> Path:
    """The file, whole or not at all; which one it is. Where one of that name is there it is kept: the audit log knows
    it by its SHA-256. The same once more is not written; anything else goes beside it. Raises ConfigError."""
    try:
        if path.exists() and path.read_bytes() == data:
            return path
        path = free(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        beside.write_bytes(data)
        os.replace(beside, path)
        return path
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}", fix="name another file: --pack FILE",
                          code="WHERRY-2169", file=str(path)) from error  # fmt: skip


def _entries(hub: Hub, tx: Tx, known: Sequence[Known]) -> Sheet:
    """A row for each line."""
    words, told = exported.approvers(tx), []
    for one in known:
        entry, link = one.entry, one.link
        chart = hub.bookkeeper.chart(one.route.sink)
        posted = (link.target, link.made_at, words.get(str(one.ref), ""), link.run) if link is not None else ("",) * 4
        for number, line in enumerate(rates.with_rounding(entry).lines, 1):
            worth = Amount(line.minor, entry.currency)
            sides = (worth, None) if line.side == "debit" else (None, worth)
            told.append((
                entry.number, entry.date.isoformat(), entry.period, entry.bucket, one.flow, one.state, number,
                line.account, trail.name_of(chart, line.account), *sides, entry.currency,
                line.description or entry.memo, line.party,
                ", ".join(f"{name} {value}" for name, value in line.dimensions), *posted, *_at_home(entry, line),
            ))  # fmt: skip
    return Sheet(
        title="entries",
        columns=("number", "date", "period", "group", "flow", "state", "line", "account", "account name", "debit",
                 "credit", "currency", "description", "party", "dimensions", "id in target", "posted at",
                 "approved by", "run", "exchange rate", "source of the rate", "home debit", "home credit",
                 "home currency"),
        rows=told,
    )  # fmt: skip


def _at_home(entry: Entry, line: BookedLine) -> tuple[pack.Cell, ...]:
    """Rate and home amounts of a line; empty for an entry in the organisation's own currency."""
    if entry.exchange_rate is None:
        return ("",) * 5
    worth = Amount(line.home, entry.home)
    sides = (worth, None) if line.side == "debit" else (None, worth)
    return f"{entry.exchange_rate:f}", entry.exchange_source, *sides, entry.home


def _members(tx: Tx, known: Sequence[Known]) -> Sheet:
    """A row for each movement that an entry is made of."""
    told = []
    for one in known:
        for row in movements.of_entries(tx, one.route.sink, one.flow, [one.entry.key]):
            body = msgspec.json.decode(row.body)
            event = inquiries.record_of(tx, Ref(row.kind, row.key), f"M-{row.id}")
            record = f"{event.record_kind} {event.record_id}" if event is not None else row.key
            told.append((
                one.entry.number, f"M-{row.id}", record, row.date, row.partition, body.get("reference", ""),
                body.get("description", ""), _categories(body), Amount(row.minor, row.currency), row.currency,
                f"M-{row.undoes}" if row.undoes else "", row.run,
            ))  # fmt: skip
    return Sheet(
        title="members",
        columns=("entry", "movement", "record", "date", "partition", "reference", "description", "category", "amount",
                 "currency", "takes back", "run"),
        rows=told,
    )  # fmt: skip


def _categories(body: dict[str, Any]) -> str:
    said = (line.get("category") or line.get("account") or "" for line in body.get("lines", ()))
    return ", ".join(dict.fromkeys(word for word in said if word))


def _left_out(tied: Tied, sources: Sequence[Reconciled], rows: Sequence[Row]) -> Sheet:
    """Everything of the period that is in no posted entry, with its sum."""
    told: list[Sequence[pack.Cell]] = [
        ("movements", one.reason, one.detail, len(one.members), Amount(one.minor, one.currency), one.currency)
        for one in tied.found.left
    ]
    for waiting in tied.waiting:
        told += [("entries", waiting.what, waiting.flow, waiting.entries, Amount(minor, currency), currency)
                 for currency, minor in sorted(waiting.sums.items())]  # fmt: skip
    for source in sources:
        for state in ("held", "skipped", "reversed"):
            sums, count = source.sums.get(state, {}), source.counts.get(state, 0)
            if count or sums:
                found = sorted(sums.items()) or [("", 0)]
                told += [("records", state, source.flow, count, Amount(minor, currency) if currency else None, currency)
                         for currency, minor in found]  # fmt: skip
    left = {(one.reason.replace("-", " "), one.detail) for one in tied.found.left}
    for row in rows:
        if (row.what, row.detail) not in left:
            told += [("open", row.what, f"{row.flow} {row.detail}".strip(), row.count,
                      Amount(minor, currency) if currency else None, currency)
                     for currency, minor in sorted(row.sums.items()) or [("", 0)]]  # fmt: skip
    return Sheet(title="left-out", columns=("what", "why", "detail", "number", "amount", "currency"), rows=told)


def _tie_out(tied: Tied) -> Sheet:
    tie = tied.found
    told: list[Sequence[pack.Cell]] = []
    for row in tie.rows:
        figures = (row.opening, row.hub, row.off, row.others, row.documents, row.closing)
        told.append(("account", row.account, row.name, row.currency,
                     *(None if one is None else Amount(one, row.currency) for one in figures), ""))  # fmt: skip
    empty = (None,) * 6
    told += [("difference", one.name, one.target, "", *empty, f"{one.what}: {one.says}") for one in tie.problems]
    told += [
        ("not by this hub", one.number, one.target, one.currency, None, None, None, Amount(one.minor, one.currency),
         None, None, f"{one.date} {one.note}".strip()) for one in tie.foreign
    ]  # fmt: skip
    told += [
        ("other document of this hub" if one.made else "not by this hub", one.number, one.target, one.currency, None,
         None, None, None, Amount(one.minor, one.currency), None,
         " ".join(filter(None, [str(one.date), one.kind, one.account, one.made]))) for one in tie.booked
    ]  # fmt: skip
    told += [("note", "", "", "", *empty, note) for note in tied.notes]
    told.append(("result", "passed" if tied.passes else "not passed", "", "", *empty, f"{tie.first} to {tie.last}"))
    return Sheet(
        title="tie-out",
        columns=("row", "account or number", "name or id", "currency", "opening", "this hub", "off", "others",
                 "other documents", "balance", "remark"),
        rows=told,
    )  # fmt: skip


def _trial_balance(tied: Tied, before: Sequence[Balance] | None) -> Sheet:
    """The target's own: as the period begins, before this month end posted anything, and as it stands now."""
    sides = [{(one.currency, one.code): one for one in some or ()} for some in (tied.before, before, tied.after)]
    told = []
    for currency, code in sorted({key for side in sides for key in side}):
        held = [side.get((currency, code)) for side in sides]
        name = next((one.name for one in held if one is not None), "")
        nets = [_net(one) for one in held]
        moved = nets[2] - (nets[1] if before is not None else nets[2])
        amounts: list[pack.Cell] = [Amount(minor, currency) for minor in (nets[0], nets[1], moved)]
        if before is None:
            amounts[1:] = [None, None]
        told.append((code, "" if name == code else name, currency, *amounts,
                     Amount(max(nets[2], 0), currency), Amount(max(-nets[2], 0), currency)))  # fmt: skip
    return Sheet(
        title="trial balance",
        columns=("account", "name", "currency", "opening", "before posting", "posted since", "debit", "credit"),
        rows=told,
    )  # fmt: skip


def _net(one: Balance | None) -> int:
    return one.debit - one.credit if one is not None else 0


def _audit(tx: Tx, known: Sequence[Known], flows: Iterable[Flow], connection: str) -> Sheet:
    """Who did what: to these entries, these flows and this connection's periods, oldest first."""
    keys = {str(one.ref) for one in known}
    names = {connection, *(flow.name for flow in flows), *(one.entry.number for one in known)}
    rows = [row for row in audit.find(tx, limit=_AUDIT_ROWS) if _concerns(row, keys, names)]
    return Sheet(
        title="audit", columns=("at", "who", "what", "object", "detail"),
        rows=[(row["at"], row["actor"], row["action"], row["object"], _detail(row)) for row in reversed(rows)],
    )  # fmt: skip


def _detail(row: dict[str, Any]) -> str:
    return msgspec.json.encode(with_amounts(row["detail"])).decode() if row["detail"] else ""


def _concerns(row: dict[str, Any], keys: set[str], names: set[str]) -> bool:
    if not row["action"].startswith(_ACTIONS) or row["action"] == _OF_PACKS:
        return False
    detail = row["detail"] if isinstance(row["detail"], dict) else {}
    words = {row["object"], row["object"].partition(" ")[0], str(detail.get("flow", ""))}
    return str(detail.get("key", "")) in keys if detail.get("key") else not words.isdisjoint(names)
