"""A run that is killed at any commit, restarted, and judged by what the platform then holds."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send
from wherry.hub import Hub
from wherry.operating import answers, overview
from wherry.simulator import serve
from wherry.store import Store, audit, ledger
from wherry.testing import killing
from wherry_hubspot import demo
from wherry_hubspot.simulator import HubSpotSimulator

from .conftest import TOKEN, OpenHub

KINDS = ("project", "customer", "product", "file")
POINTS = 6
killing.preload(["wherry_hubspot.plugin", "wherry_workspace.plugin", "tests.end_to_end.hurrying"])


def names(store: Store) -> dict[str, Counter[str]]:
    with store.documents("workspace") as documents:
        bodies: dict[str, list[dict[str, Any]]] = {k: [b["fields"] for _, b in documents.each(k)] for k in KINDS}
    return {kind: Counter(str(body.get("name")) for body in held) for kind, held in bodies.items()}


def test_a_run_killed_at_any_commit_loses_nothing_and_writes_nothing_twice(
    folder: Path, environ: dict[str, str], crm_url: str, open_hub: OpenHub
) -> None:
    """case_A1, case_A4, case_A25, I1, I2, I5, I17"""
    demo.fill(crm_url, TOKEN)
    whole = killing.run_flow(folder, environ, "won-deals")
    assert whole.code == 4
    assert whole.commits > 8
    expected = names(open_hub().store)
    for point in killing.points(whole.commits, POINTS):
        shutil.rmtree(folder / ".wherry")
        assert killing.run_flow(folder, environ, "won-deals", point).code == killing.KILLED, point
        assert killing.run_flow(folder, environ, "won-deals").code == 4, point
        with Hub.open(folder, environ=environ) as hub:
            assert names(hub.store) == expected, point
            judge(hub)


def judge(hub: Hub) -> None:
    """The hub's own books: one fate each, counts add up, no run seems alive, one question, the audit chain is whole."""
    with hub.store.read() as tx:
        assert sum(ledger.count_seen(tx, "won-deals")["deal"].values()) == 40
        assert audit.verify(tx) == ""
    assert "running" not in {run["state"] for run in overview.runs(hub, limit=10)}
    assert len(answers.questions(hub)) == 1


def test_two_processes_at_once_make_one_run_and_one_refusal(folder: Path, crm: HubSpotSimulator, crm_url: str) -> None:
    """case_A15, case_A16: the CRM lists no deals to the one before the other has ended."""
    ended = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        while scope["method"] == "GET" and scope["path"].endswith("/deals") and not ended.is_set():
            await asyncio.sleep(0.01)
        await crm.app()(scope, receive, send)

    demo.fill(crm_url, TOKEN)
    with serve(slow) as url:
        environ = {"HUBSPOT_URL": url, "HUBSPOT_TOKEN": TOKEN}
        assert sorted(code or 0 for code in killing.together(folder, environ, "won-deals", 2, ended.set)) == [4, 9]
