"""How the movements of an entry were booked: by which table of accounts, with gains or without, at what rate.

It is noted with the entry each time that it is prepared, so that what takes one of its movements back later goes to the
same accounts, parties and dimensions and at the same rate, whatever the table says by then (case C11).
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from wherry.accounting import Mapped, Movement, MovementLine
from wherry.books import grouping
from wherry.books.bodies import movement_of
from wherry.books.frozen import ENTITY
from wherry.books.tables import category_key
from wherry.records import Ref
from wherry.store import ledger
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Route
from wherry.store.movements import MovementRow

if TYPE_CHECKING:
    from wherry.books.charts import Chart
    from wherry.books.gathering import Booking, Books

_NAMESPACE, _ENTRIES, _TERMS = "wherry.books", "booked_by", "booking_terms"
"""No plugin can have this name."""


class Terms(Struct, frozen=True, kw_only=True):
    """What the entries of a flow are booked by. Lines on ``control`` accounts (their codes and names) go to
    ``clearing``, where there is one."""

    table: tuple[Mapped, ...]
    gains: bool
    clearing: str = ""
    control: tuple[str, ...] = ()


class Kept(Struct, frozen=True, kw_only=True):
    """How an entry was booked; ``rate`` is empty for one in the organisation's own currency."""

    terms: Terms
    rate: str = ""
    source: str = ""
    at: str = ""
    """When the target took it, which tells what its accounts were called."""


def terms_of(books: Books) -> Terms:
    clearing, chart = books.chart.code_of(books.flow.clearing), books.chart
    codes = chart.codes(["receivable", "payable"]) if clearing else ()
    control = {category_key(name) for one in chart if one.code in codes for name in (one.code, chart.full_name(one))}
    return Terms(table=tuple(books.table), gains=books.flow.gains, clearing=clearing, control=tuple(sorted(control)))


def keep(tx: Tx, books: Books, bookings: Collection[Booking]) -> None:
    """Note it of entries that are prepared now, where it is not what was noted of them before."""
    if not bookings:
        return
    said = msgspec.to_builtins(terms_of(books))
    sign = blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()
    sink, view = books.route.sink, DocumentView(tx, _NAMESPACE)
    wanted = {f"{sink}/{one.key}": _note(one, sign) for one in bookings}
    held = view.get(_ENTRIES, wanted)
    if not view.known(_TERMS, [sign]):
        view.put(_TERMS, [(sign, said)])
    view.put(_ENTRIES, [(name, body) for name, body in wanted.items() if held.get(name) != body])


def _note(one: Booking, sign: str) -> dict[str, Any]:
    if one.entry.exchange_rate is None:
        return {"terms": sign}
    return {"terms": sign, "rate": f"{one.entry.exchange_rate:f}", "source": one.entry.exchange_source}


def of_entries(tx: Tx, route: Route, keys: Collection[str]) -> dict[str, Kept]:
    """Key of an entry → how it was booked; what was prepared before that was noted is not in it."""
    view = DocumentView(tx, _NAMESPACE)
    notes = view.get(_ENTRIES, [f"{route.sink}/{key}" for key in keys])
    links = ledger.find_links(tx, route, [Ref(ENTITY, key) for key in keys])
    made = {ref.key: link.made_at for ref, link in links.items()}
    held = view.get(_TERMS, {note["terms"] for note in notes.values()})
    terms = {sign: msgspec.convert(body, Terms) for sign, body in held.items()}
    named = {name.partition("/")[2]: note for name, note in notes.items()}
    return {key: msgspec.convert({**note, "terms": terms[note["terms"]], "at": made.get(key, "")}, Kept)
            for key, note in named.items()}  # fmt: skip


def body_of(row: MovementRow, kept: Kept | None) -> dict[str, Any]:
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
