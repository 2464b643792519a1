"""Who the Web Connector says it is: one user and one random password a connection, of which a hash is kept.

The password is made here and never chosen by people: 130 random bits cannot be guessed from their hash, however fast it
is made, so that strangers cannot keep the server busy with slow ones either.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from typing import Any

import msgspec
from msgspec import Struct
from wherry.redaction import remember
from wherry.roles import Documents

KIND = "access"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _LENGTH = 6, 5
_NOBODY_SALT, _NOBODY_HASH = "0" * 32, "0" * 64


class Access(Struct, frozen=True, kw_only=True):
    """What is kept of one connection's Web Connector. ``file_id`` stands for the connection in the company file."""

    user: str
    file_id: str
    """A GUID in braces, the same for ever."""
    url: str = ""
    """Where the Web Connector reaches this host, without the path."""
    every: int = 15
    """Minutes between two updates, as the .QWC file proposes them."""
    salt: str = _NOBODY_SALT
    hash: str = _NOBODY_HASH
    changed_at: str = ""
    """When the password was made; empty while there is none."""


def new(connection: str) -> Access:
    """Access to a connection that had none: its user and its file id are made once."""
    user = f"{connection}-{secrets.token_hex(3)}"
    return Access(user=user, file_id=f"{{{str(uuid.uuid4()).upper()}}}")


def rotated(access: Access, now: str) -> tuple[Access, str]:
    """The access with a new password, and the password itself: nobody sees it again."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(_GROUPS))
    password = "-".join(groups)
    remember(password)
    salt = secrets.token_hex(16)
    return msgspec.structs.replace(access, salt=salt, hash=_hash(salt, password), changed_at=now), password


def matches(access: Access | None, user: str, password: str) -> bool:
    """Whether this is who may come. Takes as long for an unknown connection as for a wrong password."""
    held = access or Access(user="", file_id="")
    same_user = hmac.compare_digest(held.user.encode(), user.encode())
    same_password = hmac.compare_digest(held.hash, _hash(held.salt, password))
    return same_user and same_password and bool(held.changed_at)


def load(documents: Documents, connection: str) -> Access | None:
    """What is kept of a connection; None before its set-up."""
    found: dict[str, Any] | None = documents.get(KIND, [connection]).get(connection)
    return None if found is None else msgspec.convert(found, Access)


def save(documents: Documents, connection: str, access: Access) -> None:
    documents.put(KIND, [(connection, msgspec.to_builtins(access))])


def _hash(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}:{password}".encode()).hexdigest()
