"""The token endpoint: client credentials with a signed assertion, which Oracle calls M2M, and who is let in.

Facts: API.md, *Auth B*: PS256 or ES256, ``kid`` the certificate's id, ``aud`` the token URL, at most an hour of
life; the access token lives 3600 s and there is no refresh token.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from wherry.simulator import Call, Clock, Reply

PATH = "/services/rest/auth/oauth2/v1/token"
LIVES = 3600
_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ["PS256", "ES256"]


class App(NamedTuple):
    """An integration: its client id, and the public key (PEM) of a certificate by the certificate's id."""

    client_id: str
    certificates: Mapping[str, bytes]


class OAuth:
    """Without an ``app`` and ``tokens`` everybody is let in; tokens that were given out still expire."""

    def __init__(self, clock: Clock, app: App | None, tokens: Collection[str] | None) -> None:
        self.app, self.tokens, self._clock = app, set(tokens or ()), clock
        self.open = app is None and tokens is None
        self._given: dict[str, float] = {}

    def admits(self, token: str | None) -> bool:
        """Whether a bearer token is good now."""
        if not token:
            return False
        if token in self._given:
            return self._clock.now() < self._given[token]
        return self.open or token in self.tokens

    def token(self, call: Call) -> Reply:
        """A token for a good assertion."""
        why = self._wrong(call)
        if why:
            return Reply(400, {"error": "invalid_grant", "error_description": why})
        given = f"ns-{len(self._given) + 1}-{int(self._clock.now())}"
        self._given[given] = self._clock.now() + LIVES
        return Reply(200, {"access_token": given, "expires_in": str(LIVES), "token_type": "bearer"})

    def _wrong(self, call: Call) -> str:
        if call.text("grant_type") != "client_credentials" or call.text("client_assertion_type") != _BEARER:
            return "grant_type is client_credentials, with a JWT as its assertion"
        said = call.text("client_assertion")
        try:
            told = jws.extract_compact(said.encode())
            header, claims = told.headers(), json.loads(told.payload)
            return self._unclaimed(call, header, claims) or self._unsigned(header, claims, said)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return "the assertion is no JWT"

    def _unclaimed(self, call: Call, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        now, lives = self._clock.now(), claims["exp"] - claims["iat"]
        if header["alg"] not in _ALGORITHMS or header["typ"] != "JWT":
            return f"the algorithm {header['alg']} is not allowed"
        if claims["aud"] != f"{call.base}{PATH}":
            return "aud is not the address of this endpoint"
        if "rest_webservices" not in claims["scope"].split(","):
            return "scope lacks rest_webservices"
        return "" if 0 < lives <= LIVES and abs(now - claims["iat"]) <= 300 else "the assertion is not of now"

    def _unsigned(self, header: Mapping[str, Any], claims: Mapping[str, Any], said: str) -> str:
        if self.app is None:
            return ""
        pem = self.app.certificates.get(header["kid"])
        if claims["iss"] != self.app.client_id or pem is None:
            return "client id or certificate is not known"
        kind = RSAKey if header["alg"] == "PS256" else ECKey
        try:
            jws.deserialize_compact(said, kind.import_key(pem), algorithms=_ALGORITHMS)
        except JoseError:
            return "the signature is not that of the certificate"
        return ""
