"""``wherry periods …``: which periods of the books are open; closing and opening them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from wherry.bookkeeping import fiscal
from wherry.cli.drawing import clean, plural, table
from wherry.cli.options import face

_TARGET = click.option("--target", required=True, metavar="CONNECTION|FLOW", help="Whose books.")
_NOTE = click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit log.")


@click.command("list")
@click.argument("name", metavar="CONNECTION|FLOW")
def list_(name: str) -> None:
    """The periods of the books: open or closed, by the target or here, and what lies in them.

    \b
    Example:
      wherry periods list books
    """
    own = face()
    data = fiscal.listed(own.hub, name)
    own.print("wherry.periods.list/1", data, lambda: _listed(data))


def _listed(data: Mapping[str, Any]) -> Iterator[str]:
    cells = [(row["period"], row["first"], row["last"], row["state"], row["movements"], row["prepared"], row["posted"])
             for row in data["items"]]  # fmt: skip
    yield from table(["PERIOD", "FIRST", "LAST", "STATE", "MOVEMENTS", "PREPARED", "POSTED"], cells)


@click.command()
@click.argument("period")
@_TARGET
@_NOTE
def close(period: str, target: str, note: str) -> None:
    """Book nothing more into a period, nor into any before it; what comes late goes by the flow's setting closed.

    \b
    Example:
      wherry periods close 2026-01 --target books --note "month end"
    """
    own = face()
    data = fiscal.close(own.hub, target, period, note)
    if data["prepared"]:
        told = "1 entry is" if data["prepared"] == 1 else f"{data['prepared']:,} entries are"
        own.warn(f"{told} prepared in what is closed now, and held from now on")
    for kept in data["kept"]:
        own.warn(f"{clean(kept['flow'])}: {clean(kept['why'])}; nothing prepared in what is closed now leaves")
    own.print("wherry.periods.close/1", data,
              f"{clean(data['connection'])}: closed up to {data['closed_until']}")  # fmt: skip


@click.command()
@click.argument("period")
@_TARGET
@_NOTE
def reopen(period: str, target: str, note: str) -> None:
    """Book into a period again, and into all after it. What the target itself has closed stays so (exit 7).

    \b
    Example:
      wherry periods reopen 2026-01 --target books --note "a late invoice"
    """
    own = face()
    data = fiscal.reopen(own.hub, target, period, note)
    own.print("wherry.periods.reopen/1", data, lambda: _reopened(data))


def _reopened(data: Mapping[str, Any]) -> Iterator[str]:
    if data["before"] == data["closed_until"]:
        yield f"{clean(data['period'])} was open already"
        return
    yield f"{clean(data['period'])} is open again; closed up to {data['closed_until']}"
    if data["also"]:
        yield f"  open too: {clean(', '.join(data['also']))} ({plural(len(data['also']), 'period')} after it)"
