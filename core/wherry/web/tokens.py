"""Tokens of the web host: made once, shown once, kept as hashes, good for scopes, ended by time or by a person.

A token is ``wht_<id>_<secret>``, its secret 256 random bits; with it comes an app key of the same strength, for routes
that ask for both. The id is no secret: it finds the row, whose hash is then compared in constant time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from msgspec import Struct

from wherry.clock import stored
from wherry.errors import AccessLost, ConfigError, NotFound, WherryError
from wherry.redaction import remember
from wherry.store import Store, audit, tokens
from wherry.store.tokens import TokenRow
from wherry.web.throttle import Throttle

SCOPE = re.compile(r"[a-z][a-z0-9-]*:[a-z][a-z0-9-]*")
LIFE = dt.timedelta(days=90)
"""How long a token is good for where nobody said."""
NOTED_EVERY = 60.0
"""Seconds between two notes of a token's use: each costs a transaction."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TOKEN = re.compile(r"wht_([a-z0-9]{10})_[A-Za-z0-9_-]{43}")
_NOBODY = TokenRow(
    id="", name="", hash="0" * 64, app_hash="0" * 64, scopes="", created_at="", created_by=""
)  # compared with where no row is found, so that an unknown id takes as long as a wrong secret

log = structlog.get_logger("wherry.web")


class Issued(Struct, frozen=True):
    """A new token with its two values, which nobody sees again."""

    row: TokenRow
    token: str
    app_key: str


class Caller(Struct, frozen=True):
    """Whom a token stands for."""

    id: str
    name: str
    scopes: frozenset[str]


def issue(
    store: Store, name: str, scopes: Sequence[str], known: Collection[str], life: dt.timedelta | None = LIFE
) -> Issued:
    """A new token for these scopes; without a ``life`` it never ends by itself. Raises ConfigError."""
    _check(name, scopes, known)
    id = secrets.token_hex(5)
    token, app_key = f"wht_{id}_{secrets.token_urlsafe(32)}", f"wha_{secrets.token_urlsafe(32)}"
    remember(token), remember(app_key)
    now = store.clock.now()
    row = TokenRow(
        id=id, name=name, hash=_hash(token), app_hash=_hash(app_key), scopes=" ".join(sorted(set(scopes))),
        created_at=store.now(), created_by=audit.actor(), expires_at=stored(now + life) if life else "",
    )  # fmt: skip
    with store.write() as tx:
        if any(other.name == name and not other.revoked_at for other in tokens.every(tx)):
            raise ConfigError(
                f"there is a token {name} already",
                fix=f"choose another name, or first: wherry token revoke {name}", code="WHERRY-2162",
            )  # fmt: skip
        tokens.add(tx, row)
        detail = {"id": id, "scopes": row.scopes.split(), "expires": row.expires_at}
        audit.write(tx, row.created_at, "token.create", name, detail)
    return Issued(row, token, app_key)


def _check(name: str, scopes: Sequence[str], known: Collection[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for a token", fix="lower case letters, digits, dots and hyphens: erp-reader",
            code="WHERRY-2160",
        )  # fmt: skip
    wrong = next((scope for scope in scopes if scope not in known), None)
    if wrong is not None or not scopes:
        raise ConfigError(
            f"no route of this project asks for the scope {wrong}" if wrong else "a token must be good for something",
            fix=f"scopes there are: {', '.join(sorted(known)) or 'none; enable a plugin that serves an API'}",
            code="WHERRY-2161",
        )  # fmt: skip


def revoke(store: Store, said: str) -> TokenRow:
    """End a token, by its name or id, for good. Raises NotFound where no live one is called so."""
    with store.write() as tx:
        live = [row for row in tokens.every(tx) if said in (row.name, row.id) and not row.revoked_at]
        if not live:
            raise NotFound(
                f"there is no live token {said}", fix="see: wherry token list", code="WHERRY-3061", token=said
            )
        at, by = store.now(), audit.actor()
        tokens.revoke(tx, live[0].id, at, by)
        audit.write(tx, at, "token.revoke", live[0].name, {"id": live[0].id})
    return live[0]


def listed(store: Store) -> list[dict[str, Any]]:
    """Every token without its hashes, and its state: ``live``, ``expired`` or ``revoked``."""
    now = store.now()
    with store.read() as tx:
        rows = tokens.every(tx)
    return [
        {
            "name": row.name, "id": row.id, "state": _state(row, now), "scopes": row.scopes.split(),
            "created": row.created_at, "created_by": row.created_by, "expires": row.expires_at,
            "used": row.used_at, "used_from": row.used_from, "revoked": row.revoked_at, "revoked_by": row.revoked_by,
        }
        for row in rows
    ]  # fmt: skip


def _state(row: TokenRow, now: str) -> str:
    return "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "live"


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class Gate:
    """Lets calls in by their token. One for a process: it counts wrong ones by address."""

    def __init__(self, store: Store, throttle: Throttle) -> None:
        self._store, self.throttle = store, throttle
        self._noted: dict[str, float] = {}
        self._lock = threading.Lock()

    def admit(self, authorization: str, app_key: str | None, scope: str, address: str) -> Caller:
        """The caller that a header ``Bearer …`` stands for; ``app_key`` is None where the route asks for none.

        Raises AccessLost (one sentence for whatever is wrong with a token, so that it tells a stranger nothing),
        Guarded where too many wrong ones came from the address.
        """
        self.throttle.check(address)
        row, why = self._find(authorization, app_key)
        if why:
            if authorization:
                self.throttle.note(address)
            log.warning("caller refused", reason=why, token=row.name, client=address)
            raise AccessLost(
                "this needs a bearer token that is valid" + (", with its app key" if app_key is not None else ""),
                fix="make one on the server with: wherry token create", code="WHERRY-5060",
            )  # fmt: skip
        if scope not in row.scopes.split():
            raise AccessLost(
                f"the token {row.name} is not good for {scope}",
                fix=f"make one that is: wherry token create NAME --scope {scope}", code="WHERRY-5061", scope=scope,
            )  # fmt: skip
        self._note(row, address)
        return Caller(row.id, row.name, frozenset(row.scopes.split()))

    def _find(self, authorization: str, app_key: str | None) -> tuple[TokenRow, str]:
        """The row, and what is wrong in a word for the log; the row of nobody where there is none."""
        kind, _, token = authorization.partition(" ")
        shaped = _TOKEN.fullmatch(token.strip())
        if kind.lower() != "bearer" or shaped is None:
            return _NOBODY, "no token" if not authorization else "no token of ours"
        with self._store.read() as tx:
            row = tokens.by_id(tx, shaped[1])
        held = row or _NOBODY
        good = hmac.compare_digest(_hash(token.strip()), held.hash)
        key_good = app_key is None or hmac.compare_digest(_hash(app_key), held.app_hash)
        if row is None or not good:
            return _NOBODY, "unknown token"
        remember(token.strip())  # not before: strangers must not push real secrets out of the redactor's memory
        state = _state(row, self._store.now())
        return row, state if state != "live" else "" if key_good else "wrong app key"

    def _note(self, row: TokenRow, address: str) -> None:
        """The last use, seldom; that the store is busy is no reason to refuse a caller."""
        now = self._store.clock.monotonic()
        with self._lock:
            if now - self._noted.get(row.id, -NOTED_EVERY) < NOTED_EVERY:
                return
            self._noted[row.id] = now
        try:
            with self._store.write() as tx:
                tokens.used(tx, row.id, self._store.now(), address)
        except WherryError as error:
            log.warning("use of a token not noted", token=row.name, reason=error.message)
