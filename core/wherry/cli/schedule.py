"""``wherry schedule …``."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from wherry import clock
from wherry.cli.context import Face
from wherry.cli.drawing import ago, plural, table, until
from wherry.cli.options import face, listing, more, page
from wherry.errors import EXIT_INTERRUPTED, worst
from wherry.hub import Report
from wherry.operating import scheduler

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command("list")
@listing("flow", "next")
def list_(limit: int, cursor: str, sort: str | None) -> None:
    """Every flow with its schedule, its next time, and why the schedule leaves it alone if it does."""
    own = face()
    rows = scheduler.listed(own.hub)
    rows, after = page(rows, "flow", limit, cursor, sort, lambda row, field: row[field] or "~")
    text = lambda: [*_listed(rows, own.hub.clock.now()), *more(after)]  # noqa: E731
    own.print("wherry.schedule.list/1", {"items": rows, "cursor": after}, text, _next(rows))


def _next(rows: list[dict[str, Any]]) -> list[str]:
    off = [row["flow"] for row in rows if row["schedule"] and row["held"] == "not activated"]
    return [f"wherry flow activate {off[0]}"] if off else []


def _listed(rows: list[dict[str, Any]], now: dt.datetime) -> Iterator[str]:
    yield from table(
        ["FLOW", "SCHEDULE", "LAST RUN", "NEXT", "NOTE"],
        [(row["flow"], row["schedule"] or "-", ago(row["last"], now),
          until(dt.datetime.fromisoformat(row["next"]) if row["next"] else None, now), row["held"]) for row in rows],
    )  # fmt: skip


@click.command("run")
@click.option("--once", is_flag=True, help="Run what is due now, and exit.")
@click.option("--engine", "name", default="local", show_default=True, help="Where runs take place.")
def run_(once: bool, name: str) -> None:
    """Run what is due, until Ctrl-C or SIGTERM; what runs then is finished first. A second Ctrl-C stops at once.

    A change of wherry.toml counts from the next look, a few seconds later.
    """
    own = face()
    ended: list[dict[str, Any]] = []

    def told(flow: str, report: Report) -> None:
        ended.append({"flow": flow, "exit_code": report.exit_code, "run": report.data.get("run", "")})
        own.note(_line(flow, report))

    engine = scheduler.engine(own.hub, name, told)
    plan = scheduler.Scheduler(own.hub, engine)
    if once:
        plan.look()
        engine.stop()
    else:
        _forever(own, plan)
    own.code = worst([row["exit_code"] for row in ended]) if once else 0
    lines = [f"{plural(len(ended), 'flow')} ran"] if ended else ["nothing was due"]
    own.print("wherry.schedule.run/1", {"items": ended}, lines if once else ["stopped"])


def _forever(own: Face, plan: scheduler.Scheduler) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        own.note(
            "stopping: what runs is finished first, what waits goes on at its next time; once more to stop at once"
        )
        plan.stop()
        clock.stop()
        for each in _SIGNALS:
            signal.signal(each, _at_once)

    for each in _SIGNALS:
        signal.signal(each, stop)
    own.note("the schedule runs; stop it with Ctrl-C")
    plan.loop()


def _at_once(number: int, frame: FrameType | None) -> None:
    os.write(2, b"stopped at once; nothing is lost: what may have left is looked up by the next run\n")
    os._exit(EXIT_INTERRUPTED)


def _line(flow: str, report: Report) -> str:
    if report.error is not None:
        return f"{flow}   not done: {report.error.message}"
    if note := report.data.get("note"):
        return f"{flow}   not done: {note}"
    settled = sum(sum(words.values()) for words in report.data.get("fates", {}).values())
    return f"{flow}   done, {settled:,} records   run {report.data.get('run', '')}"
