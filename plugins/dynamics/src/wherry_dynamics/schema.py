"""What an environment has: tables, their columns, and the status reasons of opportunities. Kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from wherry.errors import ConfigError
from wherry.roles import Cache, Description, FieldInfo, Pipeline, Stage
from wherry.settings.mistakes import nearest
from wherry.settings.sites import LOCATION_FIELDS

from .client import Client, Option, Table
from .errors import missing_table
from .files import FILE_FIELDS
from .objects import LABELLED, LOOKUPS, ONE, OWN, TABLES, View
from .settings import DynamicsSettings

HOUR = 3_600.0
WON, OPEN = 1, 0
_NO_COLUMN = frozenset(
    {
        "VirtualType",
        "PartyListType",
        "CalendarRulesType",
        "ManagedPropertyType",
        "ImageType",
        "FileType",
        "EntityNameType",
    }
)
"""Types of what cannot be selected, or holds nothing that a map could use."""
_UNSAID = frozenset({"modifiedon", "versionnumber"})
"""What every change moves is no field: an unchanged record would look changed."""


class Told(Struct):
    """A table as it was described, and the status reasons of opportunities."""

    set: str
    id: str
    name: str
    columns: list[FieldInfo]
    stages: list[Stage] = []


class Schema:
    """Descriptions by kind."""

    def __init__(self, client: Client, cache: Cache, key: str, settings: DynamicsSettings) -> None:
        self._client, self._cache, self._key, self._location = client, cache, key, settings.location
        self._lock = threading.Lock()
        self._held: dict[str, Told] = {}
        self._looked = set[str]()
        """Kinds that this run had described anew."""

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Fields of a kind, and the pipeline of deals; ``fresh`` asks Dataverse whatever is kept."""
        if kind == "file":
            return Description(tuple(FieldInfo(name, name.replace("_", " ")) for name in FILE_FIELDS))
        told = self._told(kind, fresh)
        own = [FieldInfo(name, label, "text", "wherry") for name, label in OWN.get(kind, {}).items()]
        if kind == "location":
            fields = [FieldInfo(name, name.replace("_", " ")) for name in LOCATION_FIELDS]
        else:
            fields = [*told.columns, *_labels(told.columns)]
        pipelines = (Pipeline(ONE, "all opportunities", tuple(told.stages)),) if kind == "deal" else ()
        return Description((*fields, *own), pipelines)

    def view(self, kind: str) -> View:
        """How a kind is asked for. Raises ConfigError for a table that there is not."""
        told = self._told(kind, False)
        types = {column.name: column.type for column in told.columns} | {"modifiedon": "DateTimeType"}
        location = self._location if kind == "location" else None
        located = {"name": told.name, **location.named} if location else {}
        account = (location.account or "") if location else ""
        self._must_have(kind, filter(None, [*located.values(), account]), types)
        return View(kind, told.set, told.id, types, located, account)

    def must_know(self, kind: str, fields: Iterable[str]) -> None:
        """Refuse fields that the table does not have (case B17). Raises ConfigError."""
        wanted = [name for name in fields if name != "id"]
        if kind != "file":
            self.view(kind)
        known = {info.name for info in self.describe(kind).fields}
        if not known.issuperset(wanted) and kind not in self._looked:
            self._looked.add(kind)
            known = {info.name for info in self.describe(kind, fresh=True).fields}
        self._must_have(kind, wanted, known)

    def notice(self, statuses: Iterable[str]) -> None:
        """Deals show these status reasons: one that was made since the description was kept has it asked anew, once a
        run."""
        known = {stage.id for stage in self._told("deal", False).stages}
        if "deal" not in self._looked and not known.issuperset(statuses):
            self._looked.add("deal")
            self._told("deal", True)

    def _table(self, kind: str) -> str:
        return self._location.table if kind == "location" and self._location else TABLES[kind]

    def _must_have(self, kind: str, fields: Iterable[str], known: Iterable[str]) -> None:
        missing = sorted(set(fields) - set(known))
        if missing:
            near = nearest(missing[0], known)
            guess = f"did you mean {near}? " if near else ""
            raise ConfigError(
                f"{kind}.{missing[0]} is wanted, but its table in Dynamics has no such column",
                fix=f"{guess}write the column's logical name, as wherry connection discover shows it",
                code="WHERRY-2722", kind=kind, fields=missing,
            )  # fmt: skip

    def _told(self, kind: str, fresh: bool) -> Told:
        table = self._table(kind)
        with self._lock:
            if table not in self._held or fresh:
                kept = None if fresh else self._cache.get(f"{self._key}/{table}", HOUR)
                self._held[table] = msgspec.convert(kept, Told) if kept is not None else self._asked(kind, table)
            return self._held[table]

    def _asked(self, kind: str, table: str) -> Told:
        found = self._client.table(table)
        if found is None:
            raise missing_table(kind, table)
        stages = [_stage(one) for one in self._client.statuses(table)] if table == TABLES["deal"] else []
        told = Told(
            found.EntitySetName, found.PrimaryIdAttribute, found.PrimaryNameAttribute or "", _columns(found), stages
        )
        self._cache.set(f"{self._key}/{table}", msgspec.to_builtins(told))
        return told


def _columns(table: Table) -> list[FieldInfo]:
    """Those that hold something of their own, and can be selected: the label of a choice, or the table that a lookup
    leads to, comes with it."""
    made = []
    for one in table.Attributes:
        type = one.AttributeTypeName.Value if one.AttributeTypeName else ""
        selectable = one.IsValidForRead and one.IsValidODataAttribute and not one.AttributeOf
        if selectable and type not in _NO_COLUMN and one.LogicalName not in _UNSAID:
            made.append(FieldInfo(one.LogicalName, one.DisplayName.text if one.DisplayName else "", type))
    return made


def _labels(columns: list[FieldInfo]) -> list[FieldInfo]:
    """Beside a choice its label, beside a lookup the name and the table of what it leads to."""
    known = {column.name for column in columns}
    found = [FieldInfo(f"{one.name}name", f"{one.label}: label", "text") for one in columns if one.type in LABELLED]
    found += [FieldInfo(f"{one.name}type", f"{one.label}: table", "text") for one in columns if one.type in LOOKUPS]
    return [one for one in found if one.name not in known]


def _stage(option: Option) -> Stage:
    """A status reason. Won is what Dynamics counts as won, whatever it is called; closed and not won is lost."""
    closed = option.State != OPEN
    return Stage(str(option.Value), option.Label.text, "1" if option.State == WON else "0" if closed else "", closed)
