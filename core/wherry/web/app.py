"""The host as an ASGI application: who may call what, how much, how long; the answers come from threads.

A call passes, in this order: its address (Host header), the number of calls that are on their way, its token and scope,
its size and time, and then the plugin's own function in a thread. Every answer carries the same headers, and every
error the same envelope.
"""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wherry import __version__
from wherry.errors import Busy, ContractBroken, Guarded, NotFound, TryAgain, WherryError
from wherry.hub import Hub
from wherry.store.database import SCHEMA
from wherry.web.envelope import envelope, headers_of, status_of
from wherry.web.host import Mounted, Routes
from wherry.web.routes import HttpRequest, HttpResponse, HttpRoute
from wherry.web.throttle import Throttle
from wherry.web.tokens import Gate

T = TypeVar("T")
log = structlog.get_logger("wherry.web")

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer. Nothing here is for a browser, and no other site may read it: there is no CORS."""
_DROPPED = 1 << 22
"""Bytes beyond the limit that are read and thrown away before the caller is cut off."""
HSTS = {"strict-transport-security": "max-age=31536000"}


class Limits(Struct, frozen=True, kw_only=True):
    """How much the host takes on. Seconds are those of a call's body to come in, and of its answer to be made."""

    threads: int = 8
    waiting: int = 64
    """Calls that are being answered or wait for a thread; more are told to come again."""
    body_seconds: float = 10.0
    answer_seconds: float = 30.0


class Site(Struct, frozen=True, kw_only=True):
    """How the host is reached: the names that a Host header may carry, and whether all of it is under TLS."""

    names: frozenset[str]
    tls: bool = False
    limits: Limits = Limits()


