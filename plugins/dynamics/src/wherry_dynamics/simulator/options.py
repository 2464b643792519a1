"""``wherry simulate dynamics --set NAME=VALUE``: how the stand-in's environment is to be, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import Field
from wherry.money import DECIMALS
from wherry.settings.values import Currency
from wherry.simulator import Options

from . import App, DynamicsSimulator

_PRODUCTS = (("GTX Pro", "GTX-PRO", "527.05"), ("Ballast", "BAL-1", "12.5"), ("Assembly", "ASM-H", "95"))
_STATES = ((1, 3), (0, 1), (1, 3), (2, 5))
"""State and status reason, in turns."""


class DynamicsOptions(Options):
    """What may be set."""

    deals: int = Field(12, ge=0, le=999_999)
    currency: Currency = "USD"
    limit: int = Field(6_000, ge=0, le=9_999_999)
    tenant: str = "sim-tenant"
    client_id: str = "sim-client"
    client_secret: str = "sim-secret"


def simulator(options: Mapping[str, str]) -> DynamicsSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    said = DynamicsOptions.of(options)
    app = App(said.client_id, said.client_secret, said.tenant)
    made = DynamicsSimulator(currencies=(said.currency,), limit=said.limit or None, tokens=(), app=app)
    fill(made, said.deals)
    return made


def fill(made: DynamicsSimulator, deals: int) -> list[str]:
    """So many opportunities, half of them won, with accounts, two lines each (one a write-in), and a file on the first;
    their ids."""
    unit = Decimal(1).scaleb(-DECIMALS[next(iter(made.org.currencies))])
    products = [made.add("product", name=name, productnumber=code) for name, code, _ in _PRODUCTS]
    places = {"address1_city": "Portland", "industrycode": 33}
    accounts = [made.add("account", name=f"Account {n + 1}", **places) for n in range(-(-deals // 3))]
    ids = []
    for n in range(deals):
        state, status = _STATES[n % len(_STATES)]
        deal = made.add("opportunity", name=f"Opportunity {n + 1}", customerid=accounts[n // 3],
                        estimatedclosedate="2026-03-31")  # fmt: skip
        for place in range(2):
            product = (n + place) % len(products)
            more = {"productid": products[product]} if place == 0 or n else {"productdescription": "Survey"}
            made.add("opportunityproduct", opportunityid=deal, quantity=Decimal(place + 1), lineitemnumber=place + 1,
                     priceperunit=Decimal(_PRODUCTS[product][2]).quantize(unit), **more)  # fmt: skip
        worth = made.org.rows["opportunity"][deal]["totalamount"]
        closed = {"actualvalue": worth, "actualclosedate": "2026-03-02"} if state else {}
        made.change("opportunity", deal, statecode=state, statuscode=status, **closed)
        ids.append(deal)
    if ids:
        made.add("annotation", subject="Plan", filename="plan.txt", mimetype="text/plain", objectid=ids[0],
                 documentbody="YSBwbGFuCg==")  # fmt: skip
    return ids
