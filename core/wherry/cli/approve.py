"""``wherry approve``: what is prepared and waits for somebody's word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from wherry.cli import nexts
from wherry.cli.context import Face
from wherry.cli.drawing import clean, plurals, table
from wherry.cli.errors import money, outcomes, settled, sums
from wherry.cli.options import SECOND, face
from wherry.cli.progress import patient
from wherry.cli.summary import leaves
from wherry.operating import approvals, desk, flows, leaving
from wherry.protocol.steps import WAITS


@click.command()
@click.argument("flow", metavar="FLOW")
@click.argument("numbers", nargs=-1, metavar="[E-N...]")
@click.option("--all", "everything", is_flag=True, help="Approve everything that waits for approval.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Documents to list.")
@SECOND
def approve(flow: str, numbers: tuple[str, ...], everything: bool, limit: int, second_person: str) -> None:
    """What waits for approval; with numbers or --all: approve it, with all it needs, and send it.

    \b
    Examples:
      wherry approve invoices
      wherry approve invoices E-12 E-13
      wherry approve invoices --all
    """
    own = face()
    if numbers and everything:
        raise click.UsageError("say E-N..., or --all")
    if not numbers and not everything:
        data = approvals.waiting(own.hub, flow)
        after = [f"wherry approve {flow} --all"] if data["items"] or data["also"] else []
        own.print("wherry.approve.list/1", data, lambda: _waiting(data, limit), after)
        return
    with patient(own, own.hub):
        ids = None if everything else [desk.number(one) for one in numbers]
        done = approvals.approve(own.hub, flow, ids, second=second_person)
    data = {"items": done.items, "also": done.also}
    text, after = [*_approved(data), *_comes(own, flow)], nexts.of_outcomes(done.items)
    settled(own, "wherry.approve/1", data, done.error, text, after)


def _comes(own: Face, flow: str) -> Iterator[str]:
    """With what that leaves which is ready now, where a system that calls us has to come for it."""
    with_what = leaving.with_what(own.hub, own.hub.wiring.flow(flow).sink)
    yield from leaves(leaving.fetched([{**flows.summary(own.hub, flow), "leaves_with": with_what}]), indent="")


def _waiting(data: Mapping[str, Any], limit: int) -> Iterator[str]:
    rows = data["items"]
    if not rows and not data["also"]:
        yield f"nothing of {clean(data['flow'])} waits for approval"
        return
    cells = [(row["id"], row["date"], row["number"], row["customer"], money(row), _why(row)) for row in rows[:limit]]
    yield from table(["", "DATE", "NUMBER", "CUSTOMER", "AMOUNT", "WHY"], cells)
    if len(rows) > limit:
        yield f"… and {len(rows) - limit:,} more (--limit {len(rows)})"
    yield f"{len(rows):,} to approve" + (f"   {sums(data['sums'])}" if data["sums"] else "")
    yield from _with(data["also"])


def _why(row: Mapping[str, Any]) -> str:
    """What is out of the ordinary: it is taken back or changed, dated before the books, or waits for something else
    too."""
    told = f": {', '.join(row['changes'])}" if row["changes"] else ""
    changes = f"changes {row['target']}{told}" if row["target"] else ""
    done = "to be taken back" if row["action"] == "void" else changes
    own = str(row["wanted"]).removeprefix(WAITS).lstrip(": ")
    also = row["reason"] if row["class"] == "waiting" else ""
    return "; ".join(part for part in (done, own, also) if part)


def _with(also: Mapping[str, int]) -> Iterator[str]:
    if also:
        yield f"  with      {plurals(also)}"


def _approved(data: Mapping[str, Any]) -> Iterator[str]:
    yield from outcomes(data["items"]) if data["items"] else ["nothing waited for approval"]
    yield from _with(data["also"])
