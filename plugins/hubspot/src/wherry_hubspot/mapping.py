"""HubSpot's default field maps, as data. A flow may replace or drop every single line.

Products of line items carry no price: a line's price is the deal's, and may differ from deal to deal. Money of a line
is what HubSpot calculates (quantity, discount, tax) and may have more digits than the currency: it is rounded, and the
residue counted. A deal's own amount is taken exactly or refused.
"""

from __future__ import annotations

from typing import Any

from wherry.crm import file_map, location_map, plain

TYPES = {"inventory": "product", "non_inventory": "part", "service": "service"}
"""``hs_product_type`` → ours. HubSpot's non-inventory goods are what is used up in the work: parts."""


def product_type(value: str | None) -> str:
    """The type of a product from ``hs_product_type``; a product where HubSpot says nothing or something new."""
    return TYPES.get(str(value or "").strip().lower(), "product")


_CUSTOMER: dict[str, Any] = {
    "key": "id(company.id)",
    "label": "company.name",
    "fields": {
        "name": "first(company.name, company.domain, join(' ', 'Company', company.id))",
        **plain("company", domain="domain", website="website", phone="phone"),
        **plain("company", industry="industry", description="description"),
        "street": "default(join(', ', company.address, company.address2), '')",
        **plain("company", city="city", region="state", postal_code="zip", country="country"),
    },
}
_LINE: dict[str, Any] = {
    "each": "line_item",
    "fields": {
        "product": "ref(product)",
        "source": "line_item.id",
        "name": "default(line_item.name, '')",
        "sku": "default(line_item.hs_sku, '')",
        "quantity": "decimal(line_item.quantity)",
        "price": "decimal(line_item.price)",
        "discount": "decimal(line_item.discount)",
        "amount": "round_money(line_item.amount, first(line_item.hs_line_item_currency_code, deal.deal_currency_code))",
        "description": "default(line_item.description, '')",
    },
}

MAPS: dict[str, dict[str, Any]] = {
    "deal": {
        "trigger": {"pipeline": "deal.pipeline", "stage": "deal.dealstage"},
        "customer": {"from": "company", "optional": True, **_CUSTOMER},
        "product": {
            "from": "line_item",
            "each": True,
            "optional": True,
            "reference": True,
            "key": "product(line_item.hs_product_id, line_item.hs_sku, line_item.name)",
            "label": "line_item.name",
            "fields": {
                "name": "first(line_item.name, line_item.hs_sku, join(' ', 'Product', line_item.hs_product_id))",
                "sku": "default(line_item.hs_sku, '')",
            },
        },
        "project": {
            "root": True,
            "key": "id(deal.id)",
            "label": "deal.dealname",
            "fields": {
                "name": "first(deal.dealname, join(' ', 'Deal', deal.id))",
                "customer": "ref(customer)",
                "amount": "money(deal.amount, deal.deal_currency_code)",
                "close_date": "date(deal.closedate)",
                "pipeline": "default(deal.pipeline, '')",
                "stage": "default(deal.dealstage, '')",
                "owner": "default(owner.name, '')",
                "description": "default(deal.description, '')",
                "custom": {"company_problem": "deal.company_problem"},
                "lines": _LINE,
            },
        },
        "file": file_map("id(file.id, deal.id)", activity="join(' ', file.activity, file.activity_id)"),
    },
    "product": {
        "product": {
            "root": True,
            "key": "id(product.id)",
            "label": "product.name",
            "fields": {
                "name": "first(product.name, product.hs_sku, join(' ', 'Product', product.id))",
                "sku": "default(product.hs_sku, '')",
                "type": "hubspot_product_type(product.hs_product_type)",
                "price": "decimal(product.price)",
                "description": "default(product.description, '')",
            },
        },
    },
    "company": {"customer": {"root": True, **_CUSTOMER}},
    "ticket": {
        "customer": {"from": "company", "optional": True, **_CUSTOMER},
        "ticket": {
            "root": True,
            "key": "id(ticket.id)",
            "label": "ticket.subject",
            "fields": {
                "subject": "first(ticket.subject, join(' ', 'Ticket', ticket.id))",
                "description": "default(ticket.content, '')",
                "status": "default(ticket.hs_pipeline_stage, '')",
                "priority": "default(ticket.hs_ticket_priority, '')",
                "customer": "ref(customer)",
                "owner": "default(owner.name, '')",
                "opened": "date(ticket.createdate)",
                "custom": {"deal_id": "deal.id", "company_problem": "ticket.company_problem"},
            },
        },
    },
    "location": location_map(_CUSTOMER),
}
