"""Definitions: properties with their groups, and pipelines with their stages."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from .errors import instant, invalid, not_found, refused
from .facts import DEFAULT_PIPELINES, FIELD_TYPES, ID, MERGED, PROPERTIES, Kind

Now = Callable[[], int]
Definition = dict[str, Any]

PROPERTY_FIELDS = frozenset(
    {
        "label",
        "type",
        "fieldType",
        "groupName",
        "description",
        "options",
        "displayOrder",
        "hasUniqueValue",
        "hidden",
    }
    | {"formField", "calculationFormula", "externalOptions", "referencedObjectType", "showCurrencySymbol"}
    | {"currencyPropertyName", "dataSensitivity", "numberDisplayHint", "textDisplayHint"}
)


class Properties:
    """Property definitions and groups of every type."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._by_kind: dict[str, dict[str, Definition]] = {}
        self._unique: dict[str, list[str]] = {}
        self.groups: dict[str, dict[str, Definition]] = {}

    def add_kind(self, kind: Kind) -> None:
        """Give a type the properties HubSpot defines for it."""
        group = f"{kind.singular}information"
        self._by_kind[kind.name], self._unique[kind.name] = {}, []
        self.groups[kind.name] = {}
        self.add_group(kind, {"name": group, "label": f"{kind.singular.capitalize()} information"})
        standing = [("number", ID), ("datetime", f"{kind.created} {kind.modified}"), ("string", MERGED)]
        for value_type, listed in (*PROPERTIES.get(kind.name, {}).items(), *standing):
            for name in listed.split():
                given = {"name": name.lstrip("*"), "type": value_type, "groupName": group}
                self.add(kind, {**given, "hasUniqueValue": name.startswith("*")}, own=False)

    def add(self, kind: Kind, given: Mapping[str, Any], *, own: bool = True) -> Definition:
        """Define a property; 409 when it is there."""
        name = given.get("name")
        if not name or not isinstance(name, str):
            raise invalid("A property needs a name")
        if name in self._by_kind[kind.name]:
            raise refused(409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
        if given.get("groupName") not in self.groups[kind.name]:
            raise invalid(f"There is no group {given.get('groupName')!r}", groupName=[str(given.get("groupName"))])
        made = self._made(name, given, own)
        self._by_kind[kind.name][name] = made
        if made["hasUniqueValue"]:
            self._unique[kind.name].append(name)
        return made

    def _made(self, name: str, given: Mapping[str, Any], own: bool) -> Definition:
        value_type = given.get("type", "string")
        options = [{"hidden": False, "displayOrder": -1, **o} for o in given.get("options") or ()]
        stamps = {"createdAt": instant(self._now()), "updatedAt": instant(self._now())} if own else {}
        return {
            "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
            "description": "",
            "displayOrder": -1,
            "fieldType": FIELD_TYPES.get(value_type, "text"),
            "hasUniqueValue": False,
            "hidden": False,
            "formField": own,
            "calculated": False,
            "externalOptions": False,
            **{k: v for k, v in given.items() if k in PROPERTY_FIELDS},
            "name": name,
            "type": value_type,
            "options": options,
            "hubspotDefined": not own,
            "archived": False,
            "modificationMetadata": {
                "archivable": own,
                "readOnlyDefinition": not own,
                "readOnlyValue": False,
            },
            **stamps,
        }

    def change(self, kind: Kind, name: str, given: Mapping[str, Any]) -> Definition:
        """Change a definition (retyping it, for one)."""
        found = self.needed(kind, name)
        found.update({k: v for k, v in given.items() if k in PROPERTY_FIELDS})
        found["updatedAt"] = instant(self._now())
        return found

    def remove(self, kind: Kind, name: str) -> None:
        """Archive a definition: the name is unknown from then on."""
        self.needed(kind, name)
        del self._by_kind[kind.name][name]
        if name in self._unique[kind.name]:
            self._unique[kind.name].remove(name)

    def all(self, kind: Kind) -> list[Definition]:
        """Every definition of a type."""
        return list(self._by_kind[kind.name].values())

    def find(self, kind: Kind, name: str) -> Definition | None:
        """One definition."""
        return self._by_kind[kind.name].get(name)

    def needed(self, kind: Kind, name: str) -> Definition:
        """One definition, or a 404."""
        found = self.find(kind, name)
        if found is None:
            raise not_found("Property", name)
        return found

    def knows(self, kind: Kind, name: str) -> bool:
        """Whether a property is defined."""
        return name in self._by_kind[kind.name]

    def type_of(self, kind: Kind, name: str) -> str:
        """The type of a property's values."""
        found = self.find(kind, name)
        return str(found["type"]) if found else "string"

    def is_unique(self, kind: Kind, name: str) -> bool:
        """Whether values of a property are unique."""
        return name in self._unique[kind.name]

    def unique_of(self, kind: Kind) -> list[str]:
        """Properties of a type whose values are unique."""
        return self._unique[kind.name]

    def add_group(self, kind: Kind, given: Mapping[str, Any]) -> Definition:
        """Define a group of properties."""
        name = str(given.get("name", ""))
        group = {"name": name, "label": str(given.get("label", name)), "displayOrder": -1, "archived": False}
        return self.groups[kind.name].setdefault(name, group)


class Pipelines:
    """Pipelines and stages of the types that have them."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._numbers = itertools.count(700_000_001)
        self._by_kind: dict[str, dict[str, Definition]] = {}
        for kind, (key, label, stages) in DEFAULT_PIPELINES.items():
            listed = [{"stageId": s, "label": name, "metadata": meta} for s, name, meta in stages]
            self._add(kind, {"pipelineId": key, "label": label, "stages": listed})

    def add(self, kind: Kind, given: Mapping[str, Any]) -> Definition:
        """Make a pipeline with its stages."""
        if not given.get("label") or not given.get("stages"):
            raise invalid("A pipeline needs a label and stages")
        if str(given.get("pipelineId", "")) in self._by_kind.setdefault(kind.name, {}):
            raise refused(409, f"Pipeline {given['pipelineId']} exists", "OBJECT_ALREADY_EXISTS")
        return self._add(kind.name, given)

    def _add(self, kind: str, given: Mapping[str, Any]) -> Definition:
        pipeline = self._entry(given, "pipelineId")
        pipeline["stages"] = []
        self._by_kind.setdefault(kind, {})[pipeline["id"]] = pipeline
        for order, stage in enumerate(given["stages"]):
            self.add_stage(pipeline, {"displayOrder": order, **stage})
        return pipeline

    def _entry(self, given: Mapping[str, Any], key: str) -> Definition:
        return {
            "id": str(given.get(key) or next(self._numbers)),
            "label": str(given.get("label", "")),
            "displayOrder": int(given.get("displayOrder", 0)),
            "createdAt": instant(self._now()),
            "updatedAt": instant(self._now()),
            "archived": False,
        }

    def add_stage(self, pipeline: Definition, given: Mapping[str, Any]) -> Definition:
        """Add a stage to a pipeline."""
        stage = self._entry(given, "stageId")
        stage["metadata"] = _metadata(given.get("metadata") or {})
        stage["writePermissions"] = "CRM_PERMISSIONS_ENFORCEMENT"
        pipeline["stages"].append(stage)
        return stage

    def change(self, entry: Definition, given: Mapping[str, Any]) -> Definition:
        """Rename or reorder a pipeline or a stage."""
        entry.update({k: given[k] for k in ("label", "displayOrder", "archived") if k in given})
        if "metadata" in given:
            entry["metadata"] = _metadata(given["metadata"])
        entry["updatedAt"] = instant(self._now())
        return entry

    def of(self, kind: Kind) -> dict[str, Definition]:
        """The pipelines of a type, by id."""
        return self._by_kind.get(kind.name, {})

    def default(self, kind: Kind) -> str:
        """The pipeline a record falls into that names none."""
        return next(iter(self.of(kind)))

    def needed(self, kind: Kind, key: str) -> Definition:
        """A pipeline, or a 404."""
        if key not in self.of(kind):
            raise not_found("Pipeline", key)
        return self.of(kind)[key]

    def stage(self, pipeline: Definition, key: str) -> Definition:
        """A stage, or a 404."""
        found: Definition | None = next((s for s in pipeline["stages"] if s["id"] == key), None)
        if found is None:
            raise not_found("Pipeline stage", key)
        return found

    def metadata(self, kind: Kind, pipeline: str, stage: str) -> dict[str, str]:
        """What a stage says of its records, or a 400 when the pipeline has no such stage."""
        stages = {s["id"]: s["metadata"] for s in self.of(kind).get(pipeline, {"stages": []})["stages"]}
        if stage not in stages:
            known = ", ".join(stages) or "none"
            raise invalid(f"{stage} was not one of the stages of pipeline {pipeline}: {known}", "INVALID_OPTION")
        found: dict[str, str] = stages[stage]
        return found


def _metadata(given: Mapping[str, Any]) -> dict[str, str]:
    """Text throughout; whether a stage is closed follows from its probability or ticket state."""
    metadata = {k: str(v) for k, v in given.items()}
    if "probability" in metadata:
        metadata["isClosed"] = "true" if float(metadata["probability"]) in (0.0, 1.0) else "false"
    elif "ticketState" in metadata:
        metadata["isClosed"] = "true" if metadata["ticketState"] == "CLOSED" else "false"
    return metadata
