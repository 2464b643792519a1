"""``wherry exports …``: what went to which target, as what, by whom and when."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from wherry.bookkeeping import exporting
from wherry.cli.drawing import amount, clean, spelled, table
from wherry.cli.errors import outcomes, settled
from wherry.cli.options import face, listing, moment_stored

_FEW = 20
_NOT_ASKED = "the target cannot be asked, so nobody looked whether it is there"


@click.command("list")
@click.option("--target", default="", metavar="CONNECTION", help="Only into this connection.")
@click.option("--flow", default="", help="Only of this flow.")
@listing(limit=50, since=True)
def list_(target: str, flow: str, limit: int, cursor: str, since: dt.datetime | None) -> None:
    """Documents that were exported, newest first: each once for each target.

    \b
    Examples:
      wherry exports list --target books --since 2026-02-01
      wherry exports list --flow wallet-journals --output csv
    """
    own = face()
    text = moment_stored(since, own.hub.project.timezone)
    rows = exporting.listed(own.hub, target=target, flow=flow, since=text)
    first = int(cursor) if cursor.isdecimal() else 0
    shown = rows[first : first + limit]
    data = {"items": shown, "total": len(rows), "cursor": str(first + limit) if first + limit < len(rows) else ""}
    own.print("wherry.exports.list/1", data, lambda: _listed(data))


def _listed(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["items"]:
        yield "nothing was exported yet"
        return
    yield from _rows(data["items"])
    if data["cursor"]:
        yield f"{len(data['items'])} of {data['total']:,}; more with --cursor {data['cursor']}"


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    cells = [
        (row["number"], spelled(row["entity"]), row["date"], _money(row), row["target"],
         row["remote_id"] or row["file"], row["state"], row["at"][:19], row["by"], row["run"]) for row in rows
    ]  # fmt: skip
    yield from table(["NUMBER", "WHAT", "DATE", "AMOUNT", "TARGET", "AS", "STATE", "AT", "BY", "RUN"], cells)


def _money(row: Mapping[str, Any]) -> str:
    return amount(row["minor"], row["currency"]) if row["minor"] is not None and row["currency"] else ""


@click.command()
@click.argument("document", metavar="DOC")
def show(document: str) -> None:
    """One document in all targets: remote id, when, by whom, in which run, notes, and the members of an entry.

    DOC is its number, its key, its record's id, or E-7.

    \b
    Example:
      wherry exports show "JE 2026W05a"
    """
    own = face()
    data = exporting.shown(own.hub, document)
    own.print("wherry.exports.show/1", data, lambda: _shown(data))


def _shown(data: Mapping[str, Any]) -> Iterator[str]:
    if data["items"]:
        yield from _rows(data["items"])
    for one in data["open"]:
        why = clean(one["reason"] or one["class"])
        yield f"  open     {one['id']} {spelled(one['entity'])} {clean(one['label'])}: {why}"
    for one in data["notes"]:
        yield f"  note     {one['at'][:19]} {clean(one['by'])}: {clean(one['note'])}"
    if data["members"]:
        yield f"  members  {len(data['members']):,}"
        rows = [(one["id"], one["date"], one["record"], amount(one["minor"], one["currency"]))
                for one in data["members"][:_FEW]]  # fmt: skip
        yield from (f"    {line}" for line in table(["MOVEMENT", "DATE", "RECORD", "AMOUNT"], rows))


@click.command()
@click.argument("document", metavar="DOC")
@click.option("--target", required=True, metavar="CONNECTION", help="The target it was entered in.")
@click.option("--remote-id", required=True, metavar="ID", help="Its id there.")
@click.option("--note", required=True, metavar="TEXT", help="Why; kept in the audit log.")
def mark(document: str, target: str, remote_id: str, note: str) -> None:
    """Somebody entered it in the target by hand: it is linked to what is there, and never posted.

    \b
    Example:
      wherry exports mark "JE 2026W05a" --target books --remote-id 145 --note "entered by Dana"
    """
    own = face()
    data = exporting.mark(own.hub, document, target, remote_id, note)
    if not data["asked"]:
        own.warn(_NOT_ASKED)
    for change in data["differs"]:
        own.warn(f"it holds {change['field']} {clean(change['after'])}, we would write {clean(change['before'])}")
    error = data.pop("error")
    after = [f"wherry exports show {shlex.quote(document)}"]
    settled(own, "wherry.exports.mark/1", data, error, lambda: outcomes(data["items"]), after)


@click.command()
@click.argument("document", metavar="DOC")
@click.option("--target", required=True, metavar="CONNECTION", help="The target it was marked for, or file:PROFILE.")
@click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit log.")
def unmark(document: str, target: str, note: str) -> None:
    """It is not in the target after all: it is prepared again. What Wherry itself posted is reversed instead. Of a file
    the note is dropped that it went out: where it stands in the books, it goes out again.

    \b
    Example:
      wherry exports unmark "JE 2026W05a" --target books --note "that was another one"
    """
    own = face()
    data = exporting.unmark(own.hub, document, target, note)
    in_file = target.startswith("file:")
    told = "counts as never written into a file" if in_file else "is prepared again by the next run"
    own.print("wherry.exports.unmark/1", data, f"{clean(document)} {told}",
              [] if in_file else [f"wherry run {data['flow']}"])  # fmt: skip
