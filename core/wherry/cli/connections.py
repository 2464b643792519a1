"""``wherry connection …``."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator
from typing import Any

import click

from wherry.cli.connect import secret, token_for
from wherry.cli.context import Face
from wherry.cli.drawing import ago, clean, cut, pairs, plural, table
from wherry.cli.options import face, listing, more, page
from wherry.operating import callers, connecting, connections

NAME = click.argument("name", metavar="NAME")


@click.command("list")
@listing("connection", "state")
def list_(limit: int, cursor: str, sort: str | None) -> None:
    """Every connection and its state, as it was last seen; asks nobody."""
    own = face()
    rows = connections.listed(own.hub)
    rows, after = page(rows, "connection", limit, cursor, sort)
    data = {"items": rows, "cursor": after}
    own.print("wherry.connection.list/1", data, lambda: [*drawn(rows, own.hub.clock.now()), *more(after)])


def drawn(rows: list[dict[str, Any]], now: Any) -> Iterator[str]:
    """Connections as a table; state words as operators know them."""
    words = {"reconnect": "RECONNECT", "new": "not tested", "ok": "connected"}
    yield from table(
        ["CONNECTION", "PLUGIN", "STATE", "ACCOUNT", "CHECKED", "NOTE"],
        [(r["connection"], r["plugin"], words.get(_state(r), _state(r)), _account(r), ago(r["checked"], now),
          r["reason"]) for r in rows],
    )  # fmt: skip


def _state(row: dict[str, Any]) -> str:
    """A trouble is told before what goes on."""
    return "synchronizing" if row["synchronizing"] and row["state"] == "ok" else str(row["state"])


def _account(row: dict[str, Any]) -> str:
    return f"{row['account']} ({cut(row['account_id'], 13)})" if row["account"] else "-"


@click.command()
@NAME
def test(name: str) -> None:
    """Ask the system whose account this is, now."""
    own = face()
    account = connections.test(own.hub, name)
    here, now = callers.listed(own.hub, name), own.hub.clock.now()
    data = {"connection": name, "account": account.name, "account_id": account.id, "details": account.details,
            "contact": here[0] if here else None}  # fmt: skip
    requests = own.hub.wiring.requests()["total"]
    lines = [f"{name} reaches {account.name} ({account.id})", *pairs([*account.details.items(), *_here(here, now)])]
    own.print("wherry.connection.test/1", {**data, "requests": requests}, lines, _after_test(own, name))


def _after_test(own: Face, name: str) -> list[str]:
    """What can be looked at next: what the account holds, or what a flow would do with it."""
    if connections.describer(own.hub, name) is not None:
        return [f"wherry connection discover {name}"]
    flows = [flow for flow, table in sorted(own.hub.project.flows.items()) if name in (table.source, table.sink)]
    return [f"wherry plan {shlex.quote(flow)}" for flow in flows[:1]]


def _here(rows: list[dict[str, Any]], now: dt.datetime) -> Iterator[tuple[str, str]]:
    """Of a system that calls us: it cannot be asked now, so what is told is from its latest session."""
    for row in rows:
        yield "told", f"{ago(row['seen_at'], now)}, by {row['who']}: it calls, and cannot be asked from here"
        yield "its latest session", row["problem"]
        yield "refused", f"{plural(row['refused'], 'sign-in')} since: {row['fix']}" if row["refused"] else ""


@click.command("set-secret")
@NAME
@click.option("--field", default="", help="Which secret, such as auth.token, where there are several.")
def set_secret(name: str, field: str) -> None:
    """Keep a secret encrypted in the store. Read from a hidden prompt, or from standard input; never from the command.

    \b
    Examples:
      wherry connection set-secret crm
      pass show crm-token | wherry connection set-secret crm --field auth.token
    """
    own = face()
    data = connections.set_secret(own.hub, name, field, secret(own, "secret"))
    if data["note"]:
        own.warn(data["note"])
    own.print("wherry.connection.set-secret/1", data, f"kept {data['field']} of {name}, encrypted",
              [f"wherry connection test {name}"])  # fmt: skip


@click.command()
@NAME
@click.option("--field", default="", help="A secret to give anew, such as auth.client_secret; read like set-secret's.")
def rotate(name: str, field: str) -> None:
    """Renew what a connection signs in with: its tokens now, or a new token or secret. Tested before the old one goes.

    \b
    Examples:
      wherry connection rotate books
      pass show crm-token | wherry connection rotate crm
    """
    own = face()
    if field or connecting.kind(own.hub, name) == "token":
        account = connecting.rotate_secret(own.hub, name, field, token_for(own, name, field))
    else:
        account = connecting.rotate(own.hub, name)
    data = {"connection": name, "field": field, "account": account.name, "account_id": account.id}
    line = f"{name} signs in anew, and still reaches {account.name} ({account.id})"
    own.print("wherry.connection.rotate/1", data, line, [f"wherry connection test {name}"])


@click.command()
@click.option("--new-key", is_flag=True, help="Only put a new key in front of those of .wherry/key.")
def rekey(new_key: bool) -> None:
    """Encrypt all stored secrets under the newest key: the first of WHERRY_KEY, or of .wherry/key. Flows may run.

    What runs on (wherry serve) knows the keys that it was started with: restart it between the two.

    \b
    Examples:
      wherry connection rekey --new-key
      wherry connection rekey
    """
    own = face()
    data = connections.new_key(own.hub) if new_key else connections.rekey(own.hub)
    own.print("wherry.connection.rekey/1", data, _rekeyed(data, new_key), ["wherry connection rekey"] * new_key)


def _rekeyed(data: dict[str, Any], new_key: bool) -> list[str]:
    if new_key:
        return [f"key {data['key']} is the first one now; restart what runs on, then encrypt anew"]
    spare = "reads nothing here any more; backups of the store from before need it"
    return [
        f"{plural(data['moved'], 'secret')} encrypted anew: all are under key {data['key']} now",
        *(f"key {key} {spare}" for key in data["retired"]),
    ]


@click.command()
@NAME
@click.option("--only-here", is_flag=True, help="Forget the sign-in here without telling the vendor.")
def disconnect(name: str, only_here: bool) -> None:
    """End the sign-in at the vendor and forget it here. Links, history and what waits stay."""
    own = face()
    how = connecting.kind(own.hub, name)
    _typed(own, name)
    gone = connecting.disconnect(own.hub, name, only_here=only_here)
    data = {"connection": name, "vendor": gone.vendor, "flows": list(gone.flows), "left": list(gone.left),
            "signs_in_by_itself": gone.alone}  # fmt: skip
    lines = [
        f"{name} is disconnected: the vendor {gone.vendor}, and it is forgotten here",
        "links, history and what waits stay here, and what was written stays in the account",
        *(f"to be taken away by hand: {one}" for one in gone.left),
        *_stopped(gone),
    ]
    back = "connection set-secret" if how == "client" else "connect"
    after = (
        [f"wherry flow pause {shlex.quote(flow)}" for flow in gone.flows] if gone.alone else [f"wherry {back} {name}"]
    )
    own.print("wherry.connection.disconnect/1", data, lines, after)


def _stopped(gone: connecting.Gone) -> Iterator[str]:
    """What becomes of its flows."""
    if gone.alone:
        yield "until that is taken away it signs in again by itself" + (
            f", and these flows go on: {', '.join(gone.flows)}" if gone.flows else ""
        )
    elif gone.flows:
        yield f"until somebody signs in again, these flows do not run: {', '.join(gone.flows)}"


def _typed(own: Face, name: str) -> None:
    """Go on only once the name was typed. Raises ConfigError when nobody can be asked, Abort at another word."""
    if own.asks and not own.yes:
        if click.prompt(f"Type {name} to disconnect it", err=True) != name:
            raise click.Abort
    else:
        own.confirm(f"Disconnect {name}?")


@click.command()
@NAME
def adopt(name: str) -> None:
    """Give an account that is known here under an old name this connection's name; links and history stay."""
    own = face()
    data = connections.adopt(own.hub, name)
    own.print("wherry.connection.adopt/1", data, f"{data['account']} was {data['was']}, and is {name} from now on")


