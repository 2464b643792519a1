"""``wherry workspace``: what its commands print, and what they leave in the audit log."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner, Result
from wherry.cli.options import equip
from wherry.errors import NotFound
from wherry.records import Item
from wherry_workspace.commands import group
from wherry_workspace.sink import WorkspaceSink


class Face:
    """The context object of the command line, as far as a plugin's commands use it."""

    def __init__(self, opened: Any, files: Path) -> None:
        self._opened, self.files_folder, self.output = opened, files, "text"
        self.audited: list[tuple[str, str, Any, Any]] = []
        self.connections: list[str | None] = []

    def project(self) -> Any:
        plugins = {"platform": "workspace", "books": "quickbooks"}
        tables = {name: SimpleNamespace(plugin=plugin) for name, plugin in plugins.items()}
        flow = SimpleNamespace(source="platform", kinds=("invoice",))
        return SimpleNamespace(currency="GBP", connections=tables, flows={"invoices": flow})

    def documents(self, connection_name: str | None) -> Any:
        self.connections.append(connection_name)
        return self._opened()

    def print(self, schema: str, data: Any, text: str | Callable[[], Iterable[str]], next: Sequence[str] = ()) -> None:
        if self.output == "json":
            click.echo(msgspec.json.encode({"schema": schema, "data": data, "warnings": [], "next": list(next)}))
        else:
            lines = [text] if isinstance(text, str) else list(text())
            click.echo("\n".join([*lines, *(f"Next: {command}" for command in next)]))

    def audit(self, action: str, object: str, before: Any, after: Any) -> None:
        self.audited.append((action, object, before, after))


@pytest.fixture
def face(opened: Any, tmp_path: Path) -> Face:
    return Face(opened, tmp_path / "blobs")


@pytest.fixture
def run(face: Face) -> Callable[..., Result]:
    def run(*words: str, rc: int = 0) -> Result:
        face.output = "text"
        result = CliRunner().invoke(equip(group), words, obj=face, catch_exceptions=False)
        assert result.exit_code == rc, result.output
        return result

    return run


@pytest.fixture
def fence(opened: Any, sink: WorkspaceSink) -> str:
    lines = [{"source": "901", "name": "Post", "quantity": "4"}]
    body = {"name": "Fence\x1b[2J", "amount": {"minor": 1250, "currency": "USD"}, "lines": lines}
    with opened() as documents:
        sink.apply(documents, [Item(entity="customer", key="id:7", body={"name": "Acme"})])
        return sink.apply(documents, [Item(entity="project", key="id:1", body={**body, "customer": "C-1001"})])[
            0
        ].target


def data(result: Result) -> Any:
    return msgspec.json.decode(result.stdout)["data"]


def test_a_list_shows_the_fields_that_hold_anything(run: Any, fence: str) -> None:
    lines = run("list", "project").output.splitlines()
    assert lines[0].split() == ["ID", "NAME", "CUSTOMER", "AMOUNT"]
    assert lines[1].split() == [fence, "Fence[2J", "C-1001", "12.50", "USD"]
    assert run("list", "ticket").output == "no tickets\n"
    assert run("list", "project", "--filter", "stage=won").output == "no projects like that\n"


def test_a_list_comes_as_json_and_as_csv(run: Any, fence: str) -> None:
    said = data(run("list", "projects", "--output", "json"))
    assert (said["kind"], said["total"], said["items"][0]["amount"]) == (
        "project",
        1,
        {"minor": 1250, "currency": "USD"},
    )
    [row] = csv.DictReader(io.StringIO(run("list", "project", "--output", "csv").output))
    assert (row["id"], row["amount"], row["amount_currency"]) == (fence, "12.50", "USD")


def test_a_long_list_says_how_much_more_there_is(run: Any, opened: Any, sink: WorkspaceSink) -> None:
    with opened() as documents:
        sink.apply(documents, [Item(entity="customer", key=f"id:{n}", body={"name": f"C{n}"}) for n in range(3)])
    assert run("list", "customer", "--limit", "2").output.splitlines()[-2] == "2 of 3; more with --cursor C-1002"


