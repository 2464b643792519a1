"""What an open item waits for, down to what holds everything up, and which of that a person has to decide about."""

from __future__ import annotations

from msgspec import Struct

from wherry.records import FOR_A_PERSON, Ref
from wherry.store import inquiries, ledger, needs, questions
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import ItemRow
from wherry.wording import spelled

_DEEP = 20
_URGENT = ("refused", "decide", "triage", "differs", "unknown", "queued", "waiting")
_STANDS = {
    "refused": "was refused", "decide": "waits for your decision", "triage": "is in triage",
    "differs": "is held otherwise there",
}  # fmt: skip


def chain(tx: Tx, one: Placed) -> list[Placed]:
    """From what an item waits for down to what holds everything up: at each step the most pressing need."""
    found: list[Placed] = []
    while len(found) < _DEEP and (needed := _needs(tx, one)):
        one = min(needed, key=_pressing)
        if any(one.item.id == other.item.id for other in found):
            break
        found.append(one)
    return found


def _pressing(one: Placed) -> int:
    return _URGENT.index(one.item.state)


def _needs(tx: Tx, one: Placed) -> list[Placed]:
    wanted = [*needs.of(tx, one.item.id), *_same(one.item)]
    return [Placed(one.route, item) for item in ledger.find_items(tx, one.route, wanted).values()]


def _same(item: ItemRow) -> list[Ref]:
    entity, _, key = item.same.partition("/")
    return [Ref(entity, key)] if entity else []


def asked_of(tx: Tx, one: Placed) -> list[int]:
    """Numbers of the open questions that an item waits for, itself or through what it needs."""
    return [number for each in (one, *chain(tx, one)) if (number := _question(tx, each))]


def _question(tx: Tx, one: Placed) -> int:
    """The number of the open question that is asked of an item in triage; 0 of any other."""
    asked = questions.questions_of(tx, one.route, [one.item.ref]) if one.item.state == "triage" else {}
    return next((row.id for row in asked.values() if row.state == "open"), 0)


# -- what a person has to decide about --------------------------------------------------------------------------------


class Holder(Struct, frozen=True):
    """What holds an item up until a person has decided about it: its number, E-1 or T-2, what it is, how it stands."""

    id: str
    label: str
    reason: str


def holders(tx: Tx) -> dict[int, Holder]:
    """Number of an item that waits → what holds it up in the end, where that is for a person. Such an item does not go
    on by itself."""
    people = sorted(inquiries.items_in(tx, FOR_A_PERSON), key=_pressing)
    behind = inquiries.needing(tx, people) if people else {}
    said = {one.item.id: _holder(tx, one) for one in people if one.item.id in behind.values()}
    return {id: said[at] for id, at in behind.items()}


def _holder(tx: Tx, one: Placed) -> Holder:
    item, question = one.item, _question(tx, one)
    id, label = f"T-{question}" if question else f"E-{item.id}", item.label or item.key
    return Holder(id, label, f"waits for {spelled(item.entity)} {label} ({id}), which {_STANDS[item.state]}")


def see(id: str) -> str:
    """The command that shows what has this number, E-1 or T-2."""
    return f"wherry {'triage' if id.startswith('T') else 'errors'} show {id}"
