"""The sink: what a body makes of a document, and what it may not touch."""

from __future__ import annotations

from typing import Any

import msgspec
from wherry.records import Answer, Change, Item
from wherry.roles import AtomicSinkWriter, Documents
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.documents import bring
from wherry_workspace.kinds import KINDS
from wherry_workspace.sink import WorkspaceSink


def item(entity: str, target: str | None = None, *, key: str = "id:1", over: bool = False, **body: Any) -> Item:
    return Item(entity=entity, key=key, body=body, target=target, overwrite_local=over)


def one(sink: WorkspaceSink, documents: Documents, said: Item) -> Answer:
    [answer] = sink.apply(documents, [said])
    return answer


def project(sink: WorkspaceSink, documents: Documents, **body: Any) -> str:
    return one(sink, documents, item("project", name="Fence", **body)).target


def fields(sink: WorkspaceSink, documents: Documents, entity: str, name: str) -> dict[str, Any]:
    return sink.current(documents, entity, [name])[name]


LINES = [
    {"name": "Post", "source": "901", "quantity": "4", "price": "10.50"},
    {"name": "Rail", "source": "902", "quantity": "2"},
]


def test_the_sink_keeps_the_contract_of_an_atomic_writer(sink: WorkspaceSink) -> None:
    assert isinstance(sink, AtomicSinkWriter)
    assert set(sink.entities) == {
        "customer", "project", "product", "location", "ticket", "file", "charge", "invoice", "ledger_transaction",
        "journal_entry", "account",
    }  # fmt: skip


def test_the_account_id_is_made_once_and_never_changes(sink: WorkspaceSink, opened: Any, clock: FakeClock) -> None:
    first = sink.check()
    assert first.id
    assert first.name == "workspace"
    assert WorkspaceSink(opened, clock, "another name").check().id == first.id


def test_created_things_get_ids_with_the_prefix_of_their_kind(sink: WorkspaceSink, documents: Documents) -> None:
    """b_001_06, b_001_07, b_001_08, b_001_09, b_001_10"""
    bodies = {
        "customer": {"name": "Acme"}, "project": {"name": "Fence"}, "product": {"name": "Post"},
        "location": {"name": "Yard"}, "ticket": {"subject": "Broken"}, "file": {"name": "plan.pdf"},
        "charge": {"service": "Storage", "date": "2026-01-31"}, "invoice": {"number": "17", "date": "2026-01-31"},
        "ledger_transaction": {"date": "2026-01-31", "amount": {"minor": 5, "currency": "USD"}},
        "account": {"code": "0400", "name": "Storage"},
    }  # fmt: skip
    answers = sink.apply(documents, [item(entity, **body) for entity, body in bodies.items()])
    assert {answer.fate for answer in answers} == {"created"}
    assert [answer.target for answer in answers] == [
        "C-1001", "P-1001", "I-1001", "L-1001", "T-1001", "F-1001", "CH-1001", "INV-1001", "TX-1001", "A-1001",
    ]  # fmt: skip
    assert fields(sink, documents, "account", "A-1001") == bodies["account"]


def test_the_same_body_again_changes_nothing(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents, lines=LINES, amount={"minor": 4200, "currency": "USD"})
    before = documents.changed("project", 0, 10)
    again = item("project", target, name="Fence", lines=LINES, amount={"minor": 4200, "currency": "USD"})
    assert one(sink, documents, again) == Answer(fate="unchanged", target=target)
    assert documents.changed("project", 0, 10) == before


def test_numbers_are_compared_by_value(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("product", name="Post", price="1.50")).target
    assert one(sink, documents, item("product", target, name="Post", price="1.5")).fate == "unchanged"


def test_a_change_is_told_by_field_with_before_and_after(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("customer", name="Acme", city="Reno")).target
    answer = one(sink, documents, item("customer", target, name="Acme Inc", city="Reno"))
    assert answer.fate == "updated"
    assert answer.changes == (Change("name", "Acme", "Acme Inc"),)


def test_a_changed_line_is_one_change_whatever_its_position(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents, lines=LINES)
    new = [{**LINES[0], "quantity": "5"}, LINES[1]]
    answer = one(sink, documents, item("project", target, name="Fence", lines=new))
    assert answer.changes == (Change("lines[901].quantity", "4", "5"),)
    turned = one(sink, documents, item("project", target, name="Fence", lines=new[::-1]))
    assert turned.changes == (Change("lines", ["901", "902"], ["902", "901"]),)
    assert [line["source"] for line in fields(sink, documents, "project", target)["lines"]] == ["902", "901"]


