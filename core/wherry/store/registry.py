"""Connections, flows, runs, marks and plans: what the store knows of the project itself."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.redaction import strike
from wherry.store.database import Tx
from wherry.store.tables import connections, flows, marks, plans, runs

PARTIAL = "partial"
"""Why a run was started that somebody asked for only some records of. It takes the place of no whole run."""
_NOT_WHOLE = (PARTIAL, "resync")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(milliseconds: int) -> str:
    """A run's id: sortable by time, no look-alikes."""
    number, digits = (milliseconds << 32) | random.randbits(32), ""
    while number:
        number, rest = divmod(number, 32)
        digits = _ALPHABET[rest] + digits
    return digits


def _dump(value: Any) -> str:
    """As JSON text, without any secret that this process knows of: errors may quote what a plugin raised."""
    return strike(msgspec.json.encode(value).decode())


class Bound(Struct, frozen=True):
    """A connection as the store knows it: bound to (plugin, account) at its first check."""

    id: int
    name: str
    plugin: str
    account_id: str
    account_name: str
    state: str
    reason: str
    bound_at: str
    checked_at: str
    credential: str


_CONNECTIONS = sa.select(*(connections.c[column] for column in Bound.__struct_fields__)).order_by(connections.c.name)
_CONNECTION = _CONNECTIONS.where(connections.c.name == sa.bindparam("wanted"))
_OF_ACCOUNT = _CONNECTIONS.where(
    connections.c.plugin == sa.bindparam("plugin"), connections.c.account_id == sa.bindparam("account")
)


def connection(tx: Tx, name: str) -> Bound | None:
    return next((Bound(*row) for row in tx.kept(_CONNECTION, {"wanted": name})), None)


def connection_of_account(tx: Tx, plugin: str, account: str) -> Bound | None:
    return next((Bound(*row) for row in tx.kept(_OF_ACCOUNT, {"plugin": plugin, "account": account})), None)


def all_connections(tx: Tx) -> list[Bound]:
    return [Bound(*row) for row in tx.kept(_CONNECTIONS, {})]


def bind(tx: Tx, name: str, plugin: str, account_id: str, account_name: str, credential: str, at: str) -> int:
    """Enter a connection at its first check; its id is what links, keys and marks use from then on."""
    made = tx.run(
        sa.insert(connections)
        .values(name=name, plugin=plugin, account_id=account_id, account_name=account_name, state="ok", reason="",
                bound_at=at, checked_at=at, credential=credential)
        .returning(connections.c.id)
    )  # fmt: skip
    return int(made.scalar_one())


def update_connection(tx: Tx, id: int, **values: str) -> None:
    tx.run(sa.update(connections).where(connections.c.id == id).values(**values))


# -- flows ------------------------------------------------------------------------------------------------------------


class FlowState(Struct, frozen=True):
    """``state`` is ``off`` (never activated), ``active`` or ``paused``; ``since`` the start date it was given."""

    name: str
    state: str = "off"
    since: str = ""
    reason: str = ""
    by: str = ""
    at: str = ""


_FLOW = sa.select(*(flows.c[column] for column in FlowState.__struct_fields__)).where(
    flows.c.name == sa.bindparam("wanted")
)


def flow_state(tx: Tx, name: str) -> FlowState:
    return next((FlowState(*row) for row in tx.kept(_FLOW, {"wanted": name})), FlowState(name))


def save_flow(tx: Tx, state: FlowState) -> None:
    columns = FlowState.__struct_fields__
    tx.many(flows, columns, [tuple(getattr(state, column) for column in columns)])


# -- runs -------------------------------------------------------------------------------------------------------------

CUT_OFF = "cut off"
"""The process of the run ended without finishing it."""


class RunRow(Struct, frozen=True):
    """``state`` is running, ok, failed, again, access, guarded, interrupted or cut off; ``summary`` a snapshot."""

    id: str
    flow: str
    cause: str
    state: str
    started_at: str
    finished_at: str
    exit_code: int | None
    summary: dict[str, Any]


_RUNNING = sa.select(runs.c.id).where(runs.c.flow == sa.bindparam("of_flow"), runs.c.state == "running")
_FINISHED = ("state", "exit_code", "finished_at", "summary")
_FINISH = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("of_run"))
    .values({name: sa.bindparam(f"is_{name}") for name in _FINISHED})
)