class Workers:
    """Threads for what blocks, a bounded number of calls; what is too slow goes on alone, and still counts."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._pool = limits, ThreadPoolExecutor(limits.threads, thread_name_prefix="wherry-web")
        self._busy = 0

    async def run(self, function: Callable[[], T]) -> T:
        """Raises TryAgain where too many wait, or it takes too long."""
        if self._busy >= self._limits.waiting:
            raise TryAgain("the server has too many calls to answer", after=2.0, code="WHERRY-6066")
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        self._busy += 1
        job = self._pool.submit(context.run, function)
        job.add_done_callback(lambda done: self._freed(loop))
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await asyncio.shield(asyncio.wrap_future(job))
        except TimeoutError:
            _silenced(job)
            raise TryAgain("the answer took too long", after=5.0, code="WHERRY-6067",
                           fix="it may have been done all the same: look before you do it again") from None  # fmt: skip

    def _freed(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.call_soon_threadsafe(self._count_down)
        except RuntimeError:  # the loop is closed: the host has stopped, and nobody counts any more
            return

    def _count_down(self) -> None:
        self._busy -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _silenced(job: Future[Any]) -> None:
    def told(done: Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log.error("an answer that came too late failed", exc_info=error)

    job.add_done_callback(told)


class App:
    """The ASGI application over one hub. Close it when the server has stopped."""

    def __init__(self, hub: Hub, routes: Routes, site: Site, *, gate: Gate | None = None) -> None:
        self._hub, self._routes, self._site = hub, routes, site
        self.workers = Workers(site.limits)
        self._gate = gate or Gate(hub.store, Throttle(hub.clock))
        self.stopping = False
        headers = HEADERS | (HSTS if site.tls else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._inner = self._starlette()

    def _starlette(self) -> Starlette:
        mounted = _merged(self._routes)
        table = [Route(one.route.path, self._endpoint(one), methods=[one.route.method]) for one in mounted]
        own = [Route("/health", self._health, methods=["GET"]), Route("/ready", self._ready, methods=["GET"])]
        handlers: Mapping[Any, Any] = {HTTPException: _http_exception, WherryError: _wherry_error, Exception: _failed}
        inner = Starlette(routes=[*own, *table], exception_handlers=handlers)
        inner.router.redirect_slashes = False
        return inner

    def close(self) -> None:
        self.workers.close()

    # -- every call ----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        reference = scope.setdefault("state", {})["reference"] = uuid.uuid4().hex[:12]
        started, status = self._hub.clock.monotonic(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # After an error the rest of a body may still be on its way: nobody waits for its end.
                closing = [(b"connection", b"close")] if status >= 400 else []
                headers = [*message["headers"], *self._headers, (b"x-request-id", reference.encode()), *closing]
                message = {**message, "headers": headers}
            await send(message)

        with structlog.contextvars.bound_contextvars(reference=reference):
            try:
                await self._guarded(scope, receive, answer)
            except ClientDisconnect:
                log.info("caller hung up")
            except Exception as error:  # answered already: Starlette hands on what it has answered for
                log.error("call failed", exc_info=error)
            self._log(scope, status, self._hub.clock.monotonic() - started)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        wrong = self._wrong_host(scope)
        inner: ASGIApp = self._inner if wrong is None else _told(wrong, scope["state"]["reference"])
        await inner(scope, receive, send)

    def _wrong_host(self, scope: Scope) -> WherryError | None:
        """A name that is not ours means a browser led here by somebody else's DNS, or a proxy that was set up wrong."""
        said = [value for name, value in scope["headers"] if name == b"host"]
        if len(said) == 1 and name_of(said[0].decode("latin-1")) in self._site.names:
            return None
        return Guarded("this server does not answer to that name", code="WHERRY-7062",
                       fix="start it with --name NAME for each name it is reached by")  # fmt: skip

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        """Neither query nor headers: they may hold codes and tokens. The path as the route spells it."""
        state, client = scope["state"], scope.get("client")
        log.info(
            "call", method=scope["method"], path=state.get("route", "no route"), status=status,
            milliseconds=round(seconds * 1000), client=client[0] if client else "", by=state.get("by", ""),
        )  # fmt: skip

    # -- a plugin's route ----------------------------------------------------------------------------------------------

    def _endpoint(self, mounted: Mounted) -> Callable[[Request], Any]:
        route = mounted.route

        async def endpoint(request: Request) -> Response:
            request.state.route = route.path
            address = request.client.host if request.client else ""
            by = await self._admitted(request, route, address)
            request.state.by = by
            body = await self._body(request, route.most)
            call = _call(request, route, body, by, address)
            made = await self.workers.run(lambda: self._handled(mounted, call))
            return _response(made, request.state.reference)

        return endpoint

    async def _admitted(self, request: Request, route: HttpRoute, address: str) -> str:
        """Who calls. Known before the body is read: a stranger's is not."""
        if route.open:
            self._gate.throttle.check(address)
            return ""
        given = next((request.headers[name] for name in route.app_key if name in request.headers), "")
        authorization = request.headers.get("authorization", "")
        key = given if route.app_key else None
        caller = await self.workers.run(lambda: self._gate.admit(authorization, key, route.scope, address))
        return f"token {caller.name}"

    async def _body(self, request: Request, most: int) -> bytes:
        """The whole body. Raises Guarded where it is too large or too slow.

        What is too large is read on for a while and dropped: a caller that is cut off while it sends sees no answer.
        """
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._site.limits.body_seconds):
                async for part in request.stream():
                    size += len(part)
                    if size <= most:
                        parts.append(part)
                    elif size > most + _DROPPED:
                        break
        except TimeoutError:
            if size <= most:
                why = "the body of the call came too slowly"
                raise Guarded(why, fix="send it in one piece", code="WHERRY-7064") from None
        if size > most:
            raise Guarded(
                f"the body of the call has more than {most:,} bytes", fix="send less at once", code="WHERRY-7063"
            )
        return b"".join(parts)

    def _handled(self, mounted: Mounted, call: HttpRequest) -> HttpResponse:
        """In a thread. Wrong signatures count like wrong tokens."""
        made = mounted.route.handle(call)
        if made.status == 401 and mounted.route.open:
            self._gate.throttle.note(call.address)
        return made

    # -- the host's own ------------------------------------------------------------------------------------------------

    async def _health(self, request: Request) -> Response:
        """Whether this process works and reaches its store."""
        request.state.route = "/health"
        store = await self._store()
        word, status = ("ok", 200) if store == "ok" else ("failing", 503)
        return _json({"status": word, "store": store, "schema": SCHEMA, "version": __version__}, status)

    async def _ready(self, request: Request) -> Response:
        """Whether calls should be sent here: not while the store is away or the server is about to stop."""
        request.state.route = "/ready"
        ready = not self.stopping and await self._store() == "ok"
        data = {"ready": ready, "routes": len(self._routes.mounted), "left_out": list(self._routes.left_out)}
        return _json(data, 200 if ready else 503)

    async def _store(self) -> str:
        def look() -> str:
            with self._hub.store.read() as tx:
                tx.connection.exec_driver_sql("SELECT count(*) FROM meta").scalar()
            return "ok"

        try:
            return await self.workers.run(look)
        except WherryError as error:  # who watches the host asks every few seconds
            log.error("the store cannot be read", reason=error.message, fix=error.fix)
        except Exception as error:
            log.error("the store cannot be read", exc_info=error)
        return "unreachable"


