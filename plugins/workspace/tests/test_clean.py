"""What is told to be in canonical form at a glance is what the longer way makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry_workspace.bodies import Refusal, canonical, settled
from wherry_workspace.clean import as_it_stands
from wherry_workspace.kinds import KINDS, Kind

from .test_round_trip import body

ODD = st.sampled_from([
    None, "", " ", "a\x00b", "\ud800", "007", "+1", "1E+3", "-0", "NaN", 1.5, True, 0, 2**63, -(2**63), [], {}, ["a"],
    "2026-1-5", "2026-02-30", "20260131", {"minor": 1}, {"minor": "1", "currency": "USD"},
    {"minor": 2**63, "currency": "USD"}, {"minor": 1, "currency": "XXX"}, {"minor": 1, "currency": []},
    {"entity": "customer", "key": "id:1"}, {"a": None}, {"a": 1.5}, {"a\x07": "b"}, {"a": "\x07"}, {"a": 2**64},
])  # fmt: skip


@st.composite
def nearly(draw: st.DrawFn) -> tuple[Kind, dict[str, Any]]:
    """A body of any kind, canonical but for what was done to it: a value, a field or a line put in or taken out."""
    kind = draw(st.sampled_from(sorted(KINDS.values(), key=lambda kind: kind.name)))
    made = canonical(kind, draw(body(kind, {"customer": ["C-1"], "project": ["P-1"]})))[0]
    where = draw(st.sampled_from([made, *[line for line in made.get("lines", ()) if kind.line]]))
    for name in draw(st.lists(st.sampled_from([*where, *kind.fields, "unheard_of"]), max_size=2)):
        where[name] = draw(ODD)
    for name in draw(st.lists(st.sampled_from([*where]), max_size=1)) if where else ():
        del where[name]
    return kind, made


@settings(max_examples=100, deadline=None)
@given(nearly())
def test_a_body_taken_as_it_stands_is_what_the_longer_way_makes_of_it(drawn: tuple[Kind, dict[str, Any]]) -> None:
    kind, said = drawn
    found = as_it_stands(kind, said)
    if found is not None:
        assert settled(kind, said) == (found, [])


@pytest.mark.parametrize("name", KINDS)
def test_a_body_in_canonical_form_is_taken_as_it_stands(name: str) -> None:
    """Or the glance would be a detour."""
    kind, said = KINDS[name], _whole(KINDS[name])
    assert as_it_stands(kind, canonical(kind, said)[0]) == canonical(kind, said)[0]


def test_what_is_refused_is_refused_by_the_longer_way() -> None:
    kind = KINDS["project"]
    assert as_it_stands(kind, {"name": "Fence", "amount": {"minor": 1, "currency": "XXX"}}) is None
    with pytest.raises(Refusal):
        canonical(kind, {"name": "Fence", "amount": {"minor": 1, "currency": "XXX"}})


def _whole(kind: Kind) -> dict[str, Any]:
    """A body that says something in every field."""
    said: dict[str, Any] = {
        "text": "Fence", "reference": "C-1", "decimal": "2.50", "money": {"minor": 250, "currency": "USD"},
        "date": "2026-01-31", "int": 7, "custom": {"colour": "red"},
    }  # fmt: skip
    whole = {name: said.get(field.type) for name, field in kind.fields.items()}
    whole.update({name: field.choices[-1] for name, field in kind.fields.items() if field.type == "choice"})
    whole.update({name: not field.default for name, field in kind.fields.items() if field.type == "bool"})
    if kind.line:
        whole["lines"] = [_whole(kind.line)]
    return whole
