"""The words of the house: what travels through Wherry, in the order in which it is met.

Record (as the source says it) → Draft (as the sink should hold it) → Item (a draft in the ledger, with its target) →
Answer (what became of it). Structs of msgspec: cheap to make, and they encode themselves.
Source: architecture.md, sections 2 and 5.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

Fate = Literal[
    "created", "linked", "updated", "unchanged", "reversed",
    "skipped", "triage", "waiting", "queued", "refused", "unknown", "decide", "differs",
]  # fmt: skip
"""How a record version or an item ended, or what it waits for. The one vocabulary of code, JSON and docs."""

DONE: frozenset[str] = frozenset({"created", "linked", "updated", "unchanged", "reversed"})
OPEN: frozenset[str] = frozenset({"triage", "waiting", "queued", "refused", "unknown", "decide", "differs"})
DESK: frozenset[str] = frozenset({"refused", "decide", "differs"})
FOR_A_PERSON: frozenset[str] = DESK | {"triage"}


class Ref(Struct, frozen=True, order=True):
    """A symbolic reference to what another draft writes: its entity and its key. The target id is filled in late."""

    entity: str
    key: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.key}"


class Skip(Struct, frozen=True):
    """A rule said no. ``amount`` (minor units of ``currency``) is kept so that what was left out can be summed."""

    reason: str
    amount: int | None = None
    currency: str = ""
    void: bool = False
    """The record was taken back at its source: if it was never written that is all, else it is reversed."""
    date: str = ""
    """The day of the document that it would have become, ISO 8601; empty where it is not known."""


_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Record(Struct, kw_only=True):
    """One version of one thing at the source.

    ``payload`` is the JSON object of the requested fields, as the source's own bytes: it is hashed as it stands and
    decoded at most once. ``version`` is the source's own word for the version, usually its modified stamp.
    ``gone`` says that the record has left the source: ``archived``, ``deleted`` or ``merged``; ``merged_ids`` on a
    survivor names the records that went up in it.
    """

    kind: str
    id: str
    version: str
    payload: bytes = b"{}"
    relatives: dict[str, list[Record]] = field(default_factory=dict)
    gone: Literal["", "archived", "deleted", "merged"] = ""
    merged_into: str = ""
    merged_ids: tuple[str, ...] = ()
    touched: bool = False
    """A relative of it changed although its own version did not: it is not dropped as a repeat."""
    decoded: dict[str, Any] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The payload as a dict, its numbers exact. ``None`` is an empty value, a missing key one that was not sent."""
        decoded = self.decoded
        if decoded is None:
            decoded = self.decoded = _decode(self.payload)
        return decoded


class Page(Struct):
    """Records in source order, oldest change first, and the mark from which reading goes on after them."""

    records: list[Record]
    mark: str
    total: int | None = None


class Draft(Struct, kw_only=True):
    """What the sink should hold. ``body`` is a canonical entity as plain JSON values; references in it are symbolic
    (``{"entity": ..., "key": ...}``). ``key`` is the identity of the thing at the source, such as ``id:4711``,
    ``sku:GTX-1`` or ``name:gtxpro``: a question and a link are kept under (connection, entity, key)."""

    entity: str
    key: str
    body: dict[str, Any]
    label: str = ""
    root: bool = False
    reference: bool = False
    """It only names a thing that has a record of its own: it is matched or made, never updated from here."""
    refs: tuple[Ref, ...] = ()
    file: str = ""
    """The source's id of a file whose bytes belong to this draft; the engine copies them before it writes."""
    void: bool = False
    """The source has taken the thing back: what was written of it is to be reversed, never deleted."""

    @property
    def ref(self) -> Ref:
        return Ref(self.entity, self.key)


Action = Literal["write", "void"]
"""What an item does to its target: make it so, or take back what it books. Nothing is ever deleted there."""


class Item(Struct, kw_only=True):
    """A draft on its way into one sink. ``target`` is the id there (None: it is to be created); references in
    ``body`` are filled with target ids. ``overwrite_local`` lets the sink write over fields that were edited there.
    An update touches what the body names, and empties what an earlier body of the key named and this one does not."""

    entity: str
    key: str
    body: dict[str, Any]
    target: str | None = None
    label: str = ""
    overwrite_local: bool = False
    action: Action = "write"
    """Whether the target is to be made as the body says, or taken back."""
    stamp: str = ""
    """26 characters of lower-case base32: what a repeated call is known by, and what the target's record carries so
    that it can be found again. A hash of work item, content and attempt (write-protocol.md, section 3.2)."""
    token: str = ""
    """The target's version as last known to us (SyncToken, EditSequence, ETag); empty for what is to be created."""
    before: dict[str, Any] | None = None
    """The body last written to the target, references filled; None where nothing was, or it is not known."""
    memo: str = ""
    """What the sink noted for itself in an earlier answer about this item."""
    since: str = ""
    """Of what is looked for because it was sent, or may have been: the moment after which it was done if it was done,
    ISO 8601 by our clock. So it is found where a person has given it another number meanwhile. Empty: not known."""
    sent: bool = False
    """Of what is looked for: whether it left under this very stamp, so that it may still arrive. A target that can be
    made to refuse it from now on is made to before it is asked."""


