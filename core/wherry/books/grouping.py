"""Movements become entries: accounts are filled in, what is too small is left out, the rest is summed up by bucket.

Pure, and the same whatever order the movements come in. Sums are integers of minor units; nothing is rounded here.
Source: behaviours.md 004, cases C2 and C6–C13.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from operator import itemgetter
from typing import Literal

from msgspec.structs import replace

from wherry import money
from wherry.accounting import BookedLine, Bucket, Dimensions, Entry, LeftOut, Mapped, Movement, MovementLine, Side
from wherry.books.numbering import TYPES as TYPES
from wherry.books.numbering import JournalType as JournalType
from wherry.books.numbering import Name, Numbering, stem_of
from wherry.books.summing import Group, Key, Sum, Summing, worded
from wherry.books.tables import category_key
from wherry.errors import ConfigError, Rejected
from wherry.money import allocate as allocate

Booked = Movement
"""A movement whose lines all have an account."""
Control = AbstractSet[str]
"""Codes of accounts."""
_LONGEST_TEXT = 200


# -- before the grouping -----------------------------------------------------------------------------------------------


def categorise(movements: Iterable[Movement], table: Sequence[Mapped]) -> tuple[list[Booked], list[LeftOut]]:
    """Every line with its account: its own, else that of its category on its side; dimensions and party as well.

    What the line says itself goes before the table. A movement with any line left without account is left out whole.
    """
    by_key = {category_key(row.category): row for row in table}
    cache: dict[tuple[str, Side], Mapped | None] = {}
    booked: list[Booked] = []
    left: dict[tuple[Literal["uncategorised", "no-account"], str, str], list[Movement]] = defaultdict(list)
    for movement in movements:
        lines = tuple([_filled(line, by_key, cache) for line in movement.lines])
        missing = [line for line in lines if not line.account]
        if not missing:
            booked.append(movement if lines == movement.lines else replace(movement, lines=lines))
        else:
            reason: Literal["uncategorised", "no-account"] = (
                "uncategorised" if all(line.category for line in missing) else "no-account"
            )
            told = "; ".join(sorted({_missing(line, by_key) for line in missing}))
            left[reason, told, movement.currency].append(movement)
    return booked, [_left_out(reason, told, some) for (reason, told, _), some in sorted(left.items())]


def _filled(
    line: MovementLine, by_key: Mapping[str, Mapped], cache: dict[tuple[str, Side], Mapped | None]
) -> MovementLine:
    if not line.category:
        return line
    at = line.category, line.side
    if at not in cache:
        cache[at] = by_key.get(category_key(line.category))
    row = cache[at]
    if row is None:
        return line
    account = line.account or (row.debit if line.side == "debit" else row.credit)
    party, dimensions = line.party or row.party, _merged(line.dimensions, row.dimensions)
    if account == line.account and party == line.party and dimensions == line.dimensions:
        return line
    return MovementLine(side=line.side, minor=line.minor, account=account, category=line.category, party=party,
                        description=line.description, dimensions=dimensions)  # fmt: skip


def _merged(own: Dimensions, given: Dimensions) -> Dimensions:
    if not own or not given:
        merged = own or given
        return tuple(sorted(merged)) if len(merged) > 1 else merged
    return tuple(sorted({**dict(given), **dict(own)}.items()))


def _missing(line: MovementLine, by_key: Mapping[str, Mapped]) -> str:
    if not line.category:
        return f"a {line.side} line has neither account nor category"
    row = by_key.get(category_key(line.category))
    if row is None:
        return f'category "{line.category}" is not in the accounts table'
    return f'category "{line.category}" has no {line.side} account in row {row.row} of the accounts table'


def sub_cent(
    movements: Iterable[Movement], least: int = 1, exact: Mapping[int, Decimal] | None = None
) -> tuple[list[Movement], list[LeftOut]]:
    """Without the movements whose sum of debits is below ``least`` minor units; these counted, by currency.

    ``exact`` holds, by id, unrounded values in minor units where the source knows them: 0.6 of a cent was rounded to
    one and still is under one cent. ``LeftOut.minor`` is the sum of what would have been booked.
    """
    values = exact or {}
    kept: list[Movement] = []
    left: dict[str, list[Movement]] = defaultdict(list)
    for movement in movements:
        value = values.get(movement.id)
        if (amount(movement) if value is None else abs(value)) < least:
            left[movement.currency].append(movement)
        else:
            kept.append(movement)
    return kept, [_too_small(some, least, currency, values) for currency, some in sorted(left.items())]


def _too_small(some: Sequence[Movement], least: int, currency: str, values: Mapping[int, Decimal]) -> LeftOut:
    told = f"under {worded(least, currency)} {currency}"
    if any(one.id in values for one in some):
        whole = sum((abs(values.get(one.id, Decimal(amount(one)))) for one in some), Decimal(0))
        told += f"; {whole.scaleb(-money.decimals(currency)).normalize():f} {currency} before rounding"
    return _left_out("under-one-cent", told, some)


def without_party(movements: Iterable[Booked], control: AbstractSet[str]) -> list[Booked]:
    """Movements on a receivable or payable account that do not say whose it is: ``entries`` refuses them."""
    return [one for one in movements if "" in _parties(one, control)]


def amount(movement: Movement) -> int:
    """The sum of debits; of a movement that is out of balance, the larger side."""
    debits = credits = 0
    for line in movement.lines:
        if (line.minor > 0) == (line.side == "debit"):
            debits += abs(line.minor)
        else:
            credits += abs(line.minor)
    return max(debits, credits)


def net(movement: Movement) -> int:
    """The sum of debits with its sign: what takes something back counts against it, a refund counts below zero."""
    return sum(line.minor for line in movement.lines if line.side == "debit")


def _left_out(
    reason: Literal["under-one-cent", "uncategorised", "no-account"], detail: str, some: Sequence[Movement]
) -> LeftOut:
    return LeftOut(reason=reason, detail=detail, members=tuple(sorted(one.id for one in some)),
                   minor=sum(map(net, some)), currency=some[0].currency)  # fmt: skip


# -- the grouping ------------------------------------------------------------------------------------------------------


def entries(
    movements: Iterable[Booked],
    bucket_of: Callable[[dt.date], Bucket],
    *,
    receivable: Control = frozenset(),
    payable: Control = frozenset(),
    clearing: str = "",
    max_lines: int = 0,
    last_day: bool = True,
    prefix: str = "JE ",
    types: Mapping[str, JournalType] = TYPES,
    home: str = "",
    each: bool = False,
    taken: Container[str] = frozenset(),
    split: Container[str] = frozenset(),
) -> list[Entry]:
    """One entry for each bucket, currency and type; on receivable and payable accounts one for each party as well.
    Movements in another currency than ``home`` that say their exchange rate are apart by that, too, and so are those
    that are moved from another period.

    Every movement is in exactly one of them. With ``clearing``, lines on receivable and payable accounts go to that
    account, with no party. With ``each`` every movement is an entry of its own, under its own date and reference.
    Above ``max_lines`` (0: any number) the members are shared out among several entries. ``home`` is the currency that
    numbers leave out, ``taken`` the keys and numbers of entries that exist already: a late comer gets the next part.
    ``split`` are the stems of groups of which some members are left out here: see ``stems``.

    Raises Rejected, naming the movement, for one that is out of balance, has a line without account, has no party on a
    receivable or payable account, has more than ``max_lines`` lines by itself or no amount at all.
    """
    control = receivable | payable
    if clearing and clearing in control:
        raise ConfigError(
            f"the clearing account {clearing} is a receivable or payable account itself", code="WHERRY-2640",
            fix="name another account under clearing", account=clearing,
        )  # fmt: skip
    sums = Summing(control if clearing else frozenset(), clearing, max_lines)
    groups = _groups(movements, bucket_of, frozenset() if clearing else control, each, home, sums.add)
    once = Counter(name.single.reference for name, _ in groups if name.single)
    numbering = Numbering(prefix, home, types, last_day, taken)
    made = []
    for name, group in groups:
        plain = not name.single or once[name.single.reference] == 1
        for part in sums.parts(group):
            some = part.ids if split and stem_of(name) in split else ()
            made.append(_entry(numbering, name, plain, part, some))
            part.sums.clear()  # they are in the entry now: a year has as many of them as entries have lines
    return made


def stems(
    movements: Iterable[Booked], bucket_of: Callable[[dt.date], Bucket], control: Control, *, each: bool, home: str
) -> set[str]:
    """What stands for the groups that movements are in."""
    found = _groups(movements, bucket_of, control, each, home, lambda group, movement: None)
    return {stem_of(name) for name, _ in found}


def _groups(
    movements: Iterable[Movement], bucket_of: Callable[[dt.date], Bucket], control: Control, each: bool, home: str,
    add: Callable[[Group, Movement], None],
) -> list[tuple[Name, Group]]:  # fmt: skip
    """In the order of their days. Each movement is added to its group as it comes, and is not kept."""
    days: dict[dt.date, Bucket] = {}
    groups: dict[tuple[str, str, str, tuple[str, ...], str, str, int], Group] = {}
    for movement in movements:
        if (bucket := days.get(movement.date)) is None:
            bucket = days[movement.date] = bucket_of(movement.date)
        parties = _parties(movement, control) if control else ()
        if "" in parties:
            raise Rejected(
                f"{movement.key} is booked to a receivable or payable account and names no party", code="WHERRY-4621",
                fix="name a party in the record or in the accounts table, or set a clearing account", key=movement.key,
            )  # fmt: skip
        rate = _rate(movement, home) if movement.exchange_rate is not None else ""
        one = movement.id if each else 0
        at = bucket.name, movement.currency, movement.type, parties, rate, movement.moved, one
        if (group := groups.get(at)) is None:
            group = groups[at] = Group(movement)
        add(group, movement)
    named = [
        (Name(bucket=days[some.first.date], currency=currency, type=kind, parties=parties, rate=rate, moved=moved,
              single=some.first if each else None), some)
        for (_, currency, kind, parties, rate, moved, _), some in groups.items()
    ]  # fmt: skip
    return sorted(named, key=lambda pair: (pair[0].bucket.first, pair[0].bucket.name, *_rank(pair[0])))


def _rank(name: Name) -> tuple[str, str, tuple[str, ...], str, str, str, int]:
    one = name.single
    return name.currency, name.type, name.parties, name.rate, name.moved, one.key if one else "", one.id if one else 0


def _rate(movement: Movement, home: str) -> str:
    """The exchange rate that a movement says itself, and its source; empty where it needs none."""
    if movement.exchange_rate is None or movement.currency == home:
        return ""
    return f"{movement.exchange_rate.normalize():f} {movement.exchange_source}".rstrip()


def _parties(movement: Movement, control: Control) -> tuple[str, ...]:
    """Whose receivables and payables the movement touches."""
    found = {line.party for line in movement.lines if line.account in control and line.minor}
    return tuple(sorted(found))


def _entry(numbering: Numbering, name: Name, plain: bool, group: Group, some: Sequence[int]) -> Entry:
    key, number = numbering.key_and_number(name, plain=plain, some=some)
    said = group.first if name.rate else None
    return Entry(
        key=key,
        number=number,
        date=numbering.date(name),
        period=name.bucket.period,
        bucket=name.bucket.name,
        currency=name.currency,
        memo=numbering.memo(name),
        lines=tuple(_line(at, held) for at, held in sorted(group.sums.items(), key=itemgetter(0))),
        members=tuple(sorted(group.ids)),
        party=name.party,
        type=name.type,
        moved=name.moved,
        exchange_rate=said.exchange_rate if said else None,
        exchange_source=(said.exchange_source or "the record") if said else "",
    )


def _line(at: Key, held: Sum) -> BookedLine:
    is_credit, account, party, dimensions = at
    text = held.first or held.last
    if held.first != held.last:
        text = f"{text[:_LONGEST_TEXT]} and {held.count - 1} more"
    return BookedLine(account=account, side="credit" if is_credit else "debit", minor=abs(held.minor),
                      description=text, party=party, dimensions=dimensions)  # fmt: skip
