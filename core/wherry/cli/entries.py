"""Journal entries on the screen: debits and credits below each other, what is left out of them, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import click

from wherry.cli.drawing import amount, clean, cut, plural, spelled, width
from wherry.cli.grouped import refusals
from wherry.money import figure
from wherry.operating.desk import add

_LEAST, _MOST = 30, 46
"""Columns of an account's name."""
_NAMED = 8
"""Movements named in a line."""


def sums(found: Mapping[str, int]) -> str:
    """``1,054.00 GBP + 12.50 USD``; ``0`` where there is nothing."""
    return " + ".join(amount(minor, currency) for currency, minor in sorted(found.items())) or "0"


def preview_lines(data: Mapping[str, Any], *, everyone: bool = False, most: int = 0) -> Iterator[str]:
    """What would be posted, as experience wants it read: the entries, or the first ``most`` and all that would be
    refused, then everything that is in none of them; with ``everyone`` all of that by name."""
    entries, rest, found = data["entries"], 0, dict[str, int]()
    for n, entry in enumerate(entries):
        if n < most or not most or entry["state"] != "ready":
            yield from _one(entry)
        else:
            rest += 1
            add(found, entry["minor"], entry["currency"])
    if rest:
        yield f"… and {plural(rest, 'more journal entry')}, {sums(found)} (--limit {len(entries)})"
    if not data["entries"]:
        yield f"{clean(data['flow'])}: nothing to post" + (f" in {clean(data['period'])}" if data["period"] else "")
    yield from _left_out(data, everyone)
    yield from _apart(data)


def _one(entry: Mapping[str, Any]) -> Iterator[str]:
    yield click.style(_heading(entry), bold=True)
    yield from entry_lines(entry)
    if entry["state"] != "ready":
        yield click.style(f"  ! {entry['state']}: {clean(entry['reason'])}", fg="red")
        if entry["fix"]:
            yield f"    fix  {clean(entry['fix'])}"


def _heading(entry: Mapping[str, Any]) -> str:
    """``week 2026-W05a cut at the period's end: 26–31 Jan   JE 2026W05a   18 movements``."""
    days = _days(dt.date.fromisoformat(entry["first"]), dt.date.fromisoformat(entry["last"]))
    single = entry["group"] in ("none", "day")
    cut_ = " cut at the period's end" if entry["cut"] else ""
    when = entry["date"] if single else f"{entry['group']} {entry['bucket']}{cut_}: {days}"
    moved = f"moved from {entry['moved']}" if entry["moved"] else ""
    more = [entry["partition"], entry["party"], spelled(entry["type"].replace("-", "_")), moved]
    parts = [when, entry["number"], plural(entry["movements"], "movement"), *more]
    return "   ".join(clean(part) for part in parts if part)


def _days(first: dt.date, last: dt.date) -> str:
    if first == last:
        return f"{first.day} {first:%b}"
    month = "" if (first.year, first.month) == (last.year, last.month) else f" {first:%b}"
    return f"{first.day}{month}–{last.day} {last:%b}"


def entry_lines(entry: Mapping[str, Any], *, heading: bool = False) -> Iterator[str]:
    """The lines of an entry with their sides below each other, and what they come to."""
    if heading:
        yield f"{clean(entry['number'])}   {entry['date']}   {clean(entry['memo'])}"
    currency, rows = entry["currency"], [(_name(line), line) for line in entry["lines"]]
    wide = min(_MOST, max([_LEAST, *(width(name) for name, _ in rows)]))
    for name, line in rows:
        yield _row(cut(name, wide), wide, line["side"], figure(line["minor"], currency))
    debit, credit = (sum(line["minor"] for _, line in rows if line["side"] == side) for side in ("debit", "credit"))
    yield f"  {'-' * (wide + 28)}"
    told = "balanced" if debit == credit else "OUT OF BALANCE"
    foot = f"{told} {currency}" if currency else told
    yield f"  {foot.ljust(wide)}{figure(debit, currency).rjust(14)}{figure(credit, currency).rjust(14)}"
    if entry.get("exchange_rate"):
        yield f"  {_at_home(entry)}"


