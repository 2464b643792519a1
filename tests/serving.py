"""What the tests of the web host share: a project that is served on the loopback interface, and its callers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from wherry.hub import Hub
from wherry.roles import Clock
from wherry.testing.clock import FakeClock
from wherry.web import host, tokens
from wherry.web.app import App, Limits, Site
from wherry.web.routes import HttpRoute
from wherry.web.server import Listening, WebServer, listen

PROJECT = """
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["workspace"]
[connections.platform]
plugin = "workspace"
"""
SCOPES = ("export:read", "export:write")


class Served:
    """A hub behind a real server. ``key`` is a header pair of a token; requests go over the loopback interface."""

    def __init__(self, hub: Hub, url: str, app: App, server: WebServer) -> None:
        self.hub, self.url, self.app, self.server = hub, url, app, server
        self.http = httpx.Client(base_url=url, timeout=30, verify=False)

    def issue(self, name: str = "erp", *scopes: str, life: Any = tokens.LIFE) -> tokens.Issued:
        return tokens.issue(self.hub.store, name, scopes or SCOPES, [*SCOPES, *scopes], life)

    def key(self, name: str = "erp", *scopes: str) -> dict[str, str]:
        return headers(self.issue(name, *scopes))

    def audit(self, what: str) -> list[dict[str, Any]]:
        from wherry.store import audit

        with self.hub.store.read() as tx:
            return audit.find(tx, what=what)


def headers(issued: tokens.Issued) -> dict[str, str]:
    return {"authorization": f"Bearer {issued.token}", "x-app-key": issued.app_key}


@contextlib.contextmanager
def served(
    folder: Path, *, project: str = PROJECT, clock: Clock | None = None, limits: Limits | None = None,
    more: Sequence[tuple[str, HttpRoute]] = (), listening: Listening | None = None, environ: Mapping[str, str] = {},
    tls: bool = False,
) -> Iterator[Served]:  # fmt: skip
    """A project's host in a thread. ``more`` are routes beside those of its plugins: (plugin, route)."""
    (folder / "wherry.toml").write_text(project, "utf-8")
    with Hub.open(folder, environ=dict(environ), clock=clock or FakeClock()) as hub:
        routes = host.collect(hub)
        mounted = (*routes.mounted, *(host.Mounted(system, route) for system, route in more))
        where = listening or Listening(port=0)
        app = App(hub, host.Routes(mounted, routes.left_out), Site(names=where.admitted(), tls=where.tls,
                  limits=limits or Limits()))  # fmt: skip
        with listen(where) as listener:
            server = WebServer(app, where)
            thread = threading.Thread(target=server.serve_on, args=(listener,), daemon=True)
            thread.start()
            wait(lambda: server.started or not thread.is_alive())
            found = Served(hub, f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", app, server)
            try:
                yield found
            finally:
                found.http.close()
                server.stop()
                thread.join()


def wait(ready: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)
