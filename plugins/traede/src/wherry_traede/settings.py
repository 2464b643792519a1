"""What an operator sets of a Traede connection."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from wherry.settings import ConnectionSettings, SecretRef, TokenAuth
from wherry.settings.mistakes import wrong

VENDOR = "https://api.traede.com"
HOSTS = ("api.traede.com",)
MOST, USUAL = 60, 20
"""The largest ``limit`` of a page, and the one where none is asked for (Traede's page on pagination)."""


def _readable(secret: SecretRef) -> SecretRef:
    if secret.way == "stored":
        raise wrong(
            "cannot be kept in the store: only the sign-in itself can", 'write { env = "NAME" } or { file = "path" }'
        )
    return secret


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment


class TraedeSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "traede"``."""

    auth: TokenAuth = Field(description="The access token; every call is recorded as the user who made it.")
    app_key: Annotated[SecretRef, AfterValidator(_readable)] = Field(
        description="The key of your API app, sent as X-Traede-App-Key; a reference, never the value itself."
    )
    system_id: str = Field(
        min_length=1, max_length=100, pattern=r"^\S(?:.*\S)?$",
        description="The name under which Traede keeps what was exported; nobody else may export under it.",
    )  # fmt: skip
    since_parameter: Literal["not_exported_since", "not_export_since"] = Field(
        "not_exported_since", description="How this Traede spells the parameter that brings back exported entries."
    )
    reexport_since: Annotated[dt.datetime | None, AfterValidator(_utc)] = Field(
        None, description="Brings back entries that were exported since then, UTC; none of them where left out."
    )
    page_size: int = Field(MOST, ge=10, le=MOST, description="Entries asked for in one call; Traede gives 60 at most.")
    company: str = Field(
        "", description="Whose Traede this is; needed where a project has several, since Traede does not tell."
    )

    @property
    def url(self) -> str:
        """The address to call: the vendor's own, unless the operator set another."""
        return self.base_url or VENDOR

    @property
    def account(self) -> str:
        """What the account is known by: the company's name, else the host."""
        return self.company or urlsplit(self.url).hostname or self.url
