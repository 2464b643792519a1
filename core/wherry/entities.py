"""Canonical shapes: what Wherry means by a customer, a project, an invoice, whatever system it comes from.

A draft's body is checked against its shape before it enters the ledger. Kinds are open: a plugin may register its own
in its manifest. References are symbolic while a draft travels and plain target ids once it is written.
Dates are accounting dates, plain; prices, quantities and rates are Decimal; amounts are Money.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct, field
from msgspec.structs import fields

from wherry import money
from wherry.decoding import decoder
from wherry.money import Money
from wherry.records import Ref

Pointer = Ref | str | None
Custom = dict[str, str | int | bool | None]


class Entity(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every shape has: a place for fields that only one organisation knows."""

    custom: Custom = field(default_factory=dict)


class Address(Entity, kw_only=True):
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class Customer(Address, kw_only=True):
    name: str
    number: str = ""
    domain: str = ""
    website: str = ""
    email: str = ""
    phone: str = ""
    industry: str = ""
    description: str = ""
    currency: str = ""


class Location(Address, kw_only=True):
    name: str
    gl_number: str = ""
    customer: Pointer = None
    description: str = ""


class Product(Entity, kw_only=True):
    name: str
    sku: str = ""
    type: Literal["product", "part", "service"] = "product"
    price: Decimal | None = None
    currency: str = ""
    unit: str = ""
    description: str = ""


class ProjectLine(Entity, kw_only=True):
    name: str = ""
    source: str = ""
    product: Pointer = None
    sku: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    discount: Decimal | None = None
    amount: Money | None = None
    description: str = ""


class Project(Entity, kw_only=True):
    name: str
    customer: Pointer = None
    amount: Money | None = None
    close_date: dt.date | None = None
    pipeline: str = ""
    stage: str = ""
    owner: str = ""
    description: str = ""
    access: str = "everyone"
    """Who may see the project and its files: ``everyone`` or the name of a group."""
    lines: list[ProjectLine] = field(default_factory=list)


class Ticket(Entity, kw_only=True):
    subject: str
    description: str = ""
    status: str = ""
    priority: str = ""
    customer: Pointer = None
    project: Pointer = None
    owner: str = ""
    opened: dt.date | None = None


class File(Entity, kw_only=True):
    name: str
    project: Pointer = None
    media_type: str = "application/octet-stream"
    size: int = 0
    sha256: str = ""
    blob: str = ""
    """Where the bytes lie: the random name under which the store keeps them."""
    access: str = ""
    """As the project's; a file never has wider access than its project."""
    activity: str = ""


class Charge(Entity, kw_only=True):
    service: str
    date: dt.date
    customer: Pointer = None
    location: Pointer = None
    invoice: Pointer = None
    quantity: Decimal = Decimal(1)
    rate: Decimal | None = None
    amount: Money | None = None
    status: str = "Assigned"
    description: str = ""


class InvoiceLine(Entity, kw_only=True):
    service: str = ""
    """What is billed, as the source calls it."""
    product: Pointer = None
    description: str = ""
    quantity: Decimal = Decimal(1)
    rate: Decimal | None = None
    """The price of one, without tax."""
    amount: Money | None = None
    """Of the whole line, without tax."""
    tax_rate: Decimal | None = None
    """Percent of the amount: 20 is 20 %. None: nothing is known of tax, which is not the same as 0."""
    tax: Money | None = None
    """The tax of this line, beside its amount; None: not told."""
    location: Pointer = None
    dimensions: dict[str, str] = field(default_factory=dict)
    """Class and the like, as the books call them."""


class Invoice(Entity, kw_only=True):
    number: str
    date: dt.date
    customer: Pointer = None
    location: Pointer = None
    due_date: dt.date | None = None
    status: str = "Draft"
    """As the source says it."""
    total: Money | None = None
    """With tax, where tax is known."""
    tax: Money | None = None
    """The tax of the whole document, which is part of ``total``; None: not told."""
    memo: str = ""
    lines: list[InvoiceLine] = field(default_factory=list)


class Estimate(Invoice, kw_only=True):
    """What a customer is told a thing will cost."""


class SalesOrder(Invoice, kw_only=True):
    """What a customer ordered, to be invoiced in the books."""


class CreditMemo(Invoice, kw_only=True):
    """What a customer gets back. Quantities and amounts are positive."""


class JournalLine(Entity, kw_only=True):
    """One side of a journal entry. ``account`` is a reference, or the code of an account in the target's chart."""

    account: Ref | str
    side: Literal["debit", "credit"]
    amount: Money
    description: str = ""
    customer: Pointer = None
    dimensions: dict[str, str] = field(default_factory=dict)
    """Class, department, location, subsidiary, tax."""
    home: Money | None = None
    """What it is worth in the organisation's own currency, where the entry is in another."""


class JournalEntry(Entity, kw_only=True):
    number: str
    date: dt.date
    period: str = ""
    """The accounting period of the date, such as ``2026-01``."""
    type: str = ""
    currency: str = ""
    memo: str = ""
    lines: list[JournalLine] = field(default_factory=list)
    exchange_rate: Decimal | None = None
    """What one of ``currency`` is worth in ``home``, where that is another."""
    exchange_source: str = ""
    home: str = ""
    rounding: Money | None = None
    """What rounding left between the home amounts of both sides: above zero on the debit side of its account."""
    rounding_account: str = ""


class Account(Entity, kw_only=True):
    code: str
    name: str
    type: str = ""
    posting: bool = True
    active: bool = True
    currency: str = ""
    parent: str = ""


