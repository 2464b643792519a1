"""Fills an account with sample data through HubSpot's public API alone: the stand-in's, or a test account."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import httpx

from .sample import (
    COMPANIES,
    DEALS,
    EMAILS,
    MEANT,
    NOTES,
    PRODUCTS,
    TICKETS,
    UNKNOWN_PRODUCT,
    Deal,
    content,
)

__all__ = ["DEALS", "EXPECTED", "MEANT", "PROJECT", "UNKNOWN_PRODUCT", "fill"]

PROJECT = """\
version = 1

[project]
name = "acme"
timezone = "Europe/Berlin"
currency = "EUR"

[plugins]
enabled = ["hubspot", "workspace"]

[connections.crm]                       # the stand-in; wherry demo writes its address to .env
plugin = "hubspot"
base_url = "${WHERRY_DEMO_URL:-http://127.0.0.1:8701}"
auth = { kind = "token", token = { env = "WHERRY_DEMO_TOKEN" } }

[connections.platform]                  # lives in this project's own store
plugin = "workspace"

[flows.catalogue]
source = "crm"
sink = "platform"
kinds = ["product"]
repeat = "always"                       # later changes are carried over

[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
after = ["catalogue"]                   # runs first
pipelines = [{ id = "default", stages = ["won"] }]
repeat = { project = "once", file = "always" }

[flows.won-deals.match.product]
order = ["link", "sku", "name"]
unmatched = "triage"                    # what nothing matches becomes a question

[flows.won-deals.schedule]              # counts after: wherry flow activate won-deals
every = "1h"
"""

API = "2026-03"
SERVICE_PIPELINE = "Service contracts"
SERVICE_STAGES = {"talk": ("In talks", "0.3"), "signed": ("Signed", "1.0"), "gone": ("Not renewed", "0.0")}
STAGES = {
    "won": "closedwon",
    "lost": "closedlost",
    "open": "presentationscheduled",
    "new": "appointmentscheduled",
}

# Association numbers of HubSpot: deal to primary company and plain company, line item to deal, and so on.
TO_COMPANY, TO_SECOND_COMPANY, LINE_TO_DEAL, NOTE_TO_DEAL, EMAIL_TO_DEAL = 5, 341, 20, 214, 210
TICKET_TO_COMPANY, TICKET_TO_DEAL = 26, 28

Properties = dict[str, str]
New = tuple[Properties, list[dict[str, Any]]]


def _folded(name: str) -> str:
    """A product name up to case, spaces and punctuation."""
    return "".join(c for c in name.lower() if c.isalnum())


BY_NAME = {_folded(name): sku for sku, (name, _) in PRODUCTS.items()}


def _sku_of(line: str) -> str | None:
    """The product a line means by id, SKU or name; None where only a person can tell."""
    text = line.rpartition(" x")[0]
    return text[1:] if text[0] in "#=" else BY_NAME.get(_folded(text))


def expected() -> dict[str, int]:
    """What a sync of the won deals must find once the question is answered with the product meant."""
    deals = [deal for deal in DEALS if deal.counts]
    named = {deal.name for deal in deals}
    skus = {(deal.name, line): _sku_of(line) for deal in deals for line in deal.lines}
    attached = [files for name, *_, files in (*NOTES, *EMAILS) if name in named]
    unknown = {(name, line.rpartition(" x")[0].lower()) for (name, line), sku in skus.items() if sku is None}
    return {
        "project": len(deals),
        "customer": len({deal.company for deal in deals}),
        "product": len({sku or MEANT for sku in skus.values()}),
        "file": sum(map(len, attached)),
        "triage": len({text for _, text in unknown}),
        "waiting": len({name for name, _ in unknown}),
    }


EXPECTED = expected()


class Account:
    """The account being filled."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call that must succeed."""
        answer = self.http.request(method, path, **options)
        answer.raise_for_status()
        return answer.json()

    def create(self, kind: str, records: Sequence[New]) -> list[str]:
        """Make records with their first links; ids come back in the order of the records."""
        inputs = [
            {"properties": properties, "associations": links, "objectWriteTraceId": str(number)}
            for number, (properties, links) in enumerate(records)
        ]
        ids: dict[str, str] = {}
        for start in range(0, len(inputs), 100):
            body = {"inputs": inputs[start : start + 100]}
            made = self.call("POST", f"/crm/objects/{API}/{kind}/batch/create", json=body)["results"]
            ids.update({record["objectWriteTraceId"]: record["id"] for record in made})
        return [ids[str(number)] for number in range(len(records))]

    def upload(self, filename: str, data: bytes) -> str:
        """Store a private file."""
        form = {"folderPath": "/deals", "options": json.dumps({"access": "PRIVATE"})}
        made = self.call("POST", f"/files/{API}/files", data=form, files={"file": (filename, data)})
        return str(made["id"])


def fill(base_url: str, token: str) -> None:
    """Load the sample data into the account that answers at `base_url`."""
    account = Account(base_url, token)
    with account.http:
        companies = _companies(account)
        products = dict(zip(PRODUCTS, account.create("products", list(_products())), strict=True))
        deals = _deals(account, companies)
        account.create("line_items", list(_lines(deals, products)))
        _activities(account, deals)
        account.create("tickets", [_ticket(t, companies, deals) for t in TICKETS])


def _companies(account: Account) -> dict[str, str]:
    names = ("name", "domain", "country", "city")
    records: list[New] = [(dict(zip(names, values, strict=False)), []) for values in COMPANIES.values()]
    return dict(zip(COMPANIES, account.create("companies", records), strict=True))


def _products() -> Iterator[New]:
    for sku, (name, price) in PRODUCTS.items():
        yield {"name": name, "price": price, "hs_sku": sku}, []


def _deals(account: Account, companies: dict[str, str]) -> dict[str, str]:
    service = _service_pipeline(account)
    owners = [o["id"] for o in account.call("GET", f"/crm/owners/{API}")["results"]]
    records: list[New] = []
    for number, deal in enumerate(DEALS):
        in_service = deal.stage in SERVICE_STAGES
        properties = {
            "dealname": deal.name,
            "pipeline": service["id"] if in_service else "default",
            "dealstage": service[deal.stage] if in_service else STAGES[deal.stage],
            "amount": f"{sum(map(_money, deal.lines), Decimal(0)):.2f}",
            "deal_currency_code": COMPANIES[deal.company][4],
            "closedate": f"{deal.closed}T12:00:00Z",
        }
        owner = {"hubspot_owner_id": owners[number % len(owners)]} if owners else {}
        records.append(({**properties, **owner}, _company_links(deal, companies)))
    return dict(zip((deal.name for deal in DEALS), account.create("deals", records), strict=True))


def _company_links(deal: Deal, companies: dict[str, str]) -> list[dict[str, Any]]:
    second = [_link(companies[deal.second_company], TO_SECOND_COMPANY)] if deal.second_company else []
    return [*second, _link(companies[deal.company], TO_COMPANY)]


def _service_pipeline(account: Account) -> dict[str, str]:
    """The id of the second pipeline and of its stages; made when the account has none of its name."""
    path = f"/crm/pipelines/{API}/deals"
    found = [p for p in account.call("GET", path)["results"] if p["label"] == SERVICE_PIPELINE]
    stages = [
        {"label": label, "displayOrder": order, "metadata": {"probability": probability}}
        for order, (label, probability) in enumerate(SERVICE_STAGES.values())
    ]
    body = {"label": SERVICE_PIPELINE, "displayOrder": 1, "stages": stages}
    pipeline = found[0] if found else account.call("POST", path, json=body)
    ids = {stage["label"]: stage["id"] for stage in pipeline["stages"]}
    return {"id": pipeline["id"], **{key: ids[label] for key, (label, _) in SERVICE_STAGES.items()}}


def _money(line: str) -> Decimal:
    return Decimal(PRODUCTS[_sku_of(line) or MEANT][1]) * int(line.rpartition(" x")[2])


def _lines(deals: dict[str, str], products: dict[str, str]) -> Iterator[New]:
    for deal in DEALS:
        for line in deal.lines:
            yield _line(line, products, COMPANIES[deal.company][4]), [_link(deals[deal.name], LINE_TO_DEAL)]


def _line(line: str, products: dict[str, str], currency: str) -> Properties:
    text, _, quantity = line.rpartition(" x")
    name, price = PRODUCTS[_sku_of(line) or MEANT]
    properties = {"quantity": quantity, "price": price, "hs_line_item_currency_code": currency}
    if text.startswith("#"):
        return {**properties, "name": name, "hs_product_id": products[text[1:]]}
    if text.startswith("="):
        return {**properties, "name": name, "hs_sku": text[1:]}
    return {**properties, "name": text}


def _activities(account: Account, deals: dict[str, str]) -> None:
    notes, emails = [], []
    for name, body, files in NOTES:
        properties = {"hs_note_body": body, **_attached(account, files)}
        notes.append((properties, [_link(deals[name], NOTE_TO_DEAL)]))
    for name, subject, text, files in EMAILS:
        properties = {
            "hs_email_subject": subject,
            "hs_email_text": text,
            "hs_email_direction": "INCOMING_EMAIL",
        }
        emails.append(({**properties, **_attached(account, files)}, [_link(deals[name], EMAIL_TO_DEAL)]))
    account.create("notes", notes)
    account.create("emails", emails)


def _attached(account: Account, files: Sequence[str]) -> Properties:
    ids = [account.upload(name, content(name)) for name in files]
    return {"hs_timestamp": "2026-03-01T09:00:00Z", **({"hs_attachment_ids": ";".join(ids)} if ids else {})}


def _ticket(ticket: tuple[str, str, str, str], companies: dict[str, str], deals: dict[str, str]) -> New:
    subject, company, deal, priority = ticket
    properties = {
        "subject": subject,
        "hs_pipeline": "0",
        "hs_pipeline_stage": "1",
        "hs_ticket_priority": priority,
    }
    return properties, [_link(companies[company], TICKET_TO_COMPANY), _link(deals[deal], TICKET_TO_DEAL)]


def _link(to: str, type_id: int) -> dict[str, Any]:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    return {"to": {"id": to}, "types": [spec]}
