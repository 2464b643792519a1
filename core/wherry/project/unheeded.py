"""Keys that nothing would heed, of a flow or of ``[maps]``: refused, since whoever wrote them counts on them.

A flow of several kinds may say what one of them alone heeds. A mapper of a plugin's own may heed anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wherry.errors import ConfigError
from wherry.mapping import MapMapper
from wherry.mapping.layers import TRIGGER, documents_of, outlines
from wherry.roles import AtomicSinkWriter, FieldMapper
from wherry.settings import Flow, Project
from wherry.settings.mistakes import suggestion

_OF_BOOKS = (
    "accounts", "group", "week_start", "periods", "gains", "late", "closed", "wait", "clearing", "rates", "rounding",
)  # fmt: skip
_OF_APPROVAL = ("approval", "approvers", "books_from")
_USUAL = {"approval": ("automatic",)}
_TAKE_OUT = "take it out of this flow"
Maps = Mapping[str, Mapping[str, Any]]


def refuse(flow: Flow, mappers: Mapping[str, FieldMapper], maps: Maps, sink: object) -> None:
    """Raises ConfigError for the first such key. ``maps`` are those of the source's plugin, ``sink`` may be None."""
    for error in (*_of_books(flow), *_of_approval(flow, sink), *_of_kinds(flow, mappers, maps), *_of_order(flow)):
        raise error


def unused(project: Project) -> Iterator[ConfigError]:
    """Maps that no pipeline names. They stop no run: the flows do without them."""
    used = {pipeline.map for flow in project.flows.values() for pipeline in flow.pipelines}
    for name in project.maps:
        if name not in used:
            yield ConfigError(
                f"maps.{name} would change nothing: no pipeline of a flow uses it",
                fix=f'write map = "{name}" in a line of a flow\'s pipelines, or take it out', code="WHERRY-2654",
                key=f"maps.{name}",
            )  # fmt: skip


def _of_books(flow: Flow) -> Iterator[ConfigError]:
    for key in () if flow.books_journals else _said(flow, _OF_BOOKS):
        yield _error(flow, key, "this flow books no journals", f'write document = "journal", or {_TAKE_OUT}')


def _of_approval(flow: Flow, sink: object) -> Iterator[ConfigError]:
    for key in _said(flow, _OF_APPROVAL) if isinstance(sink, AtomicSinkWriter) else ():
        yield _error(flow, key, f"what goes into {flow.sink} never waits for approval", _TAKE_OUT)


def _of_kinds(flow: Flow, mappers: Mapping[str, FieldMapper], maps: Maps) -> Iterator[ConfigError]:
    if not all(isinstance(one, MapMapper) for one in mappers.values()):
        return
    made = [one for kind in mappers for one in outlines(kind, maps[kind])]
    gates = [maps[kind].get(TRIGGER, {}) for kind in mappers]
    for key, part in (("when", "status"), ("pipelines", "stage")):
        if _said(flow, (key,)) and not any(gate.get(part) for gate in gates):
            yield _error(flow, key, f"nothing that it reads has a {part}", f"{_TAKE_OUT}; a filter can choose records")
    if flow.document and not documents_of(made):
        yield _error(flow, "document", "nothing that it reads becomes a document", _TAKE_OUT)
    names = dict.fromkeys(one.name for one in made)
    for key, table in (("map", flow.map), ("match", flow.match), ("repeat", flow.repeat)):
        for entity in () if flow.books_journals else [one for one in table if one and one not in names]:
            yield _error(flow, f"{key}.{entity}", f"the flow makes no {entity}", suggestion(entity, names))


def _of_order(flow: Flow) -> Iterator[ConfigError]:
    for entity, match in flow.match.items():
        order = match.order or ()
        if "link" in order[1:]:
            yield ConfigError(
                f"flows.{flow.name}.match.{entity}.order has link behind {order[0]}, and link is always first: what "
                "was linked once stays linked", code="WHERRY-2654", key=f"flows.{flow.name}.match.{entity}.order",
                fix='write "link" first, or leave it out',
            )  # fmt: skip


def _said(flow: Flow, keys: tuple[str, ...]) -> list[str]:
    """Those of the keys that say something else than where they are left out."""
    usual = {key: (Flow.model_fields[key].default, *_USUAL.get(key, ())) for key in keys}
    return [key for key in keys if getattr(flow, key) not in usual[key]]


def _error(flow: Flow, key: str, why: str, fix: str) -> ConfigError:
    named = f"flows.{flow.name}.{key}"
    return ConfigError(f"{named} would change nothing: {why}", fix=fix, code="WHERRY-2654", key=named)
