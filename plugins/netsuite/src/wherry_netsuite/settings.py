"""What an operator sets of a NetSuite connection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from wherry.money import DECIMALS
from wherry.settings import ClientAuth, ConnectionSettings, TablePath, TokenAuth
from wherry.settings.mistakes import wrong

HOSTS = ("*.suitetalk.api.netsuite.com",)


def _account(value: str) -> str:
    told = value.strip().upper().replace("-", "_")
    if not told or not told.replace("_", "").isalnum() or not told.isascii():
        raise wrong("is no account id", "write it as Setup > Company > Company Information shows it: 1234567_SB1")
    return told


def _id(value: str | None) -> str | None:
    if value and not value.isdecimal():
        raise wrong("is no internal id", 'write the digits that the list in NetSuite shows, in quotes: "1"')
    return value


def _currencies(value: dict[str, str]) -> dict[str, str]:
    if not value:
        raise wrong("names no currency", 'write the base currency first: currencies = { USD = "1" }')
    for code, number in value.items():
        if code not in DECIMALS:
            raise wrong(f"names {code}, which is no ISO 4217 code", 'write { USD = "1" }')
        _id(number)
    return value


InternalId = Annotated[str, AfterValidator(_id)]


class CertificateAuth(ClientAuth):
    """Sign-in by a certificate (OAuth 2.0 client credentials, which Oracle calls M2M)."""

    certificate: str = Field(min_length=1, description="The certificate id of the mapping in NetSuite.")


class NetSuiteSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "netsuite"``."""

    account: Annotated[str, AfterValidator(_account)] = Field(description="The account's id, such as 1234567_SB1.")
    auth: Annotated[CertificateAuth | TokenAuth, Field(discriminator="kind")] = Field(
        description="A certificate (kind = client; client_secret is its private key); a token for short tests only."
    )
    currencies: Annotated[dict[str, str], AfterValidator(_currencies)] = Field(
        description='ISO code → internal id, the base currency first: { USD = "1", EUR = "4" }; "" sends none.'
    )
    subsidiary: InternalId | None = Field(
        None, description="The internal id of the subsidiary to write for; left out where the account has none."
    )
    numbers: Literal["wherry", "netsuite"] = Field(
        "wherry", description="Who numbers documents; NetSuite takes ours only with Allow Override."
    )
    customer_ids: Literal["netsuite", "name", "number"] = Field(
        "netsuite", description="What a new customer's ID is: NetSuite's own number, our name, or our number."
    )
    income_account: str | None = Field(
        None, description="What new items sell to: an income account's number or name; left out, the first one."
    )
    tax_schedule: InternalId | None = Field(None, description="The internal id of the tax schedule of new items.")
    tax_table: TablePath = Field(
        "tables/netsuite-tax.csv", description="The table from tax rates (rate, in percent) to tax codes' ids (code)."
    )
    approved: bool | None = Field(
        None, description="Whether journal entries go as approved; left out, NetSuite's own routing decides."
    )
    accounting_book: InternalId = Field(
        "1", description="The accounting book that balances are read of; empty where the account keeps one alone."
    )
    width: int = Field(4, ge=1, le=20, description="Calls that may be on their way at once.")
    settle: int = Field(
        900, ge=0, le=7200, description="Seconds after which a call without an answer is looked up; NetSuite takes 900."
    )
    resend_for: int = Field(
        3600, ge=0, le=86_400, description="Seconds for which a call without an answer is sent again; 0: never."
    )

    @property
    def url(self) -> str:
        """The address to call: the account's own, unless the operator set another."""
        host = self.account.lower().replace("_", "-")
        return self.base_url or f"https://{host}.suitetalk.api.netsuite.com"

    @property
    def home(self) -> str:
        """The base currency."""
        return next(iter(self.currencies))
