"""The .QWC file and the commands around it, through the command line's own context."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from wherry.cli.context import Face
from wherry.cli.options import equip
from wherry.cli.serve import serve as serving
from wherry.errors import ConfigError, NotFound
from wherry.web.server import Listening, check
from wherry_qbwc import passwords, qwc, sessions
from wherry_qbwc.commands import group

from .web_rig import NAME, PROJECT

Run = Callable[..., Any]
URL = "https://hub.example.com"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One command in a project; its data."""
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")

    def run(*words: str, output: str = "json") -> Any:
        face = Face(folder=tmp_path, output=output, plugin="qbwc")
        try:
            done = CliRunner().invoke(equip(group), words, obj=face, catch_exceptions=False)
        finally:
            face.close()
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["data"] if output == "json" else done.stdout

    return run


def documents(folder: Path, change: Callable[[Any], None]) -> None:
    face = Face(folder=folder, plugin="qbwc")
    with face.documents(NAME) as found:
        change(found)
    face.close()


def file(run: Run, folder: Path) -> bytes:
    run("file", NAME, "--out", str(folder / "it.qwc"))
    return (folder / "it.qwc").read_bytes()


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_is_what_the_web_connector_takes(run: Run, tmp_path: Path, contract: Path) -> None:
    run("setup", NAME, "--url", URL, "--every", "20")
    schema = etree.XMLSchema(etree.parse(str(contract / "qwc" / "qwc.xsd")))
    root = etree.fromstring(file(run, tmp_path))
    assert schema.validate(root), schema.error_log
    assert root.findtext("AppURL") == f"{URL}/hooks/qbwc/{NAME}"
    assert root.findtext("AppSupport") == f"{URL}/hooks/qbwc/{NAME}/support"
    assert root.findtext("OwnerID") == qwc.OWNER_ID
    assert root.findtext("Scheduler/RunEveryNMinutes") == "20"


def test_written_again_it_is_the_same_file_whatever_became_of_the_password(run: Run, tmp_path: Path) -> None:
    """case_F16"""
    made = run("setup", NAME, "--url", URL)["password"]
    first = file(run, tmp_path)
    other = run("password", NAME, "--rotate")["password"]
    assert run("setup", NAME, "--url", URL)["password"] == ""
    assert file(run, tmp_path) == first
    assert made != other
    assert made.encode() not in first
    assert other.encode() not in first


def test_another_address_keeps_user_file_id_and_password(run: Run, tmp_path: Path) -> None:
    run("setup", NAME, "--url", URL)
    first = etree.fromstring(file(run, tmp_path))
    told = run("setup", NAME, "--url", "https://other.example.com:8443/", "--every", "5")
    second = etree.fromstring(file(run, tmp_path))
    assert told["address"] == f"https://other.example.com:8443/hooks/qbwc/{NAME}"
    for name in ("UserName", "FileID", "OwnerID", "AppName"):
        assert first.findtext(name) == second.findtext(name)


def test_two_connections_have_users_and_file_ids_of_their_own(run: Run) -> None:
    one, two = run("setup", NAME, "--url", URL), run("setup", "second", "--url", URL)
    assert one["user"] != two["user"]
    assert one["password"] != two["password"]


def test_a_file_before_its_set_up_and_a_connection_that_there_is_not_are_refused(run: Run) -> None:
    for words, code in ((("file", NAME), "WHERRY-2352"), (("password", NAME, "--rotate"), "WHERRY-2352")):
        with pytest.raises(ConfigError) as refused:
            run(*words)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        run("setup", "nobody", "--url", URL)


def test_a_file_that_cannot_be_written_says_why(run: Run, tmp_path: Path) -> None:
    run("setup", NAME, "--url", URL)
    with pytest.raises(ConfigError) as refused:
        run("file", NAME, "--out", str(tmp_path / "nowhere" / "it.qwc"))
    assert refused.value.code == "WHERRY-2351"


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example.com", "https://192.168.1.4", "https://[::1]", "http://127.0.0.1:8710", "https://3232235780",
        "https://hub.example.com/path", "https://user:pw@hub.example.com", "ftp://hub.example.com", "hub.example.com",
        "https://", "", "https://hub.example.com?x=1", "https://hub.example.com:99999", "https://[",
    ],
)  # fmt: skip
def test_an_address_that_the_web_connector_refuses_is_refused_here_first(url: str) -> None:
    """case_F17"""
    with pytest.raises(ConfigError) as refused:
        qwc.checked(url)
    assert refused.value.code == "WHERRY-2350"


