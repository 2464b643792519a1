"""Signing in otherwise than by ``Authorization: Bearer``: another scheme or header, or the plugin's own auth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from wherry.errors import Rejected, WherryError
from wherry.http import Http, Profile, Response
from wherry.hub import Hub
from wherry.records import Call
from wherry.redaction import scrub
from wherry.settings import SecretRef
from wherry.signin import bearer
from wherry.simulator import Clock, Stage, serve
from wherry.simulator import Reply as SimulatorReply
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Reply, loopback
from wherry.testing.services import SECRET, services
from wherry.testing.sinks import SinkSuite, SinkTrial
from wherry.testing.target import Ability, Target
from wherry.testing.target_sink import TargetSink
from wherry.testing.target_trial import START, target_trial, usual
from wherry.testing.trial import echoes

PROJECT = """
version = 1
[project]
name = "acme"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["hubspot"]
[connections.crm]
plugin = "hubspot"
base_url = "{url}"
auth = {{ kind = "token", token = {{ env = "CRM_TOKEN" }}{more} }}
"""


class OwnAuth(httpx.Auth):
    """``Authorization: token key:secret``, as a plugin would write it."""

    def __init__(self, key: SecretRef, secret: SecretRef) -> None:
        self.key, self.secret = key, secret

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        request.headers["Authorization"] = f"token {self.key.reveal()}:{self.secret.reveal()}"
        yield request


def test_a_secret_is_struck_from_texts_from_the_moment_that_it_is_revealed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary-file-51b\n")
    environ = {"KEY": "canary-env-51a"}
    given = SecretRef.given("canary-given-51c")
    refs = [SecretRef(env="KEY").bound((), tmp_path, environ), SecretRef(file="key").bound((), tmp_path, {}), given]
    for ref in refs:
        value = ref.reveal()
        assert scrub(f"the key {value} is not welcome") == "the key *** is not welcome"


def test_the_kit_signs_as_the_profile_says_and_its_secret_is_in_no_error(tmp_path: Path) -> None:
    own = OwnAuth(SecretRef.given("canary-key-88d1"), SecretRef.given("canary-secret-88d2"))
    refusal = Reply(417, {"message": "token canary-key-88d1:canary-secret-88d2 is not welcome"})
    with loopback(lambda seen: refusal) as server, services(tmp_path, clock=FakeClock()) as kit:
        http = kit.http(Profile(base_url=server.url, auth=own))
        with pytest.raises(WherryError) as caught:
            http.read("GET", "/docs")
        assert server.seen[0].headers["authorization"] == "token canary-key-88d1:canary-secret-88d2"
    told = f"{caught.value} {caught.value.as_data()}"
    assert "is not welcome" in told
    assert "canary" not in told


def test_the_kit_signs_by_the_auth_that_a_test_gives_where_the_profile_has_none(tmp_path: Path) -> None:
    for auth, sent in ((None, f"Bearer {SECRET}"), (bearer(lambda: "canary-88d3", "token"), "token canary-88d3")):
        with loopback(lambda seen: Reply(200, {})) as server, services(tmp_path, clock=FakeClock(), auth=auth) as kit:
            kit.http(Profile(base_url=server.url)).read("GET", "/docs")
            assert server.seen[0].headers["authorization"] == sent


@pytest.mark.parametrize(
    ("more", "header", "sent"),
    [("", "authorization", "Bearer canary-crm-77"), (', scheme = "token"', "authorization", "token canary-crm-77"),
     (', scheme = "", header = "X-Shop-Key"', "x-shop-key", "canary-crm-77"),
     (', scheme = "Key", header = "X-Auth"', "x-auth", "Key canary-crm-77")],
)  # fmt: skip
def test_a_token_goes_out_in_the_scheme_and_header_of_its_settings(
    tmp_path: Path, more: str, header: str, sent: str
) -> None:
    with loopback(lambda seen: Reply(200, {})) as server:
        (tmp_path / "wherry.toml").write_text(PROJECT.format(url=server.url, more=more))
        with Hub.open(tmp_path, environ={"CRM_TOKEN": "canary-crm-77"}) as hub:
            http = hub.wiring.services(hub.wiring.connection("crm")).http(Profile(base_url=server.url))
            http.read("GET", "/docs")
            http.send(Call(method="POST", path="/docs", items=()))
    assert [seen.headers[header] for seen in server.seen] == [sent, sent]
    assert header == "authorization" or not any("authorization" in seen.headers for seen in server.seen)


def test_a_plugin_that_signs_in_its_own_way_is_given_what_reveals_a_secret_wherever_that_is_kept(
    tmp_path: Path,
) -> None:
    project = PROJECT.replace('{{ env = "CRM_TOKEN" }}', "{{ stored = true }}")
    with loopback(lambda seen: Reply(200, {})) as server:
        (tmp_path / "wherry.toml").write_text(project.format(url=server.url, more=""))
        with Hub.open(tmp_path, environ={}) as hub:
            told = hub.wiring.connection("crm")
            hub.wiring.vault.put("crm", "auth.token", "canary-own-51d")
            profile = Profile(
                base_url=server.url, sign=lambda reveal: bearer(lambda: reveal(told.settings.auth.token), "own")
            )
            hub.wiring.services(told).http(profile).read("GET", "/docs")
    assert server.seen[0].headers["authorization"] == "own canary-own-51d"


@pytest.mark.parametrize("more", [', scheme = "to ken"', ', header = ""', ', header = "X: y"', ', header = "X\\n"'])
def test_a_scheme_or_header_that_no_request_can_carry_is_refused(tmp_path: Path, more: str) -> None:
    (tmp_path / "wherry.toml").write_text(PROJECT.format(url="http://127.0.0.1:1", more=more))
    with pytest.raises(WherryError, match=r"auth\.(scheme|header)"), Hub.open(tmp_path, environ={}) as hub:
        hub.wiring.connection("crm")


def test_a_renewed_token_of_another_scheme_is_taken_up_after_a_401() -> None:
    told = iter(["canary-old-66", "canary-new-66"])
    with loopback(lambda seen: Reply(401 if seen.number == 1 else 200, {})) as server:
        auth = bearer(lambda: next(told), "", "X-Key")
        Http(Profile(base_url=server.url, auth=auth), clock=FakeClock()).read("GET", "/docs")
    assert [seen.headers["x-key"] for seen in server.seen] == ["canary-old-66", "canary-new-66"]


# -- the kit's check of secrets ----------------------------------------------------------------------------------------


class Unrevealed(httpx.Auth):
    """Signs with a secret that it had by ways of its own, of which the core knows nothing."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        request.headers["Authorization"] = f"token {self.secret}"
        yield request


