"""Crash points, found by wrapping what a run passes through: the store's commits, the transport, written files.

Nobody lists points, so none can be forgotten; each has a name that is the same in every run of the same work, such as
``commit.inside@drain._advance#3``: what, where in it, whose, and which time. At a wanted point the process dies, stops,
or has its write refused. Token storage is a commit like any other, whose owner is ``secrets``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import httpx
import sqlalchemy as sa
from msgspec import Struct

from wherry.http import Http
from wherry.http.transport import Transport, route
from wherry.protocol import drain
from wherry.records import Call, Reply
from wherry.store.database import Database
from wherry.threads import Overlap

if TYPE_CHECKING:
    from wherry.web.host import Mounted
    from wherry.web.routes import HttpRequest, HttpResponse

Do = Literal["kill", "stop", "refuse"]
FILE_CALLS = ("replace", "rename", "pwrite")
"""How the core writes files beside the store; a test sees that there is no other way."""
KILLED = 86
"""The exit code of a process that died at its point."""
_SELF = ("wherry.store", "wherry.testing", "contextlib", "pathlib", "threading", "concurrent")


class Crash(Struct, frozen=True):
    """What happens at a point, by its name."""

    point: str
    do: Do = "kill"


class Probe:
    """Counts the points that a process passes, and acts at the wanted ones."""

    def __init__(self, crashes: Iterable[Crash] = ()) -> None:
        self._crashes = {crash.point: crash.do for crash in crashes}
        self._times: Counter[str] = Counter()
        self.passed: list[str] = []
        self._one = threading.Lock()

    def reach(self, what: str, where: str) -> None:
        """A point is reached; what was wanted there happens."""
        name = f"{what}@{where}"
        with self._one:
            self._times[name] += 1
            point = f"{name}#{self._times[name]}"
            self.passed.append(point)
        do = self._crashes.get(point)
        if do == "kill":
            os._exit(KILLED)
        if do == "stop":
            left = signal.alarm(0)  # what another does meanwhile is no time of this one's
            os.kill(os.getpid(), signal.SIGSTOP)
            signal.alarm(left)
        if do == "refuse":
            raise sa.exc.OperationalError("refused by the sweep", {}, OSError("database or disk is full"))


_watching: list[Probe] = []


def watch(probe: Probe) -> None:
    """Wrap everything that a run passes through, for the rest of this process's life, and let nothing run ahead."""
    if not _watching:
        _watch_store()
        _watch_transport()
        _watch_files()
        vars(drain)["fan_out"] = _one_by_one
        Overlap.pays = False  # type: ignore[assignment,method-assign]
    _watching[:] = [probe]


def _reach(what: str, where: str) -> None:
    _watching[0].reach(what, where)


def _watch_store() -> None:
    def made(self: Database, *given: Any, **told: Any) -> None:
        born(self, *given, **told)
        self.pause = lambda place: _reach(f"commit.{place}", owner())

    def created(self: Database, connection: sa.Connection) -> str | None:
        _reach("commit.before", "schema")
        found = create(self, connection)
        _reach("commit.after", "schema")
        return found

    born, create = Database.__init__, Database._create_once
    Database.__init__, Database._create_once = made, created  # type: ignore[method-assign]


def _watch_transport() -> None:
    def handled(self: Transport, request: httpx.Request) -> httpx.Response:
        where = f"{request.method} {route(request.url.path)}"
        _reach("http.before", where)
        response = handle(self, request)
        _reach("http.sent", where)
        return response

    def sent(self: Http, call: Call) -> Reply:
        reply = send(self, call)
        _reach("send.answered", f"{call.method} {call.items[0][:6] if call.items else call.path}")
        return reply

    def was_read(self: Http, method: str, path: str, **told: Any) -> Any:
        response = read(self, method, path, **told)
        _reach("read.answered", f"{method} {route(httpx.URL(path).path)}")
        return response

    handle, send, read = Transport.handle_request, Http.send, Http.read
    Transport.handle_request, Http.send, Http.read = handled, sent, was_read  # type: ignore[method-assign]


def watch_calls() -> None:
    """Wrap also what is answered to systems that call us."""
    from wherry.web.app import App

    if hasattr(App, "_unwatched"):
        return

    def handled(self: App, mounted: Mounted, call: HttpRequest) -> HttpResponse:
        where = f"{mounted.route.method} {mounted.route.path}"
        _reach("call.before", where)
        made = handle(self, mounted, call)
        _reach("call.answered", where)
        return made

    handle = App._handled
    App._unwatched, App._handled = handle, handled  # type: ignore[attr-defined, method-assign]


def _watch_files() -> None:
    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **told: Any) -> Any:
            _reach("file.before", owner())
            found = real(*given, **told)
            _reach("file.after", owner())
            return found

        return call

    for name in FILE_CALLS:
        setattr(os, name, wrapped(getattr(os, name)))


def owner() -> str:
    """Whose commit or file it is: the nearest function of the core outside the store."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("wherry") and not module.startswith(_SELF):
            return f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def _one_by_one(function: Callable[[Any], Any], arguments: Iterable[Any], **told: object) -> Iterator[Any]:
    for argument in arguments:
        yield function(argument)


def rehearse(told: dict[str, Any]) -> int:
    """A job that passes one point and does what it is told to there; it ends well if it goes on."""
    Probe([Crash("rehearsal@here#1", told["do"])] if told else ()).reach("rehearsal", "here")
    return 0
