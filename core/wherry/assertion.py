"""An app that proves who it is by a signed assertion in place of a secret (RFC 7523, section 2.2).

The private key never leaves: the vendor has the certificate, and knows it by an id. Source: architecture.md, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from wherry.endpoints import OAuthEndpoints
from wherry.errors import ConfigError
from wherry.redaction import remember
from wherry.roles import Clock
from wherry.signin import App

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = {"RSA": "PS256", "EC": "ES256"}
"""By the kind of key; of elliptic curves P-256 alone."""
LIFETIME = 300
"""Seconds for which an assertion is good: it is used at once, and clocks differ."""


class SignedApp(App, frozen=True, kw_only=True):
    """``secret`` is the private key as PEM, ``certificate`` the vendor's id of the certificate that goes with it."""

    certificate: str
    scopes: Sequence[str]
    clock: Clock
    connection: str

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
        header = {"typ": "JWT", "alg": ALGORITHMS[key.key_type], "kid": self.certificate}
        try:
            return jwt.encode(header, told, key, algorithms=list(ALGORITHMS.values()))
        except JoseError as error:
            raise self._no_key(str(error)) from None

    def _key(self) -> RSAKey | ECKey:
        secret = remember(self.secret())
        for kind in (RSAKey, ECKey):
            try:
                return kind.import_key(secret)
            except JoseError:
                continue  # a key of another kind
            except (ValueError, TypeError):
                raise self._no_key("it is no PEM text, or is encrypted") from None
        raise self._no_key("it is neither an RSA key nor one of the curve P-256")

    def _no_key(self, why: str) -> ConfigError:
        return ConfigError(
            f"connection {self.connection} cannot sign in: its private key is of no use: {why}", code="WHERRY-2790",
            fix="name a file with an unencrypted private key in PEM form, that of the certificate at the vendor; then: "
            f"wherry connection test {self.connection}", connection=self.connection,
        )  # fmt: skip
