"""A scripted server on the loopback interface, for tests of what a real peer may do: drip, cut, lie, redirect."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct, field


class Seen(Struct, frozen=True):
    """A request as it arrived; ``number`` counts from 1, ``headers`` have lower-case names."""

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The body of a form, each name once."""
        return dict(parse_qsl(self.body.decode()))


class Reply(Struct, frozen=True):
    """A well-formed answer. ``body`` is sent as JSON unless it is bytes."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Seen], "Reply | bytes | Iterable[bytes]"]
"""Bytes, or an iterable of them, go out as they are, and then the connection is closed: a peer that misbehaves."""


class Loopback:
    """The running server: where it listens, and what it has seen."""

    def __init__(self, script: Script, scheme: str) -> None:
        self._script, self._scheme = script, scheme
        self._lock = threading.Lock()
        self.seen: list[Seen] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply | bytes | Iterable[bytes]:
        """Note a request and ask the script for its answer."""
        path, _, query = target.partition("?")
        with self._lock:
            lower = {name.lower(): value for name, value in headers.items()}
            seen = Seen(len(self.seen) + 1, method, path, query, lower, body)
            self.seen.append(seen)
        return self._script(seen)


@contextmanager
def loopback(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Serve the script until the block ends; each connection has a thread of its own."""
    server = Loopback(script, "https" if tls else "http")
    listener = _Listener(("127.0.0.1", 0), _handler(server))
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self._send(server.answer(self.command, self.path, dict(self.headers.items()), body))

        def _send(self, reply: Reply | bytes | Iterable[bytes]) -> None:
            if isinstance(reply, Reply):
                self._send_reply(reply)
                return
            self.close_connection = True
            for piece in [reply] if isinstance(reply, bytes) else reply:
                self.wfile.write(piece)

        def _send_reply(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: tests look at ``seen``."""

    return Handler
