"""OAuth: consent, codes, refresh tokens and what becomes of them (the OAuth guide)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wherry.simulator import Call, Refusal, Reply, Stage, challenge_of, sent_back

from .errors import error_body

LIFE = 1_800
USER = {"user": "operator@example.com", "user_id": 4711, "hub_domain": "example.test"}


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The app an account installs.

    `rotate` gives out a new refresh token each time; `revoke_family` takes the reuse of an old one for theft
    and ends the whole sign-in, as some vendors do.
    """

    client_id: str = "client"
    client_secret: str = "secret"
    redirect_uri: str = ""
    scopes: Sequence[str] = ("oauth", "crm.objects.deals.read")
    app_id: int = 12345
    rotate: bool = False
    revoke_family: bool = False


@dataclass(slots=True)
class Grant:
    """One sign-in: its newest refresh token, the earlier ones, and its access tokens with their ends (ms)."""

    refresh: str
    scopes: tuple[str, ...]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code not yet redeemed."""

    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str = ""


class OAuth:
    """Handlers of ``/oauth``; `check` judges the bearer of every other call."""

    def __init__(self, stage: Stage, app: OAuthApp, portal_id: int) -> None:
        self.app = app
        self.stage = stage
        self.portal_id = portal_id
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._access: dict[str, tuple[Grant, int]] = {}

    def new_code(self, redirect_uri: str = "", scopes: Sequence[str] = (), challenge: str = "") -> str:
        """A code as the consent page would send it back."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(redirect_uri or self.app.redirect_uri, tuple(scopes or self.app.scopes), challenge)
        return code

    def sign_in(self, scopes: Sequence[str] = ()) -> tuple[str, str]:
        """An access and a refresh token, without the way through a browser."""
        grant = self._granted(tuple(scopes or self.app.scopes))
        return self._issue(grant), grant.refresh

    def state_of(self, token: str) -> str:
        """``unknown``, ``expired`` or ``valid``."""
        if token not in self._access:
            return "unknown"
        return "expired" if self._access[token][1] <= self.stage.clock.now_ms() else "valid"

    def scopes_of(self, token: str) -> tuple[str, ...]:
        """What an access token may do."""
        return self._access[token][0].scopes

    # Handlers

    def authorize(self, call: Call) -> Reply:
        """The consent page: everyone consents at once."""
        asked = call.query
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.app.client_id or redirect != (self.app.redirect_uri or redirect):
            return Reply(400, "Authorization failed: client id or redirect URI do not match the app")
        code = self.new_code(redirect, asked.get("scope", "").split(), asked.get("code_challenge", ""))
        return sent_back(call, code)

    def token(self, call: Call) -> Reply:
        """Tokens for a code or for a refresh token; the form is read from the body alone."""
        self._must_be_app(call)
        grants = {"authorization_code": self._redeem, "refresh_token": self._refresh}
        grant_type = call.text("grant_type")
        if grant_type not in grants:
            raise _wrong("BAD_GRANT_TYPE", f"unknown grant type {grant_type!r}")
        grant = grants[grant_type](call)
        self.stage.effect("token.issued", grant_type=grant_type)
        return Reply(200, self._tokens(grant, call.params["version"]))

    def introspect(self, call: Call) -> Reply:
        """What a token is worth."""
        self._must_be_app(call)
        token = call.text("token")
        if token in self._grants:
            return Reply(200, self._info(token, "refresh_token", self._grants[token]))
        if token not in self._access:
            raise _wrong("BAD_TOKEN", "unknown token")
        grant, end = self._access[token]
        left = max(0, (end - self.stage.clock.now_ms()) // 1000)
        active = {"active": left > 0, "expires_in": left, "is_private_distribution": False}
        signed = {"signed_access_token": self._signed(grant, end)}
        return Reply(200, {**self._info(token, "access_token", grant), **active, **signed})

    def revoke(self, call: Call) -> Reply:
        """End a refresh token; access tokens already given out live on."""
        self._must_be_app(call)
        self.drop(call.text("token"))
        return Reply(204)

    def info_v1(self, call: Call) -> Reply:
        """The older way to ask about a token: by its place in the path."""
        token = call.params["token"]
        held = self._access.get(token)
        grant = held[0] if held else self._grants.get(token)
        if grant is None:
            raise _wrong("BAD_TOKEN", "unknown token", 404)
        left = {"expires_in": max(0, (held[1] - self.stage.clock.now_ms()) // 1000)} if held else {}
        return Reply(200, {**self._info(token, "access" if held else "refresh", grant), **left})

    def delete_v1(self, call: Call) -> Reply:
        """The older way to end a refresh token."""
        self.drop(call.params["token"])
        return Reply(204)

    def drop(self, refresh: str) -> None:
        """Make a refresh token worthless, as a user does who removes the app."""
        if refresh in self._grants:
            self._grants[refresh].revoked = True
            self.stage.effect("token.revoked")

    # The rules

    def _must_be_app(self, call: Call) -> None:
        if call.text("client_id") != self.app.client_id:
            raise _wrong("BAD_CLIENT_ID", "missing or unknown client id")
        if call.text("client_secret") != self.app.client_secret:
            raise _wrong("BAD_CLIENT_SECRET", "missing or invalid client secret")

    def _redeem(self, call: Call) -> Grant:
        code = self._codes.pop(call.text("code"), None)
        if code is None:
            raise _wrong("BAD_AUTH_CODE", "missing or unknown auth code")
        if code.redirect_uri and code.redirect_uri != call.text("redirect_uri"):
            raise _wrong("BAD_REDIRECT_URI", "redirect URI does not match the one of the code")
        if code.challenge and code.challenge != challenge_of(call.text("code_verifier")):
            raise _wrong("BAD_CODE_VERIFIER", "the code verifier does not fit the challenge")
        return self._granted(code.scopes)

    def _refresh(self, call: Call) -> Grant:
        token = call.text("refresh_token")
        grant = self._grants.get(token)
        if grant is None or grant.revoked:
            raise _wrong("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        if token != grant.refresh:
            grant.revoked = self.app.revoke_family
            raise _wrong("BAD_REFRESH_TOKEN", "this refresh token was used before")
        if self.app.rotate:
            grant.refresh = self._new_refresh(grant)
        return grant

    def _granted(self, scopes: tuple[str, ...]) -> Grant:
        grant = Grant("", scopes)
        grant.refresh = self._new_refresh(grant)
        return grant

    def _new_refresh(self, grant: Grant) -> str:
        refresh = secrets.token_urlsafe(24)
        self._grants[refresh] = grant
        return refresh

    def _issue(self, grant: Grant) -> str:
        # HubSpot says to allow for tokens of 300 characters and more.
        access = secrets.token_urlsafe(240)
        self._access[access] = (grant, self.stage.clock.now_ms() + LIFE * 1000)
        return access

    def _tokens(self, grant: Grant, version: str) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": self._issue(grant),
            "refresh_token": grant.refresh,
            "expires_in": LIFE,
            "token_type": "bearer",
            "token_use": "access_token",
        }
        about = {"hub_id": self.portal_id, "user_id": USER["user_id"], "scopes": list(grant.scopes)}
        return answer if version == "v1" else {**answer, **about}

    def _info(self, token: str, use: str, grant: Grant) -> dict[str, Any]:
        return {
            **USER,
            "active": not grant.revoked,
            "token": token,
            "token_type": use.partition("_")[0],
            "token_use": use,
            "hub_id": self.portal_id,
            "app_id": self.app.app_id,
            "client_id": self.app.client_id,
            "scopes": list(grant.scopes),
        }

    def _signed(self, grant: Grant, end: int) -> dict[str, Any]:
        """What an introspection holds for HubSpot's own use: names only, the values mean nothing."""
        texts = ("appInstallId", "audience", "hublet", "newSignature", "signature", "trialScopes")
        keys = ("scopeToScopeGroupPks", "trialScopeToScopeGroupPks")
        users = dict.fromkeys(("userId", "installingUserId"), USER["user_id"])
        flags = dict.fromkeys(("isPrivateDistribution", "isServiceAccount", "isUserLevel"), False)
        ids = {"appId": self.app.app_id, "hubId": self.portal_id, "expiresAt": end}
        return {
            **dict.fromkeys((*texts, *keys), ""),
            "scopes": " ".join(grant.scopes),
            **users,
            **flags,
            **ids,
        }


def _wrong(code: str, message: str, status: int = 400) -> Refusal:
    """An OAuth error: HubSpot puts its own code into `status` and the RFC's word beside it."""
    word = "invalid_grant" if code in ("BAD_AUTH_CODE", "BAD_REFRESH_TOKEN") else "invalid_request"
    body = {**error_body(status, message), "status": code, "error": word, "error_description": message}
    return Refusal(Reply(status, body))
