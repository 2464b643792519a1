"""The chart of accounts and the table that maps categories to it: read, kept, filled in by a bookkeeper, checked.

Source: behaviours.md 004.2 to 004.11; cases C5 and C16 to C18.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from wherry.accounting import Barred, ChartAccount, KnowsPlaces, Mapped, Movement, MovementLine
from wherry.bookkeeping import fiscal, trail
from wherry.books import bodies, charts, sheets, tables
from wherry.books.charts import Chart, Mismatch
from wherry.errors import ConfigError, Guarded
from wherry.hub import Hub
from wherry.operating import barring
from wherry.project import planning
from wherry.protocol.steps import Lane, Outcome, Step
from wherry.records import Ref
from wherry.roles import HasAccounts, SinkWriter
from wherry.runs import engine
from wherry.runs.job import Job, Options
from wherry.settings import Flow
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.wording import a

USUAL = "tables/accounts.csv"
"""Where the table is made for a flow that names none."""
_SIDES = ("debit", "credit")


# -- the chart ---------------------------------------------------------------------------------------------------------


def import_chart(hub: Hub, name: str) -> dict[str, Any]:
    """Read a target's chart of accounts and keep it: how many accounts it has, what changed, and what is odd in it.

    Raises NotFound for a connection that there is not, ConfigError for one without a chart, and what a read raises.
    """
    lane = _lane(hub, name)
    if not isinstance(lane.sink, HasAccounts):
        raise ConfigError(
            f"{name} has no chart of accounts that can be read", code="WHERRY-2150", connection=name,
            fix="accounts are taken as the table says them; the target tells of those that it has not",
        )  # fmt: skip
    before = {one.id: one for one in hub.bookkeeper.chart(lane.route.sink)}
    chart = hub.bookkeeper.refresh(lane)
    now = {one.id: one for one in chart}
    changed = [id for id in now if id in before and before[id] != now[id]]
    return {
        "connection": name, **_counts(chart), "problems": list(chart.problems),
        "new": [_told(chart, now[id]) for id in now if id not in before] if before else [],
        "changed": [_told(chart, now[id]) for id in changed],
        "gone": [{"code": one.code, "name": one.name} for id, one in before.items() if id not in now],
    }  # fmt: skip


def first_look(hub: Hub, name: str) -> dict[str, Any] | None:
    """What ``import_chart`` tells; None of a target that has no chart to be read. Raises what a read raises."""
    return import_chart(hub, name) if isinstance(_lane(hub, name).sink, HasAccounts) else None


def _lane(hub: Hub, name: str) -> Lane:
    """The connection as the books reach it, its account looked at."""
    connection, sink = hub.wiring.connection(name), hub.wiring.writer(name)
    route = Route(0, hub.wiring.identity.bind(connection, sink))
    return hub.wiring.lanes.lane("", "", route, sink, connection.plugin)


def _counts(chart: Chart) -> dict[str, int]:
    return {
        "posting": len(chart.posting), "headers": len(chart.headers), "inactive": len(chart.inactive),
        "accounts": len(chart),
    }  # fmt: skip


def listed(hub: Hub, name: str, *, everything: bool = False) -> dict[str, Any]:
    """The chart as it was last read, by code: posting accounts, or ``everything``, headers and inactive ones too."""
    hub.wiring.connection(name)
    with hub.store.read() as tx:
        sink = fiscal.bound(tx, name)
    chart = hub.bookkeeper.chart(sink)
    shown = sorted(chart, key=lambda one: (one.code, one.id)) if everything else chart.posting
    return {"connection": name, "items": [_told(chart, one) for one in shown], **_counts(chart)}


def _told(chart: Chart, one: ChartAccount) -> dict[str, Any]:
    state = "header" if not one.posting else "active" if one.active else "inactive"
    return {
        "code": one.code, "name": chart.full_name(one), "type": one.type, "currency": one.currency, "state": state,
        "id": one.id,
    }  # fmt: skip


# -- what the movements need -------------------------------------------------------------------------------------------


class Used(Struct, kw_only=True):
    """A category as the movements of a flow use it, or (``account``) an account that they name themselves."""

    name: str
    sides: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    movements: int = 0
    without_party: int = 0
    """Lines that do not say whose receivable or payable they are."""


class Needs(Struct, kw_only=True):
    """What the movements of a flow are booked by: categories by their key, and accounts by their code."""

    categories: dict[str, Used] = field(default_factory=dict)
    accounts: dict[str, Used] = field(default_factory=dict)
    nameless: int = 0
    """Movements of which a line has neither."""

    def add(self, movement: Movement) -> None:
        seen: set[int] = set()
        for line in movement.lines:
            used = self._of(line)
            if used is None:
                continue
            used.sides.add(line.side)  # of a negative amount too: it changes sides later, and keeps its account
            used.currencies.add(movement.currency)
            used.movements += id(used) not in seen
            used.without_party += not line.party
            seen.add(id(used))
        self.nameless += any(not line.account and not line.category for line in movement.lines)

    def _of(self, line: MovementLine) -> Used | None:
        if line.category and not line.account:
            return self.categories.setdefault(tables.category_key(line.category), Used(name=line.category))
        return self.accounts.setdefault(line.account, Used(name=line.account)) if line.account else None


def needs(hub: Hub, flow: Flow) -> tuple[Needs, Lane]:
    """What the movements of a flow use, those that its source has now among them. Writes nothing."""
    hub.wiring.renew()
    wired = planning.foresight(hub.wiring.wire(flow.name, "accounts"))
    assert wired.posting is not None
    job = Job(wired=wired, options=Options(), catalogues=hub.wiring.catalogues(wired), rehearsal=True)
    found = Needs()

    def then(tx: Tx) -> tuple[dict[Ref, Outcome], list[Step]]:
        for row in trail.subledger_rows(tx, flow):
            found.add(bodies.movement_of(row, gains=flow.gains))
        return {}, []

    engine.rehearse(job, then)
    return found, wired.posting


# -- the table ---------------------------------------------------------------------------------------------------------


def map_table(hub: Hub, name: str, to: str = "") -> dict[str, Any]:
    """Write a row for each category that has none yet; rows that are there stay as they are. Says what is unmapped.

    Raises Guarded where somebody changes or holds the file meanwhile, ConfigError for a table that cannot be read.
    """
    flow = trail.booking_flow(hub, name)
    path = place(hub, flow, to)
    before, rows = _read(hub, flow, path)
    used, _ = needs(hub, flow)
    have = {tables.category_key(row.category) for row in rows}
    new = [one.name for key, one in sorted(used.categories.items()) if key not in have]
    if new or not path.exists():
        _write(path, rows, new, before)
    unmapped = _unmapped([*rows, *(Mapped(category=category) for category in new)], used)
    if new:
        hub.store.audit("accounts.map", name, {"table": _said(hub, path), "new": new[:1000]})
    return {
        "flow": name, "table": _said(hub, path), "named": flow.accounts, "categories": len(used.categories),
        "new": new, "unmapped": unmapped, "mapped": len(used.categories) - len(unmapped),
        "unused": sorted(row.category for row in rows if tables.category_key(row.category) not in used.categories),
    }  # fmt: skip


def place(hub: Hub, flow: Flow, to: str) -> Path:
    """The table's file in the project folder. Raises ConfigError for one elsewhere, or of another kind."""
    told = to or flow.accounts or USUAL
    folder = hub.project.folder.resolve()
    path = (folder / told).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() not in (".csv", ".xlsx"):
        raise ConfigError(
            f"{told} is no place for a table of accounts", code="WHERRY-2151", table=told,
            fix=f"name a CSV or XLSX file in the project folder: {USUAL}",
        )  # fmt: skip
    return path


