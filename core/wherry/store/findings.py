"""What is remembered of things that the target was found to hold otherwise, and what a person has decided about them.

A finding is what a comparison saw last; a decision holds until either side changes again. What was given up is kept as
it was, so that it can be taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct, convert, to_builtins

from wherry.records import Ref
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import ItemRow, Route

_NAMESPACE = "wherry.operating.desk"
"""No plugin can have this name."""
_FINDINGS, _DECISIONS, _GIVEN_UP = "finding", "decision", "given_up"


What = Literal["missing", "edited"]
How = Literal["kept theirs", "linked", "given up"]


class Finding(Struct, frozen=True, kw_only=True):
    """How the target was found to hold otherwise what is linked to ``target``: ``says`` tells it in words."""

    what: What
    target: str
    says: str
    at: str


class Decision(Struct, frozen=True, kw_only=True):
    """What a person decided about something that is held otherwise in the target.

    ``written`` is the digest of the body last written by then, ``held`` the facts that the target held; None: it held
    nothing of it.
    """

    how: How
    target: str
    written: str
    held: dict[str, str] | None
    amount: int | None
    """What ours came to, in minor units."""
    by: str
    at: str
    note: str = ""
    date: str = ""
    """The day of ours; empty where it was not kept."""

    @property
    def says(self) -> str:
        """``decided by anna on 2026-01-05: kept theirs``."""
        return f"decided by {self.by} on {self.at[:10]}: {self.how}" + (f" ({self.note})" if self.note else "")


class GivenUp(Struct, frozen=True, kw_only=True):
    """An item that a person gave up, as it was, and the version of its record that had been seen by then."""

    route: Route
    item: ItemRow
    version: str = ""


def _name(route: Route, ref: Ref) -> str:
    return f"{route.source}/{route.sink}/{ref}"


def _put(tx: Tx, kind: str, route: Route, rows: Mapping[Ref, Any]) -> None:
    DocumentView(tx, _NAMESPACE).put(kind, [(_name(route, ref), to_builtins(row)) for ref, row in rows.items()])


def _get(tx: Tx, kind: str, route: Route, refs: Iterable[Ref]) -> dict[Ref, dict[str, Any]]:
    names = {_name(route, ref): ref for ref in refs}
    found = DocumentView(tx, _NAMESPACE).get(kind, names)
    return {names[name]: body for name, body in found.items()}


def _drop(tx: Tx, kind: str, route: Route, refs: Iterable[Ref]) -> None:
    DocumentView(tx, _NAMESPACE).remove(kind, [_name(route, ref) for ref in refs])


def put_findings(tx: Tx, route: Route, rows: Mapping[Ref, Finding]) -> None:
    """Enter or replace what was found."""
    _put(tx, _FINDINGS, route, rows)


def find_findings(tx: Tx, route: Route, refs: Iterable[Ref]) -> dict[Ref, Finding]:
    """What was found last, of those of which something was."""
    return {ref: convert(body, Finding) for ref, body in _get(tx, _FINDINGS, route, refs).items()}


def drop_findings(tx: Tx, route: Route, refs: Iterable[Ref]) -> None:
    """Forget what was found: it is so no more."""
    _drop(tx, _FINDINGS, route, refs)


def put_decision(tx: Tx, route: Route, ref: Ref, decision: Decision) -> None:
    """Enter a decision, in place of an earlier one."""
    _put(tx, _DECISIONS, route, {ref: decision})


def find_decisions(tx: Tx, route: Route, refs: Iterable[Ref]) -> dict[Ref, Decision]:
    """The last decision about each, where there is one. Whether it still holds is for the reader to compare."""
    return {ref: convert(body, Decision) for ref, body in _get(tx, _DECISIONS, route, refs).items()}


def drop_decision(tx: Tx, route: Route, ref: Ref) -> None:
    """It was taken back."""
    _drop(tx, _DECISIONS, route, [ref])


def put_given_up(tx: Tx, one: GivenUp) -> None:
    """Keep what is given up."""
    _put(tx, _GIVEN_UP, one.route, {one.item.ref: one})


def find_given_up(tx: Tx, route: Route, ref: Ref) -> GivenUp | None:
    """What was given up of a thing."""
    found = _get(tx, _GIVEN_UP, route, [ref])
    return convert(found[ref], GivenUp) if ref in found else None


def given_up_as(tx: Tx, number: int) -> GivenUp | None:
    """What was given up under the number E-N, which is never used again."""
    rows = (convert(body, GivenUp) for _, body in DocumentView(tx, _NAMESPACE).each(_GIVEN_UP))
    return next((one for one in rows if one.item.id == number), None)


def drop_given_up(tx: Tx, one: GivenUp) -> None:
    """It was taken up again."""
    _drop(tx, _GIVEN_UP, one.route, [one.item.ref])
