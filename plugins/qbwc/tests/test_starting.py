"""How an operator comes to QuickBooks Desktop: the project file that is written, and what stands for signing in."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from wherry.cli import templates
from wherry.errors import ConfigError
from wherry.hub import Hub
from wherry.operating import connecting
from wherry_qbwc.plugin import wherry_manifest
from wherry_qbwc.settings import QbwcSettings
from wherry_workspace.plugin import wherry_manifest as platform

BETWEEN = templates.Ends(platform(), wherry_manifest(), (), QbwcSettings)
SETUP = "wherry qbwc setup books --url https://hub.example.com"


@pytest.mark.parametrize("template", templates.NAMES)
def test_a_written_project_is_taken_and_names_the_set_up(template: str, tmp_path: Path) -> None:
    """b_003_02: without a sign-in; a customer that nothing matches is a question."""
    text = templates.text(template, BETWEEN, "yard", "UTC", "USD", dt.date(2026, 3, 1))
    (tmp_path / "wherry.toml").write_text(text, "utf-8")
    (tmp_path / "tables").mkdir()
    (tmp_path / templates.TABLE).write_text(templates.table_head(), "utf-8")
    told = tomllib.loads(text)
    assert told["connections"]["books"] == {"plugin": "qbwc", "currency": "USD"}
    if template == "invoices":
        assert told["flows"]["invoices"]["match"]["customer"]["unmatched"] == "triage"
    assert SETUP in templates.after(template, BETWEEN)
    assert SETUP in text
    with Hub.open(tmp_path, environ={}) as hub, pytest.raises(ConfigError) as caught:
        connecting.kind(hub, "books")
    assert (caught.value.code, caught.value.fix) == ("WHERRY-2110", f"set it up: {SETUP}")


def test_where_a_flow_says_nothing_a_customer_that_nothing_matches_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(
        'version = 1\n[project]\nname = "a"\ncurrency = "USD"\n[plugins]\nenabled = ["workspace", "qbwc"]\n'
        '[connections.platform]\nplugin = "workspace"\n[connections.books]\nplugin = "qbwc"\n'
        '[flows.invoices]\nsource = "platform"\nsink = "books"\nkinds = ["invoice"]\n', "utf-8",
    )  # fmt: skip
    with Hub.open(tmp_path, environ={}) as hub:
        flow = hub.project.flows["invoices"]
        unmatched = {entity: hub.wiring.rule_matcher(flow, entity).unmatched for entity in ("customer", "product")}  # type: ignore[attr-defined]
    assert unmatched == {"customer": "triage", "product": "create"}
