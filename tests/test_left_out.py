"""Connections beside their flows: one whose settings cannot be used, secrets that lie open to all, a second look."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.errors import Guarded
from wherry.hub import Hub
from wherry.operating import overview
from wherry.plugins import loading
from wherry.testing.clock import hurried
from wherry.testing.commands import Commands

PROJECT = """
version = 1
[project]
name = "yard"
currency = "USD"
[plugins]
enabled = ["workspace", "csv", "hubspot"]
[connections.wallet]
plugin = "csv"
folder = "wallet"
quiet = 0
records = { transaction = { id = "id" } }
[connections.books]
plugin = "csv"
folder = "books"
[connections.crm]
plugin = "hubspot"
CRM
auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.wallet-journals]
source = "wallet"
sink = "books"
kinds = ["transaction"]
document = "journal"
accounts = "accounts.csv"
[flows.catalogue]
source = "crm"
sink = "platform"
kinds = ["product"]
"""
WHOLE = 'base_url = "http://127.0.0.1:1"'
WRONG = {
    "misspelt": ('bse_url = "http://127.0.0.1:1"', "connections.crm.bse_url: is not a key here (wherry.toml, line 18)"),
    "unset": ('base_url = "${CRM_URL}"', "connections.crm.base_url: the environment variable CRM_URL is not set"),
}


def written(folder: Path, line: str) -> None:
    (folder / "wherry.toml").write_text(PROJECT.replace("CRM\n", f"{line}\n"), "utf-8")


@pytest.mark.parametrize("how", WRONG)
def test_a_connection_with_wrong_settings_is_named_and_holds_up_its_own_flows_only(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("wallet", "books"):
        (tmp_path / folder).mkdir()
    (tmp_path / "wallet" / "january.csv").write_text("id,date,amount,currency,type,category\n", "utf-8")
    (tmp_path / "accounts.csv").write_text("category,debit,credit\n", "utf-8")
    line, why = WRONG[how]

    typed = Commands(tmp_path, capsys)
    written(tmp_path, WHOLE)
    typed.does("run wallet-journals")
    written(tmp_path, line)
    told = typed.does("run wallet-journals") + typed.err
    assert f"connection crm cannot be used, nor its flows catalogue: {why}" in told
    for line in ("run catalogue", "status", "config check", "doctor", "connection test crm"):
        assert why in typed.does(line, 2) + typed.err, line
    with Hub.open(tmp_path, environ={}) as hub:
        changed = [row["object"] for row in overview.audit_rows(hub, what="config.changed")]
    assert changed == [], "nobody knows how the settings would be"


def test_a_plugin_that_is_slow_to_import_is_warned_of_and_no_connection_is_called_broken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, WHOLE)
    monkeypatch.setattr(loading, "SLOW_IMPORT", -1.0)
    typed = Commands(tmp_path, capsys)
    assert "seconds to import" in typed.does("status") + typed.err


def test_a_file_with_secrets_that_every_user_may_read_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that others may not enter, such as the usual one of a test, keeps them out."""
    hurried(monkeypatch)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        written(folder, WHOLE)
        (folder / "token").write_text("canary-token-9", "utf-8")
        (folder / ".env").write_text(
            'WHERRY__CONNECTIONS__CRM__AUTH={"kind":"token","token":{"file":"token"}}', "utf-8"
        )
        for path, mode in ((folder, 0o755), (folder / "token", 0o604), (folder / ".env", 0o640)):
            path.chmod(mode)
        with Hub.open(folder, environ={}) as hub:
            told = [check for check in overview.doctor(hub)["checks"] if check["state"] == "warn"]
        assert [(check["what"], check["fix"]) for check in told] == [("secrets in token", f"chmod 600 {folder}/token")]
        typed = Commands(folder, capsys)
        typed.does("config check")
        assert f"{folder}/token is for secrets, and every user of this machine may read it" in typed.err
        folder.chmod(0o750)
        typed.does("config check")
        assert "may read it" not in typed.err


def test_a_secret_in_the_folder_of_a_user_whom_nobody_knows_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(
        PROJECT.replace("CRM\n", f"{WHOLE}\n").replace('env = "HUBSPOT_TOKEN"', 'file = "~nobody-here/token"'), "utf-8"
    )
    with Hub.open(tmp_path, environ={}) as hub:
        (token,) = [check for check in overview.doctor(hub)["checks"] if check["what"].endswith("auth.token")]
    assert (token["state"], token["found"], token["fix"]) == ("fail", "not set", "create it, mode 0600")


def test_a_connection_that_another_thread_looks_at_again_meanwhile_is_bound_all_the_same(tmp_path: Path) -> None:
    written(tmp_path, WHOLE)
    with Hub.open(tmp_path, environ={}) as hub:
        identity, platform = hub.wiring.identity, hub.wiring.connection("platform")

        @contextlib.contextmanager
        def another() -> Iterator[None]:
            yield
            identity.forget()

        id = identity.bind(platform, hub.wiring.sink("platform"), another())
        assert identity.bind(platform, hub.wiring.sink("platform")) == id


def test_two_companies_that_one_app_signs_in_to_have_a_budget_each(tmp_path: Path) -> None:
    """A vendor counts by company, and two connections reach two: one that reaches a known account is refused."""
    by_app = 'auth = { kind = "oauth2", client_id = "app", client_secret = { env = "SECRET" } }'
    by_token = 'auth = { kind = "token", token = { env = "SECRET" } }'
    head = 'version = 1\n[project]\nname = "yard"\ncurrency = "USD"\n[plugins]\nenabled = ["hubspot"]\n'
    made = {"one": by_app, "two": by_app, "three": by_token, "four": by_token}
    tables = [f'[connections.{name}]\nplugin = "hubspot"\n{auth}\n' for name, auth in made.items()]
    (tmp_path / "wherry.toml").write_text(head + "".join(tables), "utf-8")
    with Hub.open(tmp_path, environ={"SECRET": "canary-secret-5"}) as hub:
        one, two, three, four = (hub.wiring.signed_in(hub.wiring.connection(name)) for name in made)
    assert one != two
    assert three == four, "the same token"


def test_a_setting_that_names_another_account_is_noticed_at_once(tmp_path: Path) -> None:
    """I12: only a day later, where what it signs in with had not changed"""

    def bind() -> None:
        with Hub.open(tmp_path, environ={}) as hub:
            hub.wiring.identity.bind(hub.wiring.connection("wallet"), hub.wiring.source("wallet"))

    written(tmp_path, WHOLE)
    for folder in ("wallet", "other"):
        (tmp_path / folder).mkdir()
    bind()
    file = tmp_path / "wherry.toml"
    file.write_text(file.read_text("utf-8").replace('folder = "wallet"', 'folder = "other"'), "utf-8")
    with pytest.raises(Guarded, match="now reaches files in other"):
        bind()
