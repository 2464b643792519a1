"""``wherry flow …`` and ``wherry status``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from wherry.cli import connections
from wherry.cli.context import Face
from wherry.cli.drawing import ago, clean, pairs, plural, spelled, table, until, value
from wherry.cli.options import Day, face, listing, more, page
from wherry.cli.summary import FOR_A_PERSON, for_approval, leaves, waits
from wherry.errors import EXIT_PERSON, AccessLost, ConfigError, WherryError, worst
from wherry.operating import flows, leaving, overview, scheduler
from wherry.records import DESK
from wherry.store import registry

if TYPE_CHECKING:
    from wherry.hub import Hub

CUT_OFF_SAYS = "its last run ended without finishing (killed?), and the next goes on from there"
FLOW = click.argument("flow", metavar="FLOW")


@click.command("list")
@listing("flow", "state")
def list_(limit: int, cursor: str, sort: str | None) -> None:
    """Every flow, its state and its last run."""
    own = face()
    rows = _timed(own, overview.flow_rows(own.hub))
    rows, after = page(rows, "flow", limit, cursor, sort)
    data = {"items": rows, "cursor": after}
    own.print("wherry.flow.list/1", data, lambda: [*_flows(rows, own.hub.clock.now()), *more(after)])


def _timed(own: Face, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with when each flow runs next."""
    times = {row["flow"]: row["next"] for row in scheduler.listed(own.hub)}
    return [{**row, "next": times.get(row["flow"], "")} for row in rows]


def _flows(rows: list[dict[str, Any]], now: dt.datetime) -> Iterator[str]:
    yield from table(
        ["FLOW", "STATE", "LAST RUN", "DONE", "WAIT", "NEXT", "NOTE"],
        [(row["flow"], row["health"], ago((row["last_run"] or {}).get("started", ""), now), _done(row), _waiting(row),
          _next(row, now), note(row)) for row in rows],
    )  # fmt: skip


def _done(row: dict[str, Any]) -> int:
    """What was carried, also where a newer version of it was left out since."""
    done = ("created", "linked", "updated", "unchanged", "reversed")
    carried = sum(words.get(word, 0) for words in row["seen"].values() for word in done)
    return int(carried + row["kept"])


def _waiting(row: dict[str, Any]) -> int:
    """In records, as ``_done``: an invoice and the customer that it waits for are one."""
    return int(row["records_waiting"]) + blocked(row)


def blocked(row: dict[str, Any]) -> int:
    """Movements without an account."""
    return sum(one["movements"] for one in row["blocked"])


def _next(row: dict[str, Any], now: dt.datetime) -> str:
    return until(dt.datetime.fromisoformat(row["next"]), now) if row.get("next") else "-"


def note(row: dict[str, Any]) -> str:
    """What an operator should know of a flow, in a few words."""
    if row["state"] == "paused":
        return f"paused by {row['by']}" + (f": {clean(row['reason'])}" if row["reason"] else "")
    people = {state: sum(row["waiting"].get(state, {}).values()) for state in FOR_A_PERSON}
    words = [stopped(row["last_run"])] if (row["last_run"] or {}).get("error") else []
    words = ["the next run goes on"] if row["health"] == overview.SIGNED_IN else words
    words += [CUT_OFF_SAYS] if row["health"] == registry.CUT_OFF else []
    words += [f"{number:,} {'in triage' if state == 'triage' else state}" for state, number in people.items() if number]
    if number := blocked(row):
        missing = plural(number, "movement")
        words.append(f"nothing is booked: {missing} without account: wherry accounts map {row['flow']}")
    if row["approval"]:
        words.append(f"{row['approval']:,} for approval: wherry approve {row['flow']}")
    if row["state"] == "off" and row["schedule"]:
        words.append(f"not on its schedule: wherry flow activate {row['flow']}")
    return ", ".join(words)


def stopped(run: dict[str, Any]) -> str:
    """Why the last run stopped."""
    return clean(run["error"].get("message", ""))


@click.command()
@FLOW
def show(flow: str) -> None:
    """One flow with its settings in full."""
    own = face()
    data = flows.show(own.hub, flow)
    own.print("wherry.flow.show/1", data, lambda: _shown(data), [f"wherry plan {flow}"])


def _shown(data: dict[str, Any]) -> Iterator[str]:
    yield f"{data['flow']}   {data['source']} -> {data['sink']}   {data['state']}"
    last = data["last_run"] or {}
    yield from pairs([
        ("since", data["since"]), ("schedule", scheduler.spelled(data["schedule"])),
        ("reason", data["reason"]), ("by", data["by"]),
        ("last run", f"{last.get('run')}   {last.get('state')}   {last.get('started')}" if last else ""),
        ("stopped", stopped(last) if last.get("error") else ""),
        ("fix", last["error"].get("fix", "") if last.get("error") else ""),
        *((f"read {kind}", f"until {at}") for kind, at in data["last_sync"].items()),
    ])  # fmt: skip
    yield "  settings"
    yield from pairs(_settings(data["settings"]), "    ")
    yield from waits(data["waiting"], [data["for_approval"]])


