"""``wherry runs …``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import click

from wherry import overview
from wherry.cli import failures, summary
from wherry.cli.drawing import clean, counts, lasted, spelled, table
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
@click.option("--record", default="", metavar="ID",
              help="How this record stands and what happened to it; in all runs, where none is named.")  # fmt: skip
@click.option("--refused", is_flag=True, help="What is refused now, with why and what to do.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Events to show.")
def show(run: str | None, record: str, refused: bool, limit: int) -> None:
    """One run, the newest where none is named; or one record: why it is, or is not, in the target.

    \b
    Examples:
      wherry runs show
      wherry runs show --record 901
    """
    own = face()
    if refused:
        rows = overview.open_items(own.hub, state="refused", limit=limit)
        own.print("wherry.runs.refused/1", {"items": rows}, lambda: _refused(rows))
        return
    if record:
        one = overview.record(own.hub, record, id=run or "", limit=limit)
        own.print("wherry.runs.show/1", one, lambda: _record(one))
        return
    found = overview.run(own.hub, run or overview.newest_run(own.hub), limit=limit)
    own.print("wherry.runs.show/1", found, lambda: _shown(found))


def _refused(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing is refused"
    for row in rows:
        yield f"{row['record']}   {row['flow']}   {row['reason']}" + (
            f"   field {row['field']}" if row["field"] else ""
        )
        if row["fix"]:
            yield f"  fix  {row['fix']}"


def _shown(run: dict[str, Any]) -> Iterator[str]:
    data = run["summary"]
    if "fates" in data:
        yield from summary.lines({**data, "flow": run["flow"], "run": run["id"], "before": ()})
    else:
        yield f"{run['flow']}   {run['state']}   run {run['id']}   {data.get('note', '')}".rstrip()
    if data.get("error"):
        yield from (f"  {line}" for line in failures.lines(data["error"]))
    if not run["events"]:
        yield "  no changes"
    yield from _events(run["events"])


def _record(found: dict[str, Any]) -> Iterator[str]:
    for row in found["record"]:
        target = f"   {row['target']}" if row["target"] else ""
        why = f": {clean(row['reason'])}" if row["reason"] else ""
        yield f"{row['flow']}   {spelled(row['kind'])} {clean(row['record'])}   {row['fate']}{target}{why}"
        yield f"  since    {row['at'][:19]}   run {row['run']}"
        if row["fix"]:
            yield f"  fix      {clean(row['fix'])}"
    yield from _events(found["events"])


def _events(events: list[dict[str, Any]]) -> Iterator[str]:
    if not events:
        return
    yield from table(
        ["AT", "RECORD", "WHAT", "BECAME", "TARGET", "WHY"],
        [(e["at"][:19], f"{e['record_kind']} {e['record_id']}", f"{spelled(e['entity'])} {e['key']}".strip(),
          e["fate"], e["target"], e["reason"]) for e in events],
        most=40,
    )  # fmt: skip