class Call(Struct, kw_only=True):
    """One request into a target, frozen before it is sent. ``items`` are the stamps of what it carries, in order.

    ``path`` is below the connection's address; ``params`` are its query. The body goes as it stands. ``lane`` is the
    limit of the sink's profile that it is paced in. ``again``: the same has left before, and may still be on its way.
    """

    method: str
    path: str
    items: tuple[str, ...]
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    lane: str = ""
    again: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    """What came back for a call, raw. Header names are lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wait(self, otherwise: float) -> float:
        """The seconds that it asks to be waited (``retry-after``), or ``otherwise`` where it says none."""
        told = self.headers.get("retry-after", "")
        return float(told) if told.replace(".", "", 1).isdecimal() else otherwise


Facts = dict[str, str]
"""What a thing in the target comes to, field → value in words people read: ``{"total": "139.12 GBP"}``. Two of them
are compared to tell whether the target holds what was sent, and what was edited there."""


class Found(Struct, kw_only=True):
    """Something that a target was found to hold. ``ours``: it carries the item's stamp, so it is this item's effect.

    ``alike``: it could be the same thing, entered by hand: the same number or name. ``facts`` is what it holds now.
    """

    target: str
    token: str = ""
    ours: bool = False
    alike: bool = False
    facts: Facts = field(default_factory=dict)
    memo: str = ""
    """Of what is made by two calls, and is ours, and lacks the second: a note of the sink for itself. It comes back on
    the item, which is encoded next, under the same stamp."""


class Change(Struct, frozen=True):
    """One field of a target that differs: before, after, and why it was kept if it was not written."""

    field: str
    before: Any
    after: Any
    kept: str = ""


class Answer(Struct, kw_only=True):
    """What a sink says of an item. ``refused`` carries a reason in plain words, the field and what to do next
    (``NAME`` in a ``fix`` becomes the connection's own name).

    Of a sink that is sent calls: ``queued`` is a documented "not done, try later" (after ``after`` seconds), or with a
    ``target``, that one of several calls was carried out: the item comes again with ``memo``, under the same stamp;
    ``unknown`` that only a look at the target can tell (``after`` seconds from now; None: after its ``settle``),
    such as a stale version token.
    """

    fate: Fate
    target: str = ""
    reason: str = ""
    field: str = ""
    fix: str = ""
    code: str = ""
    """The vendor's own code of a refusal."""
    changes: tuple[Change, ...] = ()
    token: str = ""
    """The target's version after the write."""
    facts: Facts | None = None
    """What the target says it holds now; compared with what was sent. None where it does not say."""
    memo: str = ""
    """A note of the sink for itself: it comes back on the item that is encoded next."""
    after: float | None = None
    """Seconds until anything more is to be done with it; None: what is usual for its fate."""


class Candidate(Struct, frozen=True):
    """A target that may be the one a draft means: ``score`` from 0 to 1, and why in a few words."""

    id: str
    name: str
    score: float
    why: str
    sku: str = ""


class Listed(Struct, frozen=True):
    """One line of a sink's listing: enough to match by."""

    id: str
    name: str
    sku: str = ""
    type: str = ""
    number: str = ""
    """What accounts know it by, such as a GL number."""


class Link(Struct, frozen=True, tag="link"):
    """Decision: this draft is that target. ``rule`` is the rule that found it, ``why`` what to tell a person."""

    target: str
    rule: str
    why: str = ""


class Create(Struct, frozen=True, tag="create"):
    """Decision: nothing there matches; make it."""


class Same(Struct, frozen=True, tag="same"):
    """Decision: the same thing as a draft decided earlier in this run."""

    ref: Ref
    rule: str


class Ask(Struct, frozen=True, tag="ask"):
    """Decision: a person must say. Best candidate first."""

    candidates: tuple[Candidate, ...]
    why: str


Decision = Link | Create | Same | Skip | Ask


# -- what a source knows of a kind -------------------------------------------------------------------------------------


class Stage(Struct, frozen=True):
    id: str
    label: str
    probability: str = ""
    """Decimal text from 0 to 1; "1" and closed is what operators call won."""
    closed: bool = False


class Pipeline(Struct, frozen=True):
    id: str
    label: str
    stages: tuple[Stage, ...] = ()


class FieldInfo(Struct, frozen=True):
    name: str
    label: str = ""
    type: str = ""
    group: str = ""


class Description(Struct, frozen=True):
    """What a source knows of a kind: its fields, and its pipelines with their stages."""

    fields: tuple[FieldInfo, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
