"""From movements to journal entries: what of a flow is booked now, what is left out and why, and the drafts of it.

Read ``arrange`` from the top: the free movements of a flow (all but those of entries that were sent) → placed in an
open period → categorised → grouped → drafts. It only reads; ``keep`` notes in the same transaction which movement
stands in which entry. Source: behaviours.md, sections 000 and 004; cases C6 to C15.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set

import msgspec
from msgspec import Struct, field

from wherry.accounting import Entry, LeftOut, Mapped, Movement
from wherry.books import asbooked, frozen, grouping, rates, unbooked
from wherry.books.bodies import unrounded
from wherry.books.charts import Chart
from wherry.books.drafts import draft_of
from wherry.books.frozen import ENTITY, Sent
from wherry.books.keys import SEPARATOR, Parts, joined
from wherry.books.numbering import letters
from wherry.books.periods import Calendar
from wherry.books.placing import Placing
from wherry.books.placing import week_start as week_start
from wherry.books.rates import Rates, Terms
from wherry.books.unbooked import Apart
from wherry.records import Draft
from wherry.settings import Flow
from wherry.store import movements, posted
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.store.movements import MovementRow, State

Place = tuple[State, str, str]
"""Where a movement stands: its state, its entry, and why it is left out."""
_SLUG = 4
_TRIES = 64
"""How often other letters are looked for before there is one more of them: two letters stand for 1,024 names."""


class Basis(Struct, kw_only=True):
    """What the entries of one flow are made by."""

    flow: Flow
    route: Route
    """From the flow's source to the target."""
    calendar: Calendar
    table: Sequence[Mapped]
    chart: Chart
    today: dt.date
    home: str
    """The organisation's own currency."""
    closed_until: dt.date | None = None
    """The last day of the closed books: the target's word or ours, whichever is later."""
    most_lines: int = 0
    """The most lines that the target takes in one entry; 0: as many as there are."""
    books_from: dt.date | None = None
    rates: Rates = field(default_factory=lambda: Rates())
    own_rounding: str = ""
    """The account on which the target itself books what rounding leaves of an entry in another currency."""
    pick: Selection = field(default_factory=lambda: Selection())


