"""``wherry dev record`` and ``replay``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.drawing import plural, table
from wherry.cli.options import face

if TYPE_CHECKING:
    from wherry.authoring.sessions import Session

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("connection", metavar="CONNECTION")
@click.option("--to", "path", type=_FILE, required=True, metavar="FILE", help="The cassette to write.")
@click.option("--flow", default="", metavar="FLOW", help="Read what this flow needs; the first one of the connection.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Records of each kind.")
@click.option("--hide", multiple=True, metavar="KEY", help="Another field whose values are nobody's business.")
def record(connection: str, path: Path, flow: str, limit: int, hide: tuple[str, ...]) -> None:
    """Record a session with the account: it only reads. Secrets are left out, people and companies get pseudonyms.

    \b
    Example:
      wherry dev record crm --to tests/cassettes/deals.json
    """
    from wherry.authoring import sessions

    own = face()
    cassette, session = sessions.record(own.project(), connection, flow=flow, most=limit, hide=hide)
    cassette.save(path)
    data = {"connection": connection, "file": str(path), "calls": len(cassette.exchanges), "flow": cassette.flow,
            "records": len(session.seen), "replaced": cassette.replaced}  # fmt: skip
    own.print("wherry.dev.record/1", data, lambda: _recorded(data),
              [f"wherry dev replay {path} --preview", f"look through {path} before you share it"])  # fmt: skip


def _recorded(data: dict[str, Any]) -> Iterator[str]:
    yield f"{data['file']}: {plural(data['calls'], 'call')}, {plural(data['records'], 'record')}"
    if data["replaced"]:
        yield "replaced  " + ", ".join(f"{number} {what}" for what, number in data["replaced"].items())


@click.command()
@click.argument("path", type=_FILE, metavar="FILE")
@click.option("--flow", default="", metavar="FLOW", help="Map with this flow; the one it was recorded for.")
@click.option("--preview", is_flag=True, help="Show a record and what the map makes of it.")
@click.option("--record", "wanted", default="", metavar="ID", help="The record to preview; the first that passes.")
def replay(path: Path, flow: str, preview: bool, wanted: str) -> None:
    """Play a recorded session again, offline: the plugin's code as it is now, the answers as they were.

    \b
    Example:
      wherry dev replay tests/cassettes/deals.json --preview
    """
    from wherry.authoring import cassette, sessions

    own = face()
    session, strayed = sessions.replay(cassette.opened(path), own.project_file, flow)
    own.warnings += [f"{place} was asked otherwise than it was recorded" for place in strayed]
    if preview or wanted:
        _preview(session, wanted, path)
        return
    rows = [_row(one) for one in map(sessions.as_data, session.seen)]
    data = {"file": str(path), "account": session.account.name, "items": rows, "listed": session.listed}
    own.print("wherry.dev.replay/1", data, lambda: _played(data), [f"wherry dev replay {path} --preview"])


def _row(one: dict[str, Any]) -> dict[str, Any]:
    made = ", ".join(dict.fromkeys(draft["entity"] for draft in one["drafts"]))
    return {"kind": one["kind"], "record": one["record"], "becomes": made or f"left out: {one['reason']}"}


def _played(data: dict[str, Any]) -> Iterator[str]:
    yield f"{data['account']}: {plural(len(data['items']), 'record')}"
    yield from table(["KIND", "RECORD", "BECOMES"], [tuple(row.values()) for row in data["items"]])
    yield from (f"listed {number} of {entity}" for entity, number in data["listed"].items())


def _preview(session: Session, wanted: str, path: Path) -> None:
    from wherry.authoring.sessions import as_data
    from wherry.cli.maps import preview_lines
    from wherry.errors import NotFound

    mine = [one for one in session.seen if not wanted or one.record.id == wanted]
    found = next((one for one in mine if one.drafts), mine[0] if mine else None)
    if found is None:
        known = ", ".join(one.record.id for one in session.seen[:10]) or "none"
        raise NotFound(f"{path} has no record {wanted}".rstrip(), fix=f"records in it: {known}", code="WHERRY-3112")
    data = as_data(found)
    face().print("wherry.dev.replay.preview/1", data, lambda: preview_lines(data))
