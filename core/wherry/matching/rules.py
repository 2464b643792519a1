"""The default matcher: a chain of rules, and what is done with what no rule finds.

``link`` (what was linked before) is resolved by the core, ahead of any matcher; it is accepted in an order so that the
order reads whole. Then ``sku``, ``name`` and, where they are asked for, ``reference`` and ``fuzzy``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Literal, Protocol, TypeVar, get_args, runtime_checkable

from msgspec import Struct

from wherry.errors import ConfigError
from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.known import holder_of, is_id, pending_id, pending_ref, said
from wherry.matching.namesakes import Named, Namesakes
from wherry.matching.text import code_of, fold, sku_key, words
from wherry.records import Ask, Candidate, Create, Decision, Draft, Link, Listed, Ref, Same, Skip
from wherry.roles import Catalogue
from wherry.wording import spelled

Rule = Literal["link", "reference", "sku", "name", "fuzzy"]
Unmatched = Literal["create", "triage", "skip"]
RULES: tuple[Rule, ...] = get_args(Rule)
UNMATCHED: tuple[Unmatched, ...] = get_args(Unmatched)
DEFAULT_ORDER: tuple[Rule, ...] = ("link", "sku", "name")

Word = TypeVar("Word", bound=str)

Note = Callable[[], str]
"""Why what looks right is not linked, in words, if anything does: nobody needs them where a create follows."""

_CANDIDATES = 5
_LOOKED_AT = 10


class RuleMatcher:
    """A ``Matcher``. ``order`` is the chain, the first rule that decides wins; ``unmatched`` is what follows it."""

    def __init__(self, order: Sequence[Rule] = DEFAULT_ORDER, unmatched: Unmatched = "triage") -> None:
        self.order, self.unmatched = tuple(order), unmatched
        self._finders = [_FINDERS[rule] for rule in self.order if rule in _FINDERS]

    @classmethod
    def from_settings(
        cls, order: Iterable[str] = DEFAULT_ORDER, unmatched: str = "triage", *, key: str = "match"
    ) -> RuleMatcher:
        """From the project file; ``key`` is the path of the table there.

        Raises ConfigError (WHERRY-2055) for an unknown rule, a rule named twice or an unknown word for unmatched.
        """
        rules = [_allowed(f"{key}.order", rule, RULES) for rule in order]
        if twice := next((rule for rule in rules if rules.count(rule) > 1), None):
            message = f'{key}.order names the rule "{twice}" twice'
            raise ConfigError(message, fix="name each rule once", code="WHERRY-2056", key=f"{key}.order")
        return cls(rules, _allowed(f"{key}.unmatched", unmatched, UNMATCHED))

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        """One decision a draft, in order. Drafts of one key are decided once; what the batch creates is found by the
        drafts behind it. The caller enters creates and links into the catalogue before the next batch."""
        if not self._finders and self.unmatched == "create":
            return [Create()] * len(drafts)
        batch, numbered = _Batch(catalogue), "reference" in self.order
        return [
            Create() if stranger else batch.once(_asked(draft, numbered), self._decide)
            for draft, stranger in zip(drafts, self._strangers(drafts, catalogue), strict=True)
        ]

    def _strangers(self, drafts: Sequence[Draft], catalogue: Catalogue) -> Sequence[bool]:
        """Of each draft whether no rule can find anything for it: then it is created, and no reason is needed."""
        if self.unmatched == "create" and _BY_NAME.issuperset(self.order) and isinstance(catalogue, _Foresees):
            return catalogue.strangers(drafts)
        return [False] * len(drafts)

    def _decide(self, asked: _Asked, batch: _Batch) -> Decision:
        notes: list[Note] = []
        for finder in self._finders:
            if decision := finder(asked, batch, notes):
                return decision
        if self.unmatched == "create":
            return Create()
        if self.unmatched == "skip":
            return Skip(_unmatched(asked, notes))
        return Ask(batch.nearest(asked)[:_CANDIDATES], _unmatched(asked, notes))


class _Asked(Struct, frozen=True):
    """What a draft is known by; its number counts only where a rule looks at it."""

    draft: Draft
    ref: Ref
    name: str
    sku: str
    number: str


def _asked(draft: Draft, numbered: bool) -> _Asked:
    number = said(draft, "number") if numbered else ""
    return _Asked(draft, draft.ref, said(draft, "name") or draft.label, said(draft, "sku"), number)


@runtime_checkable
class _Numbered(Protocol):
    """A catalogue that can be searched by number; one that cannot is searched by SKU and name only."""

    def by_number(self, number: str) -> Sequence[Listed]: ...


@runtime_checkable
class _Sorted(Protocol):
    """A catalogue that keeps the things of a name sorted by who they can still be; of another they are sorted here."""

    def namesakes(self, name: str) -> Named: ...


@runtime_checkable
class _Foresees(Protocol):
    """A catalogue that tells at once which drafts share neither key, nor SKU, nor a name with anything in it that they
    can be, or with one another."""

    def strangers(self, drafts: Sequence[Draft]) -> Sequence[bool]: ...


class _Batch:
    """The catalogue as it will be once the decisions made so far in this batch are entered."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue, self._created = catalogue, ListingCatalogue()
        self._decided: dict[Ref, Decision] = {}
        self._named: dict[str, Namesakes] = {}
        self._nearest: tuple[_Asked | None, tuple[Candidate, ...]] = None, ()
        self._there = catalogue.namesakes if isinstance(catalogue, _Sorted) else self._sorted

    def once(self, asked: _Asked, decide: Callable[[_Asked, _Batch], Decision]) -> Decision:
        """The decision for a draft, made once for each key. An empty key tells nothing from another."""
        if asked.ref.key and (known := self._decided.get(asked.ref)) is not None:
            return known
        decision = self._decided[asked.ref] = decide(asked, self)
        if asked.ref.key:
            self._note(asked, decision)
        return decision

    def _note(self, asked: _Asked, decision: Decision) -> None:
        key = asked.ref.key
        if isinstance(decision, Create):
            listed = Listed(pending_id(asked.ref), asked.name, asked.sku, number=said(asked.draft, "number"))
            self._created.add(listed)
        elif isinstance(decision, Link):
            self._created.link(decision.target, key)
        elif isinstance(decision, Same):
            self._created.link(pending_id(decision.ref), key)

    def by_sku(self, sku: str) -> list[Listed]:
        return [*self._catalogue.by_sku(sku), *self._created.by_sku(sku)]

    def by_reference(self, number: str) -> list[Listed]:
        """What is known by this number; among things without number and SKU, what has it for a name."""
        numbered = self._catalogue.by_number(number) if isinstance(self._catalogue, _Numbered) else ()
        hits = [*numbered, *self._created.by_number(number)]
        hits += self.by_sku(number)
        named = [*self._catalogue.by_name(number), *self._created.by_name(number)]
        wanted = sku_key(number)
        hits += [hit for hit in named if not (hit.number or hit.sku) and sku_key(hit.name) == wanted]
        return list({hit.id: hit for hit in hits}.values())

    def by_name(self, name: str) -> tuple[Named, Named]:
        """What the catalogue has of a name, and what this batch creates."""
        return self._there(name), self._created.namesakes(name)

    def _sorted(self, name: str) -> Namesakes:
        if name not in self._named:
            found = self._named[name] = Namesakes()
            for listed in self._catalogue.by_name(name):
                found.enter(listed, holder_of(listed.id, self._keys_of(listed.id)))
        return self._named[name]

    def other_id(self, target: str, key: str) -> str:
        """Another record of this source that the target is already, if there is one: two ids are two things."""
        if not is_id(key):
            return ""
        return next((other for other in self._keys_of(target) if _two_ids(other, key)), "")

    def _keys_of(self, target: str) -> list[str]:
        own = pending_ref(target)
        return [*([own.key] if own else ()), *self._catalogue.keys_of(target), *self._created.keys_of(target)]

    def nearest(self, asked: _Asked) -> tuple[Candidate, ...]:
        """The nearest targets that exist: nobody can be asked to choose what is not written yet. Where the rule of
        likeness decides nothing, the question asks once more for the same."""
        if self._nearest[0] is not asked:
            near = self._catalogue.nearest(asked.name, asked.sku, _LOOKED_AT + _CANDIDATES)
            there = tuple(candidate for candidate in near if pending_ref(candidate.id) is None)
            self._nearest = asked, there[:_LOOKED_AT]
        return self._nearest[1]


