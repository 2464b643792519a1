"""A plugin's way out: ``read`` for calls without effect, ``stream`` for files; and the core's: ``send`` for effects.

The only place that reaches the network.
A read goes: ask (what is wanted) → retry (until it is there) → attempt (one answer, judged) → exchange (redirects by
hand) → transport (guard, pace, count, send).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

import wherry
from wherry.clock import SystemClock
from wherry.decoding import NO_JSON, decoder
from wherry.errors import Guarded, Rejected, TryAgain, WherryError
from wherry.http.addresses import Addresses
from wherry.http.answers import NETWORK_ERRORS, Asked, error_of, failure, junk, retry_after
from wherry.http.gate import LAST_WORD, NotSent, last_word
from wherry.http.guard import Guard, Resolve, origin, system_resolve
from wherry.http.pacing import Pacer, Waits, shared_pacer
from wherry.http.profile import Profile, Response
from wherry.http.retrying import Patience, Retries
from wherry.http.signing import sign_out, signed
from wherry.http.transport import FIRST, HANDED, LANE, MAX_BODY, MAX_BYTES, MEGABYTE, WHOLE, Counts, Transport
from wherry.records import Call, Reply
from wherry.redaction import scrub
from wherry.roles import Clock
from wherry.signin import REPLAY, Bearer, OAuth2

T = TypeVar("T")
Through = Callable[[httpx.BaseTransport], httpx.BaseTransport]

MAX_REDIRECTS = 5
MAX_FILE = 2048 * MEGABYTE
FILE_SECONDS = 3600.0
_BECOMES_GET = frozenset({301, 302, 303})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = httpx.Headers({
    "Accept": "application/json", "Accept-Encoding": "gzip", "Connection": "keep-alive",
    "User-Agent": f"wherry/{wherry.__version__}",
})  # fmt: skip
"""Sent with every call, wherever it goes."""
_PRIVATE = frozenset({"set-cookie", "authorization", "www-authenticate", "proxy-authenticate"})
"""Headers of an answer that are not kept: they may hold what signs somebody in."""


class _Ask(Struct, frozen=True):
    """A read as the plugin wants it; each attempt makes a fresh request of it."""

    call: Asked
    url: httpx.URL
    headers: dict[str, str]
    content: bytes | None
    authorised: bool
    extensions: dict[str, Any]
    allow: frozenset[int] = frozenset()
    expect: Any = None

    @property
    def lane(self) -> str:
        lane: str = self.extensions[LANE]
        return lane


class Http:
    """The client of one connection. Made at no cost, connected on first use, shared between threads.

    Errors of every call: TryAgain (temporary, once retries are used up), AccessLost (401, 403), Rejected (404, 400 and
    the like), ContractBroken (405 and the like), Guarded (a place that may not be reached), or what the profile's
    ``classify`` says; ``where`` names connection, method, path, status and the vendor's correlation id.
    """

    def __init__(
        self, profile: Profile, *, connection: str = "", account: str = "", clock: Clock | None = None,
        patience: Patience | None = None, resolve: Resolve = system_resolve, tls: ssl.SSLContext | None = None,
        through: Through | None = None, budgets: Path | None = None, waits: Waits | None = None,
    ) -> None:  # fmt: skip
        """``account`` keys the process-wide limiter (empty: a limiter of its own), which goes by the calls of every
        process that is given the folder ``budgets``; ``tls`` is for a private CA;
        ``through`` puts another transport before the core's own, such as one that records; ``waits`` is the pacer's."""
        self._waits = waits
        self._profile, self._connection, self._tls, self._through = profile, connection, tls, through
        self._clock: Clock = clock or SystemClock()
        self._addresses = Addresses(httpx.URL(profile.base_url))
        self._guard = Guard(self._addresses.base, profile.hosts, resolve)
        self._pacer = shared_pacer(account, profile, self._clock, budgets) if account else Pacer(profile, self._clock)
        self._counts = Counts()
        self._retries = Retries(patience or Patience(), self._clock, self._counts.retried)
        self._lock = threading.Lock()
        self._made: httpx.BaseTransport | None = None
        self._home_headers = _HEADERS.copy()
        self._home_headers.update(profile.headers)

    # -- calls ------------------------------------------------------------------------------------------------------

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | None = None, headers: Mapping[str, str] | None = None, lane: str = "", first: bool = False,
        allow: frozenset[int] = frozenset(), expect: Any = None, max_bytes: int = MAX_BODY,
    ) -> Response:  # fmt: skip
        """A call without effect: a GET, or a POST that only asks. Retried, paced, replayed once after a 401.

        ``path`` is below ``base_url``, or a whole URL that the guard lets pass. ``params`` that are None are left out.
        ``body`` goes as JSON, ``content`` as it is. ``first`` is for pages that further pages hang on: they are served
        before other calls that wait in the lane. Error statuses in ``allow`` are handed back. With ``expect`` a body
        that msgspec cannot decode as that type counts as temporary and is read again; it stands in ``data``.
        """
        if body is not None:
            content = msgspec.json.encode(body)
            headers = {"Content-Type": "application/json", **(headers or {})}
        extensions = {LANE: lane, FIRST: first, MAX_BYTES: max_bytes, REPLAY: True}
        ask = self._ask(method, path, params, headers, content, True, extensions)
        ask = msgspec.structs.replace(ask, allow=allow, expect=expect)
        return self._retries.run(lambda: self._attempt(ask))

    def send(self, call: Call) -> Reply:
        """One attempt of a call with an effect: never repeated, no redirect followed, its token renewed before expiry.

        Every status is an answer, also a 429 (after which the lane rests as long as was asked for, ``retry-after``
        in the reply's headers). Raises TryAgain where there is none: ``where["sent"]`` is "no" where nothing can have
        left, else "perhaps". NotSent is raised where somebody stops us before that. Whatever else is raised came up
        before anything left.
        """
        extensions = {LANE: call.lane, FIRST: False, MAX_BYTES: MAX_BODY, LAST_WORD: last_word()}
        ask = self._ask(call.method, call.path, call.params, call.headers, call.body or None, True, extensions)
        request = self._request(ask, ask.call.method, ask.url, ask.content)
        try:
            answer = self._signed(ask, request)
            try:
                answer.read()
            finally:
                answer.close()
        except NETWORK_ERRORS as error:
            problem = failure(ask.call, error)
            problem.where["sent"] = problem.where["sent"] if request.extensions.get(HANDED) else "no"
            raise problem from error
        except Exception as error:
            if not request.extensions.get(HANDED):
                if isinstance(error, TryAgain):
                    error.where["sent"] = "no"  # whatever it says of the sign-in's own request
                raise
            raise TryAgain(
                f"{ask.call.title} answered {ask.call.path} with something that could not be read: {scrub(str(error))}",
                code="WHERRY-6056", **ask.call.where(sent="perhaps"),
            ) from error  # fmt: skip
        except KeyboardInterrupt:
            if request.extensions.get(HANDED):
                raise
            raise NotSent from None
        return self._reply(ask, answer)

    def _reply(self, ask: _Ask, answer: httpx.Response) -> Reply:
        headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _PRIVATE}
        if answer.status_code == httpx.codes.UNAUTHORIZED and isinstance(self._profile.auth, Bearer | OAuth2):
            self._profile.auth.doubt()
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            after = retry_after(answer.headers, self._clock.now())
            after = self._pacer.window(ask.lane) if after is None else after
            after = self._counts.rest(self._clock.monotonic()) if after is None else after
            self._counts.throttled()
            self._pacer.close(ask.lane, after)
            headers["retry-after"] = str(after)
        else:
            self._counts.taken()
        return Reply(status=answer.status_code, headers=headers, body=answer.content)

    def decode(self, response: Response, type: type[T]) -> T:
        """The body as that type. Raises TryAgain for junk; ``expect`` reads junk again instead."""
        try:
            made: T = decoder(type).decode(response.content)
            return made
        except NO_JSON as error:
            url = httpx.URL(response.url)
            raise junk(Asked(self._connection, "GET", url.netloc.decode(), url.path), response, error) from None

    @contextmanager
    def stream(
        self, url: str, *, authorised: bool = True, lane: str = "", max_bytes: int = MAX_FILE,
        seconds: float = FILE_SECONDS,
    ) -> Iterator[Iterator[bytes]]:  # fmt: skip
        """The bytes of a file in pieces, by path or whole URL. Opening is retried, the bytes are not.

        Without ``authorised`` no credentials go along, as for signed links. Raises Rejected where the link leads to a
        place that may not be reached or the file exceeds ``max_bytes``, TryAgain where it breaks off.
        """
        extensions = {LANE: lane, FIRST: False, MAX_BYTES: max_bytes, WHOLE: seconds, REPLAY: True}
        ask = self._ask("GET", url, None, {"Accept": "*/*"}, None, authorised, extensions)
        try:
            answer = self._retries.run(lambda: self._opened(ask))
        except Guarded as refusal:
            raise _bad_link(refusal) from refusal
        try:
            yield self._pieces(ask, answer)
        finally:
            answer.close()

    # -- counts -----------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> str:
        """The connection by its name in the project file; empty where it has none."""
        return self._connection

    @property
    def sign_in(self) -> int:
        """How often the sign-in has become another one, which may open another account."""
        auth = self._profile.auth
        return auth.changes if isinstance(auth, Bearer | OAuth2) else 0

    @property
    def counts(self) -> dict[str, int]:
        """Requests sent so far, by ``METHOD /path/with/{id}``; token requests, redirects and repetitions included."""
        return self._counts.by_route()

    @property
    def total(self) -> int:
        """All requests sent so far."""
        return sum(self.counts.values())

    @property
    def retries(self) -> int:
        """How many reads were made again."""
        return self._counts.retries

    @property
    def refused(self) -> int:
        """How many answers were 429."""
        return self._counts.refused

    def close(self) -> None:
        """Sign out where the vendor wants that, and close the connections; the next call opens new ones."""
        with self._lock:
            if self._made is not None:
                sign_out(self._made, self._profile.auth)
                self._made.close()
                self._made = None

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- one attempt --------------------------------------------------------------------------------------------------

    def _attempt(self, ask: _Ask) -> Response:
        with self._judged(ask):
            answer = self._exchange(ask)
            try:
                answer.read()
            finally:
                answer.close()
        response = _response(answer)
        if response.status >= 300 and response.status not in ask.allow | self._profile.answers:
            raise self._error(ask, response)
        if ask.expect is not None and response.status < 300:
            self._decode(ask, response)
        return response

    def _opened(self, ask: _Ask) -> httpx.Response:
        with self._judged(ask):
            answer = self._exchange(ask)
            if answer.status_code < 300:
                return answer
            try:
                answer.read()
            finally:
                answer.close()
        raise self._error(ask, _response(answer))

    def _pieces(self, ask: _Ask, answer: httpx.Response) -> Iterator[bytes]:
        with self._judged(ask):
            yield from answer.iter_bytes()

    @contextmanager
    def _judged(self, ask: _Ask) -> Iterator[None]:
        try:
            yield
        except NETWORK_ERRORS as error:
            raise failure(ask.call, error) from error

    def _decode(self, ask: _Ask, response: Response) -> None:
        try:
            response.data = decoder(ask.expect).decode(response.content)
        except NO_JSON as error:
            raise junk(ask.call, response, error) from None

    def _error(self, ask: _Ask, response: Response) -> Exception:
        after = retry_after(response.headers, self._clock.now())
        throttled = response.status == httpx.codes.TOO_MANY_REQUESTS
        if throttled and after is None:
            after = self._pacer.window(ask.lane)
        error = error_of(ask.call, response, self._profile, after)
        if throttled:
            self._counts.throttled()
            wait = error.after if isinstance(error, TryAgain) else after
            self._pacer.close(ask.lane, wait or 0.0)
        return error

    # -- one exchange, redirects by hand ---------------------------------------------------------------------------

    def _exchange(self, ask: _Ask) -> httpx.Response:
        request = self._request(ask, ask.call.method, ask.url, ask.content)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._signed(ask, request)
            if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
                return answer
            answer.close()
            request = self._next_hop(ask, request, answer)
        raise Guarded(
            f"{ask.call.title} redirected {ask.call.path} more than {MAX_REDIRECTS} times",
            code="WHERRY-7046", **ask.call.where(),
        )  # fmt: skip

    def _signed(self, ask: _Ask, request: httpx.Request) -> httpx.Response:
        """Credentials go nowhere but home. What a plugin's own sign-in says against it is said of the connection."""
        auth = self._profile.auth if ask.authorised and self._at_home(request.url) else None
        try:
            return signed(self._gate, request, auth)
        except WherryError as error:
            error.where.setdefault("connection", self._connection)
            raise

    def _next_hop(self, ask: _Ask, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        try:
            url = request.url.join(answer.headers["location"]).copy_with(fragment=None)
        except httpx.InvalidURL:
            raise _bad_redirect(ask, "to something that is no URL") from None
        becomes_get = answer.status_code in _BECOMES_GET and request.method != "HEAD"
        content = None if becomes_get else ask.content
        if content is not None and origin(url) != origin(request.url):
            raise _bad_redirect(ask, f"to {url.host}, with the call's body")
        return self._request(ask, "GET" if becomes_get else request.method, url, content)

    def _request(self, ask: _Ask, method: str, url: httpx.URL, content: bytes | None) -> httpx.Request:
        headers, extensions = self._home_headers.copy(), ask.extensions
        if not self._at_home(url):
            headers, extensions = _HEADERS.copy(), {**extensions, LANE: None}
        if origin(url) == origin(ask.url):
            headers.update(ask.headers)
        return httpx.Request(method, url, headers=headers, content=content, extensions=extensions)

    def _at_home(self, url: httpx.URL) -> bool:
        return origin(url) == self._guard.base

    # -- parts --------------------------------------------------------------------------------------------------------

    def _ask(
        self, method: str, path: str, params: Mapping[str, Any] | None, headers: Mapping[str, str] | None,
        content: bytes | None, authorised: bool, extensions: dict[str, Any],
    ) -> _Ask:  # fmt: skip
        url = self._addresses.of(path, params or {})
        call = Asked(self._connection, method, url.netloc.decode(), url.path)
        return _Ask(call, url, dict(headers or {}), content, authorised, extensions)

    @property
    def _gate(self) -> httpx.BaseTransport:
        with self._lock:
            if self._made is None:
                timeout, made = self._profile.timeout, (self._guard, self._pacer, self._counts, self._clock)
                transport = Transport(*made, timeout, self._tls, self._waits)
                self._made = self._through(transport) if self._through else transport
            return self._made


def _response(answer: httpx.Response) -> Response:
    return Response(answer.status_code, answer.headers, answer.content, str(answer.request.url))


def _bad_link(refusal: Guarded) -> Rejected:
    return Rejected(refusal.message, fix=refusal.fix, code="WHERRY-4045", **refusal.where)


def _bad_redirect(ask: _Ask, where: str) -> Guarded:
    return Guarded(
        f"{ask.call.title} redirected {ask.call.path} {where}; this was not followed",
        code="WHERRY-7047", **ask.call.where(),
    )  # fmt: skip


Factory = Callable[[Profile], Http]
"""``roles.Services.http``: what a plugin's maker gets."""
