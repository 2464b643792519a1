"""The tie-out: what the hub wrote into a target's books against what stands there now, account by account, to the cent.

Balance = opening + the hub's entries + what is off in them + entries of others + other documents. It passes when
nothing is off and nothing is unexplained: what moved an account of the hub's is an entry or a document that is listed.
Pure: everything is handed in. Source: behaviours.md 000.3 and 004.16.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from wherry.accounting import Balance, Entry, HeldEntry, LeftOut
from wherry.books import balances, rates
from wherry.books.held import Booked, BothSides, Foreign, Problem, Written
from wherry.books.pairing import Pairs, signed

Key = tuple[str, str]
"""Currency and account."""


class Row(Struct, frozen=True, kw_only=True):
    """One account, net, debits positive, in minor units. ``others`` are entries that the hub did not make,
    ``documents`` what is no journal entry: invoices, bills, payments; ``unexplained`` is what of that no listed
    document did. None where the target does not tell; documents are listed on the hub's accounts alone."""

    account: str
    name: str
    currency: str
    opening: int | None
    hub: int
    off: int
    others: int | None
    documents: int | None
    closing: int | None
    unexplained: int | None = None


class TieOut(Struct, kw_only=True):
    """What the comparison came to. ``entries`` is how many of the hub's lie in the time."""

    first: dt.date
    last: dt.date
    entries: int
    rows: list[Row]
    problems: list[Problem]
    foreign: list[Foreign]
    booked: list[Booked] = field(default_factory=list)
    """What documents booked on the hub's accounts, the hub's own and others."""
    left: list[LeftOut] = field(default_factory=list)
    listed: bool = True
    documented: bool = True
    """Whether the target can list what is no journal entry."""
    balanced: bool = True
    """Whether the target makes a trial balance."""

    @property
    def passes(self) -> bool:
        return not self.problems and not any(row.off for row in self.rows)


# -- comparing ---------------------------------------------------------------------------------------------------------


def tie(sides: BothSides, names: Mapping[str, str] | None = None) -> TieOut:
    """Compare both sides; ``names`` are code → name of accounts."""
    pairs, sums = Pairs(sides), _Sums(sides)
    mine, foreign = pairs.mine(), pairs.foreign()
    for one, held in mine:
        sums.add_ours(one, held)
    for held in pairs.ours():
        sums.add(sums.there, held)
    for held in foreign:
        sums.add(sums.others, held)
    ours = {key for one in sides.written for key in sums.keys_of(one)}
    booked = _booked(sides, sums.home, ours, pairs.entries)
    rows = _explained(sums.rows(names or {}), ours, booked if sides.documents is not None else None)
    problems = [*(pairs.problems() if sides.held is not None else ()), *sides.told, *_unexplained(rows, ours, sides)]
    return TieOut(
        first=sides.first, last=sides.last, entries=len(mine), rows=rows, problems=problems, booked=booked,
        foreign=[pairs.told(held) for held in foreign], listed=sides.held is not None,
        documented=sides.documents is not None,
        balanced=sides.moved is not None,
    )  # fmt: skip


def standing(sides: BothSides, keys: Collection[str]) -> tuple[Counter[Key], Counter[Key], list[Problem]]:
    """Of the entries of these keys what the hub wrote and what is off in the target, by currency and account, in the
    currency that the target keeps its balances in; and what is the matter with them."""
    pairs, sums = Pairs(sides), _Sums(sides)
    for one, held in pairs.mine():
        if one.entry.key in keys and not one.reverses:
            sums.add_ours(one, held)
            if held is not None and sides.spans(held.date):
                sums.add(sums.there, held)
    sums.there.subtract(sums.hub)
    off = Counter({key: minor for key, minor in sums.there.items() if minor})
    return sums.hub, off, [one for one in pairs.problems() if one.entry in keys]


# -- sums --------------------------------------------------------------------------------------------------------------


def _home(sides: BothSides) -> str:
    """The one currency that the target keeps its balances in; empty where it keeps each by itself."""
    told = {one.currency for one in (*(sides.opening or ()), *(sides.moved or ()))}
    return next(iter(told)) if len(told) == 1 else ""


