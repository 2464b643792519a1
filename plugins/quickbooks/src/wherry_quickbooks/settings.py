"""What an operator sets of a QuickBooks Online connection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from wherry.settings import Auth, ConnectionSettings, SecretRef, TablePath
from wherry.settings.mistakes import wrong

VENDORS = {
    "production": "https://quickbooks.api.intuit.com",
    "sandbox": "https://sandbox-quickbooks.api.intuit.com",
}
HOSTS = (
    "quickbooks.api.intuit.com",
    "sandbox-quickbooks.api.intuit.com",
    "oauth.platform.intuit.com",
    "developer.api.intuit.com",
    "appcenter.intuit.com",
)
OLDEST = 75
"""Minor versions 1 to 74 were switched off on 2025-08-01."""
MONTHLY = 500_000
"""The reads a month of Intuit's Builder plan."""
MOST_IN_BATCH = 30
"""Intuit's page on limits recommends no more; its page on batches still says 10."""


def _realm(value: str | None) -> str | None:
    if value is not None and not value.isdecimal():
        raise wrong("is no company id", "write the digits of realmId, in quotes: they end the address after signing in")
    return value


class QuickBooksSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "quickbooks"``."""

    auth: Auth = Field(description="An app of yours (kind = oauth2); a token for short tests only, it lives an hour.")
    environment: Literal["production", "sandbox", "simulator"] = Field(
        "production", description="Intuit's own books, its test companies, or a simulator at base_url."
    )
    realm: Annotated[str | None, AfterValidator(_realm)] = Field(
        None, description="The company's id; left out, the one that the sign-in came back with."
    )
    minor_version: int = Field(
        OLDEST, ge=OLDEST, le=999, description="The minor version of the API to ask for; 75 is the oldest that is left."
    )

    batch: int = Field(
        10, ge=1, le=MOST_IN_BATCH, description="Documents in one call; 1 sends each in a call of its own."
    )
    width: int = Field(4, ge=1, le=10, description="Calls that may be on their way at once.")
    settle: int = Field(
        120,
        ge=0,
        le=3600,
        description="Seconds after which a call without an answer is looked up.",
    )
    resend_for: int = Field(
        3600, ge=0, le=86_400,
        description="Seconds for which a call without an answer is sent again under the same key; 0: never.",
    )  # fmt: skip
    income_account: str | None = Field(
        None, description="What new items sell to: an income account's name or number; left out, the company's first."
    )
    item_type: Literal["NonInventory", "Service"] = Field(
        "NonInventory", description="What products and parts become in QuickBooks; services become services."
    )
    name_taken: Literal["refuse", "suffix"] = Field(
        "refuse",
        description="When another customer, vendor or item has the name: hold the record, or write it with a suffix.",
    )
    tax_table: TablePath = Field(
        "tables/tax.csv", description="The table that maps tax rates (rate, in percent) to QuickBooks tax codes (code)."
    )
    rate_table: TablePath = Field(
        "tables/rates.csv",
        description="The table of exchange rates for documents in other currencies: date, from, to, rate, source.",
    )
    metered_reads: int = Field(
        MONTHLY, ge=1, description="The reads a month of your app's plan at Intuit; status warns from 70 % of them."
    )
    webhook_token: SecretRef | None = Field(
        None, description="The verifier token of your app's webhooks; without it no notification is taken."
    )
    old_webhook_token: SecretRef | None = Field(
        None, description="The verifier token before, while it is being replaced."
    )

    @model_validator(mode="after")
    def _addressed(self) -> QuickBooksSettings:
        if self.environment == "simulator" and not self.base_url:
            raise wrong(
                "needs a base_url; a variable in it that is not set leaves it empty",
                'write base_url = "http://127.0.0.1:8701", where the simulator listens, or set its variable in .env',
            )
        return self

    @property
    def url(self) -> str:
        """The address to call: the vendor's own, unless the operator set another."""
        return self.base_url or VENDORS[self.environment]
