"""Webhooks of QuickBooks Online through the web host: what is signed is kept and shown, what is not leaves no trace."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.cli import app
from wherry.store import Store, registry
from wherry.testing.clock import FakeClock
from wherry.testing.commands import logging_as_it_was
from wherry.web import notifications
from wherry.web.routes import Notification
from wherry_quickbooks.webhooks import MOST

from .serving import Served, served

URL = "/hooks/quickbooks/notifications"
CONNECTION = """
[connections.NAME]
plugin = "quickbooks"
realm = "REALM"
environment = "simulator"
base_url = "http://127.0.0.1:9"
auth = { kind = "token", token = { env = "TOKEN" } }
webhook_token = { env = "VERIFIER_NAME" }
"""
PROJECT = """
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["workspace", "quickbooks"]
[connections.platform]
plugin = "workspace"
""" + "".join(
    CONNECTION.replace("VERIFIER_NAME", f"VERIFIER_{name}").replace("NAME", name).replace("REALM", realm)
    for name, realm in (("east", "111"), ("west", "222"))
)  # fmt: skip
PROJECT += """
[flows.items]
source = "east"
sink = "platform"
kinds = ["product"]
"""
ENVIRON = {"TOKEN": "token-canary-1", "VERIFIER_east": "verifier-canary-e", "VERIFIER_west": "verifier-canary-w"}


def cloud(id: str, realm: str = "111", record: str = "7") -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": "intuit.x", "type": "qbo.customer.updated.v1",
            "time": "2026-01-05T08:59:00Z", "intuitentityid": record, "intuitaccountid": realm, "data": {}}  # fmt: skip


def signature(body: bytes, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def deliver(site: Served, *events: dict[str, Any], token: str = "verifier-canary-e", **more: str) -> httpx.Response:
    body = json.dumps(list(events)).encode()
    return site.http.post(URL, content=body, headers={"intuit-signature": signature(body, token), **more})


def kept(site: Served) -> list[dict[str, Any]]:
    return notifications.listed(site.hub)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def site(tmp_path: Path, clock: FakeClock) -> Iterator[Served]:
    with served(tmp_path, project=PROJECT, environ=ENVIRON, clock=clock) as found:
        yield found


def test_a_signed_delivery_is_kept_and_acknowledged(site: Served) -> None:
    """case_G7, case_B16"""
    answer = deliver(site, cloud("e-1"), cloud("e-2", record="8"))
    assert (answer.status_code, answer.json()) == (200, {"received": 2, "new": 2})
    newest = kept(site)[0]
    assert newest == {
        "id": "e-2", "connection": "east", "kind": "Customer", "record": "8", "what": "updated",
        "at": "2026-01-05T08:59:00.000Z", "received": "2026-01-05T09:00:00.000Z", "read": "",
    }  # fmt: skip


def test_the_older_shape_is_taken_too(site: Served) -> None:
    entity = {"name": "Invoice", "id": "9", "operation": "Create", "lastUpdated": "2026-01-05T08:59:00.000Z"}
    said = {"eventNotifications": [{"realmId": "111", "dataChangeEvent": {"entities": [entity]}}]}
    body = json.dumps(said).encode()
    answer = site.http.post(URL, content=body, headers={"intuit-signature": signature(body, "verifier-canary-e")})
    assert answer.json() == {"received": 1, "new": 1}
    assert (kept(site)[0]["kind"], kept(site)[0]["what"]) == ("Invoice", "created")


def test_what_is_delivered_twice_is_kept_once(site: Served) -> None:
    """case_G7"""
    assert deliver(site, cloud("e-1")).json() == {"received": 1, "new": 1}
    assert deliver(site, cloud("e-2"), cloud("e-1")).json() == {"received": 2, "new": 1}
    assert len(kept(site)) == 2


def test_what_nobody_signed_is_refused_and_leaves_nothing(site: Served) -> None:
    """case_G7: no signature, a wrong one, another body than was signed, junk."""
    body = json.dumps([cloud("e-1")]).encode()
    good = signature(body, "verifier-canary-e")
    for sent, content in [
        ({}, body), ({"intuit-signature": ""}, body), ({"intuit-signature": "x"}, body),
        ({"intuit-signature": signature(body, "other")}, body), ({"intuit-signature": signature(body, "")}, body),
        ({"intuit-signature": good}, body + b" "), ({"intuit-signature": good}, b""),
        ({"intuit-signature": good.upper()}, body), ({"authorization": f"Bearer {good}"}, body),
    ]:  # fmt: skip
        answer = site.http.post(URL, content=content, headers=sent)
        assert answer.status_code == 401
        assert "canary" not in answer.text
    assert kept(site) == []
    with site.hub.store.documents(notifications.NAMESPACE) as documents:
        assert documents.count(notifications.KIND) == 0


def test_a_verifier_token_speaks_for_its_own_company_only(site: Served) -> None:
    """case_G7: the secret of one connection tells nothing of another's company."""
    assert deliver(site, cloud("e-1", realm="222"), cloud("e-2", realm="111")).json() == {"received": 1, "new": 1}
    assert deliver(site, cloud("e-3", realm="222"), token="verifier-canary-w").json() == {"received": 1, "new": 1}
    assert deliver(site, cloud("e-4", realm="999")).json() == {"received": 0, "new": 0}
    assert [(one["id"], one["connection"]) for one in kept(site)] == [("e-3", "west"), ("e-2", "east")]


