"""``wherry runs …``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import click

from wherry import overview
from wherry.cli import summary
from wherry.cli.drawing import counts, lasted, spelled, table
from wherry.cli.options import face, listing
from wherry.cli.running import moment


@click.command("list")
@click.option("--flow", default="", help="Only runs of this flow.")
@listing("started", limit=20, since=True)
def list_(flow: str, limit: int, cursor: str, sort: str | None, since: dt.datetime | None) -> None:
    """Runs, newest first."""
    own = face()
    if flow:
        own.hub.wiring.flow(flow)
    start = moment(since, own.hub.project.timezone)
    rows = overview.runs(own.hub, flow=flow, limit=limit, before=cursor)
    rows = [row for row in rows if start is None or dt.datetime.fromisoformat(row["started_at"]) >= start]
    if sort == "started":
        rows.reverse()
    data = {"items": rows, "cursor": rows[-1]["id"] if len(rows) == limit else ""}
    own.print("wherry.runs.list/1", data, lambda: _listed(rows),
              [f"wherry runs show {rows[0]['id']}"] if rows else [])  # fmt: skip


def _listed(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing ran yet"
        return
    yield from table(
        ["RUN", "FLOW", "CAUSE", "STATE", "STARTED", "TOOK", "READ"],
        [(row["id"], row["flow"], row["cause"], row["state"], row["started_at"][:19],
          lasted(row["started_at"], row["finished_at"]), _read(row)) for row in rows],
    )  # fmt: skip


def _read(row: dict[str, Any]) -> str:
    return ", ".join(f"{spelled(kind)}: {counts(words)}" for kind, words in row["summary"].get("fates", {}).items())


@click.command()
@click.argument("run", metavar="RUN", required=False)
@click.option("--record", default="", metavar="ID", help="Only what happened to this record.")
@click.option("--refused", is_flag=True, help="What is refused now, with why and what to do.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Events to show.")
def show(run: str | None, record: str, refused: bool, limit: int) -> None:
    """One run, or what happened to one record in it; the newest run where none is named."""
    own = face()
    if refused:
        rows = overview.open_items(own.hub, state="refused", limit=limit)
        own.print("wherry.runs.refused/1", {"items": rows}, lambda: _refused(rows))
        return
    found = overview.run(own.hub, run or overview.newest_run(own.hub), record=record, limit=limit)
    own.print("wherry.runs.show/1", found, lambda: _shown(found, record))


def _refused(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing is refused"
    for row in rows:
        yield f"{row['record']}   {row['flow']}   {row['reason']}" + (
            f"   field {row['field']}" if row["field"] else ""
        )
        if row["fix"]:
            yield f"  fix  {row['fix']}"


def _shown(run: dict[str, Any], record: str) -> Iterator[str]:
    data = run["summary"]
    if "fates" in data and not record:
        yield from summary.lines({**data, "flow": run["flow"], "run": run["id"], "before": ()})
    elif not record:
        yield f"{run['flow']}   {run['state']}   run {run['id']}   {data.get('note', '')}".rstrip()
    events = run["events"]
    if not events:
        yield f"nothing happened to {record} in run {run['id']}" if record else "  no changes"
        return
    yield from table(
        ["AT", "RECORD", "WHAT", "BECAME", "TARGET", "WHY"],
        [(e["at"][11:19], f"{e['record_kind']} {e['record_id']}", f"{spelled(e['entity'])} {e['key']}".strip(),
          e["fate"], e["target"], e["reason"]) for e in events],
        most=40,
    )  # fmt: skip
