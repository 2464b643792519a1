"""The host as plugins see it, and which of their routes it mounts."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct

from wherry.errors import WherryError
from wherry.hub import Hub
from wherry.roles import Connection, Documents
from wherry.settings import SecretRef
from wherry.store import audit, registry
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.web import notifications
from wherry.web.routes import HttpRoute, Notification
from wherry.web.tokens import SCOPE

REVEALED_FOR = 60.0
"""Seconds that a revealed secret is kept: a command that prints it must not be run for every call."""
OWN = ("/health", "/ready")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(r"(/\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*|/\{[a-z_]+(:[a-z]+)?\})+")
_HOOKS = "/hooks/"

log = structlog.get_logger("wherry.web")


class Changing:
    """A transaction with its audit rows. Implements ``routes.Change``."""

    def __init__(self, tx: Tx, system: str) -> None:
        self.documents: Documents = DocumentView(tx, system)
        self.rows: list[tuple[str, str, Any]] = []

    def audit(self, action: str, object: str, detail: Any = None) -> None:
        self.rows.append((action, object, detail))


class PluginHost:
    """What one plugin may do in the host. Implements ``routes.Host``."""

    def __init__(self, hub: Hub, system: str) -> None:
        self._hub, self._system = hub, system
        self._revealed: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._connections = dict(_usable(hub, system))

    @property
    def connections(self) -> Mapping[str, Connection]:
        return self._connections

    def account(self, connection: str) -> str:
        with self._hub.store.read() as tx:
            row = registry.connection(tx, connection)
        return row.account_id if row is not None and row.plugin == self._system else ""

    def reveal(self, connection: str, secret: SecretRef) -> str:
        key, now = (connection, secret.key), self._hub.clock.monotonic()
        with self._lock:
            at, value = self._revealed.get(key, (now - REVEALED_FOR, ""))
            if now - at >= REVEALED_FOR:
                value = self._hub.wiring.reveal(connection, secret)
                self._revealed[key] = now, value
        return value

    @contextlib.contextmanager
    def reading(self) -> Iterator[DocumentView]:
        with self._hub.store.read() as tx:
            yield DocumentView(tx, self._system)

    @contextlib.contextmanager
    def changing(self, by: str) -> Iterator[Changing]:
        with self._hub.store.write() as tx:
            change = Changing(tx, self._system)
            yield change
            audit.write_many(tx, self._hub.store.now(), change.rows, by=by)

    def drain(self, connection: str) -> None:
        wiring = self._hub.wiring
        wiring.identity.rebind(wiring.connection(connection), wiring.writer(connection))
        self._hub.drain(connection)

    def notify(self, told: Sequence[Notification]) -> int:
        return notifications.keep(self._hub.store, [one for one in told if one.connection in self._connections])


def _usable(hub: Hub, system: str) -> Iterator[tuple[str, Connection]]:
    for name, table in hub.project.connections.items():
        if table.plugin == system:
            try:
                yield name, hub.wiring.connection(name)
            except WherryError as error:
                log.warning("connection left out", connection=name, reason=error.message)


class Mounted(Struct, frozen=True):
    """A route with the plugin that brought it."""

    system: str
    route: HttpRoute


class Routes(Struct, frozen=True):
    """What is mounted, and which plugins brought something that is not."""

    mounted: tuple[Mounted, ...]
    left_out: tuple[str, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that a route asks for: what a token can be good for."""
        return frozenset(one.route.scope for one in self.mounted if one.route.scope)


def collect(hub: Hub) -> Routes:
    """The routes of every plugin of the project; those of a plugin that fails, or that are none, are left out."""
    mounted: list[Mounted] = []
    left_out: dict[str, None] = {}
    for system in list(hub.plugins.manifests):
        problems = len(hub.plugins.problems)
        taken = {(one.route.method, _shape(one.route.path)) for one in mounted}
        for route in _asked(hub, system):
            why = unfit(route, system, taken)
            if why:
                log.error("route left out", plugin=system, reason=why)
                left_out[system] = None
                continue
            taken.add((route.method, _shape(route.path)))
            mounted.append(Mounted(system, route))
        if len(hub.plugins.problems) > problems:
            left_out[system] = None
    return Routes(tuple(mounted), tuple(left_out))


def _asked(hub: Hub, system: str) -> list[Any]:
    host = PluginHost(hub, system)
    connection = next(iter(host.connections.values()), None) or Connection(system, system, None)
    return hub.plugins.routes(system, hub.wiring.services(connection), host)


def unfit(route: object, system: str, taken: Iterable[tuple[str, str]]) -> str:
    """Why a route is not mounted, as half a sentence; empty where it is."""
    if not isinstance(route, HttpRoute):
        return f"a {type(route).__name__} is no HttpRoute"
    spelled = f"{route.method} {route.path}"
    if route.method not in _METHODS or not _PATH.fullmatch(route.path):
        return f"{spelled} is no address"
    if route.path in OWN or (route.path.startswith(_HOOKS) and not route.path.startswith(f"{_HOOKS}{system}/")):
        return f"{spelled} is not the plugin's own"
    if bool(route.scope) == bool(route.open):
        return f"{spelled} must say either its scope or why it is open"
    if route.scope and not SCOPE.fullmatch(route.scope):
        return f"{spelled} has the scope {route.scope!r}, which is no word:word"
    return f"{spelled} is there already" if (route.method, _shape(route.path)) in set(taken) else ""


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)