def vendors_form(status: int) -> SimulatorReply:
    return SimulatorReply(status, {"errors": [{"code": "AUTH", "detail": "not so", "n": 1}]})


def of_its_vendor(answer: Response) -> WherryError:
    """Reads the vendor's own form only, as plugins do."""
    try:
        detail = str(answer.json()["errors"][0]["detail"])
    except (KeyError, ValueError):
        detail = "no word of why"
    return Rejected(scrub(detail))


@contextmanager
def signing(folder: Path, auth: httpx.Auth, secret: str) -> Iterator[SinkTrial]:
    """A trial of a sink that signs by itself, into a target whose errors have a form of their own."""
    target = Target("key", clock=Clock(START))
    target.stage._dress = vendors_form

    def made(http: Any, ability: Ability, batch: int) -> TargetSink:
        http._profile = msgspec.structs.replace(http._profile, auth=auth, classify=of_its_vendor)
        return usual(http, ability, batch)

    with serve(target.app()) as url, target_trial(target, url, folder, made=made) as trial:
        trial.secret = secret
        yield trial


def test_a_secret_of_the_plugins_own_that_an_error_shows_is_found_out_in_the_vendors_form(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    check = SinkSuite().test_secrets_are_in_no_log_and_in_no_error
    with signing(tmp_path, Unrevealed("canary-own-9f01"), "canary-own-9f01") as trial:
        with pytest.raises(AssertionError):
            check(trial, caplog, capfd)
    revealed = OwnAuth(SecretRef.given("canary-own-9f02"), SecretRef.given("canary-own-9f03"))
    with signing(tmp_path, revealed, "canary-own-9f02") as trial:
        check(trial, caplog, capfd)


def test_the_kit_puts_its_words_into_every_text_of_the_stand_ins_error_and_leaves_the_rest() -> None:
    stage = Stage(Clock(START), vendors_form)
    assert echoes("the key is no good", stage, 400) == [
        {"message": "the key is no good"},
        {"errors": [{"code": "AUTH the key is no good", "detail": "not so the key is no good", "n": 1}]},
    ]
    assert echoes("no", Stage(Clock(START)), 400) == [{"message": "no"}], "its form holds no text"
