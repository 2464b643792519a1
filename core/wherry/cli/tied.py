"""A tie-out on the screen: one line an account, what is off by name, and what is in neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from wherry.bookkeeping.tying import Tied, total_left
from wherry.books.held import Booked
from wherry.books.tieout import Row, TieOut
from wherry.cli.drawing import amount, clean, plural, spelled, width
from wherry.cli.entries import sums
from wherry.money import figure

_SHOWN, _FOREIGN = 50, 20


def data(found: Tied) -> dict[str, Any]:
    """A tie-out for JSON; amounts are minor units, debits positive."""
    tie = found.found
    told: dict[str, Any] = {
        "connection": found.connection, "flows": found.flows, "period": found.days.name,
        "first": tie.first.isoformat(), "last": tie.last.isoformat(), "entries": tie.entries,
        "accounts": msgspec.to_builtins(tie.rows), "problems": msgspec.to_builtins(tie.problems),
        "others": msgspec.to_builtins(tie.foreign), "documents": msgspec.to_builtins(tie.booked),
        "waiting": msgspec.to_builtins(found.waiting),
        "left_out": [{**msgspec.to_builtins(one), "members": [f"M-{id}" for id in one.members]} for one in tie.left],
        "left_out_sums": total_left(tie.left), "listed": tie.listed, "balanced": tie.balanced, "notes": found.notes,
        "passes": found.passes,
    }  # fmt: skip
    return told


def lines(found: Tied) -> Iterator[str]:
    """Everything but the verdict."""
    tie = found.found
    days = f"{tie.first} to {tie.last}"
    yield click.style(f"{clean(found.connection)}   {days}   {_entries(tie.entries)} of this hub", bold=True)
    yield from _accounts(tie)
    for one in tie.problems[:_SHOWN]:
        where = f"   {clean(one.target)}" if one.target else ""
        yield click.style(f"  ! {spelled(one.what)}   {clean(one.name)}{where}: {clean(one.says)}", fg="red")
    if len(tie.problems) > _SHOWN:
        yield f"    and {len(tie.problems) - _SHOWN:,} more: --output json"
    yield from _others(tie)
    yield from _aside(found)


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number:,} entries"


def _accounts(tie: TieOut) -> Iterator[str]:
    """The columns that say something; the last line is the hub's part, which has to be 0.00."""
    shown: list[tuple[str, str]] = [("opening", "OPENING"), ("hub", "HUB"), ("off", "OFF"), ("others", "OTHERS"),
                                    ("documents", "DOCUMENTS"), ("closing", "BALANCE")]  # fmt: skip
    shown = [(name, title) for name, title in shown
             if name in ("hub", "off") or any(getattr(row, name) for row in tie.rows)]  # fmt: skip
    if tie.rows:
        several = len({row.currency for row in tie.rows}) > 1
        head = ["ACCOUNT", *(["CURRENCY"] if several else []), *(title for _, title in shown)]
        yield from _table(head, [
            [_name(row), *([row.currency] if several else []), *(_cell(row, name) for name, _ in shown)]
            for row in tie.rows
        ])  # fmt: skip
    for currency in sorted({row.currency for row in tie.rows}):
        off = sum(abs(row.off) for row in tie.rows if row.currency == currency)
        yield click.style(f"  the hub's part is off by {amount(off, currency)}", fg="red" if off else "green")


def _name(row: Row) -> str:
    return clean(row.account if row.name in ("", row.account) else f"{row.account} {row.name}")


def _cell(row: Row, name: str) -> str:
    minor = getattr(row, name)
    return "?" if minor is None else figure(minor, row.currency)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Numbers to the right."""
    cells = [list(head), *map(list, rows)]
    wide = [max(width(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        rest = "  ".join(" " * (wide[n] - width(cell)) + cell for n, cell in enumerate(row) if n)
        yield f"  {row[0]}{' ' * (wide[0] - width(row[0]))}  {rest}".rstrip()


def _others(tie: TieOut) -> Iterator[str]:
    if tie.foreign:
        told = "1 entry was" if len(tie.foreign) == 1 else f"{len(tie.foreign):,} entries were"
        yield f"  {told} not made by this hub:"
    for one in tie.foreign[:_FOREIGN]:
        like = f"   says the same as {clean(one.like)}" if one.like else ""
        name, note = clean(one.number or one.target), clean(one.note)
        yield f"    {one.date}   {name}   {amount(one.minor, one.currency)}   {note}{like}".rstrip()
    if len(tie.foreign) > _FOREIGN:
        yield f"    and {len(tie.foreign) - _FOREIGN:,} more: --output json"
    yield from _documents([one for one in tie.booked if one.made], "written by this hub")
    yield from _documents([one for one in tie.booked if not one.made], "not made by this hub")


def _documents(booked: Sequence[Booked], whose: str) -> Iterator[str]:
    """What is no journal entry, by what it booked on accounts of the hub."""
    number = len({one.target for one in booked})
    if booked:
        yield f"  {'1 other document was' if number == 1 else f'{number:,} other documents were'} {whose}:"
    for one in booked[:_FOREIGN]:
        name, sides = (
            clean(" ".join(filter(None, [one.kind, one.number or one.target]))),
            amount(one.minor, one.currency),
        )
        yield f"    {one.date}   {name}   {clean(one.account)}   {sides}   {clean(one.made)}".rstrip()
    if len(booked) > _FOREIGN:
        yield f"    and {len(booked) - _FOREIGN:,} more: --output json"


def _aside(found: Tied) -> Iterator[str]:
    """What is in no entry that was posted: prepared, left out, and what could not be told."""
    for one in found.waiting:
        yield f"  {one.what}: {_entries(one.entries)}, {sums(one.sums)}"
    for left in found.found.left:
        reason = spelled(left.reason.replace("-", "_"))
        members = plural(len(left.members), "movement")
        yield f"  {reason}: {members}, {amount(left.minor, left.currency)}   {clean(left.detail)}"
    if not found.found.balanced:
        yield "  the target makes no trial balance"
    if found.found.balanced and not found.found.documented:
        yield "  the target cannot list what invoices, bills and payments booked"
    if not found.found.listed:
        yield "  the target cannot list its entries: each of this hub's was asked for by itself"
    for note in found.notes:
        yield click.style(f"  ! {clean(note)}", fg="red")


def verdict(passes: bool) -> Iterator[str]:
    """The last line."""
    if passes:
        yield click.style("It ties out.", fg="green")
    else:
        yield click.style("It does not tie out.", fg="red")
