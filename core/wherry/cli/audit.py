"""``wherry audit …``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import click

from wherry.cli.drawing import table
from wherry.cli.formats import as_json
from wherry.cli.options import face, listing, moment_stored, more
from wherry.errors import Guarded
from wherry.operating import overview
from wherry.wording import with_amounts


@click.command("list")
@click.option("--who", default="", help="Only what this person did.")
@click.option("--what", default="", help="Only actions or objects that begin so: triage, config, flow won-deals.")
@listing("at", limit=50, since=True)
def list_(who: str, what: str, limit: int, cursor: str, sort: str | None, since: dt.datetime | None) -> None:
    """The audit log, newest first: every decision of a person and every change of settings."""
    own = face()
    text = moment_stored(since, own.hub.project.timezone)
    rows = overview.audit_rows(own.hub, who=who, what=what, since=text, limit=limit, before=int(cursor or 0))
    after = str(rows[-1]["id"]) if len(rows) == limit else ""
    if sort == "at":
        rows.reverse()
    own.print("wherry.audit.list/1", {"items": rows, "cursor": after}, lambda: [*_listed(rows), *more(after)])


def _listed(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "the log is empty"
        return
    yield from table(
        ["AT", "WHO", "WHAT", "OBJECT", "DETAIL"],
        [(row["at"][:19], row["actor"], row["action"], row["object"],
          as_json(with_amounts(row["detail"])) if row["detail"] else "") for row in rows],
        most=70,
    )  # fmt: skip


@click.command()
def verify() -> None:
    """Whether anybody changed the log afterwards: every row carries the hash of the one before. Exit 7 if so."""
    own = face()
    broken = overview.audit_broken(own.hub)
    if broken:
        raise Guarded(broken, fix="restore a backup, and find out who can write to the store", code="WHERRY-7060")
    own.print("wherry.audit.verify/1", {"ok": True}, "the log is whole")
