"""What an operator sets of a QuickBooks Desktop connection."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from wherry.settings import TablePath


class QbwcSettings(BaseModel):
    """``[connections.NAME]`` with ``plugin = "qbwc"``. Who may come, and from where: ``wherry qbwc setup``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    company_file: str = Field(
        "",
        description="The company file's path on the Windows computer; left out, whichever is open there. A file "
        "that is opened from another path than before is held until it is named here, or wherry qbwc moved was said.",
    )
    currency: str = Field(
        "", pattern=r"^([A-Z]{3})?$",
        description="The own currency of a company file that keeps one only, which QuickBooks does not tell; documents "
        "in another are held.",
    )  # fmt: skip
    tax_table: TablePath = Field(
        "tables/tax.csv",
        description="The table that maps tax rates (rate, in percent) to QuickBooks' sales tax items (code); outside "
        "the United States to its sales tax codes.",
    )
    income_account: str = Field(
        "", description="What new items sell to: an income account's number or name; left out, the company's first."
    )
    item_type: Literal["NonInventory", "Service"] = Field(
        "NonInventory", description="What products and parts become in QuickBooks; services become services."
    )
    name_taken: Literal["refuse", "suffix"] = Field(
        "refuse",
        description="When another customer, vendor or item has the name: hold the record, or write it with a suffix.",
    )
    lists_every: int = Field(
        4 * 3600, ge=0, le=7 * 86_400,
        description="Seconds after which customers, items and accounts are read anew, at the next session: of the "
        "first two what changed, once a day all. For a day after something was refused that they lack: at each.",
    )  # fmt: skip
    settle: int = Field(60, ge=0, le=3600, description="Seconds after which a lost request is looked up.")
    resend_for: int = Field(
        86_400, ge=0, le=7 * 86_400,
        description="Seconds for which a lost request is sent again under its message-set id, so that QuickBooks gives "
        "the answer that it kept; 0: it is looked up only.",
    )  # fmt: skip
