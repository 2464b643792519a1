"""Signing in: one ``httpx.Auth`` per connection. It signs requests as they pass and needs no client of its own.

A request that may be sent twice says so in ``extensions[REPLAY]``; only such a one is repeated after a 401. Others rely
on the token being renewed *before* it expires, since a generator that replays by itself has sent a POST twice.
Source: architecture.md section 6; faults-and-security.md E1-E5, E14 and the security model (OAuth, RFC 9700).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, Protocol
from urllib.parse import quote_plus

import httpx
import msgspec
from msgspec import Struct, field

from wherry.decoding import NO_JSON, decoder, object_in
from wherry.endpoints import OAuthEndpoints as OAuthEndpoints
from wherry.errors import AccessLost, Busy, TryAgain
from wherry.redaction import remember, scrub
from wherry.roles import Clock

REPLAY = "wherry.replay"
SLACK = 60.0
"""Seconds before its expiry at which a token counts as expired."""
SCHEME, HEADER = "Bearer", "Authorization"
"""How a token goes out where its settings say nothing else (RFC 6750, 2.1)."""
FIELD = "oauth2"
"""The vault's field under which a connection's tokens lie, as one value: half a rotation cannot be stored."""

Flow = Generator[httpx.Request, httpx.Response, None]
Lock = Callable[[str], AbstractContextManager[Any]]


class TokenVault(Protocol):
    """What signing in needs of ``wherry.secrets.Vault``."""

    def get(self, connection: str, field: str) -> str | None: ...
    def put(self, connection: str, field: str, value: str) -> None: ...


class Tokens(Struct, frozen=True, kw_only=True):
    """What the vault holds. ``expires_at`` is in seconds since 1970; None where the vendor does not say."""

    access: str
    refresh: str
    expires_at: float | None
    lifetime: float | None
    previous: str = ""
    """The refresh token before this one, until the new access token has worked once."""
    seed: str = ""
    """Hash of the configured refresh token that this chain began with: a newly configured one begins a new chain."""
    extra: dict[str, str] = field(default_factory=dict)
    """What the consent page told beside the code, such as which company was chosen."""


class Granted(Struct):
    """What a token endpoint gives out."""

    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None

    def tokens(self, now: float, *, refresh: str, **more: Any) -> Tokens:
        """As they are kept. ``refresh`` counts where the answer names no new one (case_E3)."""
        lifetime = None if self.expires_in is None else max(self.expires_in, 0.0)
        end = None if lifetime is None else now + lifetime
        refresh = self.refresh_token or refresh
        return Tokens(access=self.access_token, refresh=refresh, expires_at=end, lifetime=lifetime, **more)


_GRANTED = msgspec.json.Decoder(Granted, strict=False)
NOBODY = "nobody has signed in yet"
UNSIGNED = httpx.Auth()
"""For requests that carry their own proof, such as those to a token endpoint."""


class App(Struct, frozen=True):
    """The app that signs in: its id, and its secret when it is asked for."""

    id: str
    secret: Callable[[], str]

    def proof(self, endpoints: OAuthEndpoints) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form fields by which the vendor knows the app (RFC 6749, 2.3.1)."""
        secret = remember(self.secret())
        if endpoints.client_by == "body":
            return {}, {"client_id": self.id, "client_secret": secret}
        pair = base64.b64encode(f"{quote_plus(self.id)}:{quote_plus(secret)}".encode()).decode()
        return {"Authorization": f"Basic {remember(pair)}"}, {}


def granted(response: httpx.Response) -> Granted | None:
    """The tokens of an answer; None where it holds none: a 200 may carry an error (case_E3)."""
    if response.status_code != httpx.codes.OK:
        return None
    try:
        answer = _GRANTED.decode(response.content)
    except NO_JSON:
        return None
    return answer if answer.access_token else None


def seed_of(configured: Callable[[], str] | None) -> str:
    """Marks tokens as grown from a configured refresh token; empty where there is none."""
    return "" if configured is None else hashlib.sha256(configured().encode()).hexdigest()[:16]