def name_of(header: str) -> str:
    """The name in a Host header, without its port, in lower case; empty where it is none."""
    text = header.strip().lower()
    if text.startswith("["):
        name, closed, port = text.partition("]")
        text, port = name + closed, port.removeprefix(":")
    else:
        text, _, port = text.partition(":")
    return text.removesuffix(".") if not port or port.isdecimal() else ""


def _merged(routes: Routes) -> list[Mounted]:
    """Literal addresses before those with names in them, so that none hides another."""
    return sorted(routes.mounted, key=lambda one: "{" in one.route.path)


def _call(request: Request, route: HttpRoute, body: bytes, by: str, address: str) -> HttpRequest:
    return HttpRequest(
        method=request.method, path=request.url.path, url=str(request.url), given=request.path_params,
        query=tuple(request.query_params.multi_items()), headers=dict(request.headers), body=body, by=by,
        address=address,
    )  # fmt: skip


def _response(made: HttpResponse, reference: str) -> Response:
    if made.error is not None:
        return _told(made.error, reference, made.status if made.status >= 400 else 0)
    content = made.content if made.content is not None else msgspec.json.encode(made.data)
    return Response(content, made.status, dict(made.headers), made.media)


def _json(data: Any, status: int) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json")


def _told(error: WherryError, reference: str, status: int = 0) -> Response:
    return Response(envelope(error, reference), status or status_of(error), headers_of(error), "application/json")


def _unexpected() -> ContractBroken:
    return ContractBroken(
        "the server could not answer this call", code="WHERRY-1060",
        fix="tell the reference to whoever looks after the server: its log has the reason",
    )  # fmt: skip


async def _failed(request: Request, error: Exception) -> Response:
    return _told(_unexpected(), request.state.reference)


async def _wherry_error(request: Request, error: WherryError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.error("call refused", code=error.code, reason=error.message)
        if not isinstance(error, TryAgain | Busy):
            error = _unexpected()  # what is wrong with the server is no stranger's business
    else:
        log.info("call refused", code=error.code)
    return _told(error, request.state.reference, status)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        problem: WherryError = Guarded(f"{request.method} is not for this address", code="WHERRY-7066",
                                       fix="see the methods in the Allow header")  # fmt: skip
    else:
        problem = NotFound("there is nothing at this address", code="WHERRY-3062", fix="check the path")
    made = _told(problem, request.state.reference, error.status_code)
    made.headers.update(error.headers or {})
    return made
