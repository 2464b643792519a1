"""``wherry reconcile``: source, ledger and target compared, document by document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from wherry import reconciling
from wherry.cli.drawing import amount, clean, plural, spelled
from wherry.cli.options import face
from wherry.errors import EXIT_PERSON

_WORDS = {"posted": "posted", "reversed": "taken back", "held": "held", "skipped": "left out"}
_SHOWN = 50


@click.command()
@click.argument("flow", metavar="FLOW")
@click.option("--period", default="", metavar="2010-12", help="Only documents of a year, a month or a day.")
def reconcile(flow: str, period: str) -> None:
    """Compare what the source says, what was written, and what the target holds now. Writes nothing.

    Source = posted + taken back + held + left out, to the penny; every difference is listed. Exit 4 if there is one.

    \b
    Examples:
      wherry reconcile invoices
      wherry reconcile invoices --period 2010-12
    """
    own = face()
    found = reconciling.reconcile(own.hub, flow, period)
    data: dict[str, Any] = {**msgspec.to_builtins(found), "agrees": not found.differences}
    own.print("wherry.reconcile/1", data, lambda: _lines(found), ["wherry explain DOC"] if found.differences else [])
    if found.differences:
        own.code = EXIT_PERSON


def _lines(found: reconciling.Reconciled) -> Iterator[str]:
    total = sum(found.counts.values())
    yield f"{found.flow}   {found.period or 'everything seen'}   {plural(total, 'record')}"
    yield f"  {'source'.ljust(12)} {str(total).rjust(7)}   {_sums(found.source)}"
    for state in reconciling.STATES:
        if found.counts.get(state) or found.sums.get(state):
            count = str(found.counts.get(state, 0)).rjust(7)
            yield f"  {_WORDS[state].ljust(12)} {count}   {_sums(found.sums.get(state, {}))}"
    if not found.asked:
        yield "  the target could not be asked what it holds"
    for one in found.differences[:_SHOWN]:
        where = f"   {one.target}" if one.target else ""
        yield click.style(f"  ! {spelled(one.what)}   {clean(one.record)}{where}: {clean(one.says)}", fg="red")
    if len(found.differences) > _SHOWN:
        yield f"    and {len(found.differences) - _SHOWN:,} more: --output json"
    yield "They agree." if not found.differences else plural(len(found.differences), "difference")


def _sums(sums: dict[str, int]) -> str:
    return "   ".join(amount(minor, currency) for currency, minor in sorted(sums.items())) or "-"