def _read(hub: Hub, flow: Flow, path: Path) -> tuple[bytes, list[Mapped]]:
    """What the file holds, and its rows; where it is a new one, the rows of the table that the flow has so far."""
    if path.exists():
        return hashlib.blake2b(path.read_bytes()).digest(), tables.read(path)
    old = (hub.project.folder / flow.accounts).resolve() if flow.accounts else path
    return b"", tables.read(old) if old != path and old.exists() else []


def _write(path: Path, rows: Sequence[Mapped], new: Sequence[str], before: bytes) -> None:
    """Rows for the new categories below those that are there; a spreadsheet keeps whatever else it holds."""
    held = next((other for other in _locks(path) if other.exists()), None)
    now = hashlib.blake2b(path.read_bytes()).digest() if path.exists() else b""
    if held is not None or now != before:
        why = f"is open in a spreadsheet ({held.name})" if held is not None else "was changed just now"
        raise Guarded(
            f"{path.name} {why}: it was left as it is", fix="save and close it, then do it again", code="WHERRY-7087",
            table=path.name,
        )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    if before and path.suffix.lower() == ".xlsx":
        tables.replace(path, sheets.with_categories(path, new))
    else:
        tables.write(path, [*rows, *(Mapped(category=category) for category in new)])


def _locks(path: Path) -> list[Path]:
    """What spreadsheets put beside a file while they have it open."""
    return [path.with_name(f"~${path.name}"), path.with_name(f".~lock.{path.name}#")]


