"""How a record kind is read: from which object type, with which properties and filters, and how a head becomes a
record. Most kinds are an object type as it stands; tickets may be cut by pipeline, locations are translated.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from wherry.decoding import decoder
from wherry.records import Record

from .client import MODIFIED, Filter
from .locations import filters_of, location_of, properties_of, type_of
from .metadata import Metadata
from .objects import TYPES, Head, properties_for, record_of
from .settings import HubSpotSettings, Location

PIPELINE = "hs_pipeline"


class View:
    """A kind that is an object type as it stands."""

    def __init__(self, kind: str) -> None:
        self.kind, self.type_name = kind, TYPES[kind]
        self.filters: list[Filter] = []

    def properties(self, fields: Iterable[str]) -> tuple[str, ...]:
        """What to ask of HubSpot for these fields of the map."""
        return properties_for(self.kind, fields)

    def record(self, head: Head) -> Record | None:
        """The record; None for one that this view leaves out."""
        return record_of(self.kind, head)


class _Piped(Struct):
    hs_pipeline: str | None = None


class TicketView(View):
    """Tickets of one pipeline."""

    def __init__(self, pipeline: str) -> None:
        super().__init__("ticket")
        self._pipeline = pipeline
        self.filters = [{"propertyName": PIPELINE, "operator": "EQ", "value": pipeline}]

    def properties(self, fields: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().properties(fields), PIPELINE)))

    def record(self, head: Head) -> Record | None:
        own = decoder(_Piped).decode(head.properties).hs_pipeline == self._pipeline
        return super().record(head) if own else None


class LocationView(View):
    """Sites, under the names of our own fields."""

    def __init__(self, location: Location, metadata: Metadata) -> None:
        self.kind, self.type_name = "location", type_of(location)
        self._properties = properties_of(location, metadata.of_type(self.type_name, "").fields)
        self.filters = filters_of(location, self._properties)

    def properties(self, fields: Iterable[str]) -> tuple[str, ...]:
        return (*dict.fromkeys(self._properties.values()), MODIFIED)

    def record(self, head: Head) -> Record | None:
        return location_of(head, self._properties)


def view_of(kind: str, settings: HubSpotSettings, metadata: Metadata) -> View:
    """The view of a kind. Raises ConfigError when the configured location cannot be found in the account."""
    if kind == "location" and settings.location is not None:
        return LocationView(settings.location, metadata)
    if kind == "ticket" and settings.ticket_pipeline is not None:
        return TicketView(settings.ticket_pipeline)
    return View(kind)
