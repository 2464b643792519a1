"""The one gate: every request of Wherry passes ``Transport.handle_request``, token requests and redirects too.

In order: guarded, paced, counted, sent under a deadline, its answer's bytes capped while they arrive.
"""

from __future__ import annotations

import re
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

import httpcore
import httpx

from wherry.errors import Rejected
from wherry.http.gate import LAST_WORD
from wherry.http.guard import Guard, PinnedBackend
from wherry.http.pacing import Pacer, Ticket, Waits
from wherry.http.timing import Deadline
from wherry.roles import Clock

LANE, FIRST, MAX_BYTES, WHOLE = "wherry.lane", "wherry.first", "wherry.max_bytes", "wherry.whole"
"""Names of request extensions: the lane to be paced in (None: not paced), whether it goes first there, the cap on
the body, and the seconds for the whole answer."""

HANDED = "wherry.handed"
"""Set on a request's extensions once it was handed to the network: before that, nothing of it can have left."""

MEGABYTE = 1024 * 1024
MAX_BODY = 64 * MEGABYTE
MAX_RATIO = 200
"""Unpacked to packed bytes, looked at above one megabyte: pages of JSON reach 30, a bomb reaches 1,000."""
KEEP_ALIVE = 4.0
"""Seconds an idle connection is kept: below the five after which common servers close theirs."""
CONNECTIONS = 32

_ID = re.compile(r"\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[^/]*\d)[A-Za-z0-9_\-]{15,}")


_LONGEST_REST = 60.0


class Counts:
    """How many requests went out, by method and path with ids as ``{id}``. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_route: Counter[str] = Counter()
        self.retries = 0
        self.refused = 0
        """Answers with status 429."""
        self._rests, self._rests_until = 0, 0.0

    def sent(self, request: httpx.Request) -> None:
        """Count a request."""
        with self._lock:
            self._by_route[f"{request.method} {route(request.url.path)}"] += 1

    def retried(self) -> None:
        """Count a repetition."""
        with self._lock:
            self.retries += 1

    def throttled(self) -> None:
        """Count a refusal for going too fast."""
        with self._lock:
            self.refused += 1

    def rest(self, now: float) -> float:
        """Seconds for which a vendor that takes no call, and does not say until when, is left alone: longer each
        time."""
        with self._lock:
            if now >= self._rests_until:
                self._rests += 1
                self._rests_until = now + min(2.0 ** min(self._rests, 9), _LONGEST_REST)
            return self._rests_until - now

    def taken(self) -> None:
        """A call was taken: the next rest is a short one."""
        self._rests = 0

    def by_route(self) -> dict[str, int]:
        """The counts so far."""
        with self._lock:
            return dict(self._by_route)


def route(path: str) -> str:
    """The path with ids collapsed: ``/crm/objects/2026-03/deals/4711`` → ``/crm/objects/2026-03/deals/{id}``."""
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in path.split("/"))


class Transport(httpx.BaseTransport):
    """httpcore's connection pool behind the guard. Raises httpcore's exceptions, Guarded, and Rejected past a cap."""

    def __init__(
        self, guard: Guard, pacer: Pacer, counts: Counts, clock: Clock, timeout: float, tls: ssl.SSLContext | None,
        waits: Waits | None = None,
    ) -> None:  # fmt: skip
        self._guard, self._pacer, self._counts, self._clock, self._waits = guard, pacer, counts, clock, waits
        self._timeout, self._tls = timeout, tls
        self._lock = threading.Lock()
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer; its body is read, unpacked and capped by whoever reads the stream."""
        self._guard.check(request.url)
        lane = request.extensions.get(LANE)
        first = bool(request.extensions.get(FIRST))
        ticket = None if lane is None else self._pacer.take(lane, first=first, waits=self._waits)
        if last_word := request.extensions.get(LAST_WORD):
            last_word()
        self._counts.sent(request)
        request.extensions[HANDED] = True
        answer = self._pool(request.url.scheme).handle_request(self._outgoing(request))
        try:
            return self._heard(request, answer, ticket)
        except BaseException:
            answer.close()  # nobody else holds it: its connection would be taken for ever
            raise

    def _heard(self, request: httpx.Request, answer: httpcore.Response, ticket: Ticket | None) -> httpx.Response:
        headers = httpx.Headers(answer.headers)
        if ticket is not None:
            self._pacer.heard(ticket, headers)
        body = Body(answer, headers, request.extensions.get(MAX_BYTES, MAX_BODY), request.url.path)
        return httpx.Response(answer.status, headers=_unpacked(headers), stream=body)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()

    def _outgoing(self, request: httpx.Request) -> httpcore.Request:
        whole = request.extensions.get(WHOLE, self._timeout)
        deadline = Deadline.of(self._timeout, whole, self._clock)
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), deadline)
        assert isinstance(request.stream, httpx.SyncByteStream)
        return httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": timeouts},
        )

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        with self._lock:
            if scheme not in self._pools:
                self._pools[scheme] = httpcore.ConnectionPool(
                    ssl_context=self._context() if scheme == "https" else None,
                    max_connections=CONNECTIONS,
                    max_keepalive_connections=CONNECTIONS,
                    keepalive_expiry=KEEP_ALIVE,
                    network_backend=PinnedBackend(self._guard.addresses),
                )
            return self._pools[scheme]

    def _context(self) -> ssl.SSLContext:
        # Loading the certificates takes longer than a short run does; nothing over plain http pays for it.
        return self._tls or httpx.create_ssl_context()


