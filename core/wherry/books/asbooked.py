"""How the movements of an entry were booked: by which table of accounts, with gains or without, at what rate.

It is noted with the entry each time that it is prepared, so that what takes one of its movements back later goes to the
same accounts, parties and dimensions and at the same rate, whatever the table says by then (case C11).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from wherry.accounting import Mapped, Movement, MovementLine
from wherry.books import grouping
from wherry.books.bodies import movement_of
from wherry.books.frozen import ENTITY
from wherry.books.keys import spelled
from wherry.books.tables import category_key
from wherry.records import Ref
from wherry.store import ledger, movements
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Route
from wherry.store.movements import MovementRow

if TYPE_CHECKING:
    from wherry.books.charts import Chart
    from wherry.books.gathering import Basis, Booking

_NAMESPACE, _ENTRIES, _TERMS = "wherry.books", "booked_by", "booking_terms"
"""No plugin can have this name."""


class Terms(Struct, frozen=True, kw_only=True):
    """What the entries of a flow are booked by. Lines on ``control`` accounts (their codes and names) go to
    ``clearing``, where there is one."""

    table: tuple[Mapped, ...]
    gains: bool
    clearing: str = ""
    control: tuple[str, ...] = ()


class AsBooked(Struct, frozen=True, kw_only=True):
    """How an entry was booked; ``rate`` is empty for one in the organisation's own currency."""

    terms: Terms
    rate: str = ""
    source: str = ""
    at: str = ""
    """When the target took it, which tells what its accounts were called."""


def terms_of(basis: Basis) -> Terms:
    clearing, chart = basis.chart.code_of(basis.flow.clearing), basis.chart
    codes = chart.codes(["receivable", "payable"]) if clearing else ()
    control = {category_key(name) for one in chart if one.code in codes for name in (one.code, chart.full_name(one))}
    return Terms(table=tuple(basis.table), gains=basis.flow.gains, clearing=clearing, control=tuple(sorted(control)))


def keep(tx: Tx, basis: Basis, bookings: Collection[Booking]) -> None:
    """Note it of entries that are prepared now, where it is not what was noted of them before."""
    if not bookings:
        return
    said = msgspec.to_builtins(terms_of(basis))
    sign = blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()
    sink, view = basis.route.sink, DocumentView(tx, _NAMESPACE)
    wanted = {f"{sink}/{one.key}": _note(one, sign) for one in bookings}
    held = view.get(_ENTRIES, wanted)
    if not view.known(_TERMS, [sign]):
        view.put(_TERMS, [(sign, said)])
    view.put(_ENTRIES, [(name, body) for name, body in wanted.items() if held.get(name) != body])


def _note(one: Booking, sign: str) -> dict[str, Any]:
    if one.entry.exchange_rate is None:
        return {"terms": sign}
    return {"terms": sign, "rate": f"{one.entry.exchange_rate:f}", "source": one.entry.exchange_source}


def of_entries(tx: Tx, route: Route, keys: Collection[str]) -> dict[str, AsBooked]:
    """Key of an entry → how it was booked; what was prepared before that was noted is not in it."""
    view = DocumentView(tx, _NAMESPACE)
    notes = view.get(_ENTRIES, [f"{route.sink}/{key}" for key in keys])
    links = ledger.find_links(tx, route, [Ref(ENTITY, key) for key in keys])
    made = {ref.key: link.made_at for ref, link in links.items()}
    held = view.get(_TERMS, {note["terms"] for note in notes.values()})
    terms = {sign: msgspec.convert(body, Terms) for sign, body in held.items()}
    named = {name.partition("/")[2]: note for name, note in notes.items()}
    return {key: msgspec.convert({**note, "terms": terms[note["terms"]], "at": made.get(key, "")}, AsBooked)
            for key, note in named.items()}  # fmt: skip


def body_of(row: MovementRow, kept: AsBooked | None) -> dict[str, Any]:
    """What a movement says, with every line as it was booked, those of its gain too; its own words where that was not
    noted."""
    body: dict[str, Any] = msgspec.json.decode(row.body)
    if kept is None:
        return body
    booked, _ = grouping.categorise([movement_of(row, gains=kept.terms.gains)], kept.terms.table)
    if not booked:
        return body
    told = {name: value for name, value in body.items() if name != "gain"}
    told["lines"] = [_line(line, booked[0], kept.terms) for line in booked[0].lines]
    if kept.at:
        told["booked_at"] = kept.at
    if kept.rate and not body.get("exchange_rate"):
        told["exchange_rate"], told["exchange_source"] = kept.rate, kept.source
    return told


