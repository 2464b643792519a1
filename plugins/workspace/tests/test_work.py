"""Work done by people: editing, handing fields back, listing."""

from __future__ import annotations

from typing import Any

import pytest
from wherry.errors import ConfigError, NotFound
from wherry.records import Change, Item
from wherry.roles import Documents
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.sink import WorkspaceSink


@pytest.fixture
def target(sink: WorkspaceSink, documents: Documents) -> str:
    body = {
        "name": "Fence", "amount": {"minor": 1250, "currency": "EUR"}, "close_date": "2026-01-31",
        "lines": [{"source": "901", "name": "Post", "quantity": "4"}, {"name": "Rail"}],
    }  # fmt: skip
    sink.apply(documents, [Item(entity="customer", key="id:7", body={"name": "Acme Corp", "number": "K-7"})])
    return sink.apply(documents, [Item(entity="project", key="id:1", body=body)])[0].target


def edited(documents: Documents, target: str, path: str, text: str) -> Any:
    [change] = work.edit(documents, "project", target, {path: text})
    assert change.field
    return change.after


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("name", " Fence = 2 ", " Fence = 2 "),
        ("amount", "99.90", {"minor": 9990, "currency": "EUR"}),
        ("amount", "-1.5 usd", {"minor": -150, "currency": "USD"}),
        ("amount", "JPY 1200", {"minor": 1200, "currency": "JPY"}),
        ("amount", "", None),
        ("close_date", "2024-02-29", "2024-02-29"),
        ("customer", "C-1001", "C-1001"),
        ("customer", "acme  CORP", "C-1001"),
        ("customer", "K-7", "C-1001"),
        ("lines[0].quantity", "2.25", "2.25"),
        ("lines[901].quantity", "2.25", "2.25"),
        ("lines[1].amount", "3 USD", {"minor": 300, "currency": "USD"}),
        ("custom.colour", "red", "red"),
    ],
)
def test_text_is_read_by_the_type_of_its_field(
    documents: Documents, target: str, path: str, text: str, value: Any
) -> None:
    assert edited(documents, target, path, text) == value


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("amount", "1,234.50", "separators"),
        ("amount", "1.234", "more than 2 decimals"),
        ("amount", "(5)", "not an amount"),
        ("amount", "1e3", "not an amount"),
        ("amount", "5 QQQ", "unknown currency"),
        ("lines[0].amount", "5", "no currency"),
        ("close_date", "31/01/2026", "YYYY-MM-DD"),
        ("close_date", "2026-02-30", "YYYY-MM-DD"),
        ("close_date", "20260131", "YYYY-MM-DD"),
        ("lines[0].quantity", "NaN", "not a plain decimal"),
        ("lines[0].quantity", "1e9", "not a plain decimal"),
        ("lines[7].quantity", "1", "there is no line"),
        ("lines[0]", "1", "lines[0].quantity"),
        ("lines[0].source", "5", "cannot be edited"),
        ("lines", "1", "lines[0].quantity"),
        ("custom", "{}", "custom.colour"),
        ("customer", "Nobody", "no customer 'Nobody'"),
        ("name", " ", "required"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name_and_changes_nothing(
    documents: Documents, target: str, path: str, text: str, reason: str
) -> None:
    """case_C18"""
    before = documents.get("project", [target])
    with pytest.raises(ConfigError) as caught:
        work.edit(documents, "project", target, {"stage": "won", path: text})
    assert reason in caught.value.message
    assert path in caught.value.message
    assert caught.value.fix
    assert documents.get("project", [target]) == before


def test_a_misspelt_field_names_the_nearest_one(documents: Documents, target: str) -> None:
    with pytest.raises(ConfigError, match="close_dat") as caught:
        work.edit(documents, "project", target, {"close_dat": "2026-01-31"})
    assert caught.value.fix == "did you mean 'close_date'?"
    assert caught.value.exit_code == 2


def test_a_kind_or_document_that_is_not_there_is_named(documents: Documents, target: str) -> None:
    with pytest.raises(NotFound) as caught:
        work.show(documents, "projekt", target)
    assert caught.value.fix == "did you mean 'project'?"
    with pytest.raises(NotFound, match="no project 'P-9'"):
        work.show(documents, "projects", "P-9")
    assert caught.value.exit_code == 3


def test_a_choice_is_one_of_its_words(sink: WorkspaceSink, documents: Documents) -> None:
    [answer] = sink.apply(documents, [Item(entity="product", key="id:1", body={"name": "Post"})])
    assert work.edit(documents, "product", answer.target, {"type": "Service"}) == [Change("type", "product", "service")]
    with pytest.raises(ConfigError, match="did you mean 'part'"):
        work.edit(documents, "product", answer.target, {"type": "prt"})


def test_several_documents_of_one_name_ask_for_the_id(sink: WorkspaceSink, documents: Documents, target: str) -> None:
    sink.apply(documents, [Item(entity="customer", key="id:8", body={"name": "ACME corp"})])
    with pytest.raises(ConfigError, match="C-1001, C-1002; give the id"):
        work.edit(documents, "project", target, {"customer": "Acme Corp"})


def test_edited_fields_are_protected_until_they_are_handed_back(
    sink: WorkspaceSink, documents: Documents, target: str
) -> None:
    """b_001_18"""
    work.edit(documents, "project", target, {"name": "North", "lines[0].quantity": "9", "stage": ""})
    assert work.show(documents, "project", target).local == ["lines[901].quantity", "name", "stage"]
    assert work.release(documents, "project", target, ["name", "lines[0]"]) == ["lines[901].quantity", "name"]
    assert work.release(documents, "project", target, ["name"]) == []
    new = {"name": "Fence", "lines": [{"source": "901", "name": "Post", "quantity": "4"}, {"name": "Rail"}]}
    [answer] = sink.apply(documents, [Item(entity="project", key="id:2", body={**new, "stage": "won"}, target=target)])
    assert [(change.field, change.kept) for change in answer.changes] == [
        ("lines[901].quantity", ""), ("name", ""), ("stage", "edited here"),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="no field 'nmae'"):
        work.release(documents, "project", target, ["nmae"])


def test_an_edit_that_sets_the_same_value_pins_it(documents: Documents, target: str) -> None:
    assert work.edit(documents, "project", target, {"name": "Fence"}) == []
    assert work.show(documents, "project", target).local == ["name"]


def test_a_document_is_shown_whole_with_the_names_it_refers_to(documents: Documents, target: str) -> None:
    work.edit(documents, "project", target, {"customer": "C-1001"})
    view = work.show(documents, "project", target)
    assert view.fields["access"] == "everyone", "defaults are filled in"
    assert view.names == {"C-1001": "Acme Corp"}
    assert view.written_by == "edit"


def test_lists_filter_sort_and_tell_how_many_there_are(sink: WorkspaceSink, documents: Documents) -> None:
    amounts = [("9.00", "USD"), ("10.00", "USD"), ("500", "JPY"), None]
    sink.apply(documents, [Item(entity="project", key=f"id:{n}", body={
        "name": f"P{n}", "stage": "Won" if n % 2 else "lost",
        "amount": amount and {"minor": int(amount[0].replace(".", "")), "currency": amount[1]}},
    ) for n, amount in enumerate(amounts)])  # fmt: skip

    def names(**how: Any) -> list[str]:
        return [row["name"] for row in work.listed(documents, "project", work.Asked(**how)).rows]

    assert names(sort="amount") == ["P3", "P2", "P0", "P1"]
    assert names(sort="-amount", limit=2) == ["P1", "P0"]
    assert names(filters={"stage": "won"}) == ["P1", "P3"]
    assert names(filters={"amount": "9.00 USD"}) == names(filters={"amount": "9.00"}) == ["P0"]
    assert names(filters={"id": "P-1003"}) == ["P2"]
    first = work.listed(documents, "project", work.Asked(limit=3, sort="name"))
    assert (len(first.rows), first.total, first.cursor) == (3, 4, "P-1003")
    rest = work.listed(documents, "project", work.Asked(limit=3, sort="name", cursor="P-1003"))
    assert ([row["id"] for row in rest.rows], rest.cursor) == (["P-1004"], "")
    with pytest.raises(NotFound, match="'P-99' is in this list"):
        names(cursor="P-99")
    with pytest.raises(ConfigError, match="no field 'stag'"):
        names(filters={"stag": "won"})


def test_a_list_may_be_of_what_changed_since(sink: WorkspaceSink, documents: Documents, clock: FakeClock) -> None:
    sink.apply(documents, [Item(entity="customer", key="id:1", body={"name": "Old"})])
    clock.advance(60)
    sink.apply(documents, [Item(entity="customer", key="id:2", body={"name": "New"})])
    rows = work.listed(documents, "customer", work.Asked(since=clock.now())).rows
    assert [row["name"] for row in rows] == ["New"]


def test_ids_are_listed_in_the_order_in_which_they_were_given_out(documents: Documents) -> None:
    held = {"fields": {"name": "A"}, "local": {}, "origin": {"by": "sync", "written": {}}, "created": "", "changed": ""}
    documents.put("customer", [(f"C-{number}", held) for number in (10000, 9999, 1001)])
    rows = work.listed(documents, "customer", work.Asked()).rows
    assert [row["id"] for row in rows] == ["C-1001", "C-9999", "C-10000"]


def test_every_kind_is_counted(documents: Documents, target: str) -> None:
    counts = work.count(documents)
    assert (len(counts), counts["project"], counts["customer"], counts["invoice"]) == (11, 1, 1, 0)