def test_lines_come_and_go_with_the_source(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents, lines=LINES)
    added = {"name": "Gate", "source": "903"}
    answer = one(sink, documents, item("project", target, name="Fence", lines=[LINES[1], added]))
    assert [change.field for change in answer.changes] == ["lines[903]", "lines[901]"]
    assert fields(sink, documents, "project", target)["lines"] == [LINES[1], added]


def test_a_field_edited_here_survives_a_sync_and_is_reported(sink: WorkspaceSink, documents: Documents) -> None:
    """b_001_18"""
    target = project(sink, documents, stage="won")
    work.edit(documents, "project", target, {"name": "Fence north"})
    answer = one(sink, documents, item("project", target, name="Fence 2", stage="lost"))
    assert answer.fate == "updated"
    assert answer.changes == (
        Change("name", "Fence north", "Fence 2", kept="edited here"), Change("stage", "won", "lost"),
    )  # fmt: skip
    assert fields(sink, documents, "project", target) == {"name": "Fence north", "stage": "lost"}


def test_nothing_but_kept_fields_is_no_update(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents)
    work.edit(documents, "project", target, {"name": "Fence north"})
    answer = one(sink, documents, item("project", target, name="Fence 2"))
    assert (answer.fate, [change.kept for change in answer.changes]) == ("unchanged", ["edited here"])


def test_an_explicit_request_overwrites_local_edits_and_ends_their_protection(
    sink: WorkspaceSink, documents: Documents
) -> None:
    """b_001_16, b_001_69"""
    target = project(sink, documents, stage="won", lines=LINES)
    edits = {"name": "Fence north", "lines[901].quantity": "9", "owner": "Dana"}
    work.edit(documents, "project", target, edits)
    answer = one(sink, documents, item("project", target, over=True, name="Fence", stage="won", lines=LINES))
    assert {change.field for change in answer.changes} == {"name", "lines[901].quantity"}
    assert not any(change.kept for change in answer.changes)
    assert work.show(documents, "project", target).local == ["owner"], "the source does not speak of the owner"


def test_an_edited_line_keeps_its_field_and_takes_the_others(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents, lines=LINES)
    work.edit(documents, "project", target, {"lines[0].quantity": "9"})
    new = [LINES[1], {**LINES[0], "quantity": "5", "price": "11"}]
    answer = one(sink, documents, item("project", target, name="Fence", lines=new))
    assert Change("lines[901].quantity", "9", "5", "edited here") in answer.changes
    assert Change("lines[901].price", "10.50", "11") in answer.changes
    post = fields(sink, documents, "project", target)["lines"][1]
    assert (post["quantity"], post["price"]) == ("9", "11")


def test_a_line_that_was_worked_on_stays_when_the_source_drops_it(sink: WorkspaceSink, documents: Documents) -> None:
    target = project(sink, documents, lines=LINES)
    work.edit(documents, "project", target, {"lines[901].quantity": "9"})
    answer = one(sink, documents, item("project", target, name="Fence", lines=[LINES[1]]))
    assert [(change.field, change.kept) for change in answer.changes if change.kept] == [("lines[901]", "edited here")]
    assert len(fields(sink, documents, "project", target)["lines"]) == 2


def test_what_a_source_emptied_is_emptied_and_what_it_never_filled_is_left(
    sink: WorkspaceSink, documents: Documents
) -> None:
    """Two sources of one product: each speaks for its own fields (b_001_84)."""
    target = one(sink, documents, item("product", key="crm", name="Post", description="tall")).target
    one(sink, documents, item("product", target, key="erp", name="Post", sku="GTX-1"))
    answer = one(sink, documents, item("product", target, key="crm", name="Post"))
    assert answer.changes == (Change("description", "tall", ""),)
    assert fields(sink, documents, "product", target) == {"name": "Post", "sku": "GTX-1"}


def test_custom_fields_change_one_by_one(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("customer", name="Acme", custom={"tier": "gold", "since": 2019})).target
    work.edit(documents, "customer", target, {"custom.colour": "red"})
    answer = one(sink, documents, item("customer", target, name="Acme", custom={"tier": "silver"}))
    assert answer.changes == (Change("custom.since", 2019, None), Change("custom.tier", "gold", "silver"))
    assert fields(sink, documents, "customer", target)["custom"] == {"tier": "silver", "colour": "red"}