@click.command()
@NAME
@click.argument("what", type=click.Choice(["objects", "fields", "stages", "pipelines"]), required=False)
@click.option("--kind", default="", help="Only this kind of record.")
def discover(name: str, what: str | None, kind: str) -> None:
    """What the account holds: kinds of records, pipelines with their stages, fields by label and name."""
    own = face()
    data = connections.discover(own.hub, name, kind)
    data["kinds"] = {one: _only(found, what or "") for one, found in data["kinds"].items()}
    own.print("wherry.connection.discover/1", data, lambda: _discovered(data, what or ""))


def _only(found: dict[str, Any], what: str) -> dict[str, Any]:
    """What was asked for, of the description of a kind."""
    keys = {"fields": ("fields",), "pipelines": ("pipelines",), "stages": ("pipelines",), "objects": ()}.get(what)
    keys = keys and (*keys, "problem", "fix")
    return found if keys is None else {key: found[key] for key in keys if key in found}


def _discovered(data: dict[str, Any], what: str) -> Iterator[str]:
    if what == "objects":
        yield from data["kinds"]
        return
    for kind, found in data["kinds"].items():
        fields, pipelines = found.get("fields", []), found.get("pipelines", [])
        if found.get("problem"):
            yield from (f"{kind}   {clean(found['problem'])}", f"  fix  {clean(found['fix'])}")
            continue
        if what in ("pipelines", "stages") and not pipelines:
            continue
        told = {"fields": [plural(len(fields), "field")], "pipelines": [plural(len(pipelines), "pipeline")]}
        both = told["fields"] + (told["pipelines"] if pipelines else [])
        yield f"{kind}   {', '.join(told.get('pipelines' if what == 'stages' else what, both))}"
        if what == "pipelines":
            yield from (f"  {one['id']}   {clean(one['label'])}" for one in pipelines)
        elif what != "fields":
            yield from stages(pipelines)
        if what == "fields":
            rows = [(f["name"], f.get("label", ""), f.get("type", "")) for f in fields]
            yield from (f"  {line}" for line in table(["FIELD", "LABEL", "TYPE"], rows))


def stages(pipelines: list[dict[str, Any]]) -> Iterator[str]:
    """Pipelines with their stages by id, which is what the project file names; won ones are marked."""
    for pipeline in pipelines:
        yield f"  pipeline {pipeline['id']}   {pipeline['label']}"
        for stage in pipeline.get("stages", []):
            won = stage.get("closed") and stage.get("probability") in ("1", "1.0")
            mark = "   won" if won else "   closed" if stage.get("closed") else ""
            yield f"    {stage['id']}   {stage['label']}{mark}"