def test_a_document_is_shown_with_its_names_and_lines(run: Any, fence: str) -> None:
    text = run("show", "project", fence).output
    assert "C-1001  Acme" in text
    assert "12.50 USD" in text
    assert "901" in text
    assert data(run("show", "project", fence, "--output", "json"))["fields"]["lines"][0]["quantity"] == "4"


def test_a_document_is_shown_with_what_its_source_calls_it(run: Any, fence: str) -> None:
    assert ["source", "1"] in [line.split() for line in run("show", "project", fence).output.splitlines()]
    assert data(run("show", "project", fence, "--output", "json"))["source"] == ["1"]


def test_a_custom_field_without_a_value_is_not_shown(run: Any, opened: Any, sink: WorkspaceSink) -> None:
    body = {"name": "Gate", "custom": {"region": None, "tier": "A"}}
    with opened() as documents:
        [answer] = sink.apply(documents, [Item(entity="project", key="id:2", body=body)])
    text = run("show", "project", answer.target).output
    assert "custom.tier" in text
    assert "region" not in text


def test_an_edit_prints_what_changed_and_is_audited(run: Any, face: Face, fence: str) -> None:
    output = run("edit", "project", fence, "amount=99", "lines[0].quantity=5").output
    assert "amount  12.50 USD → 99.00 USD" in output
    assert "lines[901].quantity  4 → 5" in output
    before = {"amount": {"minor": 1250, "currency": "USD"}, "lines[901].quantity": "4"}
    after = {"amount": {"minor": 9900, "currency": "USD"}, "lines[901].quantity": "5",
             "protected": ["amount", "lines[0].quantity"]}  # fmt: skip
    assert face.audited == [("workspace.edit", f"project/{fence}", before, after)]
    assert "(edited here)" in run("show", "project", fence).output


def test_a_field_handed_back_is_said_and_audited(run: Any, face: Face, fence: str) -> None:
    run("edit", "project", fence, "stage=won")
    result = run("edit", "project", fence, "--reset", "stage", "--output", "json")
    assert data(result)["released"] == ["stage"]
    assert face.audited[-1] == ("workspace.reset", f"project/{fence}", {"protected": ["stage"]}, {"protected": []})
    run("edit", "project", fence, "--reset", "stage")
    assert len(face.audited) == 2, "nothing happened, nothing is logged"


@pytest.mark.parametrize("words", [("edit", "project", "P-1001"), ("edit", "project", "P-1001", "stage"), ("export",)])
def test_wrong_usage_is_exit_2(run: Any, words: tuple[str, ...]) -> None:
    run(*words, rc=2)


