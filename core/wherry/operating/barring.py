"""Accounts that a target does not take in journals: receivables, payables, or whatever else its sink declares.

``config check`` tells of them from what is known without asking: the accounts table, and the chart as it was last read.
Source: faults-and-security.md, C2 and C16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from wherry.accounting import Barred, BarsAccounts
from wherry.errors import ConfigError, WherryError
from wherry.hub import Hub
from wherry.project.wiring import Wiring
from wherry.settings import Flow
from wherry.store import registry

if TYPE_CHECKING:
    from wherry.books.charts import Chart, Problem

CONTROL = ("receivable", "payable")


def barred(sink: object, flow: Flow) -> dict[str, Barred]:
    """Type of account → what the target bars of it. Nothing where a clearing account takes their place."""
    told = sink.barred if isinstance(sink, BarsAccounts) else ()
    cleared = CONTROL if flow.clearing else ()
    return {one.type: one for one in told if one.type not in cleared}


def for_good(bars: Mapping[str, Barred]) -> dict[str, str]:
    """Type → why, of those that are not taken whoever is named."""
    return {type: one.why for type, one in bars.items() if not one.with_party}


def with_party(bars: Mapping[str, Barred], flow: Flow) -> set[str]:
    """Types of accounts whose lines must name a party: receivables and payables are never grouped across parties."""
    control = () if flow.clearing else CONTROL
    return {*control, *(type for type, one in bars.items() if one.with_party)} - for_good(bars).keys()


# -- without asking anybody --------------------------------------------------------------------------------------------


def mistakes(hub: Hub, wiring: Wiring) -> Iterator[ConfigError]:
    """What the tables of each flow that books journals say and its target does not take, a mistake a row.

    Tables that cannot be read are mistakes too; those that are not there yet are none. ``wiring`` asks nobody.
    """
    from wherry.books import charts

    for flow in hub.project.flows.values():
        if not flow.books_journals:
            continue
        try:
            rows = hub.bookkeeper.table(flow) if (hub.project.folder / flow.accounts).is_file() else []
            hub.bookkeeper.rates(flow)
        except ConfigError as error:
            yield error
            continue
        why = for_good(barred(sink_of(wiring, flow.sink), flow))
        chart = _chart(hub, flow.sink) if why else None
        for one in charts.check(chart, rows, "", barred=why) if chart else ():
            if one.kind == "type":
                yield _mistake(flow, one)


def sink_of(wiring: Wiring, name: str) -> object:
    """The sink, or nothing where its settings or secrets do not make one: that is told elsewhere."""
    try:
        return wiring.sink(name)
    except WherryError:
        return None


def _chart(hub: Hub, name: str) -> Chart | None:
    """The chart as it was last read, if it was."""
    with hub.store.read() as tx:
        row = registry.connection(tx, name)
    return hub.bookkeeper.chart(row.id) if row is not None else None


def _mistake(flow: Flow, one: Problem) -> ConfigError:
    return ConfigError(
        f"flows.{flow.name}: {flow.accounts}, row {one.row}, {one.column}: {one.why}: {flow.sink} would refuse the "
        "entry", fix=one.fix, code="WHERRY-2652", key=f"flows.{flow.name}.accounts", row=one.row, column=one.column,
        account=one.code, target=flow.sink,
    )  # fmt: skip
