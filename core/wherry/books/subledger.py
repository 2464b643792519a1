"""The subledger: where the movements of a flow are kept, inside the store's own transaction.

It is an atomic sink like any other, so a movement is mapped, refused, skipped and counted as every record is. What was
booked is never changed: a newer version of its record comes as a movement of its own, beside one that takes the first
back (case C11). Source: behaviours.md, sections 000 and 004.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from wherry.books import asbooked, unbooked
from wherry.books.asbooked import AsBooked
from wherry.books.frozen import ENTITY, frozen
from wherry.books.keys import SEPARATOR, parts
from wherry.money import LARGEST_MINOR, text
from wherry.records import Answer, Fate, Item, Listed, Ref
from wherry.roles import Account, Documents
from wherry.store import ledger, movements
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Event, Route
from wherry.store.movements import MovementRow

NAMESPACE = "books"
"""Whose documents the books are."""


def of(route: Route) -> Route:
    """The route into the subledger of a target: its number with the sign turned, which no connection has."""
    return Route(route.source, -route.sink)


class Subledger:
    """The movements of one flow for one target. Implements ``wherry.roles.AtomicSinkWriter``."""

    entities: Sequence[str] = ("movement",)
    takes_back = True
    """What its source takes back is given to it as an item to void."""

    def __init__(self, flow: str, route: Route, run: str = "", now: Callable[[], str] = lambda: "") -> None:
        self.flow, self.route, self.run, self.now = flow, route, run, now
        self._given_up: dict[str, str] = {}
        """Entry of what is applied now that was given up → why its movements are held."""
        self._held: dict[str, str] = {}
        """Entry of what is applied now that was reversed → why its movements are to be held."""
        self._booked: dict[str, AsBooked] = {}
        """Entry of what is applied now that was sent → how it was booked."""

    def check(self) -> Account:
        return Account(f"books:{self.flow}", f"the books of {self.flow}")

    def apply(self, documents: Documents, items: Sequence[Item]) -> list[Answer]:
        """Movements are entered, replaced while nothing of them was sent, or taken back."""
        assert isinstance(documents, DocumentView)
        tx = documents.tx
        held = movements.by_id(tx, [_number(item.target) for item in items if item.target])
        entries = {row.entry for row in held.values() if row.entry}
        fixed = frozen(tx, self.route, entries)
        self._booked = asbooked.of_entries(tx, self.route, fixed)
        self._given_up = unbooked.given_up(tx, self.route, entries - fixed)
        self._held = unbooked.to_be_held(tx, self.route.sink, entries - fixed)
        rows: list[MovementRow] = []
        made = [self._apply(tx, item, held.get(_number(item.target)), fixed, rows) for item in items]
        movements.put(tx, rows)
        unbooked.outdate(tx, self.route, self.flow, self._given_up)
        self._unqueue(tx, entries - fixed - set(self._given_up))
        return [one() for one in made]

    def _unqueue(self, tx: Tx, entries: set[str]) -> None:
        """An entry that was prepared of what its members said before is sent by nobody: gathering makes it anew, of
        all its members."""
        items = ledger.find_items(tx, self.route, [Ref(ENTITY, key) for key in sorted(entries)])
        for key in sorted(ref.key for ref in items):
            ids = [row.id for row in movements.of_entries(tx, self.route.sink, self.flow, [key]) if row.state != "gone"]
            movements.place(tx, self.route.sink, self.flow, ids, "open", entry=key)
        ledger.remove_items(tx, [item.id for item in items.values()])
        ledger.put_events(tx, [
            Event(self.now(), self.run, item.flow, item.record_kind, item.record_id, ENTITY, item.key, "skipped", "",
                  "a movement of it says something else now")
            for item in items.values()
        ])  # fmt: skip

    def _apply(
        self, tx: Tx, item: Item, old: MovementRow | None, fixed: set[str], rows: list[MovementRow]
    ) -> Callable[[], Answer]:
        """What is to be entered goes to ``rows``; the answer can be given once they have their numbers."""
        if item.action == "void":
            answer = self._take_back(tx, item, old, fixed, rows)
            return lambda: answer
        if wrong := _unbookable(item.body):
            return lambda: Answer(fate="refused", reason=wrong, field="lines", code="WHERRY-4600",
                                  fix="correct it at its source, or in the map")  # fmt: skip
        row = self._row(item)
        if old is not None and old.entry not in fixed:
            row.id, row.at = old.id, old.at or parts(old.entry).bucket
            if reason := self._why_left(old):
                row.state, row.entry, row.reason = "left", old.entry, reason
        elif old is not None:
            rows.append(self._reversal(old))
        rows.append(row)
        fate: Fate = "updated" if old is not None else "created"
        return lambda: Answer(fate=fate, target=f"M-{row.id}")

    def _why_left(self, old: MovementRow) -> str:
        """Why a movement is not booked, whatever its record says now: somebody's word is waited for."""
        if unbooked.is_held(old):
            return old.reason
        return self._given_up.get(old.entry) or self._held.get(old.entry, "")

    def _take_back(
        self, tx: Tx, item: Item, old: MovementRow | None, fixed: set[str], rows: list[MovementRow]
    ) -> Answer:  # fmt: skip
        if old is not None and old.entry in fixed:
            rows.append(self._reversal(old))
        elif old is not None:
            why = "taken back at its source before it was booked"
            movements.place(tx, old.sink, old.flow, [old.id], "gone", reason=why)
        return Answer(fate="reversed", target=item.target or "")

    def _row(self, item: Item) -> MovementRow:
        body = item.body
        partition = body.get("partition", "").replace(SEPARATOR, "/")
        return MovementRow(
            sink=self.route.sink, flow=self.flow, kind=item.entity, key=item.key, date=body["date"],
            currency=body["currency"], minor=worth(body), partition=partition, run=self.run,
            body=msgspec.json.encode(body, order="deterministic").decode(),
        )  # fmt: skip

    def _reversal(self, old: MovementRow) -> MovementRow:
        """What takes a booked movement back: the same lines below zero, on the same day.

        Their sides stay, since a category has another account on the other side; booking turns them over. Accounts and
        rate are those that it was booked with, whatever the table of accounts says now.
        """
        body = asbooked.body_of(old, self._booked.get(old.entry))
        less = [{**line, "amount": {**line["amount"], "minor": -line["amount"]["minor"]}} for line in body["lines"]]
        told = {**body, "lines": less, "description": f"Reverses {body.get('reference') or old.key}"}
        if gain := body.get("gain"):
            told["gain"] = {**gain, "minor": -gain["minor"]}
        return msgspec.structs.replace(
            old, id=0, state="open", entry="", reason="", at="", undoes=old.id, run=self.run, minor=worth(told),
            body=msgspec.json.encode(told, order="deterministic").decode(),
        )  # fmt: skip

    def listing(self, documents: Documents, entity: str) -> Iterator[Listed]:
        return iter(())

    def current(self, documents: Documents, entity: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        assert isinstance(documents, DocumentView)
        found = movements.by_id(documents.tx, [_number(id) for id in ids])
        return {f"M-{id}": msgspec.json.decode(row.body) for id, row in found.items()}


def worth(body: dict[str, Any]) -> int:
    """The sum of a movement's debits, minor units; what is negative counts on the other side."""
    signed = [(line["side"], line["amount"]["minor"]) for line in body.get("lines", ())]
    return sum(abs(minor) for side, minor in signed if (side == "debit") == (minor > 0))


def _unbookable(body: dict[str, Any]) -> str:
    """Why a movement cannot be booked; empty where it can."""
    currency, sides = body["currency"], {"debit": 0, "credit": 0}
    for line in body.get("lines", ()):
        if line["amount"]["currency"] != currency:
            return f"a line is in {line['amount']['currency']}, the movement in {currency}"
        sides[line["side"]] += line["amount"]["minor"]
    if sides["debit"] != sides["credit"]:
        debit, credit = (text(sides[side], currency) for side in ("debit", "credit"))
        off = text(abs(sides["debit"] - sides["credit"]), currency)
        return f"debits are {debit} and credits {credit} {currency}: {off} off"
    if worth(body) > LARGEST_MINOR:
        return f"its debits come to {text(worth(body), currency)} {currency}, which is out of range"
    return ""


def _number(target: str | None) -> int:
    return int((target or "M-0").removeprefix("M-"))
