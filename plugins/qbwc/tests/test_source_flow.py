"""A company file as the source of a platform's customers, items and accounts: what nothing matches is a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wherry.hub import Hub

from .desk_rig import desk

PROJECT = """
version = 1
[project]
name = "books"
timezone = "America/New_York"
currency = "USD"
[plugins]
enabled = ["workspace", "qbwc"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "qbwc"
lists_every = 0
[flows.lists]
source = "books"
sink = "platform"
kinds = ["customer", "product", "account"]
repeat = "always"
"""


def platform(folder: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Name → fields, of what the platform holds."""
    with Hub.open(folder, environ={}) as hub, hub.store.documents("workspace") as documents:
        return {held["fields"]["name"]: held["fields"] for _, held in documents.each(kind)}


def test_lists_of_the_books_come_to_the_platform_and_what_nothing_matches_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_004_02, b_004_06: a customer that is known is linked, one that is not is a question; later changes follow."""
    with desk(tmp_path, monkeypatch, capsys) as at:
        (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
        (tmp_path / "customers.csv").write_text('name\n"Cook, Brian"\n', "utf-8")
        at.does("workspace import customer customers.csv")
        at.set_up()
        at.does("run lists", 6)
        assert at.session().how == "done"
        at.does("run lists", 4)
        asked = json.loads(at.does("triage list --output json"))["data"]["items"]
        questions = {one["name"]: one["id"] for one in asked}
        assert set(questions) == {
            "Abercrombie, Kristy", "Baker, Chris", "Abercrombie, Kristy:Family Room", "Installation", "Consulting",
            "Panel",
        }  # fmt: skip
        assert len(platform(tmp_path, "account")) == 13
        at.does(f"triage create {questions['Panel']}")
        at.does(f"triage create {questions['Baker, Chris']}")
        at.does(f"triage ignore {questions['Consulting']} --reason 'not sold any more'")
        assert set(platform(tmp_path, "customer")) == {"Baker, Chris", "Cook, Brian"}
        assert platform(tmp_path, "product")["Panel"]["price"] == "99.95"
        panel = next(one for one in at.books("ItemNonInventory") if one["FullName"] == "Panel")
        at.desktop.enter("Account", Name="Rent", AccountType="Expense", AccountNumber="60200")
        at.desktop.change(panel["id"], SalesOrPurchase={"Price": "101.00"})
        assert at.session().how == "done"
        at.does("run lists", 4)
        assert platform(tmp_path, "product")["Panel"]["price"] == "101.00"
        assert "Rent" in platform(tmp_path, "account")