def test_plain_http_is_for_the_same_computer_alone() -> None:
    """case_F17"""
    assert qwc.checked("http://localhost:8710/") == "http://localhost:8710"
    assert qwc.checked(" https://Hub.Example.com ") == "https://hub.example.com"


@given(st.text(max_size=120))
def test_whatever_a_project_is_called_the_file_is_well_formed(name: str) -> None:
    access = passwords.new(NAME)
    clean = "".join(one if one.isprintable() else "?" for one in name)
    assert etree.fromstring(qwc.document(NAME, access, clean)).findtext("AppName")


# -- the password ------------------------------------------------------------------------------------------------------


def test_the_password_is_shown_once_and_a_hash_of_it_is_kept(run: Run, tmp_path: Path) -> None:
    """case_F15"""
    made = run("setup", NAME, "--url", URL)["password"]
    assert run("password", NAME)["password"] == ""
    assert made not in json.dumps(run("status", NAME))
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or made.encode() not in path.read_bytes()


def test_a_new_password_makes_the_old_one_good_for_nothing() -> None:
    first, old = passwords.rotated(passwords.new(NAME), "2026-01-01T00:00:00Z")
    second, new = passwords.rotated(first, "2026-01-02T00:00:00Z")
    assert passwords.matches(first, first.user, old)
    assert passwords.matches(second, first.user, new)
    assert not passwords.matches(second, first.user, old)
    assert not passwords.matches(second, "other", new)
    assert not passwords.matches(passwords.new(NAME), "", "")
    assert not passwords.matches(None, "", "")


def test_who_made_a_password_stands_in_the_audit_log_without_it(run: Run, tmp_path: Path) -> None:
    made = run("setup", NAME, "--url", URL)["password"]
    run("password", NAME, "--rotate")
    face = Face(folder=tmp_path, plugin="qbwc")
    from wherry.store import audit

    with face.hub.store.read() as tx:
        rows = audit.find(tx, what="qbwc")
    face.close()
    assert {row["action"] for row in rows} == {"qbwc.setup", "qbwc.password"}
    assert made not in json.dumps(rows)
    assert "hash" not in json.dumps([row["detail"] for row in rows])


# -- how it is doing ---------------------------------------------------------------------------------------------------


def test_status_says_at_each_step_what_to_do_next(run: Run) -> None:
    assert run("status", NAME)["advice"] == ["it is not set up yet"]
    run("setup", NAME, "--url", URL)
    assert run("status", NAME)["advice"][0].startswith("the Web Connector never was here")
    assert "last contact  never" in run("status", NAME, output="text")


@pytest.mark.parametrize(("code", "word"), [("3100", "name is in use"), ("0x80040408", "could not be started")])
def test_status_tells_quickbooks_last_error_in_plain_words(run: Run, tmp_path: Path, code: str, word: str) -> None:
    run("setup", NAME, "--url", URL)
    kept = sessions.Kept(ticket="0" * 64, process="p", opened_at="2026-01-01T00:00:00Z", seen_at="2026-01-01T00:00:00Z",
                         closed_at="2026-01-01T00:00:00Z", handed=3, code=code)  # fmt: skip
    documents(tmp_path, lambda found: found.put(sessions.KIND, [(NAME, {**_plain(kept)})]))
    told = run("status", NAME)
    assert word in told["session"]["meaning"]
    assert told["advice"][0] == told["session"]["fix"]
    assert told["silent"]
    assert "Auto-Run" in told["advice"][1]
    assert "ticket" not in told["session"]
    text = run("status", NAME, output="text")
    assert f"QuickBooks    {code}: " in text
    assert "3 handed out, closed" in text


def _plain(kept: sessions.Kept) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(kept)
    return found


@pytest.mark.parametrize(
    ("url", "serve"),
    [
        ("http://localhost:8710", "wherry serve"),
        ("http://localhost:9000", "wherry serve --port 9000"),
        ("http://localhost", "wherry serve --port 80"),
        (URL, "wherry serve --behind-tls --name hub.example.com"),
        ("https://localhost:8710", "wherry serve --behind-tls --name localhost"),
    ],
)
def test_the_command_that_serves_an_address_is_told_whole_and_is_taken(url: str, serve: str) -> None:
    first, *told = qwc.serving(url)
    assert first == serve
    for line in [first, *told[1:]]:
        given = serving.make_context("serve", line.split()[2:], obj=None).params
        check(Listening(
            host=given["address"], port=given["port"], names=given["names"], behind_tls=given["behind_tls"],
            certificate=given["tls_cert"], key=given["tls_key"],
        ))  # fmt: skip
