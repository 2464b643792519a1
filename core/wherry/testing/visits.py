"""A system that calls us, under a sweep: what is sent to it leaves while it is here.

The system is the bench's, which outlives the processes that die. A process serves the project's routes, asks the system
to come (``door``) and waits until it has gone; so a point of it may lie in the middle of a visit.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from wherry.simulator import serve

if TYPE_CHECKING:
    from wherry.hub import Hub

APART = 200.0
"""Seconds between two visits: what an earlier one left behind must have ended by then."""
MOST = 3
"""How often a system comes to one process."""
_LONGEST = 120.0
Visit = Callable[[str], bool]
"""The system calls the host at an address until it is done. Whether it may come again to the same process."""


@contextlib.contextmanager
def door(visit: Visit | None) -> Iterator[str]:
    """Where processes ask the system to come; its address, empty for a system that does not."""
    if visit is None:
        yield ""
        return
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def come(request: Request) -> JSONResponse:
        return JSONResponse({"again": visit(request.query_params["to"])})

    with serve(Starlette(routes=[Route("/", come, methods=["POST"])])) as address:
        yield address


def receive(hub: Hub, flow: str, system: str) -> None:
    """Be there for the system at that door, until nothing of the flow waits for it any more."""
    with served(hub) as address:
        for _ in range(MOST):
            hub.clock.sleep(APART)
            if not _come(system, address) or not _waits(hub, flow):
                return


@contextlib.contextmanager
def served(hub: Hub) -> Iterator[str]:
    """The project's host on a free port of this machine; its address."""
    from wherry.web import host
    from wherry.web.app import App, Site
    from wherry.web.server import Listening

    app = App(hub, host.collect(hub), Site(names=Listening().admitted()))
    try:
        with serve(app) as address:
            yield address
    finally:
        app.close()


def _come(system: str, address: str) -> bool:
    calling = http.client.HTTPConnection(urlsplit(system).netloc, timeout=_LONGEST)
    with contextlib.closing(calling):
        calling.request("POST", f"/?to={quote(address, safe='')}")
        return bool(json.loads(calling.getresponse().read())["again"])


def _waits(hub: Hub, flow: str) -> bool:
    from wherry.store import ledger

    with hub.store.read() as tx:
        left = ledger.count_open(tx, flow)
    return any(left.get(state) for state in ("queued", "unknown", "waiting"))