def start_run(tx: Tx, id: str, flow: str, cause: str, at: str) -> None:
    tx.many(runs, RunRow.__struct_fields__, [(id, flow, cause, "running", at, "", None, "{}")])


def finish_run(tx: Tx, id: str, state: str, exit_code: int, at: str, summary: dict[str, Any]) -> None:
    told = {f"is_{name}": value for name, value in zip(_FINISHED, (state, exit_code, at, _dump(summary)), strict=True)}
    tx.kept(_FINISH, {**told, "of_run": id})


def close_dead_runs(
    tx: Tx, flow: str, at: str, summary: Callable[[], dict[str, Any]] = lambda: dict[str, Any]()
) -> list[str]:
    """Runs of the flow that say *running* although the caller holds its lock: their process died. ``summary`` says
    more of it, where that is known."""
    dead = [str(row[0]) for row in tx.kept(_RUNNING, {"of_flow": flow})]
    told = {"note": "the process ended before the run did", **summary()} if dead else {}
    for id in dead:
        finish_run(tx, id, CUT_OFF, 130, at, told)
    return dead


def find_runs(
    tx: Tx, *, flow: str = "", id: str = "", limit: int = 20, before: str = "", whole: bool = False
) -> list[RunRow]:  # fmt: skip
    """Newest first. ``whole``: none of those that read only the records that somebody named."""
    statement = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
    if flow:
        statement = statement.where(runs.c.flow == flow)
    if id:
        statement = statement.where(runs.c.id == id)
    if before:
        statement = statement.where(runs.c.id < before)
    if whole:
        statement = statement.where(runs.c.cause.not_in(_NOT_WHOLE))
    return [RunRow(**{**row._mapping, "summary": msgspec.json.decode(row.summary)}) for row in tx.run(statement)]


# -- marks ------------------------------------------------------------------------------------------------------------


_BETWEEN = "\x1f"
_UNDER = ("map", "ends", "since", "choice", "match", "repeat")
"""What a mark was saved under, each as a text: the map, the store's ids of source and sink, what chose the records, and
what decided about those that were chosen."""


class Mark(Struct, frozen=True):
    """How far a flow has read a kind, and under what (``fingerprint``). ``swept_at`` is when deletes were last looked
    for."""

    flow: str
    kind: str
    fingerprint: str
    mark: str
    saved_at: str
    swept_at: str

    @property
    def map(self) -> str:
        """The fingerprint of the map."""
        return self.fingerprint.partition(_BETWEEN)[0]

    def is_under(self, **said: str) -> bool:
        """Whether it was saved under this; yes where an earlier version did not say."""
        told = dict(zip(_UNDER, self.fingerprint.split(_BETWEEN), strict=False))
        return all(told.get(name, value) == value for name, value in said.items())


def fingerprint(said: Mapping[str, str]) -> str:
    """Under what a mark is saved: a text for each of ``_UNDER``."""
    return _BETWEEN.join(said[name] for name in _UNDER)


_MARK = sa.select(*(marks.c[column] for column in Mark.__struct_fields__)).where(
    marks.c.flow == sa.bindparam("of_flow"), marks.c.kind == sa.bindparam("of_kind")
)


def mark(tx: Tx, flow: str, kind: str) -> Mark | None:
    return next((Mark(*row) for row in tx.kept(_MARK, {"of_flow": flow, "of_kind": kind})), None)


def save_mark(tx: Tx, value: Mark) -> None:
    columns = Mark.__struct_fields__
    tx.many(marks, columns, [tuple(getattr(value, column) for column in columns)])


def all_marks(tx: Tx) -> Sequence[Mark]:
    return [Mark(**row._mapping) for row in tx.run(sa.select(marks))]


# -- plans ------------------------------------------------------------------------------------------------------------


def save_plan(tx: Tx, id: str, flow: str, digest: str, at: str, summary: dict[str, Any]) -> None:
    tx.many(plans, ("id", "flow", "digest", "made_at", "summary"), [(id, flow, digest, at, _dump(summary))])


def plan_digest(tx: Tx, id: str, flow: str) -> str | None:
    digest: str | None = tx.value(sa.select(plans.c.digest).where(plans.c.id == id, plans.c.flow == flow))
    return digest
