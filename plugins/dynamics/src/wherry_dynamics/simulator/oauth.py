"""Signing in at the stand-in: Entra's two flows, by code with PKCE and by the app itself, each for one environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.simulator import Call, Refusal, Reply, Stage, Tokens

LIFE = 3_600
"""Seconds that an access token lives; Entra gives 60 to 90 minutes."""


@dataclass(slots=True)
class App:
    """An app registration."""

    client_id: str = "sim-client"
    client_secret: str = "sim-secret"
    tenant: str = "sim-tenant"


class Entra:
    """Tokens of one tenant."""

    def __init__(self, stage: Stage, app: App) -> None:
        self.app, self._stage = app, stage
        self._made = Tokens()
        self._refresh: set[str] = set()
        self._access: dict[str, float] = {}

    def holds(self, token: str | None) -> bool:
        """Whether a token is good."""
        return token is not None and self._access.get(token, 0.0) > self._stage.clock.now()

    def end(self) -> None:
        """All access tokens are refused from now on."""
        self._access.clear()

    def authorize(self, call: Call) -> Reply:
        """The consent page: everyone consents at once."""
        asked = call.query
        self._known(call, asked.get("client_id", ""))
        self._scoped(call, asked.get("scope", ""), "/user_impersonation")
        if not asked.get("redirect_uri") or not asked.get("code_challenge"):
            raise _refused(400, "invalid_request", 900144, "The request must contain the parameter 'code_challenge'.")
        return self._made.consented(call, "1.AX", session_state="s")

    def token(self, call: Call) -> Reply:
        """Tokens for a code, for a refresh token, or for the app itself."""
        self._known(call, call.text("client_id"))
        if call.text("client_secret") != self.app.client_secret:
            raise _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        grants: dict[str, Callable[[Call], str]] = {
            "authorization_code": self._redeem, "refresh_token": self._renew, "client_credentials": self._by_itself,
        }  # fmt: skip
        grant = grants.get(call.text("grant_type"))
        if grant is None:
            raise _refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        refresh, access = grant(call), self._made.new("eyJ0")
        self._access[access] = self._stage.clock.now() + LIFE
        self._stage.effect("token.issued", grant_type=call.text("grant_type"))
        told = {"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": access}
        return Reply(200, {**told, "refresh_token": refresh} if refresh else told)

    def _known(self, call: Call, client: str) -> None:
        if call.params["tenant"] != self.app.tenant:
            raise _refused(400, "invalid_request", 90002, f"Tenant '{call.params['tenant']}' not found.")
        if client != self.app.client_id:
            raise _refused(400, "unauthorized_client", 700016, f"Application with identifier '{client}' was not found.")

    def _scoped(self, call: Call, scope: str, ending: str) -> None:
        """A token is for one environment: the scope begins with its address."""
        if f"{call.base}{ending}" not in scope.split():
            raise _refused(
                400, "invalid_scope", 70011, f"The provided value for the input parameter 'scope' is not valid: {scope}"
            )

    def _by_itself(self, call: Call) -> str:
        self._scoped(call, call.text("scope"), "/.default")
        return ""

    def _redeem(self, call: Call) -> str:
        if self._made.redeemed(call) is None:
            raise _refused(400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.")
        return self._renewed()

    def _renew(self, call: Call) -> str:
        """A refresh token is replaced by each use."""
        token = call.text("refresh_token")
        if token not in self._refresh:
            raise _refused(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        self._refresh.discard(token)
        return self._renewed()

    def _renewed(self) -> str:
        token = self._made.new("0.AX")
        self._refresh.add(token)
        return token


def _refused(status: int, error: str, number: int, message: str) -> Refusal:
    told = {"error": error, "error_description": f"AADSTS{number}: {message}", "error_codes": [number]}
    return Refusal(Reply(status, told))
