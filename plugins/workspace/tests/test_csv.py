"""CSV in and out: what comes back is what went out, and no row is half taken."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from wherry.errors import ConfigError, NotFound
from wherry.records import Item
from wherry.roles import Documents
from wherry_workspace import work
from wherry_workspace.cells import neutral, original
from wherry_workspace.csv_export import export
from wherry_workspace.csv_import import import_csv
from wherry_workspace.rows import Report
from wherry_workspace.sink import WorkspaceSink


@pytest.fixture
def load(documents: Documents, tmp_path: Path) -> Any:
    def load(kind: str, content: str | bytes, **how: Any) -> Report:
        path = tmp_path / f"{kind}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_csv(documents, kind, path, **how)

    return load


def bodies(documents: Documents, kind: str) -> dict[str, dict[str, Any]]:
    return {name: document["fields"] for name, document in documents.each(kind)}


def faults(report: Report) -> list[tuple[int, str]]:
    assert all(bad.reason for bad in report.bad)
    return [(bad.row, bad.field) for bad in report.bad]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


# -- import ------------------------------------------------------------------------------------------------------------


def test_rows_become_documents_and_the_same_file_again_changes_nothing(load: Any, documents: Documents) -> None:
    content = "name,number,city\nAcme,17,Reno\nBolt,18,\nNameless,,\n"
    first = load("customer", content)
    assert (first.applied, first.created, first.unchanged) == (True, ["C-1001", "C-1002", "C-1003"], 0)
    before = documents.changed("customer", 0, 10)
    again = load("customer", content)
    assert (again.created, again.updated, again.unchanged) == ([], {}, 3)
    assert documents.changed("customer", 0, 10) == before


def test_a_row_with_a_known_key_updates_and_what_changed_is_protected(load: Any, documents: Documents) -> None:
    """b_001_18"""
    load("product", "name,sku,price\nPost,GTX-1,10\n")
    assert work.show(documents, "product", "I-1001").local == [], "to create is not to edit"
    report = load("product", "sku,price\nGTX-1,12\n")
    assert {name: [change.field for change in changes] for name, changes in report.updated.items()} == {
        "I-1001": ["price"]
    }
    view = work.show(documents, "product", "I-1001")
    assert (view.fields["name"], view.fields["price"], view.local) == ("Post", "12", ["price"])


def test_a_name_finds_its_document_unless_the_number_says_otherwise(load: Any, documents: Documents) -> None:
    load("customer", "name,number\nAcme,17\nBolt,\n")
    report = load("customer", "name,number,city\nAcme,18,Reno\nBolt,19,Elko\n")
    assert report.created == ["C-1003"], "another number is another customer"
    assert bodies(documents, "customer")["C-1002"] == {"name": "Bolt", "number": "19", "city": "Elko"}


def test_rows_without_a_key_are_known_by_their_content(load: Any, documents: Documents) -> None:
    content = "service,date,amount,currency\nStorage,2026-01-31,5,USD\nStorage,2026-01-31,5,USD\n"
    assert load("charge", content).created == ["CH-1001", "CH-1002"]
    assert load("charge", content).unchanged == 2
    assert load("charge", content + "Storage,2026-01-31,5.00,USD\n").created == ["CH-1003"]


def test_rows_that_share_a_name_stay_two_documents(load: Any, documents: Documents) -> None:
    content = "name,city\nTwin,Reno\nTwin,Elko\n"
    assert load("customer", content).created == ["C-1001", "C-1002"]
    again = load("customer", content)
    assert (again.unchanged, again.updated, again.bad) == (2, {}, [])
    load("product", "name\nPost\n")
    assert load("product", "name,sku\nPost,A\nPost,B\n").created == ["I-1002"]


def test_an_id_says_which_document_and_brings_one_back(load: Any, documents: Documents) -> None:
    report = load("customer", "id,name\nC-77,Acme\n")
    assert report.created == ["C-77"]
    load("customer", "id,name\nC-77,Acme Inc\n")
    assert bodies(documents, "customer") == {"C-77": {"name": "Acme Inc"}}


def test_amounts_take_their_currency_from_beside_above_or_before(load: Any, documents: Documents) -> None:
    assert load("project", "name,amount,amount_currency\nA,1.5,USD\n").applied
    assert load("project", "name,amount,currency\nB,1200,JPY\n").applied
    assert load("project", "name,amount\nC,1.5 EUR\n").applied
    assert load("project", "name,amount\nA,2.5\n").applied, "the amount that is there has a currency"
    assert load("project", "name,amount\nD,3\n", currency="CHF").applied
    bare = load("project", "name,amount\nE,3\n")
    assert (faults(bare), bare.applied) == ([(2, "amount")], False)
    assert {body["name"]: (body["amount"]["minor"], body["amount"]["currency"])
            for body in bodies(documents, "project").values()} == {
        "A": (250, "USD"), "B": (1200, "JPY"), "C": (150, "EUR"), "D": (300, "CHF"),
    }  # fmt: skip


def test_references_take_ids_or_names(load: Any, documents: Documents) -> None:
    load("customer", "name,number\nAcme,17\nBolt,18\n")
    load("location", "name,gl_number,customer\nYard 7,4711,acme\n")
    load("charge", "service,date,customer,location\nStorage,2026-01-31,18,4711\nStorage,2026-02-28,C-1001,Yard 7\n")
    assert [(body["customer"], body["location"]) for body in bodies(documents, "charge").values()] == [
        ("C-1002", "L-1001"), ("C-1001", "L-1001"),
    ]  # fmt: skip
    report = load("project", "name,customer\nFence,Cramp\n")
    assert faults(report) == [(2, "customer")]
    assert "import it first" in report.bad[0].reason


BAD = """name,close_date,amount,currency,customer
Good,2026-01-31,1.50,USD,
,2026-01-31,1.50,USD,
Bad date,31.01.2026,1.50,USD,
Bad amount,,"1.234,50",EUR,
Bad currency,,1,QQQ,
Nobody,,1,USD,C-1
Short,2026-01-31
Long,,1,USD,,more
"""


def test_every_bad_row_is_reported_and_none_is_imported(load: Any, documents: Documents) -> None:
    report = load("project", BAD)
    assert faults(report) == [
        (3, "name"), (4, "close_date"), (5, "amount"), (6, "amount"), (7, "customer"), (8, ""), (9, ""),
    ]  # fmt: skip
    assert (report.applied, documents.count("project")) == (False, 0)


def test_bad_rows_may_be_left_out(load: Any, documents: Documents) -> None:
    report = load("project", BAD, skip_bad=True)
    assert (report.applied, report.created, len(report.bad)) == (True, ["P-1001"], 7)


def test_a_dry_run_tells_and_writes_nothing(load: Any, documents: Documents) -> None:
    report = load("customer", "name\nAcme\n", dry_run=True)
    assert (report.creates, report.created, report.applied, documents.count("customer")) == (1, [], False, 0)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("name,number\nA,17\nB,17\n", "number"),
        ("id,name\nC-1,A\nC-1,B\n", "id"),
        ("id,name\nX-1,A\n", "id"),
        ("id,name,number\nC-9,A,100\n", "number"),
        ("name,city\nTwin,Ely\n", "name"),
    ],
)
def test_a_row_that_could_mean_two_things_is_refused(load: Any, content: str, field: str) -> None:
    load("customer", "name,number,city\nOld,100,\nTwin,101,Reno\nTwin,102,Elko\n")
    assert [bad.field for bad in load("customer", content).bad] == [field]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_out_and_a_bom_is_nothing(load: Any, documents: Documents, delimiter: str) -> None:
    """case_D14"""
    text = delimiter.join(["GL Number", "Name"]) + "\r\n" + delimiter.join(["0400", '"a, b; c\td"']) + "\r\n"
    assert load("location", b"\xef\xbb\xbf" + text.encode()).applied
    assert bodies(documents, "location") == {"L-1001": {"name": "a, b; c\td", "gl_number": "0400"}}


def test_bytes_that_are_not_utf8_are_told_by_row(load: Any, documents: Documents) -> None:
    """case_D14"""
    report = load("customer", b"name\nAcme\nCaf\xe9\nBolt\n", skip_bad=True)
    assert (faults(report), documents.count("customer")) == ([(3, "")], 2)
    assert "UTF-8" in report.bad[0].reason
    with pytest.raises(ConfigError, match="UTF-16"):
        load("customer", "name\nAcme\n".encode("utf-16"))


def test_a_quote_that_never_closes_is_told_and_loses_nothing_else(load: Any, documents: Documents) -> None:
    report = load("customer", 'name,city\nAcme,Reno\nBolt,"El\nCramp,Ely\n', skip_bad=True)
    assert faults(report) == [(3, "")]
    assert "never closed" in report.bad[0].reason
    assert documents.count("customer") == 1


def test_a_header_that_is_not_known_names_the_nearest_column(load: Any) -> None:
    with pytest.raises(ConfigError, match="unknown column 'gl_numbr'; did you mean 'gl_number'"):
        load("location", "name,gl_numbr\nYard,1\n")
    with pytest.raises(ConfigError, match="there twice"):
        load("location", "name,Name\nYard,1\n")
    with pytest.raises(ConfigError, match="no header"):
        load("location", "")
    with pytest.raises(ConfigError, match="column 2 has no name"):
        load("location", "name,\nYard,1\n")


def test_a_file_or_kind_that_is_not_there_is_named(documents: Documents, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        import_csv(documents, "customer", tmp_path / "none.csv")
    with pytest.raises(NotFound) as caught:
        import_csv(documents, "custmer", tmp_path / "none.csv")
    assert caught.value.fix == "did you mean 'customer'?"


def test_control_characters_in_a_cell_are_taken_out_and_it_is_said(load: Any, documents: Documents) -> None:
    """case_D5"""
    report = load("customer", "name\nAc\x07me\n")
    assert [(note.row, note.field) for note in report.cleaned] == [(2, "name")]
    assert bodies(documents, "customer") == {"C-1001": {"name": "Acme"}}


def test_custom_columns_set_single_fields(load: Any, documents: Documents) -> None:
    load("customer", "name,custom.Tier\nAcme,gold\n")
    load("customer", 'name,custom\nAcme,"{""Tier"": ""gold"", ""seats"": 5}"\n')
    assert bodies(documents, "customer")["C-1001"]["custom"] == {"Tier": "gold", "seats": 5}
    load("customer", "name,custom.Tier\nAcme,\n")
    assert bodies(documents, "customer")["C-1001"]["custom"] == {"seats": 5}


def test_lines_are_the_rows_of_their_project(load: Any, documents: Documents) -> None:
    load("project", "name\nFence\nGate\n")
    lines = "project,source,name,quantity,amount,currency\nFence,1,Post,4,5,USD\nFence,2,Rail,2,6,USD\nGate,,Bolt,1,,\n"
    assert sorted(load("project_line", lines).updated) == ["P-1001", "P-1002"]
    assert load("project-lines", lines).unchanged == 2
    assert work.show(documents, "project", "P-1001").local == []
    report = load("project_line", lines.replace("Rail,2", "Rail,3"))
    assert [change.field for change in report.updated["P-1001"]] == ["lines[2].quantity"]
    assert work.show(documents, "project", "P-1001").local == ["lines[2].quantity"]


def test_a_project_with_a_bad_line_keeps_all_its_lines(load: Any, documents: Documents) -> None:
    load("project", "name\nFence\nGate\n")
    lines = "project,name,quantity\nFence,Post,4\nFence,Rail,x\nGate,Bolt,1\nNone,Bolt,1\n"
    report = load("project_line", lines, skip_bad=True)
    assert faults(report) == [(3, "quantity"), (5, "project")]
    assert "lines" not in bodies(documents, "project")["P-1001"]
    assert len(bodies(documents, "project")["P-1002"]["lines"]) == 1


# -- export ------------------------------------------------------------------------------------------------------------


def test_every_kind_has_its_file_also_when_it_is_empty(documents: Documents, tmp_path: Path) -> None:
    written = export(documents, tmp_path / "new" / "out")
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {f"{name}.csv" for name in written}
    assert names == {
        "account.csv", "charge.csv", "customer.csv", "file.csv", "invoice.csv", "invoice_line.csv",
        "journal_entry.csv", "journal_entry_line.csv", "ledger_transaction.csv", "location.csv", "product.csv",
        "project.csv", "project_line.csv", "ticket.csv",
    }  # fmt: skip
    with (tmp_path / "new" / "out" / "project.csv").open(encoding="utf-8") as handle:
        assert handle.readline().startswith("id,name,customer,amount,amount_currency,close_date,")
        assert handle.read() == ""


def test_an_export_is_ordered_by_id_with_amounts_as_decimal_text(
    sink: WorkspaceSink, documents: Documents, tmp_path: Path
) -> None:
    amounts = [{"minor": -5, "currency": "USD"}, {"minor": 1200, "currency": "JPY"}, None]
    lines = [{"name": "Post", "quantity": "-2.5", "amount": {"minor": 1234, "currency": "KWD"}}]
    drafts = [{"name": f"P{n}", "amount": amount, "lines": lines} for n, amount in enumerate(amounts)]
    sink.apply(documents, [Item(entity="project", key=f"id:{n}", body=body) for n, body in enumerate(drafts)])
    work.edit(documents, "project", "P-1001", {"stage": "won"})
    export(documents, tmp_path)
    rows = read(tmp_path / "project.csv")
    assert [(row["id"], row["amount"], row["amount_currency"]) for row in rows] == [
        ("P-1001", "-0.05", "USD"), ("P-1002", "1200", "JPY"), ("P-1003", "", ""),
    ]  # fmt: skip
    row = read(tmp_path / "project_line.csv")[0]
    assert (row["project"], row["quantity"], row["amount"], row["amount_currency"]) == (
        "P-1001",
        "-2.5",
        "1.234",
        "KWD",
    )


def test_an_export_names_the_source_and_an_import_passes_over_it(
    sink: WorkspaceSink, documents: Documents, tmp_path: Path
) -> None:
    """b_001_14"""
    keys = [("project", "id:4711"), ("customer", "name:acme"), ("product", "sku:=1")]
    sink.apply(documents, [Item(entity=entity, key=key, body={"name": "Fence"}) for entity, key in keys])
    sink.apply(documents, [Item(entity="project", key="id:17", body={"name": "Fence"}, target="P-1001")])
    export(documents, tmp_path)
    cells = [read(tmp_path / f"{kind}.csv")[0]["source"] for kind, _ in keys]
    assert cells == ["17; 4711", "name:acme", "sku:=1"]
    (tmp_path / "project.csv").write_text((tmp_path / "project.csv").read_text().replace("4711", "=4712"))
    report = import_csv(documents, "project", tmp_path / "project.csv")
    assert (report.bad, report.updated, report.unchanged) == ([], {}, 1)
    assert work.show(documents, "project", "P-1001").source == ["17", "4711"]


def test_custom_fields_without_a_value_are_left_out(sink: WorkspaceSink, documents: Documents, tmp_path: Path) -> None:
    body = {"name": "Fence", "custom": {"region": None, "tier": "A"}}
    sink.apply(documents, [Item(entity="project", key="id:1", body=body)])
    sink.apply(documents, [Item(entity="project", key="id:2", body={**body, "custom": {"region": None}})])
    export(documents, tmp_path)
    assert [row["custom"] for row in read(tmp_path / "project.csv")] == ['{"tier":"A"}', ""]
    assert import_csv(documents, "project", tmp_path / "project.csv").unchanged == 2


def test_a_value_stored_as_nothing_by_an_earlier_version_counts_as_left_out(
    documents: Documents, sink: WorkspaceSink, tmp_path: Path
) -> None:
    sink.apply(documents, [Item(entity="project", key="id:1", body={"name": "Fence"})])
    [(name, document)] = documents.each("project")
    documents.put("project", [(name, {**document, "fields": {"name": "Fence", "custom": {"region": None}}})])
    export(documents, tmp_path)
    assert read(tmp_path / "project.csv")[0]["custom"] == ""
    assert import_csv(documents, "project", tmp_path / "project.csv").unchanged == 1
    [answer] = sink.apply(
        documents, [Item(entity="project", key="id:1", body={"name": "Fence", "custom": {"region": None}}, target=name)]
    )
    assert (answer.fate, answer.changes) == ("unchanged", ())


def test_the_same_documents_make_the_same_bytes(sink: WorkspaceSink, documents: Documents, tmp_path: Path) -> None:
    """case_A28"""
    sink.apply(documents, [Item(entity="customer", key=f"id:{n}", body={"name": f"C{n}"}) for n in range(3)])
    export(documents, tmp_path / "one")
    work.edit(documents, "customer", "C-1001", {"name": "x"})
    work.edit(documents, "customer", "C-1001", {"name": "C0"})
    export(documents, tmp_path / "two")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert b"C0" in one["customer.csv"]
    assert one == two


def test_a_failed_export_leaves_the_earlier_file_and_no_half_one(
    sink: WorkspaceSink, documents: Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A28"""
    sink.apply(documents, [Item(entity="customer", key="id:1", body={"name": "Acme"})])
    export(documents, tmp_path)
    before = (tmp_path / "customer.csv").read_bytes()
    sink.apply(documents, [Item(entity="customer", key="id:2", body={"name": "Bolt"})])

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wherry_workspace.csv_export.os.fsync", full_disk)
    with pytest.raises(ConfigError, match="No space left on device"):
        export(documents, tmp_path)
    assert (tmp_path / "customer.csv").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_text_that_a_spreadsheet_would_run_is_neutralised_and_comes_back(
    load: Any, sink: WorkspaceSink, documents: Documents, tmp_path: Path
) -> None:
    """case_D13"""
    hostile = [
        "=1+1",
        "+1 555",
        "-x",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "'=1",
        "''@",
        "'tis",
    ]
    sink.apply(documents, [Item(entity="customer", key=f"id:{n}", body={"name": f"C{n}", "phone": text})
                           for n, text in enumerate(hostile)])  # fmt: skip
    export(documents, tmp_path)
    for row, text in zip(read(tmp_path / "customer.csv"), hostile, strict=True):
        assert row["phone"] == (text if text == "'tis" else f"'{text}")
    report = import_csv(documents, "customer", tmp_path / "customer.csv")
    assert (report.unchanged, report.updated, report.bad) == (len(hostile), {}, [])
    assert all(original(neutral(text)) == text for text in hostile)


def test_the_export_of_files_says_where_the_bytes_lie_and_who_may_see_them(
    sink: WorkspaceSink, documents: Documents, tmp_path: Path
) -> None:
    """b_001_56"""
    sink.apply(documents, [Item(entity="project", key="id:1", body={"name": "Fence", "access": "finance"})])
    sink.apply(
        documents, [Item(entity="file", key="id:2", body={"name": "a.pdf", "project": "P-1001", "blob": "ab12"})]
    )
    export(documents, tmp_path, tmp_path / "blobs")
    [row] = read(tmp_path / "file.csv")
    assert (row["path"], row["effective_access"]) == (str(tmp_path / "blobs" / "ab" / "ab12"), "finance")
    assert import_csv(documents, "file", tmp_path / "file.csv").unchanged == 1


def test_a_folder_that_cannot_be_written_is_named(documents: Documents, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot write"):
        export(documents, tmp_path / "file")
