"""Signed assertions, judged by another implementation of JWT."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from wherry.assertion import BEARER, SignedApp
from wherry.endpoints import OAuthEndpoints
from wherry.errors import ConfigError
from wherry.redaction import scrub
from wherry.simulator import Clock
from wherry.testing.services import SharedClock

PLACE = OAuthEndpoints(token_url="https://books.example.com/token")
CLOCK = SharedClock(Clock("2026-03-31T17:00:00+00:00"))


def pem(key: Any) -> str:
    told = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(*told).decode())


def app(secret: str) -> SignedApp:
    return SignedApp(
        "wherry", lambda: secret, certificate="c-1", scopes=("books", "more"), clock=CLOCK, connection="books"
    )


@pytest.mark.parametrize(
    ("alg", "make"),
    [
        ("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("PS256", lambda: rsa.generate_private_key(65537, 2048)),
    ],
)
def test_an_app_proves_who_it_is_by_a_signature(alg: str, make: Any) -> None:
    jwt = pytest.importorskip("jwt")
    key = make()
    headers, form = app(pem(key)).proof(PLACE)
    assert (headers, form["client_assertion_type"]) == ({}, BEARER)
    said = form["client_assertion"]
    claims = jwt.decode(
        said, key.public_key(), algorithms=[alg], audience=PLACE.token_url, options={"verify_exp": False}
    )
    now = int(CLOCK.now().timestamp())
    assert jwt.get_unverified_header(said) == {"typ": "JWT", "alg": alg, "kid": "c-1"}
    assert claims == {"iss": "wherry", "aud": PLACE.token_url, "scope": "books,more", "iat": now, "exp": now + 300}
    assert said not in scrub(f"it said {said}")


@pytest.mark.parametrize("secret", ["no key", pem(ed25519.Ed25519PrivateKey.generate()),
                                    pem(ec.generate_private_key(ec.SECP384R1()))])  # fmt: skip
def test_what_is_no_key_of_use_is_told(secret: str) -> None:
    with pytest.raises(ConfigError, match="private key") as met:
        app(secret).proof(PLACE)
    assert met.value.where == {"connection": "books"}
