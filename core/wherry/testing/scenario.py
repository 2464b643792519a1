"""The work that a sweep disturbs: invoices with customers and products, in five phases, and what must come of it.

Small on purpose: each kind of work is there once or twice, so that every point of it can be tried. Dates lie in summer
time, where a date that goes by way of UTC moves to the day before; totals do not survive a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from wherry.testing.shelf import Row, Shelf

FLOW = "invoices"
PHASES = ("first", "resync", "update", "back", "void")
"""A first sync; another run of the same; a change; the same change taken back (A → B → A); one invoice voided. Beside
them, for single plans, ``more``: another invoice has come."""
ENTITIES = ("customer", "product", "invoice")
"""What it consists of."""
BIG = Decimal("90071992547409.93")
"""More than 2**53 pennies: a float cannot hold it."""

Updates = Literal["in place", "anew", "never"]
"""What becomes of a newer version of something written: it is changed; it is taken back and written anew, under another
id (a sink that ``Replaces``); nothing, the sink refuses it."""


class Wanted(Struct, frozen=True):
    """One effect that must be there: once, in its place."""

    what: str
    total: str = ""
    date: str = ""


def rows(more: int = 0, most: Decimal = BIG) -> list[Row]:
    """The invoices at the beginning: three, the largest of ``most``, and ``more`` that nothing else
    happens to."""
    return [
        _row("1", "12.50", "2026-07-01"),
        _row("2", str(most), "2026-07-31"),
        _row("3", "0.10", "2026-10-25"),
        *(_row(str(100 + number), f"{number}.99", "2026-07-03") for number in range(more)),
    ]


def _row(id: str, total: str, date: str) -> Row:
    return {
        "id": id, "number": f"INV-{id}", "date": date, "status": "invoiced", "total": total,
        "customer": {"id": "1", "name": "Acme Rail", "number": "C-1"}, "lines": [_line(id, total)],
    }  # fmt: skip


def _line(id: str, amount: str) -> dict[str, Any]:
    return {"id": f"{id}-1", "product": "p1", "name": "Sleeper", "sku": "S-1", "quantity": "1", "amount": amount}


def play(shelf: Shelf, phase: str, more: int = 0, most: Decimal = BIG) -> None:
    """What people do on the platform before the run of a phase."""
    if phase == "first":
        shelf.put(rows(more, most))
    elif phase == "resync":
        shelf.put(shelf.rows())
    elif phase == "update":
        bill(shelf, "1", "13.50")
        bill(shelf, "3", "0.30")
    elif phase == "back":
        bill(shelf, "1", "12.50")
    elif phase == "more":
        shelf.put([_row("4", "7.77", "2026-07-02")])
    elif phase == "void":
        shelf.change("3", status="void")


def bill(shelf: Shelf, id: str, total: str) -> None:
    """An invoice comes to another total."""
    (held,) = [row for row in shelf.rows() if row["id"] == id]
    shelf.put([{**held, "total": total, "lines": [{**held["lines"][0], "amount": total}]}])


def wanted(
    done: Sequence[str], more: int = 0, most: Decimal = BIG, updates: Updates = "in place",
    entities: Sequence[str] = ENTITIES,
) -> dict[str, list[Wanted]]:  # fmt: skip
    """``entity/key`` → the effects that must be there after these phases, in order. Of what is never changed: those
    that would be there if it were."""
    made = {f"invoice/id:{row['id']}": [Wanted("created", row["total"], row["date"])] for row in rows(more, most)}
    if "more" in done:
        made["invoice/id:4"] = [Wanted("created", "7.77", "2026-07-02")]
    one, three = made["invoice/id:1"], made["invoice/id:3"]
    if "update" in done:
        one.append(Wanted("updated", "13.50", "2026-07-01"))
        three.append(Wanted("updated", "0.30", "2026-10-25"))
    if "back" in done:
        one.append(Wanted("updated", "12.50", "2026-07-01"))
    if "void" in done:
        three.append(Wanted("voided", three[-1].total, "2026-10-25"))
    if updates == "anew":
        made = {thing: _anew(steps) for thing, steps in made.items()}
    found = {"customer/id:1": [Wanted("created")], "product/id:p1": [Wanted("created")], **made}
    return {thing: steps for thing, steps in found.items() if thing.partition("/")[0] in entities}


def _anew(steps: Sequence[Wanted]) -> list[Wanted]:
    """The same where each change is a document of its own, after the former was taken back."""
    found = list(steps[:1])
    for step in steps[1:]:
        former = Wanted("voided", found[-1].total, found[-1].date)
        found += [former, Wanted("created", step.total, step.date)] if step.what == "updated" else [step]
    return found


def names() -> dict[str, str]:
    """``entity name`` → ``entity/key``, for targets that do not keep our keys."""
    found = {f"invoice INV-{n}": f"invoice/id:{n}" for n in ("1", "2", "3", "4", *range(100, 200))}
    return found | {"customer Acme Rail": "customer/id:1", "product Sleeper": "product/id:p1"}
