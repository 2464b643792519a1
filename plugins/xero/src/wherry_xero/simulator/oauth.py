"""Xero's sign-in: codes, access tokens of half an hour, refresh tokens that change each time, custom connections.

Facts: API.md, section 2: a refresh token is used once, and for 30 minutes the old one still works; it dies after 60
days without use; the app shows itself by Basic. One sign-in may reach several organisations.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import unquote_plus

from wherry.simulator import Call, Refusal, Reply, Stage, Tokens

AUTHORIZE, TOKEN, REVOKE = "/identity/connect/authorize", "/connect/token", "/connect/revocation"
LIVES, GRACE, IDLE = 1800, 1800.0, 60 * 86_400.0


class App(NamedTuple):
    """An app; ``custom`` says that it is a custom connection, which signs in by itself."""

    client_id: str
    client_secret: str
    custom: bool = False


class OAuth:
    """Without an ``app`` and ``tokens`` everybody is let in; tokens that were given out still expire."""

    def __init__(self, stage: Stage, app: App | None, tokens: Collection[str] | None) -> None:
        self.app, self.tokens, self._stage = app, set(tokens or ()), stage
        self.open = app is None and tokens is None
        self._made = Tokens()
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}
        """Refresh token → until when it works."""
        self._custom: set[str] = set()
        """The access tokens of custom connections."""

    def admits(self, token: str | None) -> bool:
        """Whether a bearer token is good now."""
        if not token:
            return False
        if token in self._access:
            return self._stage.clock.now() < self._access[token]
        return self.open or token in self.tokens

    def is_custom(self, token: str | None) -> bool:
        """Whether a token is that of a custom connection, which has one organisation."""
        return token in self._custom or (self.app is not None and self.app.custom)

    def authorize(self, call: Call) -> Reply:
        """The consent page: everyone consents at once."""
        asked = call.query
        redirect = asked.get("redirect_uri", "")
        if self.app is not None and asked.get("client_id") != self.app.client_id:
            return Reply(400, "unauthorized_client")
        if not redirect or asked.get("response_type") != "code":
            return Reply(400, "invalid_request")
        if "accounting.transactions" in asked.get("scope", "").split():
            return Reply(400, "invalid_scope")  # apps made since March 2026 do not get it
        return self._made.consented(call, "code-")

    def token(self, call: Call) -> Reply:
        """Tokens for a code or a refresh token, or for a custom connection."""
        self._must_be_app(call)
        kind, now = call.text("grant_type"), self._stage.clock.now()
        if kind == "authorization_code":
            self._redeem(call)
        elif kind == "refresh_token":
            self._renew(call.text("refresh_token"), now)
        elif kind != "client_credentials" or not (self.open or (self.app is not None and self.app.custom)):
            raise _wrong("unauthorized_client" if kind == "client_credentials" else "unsupported_grant_type")
        given = {"access_token": self._made.new("xero-access-"), "expires_in": LIVES, "token_type": "Bearer"}
        self._access[str(given["access_token"])] = now + LIVES
        if kind == "client_credentials":
            self._custom.add(str(given["access_token"]))
        else:
            given["refresh_token"] = self._made.new("xero-refresh-")
            self._refresh[str(given["refresh_token"])] = now + IDLE
        self._stage.effect("token.issued", grant_type=kind)
        return Reply(200, given)

    def revoke(self, call: Call) -> Reply:
        """End a refresh token."""
        self._must_be_app(call)
        self._refresh.pop(call.text("token"), None)
        self._stage.effect("token.revoked")
        return Reply(200)

    def _redeem(self, call: Call) -> None:
        if self._made.redeemed(call) != call.text("redirect_uri"):
            raise _wrong("invalid_grant")

    def _renew(self, told: str, now: float) -> None:
        if told not in self._refresh and self.open and told:
            return
        if now >= self._refresh.get(told, 0.0):
            raise _wrong("invalid_grant")
        self._refresh[told] = min(self._refresh[told], now + GRACE)

    def _must_be_app(self, call: Call) -> None:
        told = call.basic
        if told is None or (self.app is not None and tuple(map(unquote_plus, told)) != self.app[:2]):
            raise _wrong("invalid_client")


def _wrong(error: str) -> Refusal:
    return Refusal(Reply(400, {"error": error}))
