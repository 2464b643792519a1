"""``wherry workspace``: its commands parse and print; what they do is in ``work``, ``csv_import``, ``csv_export``."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from wherry.commands import Face, face
from wherry.errors import EXIT_PERSON
from wherry.records import Change
from wherry.settings import Project

from wherry_workspace import text, work
from wherry_workspace.charge_import import import_charges
from wherry_workspace.csv_export import as_csv, export
from wherry_workspace.csv_import import import_csv
from wherry_workspace.kinds import KINDS, kind_of
from wherry_workspace.layouts import Layout, is_named, layout_of
from wherry_workspace.rows import Report
from wherry_workspace.spellings import DAYS, NUMBERS, Spelling
from wherry_workspace.wallet_import import import_wallets
from wherry_workspace.wallets import is_wallet

_on = click.option("--connection", help="The workspace connection, if there are several.")


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> dt.datetime | None:
    """A date or moment; without a zone it is UTC, in which moments of change are kept."""
    try:
        moment = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date such as 2026-01-31") from None
    return moment.replace(tzinfo=dt.UTC) if moment and moment.tzinfo is None else moment


def _zone(_: click.Context, __: click.Parameter, text: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(text) if text else None
    except (KeyError, OSError, ValueError):
        raise click.BadParameter(f"{text!r} is not a time zone such as America/Chicago or UTC") from None


@click.group("workspace")
def group() -> None:
    """Look at, edit, import and export what the workspace holds."""


@group.command("list")
@click.argument("kind")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows to show.")
@click.option("--cursor", default="", help="Go on after this id, where an earlier page ended.")
@click.option("--since", callback=_moment, help="Only what changed since then.")
@click.option("--sort", default="", help="A field, or -field for the largest first. By id where left out.")
@click.option("--filter", "filters", multiple=True, metavar="FIELD=VALUE", help="Only what reads so; may be repeated.")
@_on
def list_(
    kind: str, limit: int, cursor: str, sort: str, since: dt.datetime | None, filters: tuple[str, ...],
    connection: str | None,
) -> None:  # fmt: skip
    """List documents of a KIND: customer, project, product, invoice …"""
    own = face()
    with own.documents(connection) as documents:
        asked = work.Asked(filters=_pairs(filters), since=since, sort=sort, limit=limit, cursor=cursor)
        found = work.listed(documents, kind, asked)
    if own.output == "csv":
        click.echo(as_csv(KINDS[found.kind], found.rows), nl=False)
        return
    data = {"kind": found.kind, "total": found.total, "items": found.rows, "cursor": found.cursor}
    example = [f"wherry workspace show {found.kind} {found.rows[0]['id']}"] if found.rows else []
    own.print("wherry.workspace.list/1", data, lambda: text.listing_lines(found), example)


@group.command("show")
@click.argument("kind")
@click.argument("name", metavar="ID")
@_on
def show(kind: str, name: str, connection: str | None) -> None:
    """Show one document with all its fields. ID may be its number or name.

    What was edited here is marked.
    """
    own = face()
    with own.documents(connection) as documents:
        view = work.show(documents, kind, work.id_of(documents, kind, name), own.files_folder)
    own.print("wherry.workspace.show/1", msgspec.to_builtins(view), lambda: text.document_lines(view))


@group.command("edit")
@click.argument("kind")
@click.argument("name", metavar="ID")
@click.argument("values", nargs=-1, metavar="FIELD=VALUE...")
@click.option("--reset", "resets", multiple=True, metavar="FIELD", help="Let the sync fill this field again.")
@_on
def edit(kind: str, name: str, values: tuple[str, ...], resets: tuple[str, ...], connection: str | None) -> None:
    """Set fields of a document; later syncs leave them alone. ID may be its number or name.

    Examples: name="GTX Pro"  amount="12.50 USD"  close_date=2026-01-31  lines[0].quantity=2  custom.colour=red
    """
    if not values and not resets:
        raise click.UsageError("nothing to change: give FIELD=VALUE, or --reset FIELD")
    own, pairs = face(), _pairs(values)
    with own.documents(connection) as documents:
        said, name = name, work.id_of(documents, kind, name)
        doubt = work.doubt(documents, kind, said, name)
        changes = work.edit(documents, kind, name, pairs) if pairs else []
        released = work.release(documents, kind, name, resets) if resets else []
    known = kind_of(kind)
    _audit_edit(own, f"{known.name}/{name}", changes, list(pairs), released)
    data = {"kind": known.name, "id": name, "changes": msgspec.to_builtins(changes), "released": released,
            "doubt": doubt}  # fmt: skip
    lines = [*text.edited_lines(known, name, changes, released), *([doubt] if doubt else [])]
    own.print("wherry.workspace.edit/1", data, lambda: lines)


def _audit_edit(own: Face, name: str, changes: list[Change], said: list[str], released: list[str]) -> None:
    if said:
        before = {change.field: change.before for change in changes}
        after = {change.field: change.after for change in changes}
        own.audit("workspace.edit", name, before, {**after, "protected": said})
    if released:
        own.audit("workspace.reset", name, {"protected": released}, {"protected": []})


@group.command("import")
@click.argument("kind")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out and import the others; charges always are.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and change nothing.")
@click.option("--currency", default="", help="The currency of amounts that name none, such as USD.")
@click.option("--numbers", type=click.Choice(tuple(NUMBERS)), help="wallet: how numbers are written; (5) is -5 then.")
@click.option("--days", type=click.Choice(tuple(DAYS)), help="wallet, charges: how days are written.")
@click.option("--clock", callback=_zone, metavar="ZONE", help="wallet: the time zone of moments that name none.")
@_on
def import_(
    kind: str, path: Path, skip_bad: bool, dry_run: bool, currency: str, numbers: str | None, days: str | None,
    clock: ZoneInfo | None, connection: str | None,
) -> None:  # fmt: skip
    """Import a CSV file of a KIND, or of charges or wallets.

    Its header names the fields of the KIND; project_line and invoice_line are kinds, too.

    A row whose id, number, SKU, code or name is there already updates that document; the others are new. While one row
    is bad nothing is imported, unless --skip-bad; every bad row is told, and the exit code is 4.

    KIND may be a layout too: online-retail, a file of charges (InvoiceNo, StockCode, Description, Quantity,
    InvoiceDate, UnitPrice, CustomerID, Country) that become invoices. For charge and invoice it is recognised by its
    header. Its good rows are imported whatever the others are, as if --skip-bad were said; amounts are in the project's
    currency, or in --currency.

    Or wallet, a file of wallet transactions, CSV or XLSX (wallet, date, asset, amount, fiat value, fiat currency,
    debit account, credit account, category, gain/loss, reference, description, type, status) that become ledger
    transactions; one whose status is void is taken back. A moment is booked on the day that it is in the project's time
    zone. Numbers are as in 1234.50 and days as in 2026-01-31 unless --numbers and --days say otherwise.
    """
    own, layout = face(), layout_of(kind, path)
    wallet = layout is None and is_wallet(kind, path)
    _must_fit(wallet, layout, numbers, days, clock)
    if layout is not None or wallet:
        currency = currency or own.project().currency
    with own.documents(connection) as documents:
        if layout is not None:
            report = import_charges(documents, layout, path, currency, days=days or "", named=is_named(kind),
                                    dry_run=dry_run)  # fmt: skip
        elif wallet:
            report = import_wallets(documents, path, currency, _spelling(own, numbers, days, clock), skip_bad=skip_bad,
                                    dry_run=dry_run)  # fmt: skip
        else:
            report = import_csv(documents, kind, path, skip_bad=skip_bad, dry_run=dry_run, currency=currency)
    if report.applied:
        own.audit("workspace.import", report.kind, *_imported(path, report))
    data = {**msgspec.to_builtins(report), "file": str(path)}
    after = _flows_of(own.project(), report.kind) if report.applied else []
    own.print("wherry.workspace.import/1", data, lambda: text.report_lines(report, dry_run=dry_run), after)
    if report.bad:
        click.get_current_context().exit(EXIT_PERSON)


def _flows_of(project: Project, kind: str) -> list[str]:
    """What to do with records of a kind that came in: see what the flows that read them would make of them."""
    mine = {name for name, one in project.connections.items() if one.plugin == "workspace"}
    flows = [name for name, one in sorted(project.flows.items()) if one.source in mine and kind in one.kinds]
    return [f"wherry plan {quote(name)}" for name in flows[:2]]


def _must_fit(
    wallet: bool, layout: Layout | None, numbers: str | None, days: str | None, clock: ZoneInfo | None
) -> None:  # fmt: skip
    """Raises UsageError where a spelling was said of a file that is not read by one."""
    if not wallet and (numbers or clock):
        raise click.UsageError("--numbers and --clock are for wallet transactions")
    if days and not wallet and layout is None:
        raise click.UsageError("--days is for wallet transactions and charges")
    if days and layout is not None and days not in layout.moments:
        raise click.UsageError(f"--days of charges is {' or '.join(layout.moments)}")


def _spelling(own: Face, numbers: str | None, days: str | None, clock: ZoneInfo | None) -> Spelling:
    zone = ZoneInfo(own.project().timezone)
    return Spelling(zone, clock or zone, numbers or next(iter(NUMBERS)), days or next(iter(DAYS)))


def _imported(path: Path, report: Report) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after for the audit log: every changed value, and the file by its hash."""
    before = {name: {one.field: one.before for one in changes} for name, changes in report.updated.items()}
    after = {name: {one.field: one.after for one in changes} for name, changes in report.updated.items()}
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    facts = {"file": path.name, "sha256": digest, "created": report.created, "left_out": len(report.bad)}
    facts |= {"others": report.others} if report.others else {}
    return {"updated": before}, {**facts, "updated": after}


@group.command("export")
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Target folder.")
@_on
def export_(folder: Path, connection: str | None) -> None:
    """Write everything to CSV files, one a kind.

    Each is named KIND.csv; lines stand in project_line.csv and invoice_line.csv.
    """
    own = face()
    with own.documents(connection) as documents:
        written = export(documents, folder, own.files_folder)
    data = {"folder": str(folder), "files": msgspec.to_builtins(written)}
    own.print("wherry.workspace.export/1", data, lambda: [*text.exported_lines(written), f"in {folder}"])


@group.command("count")
@_on
def count(connection: str | None) -> None:
    """Count the documents of every kind."""
    own = face()
    with own.documents(connection) as documents:
        counts = work.count(documents)
    rows = [[kind, str(number)] for kind, number in counts.items()]
    own.print("wherry.workspace.count/1", counts, lambda: text.table(["KIND", "COUNT"], rows))


def _pairs(said: Iterable[str]) -> dict[str, str]:
    """FIELD=VALUE arguments as a dict. Raises UsageError for one that is not."""
    pairs: dict[str, str] = {}
    for one in said:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{one!r} is not FIELD=VALUE")
        pairs[name.strip()] = value
    return pairs
