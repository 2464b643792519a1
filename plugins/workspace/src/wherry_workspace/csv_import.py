"""Import: a CSV file into documents of one kind. All rows or none, unless bad ones may be left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from msgspec import Struct, field
from wherry.records import Change
from wherry.roles import Documents

from wherry_workspace.bodies import Refusal, canonical, full
from wherry_workspace.csv_lines import import_lines
from wherry_workspace.documents import Document, bring, fresh_ids, made, remade
from wherry_workspace.finding import Finder
from wherry_workspace.kinds import KINDS, Kind, kind_of
from wherry_workspace.merge import merge
from wherry_workspace.names import Names
from wherry_workspace.rows import Report, Values, accepted, bad, laid_over, mentioned_by, noted, values
from wherry_workspace.table import Table, read_table


class Plan(Struct):
    """What an import will write, decided before anything is written."""

    kind: Kind
    now: dt.datetime
    report: Report
    named: list[tuple[str, Document]] = field(default_factory=list)
    """New documents whose row gives their id."""
    unnamed: list[Document] = field(default_factory=list)
    changed: list[tuple[str, Document]] = field(default_factory=list)


def import_csv(
    documents: Documents, kind_name: str, path: Path, *,
    skip_bad: bool = False, dry_run: bool = False, currency: str = "", now: dt.datetime | None = None,
) -> Report:  # fmt: skip
    """Rows with an id, number, SKU, code or name that is there update that document; the others are new.

    ``kind_name`` may also be ``project_line`` or ``invoice_line``. ``currency`` is that of amounts which name
    none. What an update changes is protected from later syncs. Raises NotFound for the kind or file,
    ConfigError for a file that is no such table; bad rows are in the report. ``dry_run`` writes nothing.
    """
    now = now or dt.datetime.now(dt.UTC)
    owner = _owner_of_lines(kind_name)
    if owner is not None:
        return import_lines(documents, owner, path, skip_bad=skip_bad, dry_run=dry_run, currency=currency, now=now)
    kind = kind_of(kind_name)
    plan = Plan(kind, now, Report(kind.name))
    table = read_table(path, accepted(kind))
    _decide(documents, table, plan, currency)
    plan.report.applied = not dry_run and (skip_bad or not plan.report.bad)
    if plan.report.applied:
        _write(documents, plan)
    return plan.report


def _owner_of_lines(name: str) -> Kind | None:
    plain = name.strip().lower().replace("-", "_").replace(" ", "_").removesuffix("s")
    return next((kind for kind in KINDS.values() if kind.line and kind.line.name == plain), None)


def _decide(documents: Documents, table: Table, plan: Plan, currency: str) -> None:
    names, matched = Names(documents), dict[str, Values]()
    finder = Finder(documents, plan.kind, table.columns)
    for row in table.rows:
        try:
            if row.problem:
                raise Refusal("", row.problem)
            parsed = values(plan.kind, row.number, row.cells, names, currency)
            name = finder.of(parsed)
            if name is None:
                _new(plan, parsed)
            else:
                matched[name] = parsed
        except Refusal as refusal:
            plan.report.bad.append(bad(row.number, refusal))
    for name, document in documents.get(plan.kind.name, matched).items():
        _update(plan, name, document, matched[name])
    plan.report.bad.sort(key=lambda one: one.row)


def _new(plan: Plan, row: Values) -> None:
    """Raises Refusal when the row does not make a whole document."""
    kind = plan.kind
    for name, wanted in kind.fields.items():
        if wanted.required and name not in row.given and name not in row.bare:
            raise Refusal(name, "is required for a new one, and the file has no such column")
    fields, cleaned = canonical(kind, laid_over(kind, full(kind, {}), row))
    document = made(fields, by="import", now=plan.now)
    plan.report.creates += 1
    plan.report.cleaned += noted(row.row, cleaned)
    if row.id:
        plan.named.append((row.id, document))
    else:
        plan.unnamed.append(document)


def _update(plan: Plan, name: str, document: Document, row: Values) -> None:
    kind, held = plan.kind, document["fields"]
    try:
        fields, cleaned = canonical(kind, laid_over(kind, full(kind, held), row))
    except Refusal as refusal:
        plan.report.bad.append(bad(row.row, refusal))
        return
    mentioned = {*mentioned_by(row), *_customs(row, held)}
    merged = merge(kind, held, fields, sorted(mentioned), ())
    plan.report.cleaned += noted(row.row, cleaned)
    if not merged.changes:
        plan.report.unchanged += 1
        return
    plan.report.updated[name] = merged.changes
    plan.changed.append((name, edited(document, merged.fields, merged.changes, plan.now)))


def _customs(row: Values, held: dict[str, object]) -> set[str]:
    """Paths of the custom fields that a ``custom`` cell speaks of: those it sets and those it drops."""
    if "custom" not in row.given:
        return set()
    there = held.get("custom")
    return {f"custom.{name}" for name in (*row.given["custom"], *(there if isinstance(there, dict) else ()))}


def edited(document: Document, fields: dict[str, object], changes: list[Change], now: dt.datetime) -> Document:
    """The document after a person's change by file: what changed is protected."""
    local = {*document["local"], *(change.field for change in changes)}
    return remade(document, fields, by="import", now=now, local=local, written=document["origin"]["written"])


def _write(documents: Documents, plan: Plan) -> None:
    name = plan.kind.name
    bring(documents, plan.kind, plan.named)
    documents.put(name, plan.changed)
    ids = fresh_ids(documents, plan.kind, len(plan.unnamed)) if plan.unnamed else []
    documents.put(name, zip(ids, plan.unnamed, strict=True))
    plan.report.created = [*(one for one, _ in plan.named), *ids]
