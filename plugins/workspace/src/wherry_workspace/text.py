"""What the workspace's commands print for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wherry.records import Change

from wherry_workspace.csv_export import Written
from wherry_workspace.kinds import KINDS, Field, Kind, kind_of
from wherry_workspace.rows import Report
from wherry_workspace.values import shown
from wherry_workspace.work import Listing, Shown

_WIDEST, _MOST_COLUMNS, _MOST_BAD = 40, 7, 50
_LONG = frozenset({"lines", "custom"})


def clean(text: str) -> str:
    """Text that cannot move a terminal's cursor or break a table."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def listing_lines(listing: Listing) -> Iterator[str]:
    """A table of the fields that hold anything, the first few of them."""
    kind = KINDS[listing.kind]
    if not listing.rows:
        yield f"no {kind.spelled}s" + (" like that" if listing.narrowed else "")
        return
    fields = _telling(kind, listing.rows)
    header = ["ID", *(field.name.replace("_", " ").upper() for field in fields)]
    rows = [[row["id"], *(shown(field, row[field.name]) for field in fields)] for row in listing.rows]
    yield from table(header, rows)
    if listing.cursor:
        yield f"{len(listing.rows)} of {listing.total:,}; more with --cursor {listing.cursor}"


def _telling(kind: Kind, rows: Sequence[dict[str, Any]]) -> list[Field]:
    fields = [field for field in kind.fields.values() if field.type not in _LONG]
    held = [field for field in fields if any(row[field.name] != field.default for row in rows)]
    return held[:_MOST_COLUMNS]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need to be, up to 40 characters."""
    cells = [[_cut(clean(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def document_lines(view: Shown) -> Iterator[str]:
    """Every field that holds anything, then the lines; what was edited here is marked."""
    kind = kind_of(view.kind)
    yield f"{view.id}   {kind.spelled}   changed {view.changed} by {view.written_by}"
    pairs = list(_pairs(kind, view))
    width = max((len(name) for name, _ in pairs), default=0)
    for name, said in pairs:
        mark = "   (edited here)" if name in view.local else ""
        yield f"  {name.ljust(width)}  {clean(said)}{mark}".rstrip()
    if kind.line and view.fields["lines"]:
        yield from ("", "lines", *_line_table(kind.line, view))
    edited = [path for path in view.local if path.startswith("lines[")]
    if edited:
        yield f"edited here: {', '.join(edited)}"


def _pairs(kind: Kind, view: Shown) -> Iterator[tuple[str, str]]:
    for field in kind.fields.values():
        value = view.fields[field.name]
        if field.type not in _LONG and value not in (None, ""):
            yield field.name, _named(view, shown(field, value), field.type == "reference")
    for name, value in view.fields["custom"].items():
        if value is not None:
            yield f"custom.{name}", str(value)
    if view.source:
        yield "source", "; ".join(view.source)
    if view.effective_access:
        yield "effective_access", view.effective_access
    if view.path:
        yield "path", view.path


def _named(view: Shown, text: str, reference: bool) -> str:
    return f"{text}  {view.names.get(text, '(no longer there)')}" if reference else text


def _line_table(line: Kind, view: Shown) -> Iterator[str]:
    rows = view.fields["lines"]
    fields = _telling(line, rows)
    header = ["#", *(field.name for field in fields)]
    body = [[str(number), *(_named(view, shown(field, row[field.name]), field.type == "reference" and row[field.name])
                            for field in fields)] for number, row in enumerate(rows)]  # fmt: skip
    yield from (f"  {text}" for text in table(header, body))


def change_lines(kind: Kind, changes: Iterable[Change]) -> Iterator[str]:
    """One line a change: field, before → after."""
    for change in changes:
        before, after = (_said(kind, change.field, value) for value in (change.before, change.after))
        kept = f"   kept: {change.kept}" if change.kept else ""
        yield f"  {change.field}  {before or '(empty)'} → {after or '(empty)'}{kept}"


def _said(kind: Kind, path: str, value: Any) -> str:
    line, _, name = path.rpartition("].")
    owner = kind.line if line and kind.line else kind
    field = owner.fields.get(name or path)
    if field is None and isinstance(value, dict):
        return clean(str(value.get("name") or value.get("description") or "a line"))
    return clean(shown(field, value) if field else ("" if value is None else str(value)))


def edited_lines(kind: Kind, name: str, changes: Sequence[Change], released: Sequence[str]) -> Iterator[str]:
    """What an edit changed, and which fields the sync may fill again."""
    yield f"{name}   {len(changes)} field{'' if len(changes) == 1 else 's'} changed"
    yield from change_lines(kind, changes)
    for path in released:
        yield f"  {path}  no longer protected: the next sync may fill it"


def report_lines(report: Report, *, dry_run: bool) -> Iterator[str]:
    """What an import did; every bad row with its number, the first fifty in full."""
    name = report.kind.replace("_", " ")
    done = f"{report.creates} created, {len(report.updated)} updated, {report.unchanged} unchanged"
    would = f"{report.creates} to create, {len(report.updated)} to update, {report.unchanged} unchanged"
    bad = len(report.bad)
    if report.applied:
        yield f"{name}: {done}" + (f", {bad} left out" if bad else "")
    elif dry_run:
        yield f"{name}: {would}" + (f", {bad} bad" if bad else "") + "; nothing was imported: this was a dry run"
    else:
        yield f"{name}: nothing was imported, as {_rows(bad)} bad (without: {would})"
        yield "  correct the file, or say --skip-bad to leave them out"
    if report.others:
        made = [f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in report.others.items()]
        yield f"  {'along with' if report.applied else 'and'} {', '.join(made)}"
    for currency, total in report.totals.items():
        cut = report.residue.get(currency)
        of = "lines" if report.kind == "invoice" else "values to the smallest coin, half to even,"
        yield f"  total {total} {currency}" + (f"; rounding {of} cut {cut}" if cut else "")
    if report.told:
        yield f"  {report.told}"
    if report.small:
        worth = " and ".join(f"{total} {currency}" for currency, total in report.small_totals.items())
        yield f"  {report.small} of them under the smallest coin, {worth} in all: kept, and not uploaded to books"
    for one in report.bad[:_MOST_BAD]:
        yield f"  row {one.row}  {f'{one.field}: ' if one.field else ''}{clean(one.reason)}"
    if len(report.bad) > _MOST_BAD:
        yield f"  … and {len(report.bad) - _MOST_BAD} more rows; all of them with --output json"
    if report.bad and report.applied:
        yield "  correct them and import the file again: nothing comes twice"
    for one in report.cleaned[:_MOST_BAD]:
        yield f"  row {one.row}  {one.field}: {one.reason}"


def _rows(number: int) -> str:
    return "1 row is" if number == 1 else f"{number:,} rows are"


def exported_lines(written: dict[str, Written]) -> Iterator[str]:
    yield from table(["FILE", "ROWS"], [[f"{name}.csv", str(one.rows)] for name, one in written.items()])
