"""``wherry runs …``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from wherry.cli import failures, summary
from wherry.cli.context import Face
from wherry.cli.drawing import clean, counts, lasted, plural, plurals, spelled, table
from wherry.cli.errors import fetched, money, outcomes, settled, sums
from wherry.cli.options import SECOND, face, listing, moment, more
from wherry.errors import ConfigError
from wherry.operating import approvals, overview, undoing
from wherry.operating.undoing import Undo

_SHOWN = 20
_WORDS = {"again": "try later", "access": "reconnect"}
"""State of a run → as ``status`` says it too."""


@click.command()
@click.argument("run", metavar="RUN")
@SECOND
def undo(run: str, second_person: str) -> None:
    """Take back every document that a run made: shown first, then reversed in the target, as one batch.

    Nothing is deleted there. Customers and products stay. What was not sent yet is withdrawn; what may be there, since
    its answer was lost, is taken back once it is found. Done twice it does nothing more.

    \b
    Example:
      wherry runs undo 6fkd9z2g1yx2912
    """
    own = face()
    found = undoing.prepare(own.hub, run)
    approvals.must_agree([own.hub.wiring.flow(found.flow)], second_person)
    for line in _to_undo(found):
        own.note(line)
    if found.items or found.unsent or found.unsure:
        _must_mean_it(own, found)
    done = undoing.undo(own.hub, run, second=second_person)
    data = {"run": run, "items": done.items, "sums": found.sums, "left": found.left,
            "unsent": found.unsent, "unsure": found.unsure}  # fmt: skip
    settled(own, "wherry.runs.undo/1", data, done.error, [*_undone(done.items), *fetched(own, done.items)])


def _must_mean_it(own: Face, found: Undo) -> None:
    """Raises ConfigError where nobody can be asked, Abort where somebody types something else."""
    if own.yes:
        return
    count = len(found.items) + len(found.unsent) + len(found.unsure)
    if not own.asks:
        raise ConfigError(
            f"{plural(count, 'document')} would be taken back, and nobody can be asked here",
            fix="look at what is shown, then say --yes", code="WHERRY-2125",
        )  # fmt: skip
    if click.prompt("Type the run's number to take them back", err=True) != found.run:
        raise click.Abort


def _to_undo(found: Undo) -> Iterator[str]:
    made = plural(len(found.items), "document")
    yield f"run {found.run} of {found.flow} made {made} that can be taken back   {sums(found.sums)}".rstrip()
    rows = [
        (spelled(row["entity"]), row["label"], row["date"], money(row), row["target"]) for row in found.items[:_SHOWN]
    ]
    yield from (f"  {line}" for line in (table(["WHAT", "NUMBER", "DATE", "AMOUNT", "TARGET"], rows) if rows else ()))
    if len(found.items) > _SHOWN:
        yield f"  and {len(found.items) - _SHOWN:,} more"
    if found.unsent:
        yield f"  not sent {_numbers(found.unsent)}: withdrawn"
    if found.unsure:
        yield f"  unsure   {_numbers(found.unsure)}: taken back if it turns out to be there"
    for why, by_entity in undoing.counted(found.left).items():
        yield f"  stays    {plurals(by_entity)}: {why}"


def _numbers(rows: list[dict[str, Any]]) -> str:
    names = [f"{spelled(row['entity'])} {row['label']}" for row in rows[:_SHOWN]]
    return ", ".join(names) + (f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else "")


def _undone(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing was left to take back"
        return
    yield counts(Counter(row["state"] for row in rows))
    yield from outcomes([row for row in rows if row["state"] != "reversed" or row["reason"]])


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
    after = rows[-1]["id"] if len(rows) == limit else ""
    if sort == "started":
        rows.reverse()
    data = {"items": rows, "cursor": after}
    own.print("wherry.runs.list/1", data, lambda: [*_listed(rows), *more(after)],
              [f"wherry runs show {rows[0]['id']}"] if rows else [])  # fmt: skip


def _listed(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing ran yet"
        return
    yield from table(
        ["RUN", "FLOW", "CAUSE", "STATE", "STARTED", "TOOK", "READ"],
        [(row["id"], row["flow"], row["cause"], _WORDS.get(row["state"], row["state"]), row["started_at"][:19],
          lasted(row["started_at"], row["finished_at"]), _read(row)) for row in rows],
    )  # fmt: skip


def _read(row: dict[str, Any]) -> str:
    return ", ".join(f"{spelled(kind)}: {counts(words)}" for kind, words in row["summary"].get("fates", {}).items())


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
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
    own.print("wherry.runs.show/1", found, lambda: _shown(found, limit))


def _refused(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "nothing is refused"
    for row in rows:
        yield f"{_refused_as(row)}   {row['flow']}   {row['reason']}" + (
            f"   field {row['field']}" if row["field"] else ""
        )
        if row["fix"]:
            yield f"  fix  {row['fix']}"


def _refused_as(row: dict[str, Any]) -> str:
    """``invoice INV-1 (invoice 7)``: what people call it, and its record."""
    label = row["label"]
    named = label and label != row["record"].partition(" ")[2]
    return clean(f"{spelled(row['entity'])} {label} ({row['record']})" if named else row["record"])


def _shown(run: dict[str, Any], limit: int) -> Iterator[str]:
    data = run["summary"]
    if "fates" in data:
        yield from summary.lines({**data, "flow": run["flow"], "run": run["id"], "before": ()})
    else:
        yield f"{run['flow']}   {run['state']}   run {run['id']}   {data.get('note', '')}".rstrip()
    if data.get("error"):
        yield from (f"  {line}" for line in failures.lines(data["error"]))
    if not run["events"]:
        yield "  no changes"
    if len(run["events"]) == limit:
        yield f"the newest {limit:,} events; more: --limit"
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


def _thing(event: dict[str, Any]) -> str:
    """By its number or name where that is known."""
    return f"{spelled(event['entity'])} {event['label'] or event['key']}".strip()


def _events(events: list[dict[str, Any]]) -> Iterator[str]:
    if not events:
        return
    yield from table(
        ["AT", "RECORD", "WHAT", "BECAME", "TARGET", "WHY"],
        [(e["at"][:19], f"{e['record_kind']} {e['record_id']}", _thing(e), e["fate"], e["target"], e["reason"])
         for e in events],
        most=40,
    )  # fmt: skip
