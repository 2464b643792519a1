"""``wherry simulate salesforce --set NAME=VALUE``: how the stand-in's org is to be, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from wherry.errors import ConfigError
from wherry.money import DECIMALS

from . import App, SalesforceSimulator

_KNOWN = (
    "deals",
    "currency",
    "multicurrency",
    "record_types",
    "person_accounts",
    "limit",
    "client_id",
    "client_secret",
)
_PRODUCTS = (("GTX Pro", "GTX-PRO", "527.05"), ("Ballast", "BAL-1", "12.5"), ("Assembly", "ASM-H", "95"))
_STAGES = ("Closed Won", "Prospecting", "Closed Won", "Closed Lost")
_BEYOND = ("EUR", "GBP", "JPY")


def simulator(options: Mapping[str, str]) -> SalesforceSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    if unknown := [name for name in options if name not in _KNOWN]:
        raise ConfigError(f"the stand-in of Salesforce has no option {unknown[0]!r}",
                          fix=f"options: {', '.join(_KNOWN)}", code="WHERRY-2763")  # fmt: skip
    currency = _choice(options, "currency", "USD", tuple(DECIMALS))
    several = _choice(options, "multicurrency", "no", ("yes", "no")) == "yes"
    made = SalesforceSimulator(
        currencies=(currency, *(code for code in _BEYOND if several and code != currency)),
        record_types=tuple(name for name in options.get("record_types", "").split(",") if name),
        person_accounts=_choice(options, "person_accounts", "no", ("yes", "no")) == "yes",
        limit=_number(options, "limit", 15_000),
        app=_app(options),
        tokens=(),
    )
    fill(made, _number(options, "deals", 12))
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


def _app(options: Mapping[str, str]) -> App:
    usual = App()
    return App(options.get("client_id", usual.client_id), options.get("client_secret", usual.client_secret))


def _number(options: Mapping[str, str], name: str, usual: int) -> int:
    said = options.get(name, str(usual))
    if said.isascii() and said.isdigit() and len(said) <= 6:
        return int(said)
    raise _wrong(name, said, "a whole number below 1,000,000")


def _choice(options: Mapping[str, str], name: str, usual: str, known: tuple[str, ...]) -> str:
    said = options.get(name, usual)
    if said in known:
        return said
    raise _wrong(name, said, "an ISO 4217 code" if name == "currency" else ", ".join(known))


def _wrong(name: str, said: str, allowed: str) -> ConfigError:
    return ConfigError(f"{said!r} is no {name} of the stand-in", fix=f"write {allowed}", code="WHERRY-2764")
