"""Salesforce's default field maps, as data. A flow may replace or drop every single line.

Products of line items carry no price: a line's price is the deal's, and may differ from deal to deal. Money of a line
is what Salesforce calculates (quantity, price, discount): it is rounded, and the residue counted. A deal's own amount
is taken exactly or refused. A person account has its address where others have none; an org with one currency names
none, and the project's counts.
"""

from __future__ import annotations

from typing import Any

from wherry.crm import file_map, location_map, plain

ADDRESS = {"street": "Street", "city": "City", "region": "State", "postal_code": "PostalCode", "country": "Country"}


_CUSTOMER: dict[str, Any] = {
    "key": "id(company.id)",
    "label": "company.Name",
    "fields": {
        "name": "first(company.Name, join(' ', 'Account', company.id))",
        **plain("company", website="Website", phone="Phone", email="PersonEmail", industry="Industry"),
        **plain("company", description="Description"),
        **{name: f"first(company.Billing{part}, company.PersonMailing{part}, '')" for name, part in ADDRESS.items()},
    },
}
_LINE: dict[str, Any] = {
    "each": "line_item",
    "fields": {
        "product": "ref(product)",
        "source": "line_item.id",
        "name": "first(line_item.product_name, line_item.Name, '')",
        "sku": "default(line_item.sku, '')",
        "quantity": "decimal(line_item.Quantity)",
        "price": "decimal(line_item.UnitPrice)",
        "amount": "round_money(line_item.TotalPrice, deal.CurrencyIsoCode)",
        "description": "default(line_item.Description, '')",
    },
}

MAPS: dict[str, dict[str, Any]] = {
    "deal": {
        "trigger": {"pipeline": "deal.pipeline", "stage": "deal.StageName"},
        "customer": {"from": "company", "optional": True, **_CUSTOMER},
        "product": {
            "from": "line_item",
            "each": True,
            "optional": True,
            "reference": True,
            "key": "product(line_item.Product2Id, line_item.sku, line_item.product_name)",
            "label": "line_item.product_name",
            "fields": {
                "name": "first(line_item.product_name, line_item.sku, join(' ', 'Product', line_item.Product2Id))",
                "sku": "default(line_item.sku, '')",
            },
        },
        "project": {
            "root": True,
            "key": "id(deal.id)",
            "label": "deal.Name",
            "fields": {
                "name": "first(deal.Name, join(' ', 'Opportunity', deal.id))",
                "customer": "ref(customer)",
                "amount": "money(deal.Amount, deal.CurrencyIsoCode)",
                "close_date": "date(deal.CloseDate)",
                "pipeline": "default(deal.pipeline, '')",
                "stage": "default(deal.StageName, '')",
                "owner": "default(owner.Name, '')",
                "description": "default(deal.Description, '')",
                "custom": {"company_problem": "deal.company_problem"},
                "lines": _LINE,
            },
        },
        "file": file_map("id(file.id, deal.id)"),
    },
    "product": {
        "product": {
            "root": True,
            "key": "id(product.id)",
            "label": "product.Name",
            "fields": {
                "name": "first(product.Name, product.ProductCode, join(' ', 'Product', product.id))",
                "sku": "first(product.StockKeepingUnit, product.ProductCode, '')",
                "description": "default(product.Description, '')",
            },
        },
    },
    "company": {"customer": {"root": True, **_CUSTOMER}},
    "ticket": {
        "customer": {"from": "company", "optional": True, **_CUSTOMER},
        "ticket": {
            "root": True,
            "key": "id(ticket.id)",
            "label": "ticket.Subject",
            "fields": {
                "subject": "first(ticket.Subject, join(' ', 'Case', ticket.CaseNumber))",
                "description": "default(ticket.Description, '')",
                "status": "default(ticket.Status, '')",
                "priority": "default(ticket.Priority, '')",
                "customer": "ref(customer)",
                "owner": "default(owner.Name, '')",
                "opened": "date(ticket.CreatedDate)",
                "custom": {"company_problem": "ticket.company_problem"},
            },
        },
    },
    "location": location_map(_CUSTOMER),
}
