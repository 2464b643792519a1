"""Consent: what a redirected address may say, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from wherry.consent import FIELD, LIFE, begin, challenge_of, take
from wherry.errors import AccessLost, ConfigError
from wherry.secrets import Vault
from wherry.signin import OAuthEndpoints
from wherry.testing.clock import FakeClock

ENDPOINTS = OAuthEndpoints(
    token_url="https://id.vendor.example/token", authorize_url="https://id.vendor.example/consent",
    issuer="https://id.vendor.example",
)  # fmt: skip
HOME = "http://localhost:8765/callback"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


class Table(dict[tuple[str, str], str]):
    """A ``SecretTable`` in memory."""

    def get(self, connection: str, field: str) -> str | None:  # type: ignore[override]
        return dict.get(self, (connection, field))

    def put(self, connection: str, field: str, value: str) -> None:
        self[connection, field] = value

    def replace(self, connection: str, field: str, old: str, new: str) -> bool:
        raise AssertionError("nobody rotates keys here")

    def delete(self, connection: str, field: str) -> None:
        self.pop((connection, field), None)

    def each(self) -> Iterator[tuple[str, str, str]]:
        return ((*key, value) for key, value in self.items())


def vault() -> Vault:
    return Vault(Table(), [Fernet.generate_key().decode()])


def started(place: Vault, clock: FakeClock, redirect: str = HOME) -> str:
    """The state of a sign-in that was begun."""
    link, _ = begin(place, "crm", ENDPOINTS, "client-7", ("read", "write"), redirect, clock)
    return dict(parse_qsl(urlsplit(link).query))["state"]


def test_the_challenge_is_the_one_of_the_standard():
    """RFC 7636, appendix B"""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_every_link_has_its_own_state_and_verifier():
    place, clock = vault(), FakeClock()
    links = {begin(place, "crm", ENDPOINTS, "client-7", (), HOME, clock)[0] for _ in range(20)}
    asked = [dict(parse_qsl(urlsplit(link).query)) for link in links]
    assert len({one["state"] for one in asked}) == len({one["code_challenge"] for one in asked}) == 20


@given(code=TEXT, extra=st.dictionaries(TEXT.map(lambda name: f"x{name}"), TEXT, max_size=4))
def test_code_and_what_the_vendor_told_beside_it_come_through_whatever_their_letters(code, extra):
    place, clock = vault(), FakeClock()
    answer = {"state": started(place, clock), "code": code, "scope": "read", **extra}
    found = take(place, "crm", f"{HOME}?{urlencode(answer)}", ENDPOINTS, clock)
    assert (found.code, found.extra, found.redirect) == (code, extra, HOME)
    assert len(found.verifier) >= 43


@given(state=st.text(max_size=60))
def test_another_state_is_refused_and_leaves_the_sign_in_waiting(state):
    place, clock = vault(), FakeClock()
    right = started(place, clock)
    with pytest.raises(AccessLost, match="no answer to the sign-in"):
        take(place, "crm", f"{HOME}?{urlencode({'state': state, 'code': 'x'}, errors='replace')}", ENDPOINTS, clock)
    assert take(place, "crm", f"{HOME}?state={right}&code=x", ENDPOINTS, clock).code == "x"


@given(
    answer=st.text(max_size=300) | st.sampled_from(["http://[", "http://[::1", "//", "http://a:b/?code=1", "x" * 9_000])
)
def test_nonsense_is_refused_in_words(answer):
    place, clock = vault(), FakeClock()
    started(place, clock)
    with pytest.raises(AccessLost):
        take(place, "crm", answer, ENDPOINTS, clock)


@pytest.mark.parametrize("seconds", [-1.0, LIFE + 1])
def test_an_answer_out_of_its_time_is_refused_and_the_sign_in_is_over(seconds):
    place, clock = vault(), FakeClock()
    answer = f"{HOME}?state={started(place, clock)}&code=x"
    clock.jump(seconds)
    with pytest.raises(AccessLost, match="10 minutes"):
        take(place, "crm", answer, ENDPOINTS, clock)
    assert place.get("crm", FIELD) is None


def test_another_issuer_is_refused():
    """case_G5: wrong issuer"""
    place, clock = vault(), FakeClock()
    answer = f"{HOME}?state={started(place, clock)}&code=x&iss=https%3A%2F%2Fevil.example"
    with pytest.raises(AccessLost, match="another issuer"):
        take(place, "crm", answer, ENDPOINTS, clock)
    answer = f"{HOME}?state={started(place, clock)}&code=x&iss=https%3A%2F%2Fid.vendor.example"
    assert take(place, "crm", answer, ENDPOINTS, clock).extra == {}


def test_a_vendor_without_a_consent_page_says_so():
    with pytest.raises(ConfigError, match="no page"):
        begin(vault(), "crm", OAuthEndpoints(token_url="/token"), "client-7", (), HOME, FakeClock())


def test_paths_are_below_the_connections_address_and_a_stand_in_plays_every_host():
    mixed = OAuthEndpoints(token_url="/token", authorize_url="https://app.vendor.example/consent")
    vendor = mixed.at("https://api.vendor.example/", stand_in=False)
    assert (vendor.token_url, vendor.authorize_url) == ("https://api.vendor.example/token", mixed.authorize_url)
    own = mixed.at("http://127.0.0.1:8701", stand_in=True)
    assert (own.token_url, own.authorize_url) == ("http://127.0.0.1:8701/token", "http://127.0.0.1:8701/consent")
    assert own.revoke_url == ""
