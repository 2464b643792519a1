"""The default maps: what a deal, a product, a company, a ticket and a site become."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from wherry.crm import MATCH
from wherry.mapping import build
from wherry.records import Record
from wherry.roles import Description, Pipeline, Stage
from wherry_hubspot.mapping import MAPS, product_type
from wherry_hubspot.plugin import wherry_manifest, wherry_transforms

DEALS = Description(
    pipelines=(
        Pipeline("default", "Sales", (Stage("closedwon", "Won", "1", True), Stage("open", "Open", "0.4", False))),
    )
)


def mapper(kind: str) -> Any:
    """The default map of a kind, made ready as for a flow that says nothing of its own."""
    pipelines = (SimpleNamespace(id="default", stages=("won",), map=None, active=True),) if kind == "deal" else ()
    flow = SimpleNamespace(
        name="won-deals", kinds=(kind,), pipelines=pipelines, filter=None, changed_since=None, map={}, files=True,
        document=None, when=None,
    )  # fmt: skip
    return build(
        flow,
        kind,
        MAPS[kind],
        transforms=wherry_transforms(),
        description={"deal": DEALS},
        currency="USD",
        timezone="America/Chicago",
    )


def deal(**fields: Any) -> Record:
    """A won deal as the source gives it."""
    given = {"pipeline": "default", "dealstage": "closedwon", "dealname": "Big one", "amount": "1054.00"}
    return Record(kind="deal", id="71", version="v", decoded={**given, **fields})


def drafts_of(record: Record) -> dict[str, Any]:
    """Entity → draft; several of one entity as a list."""
    found: dict[str, Any] = {}
    for draft in mapper(record.kind).map(record):
        found.setdefault(draft.entity, []).append(draft)
    return {entity: drafts[0] if len(drafts) == 1 else drafts for entity, drafts in found.items()}


def test_a_won_deal_becomes_customer_products_project_and_files():
    """b_001_06, b_001_07, b_001_08, b_001_31, b_001_32, b_001_34, b_001_55"""
    record = deal(deal_currency_code="EUR", closedate="2026-03-02T03:00:00Z")
    line = {"name": "GTX Pro", "quantity": "2", "price": "527", "amount": "1054", "hs_sku": "GTX-PRO"}
    record.relatives = {
        "company": [Record(kind="company", id="9", version="v", decoded={"name": "Acme", "zip": "04109"})],
        "line_item": [Record(kind="line_item", id="5", version="v", decoded=line)],
        "owner": [Record(kind="owner", id="1", version="v", decoded={"name": "Ann Lee"})],
        "file": [
            Record(
                kind="file",
                id="88",
                version="v",
                decoded={
                    "name": "a.pdf",
                    "media_type": "application/pdf",
                    "size": 3,
                    "activity": "note",
                    "activity_id": "4",
                },
            )
        ],
    }
    found = drafts_of(record)
    assert found["customer"].key == "id:9"
    assert found["customer"].body == {"name": "Acme", "postal_code": "04109"}
    assert (found["product"].key, found["product"].body) == ("sku:gtx-pro", {"name": "GTX Pro", "sku": "GTX-PRO"})
    project = found["project"]
    assert project.root
    assert project.body["amount"] == {"minor": 105400, "currency": "EUR"}
    assert project.body["close_date"] == "2026-03-01"
    assert project.body["customer"] == {"entity": "customer", "key": "id:9"}
    assert project.body["owner"] == "Ann Lee"
    (mapped,) = project.body["lines"]
    assert mapped["product"] == {"entity": "product", "key": "sku:gtx-pro"}
    assert (mapped["quantity"], mapped["price"], mapped["amount"]) == ("2", "527", {"minor": 105400, "currency": "EUR"})
    assert (found["file"].key, found["file"].file) == ("id:88/71", "88")
    assert found["file"].body["activity"] == "note 4"
    assert found["file"].body["project"] == {"entity": "project", "key": "id:71"}


def test_a_deal_without_relatives_is_still_a_project():
    """No company, no lines, no files."""
    found = drafts_of(deal(company_problem="2 companies are marked as primary: 1, 2"))
    assert set(found) == {"project"}
    assert "customer" not in found["project"].body
    assert found["project"].body["custom"] == {"company_problem": "2 companies are marked as primary: 1, 2"}


def test_a_deal_without_a_company_problem_has_no_custom_field():
    """Nothing to tell."""
    assert "custom" not in drafts_of(deal())["project"].body


def test_money_of_a_line_that_hubspot_calculated_is_rounded_and_counted():
    """Three for ten is 3.3333… each; the residue is kept."""
    record = deal()
    line = {"name": "A", "quantity": "1", "price": "3.3333", "amount": "3.3333"}
    record.relatives = {"line_item": [Record(kind="line_item", id="5", version="v", decoded=line)]}
    ready = mapper("deal")
    project = ready.map(record)[-1]
    assert project.body["lines"][0]["amount"] == {"minor": 333, "currency": "USD"}
    assert project.body["lines"][0]["price"] == "3.3333"
    assert str(ready.residue["USD"]) == "0.0033"


def test_only_won_deals_pass_the_default_gate():
    """b_001_36: by metadata, not by label."""
    answers = mapper("deal").triggers([deal(), deal(dealstage="open")])
    assert answers[0] is None
    assert answers[1] is not None


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("inventory", "product"),
        ("non_inventory", "part"),
        ("service", "service"),
        (None, "product"),
        ("new", "product"),
    ],
)
def test_a_products_type_follows_hubspots(said, ours):
    """Products, parts and services."""
    record = Record(kind="product", id="3", version="v", decoded={"name": "A", "hs_product_type": said, "price": "1.5"})
    body = drafts_of(record)["product"].body
    assert (body.get("type", "product"), body["price"]) == (ours, "1.5")
    assert product_type(said) == ours


def test_a_ticket_keeps_its_company_and_its_deal():
    """b_001_10"""
    record = Record(
        kind="ticket", id="4", version="v", decoded={"subject": "Broken", "createdate": "2026-03-02T12:00:00Z"}
    )
    record.relatives = {
        "company": [Record(kind="company", id="9", version="v", decoded={"name": "Acme"})],
        "deal": [Record(kind="deal", id="71", version="")],
    }
    body = drafts_of(record)["ticket"].body
    assert body["customer"] == {"entity": "customer", "key": "id:9"}
    assert (body["opened"], body["custom"]) == ("2026-03-02", {"deal_id": "71"})


def test_a_site_becomes_a_location():
    """b_001_09"""
    record = Record(kind="location", id="6", version="v", decoded={"name": "Pier 4", "gl_number": "4100"})
    found = drafts_of(record)
    assert found["location"].body == {"name": "Pier 4", "gl_number": "4100"}


@pytest.mark.parametrize("kind", MAPS)
def test_every_default_map_can_be_made_ready(kind):
    """And asks the account for nothing but what every account has."""
    from wherry_hubspot.objects import STANDARD

    for relative, fields in mapper(kind).fields.items():
        assert set(fields) <= STANDARD.get(relative, set(fields)), relative


def test_a_crm_creates_what_nothing_matches():
    """b_001_33, b_001_75"""
    manifest = wherry_manifest()
    assert manifest.match["product"]["order"] == ["link", "sku", "name"]
    assert {rule["unmatched"] for rule in MATCH.values()} == {"create"}
    assert set(manifest.maps) <= set(manifest.kinds)
