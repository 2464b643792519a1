"""``wherry token …``: who may call the web host."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import click

from wherry.cli.drawing import ago, table
from wherry.cli.options import face, listing, more, page
from wherry.settings.values import interval
from wherry.web import host, tokens

NEVER = "never"


class Life(click.ParamType[dt.timedelta | None]):
    """How long something is good for: 90d, 12h, never."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.timedelta | None:
        if value == NEVER or isinstance(value, dt.timedelta):
            return None if value == NEVER else value
        try:
            found = interval(value)
            if found > dt.timedelta(days=3650):
                raise ValueError(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time; write it like 90d, 12h or never", param, ctx)
        return found


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--scope", "scopes", multiple=True, required=True, metavar="SCOPE",
              help="What it is good for, such as export:read; may be repeated. See: wherry serve --routes")  # fmt: skip
@click.option("--expires", type=Life(), default="90d", show_default=True, help="When it ends: 90d, 12h, never.")
def create(name: str, scopes: tuple[str, ...], expires: dt.timedelta | None) -> None:
    """Make a token and show it, this once: only its hash is kept.

    \b
    Example:
      wherry token create erp --scope export:read --scope export:write --expires 90d
    """
    own = face()
    issued = tokens.issue(own.hub.store, name, scopes, host.collect(own.hub).scopes, expires)
    row = issued.row
    data = {"name": name, "id": row.id, "token": issued.token, "app_key": issued.app_key,
            "scopes": row.scopes.split(), "expires": row.expires_at}  # fmt: skip
    lines = [
        f"token    {issued.token}", f"app key  {issued.app_key}",
        f"good for {', '.join(row.scopes.split())} " + (f"until {row.expires_at[:10]}" if expires else "until revoked"),
        "keep both now: they are not shown again",
    ]  # fmt: skip
    own.print("wherry.token.create/1", data, lines, ["wherry serve"])


@click.command("list")
@listing("name", "used")
def list_(limit: int, cursor: str, sort: str | None) -> None:
    """Every token, what it is good for, and when it was used last; never its value."""
    own = face()
    rows = sorted(tokens.listed(own.hub.store), key=lambda row: (row["name"], row["id"]))
    rows, after = page(rows, "id", limit, cursor, sort)
    data = {"items": rows, "cursor": after}
    own.print("wherry.token.list/1", data, lambda: [*_listed(rows, own.hub.clock.now()), *more(after)])


def _listed(rows: list[dict[str, Any]], now: dt.datetime) -> Iterator[str]:
    if not rows:
        yield "there is no token"
        return
    yield from table(
        ["NAME", "ID", "STATE", "SCOPES", "EXPIRES", "LAST USED"],
        [(row["name"], row["id"], row["state"], ", ".join(row["scopes"]), row["expires"][:10] or NEVER,
          f"{ago(row['used'], now)} from {row['used_from']}" if row["used"] else NEVER) for row in rows],
    )  # fmt: skip


@click.command()
@click.argument("name", metavar="NAME")
def revoke(name: str) -> None:
    """End a token, by its name or id: the next call with it is refused."""
    own = face()
    row = tokens.revoke(own.hub.store, name)
    own.print("wherry.token.revoke/1", {"name": row.name, "id": row.id}, f"{row.name} is revoked; it was made "
              f"{row.created_at[:10]} by {row.created_by}")  # fmt: skip
