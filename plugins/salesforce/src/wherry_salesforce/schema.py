"""What an org has: the fields that the user sees, stages and record types. Kept for an hour; one call asks for all."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from wherry.decoding import decoder
from wherry.errors import ConfigError
from wherry.roles import Cache, Description, FieldInfo, Pipeline, Stage
from wherry.rows import Row
from wherry.settings.mistakes import nearest
from wherry.settings.sites import LOCATION_FIELDS

from .client import Client, Described
from .errors import hidden
from .files import FILE_FIELDS
from .objects import NO_TYPE, OBJECTS, OPTIONAL, OWN, View
from .settings import SalesforceSettings
from .soql import select

HOUR = 3_600.0
_STAGES = select(
    ("ApiName", "MasterLabel", "IsActive", "IsClosed", "IsWon", "DefaultProbability"), "OpportunityStage", "",
    "ORDER BY SortOrder, Id",
)  # fmt: skip


class Told(Struct):
    """Object → its fields, and the pipelines of deals. An object that the user does not see is missing."""

    objects: dict[str, list[FieldInfo]]
    pipelines: list[Pipeline]


class Schema:
    """Descriptions by kind."""

    def __init__(self, client: Client, cache: Cache, key: str, settings: SalesforceSettings) -> None:
        self._client, self._cache, self._key = client, cache, key
        self._location, self._currency = settings.location, settings.currency or ""
        self._lock = threading.Lock()
        self._held: Told | None = None
        self._looked = False

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Fields of a kind, and the pipelines of deals; ``fresh`` asks Salesforce whatever is kept."""
        if kind == "file":
            return Description(tuple(FieldInfo(name, name.replace("_", " ")) for name in FILE_FIELDS))
        told = self._told(fresh)
        own = [FieldInfo(name, label, "text", "wherry") for name, label in OWN.get(kind, {}).items()]
        if kind == "location":
            if self._location is not None:
                self._seen(kind, self._location.object, told)
            fields = [FieldInfo(name, name.replace("_", " ")) for name in LOCATION_FIELDS]
        else:
            fields = list(self._seen(kind, OBJECTS[kind], told))
            known = {field.name for field in fields}
            own += [FieldInfo(name, "not in this org") for name in OPTIONAL.get(kind, ()) if name not in known]
        return Description((*fields, *own), tuple(told.pipelines) if kind == "deal" else ())

    def view(self, kind: str) -> View:
        """How a kind is asked for. Raises AccessLost for an object that the user does not see."""
        location = self._location if kind == "location" else None
        object = location.object if location else OBJECTS[kind]
        fields = self._seen(kind, object, self._told(False))
        known = frozenset(field.name for field in fields)
        if location is not None:
            self._must_have(kind, [*location.named.values(), *filter(None, [location.account])], known)
        return View(kind, object, known, location, self._currency)

    def _seen(self, kind: str, object: str, told: Told) -> list[FieldInfo]:
        """What an object of the org has. Raises AccessLost where the user does not see it."""
        if object not in told.objects:
            raise hidden(object, kind, self._client.http.connection)
        return told.objects[object]

    def must_know(self, kind: str, fields: Iterable[str]) -> None:
        """Refuse fields that the org does not have, or hides from the user (case B17). Raises ConfigError, or
        AccessLost where it hides the whole object."""
        unsure = [name for name in fields if name != "id"]
        if kind != "file":
            self.view(kind)
        known = {info.name for info in self.describe(kind).fields}
        if not known.issuperset(unsure) and not self._looked:
            self._looked = True
            known = {info.name for info in self.describe(kind, fresh=True).fields}
        self._must_have(kind, unsure, known)

    def _must_have(self, kind: str, fields: Iterable[str], known: Iterable[str]) -> None:
        missing = sorted(set(fields) - set(known))
        if missing:
            near = nearest(missing[0], known)
            guess = f"did you mean {near}? " if near else ""
            raise ConfigError(
                f"{kind}.{missing[0]} is wanted, but this user sees no such field in Salesforce",
                fix=f"{guess}give the user's permission set Read on the field, or correct its API name",
                code="WHERRY-2762", kind=kind, fields=missing,
            )  # fmt: skip

    def notice(self, stages: Iterable[str]) -> None:
        """Deals show these stages: one that was made since the description was kept has it asked anew, once a run."""
        known = {stage.id for pipeline in self._told(False).pipelines for stage in pipeline.stages}
        if not self._looked and not known.issuperset(stages):
            self._looked = True
            self._told(True)

    def _told(self, fresh: bool) -> Told:
        with self._lock:
            if self._held is None or fresh:
                kept = None if fresh else self._cache.get(self._key, HOUR)
                self._held = msgspec.convert(kept, Told) if kept is not None else self._asked()
            return self._held

    def _asked(self) -> Told:
        names = [*OBJECTS.values(), *([self._location.object] if self._location else [])]
        described, stages = self._client.describe(names, _STAGES)
        deal = described[0]
        if deal is None:
            raise hidden(names[0], "deal", self._client.http.connection)
        found = {name: _fields(one) for name, one in zip(names, described, strict=True) if one is not None}
        told = Told(found, _pipelines(deal, tuple(map(_stage, stages))))
        self._cache.set(self._key, msgspec.to_builtins(told))
        return told


def _fields(described: Described) -> list[FieldInfo]:
    return [FieldInfo(one.name, one.label, one.type) for one in described.fields]


def _pipelines(deal: Described, stages: tuple[Stage, ...]) -> list[Pipeline]:
    """A record type is what comes next to a pipeline. All stages are named for each: which of them it offers is a
    matter of its sales process, which queries do not tell."""
    types = [one for one in deal.recordTypeInfos if not one.master and one.active]
    return [
        Pipeline(NO_TYPE, "without a record type" if types else "all opportunities", stages),
        *(Pipeline(one.recordTypeId, one.name, stages) for one in types),
    ]


class _Stage(Struct):
    ApiName: str
    MasterLabel: str | None = None
    IsActive: bool = True
    IsClosed: bool = False
    IsWon: bool = False
    DefaultProbability: Any = None


def _stage(row: Row) -> Stage:
    """Won is what Salesforce calls won, whatever probability somebody gave the stage; closed and not won is lost."""
    told: _Stage = decoder(_Stage).decode(msgspec.json.encode(row))
    label = told.MasterLabel or told.ApiName
    probability = f"{told.DefaultProbability / 100:g}" if told.DefaultProbability is not None else ""
    likely = "1" if told.IsWon else "0" if told.IsClosed else probability
    return Stage(told.ApiName, label if told.IsActive else f"{label} (inactive)", likely, told.IsClosed)
