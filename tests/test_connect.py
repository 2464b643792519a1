"""``wherry connect``, ``connection rotate`` and ``connection disconnect``, through the command line and a stand-in."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import struct
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.cli import app
from wherry.clock import SystemClock
from wherry.consent import LIFE
from wherry.hub import Hub
from wherry.operating.connecting import begin
from wherry.signin import FIELD, Tokens
from wherry.simulator import serve
from wherry.testing.clock import hurried
from wherry.testing.commands import Commands
from wherry_hubspot.simulator import HubSpotSimulator, OAuthApp

PROJECT = """
version = 1
[project]
name = "acme"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
base_url = "${CRM_URL}"
auth = AUTH
[connections.platform]
plugin = "workspace"
[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
"""
OAUTH = '{ kind = "oauth2", client_id = { env = "CRM_CLIENT" }, client_secret = { env = "CRM_SECRET" } }'
TOKEN = '{ kind = "token", token = { stored = true } }'
SECRET = "canary-client-secret-71"
PORTAL, OTHER = 48_151_623, 77_000_001
AUTHORIZE = "/oauth/authorize"

Run = Callable[..., int]


@pytest.fixture
def crm() -> HubSpotSimulator:
    return HubSpotSimulator(oauth=OAuthApp(client_id="crm-client", client_secret=SECRET), portal_id=PORTAL)


@pytest.fixture
def crm_url(crm: HubSpotSimulator) -> Iterator[str]:
    with serve(crm.app()) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, crm_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_URL", crm_url)
    monkeypatch.setenv("CRM_CLIENT", "crm-client")
    monkeypatch.setenv("CRM_SECRET", SECRET)
    hurried(monkeypatch)
    (tmp_path / "wherry.toml").write_text(PROJECT.replace("AUTH", OAUTH))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    return lambda *arguments: app.run(["-C", str(folder), *arguments])


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """A command's envelope, after its exit code was checked."""
    return lambda *words, code=0: Commands(folder, capsys).told(shlex.join(words), code)


@pytest.fixture
def hub(folder: Path) -> Iterator[Hub]:
    with Hub.open(folder) as opened:
        yield opened


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A person at a terminal, who types what is given."""
    master, slave = os.openpty()
    with os.fdopen(slave, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: _type(master, text)
    os.close(master)


def _type(terminal: int, text: str) -> None:
    os.write(terminal, f"{text}\n".encode())


def tokens(hub: Hub) -> Tokens | None:
    import msgspec

    text = hub.wiring.vault.get("crm", FIELD)
    return None if text is None else msgspec.json.decode(text, type=Tokens)


def a_page_first(crm: HubSpotSimulator) -> None:
    """The consent page shows itself to the hub, as a real one does; whoever comes next consents."""
    crm.faults.add("html", path=AUTHORIZE)


def visit(link: str) -> str:
    """What a browser ends at when somebody consents there."""
    return str(httpx.get(link).headers["location"])


# -- connecting --------------------------------------------------------------------------------------------------------


def test_a_stand_in_is_connected_to_without_a_browser(run, ask, hub, crm, capsys):
    """b_001_28: The client id may be a reference; an administrator is recommended; the next command is named."""
    envelope = ask("connect", "crm", "--no-browser")
    assert envelope["data"]["account_id"] == str(PORTAL)
    assert "plan won-deals" in envelope["next"][0]
    assert run("connection", "test", "crm") == 0
    assert run("connect", "crm") == 0
    told = capsys.readouterr()
    assert "crm is connected to HubSpot account" in told.out
    assert "best signed in by an administrator" in told.out
    assert [row["action"] for row in ask("audit", "list")["data"]["items"]][:2] == ["connection.connect"] * 2
    assert tokens(hub) is not None


def test_the_link_asks_with_pkce_and_state_for_exactly_the_redirect_and_the_scopes(ask, crm):
    """case_G5: S256 always"""
    a_page_first(crm)
    data = ask("connect", "crm", "--port", "9753", code=4)["data"]
    asked = dict(httpx.URL(data["link"]).params)
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"])
    assert len(asked["state"]) >= 43
    assert asked["redirect_uri"] == data["redirect"] == "http://localhost:9753/callback"
    scopes = ask("connect", "crm", "--scopes", "show")["data"]["scopes"]
    assert asked["scope"].split() == scopes
    assert "crm.objects.deals.read" in scopes


def test_without_a_terminal_the_link_is_printed_and_a_later_command_finishes(ask, run, crm, capsys):
    a_page_first(crm)
    envelope = ask("connect", "crm", "--no-browser", code=4)
    assert "connect crm --answer" in envelope["next"][0]
    answer = visit(envelope["data"]["link"])
    assert ask("connect", "crm", "--answer", answer)["data"]["account_id"] == str(PORTAL)
    assert run("connection", "test", "crm") == 0


def test_a_browser_on_this_machine_brings_the_answer_to_the_listener(run, crm, terminal, monkeypatch, capsys):
    """b_001_27: Who comes with another state is not listened to, and nothing is lost by it. Nor by who says nothing, or
    hangs up."""
    import socket

    a_page_first(crm)
    seen: list[Any] = []

    def browse(link: str) -> bool:
        def people() -> None:
            answer = httpx.URL(visit(link))
            silent, gone = (socket.create_connection((answer.host, answer.port)) for _ in range(2))
            seen.append(silent)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
            stranger = answer.copy_merge_params({"state": "of-somebody-else"})
            seen.append(httpx.get(stranger))
            seen.append(httpx.get(answer.copy_with(path="/favicon.ico", query=None)))
            seen.append(httpx.get(answer))

        threading.Thread(target=people, daemon=True).start()
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", browse)
    began = time.monotonic()
    assert run("connect", "crm", "--port", str(_free_port())) == 0
    assert time.monotonic() - began < 4
    seen.pop(0).close()
    assert [page.status_code for page in seen] == [404, 404, 200]
    assert seen[-1].headers["cache-control"] == "no-store"
    told = capsys.readouterr()
    assert "crm is connected to" in told.out
    assert "Traceback" not in told.err


def test_a_person_may_paste_the_address_that_the_browser_ended_at(run, crm, terminal, monkeypatch, capsys):
    a_page_first(crm)
    link = _typed_once_the_link_is_there(monkeypatch, terminal)
    assert run("connect", "crm", "--no-browser", "--redirect", "https://acme.example/connected") == 0
    assert link[0].startswith("https://acme.example/connected?code=")
    assert "crm is connected to" in capsys.readouterr().out


def _typed_once_the_link_is_there(monkeypatch: pytest.MonkeyPatch, terminal: Callable[[str], None]) -> list[str]:
    import click

    echo, pasted = click.echo, []

    def listen(message: Any = None, **options: Any) -> None:
        echo(message, **options)
        if found := re.search(r"http://127\S+authorize\S+", str(message)):
            pasted.append(visit(found[0]))
            terminal(pasted[0])

    monkeypatch.setattr(click, "echo", listen)
    return pasted


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_is_taken_is_said_before_anybody_signs_in(run, crm, terminal, capsys):
    import socket

    a_page_first(crm)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("connect", "crm", "--no-browser", "--port", str(taken.getsockname()[1])) == 2
    assert "choose another --port" in capsys.readouterr().err


# -- what is refused ---------------------------------------------------------------------------------------------------


def begun(ask: Callable[..., dict[str, Any]], crm: HubSpotSimulator) -> str:
    a_page_first(crm)
    return str(ask("connect", "crm", code=4)["data"]["link"])


def test_an_answer_works_once(ask, crm):
    """case_G5: callback replay"""
    answer = visit(begun(ask, crm))
    ask("connect", "crm", "--answer", answer)
    error = ask("connect", "crm", "--answer", answer, code=5)["error"]
    assert error["code"] == "WHERRY-5054"
    assert error["fix"] == "begin again: wherry connect crm"


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.copy_merge_params({"state": "another"}),
        lambda url: url.copy_remove_param("state"),
        lambda url: url.copy_with(host="evil.example"),
        lambda url: url.copy_with(path="/elsewhere"),
        lambda url: url.copy_with(scheme="https"),
    ],
    ids=["state", "no state", "host", "path", "scheme"],
)
def test_what_is_no_answer_to_this_sign_in_is_refused_and_the_right_one_still_works(ask, crm, change):
    """case_G5: missing state, exact redirect"""
    answer = visit(begun(ask, crm))
    assert ask("connect", "crm", "--answer", str(change(httpx.URL(answer))), code=5)["error"]["code"] == "WHERRY-5050"
    ask("connect", "crm", "--answer", answer)


def test_a_link_that_was_replaced_by_a_newer_one_is_worth_nothing(ask, crm):
    first, second = begun(ask, crm), begun(ask, crm)
    assert ask("connect", "crm", "--answer", visit(first), code=5)["error"]["code"] == "WHERRY-5050"
    ask("connect", "crm", "--answer", visit(second))


def test_an_answer_to_another_connection_is_refused(ask, crm, folder):
    """State is bound to the connection."""
    text = (folder / "wherry.toml").read_text()
    second = text[text.index("[connections.crm]") : text.index("[connections.platform]")].replace(".crm]", ".other]")
    (folder / "wherry.toml").write_text(text + second)
    answer = visit(begun(ask, crm))
    assert ask("connect", "other", "--answer", answer, code=5)["error"]["code"] == "WHERRY-5054"


def test_a_late_answer_is_refused(ask, crm, monkeypatch):
    answer = visit(begun(ask, crm))
    now = SystemClock.now
    import datetime as dt

    monkeypatch.setattr(SystemClock, "now", lambda self: now(self) + dt.timedelta(seconds=LIFE + 1))
    assert ask("connect", "crm", "--answer", answer, code=5)["error"]["code"] == "WHERRY-5051"


def test_a_no_at_the_consent_page_is_told_in_the_vendors_words(ask, crm):
    answer = httpx.URL(visit(begun(ask, crm))).copy_remove_param("code")
    denied = answer.copy_merge_params({"error": "access_denied", "error_description": "The user declined"})
    error = ask("connect", "crm", "--answer", str(denied), code=5)["error"]
    assert error["code"] == "WHERRY-5052"
    assert "The user declined" in error["message"]


def test_a_code_beside_another_code_is_refused(ask, crm):
    """case_G5: code injection"""
    answer = visit(begun(ask, crm)) + "&code=smuggled"
    assert ask("connect", "crm", "--answer", answer, code=5)["error"]["code"] == "WHERRY-5053"


def test_a_code_that_the_vendor_does_not_take_is_refused(ask, crm):
    answer = httpx.URL(visit(begun(ask, crm))).copy_merge_params({"code": "never-given-out"})
    error = ask("connect", "crm", "--answer", str(answer), code=5)["error"]
    assert error["code"] == "WHERRY-5055"
    assert "never-given-out" not in json.dumps(error)


def test_a_code_without_its_verifier_is_worth_nothing(ask, crm, hub):
    """case_G5: what was begun elsewhere cannot be finished here (PKCE)"""
    stolen = visit(begun(ask, crm))
    with Hub.open(hub.project.folder) as own:
        asked = begin(own, "crm")
    mine = httpx.URL(asked.answer).copy_merge_params({"code": httpx.URL(stolen).params["code"]})
    error = ask("connect", "crm", "--answer", str(mine), code=5)["error"]
    assert (error["code"], "verifier" in error["message"]) == ("WHERRY-5055", True)


@pytest.mark.parametrize(
    ("fault", "options"),
    [("status", {"status": 503}), ("html", {}), ("dropped", {}), ("empty", {}), ("status", {"status": 429})],
    ids=["503", "html", "dropped", "empty", "429"],
)
def test_a_vendor_that_is_out_of_order_is_exit_6_and_the_code_is_shown_once(ask, crm, hub, fault, options):
    answer = visit(begun(ask, crm))
    crm.faults.add(fault, path="/token$", **options)
    error = ask("connect", "crm", "--answer", answer, code=6)["error"]
    assert "wherry connect crm" in error["fix"]
    assert len([seen for seen in crm.history.requests() if seen.path.endswith("/token")]) == 1
    assert tokens(hub) is None


def test_a_vendor_that_is_not_there_is_exit_6(ask, monkeypatch):
    monkeypatch.setenv("CRM_URL", f"http://127.0.0.1:{_free_port()}")
    assert ask("connect", "crm", code=6)["error"]["error"] == "TryAgain"


def test_tokens_are_tried_before_they_are_kept(ask, crm, hub):
    answer = visit(begun(ask, crm))
    crm.faults.add("status", path="/details$", status=403, times=9)
    ask("connect", "crm", "--answer", answer, code=5)
    assert tokens(hub) is None


def test_another_account_is_refused_and_the_tokens_at_hand_stay(ask, hub, monkeypatch):
    """case_E6: reconnected to another company by mistake"""
    ask("connect", "crm")
    before = tokens(hub)
    other = HubSpotSimulator(oauth=OAuthApp(client_id="crm-client", client_secret=SECRET), portal_id=OTHER)
    with serve(other.app()) as url:
        monkeypatch.setenv("CRM_URL", url)
        error = ask("connect", "crm", code=7)["error"]
    assert error["code"] == "WHERRY-7030"
    assert str(PORTAL) in error["message"]
    assert str(OTHER) in error["message"]
    assert tokens(hub) == before


@pytest.mark.parametrize(
    "redirect",
    [
        "http://acme.example/x",
        "https:///x",
        "ftp://localhost/",
        "https://a.example/?x=1",
        "https://[x",
        "http://localhost:x/",
    ],
)
def test_a_redirect_that_would_show_the_code_is_refused(ask, redirect):
    """case_G5: open redirect"""
    assert ask("connect", "crm", "--redirect", redirect, code=2)["error"]["code"] == "WHERRY-2112"


def test_an_app_that_is_not_configured_says_which_variable(ask, monkeypatch):
    monkeypatch.delenv("CRM_CLIENT")
    error = ask("connect", "crm", code=2)["error"]
    assert (error["code"], error["key"]) == ("WHERRY-2021", "connections.crm.auth.client_id")


def test_a_connection_that_signs_in_to_nothing_says_so(ask):
    assert ask("connect", "platform", code=2)["error"]["code"] == "WHERRY-2110"
    assert ask("connect", "nobody", code=3)["error"]["code"] == "WHERRY-3010"


def test_no_secret_is_printed_or_stored_in_clear(run, ask, crm, hub, folder, capsys):
    """I14: what was asked, answered, refused and kept"""
    answer = visit(begun(ask, crm))
    assert run("connect", "crm", "--answer", answer) == 0
    assert run("connect", "crm", "--answer", answer) == 5
    assert run("connection", "rotate", "crm", "--debug") == 0
    assert run("audit", "list") == 0
    told = capsys.readouterr()
    kept = tokens(hub)
    assert kept is not None
    code = httpx.URL(answer).params["code"]
    stored = b"".join(path.read_bytes() for path in (folder / ".wherry").glob("wherry.db*") if path.is_file())
    for secret in (SECRET, kept.access, kept.refresh, code):
        assert secret not in told.out + told.err
        assert secret.encode() not in stored


# -- a token -----------------------------------------------------------------------------------------------------------


def with_token(folder: Path, auth: str = TOKEN) -> None:
    (folder / "wherry.toml").write_text(PROJECT.replace("AUTH", auth))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{text}\n"))


def test_a_token_is_tried_and_kept(folder, ask, run, crm, monkeypatch, capsys):
    crm.gate.tokens = {"pat-canary-good-1"}
    with_token(folder)
    typed(monkeypatch, "pat-canary-bad-11")
    error = ask("connect", "crm", code=5)["error"]
    assert "pat-canary" not in json.dumps(error)
    assert ask("connection", "test", "crm", code=5)["error"]["fix"] == "wherry connect crm"
    typed(monkeypatch, "pat-canary-good-1")
    assert ask("connect", "crm")["data"]["account_id"] == str(PORTAL)
    assert run("connection", "test", "crm") == 0
    assert b"pat-canary" not in (folder / ".wherry" / "wherry.db").read_bytes()


def test_a_token_that_is_read_from_elsewhere_is_not_asked_for(folder, ask):
    with_token(folder, '{ kind = "token", token = { env = "CRM_SECRET" } }')
    error = ask("connect", "crm", code=2)["error"]
    assert (error["code"], error["key"]) == ("WHERRY-2113", "connections.crm.auth.token")


# -- renewing ----------------------------------------------------------------------------------------------------------


def test_rotating_renews_the_tokens_now(ask, hub, crm):
    ask("connect", "crm")
    before = tokens(hub)
    ask("connection", "rotate", "crm")
    after = tokens(hub)
    assert before is not None
    assert after is not None
    assert before.access != after.access
    assert ask("audit", "list")["data"]["items"][0]["action"] == "connection.rotate"


def test_a_rotation_that_fails_leaves_what_was_there(ask, hub, crm):
    ask("connect", "crm")
    crm.faults.add("status", path="/token$", status=503, times=9)
    ask("connection", "rotate", "crm", code=6)
    crm.faults.clear()
    assert ask("connection", "test", "crm")["data"]["account_id"] == str(PORTAL)


def test_a_new_token_is_tried_before_the_old_one_goes(folder, ask, crm, monkeypatch):
    crm.gate.tokens = {"pat-canary-old-1", "pat-canary-new-1"}
    with_token(folder)
    typed(monkeypatch, "pat-canary-old-1")
    ask("connect", "crm")
    typed(monkeypatch, "pat-canary-wrong-1")
    ask("connection", "rotate", "crm", code=5)
    ask("connection", "test", "crm")
    typed(monkeypatch, "pat-canary-new-1")
    ask("connection", "rotate", "crm")
    crm.gate.tokens = {"pat-canary-new-1"}
    ask("connection", "test", "crm")


def test_a_new_client_secret_is_tried_by_a_renewal_before_the_old_one_goes(folder, ask, crm, hub, monkeypatch):
    with_token(folder, OAUTH.replace('{ env = "CRM_SECRET" }', "{ stored = true }"))
    typed(monkeypatch, SECRET)
    ask("connection", "set-secret", "crm")
    ask("connect", "crm")
    typed(monkeypatch, "canary-secret-wrong")
    ask("connection", "rotate", "crm", "--field", "auth.client_secret", code=5)
    ask("connection", "test", "crm")
    crm.oauth.app = OAuthApp(client_id="crm-client", client_secret="canary-secret-new")
    typed(monkeypatch, "canary-secret-new")
    ask("connection", "rotate", "crm", "--field", "auth.client_secret")
    assert hub.wiring.vault.get("crm", "auth.client_secret") == "canary-secret-new"


# -- taking away -------------------------------------------------------------------------------------------------------


def test_disconnecting_ends_the_sign_in_there_and_here_and_keeps_what_was_written(ask, hub, crm, terminal, capsys):
    ask("connect", "crm")
    kept = tokens(hub)
    assert kept is not None
    data = ask("connection", "disconnect", "crm", "--yes")["data"]
    assert (data["vendor"], data["flows"], data["left"]) == ("ended the sign-in", ["won-deals"], [])
    assert crm.oauth._grants[kept.refresh].revoked
    assert tokens(hub) is None
    envelope = ask("run", "won-deals", code=5)
    assert "wherry connect crm" in json.dumps(envelope)
    row = next(row for row in ask("connection", "list")["data"]["items"] if row["connection"] == "crm")
    assert (row["state"], row["account_id"]) == ("reconnect", str(PORTAL))
    ask("connect", "crm")


def test_the_name_is_typed_before_anything_is_taken_away(run, ask, hub, crm, terminal, capsys):
    ask("connect", "crm")
    terminal("platform")
    assert run("connection", "disconnect", "crm") == 130
    assert tokens(hub) is not None
    terminal("crm")
    assert run("connection", "disconnect", "crm") == 0
    assert tokens(hub) is None


def test_nobody_to_type_the_name_is_a_reason_to_stop(ask, hub, monkeypatch):
    ask("connect", "crm")
    typed(monkeypatch, "crm")
    assert ask("connection", "disconnect", "crm", code=2)["error"]["code"] == "WHERRY-2091"
    assert tokens(hub) is not None


def test_a_vendor_that_cannot_be_told_keeps_the_sign_in_unless_only_this_side_is_meant(ask, hub, crm):
    ask("connect", "crm")
    crm.faults.add("status", path="/revoke$", status=503)
    error = ask("connection", "disconnect", "crm", "--yes", code=6)["error"]
    assert "--only-here" in error["fix"]
    assert tokens(hub) is not None
    data = ask("connection", "disconnect", "crm", "--yes", "--only-here")["data"]
    assert (data["vendor"], data["left"]) == ("was not told", ["the access that was given at HubSpot"])
    assert tokens(hub) is None


def test_a_token_is_forgotten_and_its_end_at_the_vendor_is_left_to_a_person(folder, ask, crm, hub, monkeypatch):
    crm.gate.tokens = {"pat-canary-good-1"}
    with_token(folder)
    typed(monkeypatch, "pat-canary-good-1")
    ask("connect", "crm")
    data = ask("connection", "disconnect", "crm", "--yes")["data"]
    assert data["left"] == ["the access that was given at HubSpot"]
    assert hub.wiring.vault.get("crm", "auth.token") is None
    assert ask("connection", "test", "crm", code=5)["error"]["fix"] == "wherry connect crm"
