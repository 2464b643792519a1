"""Intuit's sign-in: consent that names the company, codes, access tokens of an hour, refresh tokens that change daily.

Facts: the realm comes back on the redirect alone; client authentication is HTTP Basic; a refresh token's value changes
about every 24 hours and an older value is `invalid_grant`; idle life 100 days less a little, hard life five years.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus, urlencode

from wherry.simulator import Call, Refusal, Reply, Stage, challenge_of, sent_back

from .answers import answer
from .values import Obj

LIFE = 3_600
DAY = 86_400
IDLE = 8_726_400
HARD = 5 * 365 * DAY
SCOPE = "com.intuit.quickbooks.accounting"
TOKEN_PATH, REVOKE_PATH = "/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"
CONSENT_PATH, USER_PATH = "/connect/oauth2", "/v1/openid_connect/userinfo"


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The app that companies connect. `rotate_every` 0 gives out a new refresh token each time, `grace` seconds an
    older one still works, `revoke_family` takes its reuse for theft and ends the whole sign-in."""

    client_id: str = "client"
    client_secret: str = "secret"
    redirect_uri: str = ""
    rotate_every: float = DAY
    grace: float = 0.0
    revoke_family: bool = False


@dataclass(slots=True)
class Grant:
    """One sign-in to one company; an empty realm stands for all."""

    realm: str
    born: float
    used: float
    refresh: str = ""
    turned: float = 0.0
    revoked: bool = False


@dataclass(slots=True)
class Code:
    """An authorization code not yet redeemed."""

    realm: str
    redirect_uri: str
    challenge: str = ""