def test_an_import_counts_and_is_audited(run: Any, face: Face, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("name,city\nAcme,Reno\n")
    assert run("import", "customer", str(path)).output == "customer: 1 created, 0 updated, 0 unchanged\n"
    path.write_text("name,city\nAcme,Elko\n")
    run("import", "customer", str(path), "--connection", "platform")
    assert face.connections[-1] == "platform"
    [(_, kind, _, _), (action, _, before, after)] = face.audited
    assert (action, kind) == ("workspace.import", "customer")
    assert before == {"updated": {"C-1001": {"city": "Reno"}}}
    assert (after["updated"], after["file"], after["created"]) == ({"C-1001": {"city": "Elko"}}, "c.csv", [])


def test_bad_rows_are_told_and_wait_for_a_person(run: Any, face: Face, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("name,custom\nAcme,\nBolt,x\n")
    result = run("import", "customer", str(path), rc=4)
    assert result.output.splitlines() == [
        "customer: nothing was imported, as 1 row is bad (without: 1 to create, 0 to update, 0 unchanged)",
        "  correct the file, or say --skip-bad to leave them out",
        '  row 3  custom: is not a JSON object such as {"colour": "red"}',
    ]
    assert face.audited == []
    said = data(run("import", "customer", str(path), "--skip-bad", "--output", "json", rc=4))
    assert (said["applied"], said["created"], [bad["row"] for bad in said["bad"]]) == (True, ["C-1001"], [3])


def test_an_export_and_a_count_name_every_kind(run: Any, fence: str, tmp_path: Path) -> None:
    said = data(run("export", "--to", str(tmp_path / "out"), "--output", "json"))
    assert (said["files"]["project"]["rows"], said["files"]["ticket"]["rows"]) == (1, 0)
    assert data(run("count", "--output", "json"))["project"] == 1
    assert "project.csv" in run("export", "--to", str(tmp_path / "out")).output


CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HEART,6,01/12/2010 08:26,2.55,17850,United Kingdom
C536379,D,Discount,-1,13/12/2010 09:41,27.50,14527,United Kingdom
536365,84347,R"""


@pytest.mark.parametrize("kind", ["online-retail", "charges", "invoice"])
def test_a_file_of_charges_is_imported_as_it_is_and_its_cut_row_told(
    run: Any, face: Face, tmp_path: Path, kind: str
) -> None:
    """b_003_08, I16"""
    path = tmp_path / "charges.csv"
    path.write_text(CHARGES)
    told = run("import", kind, str(path), rc=4).output.splitlines()
    assert told == [
        "invoice: 2 created, 0 updated, 0 unchanged, 1 left out",
        "  along with 2 products, 2 customers, 2 locations",
        "  total -12.20 GBP",
        "  row 4  it has 3 of 8 cells; is it cut off? Invoice 536365 is without it",
        "  correct them and import the file again: nothing comes twice",
        "Next: wherry plan invoices",
    ]
    [(action, object_, _, after)] = face.audited
    assert (action, object_, after["created"]) == ("workspace.import", "invoice", ["INV-1001", "INV-1002"])
    assert run("import", kind, str(path), rc=4).output.startswith("invoice: 0 created, 0 updated, 2 unchanged")
    found = data(run("--output", "json", "import", kind, str(path), "--dry-run", "--currency", "GBP", rc=4))
    assert (found["applied"], found["totals"], found["unchanged"]) == (False, {"GBP": "-12.20"}, 2)


def test_a_void_is_an_edit_like_any_other(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "charges.csv"
    path.write_text(CHARGES)
    run("import", "charges", str(path), rc=4)
    assert "status  Invoiced → Void" in run("edit", "invoice", "536365", "status=Void").output
    run("import", "charges", str(path), rc=4)
    assert "Void" in run("show", "invoice", "INV-1001").output


def test_a_document_goes_by_its_number_or_name_where_only_one_has_it(
    run: Any, opened: Any, sink: Any, fence: str
) -> None:
    run("edit", "customer", "ACME", "number=17")
    assert run("show", "customer", "17").output.startswith("C-1001 ")
    with opened() as documents:
        sink.apply(documents, [Item(entity="customer", key="id:8", body={"name": "acme "})])
    with pytest.raises(NotFound, match="2 customers have the name 'Acme': C-1001, C-1002; give the id"):
        run("show", "customer", "Acme")
    with pytest.raises(NotFound, match="no customer 'Bolt'") as caught:
        run("edit", "customer", "Bolt", "number=18")
    assert caught.value.code == "WHERRY-3811"


def test_what_is_an_id_and_the_number_of_another_is_taken_as_the_id_and_the_other_is_named(
    run: Any, tmp_path: Path
) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text("number,date,total\nINV-1002,2026-01-05,1.00 USD\nB-2,2026-01-05,2.00 USD\n", "utf-8")
    run("import", "invoice", str(path))
    told = run("edit", "invoice", "INV-1002", "memo=paid").output
    assert told.startswith("INV-1002   1 field changed")
    doubt = (
        "INV-1002 was taken as the invoice INV-1002; it is also the number of INV-1001: say INV-1001 to mean that one"
    )
    assert told.splitlines()[-1] == doubt
    assert "was taken as" not in run("edit", "invoice", "B-2", "memo=paid").output
    assert "was taken as" not in run("edit", "invoice", "INV-1001", "memo=paid").output
