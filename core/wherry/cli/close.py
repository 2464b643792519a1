"""``wherry close``: the month end, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from wherry.bookkeeping import closing
from wherry.bookkeeping.checklist import Row
from wherry.bookkeeping.closing import EVERY, Closing, Wish
from wherry.cli import tied
from wherry.cli.drawing import clean, table
from wherry.cli.entries import sums
from wherry.cli.options import SECOND, face
from wherry.errors import worst

_MARKS = {"done": "+", "nothing to do": "-", "left open": "~", "stopped": "!"}


@click.command()
@click.argument("period", metavar="PERIOD")
@click.option(
    "--flow", default=EVERY, show_default=True, metavar="FLOW", help="Whose entries; the others must be done."
)
@click.option("--approve", is_flag=True, help="Read the sources, approve what waits, and post it.")
@SECOND
@click.option("--leave-open", default="", metavar="REASON", help="Close although something is open; say why.")
@click.option("--pack", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.xlsx",
              help="Write entries, members, what is left out, tie-out, trial balance and audit to a file.")  # fmt: skip
def close(
    period: str, flow: str, approve: bool, second_person: str, leave_open: str, pack: Path | None
) -> None:  # fmt: skip
    """Month end: a checklist, then approve, post, tie out, and close the period; it says what stops it.

    Without --approve nothing is approved or sent. Done again, it goes on where it stopped. Exit 4 while something is
    open.

    \b
    Examples:
      wherry close 2026-01
      wherry close 2026-01 --approve --second-person ben --pack 2026-01.xlsx
      wherry close 2026-01 --leave-open "the bank's statement is late"
    """
    own = face()
    wish = Wish(period=period, flow=flow, approve=approve, second=second_person, leave_open=leave_open, pack=pack)
    _must_fit(wish)
    books = closing.books_meant(own.hub, flow)
    if pack is not None and len(books) > 1:
        raise click.UsageError("--pack takes the books of one connection: say --flow FLOW")
    shown: list[str] = []

    def ask(question: str, done: Closing) -> None:
        lines = [] if own.yes else list(_lines([done]))
        for line in lines:
            if line not in shown:
                own.note(line)
        shown.extend(lines)
        own.confirm(question)

    found = [closing.close(own.hub, wish, connection, flows, ask) for connection, flows in books]
    data = {"items": [{**closing.as_data(one), "tie_out": tied.data(one.tied) if one.tied else None} for one in found]}
    after = [
        step.fix for one in found for step in one.steps if step.state == "stopped" and step.fix.startswith("wherry")
    ]
    own.print("wherry.close/1", data, lambda: _lines(found), list(dict.fromkeys(after))[:3])
    own.code = worst([one.exit_code for one in found])


def _must_fit(wish: Wish) -> None:
    if wish.leave_open and not wish.leave_open.strip():
        raise click.UsageError("--leave-open needs a reason")
    if wish.pack is not None and wish.pack.suffix.lower() != ".xlsx":
        raise click.UsageError("--pack writes XLSX: name a file that ends in .xlsx")


def _lines(found: list[Closing]) -> Iterator[str]:
    for one in found:
        days = f"{one.period.first} to {one.period.last}"
        yield click.style(f"{clean(one.connection)}   {clean(one.period.name)}   {days}", bold=True)
        yield from _open(one.rows)
        if one.tied is not None:
            yield from (f"  {line}" for line in tied.lines(one.tied))
        for step in one.steps:
            colour = {"done": "green", "stopped": "red", "left open": "yellow"}.get(step.state)
            yield click.style(f"  {_MARKS[step.state]} {step.name.ljust(10)} {clean(step.says)}", fg=colour)
            if step.fix and step.state != "left open":
                yield f"    {'fix'.ljust(10)} {clean(step.fix)}"


def _open(rows: list[Row]) -> Iterator[str]:
    if rows:
        cells: list[tuple[Any, ...]] = [
            ("!" if row.stops else " ", row.what, row.count, sums(row.sums) if any(row.sums.values()) else "", row.flow,
             row.which) for row in rows
        ]  # fmt: skip
        yield from (f"  {line}" for line in table(["", "OPEN", "NUMBER", "AMOUNT", "FLOW", "WHICH"], cells))