@dataclass(slots=True)
class OAuth:
    """Handlers of sign-in; `state_of` judges a bearer. `house_open` admits any client and any unknown token."""

    stage: Stage
    app: OAuthApp
    realms: Sequence[str]
    house_open: bool = True
    consents_to: str = ""
    _codes: dict[str, Code] = field(default_factory=dict)
    _refresh: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _access: dict[str, tuple[Grant, float]] = field(default_factory=dict)

    def sign_in(self, realm: str = "") -> tuple[str, str]:
        """An access and a refresh token, without the way through a browser."""
        grant = self._granted(realm or self.realms[0])
        return self._issue(grant), grant.refresh

    def state_of(self, token: str) -> str:
        """``unknown``, ``expired`` or ``valid``."""
        if token not in self._access:
            return "unknown"
        grant, end = self._access[token]
        return "expired" if grant.revoked or end <= self.stage.clock.now() else "valid"

    def realm_of(self, token: str) -> str:
        """The company an access token opens; empty for all."""
        return self._access[token][0].realm if token in self._access else ""

    # Handlers

    def discovery(self, call: Call) -> Reply:
        """Where everything is."""
        ends = {
            "authorization_endpoint": CONSENT_PATH,
            "token_endpoint": TOKEN_PATH,
            "userinfo_endpoint": USER_PATH,
            "revocation_endpoint": REVOKE_PATH,
            "jwks_uri": "/op/v1/jwks",
        }
        return answer({"issuer": f"{call.base}/op/v1", **{name: call.base + path for name, path in ends.items()}})

    def userinfo(self, call: Call) -> Reply:
        """Who signed in."""
        if self.state_of(call.bearer or "") != "valid" and not self.house_open:
            raise _wrong("invalid_token", status=401)
        return answer({"sub": "4711", "email": "operator@example.com", "emailVerified": True})

    def consent(self, call: Call) -> Reply:
        """The consent page: everyone consents at once, for the company in `consents_to` (else the first)."""
        asked, redirect = call.query, call.query.get("redirect_uri", "")
        known = self.house_open or asked.get("client_id") == self.app.client_id
        if not known or not redirect or redirect != (self.app.redirect_uri or redirect):
            return Reply(400, "The client id or the redirect URI does not match the app")
        if asked.get("response_type") != "code" or SCOPE not in asked.get("scope", "").split():
            return Reply(302, "", {"location": f"{redirect}?{urlencode({'error': 'invalid_scope'})}"})
        realm = self.consents_to or self.realms[0]
        return sent_back(call, self.new_code(realm, redirect, asked.get("code_challenge", "")), realmId=realm)

    def new_code(self, realm: str = "", redirect_uri: str = "", challenge: str = "") -> str:
        """A code as the consent page would send it back."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(realm or self.realms[0], redirect_uri, challenge)
        return code

    def token(self, call: Call) -> Reply:
        """Tokens for a code or for a refresh token."""
        self._must_be_app(call)
        grants = {"authorization_code": self._redeem, "refresh_token": self._renew}
        kind = call.text("grant_type")
        if kind not in grants:
            raise _wrong("unsupported_grant_type")
        grant = grants[kind](call)
        self.stage.effect("token.issued", grant_type=kind, realm=grant.realm)
        return answer(self._tokens(grant))

    def revoke(self, call: Call) -> Reply:
        """End a sign-in: its refresh token and its access tokens."""
        self._must_be_app(call)
        try:
            told = call.text("token") or str(call.json().get("token", ""))
        except (ValueError, AttributeError):
            raise _wrong("invalid_request") from None
        held = self._refresh.get(told) or self._access.get(told)
        if held is None:
            if self.house_open:
                return answer({})
            raise _wrong("invalid_request", "unknown token")
        held[0].revoked = True
        self.stage.effect("token.revoked", realm=held[0].realm)
        return answer({})

    def disconnect(self, realm: str) -> None:
        """End every sign-in to a company, as its administrator does in QuickBooks."""
        for grant, _ in self._refresh.values():
            grant.revoked = grant.revoked or grant.realm in ("", realm)

    # The rules

    def _must_be_app(self, call: Call) -> None:
        told, app = call.basic, (self.app.client_id, self.app.client_secret)
        if told is None or not (self.house_open or app in (told, tuple(map(unquote_plus, told)))):
            raise _wrong("invalid_client", status=401)

    def _redeem(self, call: Call) -> Grant:
        code = self._codes.pop(call.text("code"), None)
        if code is None or code.redirect_uri != (call.text("redirect_uri") or code.redirect_uri):
            raise _wrong("invalid_grant", "Token invalid")
        if code.challenge and code.challenge != challenge_of(call.text("code_verifier")):
            raise _wrong("invalid_grant", "The code verifier does not fit")
        return self._granted(code.realm)

    def _renew(self, call: Call) -> Grant:
        told, now = call.text("refresh_token"), self.stage.clock.now()
        if told and told not in self._refresh and self.house_open:
            return self._granted("")
        grant, given = self._refresh.get(told) or (None, 0.0)
        if grant is None or grant.revoked or now >= min(grant.used + IDLE, grant.born + HARD):
            raise _wrong("invalid_grant", "Token invalid")
        if told != grant.refresh and now >= grant.turned + self.app.grace:
            grant.revoked = self.app.revoke_family
            raise _wrong("invalid_grant", "Token invalid")
        grant.used = now
        if told == grant.refresh and now >= given + self.app.rotate_every:
            self._turn(grant)
        return grant

    def _granted(self, realm: str) -> Grant:
        now = self.stage.clock.now()
        grant = Grant(realm, now, now)
        self._turn(grant)
        return grant

    def _turn(self, grant: Grant) -> None:
        now = self.stage.clock.now()
        grant.refresh, grant.turned = f"RT1-{secrets.token_urlsafe(24)}", now
        self._refresh[grant.refresh] = (grant, now)

    def _issue(self, grant: Grant) -> str:
        access = secrets.token_urlsafe(480)
        self._access[access] = (grant, self.stage.clock.now() + LIFE)
        return access

    def _tokens(self, grant: Grant) -> Obj:
        left = min(IDLE, grant.born + HARD - self.stage.clock.now())
        return {
            "token_type": "bearer",
            "access_token": self._issue(grant),
            "expires_in": LIFE,
            "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": int(left),
        }


def _wrong(error: str, description: str = "", status: int = 400) -> Refusal:
    told = {"error_description": description} if description else {}
    return Refusal(answer({"error": error, **told}, status))
