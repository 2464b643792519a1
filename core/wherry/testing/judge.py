"""The judge of a sweep: what was really done, by the target's own history; what had to be; and what the hub says.

It never looks into our tables for what happened: the history of the simulator (of a sink in the hub's own store, what a
fresh process finds there) is the truth; the hub's word is only what is judged (write-protocol.md, section 2, I2 to I4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from wherry.errors import EXIT_PERSON
from wherry.testing.errand import Claims
from wherry.testing.rigs import Effect, Names, Rig
from wherry.testing.scenario import Wanted

Kind = Literal["duplicate", "lost", "false"]
OURS = ("created", "updated", "voided")
UNSURE = frozenset({"unknown", "decide"})
RUN = "the run"


class Wrong(Struct, frozen=True, order=True):
    """One thing that should not be."""

    kind: Kind
    thing: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.thing}: {self.why}"


class Case(Struct, frozen=True, kw_only=True):
    """What a judgement goes by."""

    rig: Rig
    wanted: Mapping[str, Sequence[Wanted]]
    effects: Sequence[Effect]
    claims: Claims
    persons: Mapping[str, str] = {}
    """Things that are to wait for a person now → in which state."""
    company: str = ""
    """The company that everything must be in, where the history tells."""
    strict: bool = False
    """Nothing may be left to a person, even where the target can neither be asked nor recognise a repeated call."""
    latest: bool = False
    """A version that a newer one came before may be passed over, as long as it was never sent."""

    @property
    def lenient(self) -> bool:
        """Whether a lost answer may be left to a person."""
        return not (self.strict or self.rig.asks or self.rig.resends or self.rig.atomic)


def judge(case: Case) -> list[Wrong]:
    """Everything that is wrong: done twice, not done, done otherwise, or said otherwise than it is."""
    case = _lasting(case) if case.rig.updates == "never" else case
    ours = [effect for effect in case.effects if effect.what in OURS]
    found = [wrong for thing in case.wanted for wrong in _thing(case, thing, [e for e in ours if e.thing == thing])]
    found += [Wrong("duplicate", e.thing, f"nobody asked for it: {e.what} {e.total}") for e in ours
              if e.thing not in case.wanted]  # fmt: skip
    if case.claims.exit not in (0, EXIT_PERSON):
        found.append(Wrong("lost", RUN, f"ended with {case.claims.exit}: {case.claims.error}"))
    if case.company:
        found += [Wrong("false", e.thing, f"{e.what} in company {e.company}") for e in ours
                  if e.company != case.company]  # fmt: skip
    return sorted(found)


def _lasting(case: Case) -> Case:
    """The case of a target that changes nothing: what was written stays until it is taken back, and of a newer version
    a person must be told."""
    wanted, persons = {}, {}
    for thing, steps in case.wanted.items():
        versions = [one for one in steps if one.what != "voided"]
        first = next((one for one in case.effects if one.thing == thing and one.what == "created"), None)
        stands = next((one for one in versions if first and matches(first, _made(one))), versions[0])
        wanted[thing] = [_made(stands)]
        if steps[-1].what == "voided":
            wanted[thing].append(msgspec.structs.replace(stands, what="voided"))
        elif (stands.total, stands.date) != (versions[-1].total, versions[-1].date):
            persons[thing] = "refused"
    return msgspec.structs.replace(case, wanted=wanted, persons={**persons, **case.persons})


def _made(wanted: Wanted) -> Wanted:
    return msgspec.structs.replace(wanted, what="created")


def _thing(case: Case, thing: str, done: Sequence[Effect]) -> list[Wrong]:
    wanted, number, found = case.wanted[thing], 0, []
    for effect in done:
        if (reached := _reached(case, effect, wanted, number)) > number:
            number = reached
        elif any(matches(effect, earlier) for earlier in wanted[:number]):
            found.append(Wrong("duplicate", thing, f"{effect.what} {effect.total} once more, as {effect.target}"))
        else:
            found.append(Wrong("false", thing, f"{effect.what} as {effect.total} of {effect.date}, which nobody sent"))
    missing = wanted[number:]
    told = _missing(case, thing, missing[0]) if missing else _complete(case, thing, done[-1])
    return found + ([told] if told is not None else [])


def _reached(case: Case, effect: Effect, wanted: Sequence[Wanted], number: int) -> int:
    """How many of the wanted effects are met once this one is; as many as before where it is none of them."""
    for step in range(number, len(wanted) if case.latest else min(number + 1, len(wanted))):
        what = wanted[step].what if number else "created"
        if matches(effect, msgspec.structs.replace(wanted[step], what=what)):
            return step + 1
    return number


def matches(effect: Effect, wanted: Wanted) -> bool:
    """Whether an effect is the one that had to be; what the target does not tell is not compared."""
    same_total = not (wanted.total and effect.total) or Decimal(wanted.total) == Decimal(effect.total)
    same_date = not (wanted.date and effect.date) or wanted.date == effect.date
    return effect.what == wanted.what and same_total and same_date


def _missing(case: Case, thing: str, wanted: Wanted) -> Wrong | None:
    state, what = case.claims.open.get(thing, ""), f"{wanted.what} {wanted.total}".strip()
    if thing in case.persons:
        return _for_a_person(case, thing, state)
    if state and case.lenient:
        return None
    if state:
        return Wrong("lost", thing, f"not {what}; it is stuck as {state}: {case.claims.reasons.get(thing, '')}")
    if thing in case.claims.written:
        return Wrong("false", thing, f"said to be {what}, but it is not there")
    return Wrong("lost", thing, f"not {what}, and nobody says so")


def _complete(case: Case, thing: str, last: Effect) -> Wrong | None:
    state, target = case.claims.open.get(thing, ""), case.claims.written.get(thing, "")
    if thing in case.persons:
        return _for_a_person(case, thing, state)
    if state in UNSURE and case.lenient:
        return None
    if state:
        return Wrong("false", thing, f"it is there, but said to be {state}: {case.claims.reasons.get(thing, '')}")
    if not target:
        return Wrong("false", thing, "it is there, but nobody knows of it")
    if target != last.target:
        return Wrong("false", thing, f"said to be {target}, but it is {last.target}")
    return None


def _for_a_person(case: Case, thing: str, state: str) -> Wrong | None:
    wanted = case.persons[thing]
    return None if state == wanted else Wrong("false", thing, f"said to be {state or 'done'}, must be {wanted}")


def held(names: Names, documents: Sequence[Mapping[str, Any]]) -> list[Effect]:
    """The documents of a sink in the hub's own store, each as if it had been made as it is now."""
    found = []
    for one in documents:
        called = one.get("number", "") if one["kind"] == "invoice" else one.get("name", "")
        total = one.get("total") or {}
        amount = str(Decimal(total["minor"]).scaleb(-2)) if total else ""
        thing = names.get(f"{one['kind']} {called}", f"{one['kind']} {one['id']}")
        found.append(Effect(thing, "created", one["id"], amount, str(one.get("date") or "")))
    return found


def last_state(wanted: Mapping[str, Sequence[Wanted]]) -> dict[str, list[Wanted]]:
    """What has to be there, where only the last state can be seen and nothing is ever taken back."""
    kept = {thing: [one for one in steps if one.what != "voided"][-1] for thing, steps in wanted.items()}
    return {thing: [Wanted("created", one.total, one.date)] for thing, one in kept.items()}
