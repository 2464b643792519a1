"""Two hubs: one serves its workspace's entries, the other reads them as if they were Traede's, and confirms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.hub import Hub
from wherry.records import Record
from wherry.roles import Query
from wherry.testing.clock import FakeClock, hurried

from .serving import Served, served
from .test_web_export import Api

pytest.importorskip("wherry_traede", reason="needs the plugin that reads such an API")

PROJECT = """
version = 1
[project]
name = "books"
currency = "USD"
[plugins]
enabled = ["traede"]
[connections.entries]
plugin = "traede"
base_url = "URL"
system_id = "books-1"
page_size = 10
auth = { kind = "token", token = { env = "ENTRIES_TOKEN" } }
app_key = { env = "ENTRIES_APP_KEY" }
"""


@pytest.fixture
def api(tmp_path: Path, clock: FakeClock) -> Iterator[Api]:
    (tmp_path / "platform").mkdir()
    with served(tmp_path / "platform", clock=clock) as site:
        yield Api(site, clock)


def reader(folder: Path, site: Served) -> Hub:
    issued = site.issue("books")
    folder.mkdir()
    (folder / "wherry.toml").write_text(PROJECT.replace("URL", site.url), "utf-8")
    return Hub.open(folder, environ={"ENTRIES_TOKEN": issued.token, "ENTRIES_APP_KEY": issued.app_key})


def test_another_hub_reads_every_entry_and_its_confirmations_are_kept(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b_002_01, b_002_06, b_002_08, b_002_11"""
    hurried(monkeypatch)
    ids = []
    for number in range(37):
        api.clock.advance(number % 3)
        ids.append(api.book(100 + number, debit="6100", credit="0101"))
    api.clock.advance(3600)
    with reader(tmp_path / "books", api.site) as hub:
        source = hub.wiring.source("entries")
        assert source.check().details == {"system": "books-1"}
        found: dict[str, Record] = {}
        for page in source.read(Query(kind="accounting_entry")):
            found |= {record.id: record for record in page.records}
        assert sorted(map(int, found)) == ids
        assert found[str(ids[0])].fields["contra_account"] == "0101"
        confirm = source.confirm  # type: ignore[attr-defined]
        for start in range(0, 30, 10):
            assert confirm("accounting_entry", {str(one): f"JE-{one}" for one in ids[start : start + 10]}) == {}
        assert confirm("accounting_entry", {"999999": "", str(ids[30]): "JE"}).keys() == {"999999"}
        assert [one.id for one in source.fetch("accounting_entry", ["1001", "7"], ())] == ["1001"]  # type: ignore[attr-defined]
    assert api.ids("books-1") == ids[31:]
    shown = api.http.get(f"/v10/accounting-entries/{ids[0]}/timeline").json()["timeline"]
    assert [(one["note"], one["by"]) for one in shown] == [(f"JE-{ids[0]}", "token books")]
