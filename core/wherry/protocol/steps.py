"""A draft on its way through the ledger: the step it is, where it goes, and what came of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from wherry.accounting import Replaces
from wherry.entities import FORMS, SHAPES, pointers
from wherry.errors import WherryError
from wherry.records import DONE, Answer, Change, Decision, Draft, Facts, Fate, Item, Ref
from wherry.roles import AtomicSinkWriter, CallSinkWriter
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
    overwrite_local: int = 0
    """Over what was edited there: over anything (1), or ``OVER_SEEN``."""
    shown: str = ""
    """The version there that a person was shown, where it is not the one that was written."""
    item: ItemRow | None = None
    refusal: WherryError | None = None
    by_person: bool = False
    later: str = ""
    """Why it has to be tried again by itself, such as a file whose server is down."""
    answer: Answer | None = None
    """What the target said of ``item``, which was sent to it."""
    sent: Item | None = None
    """The item as it was sent."""
    sequence: int = 0
    """The number of the last work item of this key, where its link is no longer one: the document was taken back."""
    approved: bool = False
    """A person gave his word for it before it was settled: for what it takes the place of, or by asking for it."""
    only_ours: bool = False
    """Of what takes back what a run made: it spares what turns out to be there and not to be ours."""

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
    version: str = ""
    """In a rehearsal: the version that the target was found to hold."""

    @property
    def is_met(self) -> bool:
        """Whether what needs the thing can go on: also where the target holds it, but not as it was sent."""
        return self.fate in DONE or self.fate == "skipped" or (self.fate == "differs" and self.target != "")


WAITS = "waits for approval"
"""How the reason of everything begins that needs a person's word."""


class Approval(Struct, frozen=True):
    """What of a flow is sent only once somebody said so: everything, or what is dated before the books begin."""

    required: bool = False
    books_from: str = ""
    """The first day, ISO 8601, that needs nobody's word; empty: no day does."""

    def wanted(self, draft: Draft) -> str:
        """Why the draft needs a person's word; empty where it does not."""
        date = str(draft.body.get("date") or "")
        if self.required:
            return WAITS
        if draft.root and self.books_from and date and date < self.books_from:
            return f"{WAITS}: it is dated {date}, before the books begin ({self.books_from})"
        return ""


class Lane(Struct, frozen=True, kw_only=True):
    """Where settling happens: one flow's run from one connection into one sink."""

    flow: str
    run: str
    route: Route
    sink: AtomicSinkWriter | CallSinkWriter
    plugin: str
    """Whose documents the sink works on: they are the plugin's, whatever its connection is called today."""
    identity: str = ""
    """Both accounts in the vendors' own ids: what a stamp begins with, the same on every machine."""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    """Flow → what of it needs a person's word; settling one flow's things may free those of another."""
    preview: list[tuple[Item, tuple[Ref, ...]]] | None = None
    """In a rehearsal: collects what would be sent, in order, with what each needs; all is taken to succeed."""

    has_homes: bool = False
    """Whether what it carries may go into its target in one form or another, and has to be the same for good."""
    atomic: AtomicSinkWriter | None = None
    """The sink, where it writes inside the store's transaction; None where it is sent calls."""
    takes: frozenset[str] = frozenset()
    """The entities that the sink says it can hold; it is never sent another."""
    replaces: frozenset[str] = frozenset()
    """Those of them that are taken back and written anew instead of being changed."""

    def __post_init__(self) -> None:
        if isinstance(self.sink, AtomicSinkWriter):  # asked once: of a protocol that is slow to tell
            msgspec.structs.force_setattr(self, "atomic", self.sink)
        msgspec.structs.force_setattr(self, "takes", frozenset(getattr(self.sink, "entities", ())))
        forms = {FORMS[entity] for entity in self.takes if entity in FORMS}
        keeps = self.atomic is None and ("journal_entry" in self.takes or len(forms) > 1)
        anew = frozenset(self.sink.replaces) if isinstance(self.sink, Replaces) else frozenset()
        msgspec.structs.force_setattr(self, "replaces", anew)
        msgspec.structs.force_setattr(self, "has_homes", keeps or self.route.is_subledger)

    @property
    def takes_back(self) -> bool:
        """Whether what its source takes back is reversed in the sink."""
        return self.atomic is None or bool(getattr(self.atomic, "takes_back", False))


def digest(body: dict[str, Any]) -> str:
    """Of a body with its references filled in; equal bodies give equal digests on every machine."""
    return digest_of(plain_text(body))


def plain_text(body: dict[str, Any]) -> bytes:
    """A body as JSON, the same on every machine."""
    return _encode(body)


_encode = msgspec.json.Encoder(order="deterministic").encode


