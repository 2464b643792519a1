"""Import of wallet transactions: each row becomes a ledger transaction. The same file twice changes nothing.

What is there is known by its wallet, reference and asset; a row without a reference by what moved and when. A changed
row updates what it changes, but for what was edited here. Every bad row is told; while there is one nothing is
imported, unless bad ones may be left out.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from wherry.errors import ConfigError
from wherry.money import DECIMALS, Money
from wherry.roles import Documents

from wherry_workspace.bodies import Refusal, canonical
from wherry_workspace.documents import ROW, Document, fresh_ids, made, remade
from wherry_workspace.kinds import KINDS
from wherry_workspace.merge import mentioned, merge
from wherry_workspace.movements import EXACT
from wherry_workspace.rows import Bad, Report, bad, noted
from wherry_workspace.spellings import Fitting, Spelling
from wherry_workspace.table import Row
from wherry_workspace.wallets import NUMBERS, Reader, Transaction, columns_of, mark_of, table_of

_AT_ONCE = 200
KIND = KINDS["ledger_transaction"]


class Work(Struct):
    """One import on its way. ``known`` is mark → id of the document; ``rows`` mark → the row that had it."""

    documents: Documents
    report: Report
    now: dt.datetime
    spoken: tuple[str, ...]
    """The fields that the file's columns speak of: an empty cell empties them."""
    known: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    dry_run: bool = False


def import_wallets(
    documents: Documents,
    path: Path,
    currency: str,
    spelling: Spelling,
    *,
    skip_bad: bool = False,
    dry_run: bool = False,
    now: dt.datetime | None = None,
) -> Report:
    """One ledger transaction a row; ``currency`` is that of values which name none.

    Raises NotFound for the file, ConfigError for a file that is no such table or a currency that is none.
    """
    if currency not in DECIMALS:
        raise ConfigError(
            f"{currency!r} is not an ISO 4217 currency", code="WHERRY-2861", key="currency",
            fix="nothing was imported; give --currency the three letters of the file's values, such as USD",
        )  # fmt: skip
    columns = columns_of(table_of(path).columns, path)
    reader, known, now = Reader(columns, spelling, currency), _known(documents), now or dt.datetime.now(dt.UTC)

    def gone_through(dry: bool) -> Report:
        report = Report(KIND.name, applied=not dry)
        work = Work(documents, report, now, _spoken(columns), known, dry_run=dry)
        rows = _read(work, table_of(path).rows, reader)
        while some := list(islice(rows, _AT_ONCE)):
            _take(work, some)
        report.bad.sort(key=lambda one: one.row)
        return report

    report = gone_through(dry=dry_run or not skip_bad)
    if not dry_run and not skip_bad and not report.bad:
        report = gone_through(dry=False)
    _advise(report, path, reader, columns, spelling)
    return report


def _advise(report: Report, path: Path, reader: Reader, columns: Mapping[str, str], spelling: Spelling) -> None:
    """Beside each day or number that cannot be read: how all of the file's would have to be read, where that shows."""
    day_column, number_columns = columns["date"], {columns[name]: name for name in NUMBERS if name in columns}
    meant = {one.row: one for one in report.bad if one.field == day_column or one.field in number_columns}
    if not meant:
        return
    fitting, cells = Fitting(spelling), dict[int, str]()
    for row in table_of(path).rows:
        if not row.problem:
            said = reader.cells(row)
            fitting.meet([said["date"]], [said[name] for name in number_columns.values()])
            if row.number in meant:
                cells[row.number] = said["date" if meant[row.number].field == day_column
                                         else number_columns[meant[row.number].field]]  # fmt: skip
    for number, one in meant.items():
        one.reason += (fitting.of_days if one.field == day_column else fitting.of_numbers)(cells.get(number, ""))


