"""A connection whose settings cannot be used keeps its own flows from running, and nobody else's."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from wherry.cli import app
from wherry.hub import Hub
from wherry.operating import overview

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

    def says(*words: str) -> tuple[int, str]:
        with contextlib.chdir(tmp_path):
            code = app.run(list(words))
        told = capsys.readouterr()
        return code, told.out + told.err

    written(tmp_path, WHOLE)
    assert says("run", "wallet-journals")[0] == 0
    written(tmp_path, line)
    code, told = says("run", "wallet-journals")
    assert (code, f"connection crm cannot be used, nor its flows catalogue: {why}" in told) == (0, True)
    for words in ("run catalogue", "status", "config check", "doctor", "connection test crm"):
        code, told = says(*words.split())
        assert (code, why in told) == (2, True), words
    with Hub.open(tmp_path, environ={}) as hub:
        changed = [row["object"] for row in overview.audit_rows(hub, what="config.changed")]
    assert changed == [], "nobody knows how the settings would be"
