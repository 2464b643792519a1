"""What an account knows of its object types: properties, pipelines and stages; kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from wherry.crm import PROBLEM
from wherry.decoding import decoder
from wherry.errors import ConfigError
from wherry.roles import Cache, Description, FieldInfo, Pipeline, Stage
from wherry.settings.mistakes import nearest
from wherry.settings.sites import LOCATION_FIELDS

from . import files, owners
from .objects import STANDARD, TYPES
from .reading import Reader
from .shapes import PipelineInfo, StageInfo

decoder(Description)
HOUR = 3_600.0
STAGED = frozenset({"deal", "ticket"})
OWN_KINDS = {"owner": owners.FIELDS, "file": files.FIELDS, "location": LOCATION_FIELDS}
"""Kinds whose fields this plugin makes; HubSpot has no properties of them."""


class Metadata:
    """Descriptions by kind, or by the name of an object type."""

    def __init__(self, reader: Reader, cache: Cache, key: str) -> None:
        self._reader, self._client, self._cache, self._key = reader, reader.client, cache, key
        self._lock = threading.Lock()
        self._held: dict[str, Description] = {}
        self._refreshed: set[str] = set()

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Fields and pipelines of a kind; ``fresh`` asks HubSpot whatever is kept."""
        if kind in OWN_KINDS:
            return Description(tuple(FieldInfo(name, name.replace("_", " ")) for name in OWN_KINDS[kind]))
        return self.of_type(TYPES.get(kind, kind), kind, fresh=fresh)

    def of_type(self, type_name: str, kind: str = "", *, fresh: bool = False) -> Description:
        """The same of an object type."""
        with self._lock:
            if fresh or type_name not in self._held:
                kept = None if fresh else self._cache.get(f"{self._key}/{type_name}", HOUR)
                found = self._ask(type_name, kind) if kept is None else msgspec.convert(kept, Description)
                if kept is None:
                    self._cache.set(f"{self._key}/{type_name}", msgspec.to_builtins(found))
                self._held[type_name] = found
            return self._held[type_name]

    def _ask(self, type_name: str, kind: str) -> Description:
        asked: list[Callable[[str], Any]] = [self._client.properties]
        if kind in STAGED:
            asked.append(self._client.pipelines)
        properties, *staged = self._reader.spread(lambda ask: ask(type_name), asked)
        fields = [FieldInfo(p.name, p.label, p.type, p.groupName) for p in properties]
        if kind in STAGED:
            fields.append(FieldInfo(PROBLEM, "why no company was chosen", "string", "wherry"))
        pipelines = (_pipeline(p) for found in staged for p in found if not p.archived)
        return Description(tuple(fields), tuple(pipelines))

    def notice(self, kind: str, stages: Iterable[str]) -> None:
        """Heads show these stages. One that was made since the metadata was kept has it asked anew, once a run, so
        that the next run resolves its trigger stages with it. Asks nothing where nobody needed the stages."""
        held = self._held.get(TYPES.get(kind, ""))
        if held is None or kind in self._refreshed:
            return
        known = {stage.id for pipeline in held.pipelines for stage in pipeline.stages}
        if not known.issuperset(stage for stage in stages if stage):
            self._refreshed.add(kind)
            self.describe(kind, fresh=True)

    def must_know(self, kind: str, fields: Iterable[str]) -> None:
        """Refuse fields that the account does not have (case B17). HubSpot itself leaves them out without a word.

        Asks nothing for fields that every account has. Raises ConfigError with the nearest name.
        """
        unsure = [name for name in fields if name not in STANDARD.get(kind, frozenset())]
        if not unsure or kind not in TYPES:
            return
        known = {info.name for info in self.describe(kind).fields}
        if not known.issuperset(unsure):
            known = {info.name for info in self.describe(kind, fresh=True).fields}
        missing = [name for name in unsure if name not in known]
        if missing:
            raise _unknown(kind, missing, known)


def _unknown(kind: str, missing: list[str], known: set[str]) -> ConfigError:
    near = nearest(missing[0], known)
    guess = f"did you mean {near}? " if near else ""
    more = f" (and {len(missing) - 1} more: {', '.join(missing[1:4])})" if len(missing) > 1 else ""
    return ConfigError(
        f"the map reads {kind}.{missing[0]}, but this HubSpot account has no such property{more}",
        fix=f"{guess}it was removed or renamed in HubSpot, or misspelt; see `wherry map show` for the map's fields",
        code="WHERRY-2702",
        kind=kind,
        fields=missing,
    )


def _pipeline(info: PipelineInfo) -> Pipeline:
    stages = sorted((s for s in info.stages if not s.archived), key=lambda s: s.displayOrder)
    return Pipeline(info.id, info.label, tuple(_stage(s) for s in stages))


def _stage(info: StageInfo) -> Stage:
    """HubSpot says both facts as text; a ticket's stage is closed by its state."""
    said = {name: str(value) for name, value in info.metadata.items()}
    closed = said.get("isClosed", "").lower() == "true" or said.get("ticketState") == "CLOSED"
    return Stage(info.id, info.label, _plain(said.get("probability")), closed)


def _plain(probability: Any) -> str:
    """``1.0`` and ``1.00`` as ``1``; empty where it is no number."""
    try:
        return format(Decimal(probability).normalize(), "f") if probability else ""
    except InvalidOperation:
        return ""