class Selection(Struct, frozen=True, kw_only=True):
    """Which movements are booked now: of some partitions, from one day to another. Everything where nothing is said."""

    partitions: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None

    @property
    def takes_all(self) -> bool:
        return not (self.partitions or self.first or self.last)

    def takes(self, row: MovementRow) -> bool:
        if self.takes_all:
            return True
        day = dt.date.fromisoformat(row.date)
        within = (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        return within and (not self.partitions or row.partition in self.partitions)


class Booking(Struct, kw_only=True):
    """An entry with the key it has in the ledger, and the draft that says it."""

    key: str
    entry: Entry
    draft: Draft


class Arrangement(Struct, kw_only=True):
    """What would be booked now. ``blocked``: something of the selection has no account yet, so nothing is."""

    bookings: list[Booking] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    blocked: bool = False
    free: list[MovementRow] = field(default_factory=list)
    """Everything of the selection that is not booked for good."""
    sent: list[MovementRow] = field(default_factory=list)
    """What stands in an entry that was sent since."""
    coming: list[Entry] = field(default_factory=list)
    """Entries whose group has not ended yet: with automatic approval they wait."""
    fixed: set[str] = field(default_factory=set)
    """Keys of the entries that were sent."""
    aside: dict[str, list[int]] = field(default_factory=dict)
    """Entry that was not sent → those of its movements that the selection leaves out."""
    in_time: list[tuple[int, str]] = field(default_factory=list)
    """Movements that came before their group was posted, with its name."""
    apart: Apart = field(default_factory=lambda: Apart())
    """What is held since its entry was reversed, or given up."""


# -- arranging --------------------------------------------------------------------------------------------------------


def arrange(tx: Tx, basis: Basis) -> Arrangement:
    """What of the flow's movements is booked now. Raises Guarded where a closed period is to stop everything."""
    sent = frozen.of_flow(tx, basis.route, basis.flow.name)
    rows, fixed = _rows(tx, basis, sent), sent.fixed
    apart = unbooked.look(tx, basis.route, basis.flow.name, rows, sent)
    free = [row for row in rows if row.entry not in fixed and basis.pick.takes(row)]
    found = Arrangement(free=free, sent=[row for row in rows if row.entry in sent.posted], fixed=fixed, apart=apart)
    for row in rows:
        if row.entry and row.entry not in {*fixed, *apart.given_up} and not basis.pick.takes(row):
            found.aside.setdefault(row.entry, []).append(row.id)
    placing = _placing(tx, basis, rows, sent, found)
    kept = frozenset(row.id for row in rows if asbooked.is_as_booked(row) or row.id in placing.undone)
    aside = Placing(_unstopped(basis), fixed, apart.given_up)
    aside.undone, aside.stuck = placing.undone, placing.stuck
    rest = [row for row in rows if row.entry not in fixed and not basis.pick.takes(row)]
    besides = _ready(aside.basis, aside, rest)[0] if rest else []
    booked, found.left, found.blocked = _ready(basis, placing, free)
    bookings, unvalued = _bookings(basis, placing, booked, besides, kept)
    found.in_time = [*placing.in_time, *aside.in_time]
    found.left += unvalued
    for booking in bookings:
        if basis.flow.needs_approval or _is_over(basis, booking.entry):
            found.bookings.append(booking)
        else:
            found.coming.append(booking.entry)
    return found


def _placing(tx: Tx, basis: Basis, rows: Sequence[MovementRow], sent: Sent, found: Arrangement) -> Placing:
    placing = Placing(basis, found.fixed, found.apart.given_up)
    placing.reversed, placing.unnoted = sent.reversed, asbooked.unnoted(tx, basis, found.free, found.fixed)
    placing.undone = asbooked.undone(tx, basis, rows) if sent.reversed else {}
    placing.numbers = posted.numbers_of_others(tx, basis.route.sink, ENTITY, f"{basis.flow.name}{SEPARATOR}")
    if basis.flow.group == "none":
        placing.numbers |= frozen.numbers(tx, basis.route, basis.flow.name)
    placing.partitions |= {row.partition for row in rows}
    return placing


def _ready(basis: Basis, placing: Placing, rows: Sequence[MovementRow]) -> tuple[list[Movement], list[LeftOut], bool]:
    """What of the rows can be booked, what is left out, and whether nothing may be, since something has no account."""
    mine = {row.id: (row, movement) for row in rows if (movement := placing.admitted(row)) is not None}
    exact = unrounded((row for row in rows if row.id not in placing.undone), gains=basis.flow.gains)
    large, small = grouping.sub_cent([movement for _, movement in mine.values()], exact=exact)
    placed = [placing.place(*mine[movement.id]) for movement in large]
    booked, missing = grouping.categorise([one for one in placed if one is not None], basis.table)
    booked = by_code(booked, basis.chart)
    booked, nobodys = _owed_by_nobody(basis, booked)
    return booked, [*placing.left(), *small, *missing, *nobodys], bool(missing or nobodys)


def by_code(booked: Sequence[Movement], chart: Chart) -> list[Movement]:
    """Each line on the code of its account, also where the table or the record says its name: one account is one
    account, and a receivable is one, whatever it is called (case C2)."""
    words = {line.account for movement in booked for line in movement.lines}
    codes = {word: code for word in words if (code := chart.code_of(word)) != word}
    return [_coded(movement, codes) for movement in booked] if codes else list(booked)


def _coded(movement: Movement, codes: Mapping[str, str]) -> Movement:
    lines = tuple(
        msgspec.structs.replace(line, account=codes[line.account]) if line.account in codes else line
        for line in movement.lines
    )
    return msgspec.structs.replace(movement, lines=lines)


def _unstopped(basis: Basis) -> Basis:
    """The same books for what the selection leaves out: it is only looked at, and stops nothing."""
    flow = basis.flow.model_copy(update={"closed": "hold"}) if basis.flow.closed == "stop" else basis.flow
    return msgspec.structs.replace(basis, flow=flow)


def _rows(tx: Tx, basis: Basis, sent: Sent) -> list[MovementRow]:
    """What is not posted; with it what was, in entries that the target has taken back since."""
    sink, flow = basis.route.sink, basis.flow.name
    rows = list(movements.unposted(tx, sink, flow))
    back = (row for row in movements.of_entries(tx, sink, flow, sorted(sent.reversed)) if row.state == "posted")
    return sorted([*rows, *back], key=lambda row: row.id) if sent.reversed else rows


def _owed_by_nobody(basis: Basis, booked: Sequence[Movement]) -> tuple[list[Movement], list[LeftOut]]:
    """Receivables and payables are somebody's, unless a clearing account takes their place."""
    control = basis.chart.codes(["receivable", "payable"]) if not basis.flow.clearing else set()
    bad = {movement.id for movement in grouping.without_party(booked, control)} if control else set()
    why = "on a receivable or payable account, and nobody is named: map the customer, or set clearing on the flow"
    rows = [row for row in booked if row.id in bad]
    left = [
        LeftOut(reason="no-account", detail=why, currency=currency, members=tuple(row.id for row in mine),
                minor=sum(grouping.net(row) for row in mine))
        for currency in sorted({row.currency for row in rows})
        for mine in [[row for row in rows if row.currency == currency]]
    ]  # fmt: skip
    return [movement for movement in booked if movement.id not in bad], left


def _is_over(basis: Basis, entry: Entry) -> bool:
    """With automatic approval a group posts only some days after its end."""
    ends = basis.calendar.bucket_of(entry.date, basis.flow.group, week_start(basis.flow)).last
    return ends + basis.flow.wait_for <= basis.today


# -- entries -----------------------------------------------------------------------------------------------------------


def _bookings(
    basis: Basis, placing: Placing, booked: Sequence[Movement], aside: Sequence[Movement], kept: frozenset[int]
) -> tuple[list[Booking], list[LeftOut]]:  # fmt: skip
    """The entries of each partition. What comes late into a posted group stands in a further part of it. ``aside`` is
    what the selection leaves out: a group that it takes some of only is numbered otherwise than the whole one. ``kept``
    goes where it was booked, though there is a clearing account by now.

    Behind them those that have no exchange rate, or no account for what rounding leaves.
    """
    found: list[Booking] = []
    left: list[LeftOut] = []
    account = basis.chart.code_of(basis.flow.rounding)
    terms = Terms(home=basis.home, rates=basis.rates, account=account, own=basis.own_rounding)
    slugs, given = _slugs(placing.partitions), set[str]()
    by_partition: dict[str, list[Movement]] = {}
    for movement in booked:
        by_partition.setdefault(movement.partition, []).append(movement)
    for partition, mine in sorted(by_partition.items()):
        entries = _grouped(basis, placing, (partition, slugs[partition]), mine, aside, kept, given)
        given |= {one.number for one in entries}
        for entry in (rates.appraised(opened(one, basis.closed_until), terms) for one in entries):
            if isinstance(entry, LeftOut):
                left.append(entry)
                continue
            key = joined(Parts(basis.flow.name, entry.bucket, partition, entry.key))
            found.append(Booking(key=key, entry=entry, draft=draft_of(key, entry)))
    return found, left


def _grouped(
    basis: Basis, placing: Placing, named: tuple[str, str], mine: Sequence[Movement], aside: Sequence[Movement],
    kept: frozenset[int], given: set[str],
) -> list[Entry]:  # fmt: skip
    """The entries of one partition, named as it is and as numbers say it: what goes to the clearing account, if there
    is one, apart from what was booked before it was there and is taken back from where it stands. ``given`` are the
    numbers of other partitions."""
    (partition, slug), chart, clearing = named, basis.chart, basis.chart.code_of(basis.flow.clearing)
    control = chart.codes(["receivable", "payable"]) if clearing and kept else set()
    stays = {one.id for one in mine if one.id in kept and _owed(one, control)}
    split, taken, found = _split(basis, placing, partition, aside), placing.taken(partition), list[Entry]()
    for to in (clearing, "") if stays else (clearing,):
        some = [one for one in mine if (one.id in stays) == (to != clearing)]
        found += grouping.entries(
            some, placing.bucket_of, receivable=chart.codes(["receivable"]), payable=chart.codes(["payable"]),
            clearing=to, max_lines=basis.most_lines, prefix=f"JE {slug}", home=basis.home,
            each=basis.flow.group == "none", split=split,
            taken=_Any(*taken, given, {word for one in found for word in (one.key, one.number)}),
        )  # fmt: skip
    return found


class _Any:
    """What any of some sets holds, however large they are."""

    def __init__(self, *sets: Set[str]) -> None:
        self._sets = sets

    def __contains__(self, text: object) -> bool:
        return any(text in one for one in self._sets)


def _owed(movement: Movement, control: Collection[str]) -> bool:
    """Whether it stands with somebody on a receivable or payable account."""
    whose = [line.party for line in movement.lines if line.account in control]
    return bool(whose) and all(whose)


def opened(entry: Entry, closed_until: dt.date | None) -> Entry:
    """An entry that bears the first day of its group, on the first of these days that is open: books that are closed
    in the middle of the group take the movements after that (case C12)."""
    if closed_until is None or entry.date > closed_until:
        return entry
    return msgspec.structs.replace(entry, date=closed_until + dt.timedelta(days=1))


def _split(basis: Basis, placing: Placing, partition: str, aside: Collection[Movement]) -> set[str]:
    """The stems of the groups of a partition of which the selection leaves something out."""
    control = basis.chart.codes(["receivable", "payable"]) if not basis.flow.clearing else set()
    mine = (movement for movement in aside if movement.partition == partition)
    return grouping.stems(mine, placing.bucket_of, control, each=basis.flow.group == "none", home=basis.home)


def _slugs(partitions: Iterable[str]) -> dict[str, str]:
    """Partition → a few letters for the numbers of its entries. Those that begin alike are told apart by letters that
    stand for their whole name, so that none is ever called what another was; by more of them where few are left."""
    plain = {one: "".join(letter for letter in one.upper() if letter.isalnum())[:_SLUG] for one in partitions if one}
    often, taken = Counter(plain.values()), set[str]()
    found = {"": ""}
    for one, slug in sorted(plain.items()):
        salt, said = 0, slug
        while not said or (said in taken or (said in often and (often[slug] > 1 or said != slug))):
            said = slug[:2] + letters(f"{one} {salt}", _SLUG - len(slug[:2]) + salt // _TRIES)
            salt += 1
        taken.add(said)
        found[one] = f"{said} "
    return found


# -- keeping ----------------------------------------------------------------------------------------------------------


def keep(tx: Tx, basis: Basis, found: Arrangement) -> None:
    """Note which movement stands in which entry, and why the others stand in none: what has changed of it."""
    sink, flow = basis.route.sink, basis.flow.name
    again = {row.entry for row in found.free} | {booking.key for booking in found.bookings}
    aside = [id for entry in again for id in found.aside.get(entry, ())]
    wanted: dict[int, Place] = dict.fromkeys([*aside, *(row.id for row in found.free)], ("open", "", ""))
    for booking in found.bookings if not found.blocked else ():
        wanted.update(dict.fromkeys(booking.entry.members, ("booked", booking.key, "")))
    for left in found.left:
        wanted.update(dict.fromkeys(left.members, ("left", "", left.detail)))
    wanted.update(found.apart.places(found.free))
    _note_in_time(tx, found, {id for id, place in wanted.items() if place[0] == "booked"})
    held = {row.id: (row.state, row.entry, row.reason) for row in found.free}
    changed: dict[Place, list[int]] = {}
    for id, place in wanted.items():
        if held.get(id) != place:
            changed.setdefault(place, []).append(id)
    unbooked.keep(tx, basis.route, flow, found.apart)
    asbooked.keep(tx, basis, () if found.blocked else found.bookings)
    movements.post(tx, sink, flow, [row.id for row in found.sent if row.state != "posted"])
    for (state, entry, reason), ids in changed.items():
        movements.place(tx, sink, flow, ids, state, entry=entry, reason=reason)


def _note_in_time(tx: Tx, found: Arrangement, booked: Collection[int]) -> None:
    """What is in none of these entries, and came before its group was posted, is not late once that is."""
    by_bucket: dict[str, list[int]] = {}
    for id, bucket in found.in_time:
        if id not in booked:
            by_bucket.setdefault(bucket, []).append(id)
    for bucket, ids in by_bucket.items():
        movements.note_in_time(tx, ids, bucket)