class LedgerTransaction(Entity, kw_only=True):
    """One movement: ``amount`` from the credit to the debit account; a wallet or other partition groups them.

    ``gain`` is the realised gain (negative: loss) of a disposal; ``asset`` and ``quantity`` what moved. A ``status`` of
    void, voided or cancelled takes it back.
    """

    date: dt.date
    amount: Money
    debit: str = ""
    credit: str = ""
    category: str = ""
    partition: str = ""
    reference: str = ""
    description: str = ""
    type: str = ""
    gain: Money | None = None
    asset: str = ""
    quantity: Decimal | None = None
    rate: Decimal | None = None
    """What one of the asset is worth in the currency of ``amount``."""
    rate_source: str = ""
    exchange_rate: Decimal | None = None
    """What one of the currency of ``amount`` is worth in the organisation's own."""
    exchange_source: str = ""
    status: str = ""


class MovementLine(Entity, kw_only=True):
    """One side of a movement: an account of the target by its code, else a category that the accounts table maps.

    A negative amount is booked on the other side. ``party`` is the reference of a customer, or a name.
    """

    side: Literal["debit", "credit"]
    amount: Money
    account: str = ""
    category: str = ""
    party: Pointer = None
    description: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    """Class, department, location, subsidiary, tax."""


class Movement(Entity, kw_only=True):
    """What happened once and is booked: lines in one currency whose debits equal their credits.

    ``gain`` is the realised gain (negative: loss) of a disposal, booked beside it where the flow says so.
    """

    date: dt.date
    currency: str
    lines: list[MovementLine] = field(default_factory=list)
    partition: str = ""
    """The wallet, or whatever else divides the books for uploading."""
    reference: str = ""
    description: str = ""
    type: str = ""
    gain: Money | None = None
    original: Money | None = None
    """The amount in the currency or asset it was made in, before it was valued in ``currency``."""
    rate: Decimal | None = None
    """What one of ``original`` is worth in ``currency``."""
    rate_source: str = ""
    exchange_rate: Decimal | None = None
    """What one of ``currency`` is worth in the organisation's own; a table of rates says it where this does not."""
    exchange_source: str = ""


SHAPES: dict[str, type[Entity]] = {
    "customer": Customer,
    "project": Project,
    "product": Product,
    "location": Location,
    "ticket": Ticket,
    "file": File,
    "charge": Charge,
    "invoice": Invoice,
    "estimate": Estimate,
    "sales_order": SalesOrder,
    "credit_memo": CreditMemo,
    "journal_entry": JournalEntry,
    "ledger_transaction": LedgerTransaction,
    "account": Account,
    "movement": Movement,
}
"""Entity name → shape. Plugins add theirs through their manifest."""

FORMS = {"invoice": "invoice", "credit_memo": "invoice", "estimate": "estimate", "sales_order": "sales-order"}
"""Document of a sale → the word of a flow's ``document`` that makes it: a record goes into a target in one form."""


@lru_cache(maxsize=256)
def other_forms(*entities: str) -> tuple[str, ...]:
    """The documents in another form than these; none where these are no such documents."""
    mine = {FORMS[entity] for entity in entities if entity in FORMS}
    return tuple(entity for entity, form in FORMS.items() if mine and form not in mine)


def check(entity: str, body: dict[str, Any], shapes: dict[str, type[Entity]] = SHAPES) -> dict[str, Any]:
    """The body in canonical form, defaults left out. Raises ValueError that names the field and what is wrong."""
    try:
        shape = shapes[entity]
    except KeyError:
        raise ValueError(f"unknown entity {entity!r}; known: {', '.join(sorted(shapes))}") from None
    decoder(shape)  # convert uses what is built with it, and building is not for several threads at once
    try:
        whole = msgspec.convert(body, shape, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(f"{entity}: {error}") from None
    plain: dict[str, Any] = msgspec.to_builtins(whole)
    try:
        _spell(plain, body, shape)
    except ValueError as error:
        raise ValueError(f"{entity}: {error}") from None
    return plain


@lru_cache(maxsize=256)
def _decimals(shape: type[Struct]) -> tuple[tuple[str, ...], tuple[tuple[str, type[Struct]], ...]]:
    """The fields of a shape that hold decimals, and those that hold lists of further shapes."""
    numbers, lists = [], []
    for info in fields(shape):
        if Decimal in (info.type, *get_args(info.type)):
            numbers.append(info.encode_name)
        inner = get_args(info.type)
        if get_origin(info.type) is list and isinstance(inner[0], type) and issubclass(inner[0], Struct):
            lists.append((info.encode_name, inner[0]))
    return tuple(numbers), tuple(lists)


@lru_cache(maxsize=256)
def pointers(shape: type[Struct]) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The fields of a shape that may refer to something, and its lists with such fields of their elements."""
    own = tuple(info.encode_name for info in fields(shape) if Ref in (info.type, *get_args(info.type)))
    return own, tuple((name, pointers(inner)[0]) for name, inner in _decimals(shape)[1])


def _spell(plain: dict[str, Any], given: dict[str, Any], shape: type[Struct], path: str = "$") -> None:
    """Decimals as plain digits: their own text form turns to an exponent where a number is small.

    Raises ValueError for what msgspec lets into a Decimal: floats, which no amount may be, and what is no number.
    """
    numbers, lists = _decimals(shape)
    for name in numbers:
        raw, told = given.get(name), plain.get(name)
        if isinstance(raw, float) or (told is not None and not told[-1].isdigit()):
            raise ValueError(f"Expected an exact number, got `{raw}` - at `{path}.{name}`")
        if told is not None and "E" in told:
            plain[name] = money.plain(Decimal(told))
    for name, inner in lists:
        for n, (element, raw) in enumerate(zip(plain.get(name, ()), given.get(name, ()), strict=False)):
            _spell(element, raw, inner, f"{path}.{name}[{n}]")
