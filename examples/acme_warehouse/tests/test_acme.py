"""What parts and shipments become, and how a renumbered part is found."""

from __future__ import annotations

import msgspec
import pytest
from acme_warehouse.mapping import ShipmentMapper
from acme_warehouse.matcher import PartMatcher
from wherry import Draft, Record, Rejected
from wherry.matching import ListingCatalogue, RuleMatcher
from wherry.records import Create, Decision, Link, Listed


def shipment(**fields: object) -> Record:
    said = {"number": "SH-1", "customer": "Acme Rail", "status": "sent", "lines": [{"part": "7", "quantity": 4}]}
    record = Record(kind="shipment", id="17", version="1", payload=msgspec.json.encode({**said, **fields}))
    record.relatives["part"] = [Record(kind="part", id="7", version="1", payload=b'{"name":"Bolt M8"}')]
    return record


def matched(number: str, former: str, *listing: Listed, linked: dict[str, list[str]] | None = None) -> Decision:
    body = {"name": "Bolt", "sku": number, "custom": {"former_number": former}}
    matcher = PartMatcher(RuleMatcher(("link", "sku"), "create"))
    return matcher.match([Draft(entity="product", key="id:1", body=body)], ListingCatalogue(listing, linked))[0]


def test_a_shipment_becomes_a_customer_and_a_ticket_that_says_what_is_in_it() -> None:
    customer, ticket = ShipmentMapper().map(shipment(sent="2026-01-05T09:00:00Z"))
    assert (customer.key, customer.body) == ("name:acmerail", {"name": "Acme Rail"})
    assert (ticket.body["subject"], ticket.body["description"]) == ("Shipment SH-1", "4 x Bolt M8")
    assert (ticket.body["opened"], ticket.root, ticket.refs) == ("2026-01-05", True, (customer.ref,))


def test_what_has_not_left_the_warehouse_is_skipped() -> None:
    [skip, passed] = ShipmentMapper().triggers([shipment(status="packing"), shipment()])
    assert skip is not None
    assert skip.reason == "not sent yet: packing"
    assert passed is None


def test_a_shipment_without_a_customer_is_rejected_by_name() -> None:
    with pytest.raises(Rejected, match="shipment 17 has no customer"):
        ShipmentMapper().map(shipment(customer=" "))


def test_a_renumbered_part_is_found_by_its_former_number() -> None:
    decision = matched("B-9", "B-8", Listed("I-1", "Bolt", "B-8"))
    assert isinstance(decision, Link)
    assert (decision.target, decision.rule) == ("I-1", "former number")


def test_the_number_of_today_goes_before_the_former_one() -> None:
    decision = matched("B-9", "B-8", Listed("I-1", "Bolt", "B-8"), Listed("I-2", "Bolt", "B-9"))
    assert isinstance(decision, Link)
    assert (decision.target, decision.rule) == ("I-2", "sku")


def test_a_product_that_is_another_part_already_is_left_alone() -> None:
    assert matched("B-9", "B-8", Listed("I-1", "Bolt", "B-8"), linked={"I-1": ["id:99"]}) == Create()