def digest_of(text: bytes) -> str:
    """The digest of a body that was made text already."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def stamp_of(lane: Lane, draft: Draft, action: str, sequence: int, attempt: int) -> str:
    """26 characters of lower-case base32 over the work item, its content (references symbolic) and the attempt.

    Source: write-protocol.md, section 3.2, rule 2; lower case only, since some vendors fold it (case D8).
    """
    content = draft.body if action == "write" else {}
    facts = [lane.identity, draft.entity, draft.key, sequence, attempt, action, content]
    found = hashlib.blake2b(_encode(facts), digest_size=20).digest()
    return base64.b32encode(found).decode().lower()[:26]


OVER_SEEN = 2
"""Of ``overwrite_local``: over the version that a person was shown when he said so, and over no later one."""
REPLACE = "replace"
"""The action of an item whose draft takes the place of what was written: what stands there is taken back first."""


def item_of(step: Step, known: Mapping[Ref, Any], *, in_the_end: bool = False) -> Item:
    """The item as the sink gets it, its references filled with target ids. Of what is to be replaced: what stands
    there, to be taken back; or, with ``in_the_end``, what is to stand there then."""
    draft, row, link = step.draft, step.item, step.link
    before = msgspec.json.decode(link.body) if link and link.body else None
    if draft.void and (step.record_kind, step.record_id) == ("journal", draft.key):
        before = draft.body  # an entry is taken back as it stands there: a person may have edited it since
    replaced = before if row is not None and row.action == REPLACE and not in_the_end else None
    return Item(
        entity=draft.entity, key=draft.key, body=_filled(draft, known) if replaced is None else replaced,
        label=draft.label,
        target=link.target if link else None, overwrite_local=bool(step.overwrite_local or (row and row.overwrite)),
        action="void" if draft.void or replaced is not None else "write",
        stamp=row.stamp if row else "", token=row.token if row else "", memo=row.memo if row else "",
        before=before,
    )  # fmt: skip


def _filled(draft: Draft, known: Mapping[Ref, Any]) -> dict[str, Any]:
    """References stand where the shape has them. Of what is taken back something that it referred to may be gone."""
    if not draft.refs:
        return draft.body
    known = {**dict.fromkeys(draft.refs), **known} if draft.void else known
    if draft.entity not in SHAPES:
        return fill(draft.body, draft.refs, known)  # type: ignore[no-any-return]
    own, lists = pointers(SHAPES[draft.entity])
    filled: dict[str, Any] = _pointed(draft.body, own, known)
    for name, inner in lists:
        if inner and isinstance(lines := filled.get(name), list):
            filled[name] = [_pointed(line, inner, known) for line in lines]
    return filled


def _pointed(body: Any, names: Iterable[str], known: Mapping[Ref, Any]) -> Any:
    """A copy with the target ids in these fields."""
    if not isinstance(body, dict):
        return body
    filled = dict(body)
    for name in names:
        if (ref := body.get(name)).__class__ is dict and _is_reference(ref):
            filled[name] = known[Ref(ref["entity"], ref["key"])]
    return filled


def fill(body: Any, refs: Sequence[Ref], known: Mapping[Ref, Any]) -> Any:
    """The body with every symbolic reference replaced by its target id (None where the thing was skipped)."""
    return _with_targets(body, known) if refs else body


_PLAIN = frozenset({str, int, bool, type(None)})


def _with_targets(body: Any, known: Mapping[Ref, Any]) -> Any:
    """A copy where anything in it is a reference, else the body itself."""
    if isinstance(body, list):
        return [_with_targets(value, known) for value in body]
    if not isinstance(body, dict):
        return body
    if len(body) == 2 and _is_reference(body):
        return known[Ref(body["entity"], body["key"])]
    filled = body
    for name, value in body.items():
        if value.__class__ not in _PLAIN and (new := _with_targets(value, known)) is not value:
            filled = dict(body) if filled is body else filled
            filled[name] = new
    return filled


def _is_reference(body: dict[str, Any]) -> bool:
    return len(body) == 2 and "entity" in body and "key" in body


def references(body: Any) -> tuple[Ref, ...]:
    """The symbolic references in a body, each once."""
    if isinstance(body, dict) and _is_reference(body):
        return (Ref(body["entity"], body["key"]),)
    inner: Iterable[Any] = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return tuple(dict.fromkeys(ref for value in inner for ref in references(value)))


def differing(sent: Facts, held: Facts) -> tuple[Change, ...]:
    """The facts that the target holds otherwise: what was sent, what is there. What it does not tell is left out."""
    return tuple(Change(name, sent[name], held[name]) for name in sent if name in held and sent[name] != held[name])


def in_words(changes: Sequence[Change], where: str) -> str:
    """The first few facts that the target holds otherwise, in words; ``where`` says where ours stands."""
    return "; ".join(f"{c.field} is {c.after or 'empty'} there, {c.before or 'nothing'} {where}" for c in changes[:5])