def test_a_target_that_was_deleted_here_is_refused_with_what_to_do(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("product", name="Post")).target
    documents.remove("product", [target])
    answer = one(sink, documents, item("product", target, name="Post 2"))
    assert (answer.fate, answer.target) == ("refused", target)
    assert "no longer in the workspace" in answer.reason
    assert "wherry workspace import product" in answer.fix


def test_a_bad_body_is_refused_by_its_field_and_the_others_are_written(
    sink: WorkspaceSink, documents: Documents
) -> None:
    bad = {
        "name": item("project", stage="won"),
        "colour": item("project", name="Fence", colour="red"),
        "amount": item("project", name="Fence", amount={"minor": 1, "currency": "XXX"}),
        "close_date": item("project", name="Fence", close_date="31.01.2026"),
        "lines[0].quantity": item("project", name="Fence", lines=[{"quantity": "NaN"}]),
        "price": item("product", name="Post", price=1.1),
        "type": item("product", name="Post", type="thing"),
        "customer": item("project", name="Fence", customer="C-9999"),
        "size": item("file", name="a", size=2**70),
    }
    answers = sink.apply(documents, [item("customer", name="Acme"), *bad.values(), item("customer", name="Bolt")])
    assert [answer.fate for answer in answers] == ["created", *["refused"] * len(bad), "created"]
    assert [answer.field for answer in answers[1:-1]] == list(bad)
    assert all(answer.reason and answer.fix for answer in answers[1:-1])
    assert (documents.count("project"), documents.count("customer")) == (0, 2)


def test_a_reference_without_an_id_is_refused(sink: WorkspaceSink, documents: Documents) -> None:
    answer = one(sink, documents, item("project", name="Fence", customer={"entity": "customer", "key": "id:9"}))
    assert (answer.fate, answer.field) == ("refused", "customer")


def test_control_characters_are_taken_out_and_it_is_said(sink: WorkspaceSink, documents: Documents) -> None:
    """case_D5"""
    answer = one(sink, documents, item("customer", name="Ac\x00me\ud800", description="a\tb\nc"))
    assert answer.fate == "created"
    assert answer.reason == "control characters were taken out of name"
    assert fields(sink, documents, "customer", answer.target) == {"name": "Acme", "description": "a\tb\nc"}


def test_control_characters_are_taken_out_of_custom_fields_and_of_their_names(
    sink: WorkspaceSink, documents: Documents
) -> None:
    """case_D5"""
    custom = {"n\x00ote": "a\x01\u00a0b", "tidy": "c\nd", "count\x7f": 3, "tid\x00y2": None}
    answer = one(sink, documents, item("customer", name="Acme", custom=custom))
    assert answer.reason == "control characters were taken out of custom, custom"
    assert fields(sink, documents, "customer", answer.target)["custom"] == {
        "note": "a\u00a0b", "tidy": "c\nd", "count": 3}  # fmt: skip


def test_a_target_twice_in_a_batch_is_written_in_order(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("customer", name="Acme")).target
    answers = sink.apply(documents, [item("customer", target, name="B"), item("customer", target, name="C")])
    assert [answer.changes[0].after for answer in answers] == ["B", "C"]
    assert fields(sink, documents, "customer", target)["name"] == "C"


def test_a_batch_reads_and_writes_each_kind_once(fresh: Any, clock: FakeClock) -> None:
    memory = fresh()
    sink = WorkspaceSink(lambda: memory, clock, "workspace")
    customer = one(sink, memory, item("customer", name="Acme")).target
    targets = [project(sink, memory, customer=customer) for _ in range(20)]
    memory.calls.clear()
    old = [item("project", target, name="Fence 2", customer=customer) for target in targets]
    sink.apply(memory, [*old, *(item("project", name=f"New {n}", customer=customer) for n in range(20))])
    assert sorted(memory.calls) == [
        "get list", "get project", "known customer", "known drawn", "known list", "put project",
    ]  # fmt: skip


OLD = {"fields": {"name": "Old"}, "local": {}, "origin": {"by": "sync", "written": {}}, "created": "", "changed": ""}


def test_new_ids_go_round_those_an_import_brought(sink: WorkspaceSink, documents: Documents) -> None:
    assert one(sink, documents, item("customer", name="First")).target == "C-1001"
    bring(documents, KINDS["customer"], [(f"C-{number}", OLD) for number in (1002, 1003, 1005)])
    answers = sink.apply(documents, [item("customer", name="A"), item("customer", name="B")])
    assert [answer.target for answer in answers] == ["C-1004", "C-1006"]
    assert documents.count("customer") == 6


