"""The host on a socket: uvicorn with an end to its patience, only where it is safe to listen, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h11
import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.h11_impl import H11Protocol

from wherry.errors import ConfigError
from wherry.web.app import App

HEAD_SECONDS = 10.0
"""Seconds that the head of a call may take to come in."""
UNREAD_SECONDS, UNREAD_BYTES = 60.0, 1 << 15
"""A caller has to take at least so many bytes of an answer in so many seconds."""
CONNECTIONS = 500
STOP_WITHIN = 15
"""Seconds that calls on their way have to end once the server is told to stop."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Listening(Struct, frozen=True, kw_only=True):
    """Where to listen, and what stands before it. ``proxies`` are addresses whose X-Forwarded headers are believed."""

    host: str = "127.0.0.1"
    port: int = 8710
    names: tuple[str, ...] = ()
    behind_tls: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    certificate: Path | None = None
    key: Path | None = None

    @property
    def tls(self) -> bool:
        """Whether callers reach it under TLS only."""
        return self.behind_tls or self.certificate is not None

    def admitted(self) -> frozenset[str]:
        """Names that a Host header may carry."""
        local = LOCAL if is_loopback(self.host) else ()
        bound = f"[{self.host}]" if ":" in self.host else self.host
        own = () if self.host in ("0.0.0.0", "::", "") else (bound,)
        return frozenset(name.lower() for name in (*local, *own, *self.names))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there. A name that is not ``localhost`` is not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check(listening: Listening) -> None:
    """Raises ConfigError where tokens would travel unencrypted, or nobody could be answered."""
    if not is_loopback(listening.host) and not listening.tls:
        raise ConfigError(
            f"refused to listen on {listening.host} without TLS: tokens would travel readable for everybody on the way",
            fix="leave --host out and let a proxy with TLS forward to it; or give --tls-cert and --tls-key; or say "
            "--behind-tls where a proxy with TLS is all that can reach this address",
            code="WHERRY-2163", host=listening.host,
        )  # fmt: skip
    if not is_loopback(listening.host) and not listening.names:
        raise ConfigError(
            f"listening on {listening.host} needs the name that callers use: calls to other names are refused",
            fix="add --name hub.example.com, once for each name", code="WHERRY-2164",
        )  # fmt: skip
    if (listening.certificate is None) != (listening.key is None):
        raise ConfigError("--tls-cert and --tls-key belong together", fix="give both, or neither", code="WHERRY-2165")


class _Patient(H11Protocol):
    """Uvicorn waits for ever for the rest of a head, and for its answer to be taken; this hangs up."""

    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False  # it would tell whole queries, whoever else in the process set its logger up
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _look_later(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self._is_taken, left)

    def _is_taken(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - UNREAD_BYTES:
            self.transport.abort()
        else:
            self._look_later()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _watch(self) -> None:
        """The clock runs from the first byte that is waited for to the last of the head, not anew with each byte."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _hang_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.abort()


class WebServer(uvicorn.Server):
    """A server over one application. ``stop`` may be called from any thread or a signal's handler."""

    def __init__(self, app: App, listening: Listening) -> None:
        check(listening)
        self._app, self._listening = app, listening
        super().__init__(_config(app, listening))

    def stop(self) -> None:
        """Take no new connection, let calls end, return from ``serve_on``."""
        self._app.stopping = True
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever runs the server decides what a signal means."""
        yield

    def serve_on(self, listener: socket.socket) -> None:
        """Until ``stop``."""
        try:
            self.run([listener])
        finally:
            self._app.close()


def _config(app: App, listening: Listening) -> uvicorn.Config:
    try:
        config = uvicorn.Config(
            app, http=_Patient, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            proxy_headers=listening.behind_tls, forwarded_allow_ips=list(listening.proxies),
            limit_concurrency=CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=STOP_WITHIN,
            ssl_certfile=listening.certificate, ssl_keyfile=listening.key,
        )  # fmt: skip
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate or its key cannot be used: {error.strerror or error}",
            fix="check the files of --tls-cert and --tls-key: PEM, key without a passphrase", code="WHERRY-2166",
        ) from None  # fmt: skip
    return config


def listen(listening: Listening) -> socket.socket:
    """The socket, listening. Raises ConfigError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        listener = socket.create_server((listening.host, listening.port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {listening.host}:{listening.port}: {error.strerror or error}",
            fix="choose another --port or --host", code="WHERRY-2167",
        ) from None  # fmt: skip
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def on_signals(stop: Callable[[], None], numbers: Sequence[int] = (signal.SIGINT, signal.SIGTERM)) -> None:
    """Call ``stop`` at the first of these signals; at the second the process ends as it would have at once."""

    def first(number: int, frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in numbers:
        signal.signal(number, first)