class Bearer(httpx.Auth):
    """A fixed token. It is asked for again after a 401, so a token changed in its file or vault is taken up.

    It goes out as ``header: scheme token``, with an empty ``scheme`` as ``header: token``.
    """

    def __init__(self, token: Callable[[], str], scheme: str = SCHEME, header: str = HEADER) -> None:
        self._reveal, self._scheme, self._header = token, scheme, header
        self._token: str | None = None
        self._last: str | None = None
        self._threads = threading.Lock()
        self.changes = 0
        """How often the token has become another one: who it lets in may be somebody else since."""

    def doubt(self) -> None:
        """A call that is never repeated was answered 401: the next one asks for the token anew."""
        self._token = None

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Sign; after a 401 to a repeatable request, once more if the token has changed meanwhile."""
        used = self._token = self._token or self._revealed()
        response = yield self._signed(request, used)
        if response.status_code == httpx.codes.UNAUTHORIZED and request.extensions.get(REPLAY):
            self._token = self._revealed()
            if self._token != used:
                yield self._signed(request, self._token)

    def _revealed(self) -> str:
        token = remember(self._reveal())
        with self._threads:  # counted before anything is signed with it
            self.changes += self._last not in (None, token)
            self._last = token
        return token

    def _signed(self, request: httpx.Request, token: str) -> httpx.Request:
        return _signed(request, token, self._scheme, self._header)


class OAuth2(httpx.Auth):
    """Access tokens by refresh token. Shared between threads; between processes through vault and lock."""

    def __init__(
        self, client_id: str, client_secret: Callable[[], str], refresh_token: Callable[[], str] | None,
        endpoints: OAuthEndpoints, vault: TokenVault, connection: str, lock: Lock, clock: Clock,
    ) -> None:  # fmt: skip
        self._app, self._configured = App(client_id, client_secret), refresh_token
        self._endpoints, self._vault, self._connection = endpoints, vault, connection
        self._lock, self._clock = lock, clock
        self._threads = threading.Lock()
        self._held: Tokens | None = None
        self._unsaved: Tokens | None = None
        self._good_until = 0.0
        """By the monotonic clock: what the machine's wall clock does cannot make a held token look good or bad."""
        self.changes = 0
        """How often tokens came that were not renewed from those before: they may open another account."""

    def doubt(self) -> None:
        """A call that is never repeated was answered 401: the next one renews the token first."""
        self._good_until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Renew what is about to expire, sign, and after a 401 to a repeatable request renew and send it again."""
        tokens = yield from self._current(request)
        response = yield _signed(request, tokens.access)
        if response.status_code == httpx.codes.UNAUTHORIZED and request.extensions.get(REPLAY):
            tokens = yield from self._renewed(request, tokens.access)
            response = yield _signed(request, tokens.access)
        if tokens.previous and response.status_code < httpx.codes.BAD_REQUEST:
            with contextlib.suppress(TryAgain):  # tidying up must not spoil an answer that is here already
                self._confirm(tokens)

    # -- which token ----------------------------------------------------------------------------------------------

    def _current(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, Tokens]:
        good_until, held = self._good_until, self._held  # in this order: ``_hold`` writes them in the other
        if held is not None and self._clock.monotonic() < good_until:
            return held
        return (yield from self._renewed(request, held.access if held is not None else None))

    def _renewed(self, request: httpx.Request, stale: str | None) -> Generator[httpx.Request, httpx.Response, Tokens]:
        """Tokens other than ``stale``: a sibling's if one has renewed them meanwhile, else new ones."""
        with self._threads:
            if self._held is not None and self._held.access != stale and self._clock.monotonic() < self._good_until:
                return self._held
            with self._alone():
                stored = self._stored() if self._unsaved is None else self._save(self._unsaved)
                if stored is not None and stored.access != stale and self._fresh(stored):
                    return self._hold(stored)
                return self._hold((yield from self._refresh(request, stored)))

    def _refresh(
        self, request: httpx.Request, stored: Tokens | None
    ) -> Generator[httpx.Request, httpx.Response, Tokens]:
        """Ask for new tokens with the refresh token at hand, then with any other that may be the living one."""
        tried: list[str] = []
        refresh: str | None = stored.refresh if stored is not None else self._first_refresh_token()
        while refresh is not None:
            response = yield self._ask(request, {"grant_type": "refresh_token", "refresh_token": refresh})
            response.read()
            if not self._grant_is_dead(response):
                return self._keep(self._answer(response), refresh, stored)
            tried.append(refresh)
            refresh = next((token for token in self._others() if token not in tried), None)
        raise self._lost("its refresh token is no longer valid: it was revoked, has expired, or was used elsewhere")

    def _others(self) -> list[str]:
        """Refresh tokens that may still live: a sibling's, newly stored, then the one before the last rotation."""
        stored = self._stored()
        return [] if stored is None else [token for token in (stored.refresh, stored.previous) if token]

    def _keep(self, answer: Granted, used: str, stored: Tokens | None) -> Tokens:
        """Stored before it is used: a token that only this process knows would die with it."""
        extra = {} if stored is None else stored.extra
        now = self._clock.now().timestamp()
        return self._save(answer.tokens(now, refresh=used, previous=used, seed=seed_of(self._configured), extra=extra))

    def _confirm(self, tokens: Tokens) -> None:
        """The new token has worked: its predecessor may go. Whoever rotated again meanwhile keeps what he stored."""
        with self._threads:
            held = self._held
            if held is None or held.access != tokens.access or not held.previous:
                return  # a thread beside this one was here before
            with self._alone():
                stored = self._stored()
                if stored is not None and stored.access == tokens.access and stored.previous:
                    self._save(msgspec.structs.replace(stored, previous=""))
            self._held = msgspec.structs.replace(held, previous="")

    # -- how long it lasts ----------------------------------------------------------------------------------------

    def _hold(self, tokens: Tokens) -> Tokens:
        left = None if tokens.expires_at is None else tokens.expires_at - self._clock.now().timestamp() - _slack(tokens)
        good_until = float("inf") if left is None else self._clock.monotonic() + left
        if self._held is not None and self._held.refresh not in (tokens.previous, tokens.refresh):
            self.changes += 1  # before anything is signed with them
        self._held = tokens  # first, so that nobody takes the old token for good by the new one's time
        self._good_until = good_until
        return tokens

    def _fresh(self, tokens: Tokens) -> bool:
        """Judged with skew: a token that would live longer than it was given means that the wall clock went back."""
        if tokens.expires_at is None or tokens.lifetime is None:
            return True
        left = tokens.expires_at - self._clock.now().timestamp()
        return _slack(tokens) < left <= tokens.lifetime + SLACK

    # -- vault ----------------------------------------------------------------------------------------------------

    def _stored(self) -> Tokens | None:
        text = self._vault.get(self._connection, FIELD)
        if text is None:
            return None
        tokens = decoder(Tokens).decode(text)
        for secret in (tokens.access, tokens.refresh, tokens.previous):
            remember(secret)
        consented = self._configured is None and tokens.refresh  # an app's own token has none
        return tokens if consented or tokens.seed == seed_of(self._configured) else None

    def _save(self, tokens: Tokens) -> Tokens:
        """Should the store fail, the tokens are kept here and saved before anything else is tried."""
        for secret in (tokens.access, tokens.refresh):
            remember(secret)
        self._unsaved = tokens
        self._vault.put(self._connection, FIELD, msgspec.json.encode(tokens).decode())
        self._unsaved = None
        return tokens

    def _first_refresh_token(self) -> str:
        if self._configured is None:
            raise self._lost(NOBODY)
        return remember(self._configured())

    def _alone(self) -> AbstractContextManager[Any]:
        return _Patient(self._lock(f"sign-in {self._connection}"), self._connection)

    # -- the token endpoint ---------------------------------------------------------------------------------------

    def _ask(self, request: httpx.Request, grant: dict[str, str]) -> httpx.Request:
        proof, form = self._app.proof(self._endpoints)
        headers = {"Accept": "application/json", "User-Agent": request.headers.get("User-Agent", "wherry"), **proof}
        return httpx.Request("POST", self._endpoints.token_url, data={**grant, **form}, headers=headers)

    def _grant_is_dead(self, response: httpx.Response) -> bool:
        return response.status_code < 500 and bool(_words(response) & self._endpoints.dead_grant)

    def _answer(self, response: httpx.Response) -> Granted:
        """The new tokens. Nothing is stored unless an access token came: a 200 may carry an error (case_E3)."""
        if response.status_code in (400, 401, 403):
            raise self._lost(
                f"the vendor's token endpoint refused the client: {told(response)}",
                "the secret may have been changed there: compare client_id and client_secret in auth of connections."
                f"{self._connection} with the app at the vendor; then: wherry connect {self._connection}",
            )
        answer = granted(response)
        if answer is None:
            raise self._later(response)
        return answer

    def _later(self, response: httpx.Response) -> TryAgain:
        return TryAgain(
            f"connection {self._connection}: the token endpoint of {response.request.url.host} gave no token "
            f"({told(response)}); the tokens at hand were kept",
            code="WHERRY-6040", connection=self._connection, status=response.status_code,
        )  # fmt: skip

    def _lost(self, why: str, fix: str = "") -> AccessLost:
        return lost(self._connection, why, fix)


