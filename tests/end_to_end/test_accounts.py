"""Whose account a connection reaches: bound at its first check, guarded ever after, and free to be renamed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.errors import ConfigError, Guarded, NotFound
from wherry.hub import Hub
from wherry.operating import connections
from wherry.roles import Account
from wherry.simulator import serve
from wherry.store import tables
from wherry_hubspot.client import Client
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_hubspot.source import HubSpotSource

from .desk import Crm, Desk


def test_a_token_that_reaches_another_account_is_refused_and_nothing_is_written(desk: Desk, small_crm: Crm) -> None:
    """case_E6, case_B18, I12"""
    small_crm.stock()
    desk.run()
    before = desk.image()
    other = HubSpotSimulator(currency="USD", portal_id=999)
    other.create("deals", dealname="Not ours", pipeline="default", dealstage="closedwon", amount="1")
    with serve(other.app()) as url:
        right, desk.environ["HUBSPOT_URL"] = desk.environ["HUBSPOT_URL"], url
        report = desk.run()
        assert report.exit_code == 7
        assert "999" in str(report.error)
        assert "48151623" in str(report.error)
    desk.environ["HUBSPOT_URL"] = right
    assert desk.image() == before
    assert desk.run().exit_code == 4


def test_after_a_test_that_met_another_account_a_run_looks_again_and_reads_nothing(
    desk: Desk, small_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12: of the same sign-in, whose account was looked at an hour ago"""
    small_crm.stock()
    desk.run()
    before, check = desk.image(), HubSpotSource.check
    monkeypatch.setattr(HubSpotSource, "check", lambda source: Account(id="999", name="Another one"))
    with desk.open() as hub:
        with pytest.raises(Guarded):
            connections.test(hub, "crm")
        with pytest.raises(Guarded):
            hub.wiring.identity.bind(hub.wiring.connection("crm"), hub.wiring.source("crm"))
        assert [row["state"] for row in connections.listed(hub) if row["connection"] == "crm"] == ["reconnect"]
    assert desk.run().exit_code == 7
    assert desk.image() == before
    monkeypatch.setattr(HubSpotSource, "check", check)
    assert desk.run().exit_code == 4


OAUTH = """
version = 1
[project]
name = "shop"
currency = "USD"
[plugins]
enabled = ["hubspot"]
[connections.crm]
plugin = "hubspot"
auth = { kind = "oauth2", client_id = "app", client_secret = { env = "SECRET" }, refresh_token = { env = "REFRESH" } }
"""


def test_another_refresh_token_may_be_another_accounts_and_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12: the app's id and secret are the same for all its accounts"""
    (tmp_path / "wherry.toml").write_text(OAUTH)
    monkeypatch.setenv("SECRET", "the app's")

    def given(refresh: str) -> str:
        monkeypatch.setenv("REFRESH", refresh)
        with Hub.open(tmp_path) as hub:
            return hub.wiring.credential(hub.wiring.connection("crm"))

    assert given("of one") == given("of one") != given("of another")


def test_two_flows_that_start_at_once_bind_a_connection_to_the_one_account(
    desk: Desk, small_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12, W7: what the other one has bound meanwhile is the same connection, and no account under a second name."""
    small_crm.stock()
    check, asked = HubSpotSource.check, []

    def overtaken(source: HubSpotSource) -> Account:
        asked.append(source)
        if len(asked) == 1:
            with desk.open() as other:
                other.wiring.identity.bind(other.wiring.connection("crm"), other.wiring.source("crm"))
        return check(source)

    monkeypatch.setattr(HubSpotSource, "check", overtaken)
    assert desk.run().exit_code == 4
    assert len(asked) == 2


def test_what_a_source_tells_is_asked_for_while_its_account_is_looked_at(
    desk: Desk, small_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W2: two answers that do not hang on each other take the time of one, and neither is asked for twice."""
    together, asked = threading.Barrier(2, timeout=10), list[str]()
    check, properties = Client.account, Client.properties
    monkeypatch.setattr(Client, "account", lambda client: (together.wait(), check(client))[1])
    monkeypatch.setattr(Client, "properties", lambda client, kind: (together.wait(), properties(client, kind))[1])
    small_crm.watch.before = lambda method, path: asked.append(path)
    assert desk.run("catalogue").exit_code == 0
    assert len(asked) == len(set(asked))


def test_what_was_learned_under_another_account_is_thrown_away(desk: Desk, small_crm: Crm) -> None:
    """case_E6, I12: its fields and stages were asked for while nobody knew whose they are."""
    desk.run()
    desk.rewrite(("[connections.crm]", "[connections.sales]"), ('source = "crm"', 'source = "sales"'))
    asked = list[str]()
    small_crm.watch.before = lambda method, path: asked.append(path)
    report = desk.run()
    assert report.error is not None
    assert report.error.code == "WHERRY-2073"
    assert any("/properties/" in path for path in asked)
    kept = sa.select(tables.cache.c.key).where(tables.cache.c.namespace == "sales")
    with desk.open() as hub, hub.store.read() as tx:
        assert tx.rows(kept) == []


def test_a_known_account_under_a_new_name_is_adopted_with_all_its_links(desk: Desk, small_crm: Crm) -> None:
    """I12: renaming a connection changes nothing but its name."""
    small_crm.stock()
    desk.run()
    before = desk.image()
    desk.rewrite(("[connections.crm]", "[connections.sales]"), ('source = "crm"', 'source = "sales"'))
    report = desk.run()
    assert report.exit_code == 2
    assert report.error is not None
    assert report.error.fix.startswith("wherry connection adopt sales, where it takes the place of crm")
    assert desk.ask(connections.adopt, "sales")["was"] == "crm"
    report = desk.run()
    assert (report.exit_code, report.data["items"]) == (4, {})
    assert desk.image() == {**before, "fates": desk.image()["fates"]}


def test_the_platform_may_be_renamed_too(desk: Desk, small_crm: Crm) -> None:
    """I12"""
    small_crm.stock()
    desk.run()
    before = desk.image()
    path = desk.folder / "wherry.toml"
    path.write_text(path.read_text().replace("platform", "house"))
    assert desk.run().exit_code == 2
    desk.ask(connections.adopt, "house")
    report = desk.run()
    assert (report.exit_code, report.data["items"]) == (4, {})
    assert desk.image() == {**before, "fates": desk.image()["fates"]}


def test_only_an_account_whose_old_name_is_gone_can_be_adopted(desk: Desk, small_crm: Crm) -> None:
    """I12"""
    desk.run()
    path = desk.folder / "wherry.toml"
    path.write_text(
        path.read_text() + '[connections.twin]\nplugin = "hubspot"\nbase_url = "${HUBSPOT_URL}"\n'
        'auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }\n'
    )
    with pytest.raises(ConfigError, match="still reached by connection crm"):
        desk.ask(connections.adopt, "twin")
    other = HubSpotSimulator(portal_id=7)
    with serve(other.app()) as url:
        desk.environ["HUBSPOT_URL"] = url
        with pytest.raises(NotFound):
            desk.ask(connections.adopt, "twin")
    assert small_crm.url