class Body(httpx.SyncByteStream):
    """An answer's bytes, unpacked here so that neither a flood nor a bomb is held in memory first."""

    def __init__(self, answer: httpcore.Response, headers: httpx.Headers, most: int, path: str) -> None:
        self._answer, self._most, self._path, self._packed = answer, most, path, 0
        self._unpack = _unpacking(headers.get("content-encoding", ""))

    def __iter__(self) -> Iterator[bytes]:
        unpacked = 0
        for piece in self._unpack(self._pieces()):
            unpacked += len(piece)
            if unpacked > self._most:
                raise self._too_much(f"more than {self._most // MEGABYTE or 1} MB")
            if unpacked > MEGABYTE and unpacked > MAX_RATIO * self._packed:
                raise self._too_much(f"compressed more than {MAX_RATIO} times, as no honest answer is,")
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        for piece in self._answer.iter_stream():
            self._packed += len(piece)
            yield piece

    def close(self) -> None:
        """Give the connection back, or drop it when the answer was not read to its end."""
        self._answer.close()

    def _too_much(self, what: str) -> Rejected:
        return Rejected(
            f"the answer to {self._path} is {what} and was not read any further",
            fix="ask for smaller pages, or leave this file out", code="WHERRY-4043", path=self._path,
        )  # fmt: skip


def _unpacked(headers: httpx.Headers) -> httpx.Headers:
    """The headers without what was true of the packed bytes only, or httpx would unpack them again."""
    if "content-encoding" not in headers:
        return headers
    gone = {"content-encoding", "content-length"}
    return httpx.Headers([(name, value) for name, value in headers.multi_items() if name.lower() not in gone])


def _unpacking(encoding: str) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    match encoding.strip().lower():
        case "" | "identity":
            return lambda pieces: pieces
        case "gzip" | "x-gzip" | "deflate":
            return _inflate
    # We ask for gzip only: whoever packs otherwise has broken the protocol.
    raise httpcore.RemoteProtocolError(f"unasked content-encoding {encoding}")


def _inflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """gzip or zlib, in steps of bounded size. Raises RemoteProtocolError for damaged or cut bytes."""
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
    fed = False
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                if machine.eof:
                    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
                fed = True
                yield machine.decompress(waiting, 256 * 1024)
                waiting = machine.unused_data if machine.eof else machine.unconsumed_tail
    except zlib.error as error:
        raise httpcore.RemoteProtocolError(f"the packed body is damaged: {error}") from error
    if fed and not machine.eof:
        yield machine.flush()
    if fed and not machine.eof:
        raise httpcore.RemoteProtocolError("the packed body ends too early")