_AS_BOOKED = '"booked_at"'


def is_as_booked(row: MovementRow) -> bool:
    """Whether it takes a movement back with the very lines that this was booked with."""
    return bool(row.undoes) and _AS_BOOKED in row.body


def undone(tx: Tx, basis: Basis, rows: Sequence[MovementRow]) -> dict[int, MovementRow]:
    """Movement that is to be booked once more, since its entry was reversed → what takes it back. It has to go where
    that takes it from, whatever the tables say by now, or the two would not come to nothing (case C11)."""
    ids = {row.id for row in rows if not row.undoes}
    back = movements.undoing(tx, basis.route.sink, basis.flow.name)
    return {row.undoes: row for row in back if row.undoes in ids and is_as_booked(row)}


def turned(row: MovementRow, back: MovementRow, chart: Chart) -> Movement:
    """The movement with the lines that ``back`` takes it back with, their amounts turned over."""
    said, own = by_code(back, movement_of(back, gains=False), chart), movement_of(row, gains=False)
    lines = tuple(msgspec.structs.replace(line, minor=-line.minor) for line in said.lines)
    return msgspec.structs.replace(
        own, lines=lines, exchange_rate=said.exchange_rate, exchange_source=said.exchange_source
    )


def unnoted(tx: Tx, basis: Basis, rows: Sequence[MovementRow], fixed: Collection[str]) -> dict[int, str]:
    """What takes a movement back that was booked before it was noted how, and what replaces it, → why it is held:
    today's table of accounts may say something else (case C11). Reversing the whole entry needs no table."""
    back = [row for row in rows if row.undoes and not is_as_booked(row) and _asks_table(row, basis)]
    if not back:
        return {}
    first = movements.by_id(tx, [row.undoes for row in back])
    entries = {row.id: first[row.undoes].entry for row in back if row.undoes in first}
    noted = of_entries(tx, basis.route, {key for key in entries.values() if key in fixed})
    found: dict[int, str] = {}
    for row in back:
        key = entries.get(row.id, "")
        if key in fixed and key not in noted:
            number = _number_of(tx, basis.route, key)
            why = (f"it takes back what {number} booked before it was noted how, and the table of accounts may say "
                   f"something else by now: wherry journal reverse {basis.flow.name} '{number}' --repost")  # fmt: skip
            later = [one.id for one in rows if (one.kind, one.key) == (row.kind, row.key) and one.id > row.id]
            found |= dict.fromkeys([row.id, *later], why)
    return found


def _asks_table(row: MovementRow, basis: Basis) -> bool:
    """Whether a table decides where it goes, or what it is worth: of accounts, of rates, or what is cleared."""
    body: dict[str, Any] = msgspec.json.decode(row.body)
    gain = basis.flow.gains and (body.get("gain") or {}).get("minor")
    rate = row.currency != basis.home and not body.get("exchange_rate")
    control = basis.chart.codes(["receivable", "payable"]) if basis.flow.clearing else set()
    own = [str(line.get("account") or "") for line in body.get("lines", ())]
    return bool(gain or rate) or any(not one or basis.chart.code_of(one) in control for one in own)


def _number_of(tx: Tx, route: Route, key: str) -> str:
    link = ledger.find_links(tx, route, [Ref(ENTITY, key)]).get(Ref(ENTITY, key))
    body = msgspec.json.decode(link.body) if link is not None and link.body else {}
    return str(body.get("number") or spelled(key))


def by_code(row: MovementRow, movement: Movement, chart: Chart) -> Movement:
    """What takes a movement back, on the accounts that it was booked on by the codes that they have now."""
    at = msgspec.json.decode(row.body).get("booked_at", "") if row.undoes else ""
    if not at:
        return movement
    lines = (msgspec.structs.replace(line, account=chart.code_of(line.account, at)) for line in movement.lines)
    return msgspec.structs.replace(movement, lines=tuple(lines))


def _line(line: MovementLine, movement: Movement, terms: Terms) -> dict[str, Any]:
    cleared = bool(terms.clearing) and category_key(line.account) in terms.control
    said = {
        "side": line.side, "amount": {"minor": line.minor, "currency": movement.currency},
        "account": terms.clearing if cleared else line.account, "party": "" if cleared else line.party,
        "description": line.description, "dimensions": dict(line.dimensions),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in ("", {})}
