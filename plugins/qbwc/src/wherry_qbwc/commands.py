"""``wherry qbwc``: the set-up of a Web Connector, its file and password, and how it is doing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from wherry.clock import stored
from wherry.commands import face
from wherry.errors import ConfigError, NotFound

from wherry_qbwc import contacts, passwords, places, qwc, sessions
from wherry_qbwc.passwords import Access
from wherry_qbwc.words import statuses

if TYPE_CHECKING:
    from wherry.contact import Contact
    from wherry.hub import Hub


@click.group("qbwc")
def group() -> None:
    """Set up the QuickBooks Web Connector and see how it is doing."""


@group.command("setup")
@click.argument("name", metavar="CONNECTION")
@click.option("--url", required=True, help="This host as the Windows computer reaches it: https://hub.example.com")
@click.option("--every", type=click.IntRange(1, 1440), default=15, show_default=True, help="Minutes between updates.")
def setup(name: str, url: str, every: int) -> None:
    """Say where the Web Connector calls, and make its user and password; the password is shown this once.

    Said again it changes the address or the interval alone: user, password and file id stay.

    \b
    Example:
      wherry qbwc setup desktop --url https://hub.example.com
    """
    own, address = face(), qwc.checked(url)
    with own.documents(name) as documents:
        before = passwords.load(documents, name)
        access = msgspec.structs.replace(before or passwords.new(name), url=address, every=every)
        password = ""
        if not access.changed_at:
            access, password = passwords.rotated(access, stored(own.hub.clock.now()))
        passwords.save(documents, name, access)
    own.audit("qbwc.setup", name, _plain(before) if before else None, _plain(access))
    data = {"connection": name, **_plain(access), "address": access.url + qwc.path(name), "password": password}
    serve, *rest = qwc.serving(access.url)
    lines = [f"address   {data['address']}", f"user      {access.user}", *_shown(password),
             *(f"{'' if n else 'served by':9} {one}" for n, one in enumerate(rest))]  # fmt: skip
    own.print("wherry.qbwc.setup/1", data, lambda: lines, [f"wherry qbwc file {name}", serve])


@group.command("file")
@click.argument("name", metavar="CONNECTION")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it: CONNECTION.qwc")
def file(name: str, out: Path | None) -> None:
    """Write the .QWC file to open in the Web Connector. It holds no password; written again it is the same file."""
    own = face()
    with own.documents(name) as documents:
        access = _set_up(passwords.load(documents, name), name)
    place = out or Path(f"{name}.qwc")
    content = qwc.document(name, access, own.project().name)
    try:
        place.write_bytes(content)
    except OSError as error:
        raise ConfigError(
            f"{place} cannot be written: {error.strerror or error}", fix="choose another place with --out",
            code="WHERRY-2351",
        ) from None  # fmt: skip
    data = {"connection": name, "file": str(place), "user": access.user, "owner_id": qwc.OWNER_ID}
    lines = [
        f"wrote {place}",
        f"open it on the Windows computer, in the Web Connector: Add an application; user {access.user}",
    ]
    own.print("wherry.qbwc.file/1", {**data, "file_id": access.file_id}, lambda: lines, [f"wherry qbwc status {name}"])


@group.command("password")
@click.argument("name", metavar="CONNECTION")
@click.option("--rotate", is_flag=True, help="Make a new one; the old one is good for nothing at once.")
def password(name: str, rotate: bool) -> None:
    """When the password was made; with --rotate a new one, shown this once: a hash is kept, which nobody can read."""
    own, made = face(), ""
    with own.documents(name) as documents:
        access = _set_up(passwords.load(documents, name), name)
        if rotate:
            access, made = passwords.rotated(access, stored(own.hub.clock.now()))
            passwords.save(documents, name, access)
    if rotate:
        own.audit("qbwc.password", name, None, {"made": access.changed_at})
    data = {"connection": name, "user": access.user, "made": access.changed_at, "password": made}
    lines = [
        f"user      {access.user}",
        *(_shown(made) if rotate else [f"made      {access.changed_at}, and not kept"]),
    ]
    after = [f"wherry qbwc status {name}"] if rotate else [f"wherry qbwc password {name} --rotate"]
    own.print("wherry.qbwc.password/1", data, lambda: lines, after)


@group.command("moved")
@click.argument("name", metavar="CONNECTION")
def moved(name: str) -> None:
    """Say that the company file lies elsewhere now, or is opened through another drive: it is no copy of it.

    Sessions hold back what waits as long as the file is open from a path that nobody has said yes to.
    """
    own = face()
    with own.documents(name) as documents:
        before, path = places.known(documents, name), places.accept(documents, name)
    if not path:
        raise NotFound(
            f"no session of {name} has met its company file at another place", code="WHERRY-3351",
            fix=f"see: wherry qbwc status {name}", connection=name,
        )  # fmt: skip
    own.audit("qbwc.moved", name, before, [*before, path])
    data = {"connection": name, "company_file": path, "before": before}
    lines = [f"company file  {path}", "what waits leaves with the next session"]
    own.print("wherry.qbwc.moved/1", data, lambda: lines, [f"wherry qbwc status {name}"])


@group.command("status")
@click.argument("name", metavar="CONNECTION")
def status(name: str) -> None:
    """When the Web Connector was here last, what waits for it, what QuickBooks said, and what to do about it."""
    own = face()
    with own.documents(name) as documents:
        access, kept = passwords.load(documents, name), sessions.load(documents, name)
        contact = contacts.load(documents, name)
    now = own.hub.clock.now()
    told = _told(kept) if kept else {}
    waiting = _waiting(own.hub, name)
    silent = bool(access and kept) and _silent(kept, access, now)
    refused = {"number": contact.refused, "at": contact.refused_at, "from": contact.refused_from, "fix": contact.fix}
    data = {"connection": name, "set_up": access is not None, "silent": silent, "waiting": waiting, "session": told,
            "books": _books(own.hub, name), "refused": refused}  # fmt: skip
    if access is not None:
        data |= {"user": access.user, "address": access.url + qwc.path(name), "password_made": access.changed_at}
    advice = _advice(name, access, told, silent, contact)
    data["advice"] = advice
    own.print("wherry.qbwc.status/1", data, lambda: _lines(data, now), _next(name, access, waiting))


# -- what they share ---------------------------------------------------------------------------------------------------


def _set_up(access: Access | None, name: str) -> Access:
    if access is None or not access.url:
        raise ConfigError(
            f"{name} has no set-up yet: nobody said where the Web Connector calls",
            fix=f"wherry qbwc setup {name} --url https://hub.example.com", code="WHERRY-2352", connection=name,
        )  # fmt: skip
    return access


def _shown(password: str) -> list[str]:
    if not password:
        return ["password  as before; a new one: --rotate with wherry qbwc password"]
    return [f"password  {password}", "keep it now, for the Web Connector to ask for: it is not shown again"]


def _plain(access: Access) -> dict[str, Any]:
    """An access without what its password is checked by."""
    return {"user": access.user, "url": access.url, "every": access.every, "made": access.changed_at}


def _told(kept: sessions.Kept) -> dict[str, Any]:
    """The latest session as people ask for it: never its ticket, and its code in plain words."""
    told: dict[str, Any] = msgspec.to_builtins(kept)
    meant = None
    if kept.code:
        meant = statuses.meaning(int(kept.code)) if kept.code.isdecimal() else statuses.of_hresult(kept.code)
    told |= {"meaning": meant.meaning if meant else "", "fix": meant.fix if meant else ""}
    return {name: value for name, value in told.items() if name not in ("ticket", "process")}


def _silent(kept: sessions.Kept | None, access: Access | None, now: dt.datetime) -> bool:
    if kept is None or access is None:
        return False
    return now - dt.datetime.fromisoformat(kept.seen_at) > dt.timedelta(minutes=contacts.SILENT_TIMES * access.every)


def _waiting(hub: Hub, name: str) -> dict[str, int]:
    """State → number of things, of every flow into the connection; what somebody has to approve first stands apart."""
    from wherry.store import inquiries, ledger

    found: Counter[str] = Counter()
    with hub.store.read() as tx:
        held = inquiries.for_approval(tx)
        for flow in (one for one, table in hub.project.flows.items() if table.sink == name):
            found.update({state: sum(entities.values()) for state, entities in ledger.count_open(tx, flow).items()})
            if flow in held:
                found.subtract({state: sum(entities.values()) for state, entities in held[flow].states.items()})
                found["for approval"] += sum(sum(entities.values()) for entities in held[flow].states.values())
    return {state: number for state, number in found.items() if number}


def _books(hub: Hub, name: str) -> str:
    """The company that the connection writes to, by its name in QuickBooks; empty before the first session."""
    from wherry.store import registry

    with hub.store.read() as tx:
        row = registry.connection(tx, name)
    return row.account_name if row is not None else ""


def _advice(
    name: str, access: Access | None, told: Mapping[str, Any], silent: bool, contact: Contact
) -> list[str]:  # fmt: skip
    """What to do next, a sentence each; empty where all is well."""
    if access is None:
        return ["it is not set up yet"]
    if contact.refused:
        return [contact.fix]
    if not told:
        return [f"the Web Connector never was here: open {name}.qwc in it, give it the password, and press Update"]
    advice = [str(told["fix"])] if told["fix"] else []
    if silent:
        advice.append(
            "the Web Connector is silent: look whether the Windows user is signed in, the Web Connector runs, "
            "Auto-Run is ticked, and wherry serve runs"
        )
    return advice


def _lines(data: Mapping[str, Any], now: dt.datetime) -> Iterable[str]:
    from wherry.cli.drawing import ago, counts, plural

    told, refused = data["session"], data["refused"]
    yield f"address       {data.get('address') or 'none'}"
    yield f"user          {data.get('user') or 'none'}"
    yield f"last contact  {ago(told['seen_at'], now) if told else 'never'}"
    if refused["number"]:
        last = f"the last {ago(refused['at'], now)} from {refused['from']}"
        yield f"refused       {plural(refused['number'], 'sign-in')}, {last}: wrong user or password"
    yield f"waiting       {counts(data['waiting']) or 'nothing'}"
    if data["books"]:
        yield f"books         {data['books']}"
    if told:
        yield f"company file  {told['company_file'] or 'unknown'}"
        yield f"session       {told['handed']} handed out, {'closed' if told['closed_at'] else 'going on'}"
        if told["problem"]:
            yield f"problem       {told['problem']}"
        if told["code"]:
            yield f"QuickBooks    {told['code']}: {told['meaning']}"
    yield from (f"to do         {one}" for one in data["advice"])


def _next(name: str, access: Access | None, waiting: Mapping[str, int]) -> list[str]:
    if access is None:
        return [f"wherry qbwc setup {name} --url https://hub.example.com"]
    words = {"triage": "wherry triage list", "for approval": "wherry status"}
    found = ["wherry errors list"] if waiting.keys() & {"refused", "decide", "differs"} else []
    return found + [command for state, command in words.items() if state in waiting]
