"""What parts and shipments become: parts by a map as data, shipments by a mapper of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from wherry import Draft, Record, Rejected, Skip
from wherry.matching.text import name_key

MAPS: dict[str, dict[str, Any]] = {
    "part": {
        "product": {
            "root": True,
            "key": "id(part.id)",
            "label": "part.name",
            "fields": {
                "name": "first(part.name, part.number)",
                "sku": "default(part.number, '')",
                "type": "'part'",
                "unit": "default(part.unit, '')",
                "custom": {"bin": "part.bin", "former_number": "part.former_number"},
            },
        },
    },
}
MATCH: dict[str, dict[str, Any]] = {
    "product": {"order": ["link", "sku", "name"], "unmatched": "create"},
    "customer": {"order": ["link", "name"], "unmatched": "create"},
    "ticket": {"order": ["link"], "unmatched": "create"},
}
SENT = ("sent", "delivered")


class ShipmentMapper:
    """A shipment becomes a ticket for its customer that says what is in it.

    A map as data has no way to put several lines into one text; that is what mappers of one's own are for.
    """

    fields: Mapping[str, tuple[str, ...]] = {
        "shipment": ("carrier", "customer", "lines", "number", "sent", "status"),
        "part": ("name",),
    }
    fingerprint = "acme-warehouse shipment 1"

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        """Only what has left the warehouse."""
        states = [str(record.fields.get("status")) for record in records]
        return [None if state in SENT else Skip(f"not sent yet: {state}") for state in states]

    def map(self, record: Record) -> list[Draft]:
        """Raises Rejected for a shipment without number or customer."""
        number, name = _needed(record, "number"), _needed(record, "customer")
        customer = Draft(entity="customer", key=f"name:{name_key(name)}", body={"name": name}, label=name)
        body = {
            "subject": f"Shipment {number}",
            "description": "\n".join(_contents(record)),
            "status": record.fields["status"],
            "customer": {"entity": "customer", "key": customer.key},
            "opened": _day(record, "sent"),
            "custom": {"carrier": text(record.fields.get("carrier"))},
        }
        ticket = Draft(
            entity="ticket", key=f"id:{record.id}", body=body, label=body["subject"], root=True, refs=(customer.ref,)
        )
        return [customer, ticket]


def _needed(record: Record, field: str) -> str:
    value = record.fields.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Rejected(
            f"shipment {record.id} has no {field}",
            fix=f"fill in its {field} in Acme Warehouse",
            code="ACME-4001",
            field=f"shipment.{field}",
        )
    return value.strip()


def _day(record: Record, field: str) -> str | None:
    """The day of a moment as Acme writes one; nothing where it sent none."""
    value = record.fields.get(field)
    try:
        return dt.date.fromisoformat(str(value)[:10]).isoformat() if value else None
    except ValueError:
        raise Rejected(
            f"shipment {record.id}: its {field} is no date: {str(value)[:40]}",
            fix=f"correct its {field} in Acme Warehouse",
            code="ACME-4003",
            field=f"shipment.{field}",
        ) from None


def _contents(record: Record) -> list[str]:
    names = {part.id: part.fields.get("name") for part in record.relatives.get("part", ())}
    try:
        lines = record.fields.get("lines") or []
        told = [(line["quantity"], names.get(line["part"]) or line["part"]) for line in lines]
        if any(None in one for one in told):
            raise KeyError("quantity")
        return [f"{quantity} x {name}" for quantity, name in told]
    except (KeyError, TypeError):
        raise Rejected(
            f"shipment {record.id} has lines without part or quantity",
            fix="correct its lines in Acme Warehouse",
            code="ACME-4002",
            field="shipment.lines",
        ) from None


def text(value: object) -> str | None:
    """A plain text; what Acme sends of another sort says nothing."""
    return value if isinstance(value, str) else None
