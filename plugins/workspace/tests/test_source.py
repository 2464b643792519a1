"""The source: pages of changes, relatives, and what became of records given earlier."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from wherry.errors import ConfigError
from wherry.records import Item, Record
from wherry.roles import Describes, Fetches, Query, SourceConnector, Sweeps
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.kinds import KINDS
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.source import WorkspaceSource


@pytest.fixture
def source(opened: Any) -> WorkspaceSource:
    return WorkspaceSource(opened, "workspace", page_size=2)


def write(opened: Any, clock: FakeClock, entity: str, *bodies: dict[str, Any]) -> list[str]:
    sink = WorkspaceSink(opened, clock, "workspace")
    with opened() as documents:
        items = [Item(entity=entity, key=f"id:{n}", body=body) for n, body in enumerate(bodies)]
        return [answer.target for answer in sink.apply(documents, items)]


def ids(records: list[Record]) -> list[str]:
    return [record.id for record in records]


def test_the_source_keeps_the_contract(source: WorkspaceSource) -> None:
    assert isinstance(source, SourceConnector)
    assert isinstance(source, Sweeps)
    assert isinstance(source, Fetches)
    assert isinstance(source, Describes)


def test_changes_come_in_pages_oldest_first_and_reading_goes_on_after_the_mark(
    source: WorkspaceSource, opened: Any, clock: FakeClock
) -> None:
    """b_003_10: an invoice that changes later is read again."""
    write(opened, clock, "invoice", *({"number": str(n), "date": "2026-01-31"} for n in range(5)))
    pages = list(source.read(Query("invoice")))
    assert [ids(page.records) for page in pages] == [["INV-1001", "INV-1002"], ["INV-1003", "INV-1004"], ["INV-1005"]]
    assert [*source.read(Query("invoice", after=pages[-1].mark))] == []
    with opened() as documents:
        work.edit(documents, "invoice", "INV-1002", {"status": "Invoiced"})
    [page] = source.read(Query("invoice", after=pages[-1].mark))
    assert ids(page.records) == ["INV-1002"]
    assert page.records[0].version == page.mark
    [rest] = source.read(Query("invoice", after=pages[1].mark))
    assert ids(rest.records) == ["INV-1005", "INV-1002"]


def test_a_record_says_everything_with_defaults_and_id(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    lines = [{"service": "Storage", "amount": {"minor": 500, "currency": "USD"}}]
    write(opened, clock, "invoice", {"number": "17", "date": "2026-01-31", "lines": lines})
    [page] = source.read(Query("invoice"))
    payload = msgspec.json.decode(page.records[0].payload)
    assert payload == page.records[0].fields
    assert (payload["id"], payload["status"], payload["lines"][0]["quantity"]) == ("INV-1001", "Draft", "1")
    assert payload["lines"][0]["amount"] == {"minor": 500, "currency": "USD"}


def test_only_the_fields_asked_for_are_in_the_payload(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    write(opened, clock, "invoice", {"number": "17", "date": "2026-01-31"})
    [page] = source.read(Query("invoice", fields=("number", "lines[0].product", "total.currency")))
    assert set(page.records[0].fields) == {"id", "number", "lines", "total"}


def test_since_leaves_out_what_changed_earlier(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    """b_001_47"""
    write(opened, clock, "customer", {"name": "Old"})
    clock.advance(3600)
    since = clock.now()
    write(opened, clock, "customer", {"name": "New"})
    [page] = source.read(Query("customer", since=since))
    assert [record.fields["name"] for record in page.records] == ["New"]
    assert [ids(p.records) for p in source.read(Query("customer", since=since - dt.timedelta(days=1)))] == [
        ["C-1001", "C-1002"]
    ]


def test_a_read_ends_although_documents_keep_changing(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    write(opened, clock, "customer", *({"name": f"C{n}"} for n in range(4)))
    seen: list[str] = []
    for turn, page in enumerate(source.read(Query("customer"))):
        assert turn < 10, "it would never end"
        seen += ids(page.records)
        with opened() as documents:
            work.edit(documents, "customer", "C-1001", {"name": f"again {turn}"})
        mark = page.mark
    assert len(seen) == 4
    later = [name for page in source.read(Query("customer", after=mark)) for name in ids(page.records)]
    assert set(seen) | set(later) == {"C-1001", "C-1002", "C-1003", "C-1004"}
    assert "C-1001" in later


def test_a_mark_of_another_source_is_refused(source: WorkspaceSource) -> None:
    with pytest.raises(ConfigError, match="not a mark of the workspace"):
        next(source.read(Query("customer", after="2026-01-01T00:00:00Z")))


def test_relatives_come_by_reference_those_of_lines_too(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    """b_003_11, b_003_12, b_003_13"""
    write(opened, clock, "customer", {"name": "Acme"}, {"name": "Bolt"})
    write(opened, clock, "location", {"name": "Yard", "gl_number": "4711", "customer": "C-1001"})
    write(opened, clock, "product", {"name": "Storage"}, {"name": "Switching"})
    lines = [{"product": "I-1002"}, {"product": "I-1001"}, {"product": "I-1002"}]
    both = {"date": "2026-01-31", "customer": "C-1001", "location": "L-1001"}
    write(opened, clock, "invoice", {"number": "1", **both, "lines": lines}, {"number": "2", "date": "2026-01-31"})
    [page] = source.read(Query("invoice", fields=("number",)))
    wanted = {"customer": ("name",), "location": ("gl_number",), "product": ("name",)}
    first, second = source.complete(page.records, wanted)
    assert first.relatives["customer"][0].fields == {"id": "C-1001", "name": "Acme"}
    assert first.relatives["location"][0].fields == {"id": "L-1001", "gl_number": "4711"}
    assert ids(first.relatives["product"]) == ["I-1002", "I-1001"]
    assert second.relatives == {"customer": [], "location": [], "product": []}
    assert source.complete([], wanted) == []


def test_what_refers_to_a_thing_that_changed_is_read_again_and_only_once(
    source: WorkspaceSource, opened: Any, clock: FakeClock
) -> None:
    """b_003_15: an invoice that was left out for want of a GL number comes when its location has one; one that changed
    too may say the same, and went to the customer of before."""
    write(opened, clock, "location", {"name": "Yard"}, {"name": "Dock"})
    places = ["L-1001", "L-1002", "L-1001", "L-1001"]
    write(opened, clock, "invoice", *({"number": str(n), "date": "2026-01-31", "location": place}
                                      for n, place in enumerate(places)))  # fmt: skip
    watching = {"location": ("gl_number",)}
    mark = [*source.read(Query("invoice", relatives=watching))][-1].mark
    with opened() as documents:
        work.edit(documents, "location", "L-1001", {"gl_number": "4711"})
        work.edit(documents, "invoice", "INV-1003", {"memo": "itself"})
    pages = list(source.read(Query("invoice", after=mark, relatives=watching)))
    found = [(record.id, record.touched) for page in pages for record in page.records]
    assert found == [("INV-1003", True), ("INV-1001", True), ("INV-1004", True)]  # the first changed itself as well
    assert [*source.read(Query("invoice", after=pages[-1].mark, relatives=watching))] == []
    assert ids([r for page in source.read(Query("invoice", after=mark)) for r in page.records]) == ["INV-1003"]


def test_what_refers_to_a_thing_that_changed_is_read_although_others_are_edited_again_and_again_meanwhile(
    opened: Any, clock: FakeClock
) -> None:
    """b_003_15, I1: as many changes as there are invoices, of fewer of them, were taken for all of them"""
    write(opened, clock, "location", {"name": "Yard"})
    write(opened, clock, "invoice", *({"number": str(n), "date": "2026-01-31", "location": "L-1001"}
                                      for n in range(3)))  # fmt: skip
    source, watching = WorkspaceSource(opened, "workspace", page_size=1), {"location": ("gl_number",)}
    mark = [*source.read(Query("invoice", relatives=watching))][-1].mark
    with opened() as documents:
        work.edit(documents, "location", "L-1001", {"gl_number": "4711"})
        work.edit(documents, "invoice", "INV-1003", {"memo": "0"})
    found: list[str] = []
    for _ in range(2):
        for page in source.read(Query("invoice", after=mark, relatives=watching)):
            found, mark = [*found, *ids(page.records)], page.mark
            with opened() as documents:
                work.edit(documents, "invoice", "INV-1003", {"memo": str(len(found))})
    assert {"INV-1001", "INV-1002"} <= set(found)


@pytest.mark.parametrize("first", [True, False], ids=["first read", "later read"])
def test_what_refers_to_a_thing_that_changed_comes_also_after_a_read_that_ended_early_or_was_overtaken(
    opened: Any, clock: FakeClock, first: bool
) -> None:
    """b_003_15, I1: the mark had gone past the change of the location, and nobody looked for it again"""
    write(opened, clock, "location", {"name": "Yard"})
    write(opened, clock, "invoice", *({"number": str(n), "date": "2026-01-31", "location": "L-1001"}
                                      for n in range(2)))  # fmt: skip
    source, watching = WorkspaceSource(opened, "workspace", page_size=1), {"location": ("gl_number",)}
    mark = None if first else [*source.read(Query("invoice", relatives=watching))][-1].mark

    def change() -> None:
        with opened() as documents:
            work.edit(documents, "location", "L-1001", {"gl_number": str(clock.now())})
            work.edit(documents, "invoice", "INV-1002", {"memo": str(clock.now())})
        clock.advance(1)

    change()
    for number, page in enumerate(source.read(Query("invoice", after=mark, relatives=watching))):
        mark = page.mark
        if not first:
            break
        if number == 0:
            change()
    again = list(source.read(Query("invoice", after=mark, relatives=watching)))
    assert ("INV-1001", True) in [(record.id, record.touched) for page in again for record in page.records]
    assert [*source.read(Query("invoice", after=again[-1].mark, relatives=watching))] == []


def test_a_line_is_a_relative_with_relatives_of_its_own(source: WorkspaceSource, opened: Any, clock: FakeClock) -> None:
    """b_003_12"""
    write(opened, clock, "product", {"name": "Storage"}, {"name": "Switching"})
    write(opened, clock, "location", {"name": "Yard"}, {"name": "Dock"})
    lines = [{"product": "I-1002", "quantity": "2"}, {"service": "Repair", "location": "L-1002"}, {"product": "I-1001"}]
    write(opened, clock, "invoice", {"number": "1", "date": "2026-01-31", "location": "L-1001", "lines": lines})
    [page] = source.read(Query("invoice", fields=("number",)))
    wanted = {"invoice_line": ("quantity", "service"), "product": ("name",), "location": ("name",)}
    [record] = source.complete(page.records, wanted)
    assert ids(record.relatives["location"]) == ["L-1001"]
    assert record.relatives["product"] == []
    told = record.relatives["invoice_line"]
    assert ids(told) == ["INV-1001/0", "INV-1001/1", "INV-1001/2"]
    assert told[0].fields == {"id": "INV-1001/0", "quantity": "2", "service": ""}
    assert [ids(line.relatives["product"]) for line in told] == [["I-1002"], [], ["I-1001"]]
    assert [ids(line.relatives["location"]) for line in told] == [[], ["L-1002"], []]


def test_single_records_are_fetched_and_missing_ones_swept(
    source: WorkspaceSource, opened: Any, clock: FakeClock
) -> None:
    write(opened, clock, "customer", {"name": "Acme"}, {"name": "Bolt"})
    with opened() as documents:
        documents.remove("customer", ["C-1001"])
    assert ids(source.fetch("customer", ["C-1001", "C-1002"], ())) == ["C-1002"]
    swept = list(source.sweep("customer", ["C-1001", "C-1002"], ()))
    assert [(record.id, record.gone) for record in swept] == [("C-1001", "deleted"), ("C-1002", "")]


def test_every_kind_tells_its_fields(source: WorkspaceSource) -> None:
    for kind in source.kinds:
        names = [field.name for field in source.describe(kind).fields]
        assert names[0] == "id"
        assert "custom" in names


def test_whoever_reads_a_relative_reads_what_it_is_made_of_or_found_by() -> None:
    """A category that is corrected, or another customer, is a change of the record."""
    derived = WorkspaceSource.derived
    assert {"debit", "credit", "category", "custom"} <= set(derived["movement_line"]["ledger_transaction"])
    assert derived["customer"]["invoice"] == ("customer",)
    assert all(field in KINDS[kind].fields for made in derived.values() for kind, of in made.items() for field in of)
