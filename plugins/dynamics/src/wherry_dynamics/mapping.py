"""The default field maps of Dynamics 365, as data. A flow may replace or drop every single line.

Columns have their logical names. Beside a choice or lookup stands its label under the name that Dataverse gives it,
``statuscodename``, ``owneridname``. Products of lines carry no price: a line's price is the deal's. Money of a line is
what Dynamics calculates: it is rounded, and the residue counted. A deal's own amount is taken exactly or refused.
"""

from __future__ import annotations

from typing import Any

from wherry.crm import file_map, location_map, plain

_CUSTOMER: dict[str, Any] = {
    "key": "id(company.id)",
    "label": "company.name",
    "fields": {
        "name": "first(company.name, join(' ', 'Account', company.id))",
        **plain("company", website="websiteurl", phone="telephone1", email="emailaddress1"),
        **plain("company", industry="industrycodename", description="description"),
        "street": "default(join(', ', company.address1_line1, company.address1_line2, company.address1_line3), '')",
        **plain("company", city="address1_city", region="address1_stateorprovince"),
        **plain("company", postal_code="address1_postalcode", country="address1_country"),
    },
}
_LINE: dict[str, Any] = {
    "each": "line_item",
    "fields": {
        "product": "ref(product)",
        "source": "line_item.id",
        "name": "default(line_item.product_name, '')",
        "sku": "default(line_item.sku, '')",
        "quantity": "decimal(line_item.quantity)",
        "price": "decimal(line_item.priceperunit)",
        "amount": "round_money(line_item.extendedamount, deal.currency)",
        "description": "default(line_item.description, '')",
    },
}

MAPS: dict[str, dict[str, Any]] = {
    "deal": {
        "trigger": {"pipeline": "deal.pipeline", "stage": "deal.statuscode"},
        "customer": {"from": "company", "optional": True, **_CUSTOMER},
        "product": {
            "from": "line_item",
            "each": True,
            "optional": True,
            "reference": True,
            "key": "product(line_item.productid, line_item.sku, line_item.product_name)",
            "label": "line_item.product_name",
            "fields": {
                "name": "first(line_item.product_name, line_item.sku, join(' ', 'Product', line_item.productid))",
                "sku": "default(line_item.sku, '')",
            },
        },
        "project": {
            "root": True,
            "key": "id(deal.id)",
            "label": "deal.name",
            "fields": {
                "name": "first(deal.name, join(' ', 'Opportunity', deal.id))",
                "customer": "ref(customer)",
                "amount": "money(first(deal.actualvalue, deal.totalamount, deal.estimatedvalue), deal.currency)",
                "close_date": "date(first(deal.actualclosedate, deal.estimatedclosedate))",
                "pipeline": "default(deal.pipeline, '')",
                "stage": "default(deal.statuscodename, '')",
                "owner": "default(deal.owneridname, '')",
                "description": "default(deal.description, '')",
                "custom": {"company_problem": "deal.company_problem"},
                "lines": _LINE,
            },
        },
        "file": file_map("id(file.id, file.size, deal.id)"),
    },
    "product": {
        "product": {
            "root": True,
            "key": "id(product.id)",
            "label": "product.name",
            "fields": {
                "name": "first(product.name, product.productnumber, join(' ', 'Product', product.id))",
                "sku": "default(product.productnumber, '')",
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
            "label": "ticket.title",
            "fields": {
                "subject": "first(ticket.title, join(' ', 'Case', ticket.ticketnumber))",
                "description": "default(ticket.description, '')",
                "status": "default(ticket.statuscodename, '')",
                "priority": "default(ticket.prioritycodename, '')",
                "customer": "ref(customer)",
                "owner": "default(ticket.owneridname, '')",
                "opened": "date(ticket.createdon)",
                "custom": {"company_problem": "ticket.company_problem"},
            },
        },
    },
    "location": location_map(_CUSTOMER),
}
