"""What an operator sets of a connection to Acme Warehouse."""

from __future__ import annotations

from pydantic import Field
from wherry.settings import Auth, ConnectionSettings

VENDOR = "https://api.acme-warehouse.example"


class AcmeSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "acme-warehouse"``."""

    auth: Auth = Field(description="The account's key, as kind = token.")

    @property
    def url(self) -> str:
        """The address to call: the vendor's own, unless the operator set another."""
        return self.base_url or VENDOR