def _by_reference(asked: _Asked, batch: _Batch, notes: list[Note]) -> Decision | None:
    hits = batch.by_reference(asked.number) if sku_key(asked.number) else []
    if len(hits) == 1:
        hit, wanted = hits[0], sku_key(asked.number)
        held = (("number", hit.number), ("SKU", hit.sku), ("name", hit.name))
        field, value = next(pair for pair in held if sku_key(pair[1]) == wanted)
        return _found(asked, hit, "reference", f'number "{asked.number}" equals the {field} "{value}" of "{hit.name}"')
    return _several(asked, hits, f'the number "{asked.number}"') if hits else None


def _by_sku(asked: _Asked, batch: _Batch, notes: list[Note]) -> Decision | None:
    hits = batch.by_sku(asked.sku) if asked.sku else []
    if len(hits) == 1:
        return _found(asked, hits[0], "sku", f'SKU "{asked.sku}" equals "{hits[0].sku}" of "{hits[0].name}"')
    return _several(asked, hits, f'the SKU "{asked.sku}"') if hits else None


def _by_name(asked: _Asked, batch: _Batch, notes: list[Note]) -> Decision | None:
    there, here = batch.by_name(asked.name)
    rivals = chain(there.rivals(asked.ref.key, asked.sku), here.rivals(asked.ref.key, asked.sku))
    if all(_doubt(asked, hit.id, hit.sku, batch) for hit in rivals):
        notes.append(lambda: _same_name(asked, [*there.first(2), *here.first(2)][:2], batch))
        return None
    hits = [*there.all, *here.all]
    if len(hits) == 1:
        held = hits[0].name
        return _found(asked, hits[0], "name", f'name "{asked.name}" equals "{held}"{_but_for(asked.name, held)}')
    return _several(asked, hits, f'the name "{asked.name}"')


