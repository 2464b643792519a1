"""When the Web Connector was here last, and how often it was not let in: what ``wherry status`` shows of it."""

from __future__ import annotations

import datetime as dt

import msgspec
from wherry.clock import stored
from wherry.contact import CONTACT, Contact
from wherry.roles import Documents

from .passwords import Access

WHO = "the Web Connector"
SILENT_TIMES = 3
"""Intervals without a call after which it counts as silent."""


def load(documents: Documents, connection: str) -> Contact:
    """What is kept of a connection's."""
    found = documents.get(CONTACT, [connection]).get(connection)
    return _none(connection) if found is None else msgspec.convert(found, Contact)


def admitted(documents: Documents, connection: str, access: Access, now: dt.datetime) -> None:
    """It was let in: what was refused before is over."""
    _save(documents, connection, seen_at=stored(now), silent_after=SILENT_TIMES * access.every * 60, refused=0,
          refused_at="", refused_from="", fix="")  # fmt: skip


def refused(
    documents: Documents, connection: str, access: Access | None, now: dt.datetime, address: str, user: str
) -> None:
    """It was not let in, from this address and with this user."""
    count = load(documents, connection).refused + 1
    fix = _fix(connection, access, user)
    _save(documents, connection, refused=count, refused_at=stored(now), refused_from=address, fix=fix)


def seen(documents: Documents, connection: str, at: str, problem: str) -> None:
    """A session of it stands like this; ``problem`` is empty where nothing went wrong."""
    _save(documents, connection, seen_at=at, problem=problem)


def _fix(connection: str, access: Access | None, user: str) -> str:
    if access is None or not access.changed_at:
        return f"it is not set up yet: wherry qbwc setup {connection} --url https://hub.example.com"
    if user != access.user:
        return (
            f"it gave another user than {access.user}, so its file is of another connection or set-up: remove the "
            f"application there, and add the file that this writes: wherry qbwc file {connection}"
        )
    return f"give {WHO} the password of {access.user}; a new one: wherry qbwc password {connection} --rotate"


def _save(documents: Documents, connection: str, **facts: object) -> None:
    told = msgspec.structs.replace(load(documents, connection), **facts)
    documents.put(CONTACT, [(connection, msgspec.to_builtins(told))])


def _none(connection: str) -> Contact:
    return Contact(who=WHO, see=f"wherry qbwc status {connection}")