def _spoken(columns: Iterable[str]) -> tuple[str, ...]:
    named = {"quantity": "quantity", "value": "amount", "wallet": "partition"}
    fields = [named.get(name, name) for name in columns]
    return tuple([name for name in fields if name in KIND.fields] + [f"custom.{EXACT}", "custom.moment"]
                 + [f"custom.{name}" for name in columns if named.get(name, name) not in KIND.fields])  # fmt: skip


def _known(documents: Documents) -> dict[str, str]:
    """Mark → id: by the row that it came by, else by its reference."""
    found: dict[str, str] = {}
    for name, document in documents.each(KIND.name):
        marks = [key.removeprefix(ROW) for key in document["origin"]["written"] if key.startswith(ROW)]
        for mark in (*marks, mark_of(document["fields"])):
            if mark:
                found.setdefault(mark, name)
    return found


def _read(work: Work, rows: Iterable[Row], reader: Reader) -> Iterator[Transaction]:
    for row in rows:
        try:
            yield _once(work, reader.read(row))
        except Refusal as refusal:
            work.report.bad.append(bad(row.number, refusal))


def _once(work: Work, one: Transaction) -> Transaction:
    """A reference stands for one row; rows without any that are the same are as many transactions as there are."""
    if one.body.get("reference"):
        before = work.rows.setdefault(one.mark, one.row)
        if before != one.row:
            raise Refusal("reference", f"row {before} has the same wallet, reference and asset; "
                                       "give each movement a reference of its own")  # fmt: skip
        return one
    work.repeats[one.mark] += 1
    count = work.repeats[one.mark]
    return one if count == 1 else Transaction(row=one.row, body=one.body, mark=f"{one.mark}/{count}", rest=one.rest,
                                              small=one.small)  # fmt: skip


def _take(work: Work, some: list[Transaction]) -> None:
    held = work.documents.get(KIND.name, [work.known[one.mark] for one in some if one.mark in work.known])
    changed: list[tuple[str, Document]] = []
    fresh: list[Document] = []
    for one in some:
        name = work.known.get(one.mark, "")
        document = _settled(work, one, held.get(name), name)
        if document is not None and name:
            changed.append((name, document))
        elif document is not None:
            fresh.append(document)
    _store(work, changed, fresh)


def _settled(work: Work, one: Transaction, held: Document | None, name: str) -> Document | None:
    """The document that a row makes or changes; None where it changes nothing, or cannot be held."""
    try:
        fields, cleaned = canonical(KIND, one.body)
    except Refusal as refusal:
        work.report.bad.append(Bad(one.row, refusal.reason, refusal.field))
        return None
    work.report.cleaned += noted(one.row, cleaned)
    _count(work.report, one)
    if held is not None:
        return _updated(work, name, held, fields, one.mark)
    work.report.creates += 1
    return made(fields, by="import", now=work.now, key=f"{ROW}{one.mark}")


def _count(report: Report, one: Transaction) -> None:
    amount = one.body["amount"]
    report.add(Money(amount["minor"], amount["currency"]), one.rest)
    if one.small is not None:
        report.add_small(one.small, amount["currency"])


def _updated(work: Work, name: str, held: Document, fields: dict[str, Any], mark: str) -> Document | None:
    spoken = sorted({*mentioned(KIND, fields).names, *work.spoken})
    merged = merge(KIND, held["fields"], fields, spoken, held["local"])
    if not merged.written:
        work.report.unchanged += 1
        return None
    work.report.updated[name] = merged.written
    written = {**held["origin"]["written"], f"{ROW}{mark}": ""}
    return remade(held, merged.fields, by="import", now=work.now, local=held["local"], written=written)


def _store(work: Work, changed: list[tuple[str, Document]], fresh: list[Document]) -> None:
    if work.dry_run:
        return
    ids = fresh_ids(work.documents, KIND, len(fresh)) if fresh else []
    work.report.created += ids
    work.documents.put(KIND.name, [*changed, *zip(ids, fresh, strict=True)])