def test_while_a_verifier_token_is_replaced_both_are_taken(tmp_path: Path, clock: FakeClock) -> None:
    project = PROJECT.replace(
        '{ env = "VERIFIER_east" }', '{ env = "NEW" }\nold_webhook_token = { env = "VERIFIER_east" }'
    )
    with served(tmp_path, project=project, environ={**ENVIRON, "NEW": "verifier-canary-n"}, clock=clock) as site:
        assert deliver(site, cloud("e-1")).status_code == 200
        assert deliver(site, cloud("e-2"), token="verifier-canary-n").status_code == 200
        assert deliver(site, cloud("e-3"), token="verifier-canary-x").status_code == 401


def test_a_connection_without_a_verifier_token_takes_nothing(tmp_path: Path) -> None:
    project = PROJECT.replace('webhook_token = { env = "VERIFIER_east" }\n', "")
    with served(tmp_path, project=project, environ=ENVIRON) as site:
        assert deliver(site, cloud("e-1")).status_code == 401
        assert deliver(site, cloud("e-1"), token="").status_code == 401


def test_a_signed_delivery_that_makes_no_sense_is_told_so(site: Served) -> None:
    for body in (b"{}", b"[1]", b"nonsense", json.dumps([{"type": "qbo.x"}]).encode()):
        answer = site.http.post(URL, content=body, headers={"intuit-signature": signature(body, "verifier-canary-e")})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "WHERRY-4752")
    assert kept(site) == []


def test_a_huge_delivery_is_refused(site: Served) -> None:
    """case_F12, case_G7"""
    body = b" " * (MOST + 1)
    answer = site.http.post(URL, content=body, headers={"intuit-signature": signature(body, "verifier-canary-e")})
    assert answer.status_code == 413


def test_the_account_that_a_connection_is_bound_to_counts_where_no_realm_is_set(
    tmp_path: Path, clock: FakeClock
) -> None:
    project = PROJECT.replace('realm = "111"\n', "")
    with served(tmp_path, project=project, environ=ENVIRON, clock=clock) as site:
        assert deliver(site, cloud("e-1")).json() == {"received": 0, "new": 0}
        with site.hub.store.write() as tx:
            registry.bind(tx, "east", "quickbooks", "111", "East", "", site.hub.store.now())
        assert deliver(site, cloud("e-1")).json() == {"received": 1, "new": 1}


def test_a_notification_counts_as_read_once_a_run_began_after_it(site: Served, clock: FakeClock) -> None:
    deliver(site, cloud("e-1"))
    with site.hub.store.write() as tx:
        registry.start_run(tx, "0" * 26, "items", "manual", "2026-01-05T08:00:00.000Z")
    assert kept(site)[0]["read"] == ""
    clock.advance(60)
    with site.hub.store.write() as tx:
        registry.start_run(tx, "1" * 26, "items", registry.PARTIAL, site.hub.store.now())
        registry.start_run(tx, "2" * 26, "items", "manual", site.hub.store.now())
        registry.finish_run(tx, "2" * 26, "again", 6, site.hub.store.now(), {})
    assert kept(site)[0]["read"] == ""  # the one was for other records, the other did not reach the source
    with site.hub.store.write() as tx:
        registry.start_run(tx, "3" * 26, "items", "manual", site.hub.store.now())
    assert kept(site)[0]["read"] == site.hub.store.now()


def test_a_flood_drops_the_oldest(store: Store) -> None:
    """case_G8"""

    def one(number: int) -> Notification:
        return Notification(id=str(number), connection="c", kind="k", record="r", what="w", at="t")

    for start in range(0, 30, 10):
        assert notifications.keep(store, [one(n) for n in range(start, start + 10)], most=12) == 10
    with store.documents(notifications.NAMESPACE) as documents:
        assert [body["id"] for _, body in documents.each(notifications.KIND)] == [str(n) for n in range(18, 30)]


def test_they_are_shown_on_the_command_line(
    site: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(site, cloud("e-1"), cloud("e-2", record="8"))
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert app.run(("notification", "list")) == 0
    shown = capsys.readouterr().out
    assert "Customer updated" in shown
    assert "not yet" in shown
    assert app.run(("notification", "list", "--limit", "1", "--output", "json")) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert ([one["id"] for one in data["items"]], data["cursor"]) == (["e-2"], "1")
