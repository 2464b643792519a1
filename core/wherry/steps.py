"""A draft on its way through the ledger: the step it is, where it goes, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from wherry.errors import WherryError
from wherry.records import Change, Decision, Draft, Fate, Ref
from wherry.roles import AtomicSinkWriter
from wherry.store.ledger import ItemRow, LinkRow, Route


class Step(Struct, kw_only=True):
    """A draft and what was decided about it. ``decision`` None: it is linked already. ``always`` lets a linked target
    be updated; ``item`` is the open row that this step replaces or resumes; ``refusal`` was met before writing."""

    draft: Draft
    record_kind: str
    record_id: str
    flow: str = ""
    """Whose record it is from; empty: the flow that is settling. An answer may free what another flow waits for."""
    decision: Decision | None = None
    link: LinkRow | None = None
    always: bool = False
    overwrite_local: bool = False
    item: ItemRow | None = None
    refusal: WherryError | None = None
    by_person: bool = False
    later: str = ""
    """Why it has to be tried again by itself, such as a file whose server is down."""

    ref: Ref = Ref("", "")
    """The draft's own; kept, because it is asked for dozens of times."""

    def __post_init__(self) -> None:
        self.ref = self.draft.ref


class Outcome(Struct):
    """What became of a step: its fate, its target if it has one, and the reason in words."""

    fate: Fate
    target: str = ""
    reason: str = ""
    changes: tuple[Change, ...] = ()


class Lane(Struct, frozen=True):
    """Where settling happens: one flow's run from one connection into one atomic sink."""

    flow: str
    run: str
    route: Route
    sink: AtomicSinkWriter
    plugin: str
    """Whose documents the sink works on: they are the plugin's, whatever its connection is called today."""


def digest(body: dict[str, Any]) -> str:
    """Of a body with its references filled in; equal bodies give equal digests on every machine."""
    return hashlib.blake2b(msgspec.json.encode(body, order="deterministic"), digest_size=16).hexdigest()


def fill(body: Any, refs: Sequence[Ref], known: Mapping[Ref, Any]) -> Any:
    """The body with every symbolic reference replaced by its target id (None where the thing was skipped)."""
    if not refs:
        return body
    if isinstance(body, dict):
        if len(body) == 2 and body.keys() == {"entity", "key"}:
            return known[Ref(body["entity"], body["key"])]
        return {name: fill(value, refs, known) for name, value in body.items()}
    if isinstance(body, list):
        return [fill(value, refs, known) for value in body]
    return body


def references(body: Any) -> tuple[Ref, ...]:
    """The symbolic references in a body, each once."""
    if isinstance(body, dict) and len(body) == 2 and body.keys() == {"entity", "key"}:
        return (Ref(body["entity"], body["key"]),)
    inner: Iterable[Any] = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return tuple(dict.fromkeys(ref for value in inner for ref in references(value)))