def _said(hub: Hub, path: Path) -> str:
    return path.relative_to(hub.project.folder.resolve()).as_posix()


def _unmapped(rows: Iterable[Mapped], used: Needs) -> list[dict[str, Any]]:
    """Categories of which a side that is used has no account."""
    by_key = {tables.category_key(row.category): row for row in rows}
    found = []
    for key, one in sorted(used.categories.items()):
        row = by_key.get(key)
        missing = [side for side in _SIDES if side in one.sides and not (row and getattr(row, side))]
        if missing:
            found.append({"category": one.name, "missing": missing, "movements": one.movements})
    return found


# -- the check ---------------------------------------------------------------------------------------------------------


def check(hub: Hub, name: str) -> dict[str, Any]:
    """Everything that keeps the flow's movements from being booked, against the chart as the target has it now.

    Each problem has the ``row`` and ``column`` of the table where it has them. Raises what reading raises.
    """
    flow = trail.booking_flow(hub, name)
    path = place(hub, flow, "")
    rows = hub.bookkeeper.table(flow)
    used, lane = needs(hub, flow)
    chart = hub.bookkeeper.refresh(lane)
    bars = barring.barred(lane.sink, flow)
    problems = [*_missing(path.name, rows, used), *_wrong(hub, chart, rows, used, barring.for_good(bars))]
    problems += _control(chart.codes(barring.with_party(bars, flow)), chart, rows, used, bars)
    problems += [*_clearing(hub, flow, chart), *_rounding(hub, flow, chart, hub.bookkeeper.own_rounding(lane))]
    problems += _places(lane.sink, rows)
    problems.sort(key=lambda one: (one["row"], one["column"], one["code"]))
    return {
        "flow": name, "table": flow.accounts, "rows": len(rows), "categories": len(used.categories),
        "items": problems, **_counts(chart),
    }  # fmt: skip


def _problem(kind: str, why: str, fix: str, **where: Any) -> dict[str, Any]:
    return {"row": 0, "column": "", "category": "", "code": "", **where, "kind": kind, "why": why, "fix": fix}


def _missing(table: str, rows: Sequence[Mapped], used: Needs) -> list[dict[str, Any]]:
    by_key = {tables.category_key(row.category): row for row in rows}
    found = []
    for one in _unmapped(rows, used):
        row = by_key.get(tables.category_key(one["category"]))
        for side in one["missing"]:
            where = f"has no {side} account" if row is not None else "has no row"
            found.append(_problem(
                "unmapped", f"{one['category']} {where}, and {one['movements']} movements need one",
                f"fill in the {side} column" if row is not None else f"add it to {table}", category=one["category"],
                row=row.row if row is not None else 0, column=side,
            ))  # fmt: skip
    if used.nameless:
        found.append(_problem("unmapped", f"{used.nameless} movements have a line with neither account nor category",
                              "name one at the source, or in the map"))  # fmt: skip
    return found