class _Sums:
    """Amounts by currency and account, in the currency that the target keeps balances in."""

    def __init__(self, sides: BothSides) -> None:
        self.sides, self.home = sides, _home(sides)
        self.hub: Counter[Key] = Counter()
        self.there: Counter[Key] = Counter()
        self.others: Counter[Key] = Counter()

    def _foreign(self, currency: str) -> bool:
        return bool(self.home) and self.home != currency

    def keys_of(self, one: Written) -> set[Key]:
        currency = self.home or one.entry.currency
        own = {(currency, line.account) for line in one.entry.lines}
        return own | ({(currency, one.entry.rounding_account)} if one.entry.rounding else set())

    def add_ours(self, one: Written, held: HeldEntry | None) -> None:
        """An entry as it was written, at its own rate where the target keeps its balances in another currency. One
        that was written without is worth what the target's rate makes of it."""
        entry = rates.at_home(one.entry) if self._foreign(one.entry.currency) else one.entry
        if self._foreign(entry.currency):
            if held is not None:
                self.add(self.hub, held)
            return
        _count(self.hub, entry)
        if self.sides.held is None:
            self._as_written(one, entry)

    def _as_written(self, one: Written, entry: Entry) -> None:
        """Where entries cannot be listed, what is not told to be gone stands as it was written."""
        if not any(told.entry == one.entry.key and told.what == "missing" for told in self.sides.told):
            _count(self.there, entry)

    def add(self, sums: Counter[Key], held: HeldEntry) -> None:
        foreign = self._foreign(held.currency)
        for line in held.lines:
            minor = line.home if foreign else line.minor
            sums[self.home if foreign else held.currency, line.account] += minor if line.side == "debit" else -minor

    def rows(self, names: Mapping[str, str]) -> list[Row]:
        opening, moved = _net(self.sides.opening), _net(self.sides.moved)
        told: dict[Key, str] = defaultdict(str)
        for one in (*(self.sides.opening or ()), *(self.sides.moved or ())):
            told[one.currency, one.code] = one.name
        keys = sorted({*self.hub, *self.there, *self.others, *(opening or ()), *(moved or ())})
        return [self._row(key, names.get(key[1]) or told[key], opening, moved) for key in keys]

    def _row(self, key: Key, name: str, opening: Counter[Key] | None, moved: Counter[Key] | None) -> Row:
        others = self.others[key] if self.sides.held is not None else None
        documents = None if moved is None else moved[key] - self.there[key] - (others or 0)
        return Row(
            account=key[1], name=name, currency=key[0], opening=None if opening is None else opening[key],
            hub=self.hub[key], off=self.there[key] - self.hub[key], others=others, documents=documents,
            closing=None if opening is None or moved is None else opening[key] + moved[key],
        )  # fmt: skip


def _count(sums: Counter[Key], entry: Entry) -> None:
    for line in entry.lines:
        sums[entry.currency, line.account] += line.minor if line.side == "debit" else -line.minor


def _net(told: Iterable[Balance] | None) -> Counter[Key] | None:
    if told is None:
        return None
    found: Counter[Key] = Counter()
    for one in balances.added(told):
        found[one.currency, one.code] = one.debit - one.credit
    return found


def _booked(sides: BothSides, home: str, ours: set[Key], entries: Collection[str]) -> list[Booked]:
    """What documents did to the hub's accounts in these days; ``entries`` are the ids of journal entries."""
    found: list[Booked] = []
    for one in sides.documents or ():
        if one.id in entries or not sides.spans(one.date):
            continue
        worth: Counter[str] = Counter()
        for line in one.postings:
            worth[line.account] += line.minor if line.side == "debit" else -line.minor
        found += [
            Booked(target=one.id, kind=one.kind, number=one.number, date=one.date, account=account, currency=home,
                   minor=minor, made=sides.made.get(one.id, ""))
            for account, minor in sorted(worth.items()) if minor and (home, account) in ours
        ]  # fmt: skip
    return sorted(found, key=lambda one: (one.date, one.number, one.target))


def _explained(rows: Sequence[Row], ours: set[Key], booked: Sequence[Booked] | None) -> list[Row]:
    """The rows of the hub's accounts with what no document explains."""
    sums: Counter[Key] = Counter()
    for one in booked or ():
        sums[one.currency, one.account] += one.minor
    return [
        msgspec.structs.replace(row, unexplained=row.documents - sums[key])
        if booked is not None and row.documents is not None and (key := (row.currency, row.account)) in ours else row
        for row in rows
    ]  # fmt: skip


def _unexplained(rows: Iterable[Row], ours: set[Key], sides: BothSides) -> Iterator[Problem]:
    """What moved on an account of the hub's, and nothing that is listed did it."""
    for row in rows:
        left = row.documents if sides.documents is None else row.unexplained
        if left and (row.currency, row.account) in ours:
            yield Problem(
                what="unexplained", name=row.account,
                says=f"moved by {signed(left, row.currency)} {row.currency} that {_unlisted(sides)}",
            )  # fmt: skip


def _unlisted(sides: BothSides) -> str:
    if sides.held is None:
        return "nothing that was sent explains"
    if sides.documents is None:
        return "no journal entry explains; what invoices, bills and payments booked there the target cannot list"
    return "neither a journal entry nor another document explains"
