"""The token endpoint: client credentials with a signed assertion, which Oracle calls M2M, and who is let in.

Facts: API.md, *Auth B*: PS256 or ES256, ``kid`` the certificate's id, ``aud`` the token URL, at most an hour of
life; the access token lives 3600 s and there is no refresh token.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from wherry.simulator import Call, Clock, Reply

PATH = "/services/rest/auth/oauth2/v1/token"
LIVES = 3600
_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


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
        parts = call.text("client_assertion").split(".")
        try:
            head, told, signature = (_unpacked(part) for part in parts)
            header, claims = json.loads(head), json.loads(told)
            return self._unclaimed(call, header, claims) or self._unsigned(header, claims, parts, signature)
        except (ValueError, KeyError, TypeError, AttributeError):
            return "the assertion is no JWT"

    def _unclaimed(self, call: Call, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        now, lives = self._clock.now(), claims["exp"] - claims["iat"]
        if header["alg"] not in ("PS256", "ES256") or header["typ"] != "JWT":
            return f"the algorithm {header['alg']} is not allowed"
        if claims["aud"] != f"{call.base}{PATH}":
            return "aud is not the address of this endpoint"
        if "rest_webservices" not in claims["scope"].split(","):
            return "scope lacks rest_webservices"
        return "" if 0 < lives <= LIVES and abs(now - claims["iat"]) <= 300 else "the assertion is not of now"

    def _unsigned(
        self, header: Mapping[str, Any], claims: Mapping[str, Any], parts: list[str], signature: bytes
    ) -> str:
        if self.app is None:
            return ""
        pem = self.app.certificates.get(header["kid"])
        if claims["iss"] != self.app.client_id or pem is None:
            return "client id or certificate is not known"
        try:
            _verify(pem, signature, ".".join(parts[:2]).encode())
        except InvalidSignature:
            return "the signature is not that of the certificate"
        return ""


def _verify(pem: bytes, signature: bytes, text: bytes) -> None:
    key = serialization.load_pem_public_key(pem)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, text, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        halves = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
        key.verify(utils.encode_dss_signature(*halves), text, ec.ECDSA(hashes.SHA256()))


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