def _wrong(
    hub: Hub, chart: Chart, rows: Sequence[Mapped], used: Needs, barred: Mapping[str, str]
) -> list[dict[str, Any]]:  # fmt: skip
    """Codes that cannot be booked to, each in the currencies that it is used in."""
    if not len(chart):
        return []
    currencies = {c for one in (*used.categories.values(), *used.accounts.values()) for c in one.currencies}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for currency in sorted(currencies or {hub.project.currency}):
        mine = [row for row in rows if _takes(used, row, currency)]
        codes = [code for code, one in sorted(used.accounts.items()) if currency in one.currencies]
        for one in charts.check(chart, mine, currency, codes, barred):
            category = next((row.category for row in mine if row.row == one.row), "")
            said = _problem(
                one.kind, one.why, one.fix, row=one.row, column=one.column, code=one.code, category=category
            )
            found.setdefault((one.row, one.column, one.code, one.why), said)
    return list(found.values())


def _takes(used: Needs, row: Mapped, currency: str) -> bool:
    """Whether a row is used in a currency; one that is not used at all is looked at in any."""
    one = used.categories.get(tables.category_key(row.category))
    return one is None or currency in one.currencies


def _control(
    control: Collection[str], chart: Chart, rows: Sequence[Mapped], used: Needs, bars: Mapping[str, Barred]
) -> list[dict[str, Any]]:  # fmt: skip
    """Receivables and payables of nobody (case C2), and whatever else the target takes with a party only."""
    found = []
    for row in rows:
        one = used.categories.get(tables.category_key(row.category))
        for side in _SIDES:
            code = getattr(row, side)
            nobodys = not row.party and one is not None and side in one.sides and one.without_party
            if nobodys and chart.code_of(code) in control:
                found.append(_problem("party", *_whose(chart, code, bars), row=row.row, column=side, code=code,
                                      category=row.category))  # fmt: skip
    named = [code for code, one in sorted(used.accounts.items())
             if chart.code_of(code) in control and one.without_party]  # fmt: skip
    return found + [_problem("party", *_whose(chart, code, bars), code=code) for code in named]


def _whose(chart: Chart, code: str, bars: Mapping[str, Barred]) -> tuple[str, str]:
    account = chart.look(code)
    bar = None if isinstance(account, Mismatch) else bars.get(account.type)
    told = f"account {code} ({trail.name_of(chart, code) or code}) is for receivables or payables"
    if bar is not None:
        told += f" ({bar.why})"
    return f"{told}, and nothing says whose", "name a party in the table or at the source, or set clearing on the flow"


def _places(sink: SinkWriter, rows: Sequence[Mapped]) -> list[dict[str, Any]]:
    """Classes, locations and the like that the target has not."""
    if not isinstance(sink, KnowsPlaces) or not any(row.dimensions for row in rows):
        return []
    sink.check()
    return [
        _problem("dimension", f"{row.category} {why}", fix, row=row.row, column=name, code=word, category=row.category)
        for row in rows for name, word in row.dimensions for why, fix in [sink.misplaced(name, word)] if why
    ]  # fmt: skip


def _clearing(hub: Hub, flow: Flow, chart: Chart) -> list[dict[str, Any]]:
    if not flow.clearing or not len(chart):
        return []
    found = chart.look(flow.clearing, hub.project.currency)
    if isinstance(found, Mismatch):
        return [_problem(found.why, f"clearing of the flow: {found.message}", found.fix, code=flow.clearing)]
    if found.type in barring.CONTROL:
        return [_problem("type", f"clearing of the flow: account {flow.clearing} is {a(found.type)} account itself",
                         "name another account under clearing", code=flow.clearing)]  # fmt: skip
    return []


def _rounding(hub: Hub, flow: Flow, chart: Chart, own: str) -> list[dict[str, Any]]:
    """The account for what rounding leaves of entries in other currencies."""
    if not flow.rounding or not len(chart):
        return []
    found = chart.look(flow.rounding, hub.project.currency)
    if isinstance(found, Mismatch):
        return [_problem(found.why, f"rounding of the flow: {found.message}", found.fix, code=flow.rounding)]
    if own and found.code != own:
        return [_problem("type", f"rounding of the flow is {flow.rounding}, and the target books it on {own} itself",
                         f'set rounding = "{own}" on the flow', code=flow.rounding)]  # fmt: skip
    return []
