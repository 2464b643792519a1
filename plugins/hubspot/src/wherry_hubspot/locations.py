"""Sites: records of a custom object, or groups of properties on deals, as kind ``location`` with plain field names."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from wherry.errors import ConfigError
from wherry.records import Record
from wherry.roles import FieldInfo
from wherry.settings.sites import LOCATION_FIELDS

from .client import Filter
from .objects import Head
from .settings import Location

ALSO = {
    "street": ("street", "address"),
    "region": ("region", "state", "province"),
    "postal_code": ("postal_code", "zip", "postcode"),
    "city": ("city", "town"),
    "gl_number": ("gl_number", "gl_account", "gl"),
}
"""Words that a property's name may end in, where a location's field is called otherwise."""


def type_of(location: Location) -> str:
    """The object type that carries locations."""
    return location.object or "deals"


def properties_of(location: Location, known: Sequence[FieldInfo]) -> dict[str, str]:
    """Location field → property: as the operator said, else found by name in the object or group.

    Raises ConfigError for a property that the account does not have, and when no property holds the name.
    """
    _must_exist(location, {info.name for info in known})
    own = [info.name for info in known if location.object or info.group == location.group]
    guessed = {field: _match(field, own) for field in LOCATION_FIELDS}
    found = {field: name for field, name in {**guessed, **location.named}.items() if name}
    if "name" not in found:
        raise ConfigError(
            f"location: no property of {location.object or location.group!r} looks like a site's name",
            fix='name it: location = { …, name = "site_name" }',
            code="WHERRY-2704",
            key="location.name",
        )
    return found


def _must_exist(location: Location, names: set[str]) -> None:
    for field, name in location.named.items():
        if name not in names:
            raise ConfigError(
                f"location.{field}: HubSpot's {type_of(location)} have no property {name!r}",
                fix="use the internal name that HubSpot shows in the property's settings",
                code="WHERRY-2703",
                key=f"location.{field}",
            )


def _match(field: str, names: Sequence[str]) -> str | None:
    words = ALSO.get(field, (field,))
    exact = [name for word in words for name in names if name == word]
    ending = [name for word in words for name in names if name.endswith(f"_{word}") and not name.startswith("hs_")]
    return next(iter(exact or ending), None)


def filters_of(location: Location, properties: dict[str, str]) -> list[Filter]:
    """On deals, only those count that name a site."""
    return [] if location.object else [{"propertyName": properties["name"], "operator": "HAS_PROPERTY"}]


def location_of(head: Head, properties: dict[str, str]) -> Record | None:
    """A site as a record; None where the deal names none. Its id is that of the record that carries it."""
    sent = msgspec.json.decode(head.properties)
    fields = {field: sent.get(name) for field, name in properties.items()}
    if not fields["name"]:
        return None
    return Record(kind="location", id=head.id, version=head.stamp, payload=msgspec.json.encode(fields), decoded=fields)
