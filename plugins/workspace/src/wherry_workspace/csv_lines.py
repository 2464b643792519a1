"""Import of lines: the rows of a project or an invoice are its lines, in the order of the file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from wherry.records import Change
from wherry.roles import Documents

from wherry_workspace.bodies import Refusal, canonical, full
from wherry_workspace.cells import columns, original
from wherry_workspace.documents import Document, remade
from wherry_workspace.kinds import Kind
from wherry_workspace.merge import labels, merge
from wherry_workspace.names import Names
from wherry_workspace.rows import Report, Values, bad, laid_over, noted, values
from wherry_workspace.table import Row, Table, read_table


class Group(Struct):
    """The rows of one owner; ``spoiled`` says that one of them is bad, so that none is used."""

    rows: list[Values] = field(default_factory=list)
    spoiled: bool = False


def import_lines(
    documents: Documents, kind: Kind, path: Path, *, skip_bad: bool, dry_run: bool, currency: str, now: dt.datetime
) -> Report:
    """Replace the lines of every project (or invoice) in the file; one with a bad row stays as it was."""
    assert kind.line is not None
    report = Report(kind.line.name)
    known = [kind.name, *columns(kind.line), "currency"]
    groups = _groups(documents, kind, kind.line, read_table(path, known), currency, report)
    changed = []
    for name, document in documents.get(
        kind.name, [name for name, group in groups.items() if not group.spoiled]
    ).items():
        try:
            after = _relined(kind, kind.line, name, document, groups[name].rows, report, now)
        except Refusal as refusal:
            report.bad.append(bad(groups[name].rows[0].row, refusal))
            continue
        if after is not None:
            changed.append((name, after))
    report.bad.sort(key=lambda one: one.row)
    report.applied = not dry_run and (skip_bad or not report.bad)
    if report.applied:
        documents.put(kind.name, changed)
    return report


def _groups(
    documents: Documents, kind: Kind, line: Kind, table: Table, currency: str, report: Report
) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    names = Names(documents)
    for row in table.rows:
        owner = ""
        try:
            owner = _owner(kind, row, names)
            parsed = values(line, row.number, row.cells, names, currency)
            groups.setdefault(owner, Group()).rows.append(parsed)
        except Refusal as refusal:
            report.bad.append(bad(row.number, refusal))
            if owner:
                groups.setdefault(owner, Group()).spoiled = True
    return groups


def _owner(kind: Kind, row: Row, names: Names) -> str:
    if row.problem:
        raise Refusal("", row.problem)
    said = original(row.cells.get(kind.name, ""))
    if not said.strip():
        raise Refusal(kind.name, f"says no {kind.spelled}; its id goes in the column {kind.name}")
    return names.id_of(kind.name, said)


def _relined(
    kind: Kind,
    line: Kind,
    name: str,
    document: Document,
    rows: list[Values],
    report: Report,
    now: dt.datetime,
) -> Document | None:
    """The document with its new lines, None if they are the same. Raises Refusal."""
    held = full(kind, document["fields"])
    before = dict(zip(labels(held["lines"]), held["lines"], strict=True))
    called = labels([{"source": row.given.get("source", "")} for row in rows])
    total = next((held[amount]["currency"] for amount in kind.amounts if held[amount]), "")
    lines = [_line(line, before.get(label), row, total) for label, row in zip(called, rows, strict=True)]
    fields, cleaned = canonical(kind, {**held, "lines": lines})
    changes = merge(kind, document["fields"], fields, ["lines"], ()).changes
    report.cleaned += noted(rows[0].row, cleaned)
    if not changes:
        report.unchanged += 1
        return None
    report.updated[name] = changes
    return remade(document, fields, by="import", now=now, written=document["origin"]["written"],
                  local={*document["local"], *_marks(held, changes)})  # fmt: skip


def _line(line: Kind, held: dict[str, Any] | None, row: Values, currency: str) -> dict[str, Any]:
    return laid_over(line, held or full(line, {}), row, currency)


def _marks(held: dict[str, Any], changes: list[Change]) -> set[str]:
    """What is protected from now on; lines that arrive where there were none are nobody's edit."""
    return {change.field for change in changes if change.field != "lines"} if held["lines"] else set()
