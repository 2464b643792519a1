"""An app that proves who it is by a signed assertion in place of a secret (RFC 7523, section 2.2).

The private key never leaves: the vendor has the certificate, and knows it by an id. Source: RFC 7515 and 7518 for the
form of a signature; architecture.md, section 6.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from wherry.endpoints import OAuthEndpoints
from wherry.errors import ConfigError
from wherry.redaction import remember
from wherry.roles import Clock
from wherry.signin import App

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 300
"""Seconds for which an assertion is good: it is used at once, and clocks differ."""
_SIZE = 32
"""Bytes of each half of a signature by a P-256 key."""


class SignedApp(App, frozen=True, kw_only=True):
    """``secret`` is the private key as PEM, ``certificate`` the vendor's id of the certificate that goes with it."""

    certificate: str
    scopes: Sequence[str]
    clock: Clock

    def proof(self, endpoints: OAuthEndpoints) -> tuple[dict[str, str], dict[str, str]]:
        """Form fields by which the vendor knows the app. Raises ConfigError for what is no key that it could take."""
        now = int(self.clock.now().timestamp())
        told = {
            "iss": self.id, "aud": endpoints.token_url, "scope": ",".join(self.scopes),
            "iat": now, "exp": now + LIFETIME,
        }  # fmt: skip
        return {}, {"client_assertion_type": BEARER, "client_assertion": remember(self._signed(told))}

    def _signed(self, told: dict[str, object]) -> str:
        key = self._key()
        alg = "PS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        parts = ({"typ": "JWT", "alg": alg, "kid": self.certificate}, told)
        text = b".".join(_url(msgspec.json.encode(part)) for part in parts)
        return b".".join((text, _url(_signature(key, text)))).decode()

    def _key(self) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(remember(self.secret()).encode(), None)
        except (ValueError, TypeError):
            raise _no_key("it is no PEM text, or is encrypted") from None
        if isinstance(key, rsa.RSAPrivateKey) or (isinstance(key, ec.EllipticCurvePrivateKey) and _is_p256(key)):
            return key
        raise _no_key("it is neither an RSA key nor one of the curve P-256")


def _is_p256(key: ec.EllipticCurvePrivateKey) -> bool:
    return isinstance(key.curve, ec.SECP256R1)


def _signature(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size), hashes.SHA256())
    halves = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return b"".join(half.to_bytes(_SIZE, "big") for half in halves)


def _url(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def _no_key(why: str) -> ConfigError:
    return ConfigError(
        f"the private key of a sign-in is of no use: {why}", code="WHERRY-2790",
        fix="name a file with an unencrypted private key in PEM form, that of the certificate at the vendor",
    )  # fmt: skip