def _at_home(entry: Mapping[str, Any]) -> str:
    """``at 1.085 (ECB, 2026-01-30)   108.50 USD   rounding 0.01 debit on 7900 Exchange Gain or Loss``."""
    source = f" ({clean(entry['exchange_source'])})" if entry["exchange_source"] else ""
    told = f"at {entry['exchange_rate']}{source}   {amount(entry['home_minor'], entry['home'])}"
    if not (left := entry["rounding"]):
        return told
    account = clean(" ".join(filter(None, [entry["rounding_account"], entry["rounding_name"]])))
    return f"{told}   rounding {figure(abs(left), entry['home'])} {'debit' if left > 0 else 'credit'} on {account}"


def _name(line: Mapping[str, Any]) -> str:
    more = [line.get("party", ""), *line.get("dimensions", {}).values()]
    return clean(" ".join(part for part in (line["account"], line.get("name", ""), *more) if part))


def _row(name: str, wide: int, side: str, told: str) -> str:
    room = " " * max(0, wide - width(name))
    return f"  {name}{room}{told.rjust(14)}" if side == "debit" else f"  {name}{room}{told.rjust(28)}"


def _left_out(data: Mapping[str, Any], everyone: bool) -> Iterator[str]:
    for one in data["left_out"]:
        fix = f"   fix: {clean(one['fix'])}" if one["fix"] else ""
        told = amount(one["minor"], one["currency"])
        yield f"Left out: {plural(one['movements'], 'movement')}, {told}   {clean(one['detail'])}{fix}"
        yield from _names(one, _NAMED if not everyone else len(one["names"]))
    for one in data["skipped"]:
        told = f", {sums(one['sums'])}" if one["sums"] else ""
        yield f"Left out: {plural(one['records'], one['kind'])}{told}   {clean(one['reason'])}"
    for block in refusals(((one["kind"], one["record"], one) for one in data["refused"]), whole=everyone):
        yield f"Refused: {block[0]}"
        yield from block[1:]
    if data["blocked"]:
        yield click.style("Nothing is posted until every movement has a debit and a credit account.", fg="red")


def _names(one: Mapping[str, Any], most: int) -> Iterator[str]:
    """Movements by name, as many of them as are wanted."""
    shown = one["names"][:most]
    for at in range(0, len(shown), _NAMED):
        yield f"  {clean(', '.join(shown[at : at + _NAMED]))}"
    if shown and one["movements"] > len(shown):
        yield f"  and {one['movements'] - len(shown):,} more" + (" (--left-out)" if len(one["names"]) > most else "")


def _apart(data: Mapping[str, Any]) -> Iterator[str]:
    """What is in the books already, what is too small, what rounding cut, and whether the period is open."""
    already = data["already"]
    if already["movements"]:
        yield f"Already in books: {plural(already['movements'], 'movement')}, {sums(already['sums'])}"
    for entry in data["coming"]:
        yield f"Not over yet: {clean(entry['bucket'])}, {amount(entry['minor'], entry['currency'])}"
    small = data["under_one_cent"]
    said = ", ".join(f"{plural(one['movements'], 'movement')}, {one['exact']} {one['currency']}" for one in small)
    yield "        ".join(
        [f"Under one cent: {said or 'none'}", f"Rounding: {_rounding(data['rounding'])}", _open(data)]
    )


def _rounding(found: Mapping[str, str]) -> str:
    told = [f"{Decimal(residue):f} {currency}" for currency, residue in sorted(found.items()) if Decimal(residue)]
    return ", ".join(told) or "0.00"


def _open(data: Mapping[str, Any]) -> str:
    """Whether the days of the entries may be booked on; closed ones are no entries, but held."""
    if until := data["closed_until"]:
        return f"Books closed up to {until}"
    return f"Period open in target: {'yes' if data['tells_periods'] else 'not known, it cannot be asked'}"
