"""Import of charges: the charges of a file, grouped into invoices with their products, customers and locations.

What is there is known by its number: an invoice, a customer and its location's GL number, a product by its SKU. The
same file twice changes nothing; a changed one updates what it changes, but for what was edited here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from wherry import money
from wherry.errors import ConfigError
from wherry.matching import name_key
from wherry.roles import Documents

from wherry_workspace.bodies import Refusal, canonical
from wherry_workspace.charges import Charge, Survey, charges, product_name, survey
from wherry_workspace.day_order import order
from wherry_workspace.documents import Document, fresh_ids, made, remade
from wherry_workspace.kinds import KINDS, Kind
from wherry_workspace.layouts import Layout
from wherry_workspace.merge import Merged, mentioned, merge
from wherry_workspace.names import folded
from wherry_workspace.rows import Bad, Report, noted

_AT_ONCE = 200
_INVOICED = "Invoiced"


class Known(Struct):
    """Ids by what a charge calls them, folded: SKU, customer number, GL number."""

    product: dict[str, str]
    customer: dict[str, str]
    location: dict[str, str]


class Work(Struct):
    """One import on its way."""

    documents: Documents
    report: Report
    now: dt.datetime
    dry_run: bool


def import_charges(
    documents: Documents,
    layout: Layout,
    path: Path,
    currency: str,
    *,
    days: str = "",
    named: bool = True,
    dry_run: bool = False,
    now: dt.datetime | None = None,
) -> Report:
    """One invoice for each invoice number of the file. A row that cannot be read is left out and reported; nothing
    else is lost. Memory holds the numbers, not the charges.

    ``days`` says in which order they are written; left out, the whole file tells. Where it does not, the layout does if
    the file was said to be of it (``named``). Raises NotFound for the file, ConfigError for a file that is no such
    table, for days of several orders or of an unknown one, or for a currency that is none.
    """
    _check(currency)
    first, told = _surveyed(path, layout, currency, days, named=named)
    report = Report("invoice", bad=first.bad, applied=not dry_run, told=told)
    work = Work(documents, report, now or dt.datetime.now(dt.UTC), dry_run)
    known = Known(_products(work, first), *_customers(work, first))
    numbers = _index(documents, "invoice", "number")
    groups = charges(path, layout, currency, first)
    while some := list(islice(groups, _AT_ONCE)):
        _invoices(work, some, known, numbers)
    work.report.bad.sort(key=lambda one: one.row)
    return work.report


def _surveyed(path: Path, layout: Layout, currency: str, days: str, *, named: bool) -> tuple[Survey, str]:
    """The first reading, with the days in the order that was said or found, and what to tell of that."""
    first = survey(path, layout, currency, days)
    if days:
        return first, ""
    found, told = order(layout, first.days, path, named=named)
    return first if found == first.order else survey(path, layout, currency, found), told


def _check(currency: str) -> None:
    if currency not in money.DECIMALS:
        raise ConfigError(
            f"{currency!r} is not an ISO 4217 currency",
            fix="nothing was imported; give --currency the three letters of the file's amounts, such as GBP",
            code="WHERRY-2822",
            key="currency",
        )


def _index(documents: Documents, kind: str, field: str) -> dict[str, str]:
    """Folded value of a field → id, the first that has it."""
    found: dict[str, str] = {}
    for name, document in documents.each(kind):
        if value := document["fields"].get(field):
            found.setdefault(folded(value), name)
    return found


def _products(work: Work, first: Survey) -> dict[str, str]:
    """Folded SKU → id. One that is there keeps its name."""
    known = _index(work.documents, "product", "sku")
    taken = {name_key(document["fields"]["name"]) for _, document in work.documents.each("product")}
    bodies = {
        key: {"name": product_name(sku, first.names.get(key, (0, ""))[1], taken), "sku": sku}
        for key, sku in first.skus.items()
        if key not in known
    }
    return known | _create(work, "product", bodies)


def _customers(work: Work, first: Survey) -> tuple[dict[str, str], dict[str, str]]:
    """Folded number → id of the customer, and of its location, whose GL number it is."""
    customers, locations = (_index(work.documents, *one) for one in (("customer", "number"), ("location", "gl_number")))
    wanted = {folded(number): (number, country) for number, country in first.countries.items()}
    customers |= _create(work, "customer", {
        key: {"name": f"Customer {number}", "number": number, "country": country}
        for key, (number, country) in wanted.items() if key not in customers
    })  # fmt: skip
    locations |= _create(work, "location", {
        key: {"name": f"Location {number}", "gl_number": number, "customer": customers[key], "country": country}
        for key, (number, country) in wanted.items() if key not in locations
    })  # fmt: skip
    return customers, locations


def _create(work: Work, kind_name: str, bodies: dict[str, dict[str, Any]]) -> dict[str, str]:
    """New documents, key → body; key → id."""
    kind = KINDS[kind_name]
    if bodies:
        work.report.others[kind_name] = len(bodies)
    ids = _ids(work, kind, len(bodies))
    keyed = dict(zip(bodies, ids, strict=True))
    if not work.dry_run:
        rows = (made(canonical(kind, body)[0], by="import", now=work.now) for body in bodies.values())
        _put(work.documents, kind, zip(ids, rows, strict=True))
    return keyed


def _ids(work: Work, kind: Kind, count: int) -> list[str]:
    """Fresh ids; while nothing is written, as many that stand for them."""
    if work.dry_run or not count:
        return [f"{kind.prefix}-0"] * count
    return fresh_ids(work.documents, kind, count)


def _put(documents: Documents, kind: Kind, rows: Iterator[tuple[str, Document]]) -> None:
    while some := list(islice(rows, _AT_ONCE)):
        documents.put(kind.name, some)


def _invoices(work: Work, groups: Iterable[list[Charge]], known: Known, numbers: dict[str, str]) -> None:
    kind, report = KINDS["invoice"], work.report
    bodies = {folded(group[0].invoice): body for group in groups if (body := _body(kind, group, known, report))}
    held = work.documents.get(kind.name, [numbers[number] for number in bodies if number in numbers])
    changed, fresh = [], []
    for number, body in bodies.items():
        if number not in numbers:
            fresh.append((number, made(body, by="import", now=work.now)))
        elif document := _updated(kind, numbers[number], held[numbers[number]], body, work):
            changed.append((numbers[number], document))
    ids = _ids(work, kind, len(fresh))
    report.creates += len(fresh)
    if not work.dry_run:
        report.created += ids
        rows = zip(ids, (document for _, document in fresh), strict=True)
        work.documents.put(kind.name, [*changed, *rows])
    numbers.update(zip((number for number, _ in fresh), ids, strict=True))


def _body(kind: Kind, group: list[Charge], known: Known, report: Report) -> dict[str, Any]:
    """The invoice in canonical form; empty, and told, where it cannot be held."""
    head, total = group[0], money.Money(sum(one.amount.minor for one in group), group[0].amount.currency)
    rest = sum((one.rest for one in group), Decimal(0))
    body = {
        "number": head.invoice,
        "date": head.date,
        "customer": known.customer.get(folded(head.customer)),
        "location": known.location.get(folded(head.customer)),
        "status": _INVOICED,
        "total": {"minor": total.minor, "currency": total.currency},
        "lines": [_line(one, known) for one in group],
        "custom": {name: said for name, said in (("time", head.time), ("country", head.country)) if said},
    }
    try:
        fields, cleaned = canonical(kind, body)
    except Refusal as refusal:
        report.bad.append(Bad(head.row, f"invoice {head.invoice}: {refusal.reason}", refusal.field))
        return {}
    report.cleaned += noted(head.row, cleaned)
    report.add(total, rest)
    return fields


def _line(one: Charge, known: Known) -> dict[str, Any]:
    return {
        "product": known.product.get(folded(one.sku)),
        "description": one.description,
        "quantity": one.quantity,
        "rate": one.rate,
        "amount": {"minor": one.amount.minor, "currency": one.amount.currency},
    }


def _updated(kind: Kind, name: str, held: Document, body: dict[str, Any], work: Work) -> Document | None:
    """The document as the file has it now, but for what was edited here; None where that changes nothing."""
    spoken = sorted({*mentioned(kind, body).names, "customer", "location", "lines"})
    merged = Merged(body) if body == held["fields"] else merge(kind, held["fields"], body, spoken, held["local"])
    if not merged.written:
        work.report.unchanged += 1
        return None
    work.report.updated[name] = merged.written
    kept, written = held["local"], held["origin"]["written"]
    return remade(held, merged.fields, by="import", now=work.now, local=kept, written=written)
