"""Properties: whatever the workspace holds comes back from its own export, and what people did survives."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry import money
from wherry.records import Item
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.bodies import canonical, full
from wherry_workspace.cells import columns, neutral, original, row
from wherry_workspace.csv_export import export
from wherry_workspace.csv_import import import_csv
from wherry_workspace.documents import made
from wherry_workspace.kinds import KINDS, Field, Kind
from wherry_workspace.merge import mentioned, merge
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.values import parse, shown

CLOCK = FakeClock()
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF"])
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.text(st.sampled_from("=+-@\t\r\n'\";, a0＝－"), max_size=6),
)
NUMBERS = st.decimals(-(10**9), 10**9, places=6).map(lambda number: format(number, "f"))
AMOUNTS = st.builds(
    lambda minor, currency: {"minor": minor, "currency": currency}, st.integers(-(10**14), 10**14), CURRENCIES
)
CUSTOM = st.dictionaries(TEXT.filter(bool), st.one_of(TEXT, st.integers(-99, 99), st.booleans(), st.none()), max_size=2)


def value(field: Field, known: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    match field.type:
        case "text":
            return TEXT.filter(lambda text: text.strip()) if field.required else TEXT
        case "choice":
            return st.sampled_from(field.choices)
        case "reference":
            return st.sampled_from([None, *known.get(field.name, [])])
        case "decimal":
            return NUMBERS if field.default else st.none() | NUMBERS
        case "money":
            return AMOUNTS if field.required else st.none() | AMOUNTS
        case "date":
            dates = st.dates().map(lambda day: day.isoformat())
            return dates if field.required else st.none() | dates
        case "int":
            return st.integers(0, 2**62)
        case "bool":
            return st.booleans()
        case "custom":
            return CUSTOM if field.name == "custom" else st.dictionaries(TEXT, TEXT, max_size=2)
        case "lines":
            raise AssertionError("lines have a strategy of their own")


def body(kind: Kind, known: dict[str, list[str]]) -> st.SearchStrategy[dict[str, Any]]:
    parts = {name: value(field, known) for name, field in kind.fields.items() if field.type != "lines"}
    if kind.line:
        parts["lines"] = st.lists(body(kind.line, known), max_size=3)
    required = {name: part for name, part in parts.items() if kind.fields[name].required}
    return st.fixed_dictionaries(
        required, optional={name: part for name, part in parts.items() if name not in required}
    )


@st.composite
def workspaces(draw: st.DrawFn) -> dict[str, dict[str, dict[str, Any]]]:
    """kind → id → canonical body; references point at what is there."""
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in KINDS.values():
        known = {name: list(ids) for name, ids in held.items()}
        drawn = draw(st.lists(body(kind, known), max_size=2))
        held[kind.name] = {f"{kind.prefix}-{n}": canonical(kind, one)[0] for n, one in enumerate(drawn, 1001)}
    return held


def filled(memory: Any, held: dict[str, dict[str, dict[str, Any]]]) -> Any:
    for kind, documents in held.items():
        memory.put(kind, [(name, made(fields, by="sync", now=CLOCK.now())) for name, fields in documents.items()])
    return memory


def contents(memory: Any) -> dict[str, dict[str, Any]]:
    return {kind: {name: document["fields"] for name, document in memory.each(kind)} for kind in KINDS}


def import_all(memory: Any, folder: Path) -> list[Any]:
    reports = []
    for kind in KINDS.values():
        reports.append(import_csv(memory, kind.name, folder / f"{kind.name}.csv"))
        if kind.line:
            reports.append(import_csv(memory, kind.line.name, folder / f"{kind.line.name}.csv"))
    return reports


@given(workspaces())
@settings(deadline=None, max_examples=25)
def test_an_export_imported_elsewhere_is_the_same_workspace(fresh: Any, held: dict[str, Any]) -> None:
    """case_D14; and imported where it came from it changes nothing."""
    memory, other = filled(fresh(), held), fresh()
    with tempfile.TemporaryDirectory() as folder:
        export(memory, Path(folder))
        assert [report.bad for report in import_all(other, Path(folder)) if report.bad] == []
        before = memory.sequence
        again = import_all(memory, Path(folder))
    assert contents(other) == held
    assert [(report.bad, report.created, report.updated) for report in again] == [([], [], {})] * len(again)
    assert memory.sequence == before


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_no_text_cell_of_a_row_begins_like_a_formula(data: st.DataObject) -> None:
    """case_D13"""
    kind = data.draw(st.sampled_from(list(KINDS.values())))
    fields = full(kind, canonical(kind, data.draw(body(kind, {})))[0])
    for name, cell in zip(columns(kind), row(kind, fields), strict=True):
        typed = name in kind.fields and kind.fields[name].type in ("decimal", "money", "int")
        assert typed or not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))


@given(TEXT)
def test_neutral_text_reads_back(text: str) -> None:
    assert original(neutral(text)) == text


@given(st.integers(-(10**14), 10**14), CURRENCIES)
def test_amounts_as_text_read_back_to_the_minor_unit(minor: int, currency: str) -> None:
    field = Field(name="amount", type="money")
    amount = {"minor": minor, "currency": currency}
    assert parse(field, shown(field, amount)) == amount
    assert parse(field, money.text(minor, currency), currency) == amount


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_a_body_over_another_gives_the_body_and_the_second_time_nothing(kind: Kind, data: st.DataObject) -> None:
    """Convergence: after a merge of all fields the document is what was sent, and merging again finds no change."""
    held, new = (canonical(kind, data.draw(body(kind, {})))[0] for _ in range(2))
    names = sorted({*kind.fields, *mentioned(kind, held).names, *mentioned(kind, new).names} - {"custom"})
    merged = merge(kind, held, new, names, ())
    assert merge(kind, merged.fields, new, names, ()).changes == []
    assert bool(merged.changes) == (merged.fields != held)


@given(first=st.data())
@settings(deadline=None, max_examples=60)
def test_what_people_edited_survives_any_later_body(fresh: Any, first: st.DataObject) -> None:
    """b_001_15, b_001_18"""
    kind, memory = KINDS["project"], fresh()
    sink = WorkspaceSink(lambda: memory, CLOCK, "workspace")
    bodies = first.draw(st.lists(body(kind, {}), min_size=2, max_size=4))
    [answer] = sink.apply(memory, [Item(entity="project", key="id:1", body=bodies[0])])
    edits = first.draw(
        st.dictionaries(st.sampled_from(["stage", "owner", "description", "custom.a"]), TEXT, max_size=3)
    )
    work.edit(memory, "project", answer.target, edits)
    for later in bodies[1:]:
        sink.apply(memory, [Item(entity="project", key="id:1", body=later, target=answer.target)])
    fields = work.show(memory, "project", answer.target).fields
    for path, text in edits.items():
        assert (fields["custom"]["a"] if path == "custom.a" else fields[path]) == text
