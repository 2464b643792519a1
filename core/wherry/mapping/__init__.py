"""Field maps as data: the default FieldMapper, made from a source plugin's map, the flow's own lines and
named maps.

A plugin says for each record kind, entity by entity, which drafts a record makes::

    {"deal": {
        "trigger": {"pipeline": "deal.pipeline", "stage": "deal.dealstage"},
        "customer": {
            "from": "company", "optional": True, "key": "id(company.id)",
            "fields": {"name": "company.name"}},
        "product": {
            "from": "line_item", "each": True,
            "key": "product(line_item.hs_product_id, line_item.hs_sku, line_item.name)",
            "fields": {"name": "line_item.name"}},
        "project": {
            "root": True, "key": "id(deal.id)", "label": "deal.dealname",
            "fields": {
                "name": "deal.dealname", "amount": "money(deal.amount, deal.deal_currency_code)",
                "customer": "ref(customer)",
                "lines": {"each": "line_item", "fields": {"product": "ref(product)"}}}},
        "file": {
            "from": "file", "each": True, "key": "id(file.id, deal.id)", "file": "file.id",
            "fields": {"name": "file.name", "project": "ref(project)"}}}}

``from`` is the kind of relative (the first of them; with ``each``, every one), ``optional`` says that it may
be missing or without a key; ``reference``, that it only names a thing with a record of its own, which is
matched or made but never updated from here. ``file`` names the source's id of the bytes. An operator
overrides single lines.

Conditions are expressions that give yes or no. ``when``: the entity is made only where it holds. ``skip`` (of a
root) gives the reason why nothing is made of the record at all, or nothing. ``void``: what was written is to be
taken back. ``document`` names the words of a flow's ``document`` for which an entity is made. Of several roots
the first whose ``when`` holds is made, else the last, which has none::

    {"invoice": {
        "trigger": {"status": "invoice.status", "when": "invoiced", "amount": "money(invoice.total)"},
        "credit_memo": {"root": True, "document": "invoice", "when": "invoice.is_credit", "key": ..., "fields": ...},
        "invoice": {"root": True, "document": "invoice", "key": ..., "fields": ...}}}

``trigger`` tells where a head keeps its pipeline and stage, or its status, which statuses are usually taken
(``when``), and the amount that is listed with a record that is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from wherry import entities, transforms
from wherry.entities import Entity
from wherry.errors import ConfigError
from wherry.expressions import UNKNOWN_FIELD, Expression, Words, compile_expression, did_you_mean
from wherry.mapping.layers import TRIGGER, Layer, Outline, check_entities, is_for_books, of_document, outlines
from wherry.mapping.mapper import MapMapper, Mapped, explain
from wherry.mapping.plan import Plan, Row, kinds_of, make_plan
from wherry.money import DECIMALS
from wherry.roles import Description
from wherry.triggers import FlowLike as TriggerFlow
from wherry.triggers import make_trigger

__all__ = ["UNKNOWN_FIELD", "FlowLike", "MapMapper", "Mapped", "Row", "build", "explain", "is_for_books"]

FORMAT = 1
"""Raised when the same map makes other drafts than before, so that every fingerprint changes."""


class FlowLike(TriggerFlow, Protocol):
    """What a map needs of a flow's settings: entity → target field → expression or False; whether files come
    along; what an invoice becomes."""

    @property
    def map(self) -> Mapping[str, Any]: ...
    @property
    def files(self) -> bool: ...
    @property
    def document(self) -> str | None: ...


def build(
    flow: FlowLike,
    kind: str,
    default_map: Mapping[str, Any],
    *,
    transforms: Mapping[str, Callable[..., Any]] | None = None,
    shapes: Mapping[str, type[Entity]] = entities.SHAPES,
    description: Description | Mapping[str, Description] | None = None,
    currency: str,
    timezone: str,
    named_maps: Mapping[str, Mapping[str, Any]] | None = None,
    kinds: Collection[str] = (),
) -> MapMapper:
    """The mapper of one record kind of a flow.

    ``default_map`` is the plugin's map of this kind, ``transforms`` those of plugins, ``named_maps`` the
    ``[maps.NAME]`` of the project file, ``kinds`` further record kinds that the source may attach.
    ``description`` is of this kind, or of several by name; None means that the source was not asked: then
    source fields are not checked and the gate raises ConfigError when it is used. Raises ConfigError, with
    the key path, for all that cannot stand.
    """
    return _Builder(
        flow, kind, default_map, dict(shapes), description, currency, timezone, kinds, transforms or {}
    ).build(named_maps or {})


class _Builder:
    def __init__(
        self,
        flow: FlowLike,
        kind: str,
        default_map: Mapping[str, Any],
        shapes: dict[str, type[Entity]],
        description: Description | Mapping[str, Description] | None,
        currency: str,
        timezone: str,
        kinds: Collection[str],
        own: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.flow, self.kind, self.default_map, self.shapes = flow, kind, default_map, shapes
        self.described = {kind: description} if isinstance(description, Description) else dict(description or {})
        self.currency, self.timezone = _known_currency(currency), timezone
        self.zone = transforms.zone_of(timezone)
        key, strict = f"flows.{flow.name}.document", len(flow.kinds) == 1
        self.found = of_document(outlines(kind, default_map), kind, flow.document, key, strict=strict)
        self.source_fields = {
            name: frozenset(info.name for info in known.fields) for name, known in self.described.items()
        }
        self.words = Words(
            kinds=frozenset({kind, *kinds}) | kinds_of(self.found),
            transforms={**transforms.core(currency, self.zone), **own},
            counting=transforms.counting(currency),
            source_fields=self.source_fields,
            plugins=frozenset(own),
        )

    def build(self, named_maps: Mapping[str, Mapping[str, Any]]) -> MapMapper:
        own = Layer(self.flow.map, f"flow {self.flow.name}", f"flows.{self.flow.name}.map")
        self._check(own, strict=len(self.flow.kinds) == 1)
        plan = self._plan([self._left_out(), own], "")
        by_pipeline = self._by_pipeline(own, named_maps)
        trigger = make_trigger(
            self.flow,
            self.kind,
            self.default_map.get(TRIGGER, {}),
            self.described.get(self.kind),
            self.zone,
            self.source_fields,
        )
        fingerprint = self._fingerprint(plan, by_pipeline, trigger.fingerprint)
        return MapMapper(self.kind, trigger, plan, by_pipeline, self.shapes, fingerprint, self._amount())

    def _amount(self) -> Expression | None:
        said = self.default_map.get(TRIGGER, {}).get("amount", "")
        return compile_expression(said, self.words, f"default map {self.kind}.trigger.amount") if said else None

    def _left_out(self) -> Layer:
        files = [] if self.flow.files else [outline.name for outline in self.found if outline.file and not outline.root]
        return Layer(dict.fromkeys(files, False), "files = false", f"flows.{self.flow.name}.files")

    def _plan(self, layers: Sequence[Layer], name: str) -> Plan:
        return make_plan(self.kind, self.found, layers, self.words, self.shapes, name)

    def _by_pipeline(self, own: Layer, named_maps: Mapping[str, Mapping[str, Any]]) -> dict[str, Plan]:
        """Pipeline id → the plan of the named map it chose. Pipelines that chose the same map share its
        plan."""
        plans: dict[str, Plan] = {}
        chosen: dict[str, Plan] = {}
        for number, pipeline in enumerate(self.flow.pipelines if TRIGGER in self.default_map else ()):
            if pipeline.map and pipeline.map not in plans:
                key = f"flows.{self.flow.name}.pipelines.{number}.map"
                plans[pipeline.map] = self._named_plan(own, self._named(pipeline.map, named_maps, key))
            if pipeline.map:
                chosen[pipeline.id] = plans[pipeline.map]
        return chosen

    def _named_plan(self, own: Layer, named: Layer) -> Plan:
        """What a named map says of an entity stands in place of what the flow says of it."""
        others = {name: said for name, said in own.entities.items() if name not in named.entities}
        layers = [self._left_out(), Layer(others, own.origin, own.key), named]
        return self._plan(layers, named.key.removeprefix("maps."))

    def _named(self, name: str, named_maps: Mapping[str, Mapping[str, Any]], key: str) -> Layer:
        if name not in named_maps:
            raise ConfigError(
                f"{key}: there is no map {name!r}{did_you_mean(name, named_maps)}",
                fix=f"write it as [maps.{name}.project] with the lines that differ, or remove it here",
                code="WHERRY-2210",
                key=key,
                allowed=sorted(named_maps),
            )
        layer = Layer(named_maps[name], f"map {name}", f"maps.{name}")
        self._check(layer, strict=False)
        return layer

    def _check(self, layer: Layer, *, strict: bool) -> None:
        """A flow of several kinds, and a map shared by flows, may name what another kind's map makes."""
        elsewhere = frozenset[str]() if strict else frozenset(self.shapes)
        check_entities([layer], [outline.name for outline in self.found], elsewhere)

    def _fingerprint(self, plan: Plan, by_pipeline: Mapping[str, Plan], trigger: str) -> str:
        said = {
            "format": FORMAT,
            "entities": [_said(outline) for outline in self.found],
            "lines": _lines(plan),
            "pipelines": {name: _lines(other) for name, other in by_pipeline.items()},
            "trigger": trigger,
            "currency": self.currency,
            "timezone": self.timezone,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _said(outline: Outline) -> list[object]:
    return [
        outline.name,
        outline.kind,
        outline.key,
        outline.each,
        outline.label,
        outline.file,
        dict(outline.lists),
        # Only where they are said: what was carried over before they could be is not to be read as changed.
        *([[outline.when, outline.skip, outline.void]] if outline.when or outline.skip or outline.void else []),
    ]


def _lines(plan: Plan) -> list[list[str]]:
    return sorted([row.target, row.expression] for row in plan.rows)


def _known_currency(currency: str) -> str:
    if currency in DECIMALS:
        return currency
    raise ConfigError(
        f"project.currency: {currency!r} is not an ISO 4217 currency{did_you_mean(currency.upper(), DECIMALS)}",
        fix="use the three letters of your accounts' currency, such as USD",
        code="WHERRY-2231",
        key="project.currency",
    )