def _same_name(asked: _Asked, hits: Sequence[Listed], batch: _Batch) -> str:
    return "; ".join(f'"{hit.name}" has the same name, but {_doubt(asked, hit.id, hit.sku, batch)}' for hit in hits)


def _by_likeness(asked: _Asked, batch: _Batch, notes: list[Note]) -> Decision | None:
    from wherry.matching.fuzzy import sure

    near = batch.nearest(asked)
    why = sure(asked.name, near)
    if not why:
        return None
    if doubt := _doubt(asked, near[0].id, near[0].sku, batch):
        notes.append(lambda: f'"{near[0].name}" has the same model number, but {doubt}')
        return None
    return Link(near[0].id, "fuzzy", why)


_BY_NAME: frozenset[Rule] = frozenset({"link", "sku", "name"})
"""Rules that find nothing for what has another SKU and another name."""

_FINDERS: dict[Rule, Callable[[_Asked, _Batch, list[Note]], Decision | None]] = {
    "reference": _by_reference,
    "sku": _by_sku,
    "name": _by_name,
    "fuzzy": _by_likeness,
}


def _found(asked: _Asked, hit: Listed, rule: str, why: str) -> Decision:
    ref = pending_ref(hit.id)
    if ref is None:
        return Link(hit.id, rule, why)
    return Create() if ref == asked.ref else Same(ref, rule)


def _several(asked: _Asked, hits: Sequence[Listed], what: str) -> Ask:
    """A question between targets that are equal by rule, the likest name first."""
    candidates = [_candidate(asked.name, hit, what) for hit in hits if pending_ref(hit.id) is None]
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.id))
    return Ask(tuple(candidates[:_CANDIDATES]), f"{len(hits)} things in the target have {what}")


def _candidate(name: str, hit: Listed, what: str) -> Candidate:
    from rapidfuzz import fuzz

    likeness = fuzz.token_sort_ratio(" ".join(words(name)), " ".join(words(hit.name))) / 100
    return Candidate(hit.id, hit.name, round(0.9 + likeness / 10, 4), f"has {what} too; name {likeness:.2f}", hit.sku)


def _doubt(asked: _Asked, target: str, sku: str, batch: _Batch) -> str:
    """Why a target of the same name is another thing all the same; empty where nothing says so."""
    ours, theirs = code_of(asked.sku), code_of(sku)
    if ours and theirs and ours != theirs:
        return f"its SKU is {sku}, not {asked.sku}"
    other = batch.other_id(target, asked.draft.key)
    return f"it is linked to another record of the source ({other.removeprefix('id:')})" if other else ""


def _two_ids(one: str, other: str) -> bool:
    return one != other and is_id(one) and is_id(other)


def _but_for(asked: str, held: str) -> str:
    """In what two equal names differ."""
    if asked == held:
        return ""
    if asked.casefold() == held.casefold():
        return " but for case"
    if fold(asked) == fold(held):
        return " but for case, accents or unicode form"
    if "".join(fold(asked).split()) == "".join(fold(held).split()):
        return " but for spaces"
    return " but for spaces and punctuation"


def _unmatched(asked: _Asked, notes: Sequence[Note]) -> str:
    called = f'{spelled(asked.draft.entity)} "{asked.draft.label or asked.name or asked.draft.key}"'
    if told := "; ".join(filter(None, [note() for note in notes])):
        return f"{called}: {told}"
    known = (("number", asked.number), ("SKU", asked.sku), ("name", asked.name))
    sought = [f'the {field} "{value}"' for field, value in known if value]
    return f"{called}: nothing in the target has {' or '.join(sought) or 'what it could be told by'}"


def _allowed(key: str, value: str, allowed: tuple[Word, ...]) -> Word:
    for word in allowed:
        if word == value:
            return word
    near = difflib.get_close_matches(str(value), allowed, 1)
    suggestion = f'did you mean "{near[0]}"? ' if near else ""
    raise ConfigError(
        f'{key}: "{value}" is not known', fix=f"{suggestion}allowed: {', '.join(allowed)}",
        code="WHERRY-2055", key=key, allowed=list(allowed),
    )  # fmt: skip
