"""Signing in as the app itself: one token for all processes, a new one after a 401, none of another app's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from wherry.clientgrant import ClientGrant
from wherry.errors import AccessLost
from wherry.http import Http, Profile
from wherry.secrets import Vault
from wherry.signin import OAuthEndpoints
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Loopback, Reply, Seen, loopback

from .test_signin import SecretFile

SECRET = "app-canary-2c7f"


class House:
    """A vendor that gives out tokens without an end, until it forgets them."""

    def __init__(self) -> None:
        self.living: set[str] = set()
        self.forms: list[dict[str, str]] = []
        self.secret = SECRET

    def __call__(self, seen: Seen) -> Reply:
        if seen.path != "/token":
            token = seen.headers.get("authorization", "").removeprefix("Bearer ")
            return Reply(body={"ok": 1}) if token in self.living else Reply(401, {"message": "expired"})
        self.forms.append(seen.form())
        if seen.form()["client_secret"] != self.secret:
            return Reply(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
        self.living.add(f"token-{len(self.forms)}")
        return Reply(body={"access_token": f"token-{len(self.forms)}", "token_type": "Bearer"})


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def server(house: House) -> Iterator[Loopback]:
    with loopback(house) as made:
        yield made


@pytest.fixture
def client(server: Loopback, tmp_path: Any) -> Any:
    vault = Vault(SecretFile(tmp_path / "store.db"), [Fernet.generate_key().decode()])

    def made(secret: str = SECRET) -> Http:
        """As another process makes it: it shares the vault alone."""
        endpoints = OAuthEndpoints(token_url=f"{server.url}/token")
        auth = ClientGrant(
            "app", lambda: secret, endpoints, vault, "crm", lambda _: contextlib.nullcontext(), FakeClock()
        )
        return Http(Profile(base_url=server.url, auth=auth), connection="crm", clock=FakeClock())

    return made


def test_one_token_serves_all_processes_until_a_401_and_then_a_new_one(client: Any, house: House) -> None:
    for _ in range(2):
        with client() as http:
            http.read("GET", "/deals"), http.read("GET", "/deals")
    grant = {"grant_type": "client_credentials", "client_id": "app", "client_secret": SECRET}
    assert house.forms == [grant]
    house.living.clear()
    with client() as http:
        assert http.read("GET", "/deals").status == 200
        assert (len(house.forms), http.sign_in) == (2, 0), "the same app signed in, so it is the same account"


def test_a_token_of_another_secret_is_not_used(client: Any, house: House) -> None:
    with client() as http:
        http.read("GET", "/deals")
    with client("another") as http, pytest.raises(AccessLost, match="invalid client credentials") as caught:
        http.read("GET", "/deals")
    assert (caught.value.code, "wherry connection test crm" in caught.value.fix) == ("WHERRY-5044", True)


def test_an_app_asks_for_the_scope_of_its_connection_at_the_place_that_its_settings_name(
    house: House, server: Loopback, tmp_path: Any
) -> None:
    vendor = OAuthEndpoints(token_url="https://login.example/{tenant}/v2/token", client_scope="{base_url}/.default")
    own = vendor.of([("tenant", "t-1"), ("base_url", server.url), ("auth", object())])
    assert own.token_url == "https://login.example/t-1/v2/token"
    assert own.at(server.url, stand_in=True).token_url == f"{server.url}/t-1/v2/token"
    vault = Vault(SecretFile(tmp_path / "store.db"), [Fernet.generate_key().decode()])
    asked = OAuthEndpoints(token_url=f"{server.url}/token", client_scope=own.client_scope)
    auth = ClientGrant("app", lambda: SECRET, asked, vault, "crm", lambda _: contextlib.nullcontext(), FakeClock())
    with Http(Profile(base_url=server.url, auth=auth), connection="crm", clock=FakeClock()) as http:
        http.read("GET", "/deals")
    assert [form["scope"] for form in house.forms] == [f"{server.url}/.default"]