class _Patient:
    """The refresh lock; when a sibling holds it for too long that is a reason to come back, not a busy flow."""

    def __init__(self, lock: AbstractContextManager[Any], connection: str) -> None:
        self._inner, self._connection = lock, connection

    def __enter__(self) -> None:
        try:
            self._inner.__enter__()
        except Busy as busy:
            raise TryAgain(
                f"connection {self._connection}: another process has been renewing its sign-in for too long",
                code="WHERRY-6041", connection=self._connection,
            ) from busy  # fmt: skip

    def __exit__(self, *error: Any) -> None:
        self._inner.__exit__(*error)


def bearer(token: Callable[[], str], scheme: str = SCHEME, header: str = HEADER) -> httpx.Auth:
    """``Authorization: Bearer``, or another scheme and header, with a token that is revealed on first use."""
    return Bearer(token, scheme, header)


def oauth2(
    client_id: str, client_secret: Callable[[], str], refresh_token: Callable[[], str] | None,
    endpoints: OAuthEndpoints, vault: TokenVault, connection: str, lock: Lock, clock: Clock,
) -> httpx.Auth:  # fmt: skip
    """OAuth 2 by refresh token. ``refresh_token`` is the configured first one; None where a sign-in stored tokens.

    ``lock(name)`` must exclude threads and processes and wait for its turn. Requests raise AccessLost when somebody
    must sign in again and TryAgain when the token endpoint is out of order.
    """
    return OAuth2(client_id, client_secret, refresh_token, endpoints, vault, connection, lock, clock)


def lost(connection: str, why: str, fix: str = "") -> AccessLost:
    """What to raise when somebody must sign in."""
    return AccessLost(
        f"connection {connection} cannot sign in: {why}",
        fix=fix or f"sign in{'' if why == NOBODY else ' again'}: wherry connect {connection}",
        code="WHERRY-5040", connection=connection,
    )  # fmt: skip


def _signed(request: httpx.Request, token: str, scheme: str = SCHEME, header: str = HEADER) -> httpx.Request:
    request.headers[header] = f"{scheme} {token}" if scheme else token
    return request


def _slack(tokens: Tokens) -> float:
    """A minute; less for tokens that hardly live longer, or each call would renew them."""
    return SLACK if tokens.lifetime is None else min(SLACK, tokens.lifetime / 2)


def _words(response: httpx.Response) -> set[str]:
    return {word for word in object_in(response.content).values() if isinstance(word, str)}


def told(response: httpx.Response) -> str:
    """What the vendor said, never the body itself: a good answer holds tokens."""
    body = object_in(response.content)
    said = next(
        (body[name] for name in ("error_description", "message", "error") if isinstance(body.get(name), str)),
        "",
    )
    return scrub(f"status {response.status_code}{': ' if said else ''}{said[:200]}")