def _settings(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, said in settings.items():
        if key == "pipelines":
            for one in said:
                more = "".join(f", {name} {value(one[name])}" for name in one if name not in ("id", "stages"))
                yield f"pipeline {one['id']}", f"stages {value(one['stages'])}{more}"
        elif key == "schedule":
            yield key, scheduler.spelled(said)
        elif key in ("map", "match", "limits", "repeat") and isinstance(said, dict):
            yield from ((f"{key} {name}".rstrip(), value(inner)) for name, inner in said.items())
        else:
            yield key, value(said)


@click.command()
@FLOW
@click.option("--since", type=Day(), help="The start date; must be what the project file says.")
def activate(flow: str, since: dt.datetime | None) -> None:
    """Put a flow on its schedule, if both ends answer and map and trigger compile. Ends a pause."""
    own = face()
    data = flows.activate(own.hub, flow, since.date() if since else None)
    every = (
        f"runs {scheduler.spelled(data['schedule'])}" if data["schedule"] else "it has no schedule: start it by hand"
    )
    own.print("wherry.flow.activate/1", data, f"{flow} is active; {every}", [f"wherry run {flow}"])


@click.command()
@FLOW
@click.option("--reason", default="", help="Why; shown in status.")
def pause(flow: str, reason: str) -> None:
    """Neither the schedule nor run starts the flow until it is activated again."""
    own = face()
    data = flows.pause(own.hub, flow, reason)
    own.print("wherry.flow.pause/1", data, f"{flow} is paused", [f"wherry flow activate {flow}"])


@click.command()
def status() -> None:
    """Flows, connections, and what waits for whom; asks nobody outside.

    Exit 2 when a connection cannot be used, 4 when something waits for a person, 5 when a sign-in is needed.
    """
    own = face()
    data = overview.status(own.hub)
    data["flows"] = _timed(own, data["flows"])
    own.warnings[:] = [row["warning"] for row in data["metered"] if row["warning"]]
    lost = [row["connection"] for row in data["connections"] if row["state"] == "reconnect"]
    after = [*(_sign_in(own.hub, name) for name in lost), *_next_of(data)]
    own.print("wherry.status/1", data, lambda: _status(data, own.hub.clock.now()), after)
    broken = any(row["state"] == "broken" for row in data["connections"])
    codes = {ConfigError.exit_code: broken, EXIT_PERSON: data["for_a_person"], AccessLost.exit_code: lost}
    own.code = worst([code for code, applies in codes.items() if applies])


def _status(data: dict[str, Any], now: dt.datetime) -> Iterator[str]:
    yield from _flows(data["flows"], now) if data["flows"] else ["no flows"]
    yield from connections.drawn(data["connections"], now) if data["connections"] else ["no connections"]
    synced = [
        (kind, f"{ago(at, now)} by {row['flow']}") for row in data["flows"] for kind, at in row["last_sync"].items()
    ]
    yield from pairs([("last sync", "   ".join(f"{spelled(kind)} {at}" for kind, at in synced))], "")
    for row in data["metered"]:
        used = f"{row['used']:,} of {row['limit']:,} {row['what']} in {row['month']} ({row['percent']} %)"
        yield f"metered  {clean(row['connection'])}: {clean(used)}"
    for row in data["contacts"]:
        yield from _contact(row, now)
    yield from waits(data["waiting"], [row["for_approval"] for row in data["flows"]])
    yield from leaves(leaving.fetched(data["flows"]))
    yield from for_approval(_together([row["for_approval"] for row in data["flows"]]))
    for problem in data["problems"]:
        yield click.style(f"  broken   {clean(problem['message'])}", fg="red")
        yield f"           {clean(problem['fix'])}"


def _together(held: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """What waits for approval, of all flows."""
    return {name: sum((Counter(one[name]) for one in held), Counter()) for name in ("documents", "also")}


def _contact(row: dict[str, Any], now: dt.datetime) -> Iterator[str]:
    """When a system that calls us was here, and what keeps it away."""
    here = f"was here {ago(row['seen_at'], now)}" if row["seen_at"] else "was never let in"
    silent = click.style(", and is silent since", fg="yellow") if row["silent"] else ""
    yield f"  contact  {clean(row['connection'])}: {clean(row['who'])} {here}{silent}"
    if row["refused"]:
        tries = f"{plural(row['refused'], 'sign-in')} refused, the last {ago(row['refused_at'], now)}"
        yield click.style(f"           {tries} from {clean(row['refused_from'])}: {clean(row['fix'])}", fg="yellow")
    elif row["problem"]:
        yield click.style(f"           its latest session: {clean(row['problem'])}", fg="yellow")


def _sign_in(hub: Hub, name: str) -> str:
    """What to do about a sign-in that is lost: do it anew, or look what is wrong with the token."""
    from wherry.operating import connecting

    try:
        anew = connecting.kind(hub, name) == "oauth2"
    except WherryError:
        anew = False
    return f"wherry {'connect' if anew else 'connection test'} {quote(name)}"


def _next_of(data: dict[str, Any]) -> list[str]:
    asked = ["wherry triage list"] if data["open_questions"] else []
    desk = ["wherry errors list"] if any(data["waiting"].get(state) for state in DESK) else []
    stuck = [f"wherry accounts map {row['flow']}" for row in data["flows"] if row["blocked"]]
    wanted = [f"wherry approve {row['flow']}" for row in data["flows"] if row["approval"]]
    calls = [row["see"] for row in data["contacts"] if row["to_do"]]
    return [*calls, *asked, *desk, *stuck, *wanted]
