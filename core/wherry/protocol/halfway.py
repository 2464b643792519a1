"""Items of two calls, of which the first was carried out: half of them is in the target (docs/decisions/0017)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from wherry.protocol.steps import Lane, stamp_of
from wherry.records import Found
from wherry.roles import Asks
from wherry.store.ledger import ItemRow

_BEGUN = "begun"


def begun(target: str) -> str:
    """The evidence of an item of two calls, of which the first was carried out: what that made."""
    return msgspec.json.encode({"what": _BEGUN, "target": target}).decode()


def half_of(row: ItemRow) -> str:
    """The id in the target of the half that is there; empty where there is none."""
    said = msgspec.json.decode(row.evidence) if is_begun(row) else {}
    return str(said.get("target", ""))


def is_begun(row: ItemRow) -> bool:
    """Whether half of the item is in its target: a newer version waits until all of it is."""
    return bool(row.evidence) and msgspec.json.decode(row.evidence).get("what") == _BEGUN


def seen(row: ItemRow, what: str, at: str, asked: str, hits: Iterable[Found]) -> str:
    """The evidence of an item after a look for it, ``asked`` by that id. What it says of a half that is there stays."""
    half = {"target": half_of(row)} if what == _BEGUN else {}
    shown = [{"target": hit.target, "ours": hit.ours, "alike": hit.alike, "facts": hit.facts} for hit in hits]
    return msgspec.json.encode({"what": what, **half, "at": at, "asked": asked, "found": shown}).decode()


def was_gone(row: ItemRow) -> bool:
    """Whether the last look for the item asked by the id that it was written as, and found nothing there."""
    said = msgspec.json.decode(row.evidence) if row.evidence else {}
    return bool(row.target) and said.get("asked") == row.target and said.get("found") == []


def is_edited(lane: Lane, row: ItemRow) -> bool:
    """Whether a person has corrected it since it was sent."""
    return row.stamp != stamp_of(lane, row.draft, row.action, row.sequence, row.attempt)


def take_up(lane: Lane, row: ItemRow) -> None:
    """Half of it is there, and the rest was refused: it is tried again. Where that half may have been deleted there
    since, and the target can be asked, it is looked for first. What was edited here since is not finished as it was."""
    if not isinstance(lane.sink, Asks) and is_edited(lane, row):
        row.reason, row.fix = outdated(half_of(row)), finish_there(half_of(row))
        return
    row.state, row.due = "unknown" if isinstance(lane.sink, Asks) else "queued", ""


def outdated(half: str) -> str:
    """Why what a person has corrected since its first call was carried out is not finished."""
    return f"half of it is there as {half}, as it was before it was edited here"


def finish_there(half: str) -> str:
    """What a person can do about it."""
    return f"finish {half} there as it should be, then: wherry errors resolve E-N --link {half}"
