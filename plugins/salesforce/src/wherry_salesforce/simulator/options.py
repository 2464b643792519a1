"""``wherry simulate salesforce --set NAME=VALUE``: how the stand-in's org is to be, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import Field
from wherry.settings.values import Currency
from wherry.simulator import Options

from . import App, SalesforceSimulator

_PRODUCTS = (("GTX Pro", "GTX-PRO", "527.05"), ("Ballast", "BAL-1", "12.5"), ("Assembly", "ASM-H", "95"))
_STAGES = ("Closed Won", "Prospecting", "Closed Won", "Closed Lost")
_BEYOND = ("EUR", "GBP", "JPY")


class SalesforceOptions(Options):
    """What may be set; switches are ``yes`` and ``no``."""

    deals: int = Field(12, ge=0, le=999_999)
    currency: Currency = "USD"
    multicurrency: bool = False
    record_types: str = ""
    person_accounts: bool = False
    limit: int = Field(15_000, ge=0, le=9_999_999)
    client_id: str = "sim-client"
    client_secret: str = "sim-secret"


def simulator(options: Mapping[str, str]) -> SalesforceSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    said = SalesforceOptions.of(options)
    made = SalesforceSimulator(
        currencies=(said.currency, *(code for code in _BEYOND if said.multicurrency and code != said.currency)),
        record_types=tuple(name for name in said.record_types.split(",") if name),
        person_accounts=said.person_accounts, limit=said.limit, tokens=(),
        app=App(said.client_id, said.client_secret),
    )  # fmt: skip
    fill(made, said.deals)
    return made


def fill(made: SalesforceSimulator, deals: int) -> list[str]:
    """So many opportunities, half of them won, with accounts, two lines each, and a file on the first; their ids."""
    products = [made.add("Product2", Name=name, ProductCode=code, IsActive=True) for name, code, _ in _PRODUCTS]
    accounts = [made.add("Account", Name=f"Account {n + 1}", BillingCity="Portland") for n in range(-(-deals // 3))]
    types = list(made.org.record_types)
    ids = []
    for n in range(deals):
        more = {"RecordTypeId": types[n % len(types)]} if types else {}
        deal = made.add("Opportunity", Name=f"Opportunity {n + 1}", AccountId=accounts[n // 3], CloseDate="2026-03-31",
                        StageName=_STAGES[n % len(_STAGES)], **more)  # fmt: skip
        for place in range(2):
            product = (n + place) % len(products)
            made.add("OpportunityLineItem", OpportunityId=deal, Product2Id=products[product], SortOrder=place + 1,
                     Quantity=Decimal(place + 1), UnitPrice=Decimal(_PRODUCTS[product][2]))  # fmt: skip
        ids.append(deal)
    if ids:
        made.add("ContentVersion", PathOnClient="plan.txt", VersionData="YSBwbGFuCg==", FirstPublishLocationId=ids[0])
    return ids