def test_documents_of_an_earlier_version_are_neither_written_over_nor_refused(
    sink: WorkspaceSink, documents: Documents
) -> None:  # fmt: skip
    """I2: it noted nowhere that ids were brought, and held the list of what a source filled itself."""
    filled = {
        "fields": {"name": "Ship", "phone": "1"},
        "origin": {"by": "sync", "written": {"id:1": ["name", "phone"]}},
    }
    documents.put("customer", [("C-1001", {**OLD, **filled}), ("C-1002", OLD)])
    said = [item("customer", "C-1001", name="Ship"), item("customer", key="id:2", name="New")]
    assert [answer.target for answer in sink.apply(documents, said)] == ["C-1001", "C-1003"]
    assert fields(sink, documents, "customer", "C-1001") == {"name": "Ship"}


def test_the_listing_gives_what_a_matcher_needs(sink: WorkspaceSink, documents: Documents) -> None:
    """b_001_80"""
    sink.apply(documents, [item("product", name="Post", sku="GTX-1", type="part"), item("product", name="Rail")])
    sink.apply(documents, [item("account", code="0400", name="Storage"), item("customer", name="Acme")])
    assert [(row.id, row.name, row.sku, row.type) for row in sink.listing(documents, "product")] == [
        ("I-1001", "Post", "GTX-1", "part"), ("I-1002", "Rail", "", "product"),
    ]  # fmt: skip
    assert [row.sku for row in sink.listing(documents, "account")] == ["0400"]
    assert [row.name for row in sink.listing(documents, "customer")] == ["Acme"]


def test_a_file_is_never_open_to_more_people_than_its_project(sink: WorkspaceSink, documents: Documents) -> None:
    """b_001_55, b_001_56"""
    target = project(sink, documents)
    file = one(sink, documents, item("file", name="plan.pdf", project=target)).target

    def seen_by() -> str:
        return work.show(documents, "file", file).effective_access

    assert seen_by() == "everyone"
    work.edit(documents, "project", target, {"access": "finance"})
    assert seen_by() == "finance"
    work.edit(documents, "file", file, {"access": "everyone"})
    assert seen_by() == "finance"
    work.edit(documents, "file", file, {"access": "legal"})
    assert seen_by() == "finance and legal"
    documents.remove("project", [target])
    assert seen_by() == "nobody"


def test_a_void_gives_a_document_its_status_and_keeps_the_rest(sink: WorkspaceSink, documents: Documents) -> None:
    money = {"minor": 250, "currency": "USD"}
    body = {"number": "7", "date": "2026-01-31", "memo": "gate", "total": money}
    target = one(sink, documents, item("invoice", **body)).target
    answer = one(sink, documents, msgspec.structs.replace(item("invoice", target, **body), action="void"))
    assert (answer.fate, answer.target) == ("reversed", target)
    assert answer.changes == (Change("status", "Draft", "Void"),)
    held = fields(sink, documents, "invoice", target)
    assert (held["status"], held["memo"], held["total"]) == ("Void", "gate", money)


def test_a_void_leaves_a_status_that_a_person_gave(sink: WorkspaceSink, documents: Documents) -> None:
    body = {"number": "8", "date": "2026-01-31", "total": {"minor": 250, "currency": "USD"}}
    target = one(sink, documents, item("invoice", **body)).target
    work.edit(documents, "invoice", target, {"status": "Paid"})
    void = msgspec.structs.replace(item("invoice", target, **body), action="void")
    answer = one(sink, documents, void)
    assert (answer.fate, answer.field) == ("refused", "status")
    assert "Paid" in answer.reason
    assert fields(sink, documents, "invoice", target)["status"] == "Paid"
    assert one(sink, documents, msgspec.structs.replace(void, overwrite_local=True)).fate == "reversed"


def test_what_is_no_document_cannot_be_voided(sink: WorkspaceSink, documents: Documents) -> None:
    target = one(sink, documents, item("customer", name="Acme")).target
    answer = one(sink, documents, msgspec.structs.replace(item("customer", target, name="Acme"), action="void"))
    assert (answer.fate, answer.reason) == ("refused", "a customer cannot be taken back: it is no document")
    assert fields(sink, documents, "customer", target)["name"] == "Acme"
