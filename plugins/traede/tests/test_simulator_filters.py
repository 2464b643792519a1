"""``filter_groups`` as Bruno has it: whatever the groups, what comes is what a plain reading of them gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.simulator import Stage
from wherry_traede.simulator.entries import Entries, Entry
from wherry_traede.simulator.filters import DATES, OPERATORS, predicate, query_of

Api = Any
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
moments = st.integers(0, 5 * 86_400).map(lambda seconds: START + dt.timedelta(seconds=seconds // 3600 * 3600))


def plain(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


forms: st.SearchStrategy[Callable[[dt.datetime], str]] = st.sampled_from(
    [plain, dt.datetime.isoformat, lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")]
)


@st.composite
def values(draw: st.DrawFn, operator: str) -> Any:
    """The value of a filter, and the moments or text that it means."""
    if operator in ("ct", "sw", "ew"):
        text = plain(draw(moments))
        start = draw(st.integers(0, len(text) - 1))
        return text[start : draw(st.integers(start + 1, len(text)))]
    count = {"in": draw(st.integers(1, 3)), "bt": 2}.get(operator)
    one = draw(forms)
    return one(draw(moments)) if count is None else [draw(forms)(draw(moments)) for _ in range(count)]


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from(OPERATORS))
    value = draw(st.one_of(values(operator), st.sampled_from(["null", ""])))
    return {"key": draw(st.sampled_from(DATES)), "operator": operator, "value": value, "not": draw(st.booleans())}


@st.composite
def groups(draw: st.DrawFn) -> list[dict[str, Any]]:
    group = st.fixed_dictionaries({"or": st.booleans(), "filters": st.lists(filters(), min_size=1, max_size=3)})
    return draw(st.lists(group, max_size=3))


def pairs_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value as PHP's ``http_build_query`` spells it."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from pairs_of(f"{name}[{key}]", below)
    else:
        yield name, str(int(value)) if isinstance(value, bool) else str(value)


def moment(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def means(entry: Entry, said: dict[str, Any]) -> bool:
    """The plain reading of one filter."""
    held = dt.datetime.fromtimestamp(entry.created if said["key"] == "created_at" else entry.updated, dt.UTC)
    operator, value = said["operator"], said["value"]
    if value in ("null", ""):
        return bool(said["not"])
    if operator in ("ct", "sw", "ew"):
        text = plain(held)
        true = {"ct": value in text, "sw": text.startswith(value), "ew": text.endswith(value)}[operator]
    else:
        asked = [moment(one) for one in ([value] if isinstance(value, str) else value)]
        true = {
            "eq": held == asked[0], "gt": held > asked[0], "gte": held >= asked[0], "lt": held < asked[0],
            "lte": held <= asked[0], "in": held in asked, "bt": asked[0] <= held <= asked[-1],
        }[operator]  # fmt: skip
    return bool(true) != bool(said["not"])


def held(made: list[tuple[dt.datetime, dt.datetime]]) -> list[Entry]:
    entries = Entries(Stage(), "DKK")
    return [entries.add({"created_at": plain(first), "updated_at": plain(last)}) for first, last in made]


@given(groups(), st.lists(st.tuples(moments, moments), max_size=6), st.booleans())
@settings(max_examples=100, deadline=None)
def test_filter_groups_choose_what_a_plain_reading_of_them_chooses(
    said: list[dict[str, Any]], made: list[tuple[dt.datetime, dt.datetime]], short: bool
) -> None:
    """b_002_05 b_002_06"""
    entries = held(made)
    wanted = [
        entry
        for entry in entries
        if all((any if group["or"] else all)(means(entry, one) for one in group["filters"]) for group in said)
    ]
    sent = [{**group, "filters": [list(one.values()) if short else one for one in group["filters"]]} for group in said]
    query = query_of(list(pairs_of("filter_groups", sent)))
    holds = predicate(query.get("filter_groups"), DATES)
    assert [entry for entry in entries if holds(entry)] == wanted


nested = st.recursive(
    st.text(max_size=5), lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3),
        st.dictionaries(st.text("abc", min_size=1, max_size=3), below, min_size=1, max_size=3),
    ), max_leaves=6,
)  # fmt: skip


@given(nested.filter(lambda value: "[[[[[" not in repr(value)))
def test_a_query_is_read_as_php_reads_it(value: Any) -> None:
    pairs = list(pairs_of("q", value))
    if max(key.count("[") for key, _ in pairs) < 6:
        assert query_of(pairs) == {"q": value}


def test_lists_may_be_spelled_with_empty_brackets() -> None:
    assert query_of([("value[]", "a"), ("value[]", "b"), ("x", "1"), ("x", "2")]) == {"value": ["a", "b"], "x": "2"}
    assert query_of([("a", "1"), ("a[b]", "2")]) == {"a": {"b": "2"}}


def test_text_is_compared_without_case_and_null_is_neither_equal_nor_different(api: Api) -> None:
    """b_002_12: the core API filters by every field."""
    one, other, none = api.sim.add(text="Faktura 17"), api.sim.add(text="KREDITNOTA"), api.sim.add()

    def found(operator: str, value: str, negated: str = "0") -> list[int]:
        place = "filter_groups[0][filters][0]"
        parts = {"key": "text", "operator": operator, "value": value, "not": negated}
        ids: list[int] = api.ids("/v10/accounting-entries", **{f"{place}[{n}]": part for n, part in parts.items()})
        return ids

    assert found("eq", "faktura 17") == [one]
    assert found("ct", "KRED") == [other]
    assert found("sw", "fak_ura") == [one], "a line under stands for one sign, as in SQL"
    assert found("eq", "faktura 17", "1") == [other]
    assert found("eq", "null") == [none]
    assert found("eq", "", "1") == [one, other]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_its_negation(operator: str) -> None:
    (entry,) = held([(START, START)])
    value: Any = [plain(START), plain(START)] if operator in ("in", "bt") else plain(START)
    yes = predicate([{"filters": [["created_at", operator, value]]}], DATES)(entry)
    no = predicate([{"filters": [["created_at", operator, value, "1"]]}], DATES)(entry)
    assert yes != no
