"""Movements that stand in an entry which is not in the books: it was reversed, or given up before it ever was.

What is to become of the movements of a reversed entry is noted with the reversal, not with them: until the target has
reversed it they are booked, and a reversal may be refused first and go through later. What was given up holds its
movements until it is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from wherry.books import frozen
from wherry.books.frozen import ENTITY, Sent
from wherry.books.keys import SEPARATOR
from wherry.records import Ref
from wherry.store import findings, ledger, movements
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Route
from wherry.store.movements import MovementRow, State

REVERSED_ENTRY = "its entry was reversed"
GIVEN_UP = "its entry was given up"
_NAMESPACE, _WISHES = "wherry.books", "reversal"
"""No plugin can have this name."""


class Wish(Struct, frozen=True, kw_only=True):
    """What is to become of the movements of an entry once it is reversed: held, for a reason, or booked anew."""

    repost: bool = False
    reason: str = ""


# -- reversed ----------------------------------------------------------------------------------------------------------


def wish(tx: Tx, sink: int, key: str, one: Wish) -> None:
    """Note it with the reversal of the entry, in place of what was wished before."""
    DocumentView(tx, _NAMESPACE).put(_WISHES, [(f"{sink}/{key}", msgspec.to_builtins(one))])


def wished(tx: Tx, sink: int, key: str) -> Wish | None:
    """What was wished, as long as it was not done."""
    name = f"{sink}/{key}"
    found = DocumentView(tx, _NAMESPACE).get(_WISHES, [name])
    return msgspec.convert(found[name], Wish) if found else None


def to_be_held(tx: Tx, sink: int, keys: Iterable[str]) -> dict[str, str]:
    """Of these entries those with whose reversal it was wished that their movements are held → why."""
    found = DocumentView(tx, _NAMESPACE).get(_WISHES, [f"{sink}/{key}" for key in keys])
    wishes = {name.partition("/")[2]: msgspec.convert(body, Wish) for name, body in found.items()}
    return {key: one.reason for key, one in wishes.items() if not one.repost}


def forget(tx: Tx, sink: int, keys: Iterable[str]) -> None:
    """It was done, or there is no such reversal any more."""
    DocumentView(tx, _NAMESPACE).remove(_WISHES, [f"{sink}/{key}" for key in keys])


def of_flow(tx: Tx, sink: int, flow: str) -> dict[str, Wish]:
    """Key of an entry of a flow → what was wished with its reversal."""
    mine = f"{sink}/{flow}{SEPARATOR}"
    rows = DocumentView(tx, _NAMESPACE).each(_WISHES)
    return {name.partition("/")[2]: msgspec.convert(body, Wish) for name, body in rows if name.startswith(mine)}


def fulfil(tx: Tx, sink: int, flow: str, key: str) -> None:
    """The target has reversed the entry: its movements are held, or free, from now on."""
    one = wished(tx, sink, key)
    if one is not None:
        ids = [row.id for row in movements.of_entries(tx, sink, flow, [key])]
        movements.place(tx, sink, flow, ids, "open" if one.repost else "left", entry=key, reason=one.reason)
        forget(tx, sink, [key])


class Apart(Struct, kw_only=True):
    """What of a flow is held since its entry was reversed, or given up."""

    sent: Sent = field(default_factory=lambda: Sent(set(), set(), set()))
    wishes: dict[str, Wish] = field(default_factory=dict)
    """Key of an entry → what was asked for with its reversal."""
    held: dict[str, list[int]] = field(default_factory=dict)
    """Why movements are held since now, and which."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Key of an entry → why its movements are held."""

    def places(self, rows: Iterable[MovementRow]) -> dict[int, tuple[State, str, str]]:
        """Where the movements of entries stand that were given up: they stay in them, to be taken up again."""
        return {row.id: ("left", row.entry, self.given_up[row.entry]) for row in rows if row.entry in self.given_up}


def look(tx: Tx, route: Route, flow: str, rows: Sequence[MovementRow], sent: Sent) -> Apart:
    """What is held of the rows. Those of a reversed entry are taken out of it, and are told to be left."""
    wishes = of_flow(tx, route.sink, flow)
    given_up = {key: why(tx, route, key) for key in sorted(sent.given_up)}
    return Apart(sent=sent, wishes=wishes, held=_hold(rows, wishes, sent), given_up=given_up)


def keep(tx: Tx, route: Route, flow: str, apart: Apart) -> None:
    """Note what is held since now; what was wished with reversals that are done, or were given up, is done with."""
    for reason, ids in apart.held.items():
        movements.place(tx, route.sink, flow, ids, "left", reason=reason)
    refs = [Ref(ENTITY, key) for key in apart.wishes if key not in apart.sent.reversed]
    coming = {ref.key for ref in ledger.find_items(tx, route, refs)}
    forget(tx, route.sink, [key for key in apart.wishes if key not in coming])


def _hold(rows: Sequence[MovementRow], wishes: Mapping[str, Wish], sent: Sent) -> dict[str, list[int]]:
    """Take what is to be held out of its reversed entry. Reason → those; what takes one of them back is held too."""
    held: dict[str, list[int]] = {}
    reasons: dict[int, str] = {}
    for row in rows:
        if row.entry in sent.reversed and (reason := _reason(row, wishes)):
            row.state, row.entry, row.reason = "left", "", reason
            held.setdefault(reason, []).append(row.id)
        if is_held(row):
            reasons[row.id] = row.reason
    for row in rows:
        if row.undoes in reasons and row.entry not in sent.fixed:
            row.state, row.reason = "left", reasons[row.undoes]
    return held


def _reason(row: MovementRow, wishes: Mapping[str, Wish]) -> str:
    if row.entry in wishes:
        return wishes[row.entry].reason
    return row.reason if is_held(row) else ""


def is_held(row: MovementRow) -> bool:
    """Whether it waits for somebody's word since its entry was reversed."""
    return row.state == "left" and row.reason.startswith(REVERSED_ENTRY)


# -- given up ----------------------------------------------------------------------------------------------------------


def given_up(tx: Tx, route: Route, keys: Iterable[str]) -> dict[str, str]:
    """Of these entries those that were given up, and were never posted → why their movements are held."""
    refs = [Ref(ENTITY, key) for key in sorted(keys) if key]
    links = ledger.find_links(tx, route, refs)
    gone = {ref.key for ref, link in links.items() if not link.target} - frozen.frozen(tx, route, keys)
    return {key: why(tx, route, key) for key in sorted(gone)}


def why(tx: Tx, route: Route, key: str) -> str:
    """``its entry was given up (E-12)``."""
    one = findings.find_given_up(tx, route, Ref(ENTITY, key))
    return GIVEN_UP + (f" (E-{one.item.id})" if one is not None else "")


def outdate(tx: Tx, route: Route, flow: str, keys: Iterable[str]) -> None:
    """Movements of entries that were given up say something else now: taken up again such an entry is not sent as it
    was, but made anew by the next run; and one that has no movement left is not taken up."""
    members = {row.entry for row in movements.of_entries(tx, route.sink, flow, sorted(keys)) if row.state != "gone"}
    for key in keys:
        one = findings.find_given_up(tx, route, Ref(ENTITY, key))
        if one is None:
            continue
        if key not in members:
            findings.drop_given_up(tx, one)
            continue
        one.item.state, one.item.reason = "waiting", "a movement of it says something else now: the next run makes it"
        findings.put_given_up(tx, one)
