"""Signing in at the stand-in: an External Client App's two flows, by code with PKCE and by itself.

A token answer says no ``expires_in``; who uses a token after its session ended is answered 401 INVALID_SESSION_ID.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.simulator import Call, Refusal, Reply, Stage, Tokens

SESSION = 2 * 3_600.0
"""Seconds that a session lives without being used: the setting that orgs begin with."""


@dataclass(slots=True)
class App:
    """An External Client App: its credentials, and which flows are switched on."""

    client_id: str = "sim-client"
    client_secret: str = "sim-secret"
    run_as: bool = True
    """Whether it has a user to run as; without one it cannot sign in by itself."""
    rotates: bool = False


class OAuth:
    """Tokens of one org."""

    def __init__(self, stage: Stage, app: App, org: str, user: str) -> None:
        self.app, self._stage, self._identity = app, stage, (org, user)
        self._made = Tokens()
        self._refresh: set[str] = set()
        self._sessions: dict[str, float] = {}

    def holds(self, token: str | None) -> bool:
        """Whether a session lives; using it makes it live on."""
        now = self._stage.clock.now()
        if token is None or self._sessions.get(token, 0.0) <= now:
            return False
        self._sessions[token] = now + SESSION
        return True

    def end(self) -> None:
        """All sessions end, as an administrator can have it."""
        self._sessions.clear()

    def authorize(self, call: Call) -> Reply:
        """The consent page: everyone consents at once."""
        asked = call.query
        if asked.get("client_id") != self.app.client_id:
            return _error("invalid_client_id", "client identifier invalid")
        if not asked.get("redirect_uri") or not asked.get("code_challenge"):
            return _error("invalid_request", "missing required code challenge")
        return self._made.consented(call, "aPrx")

    def token(self, call: Call) -> Reply:
        """Tokens for a code, for a refresh token, or for the app itself."""
        if call.text("client_id") != self.app.client_id:
            return _error("invalid_client_id", "client identifier invalid")
        if call.text("client_secret") != self.app.client_secret:
            return _error("invalid_client", "invalid client credentials")
        grants = {
            "authorization_code": self._redeem, "refresh_token": self._renew, "client_credentials": self._by_itself,
        }  # fmt: skip
        grant = grants.get(call.text("grant_type"))
        if grant is None:
            return _error("unsupported_grant_type", "grant type not supported")
        refresh = grant(call)
        session = self._made.new(f"{self._identity[0][:15]}!")
        self._sessions[session] = self._stage.clock.now() + SESSION
        self._stage.effect("token.issued", grant_type=call.text("grant_type"))
        return Reply(200, self._answer(call, session, refresh))

    def revoke(self, call: Call) -> Reply:
        """End a refresh token, or a session."""
        token = call.text("token") or call.query.get("token", "")
        if token not in self._refresh and token not in self._sessions:
            return _error("unsupported_token_type", "this token type is not supported")
        self._refresh.discard(token)
        self._sessions.pop(token, None)
        self._stage.effect("token.revoked")
        return Reply(200)

    def _answer(self, call: Call, session: str, refresh: str) -> dict[str, str]:
        org, user = self._identity
        told = {
            "access_token": session, "signature": "c2lt", "scope": "api refresh_token" if refresh else "api",
            "instance_url": call.base, "id": f"{call.base}/id/{org}/{user}", "token_type": "Bearer",
            "issued_at": str(self._stage.clock.now_ms()),
        }  # fmt: skip
        return {**told, "refresh_token": refresh} if refresh else told

    def _redeem(self, call: Call) -> str:
        redirect = self._made.redeemed(call)
        if redirect is None:
            raise Refusal(_error("invalid_grant", "invalid authorization code"))
        if redirect != call.text("redirect_uri"):
            raise Refusal(_error("redirect_uri_mismatch", "redirect_uri must match configuration"))
        return self._new_refresh()

    def _renew(self, call: Call) -> str:
        token = call.text("refresh_token")
        if token not in self._refresh:
            raise Refusal(_error("invalid_grant", "expired access/refresh token"))
        if not self.app.rotates:
            return ""
        self._refresh.discard(token)
        return self._new_refresh()

    def _by_itself(self, call: Call) -> str:
        if not self.app.run_as:
            raise Refusal(_error("invalid_grant", "no client credentials user enabled"))
        return ""

    def _new_refresh(self) -> str:
        token = self._made.new("5Aep")
        self._refresh.add(token)
        return token


def _error(code: str, description: str) -> Reply:
    return Reply(400, {"error": code, "error_description": description})
