"""``wherry errors list``: what waits, by cause; and how much waits for approval, which is another command."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from wherry.books import stuck
from wherry.cli.drawing import clean, plural, plurals, table
from wherry.cli.errors import CLASS, FLOW, money, says, sums
from wherry.cli.grouped import FEW, named
from wherry.cli.options import face, listing, moment_stored, page
from wherry.hub import Hub
from wherry.operating import approvals, behind, desk
from wherry.store import questions

_CAUSES = 20


@click.command("list")
@CLASS
@FLOW
@click.option("--all", "everything", is_flag=True, help="Show every single one, however many there are.")
@listing("id", "amount", "since", limit=50, since=True)
def list_(
    state: str | None, flow: str, everything: bool, limit: int, cursor: str, sort: str | None, since: dt.datetime | None
) -> None:  # fmt: skip
    """What waits, by cause, with amounts and what to do next: of each cause the first few.

    \b
    Examples:
      wherry errors list
      wherry errors list --class decide --flow invoices --all
    """
    own = face()
    since_text = moment_stored(since, own.hub.project.timezone)
    held = approvals.held(own.hub, flow)
    apart = {id for one in held for id in one["ids"]}
    blocked, asked = ([], 0) if state else _besides(own.hub, flow)
    found = desk.listed(own.hub, state=state or "", flow=flow, since=since_text)
    rows = [row for row in found if row["id"] not in apart]
    if sort:
        rows.sort(key=lambda row: _rank(row, sort.lstrip("-")), reverse=sort.startswith("-"))
    most = len(rows) if everything else limit
    shown, behind = page(rows, "id", most, f"E-{desk.number(cursor)}" if cursor else "")
    data = {
        "items": shown, "groups": desk.grouped(rows), "total": len(rows), "cursor": behind,
        "approval": held, "blocked": blocked, "questions": asked,
    }  # fmt: skip
    paged = bool(cursor) or click.get_current_context().get_parameter_source("limit") is not _UNSAID
    few = len(rows) if everything or paged else FEW
    after = _next(shown, held, blocked) + ["wherry triage list"] * bool(asked)
    nothing = _nothing(data, bool(state or flow or since))
    own.print("wherry.errors.list/1", data, lambda: _lines(data, shown if paged else rows, few, nothing), after)


_UNSAID = click.core.ParameterSource.DEFAULT


def _rank(row: Mapping[str, Any], field: str) -> Any:
    if field == "id":
        return desk.number(row["id"])
    return row["since"] if field == "since" else row["amount"] or 0


def _besides(hub: Hub, flow: str) -> tuple[list[dict[str, Any]], int]:
    """What keeps the books of each flow back, or of one, and how many questions of triage are open."""
    asked = [one for name, one in sorted(hub.project.flows.items()) if flow in ("", name)]
    with hub.store.read() as tx:
        blocked = [{"flow": one.name, **told} for one in asked for told in stuck.blocked(tx, one)]
        return blocked, questions.count_open(tx, flow)


def _next(
    rows: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]], blocked: Sequence[Mapping[str, Any]]
) -> list[str]:
    own = [f"wherry errors show {row['id']}" for row in rows if not row["held_up_by"]]
    first = own[:1] or [behind.see(row["held_up_by"]) for row in rows[:1]]
    first += dict.fromkeys(f"wherry accounts map {shlex.quote(one['flow'])}" for one in blocked)
    return first + [one["fix"] for one in held if one["fix"].startswith("wherry ")]


def _nothing(data: Mapping[str, Any], some: bool) -> str:
    """What is said where nothing is listed: of ``some`` there may be more than was asked for."""
    if data["questions"]:
        return ""
    said = "nothing of that waits for you" if some else "nothing waits for you"
    return f"{said} but your approval" if data["approval"] else said


def _lines(
    data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], few: int, nothing: str
) -> Iterator[str]:  # fmt: skip
    """The causes with their first ``few`` things, among these rows; then what waits for approval."""
    mine = {row["id"]: row for row in rows}
    groups = [(group, [mine[id] for id in group["ids"] if id in mine]) for group in data["groups"]]
    groups = [(group, found) for group, found in groups if found]
    most = len(groups) if few >= len(rows) else _CAUSES
    for group, found in groups[:most]:
        yield from _group(group, found[:few], max(few, FEW))
    if len(groups) > most:
        yield f"and {plural(len(groups) - most, 'more cause')} (--all)"
    if data["cursor"] and len(rows) < data["total"]:
        yield f"{len(rows)} of {data['total']:,}; more with --cursor {data['cursor']}"
    if not groups and not data["blocked"] and nothing:
        yield nothing
    for one in data["blocked"]:
        yield from _stuck(one)
    for one in data["approval"]:
        yield from _approval(one)
    if number := data["questions"]:
        yield click.style(f"{plural(number, 'question')} of triage: which one is it?", bold=True)
        yield "  next     wherry triage list"


def _stuck(one: Mapping[str, Any]) -> Iterator[str]:
    """Movements without an account: as long as there is one, nothing of the flow is booked."""
    head = f"{plural(one['movements'], 'movement')} without account, so nothing is booked   {clean(one['flow'])}"
    yield click.style(f"{head}   {sums({one['currency']: one['minor']})}", bold=True)
    yield f"  {clean(one['detail'])}"
    flow, some = clean(one["flow"]), clean(stuck.named(one["names"], one["movements"]))
    yield f"    {some}   all of them: wherry journal preview {flow} --left-out"
    if one["reason"] == "no-account":
        yield "  next     name an account or a category at the source, or in the map"
    else:
        yield f"  next     wherry accounts map {flow}"


def _group(group: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], most: int) -> Iterator[str]:
    head = f"{plural(group['count'], group['entity'])} {says(group)}   {clean(group['flow'])}"
    yield click.style("   ".join(part for part in (head, sums(group["sums"])) if part), bold=True)
    said = rows[0]["reason"] if group["count"] == 1 else group["cause"]
    such = f"   {named(group['values'], most)}" if group["values"] else ""
    yield f"  {clean(said)}{such}" + (f"   field {clean(group['field'])}" if group["field"] else "")
    cells = [
        (row["id"], row["label"] + "   reversal" * row["reversal"], money(row), row["target"], row["since"][:19])
        for row in rows
    ]
    yield from (f"    {line}" for line in table(["", "WHAT", "AMOUNT", "TARGET", "SINCE"], cells))
    if group["count"] > len(cells):
        yield f"    … and {group['count'] - len(cells):,} more (--all)"
    yield f"  next     {clean(group['fix'])}"


def _approval(one: Mapping[str, Any]) -> Iterator[str]:
    """``3 invoices wait for approval   invoices   130.00 GBP``."""
    first = one["documents"] or one["also"]
    verb = "waits" if sum(first.values()) == 1 else "wait"
    head = f"{plurals(first)} {verb} for approval   {clean(one['flow'])}"
    yield click.style("   ".join(part for part in (head, sums(one["sums"])) if part), bold=True)
    if one["documents"] and one["also"]:
        yield f"  with     {plurals(one['also'])}"
    yield f"  next     {clean(one['fix'])}"
