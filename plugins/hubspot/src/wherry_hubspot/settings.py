"""What an operator sets of a HubSpot connection."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from wherry.settings import Auth, ConnectionSettings
from wherry.settings.mistakes import wrong
from wherry.settings.sites import Sites
from wherry.settings.values import Seconds

VENDOR = "https://api.hubapi.com"
_API = re.compile(r"20[2-9][0-9]-(?:03|09)\Z")


def _api(value: str) -> str:
    if value != "legacy" and not _API.match(value):
        raise wrong(
            "is no version of HubSpot's API", 'write a date version such as "2026-03", or "legacy" for v3 and v4'
        )
    return value


class Location(Sites):
    """Where sites live in this HubSpot account: a custom object, or a group of properties on deals.

    Each field names the property that holds it; what is left out is looked for by its name in the object or group.
    """

    object: str | None = Field(None, min_length=1, description='The custom object: its type id "2-123" or "p_sites".')
    group: str | None = Field(None, min_length=1, description="The group of deal properties that describes a site.")
    on: Literal["deal"] = Field("deal", description="The records that carry the group.")

    @model_validator(mode="after")
    def _one(self) -> Location:
        if (self.object is None) == (self.group is None):
            raise wrong("must name either object or group", 'write object = "2-123", or group = "site_information"')
        return self


class HubSpotSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "hubspot"``."""

    auth: Auth = Field(
        description="A service key or private-app token (kind = token), or an app of yours (kind = oauth2)."
    )
    api: Annotated[str, AfterValidator(_api)] = Field(
        "2026-03", description='The version of HubSpot\'s API: a date version, or "legacy" for the v3 and v4 paths.'
    )
    index_lag: Seconds = Field(
        "60s",
        validate_default=True,
        description="How long HubSpot's search may need to show a change; reading overlaps by this much.",
    )
    limit: int = Field(
        190,
        ge=1,
        le=1000,
        description="Calls in ten seconds: 100 on Free and Starter, 190 above, 110 for marketplace apps.",
    )
    ticket_pipeline: str | None = Field(None, description="Read tickets of this pipeline id only; all where left out.")
    location: Location | None = Field(
        None, description="Where sites live: a custom object or a group of deal properties."
    )

    @property
    def url(self) -> str:
        """The address to call: the vendor's own, unless the operator set another."""
        return self.base_url or VENDOR
