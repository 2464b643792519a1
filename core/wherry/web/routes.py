"""What a plugin gives the web host, and what it gets from it. Plain values: no plugin needs a web framework.

A route says who may call it: the bearer of a token with its ``scope``, or, where it checks its caller itself (a signed
webhook), everybody, with the reason in ``open``. A route that says neither is not mounted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct, field

from wherry.errors import WherryError
from wherry.roles import Connection, Documents
from wherry.settings import SecretRef

MOST_BYTES = 1 << 20


class HttpRequest(Struct, frozen=True, kw_only=True):
    """One call, complete: its body is read, its caller is known."""

    method: str
    path: str
    url: str
    """The whole address as the caller wrote it: some signatures cover it."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """What the path's ``{names}`` stand for."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded, in order, repeated ones too."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    by: str = ""
    """Who calls, for the audit log: ``token NAME``; empty on an open route."""
    address: str = ""


class HttpResponse(Struct, frozen=True, kw_only=True):
    """``data`` is written as JSON (``msgspec.Raw`` as it stands); ``content`` goes out as it is, as ``media``."""

    status: int = 200
    data: Any = None
    content: bytes | None = None
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    error: WherryError | None = None
    """What was wrong with the call: becomes the body, in the envelope that every error of the host has."""


class HttpRoute(Struct, frozen=True, kw_only=True):
    """One address and what answers it. ``handle`` is called in a thread of the host and may block, not for long."""

    method: str
    path: str
    """Under ``/hooks/<plugin>/``, or an address that the plugin owns; ``{id}`` and ``{id:int}`` as in Starlette."""
    handle: Callable[[HttpRequest], HttpResponse]
    scope: str = ""
    """What the caller's token must be good for, such as ``export:read``."""
    app_key: tuple[str, ...] = ()
    """Headers of which one must carry the token's app key; empty where the bearer token is enough."""
    open: str = ""
    """Why no token is asked for, such as ``signed by the vendor``. ``handle`` must answer 401 itself."""
    most: int = MOST_BYTES
    """Bytes of a body; more is refused unread."""
    about: str = ""
    """One line for people."""


class Notification(Struct, frozen=True, kw_only=True):
    """What a system told of a change, by a webhook: a hint to read, never data. ``id`` tells a repeated delivery."""

    id: str
    connection: str
    kind: str
    """The vendor's word for what changed."""
    record: str
    """The vendor's id of it."""
    what: str
    """``created``, ``updated`` …"""
    at: str
    """When it happened, by the vendor's clock; ISO 8601, UTC."""


class Snapshot(Documents, Protocol):
    """A plugin's documents as they stand at one moment."""

    def sequence(self) -> int:
        """The number of the last change of any of them: while it is the same, all of them are."""
        ...


class Change(Protocol):
    """A transaction that a route writes in. It commits on leaving, with its audit rows, or not at all."""

    documents: Documents

    def audit(self, action: str, object: str, detail: Any = None) -> None:
        """One row of the audit log, by whom the transaction was opened for."""
        ...


class Host(Protocol):
    """What the web host offers one plugin. Safe for threads."""

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The plugin's own connections that can be used, by name."""
        ...

    def account(self, connection: str) -> str:
        """The vendor's id of the account that the connection is bound to; empty before its first check."""
        ...

    def reveal(self, connection: str, secret: SecretRef) -> str:
        """A secret's value, at most a minute old. Raises ConfigError, AccessLost where it is not to be had."""
        ...

    def reading(self) -> AbstractContextManager[Snapshot]:
        """The plugin's documents as they stand now; nothing may be written."""
        ...

    def changing(self, by: str) -> AbstractContextManager[Change]:
        """The plugin's documents in a transaction of their own, on behalf of somebody."""
        ...

    def drain(self, connection: str) -> None:
        """Send what waits for a system that calls us, for as long as it is there, and settle what it answers.

        Raises Busy when another process does, Guarded when the account is another than the one bound, TryAgain when
        the system has left or is out of order. What was settled before stays settled.
        """
        ...

    def notify(self, told: Sequence[Notification]) -> int:
        """Keep what was told, each once; how many were new. Durable when it returns."""
        ...
