"""What an operator sets of a Sage Intacct connection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from wherry.settings import ConnectionSettings, SecretRef, TablePath
from wherry.settings.values import Currency

HOSTS = ("*.intacct.com",)
MOST_IN_CALL = 100
"""Functions of one request."""
AR = "ar"
"""What stands for a document of Accounts Receivable, where else the name of a transaction definition stands."""


class IntacctSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "intacct"``."""

    company: str = Field(min_length=1, description="The company ID, as it is typed on Sage Intacct's sign-in page.")
    sender: str = Field(min_length=1, description="The sender ID of the Web Services developer licence.")
    sender_password: SecretRef = Field(description="The sender's password; a reference, never the value itself.")
    user: str = Field(min_length=1, description="The Web Services user of the company.")
    password: SecretRef = Field(description="The user's password; a reference, never the value itself.")
    currency: Currency = Field(description="The base currency of the company, or of the entity.")
    currencies: tuple[Currency, ...] = Field(
        (), description="Others that the company has: then each document says which it is in."
    )
    entity: str | None = Field(
        None, description="The location ID of the entity to write for; left out, the company's top level."
    )
    location: str | None = Field(
        None, description="The location ID of lines that name none; a company of several entities wants one."
    )
    invoices: str = Field(
        AR, min_length=1,
        description='What invoices become: "ar" (Accounts Receivable), or the name of an Order Entry definition.',
    )  # fmt: skip
    orders: str = Field(
        "Sales Order", min_length=1, description="The Order Entry definition that sales orders are written as."
    )
    credits: str = Field(
        AR, min_length=1,
        description='What credit memos become: "ar" (an adjustment), or the name of an Order Entry definition.',
    )  # fmt: skip
    journal: str = Field("GJ", min_length=1, description="The symbol of the journal that entries go to.")
    status: Literal["posted", "draft"] = Field(
        "posted", description="Whether what is written is posted at once, or waits in Sage Intacct as a draft."
    )
    sales_account: str | None = Field(
        None, description="The income account of AR lines: its number or title; left out, the first one."
    )
    item_type: str = Field("Non-Inventory", min_length=1, description="The type of new items.")
    unit: str = Field("Each", min_length=1, description="The unit of measure of Order Entry lines.")
    customer_ids: Literal["wherry", "intacct"] = Field(
        "wherry", description="Who numbers new customers; intacct where document sequencing does."
    )
    term: str | None = Field(
        None,
        examples=["Net 30"],
        description="The payment term of documents that have no due date, as it is called there; else they are held.",
    )
    tax_table: TablePath = Field(
        "tables/intacct-tax.csv", description="The table from tax rates (rate, in percent) to tax details (detail)."
    )
    tax_subtotal: str | None = Field(
        None, description="The subtotal of Order Entry documents that their tax goes to, such as Sales Tax."
    )
    rate_type: str = Field(
        "Intacct Daily Rate", min_length=1, description="The exchange rate type of documents that bring no rate."
    )
    batch: int = Field(10, ge=1, le=MOST_IN_CALL, description="Records in one request; 1 sends each by itself.")
    settle: int = Field(900, ge=0, le=7200, description="Seconds after which a call without an answer is looked up.")

    @property
    def url(self) -> str:
        """The address to call: the gateway's own, unless the operator set another."""
        return self.base_url or "https://api.intacct.com"
