"""What an operator sets of a Xero connection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from wherry.settings import ClientAuth, ConnectionSettings, OAuth2Auth, TablePath, TokenAuth
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address

HOSTS = ("api.xero.com", "identity.xero.com", "login.xero.com")
MOST_IN_CALL = 50
"""Elements of one call, as Xero advises."""


def _link(value: str) -> str:
    told = address(value)
    if told is None or len(told) > 200 or set(told) & {'"', "\\"}:
        raise wrong("is no link", 'write a web address, such as "https://platform.example.com/documents"')
    return told


class XeroSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "xero"``."""

    auth: Annotated[OAuth2Auth | ClientAuth | TokenAuth, Field(discriminator="kind")] = Field(
        description="An app of yours (kind = oauth2), a custom connection (kind = client); a token for tests only."
    )
    tenant: str | None = Field(
        None, description="The tenant id of the organisation; left out, the only one that the sign-in reaches."
    )
    status: Literal["approved", "draft"] = Field(
        "approved", description="Whether what is written is booked at once, or waits in Xero as a draft."
    )
    sales_account: str | None = Field(
        None, description="What new items sell to, and lines without an item are booked to: the code of a revenue "
        "account; left out, the first one.",
    )  # fmt: skip
    tax_table: TablePath = Field(
        "tables/xero-tax.csv", description="The table from tax rates (rate, in percent) to tax types of Xero (type)."
    )
    tracking: dict[str, str] = Field(
        default_factory=dict,
        description='What a line says → a tracking category: { class = "Region" }; else the one of the same name.',
    )
    link: Annotated[str, AfterValidator(_link)] = Field(
        "https://wherry.invalid", description="What the link of invoices and journals begins with; the key follows it."
    )
    batch: int = Field(10, ge=1, le=MOST_IN_CALL, description="New documents in one call; 1 sends each by itself.")
    width: int = Field(4, ge=1, le=5, description="Calls that may be on their way at once; Xero takes five.")
    settle: int = Field(120, ge=0, le=7200, description="Seconds after which a call without an answer is looked up.")
    resend_for: int = Field(
        300, ge=0, le=36_000,
        description="Seconds for which a call without an answer is sent again under the same key; 0: never.",
    )  # fmt: skip

    @property
    def url(self) -> str:
        """The address to call: Xero's own, unless the operator set another."""
        return self.base_url or "https://api.xero.com"
