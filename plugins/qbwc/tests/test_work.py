"""The whole way: invoices become sales orders in a company file, once each, whatever the Web Connector does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .work_rig import TOTALS, Shop, shop

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[4] / "shared"))
SESSIONS = 6
CUSTOMERS = ["13047", "17850"]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose Web Connector was here once."""
    with shop(tmp_path) as one:
        assert one.session().how == "done"
        yield one


def settled(made: Shop) -> None:
    """Runs and sessions until nothing waits."""
    for _ in range(SESSIONS):
        made.run()
        made.session()
        if not any(made.waiting().get(state) for state in ("queued", "unknown", "waiting")):
            return
    raise AssertionError(f"never settles: {made.waiting()}")


def once_each(made: Shop) -> None:
    assert made.totals() == TOTALS
    assert sorted(one["AccountNumber"] for one in made.written("Customer") if "AccountNumber" in one) == CUSTOMERS
    names = [one["FullName"] for one in made.written("ItemService")] + [
        one["FullName"] for one in made.written("ItemNonInventory")
    ]
    assert len(set(names)) == len(names)
    assert not {"decide", "differs", "refused", "unknown"} & {s for s, n in made.waiting().items() if n}


def test_every_invoice_becomes_one_sales_order_of_the_same_total(made: Shop) -> None:
    """b_003_01, b_003_11: documents wait for the Web Connector; a second session and a second run change nothing."""
    made.run()
    assert made.written() == []
    assert made.waiting()["queued"] > 0
    assert made.session().how == "done"
    once_each(made)
    before = len(made.desktop.history.entries)
    made.run()
    assert made.session().how == "done"
    once_each(made)
    added = made.desktop.history.entries[before:]
    assert not [one for one in added if one.kind == "effect" and one.what.endswith((".add", ".mod"))]


def test_a_run_before_the_first_session_says_what_to_do(tmp_path: Path) -> None:
    with shop(tmp_path) as fresh:
        report = fresh.run()
        assert report["error"]["code"] == "WHERRY-6852"
        assert "press Update" in report["error"]["fix"]


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        *((kind, "SalesOrderAdd") for kind in ("dies", "dies-executed", "unheard", "doubled", "late", "other-ticket")),
        ("dies-executed", "CustomerAdd"),
        ("lost", "Item.*Add"),
        ("closes", "CustomerAdd"),
    ],
)
def test_a_web_connector_that_fails_at_a_write_leaves_no_duplicate(made: Shop, kind: str, request_: str) -> None:
    made.desktop.mishaps.add(kind, request=request_)
    made.run()
    made.session()
    assert len(made.desktop.mishaps) == 0
    settled(made)
    once_each(made)


@pytest.mark.parametrize("kind", ["dies-executed", "late", "unheard"])
def test_our_own_end_with_a_write_on_its_way_leaves_no_duplicate(made: Shop, kind: str) -> None:
    made.desktop.mishaps.add(kind, request="SalesOrderAdd", after=1)
    made.run()
    made.session()
    made.restart()
    settled(made)
    once_each(made)


def test_an_answer_that_quickbooks_could_not_keep_is_looked_up(made: Shop) -> None:
    made.desktop.mishaps.add("hresult", request="SalesOrderAdd", done=True)
    made.run()
    made.session()
    settled(made)
    once_each(made)


def test_nothing_is_written_while_another_company_file_is_open(made: Shop) -> None:
    """case_F6"""
    made.run()
    made.desktop.mishaps.add("wrong-file")
    outcome = made.session()
    assert outcome.how == "error"
    assert "WHERRY-7850" in outcome.status
    assert "Larry's Landscaping" in outcome.status
    assert made.written() == made.desktop.records("SalesOrder", r"C:\QB\Landscaping.QBW") == []
    settled(made)
    once_each(made)


def test_a_changed_invoice_changes_its_sales_order_and_a_persons_edit_is_shown(made: Shop) -> None:
    """b_003_10: an update under the edit sequence; what a person changed is not written over."""
    made.run()
    made.session()
    made.memo("536365", "Deliver to the back door")
    settled(made)
    [changed] = [one for one in made.written() if one["RefNumber"] == "536365"]
    assert changed["Memo"].startswith("Deliver to the back door wherry:")
    assert made.totals() == TOTALS
    made.desktop.change(changed["id"], Memo="Mine")
    made.memo("536365", "Deliver at the front")
    made.run()
    made.session()
    assert made.waiting()["differs"] == 1
    [kept] = [one for one in made.written() if one["RefNumber"] == "536365"]
    assert kept["Memo"] == "Mine"
