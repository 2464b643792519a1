"""Paging and filters of the export, judged by a model of a few lines: nothing is missed, nothing comes twice."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.errors import Rejected
from wherry.web.routes import HttpRequest
from wherry_workspace import export_api, export_query

T0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOW = T0 + dt.timedelta(days=60)
moments = st.integers(0, 40).map(lambda hours: T0 + dt.timedelta(hours=hours))


class Documents:
    """Documents in a list, in the order of their last change; and a host that has nothing else."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
        self.last = 0
        self.api = export_api.ExportApi(cast(Any, SimpleNamespace(clock=None)), cast(Any, self))

    @contextlib.contextmanager
    def reading(self) -> Iterator[Documents]:
        yield self

    def sequence(self) -> int:
        return self.last

    def get(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        there = self.held.get(kind, {})
        return {id: there[id][1] for id in ids if id in there}

    def known(self, kind: str, ids: Iterable[str]) -> set[str]:
        return {id for id in ids if id in self.held.get(kind, {})}

    def put(self, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for id, body in rows:
            self.last += 1
            self.held.setdefault(kind, {})[id] = (self.last, json.loads(json.dumps(body)))

    def changed(self, kind: str, after: int, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        rows = sorted((number, id, body) for id, (number, body) in self.held.get(kind, {}).items())
        return [row for row in rows if row[0] > after][:limit]

    def remove(self, kind: str, ids: Iterable[str]) -> None:
        raise AssertionError("nothing is ever removed")

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        raise AssertionError("nobody reads them all")

    def count(self, kind: str) -> int:
        raise AssertionError

    def new_ids(self, kind: str, prefix: str, count: int) -> list[str]:
        raise AssertionError


def book(documents: Documents, number: int, made: dt.datetime = T0, changed: dt.datetime = T0) -> None:
    fields = {"date": "2026-01-31", "amount": {"minor": number, "currency": "USD"}, "debit": "1", "credit": "2"}
    body = {"fields": fields, "created": export_query.spelled(made), "changed": export_query.spelled(changed)}
    documents.put(export_api.KIND, [(f"TX-{number}", body)])


def ids(documents: Documents, **asked: Any) -> tuple[list[int], dict[str, Any]]:
    return answered(documents, [(name, str(value)) for name, value in {"system_id": "s", **asked}.items()])


def answered(documents: Documents, query: list[tuple[str, str]]) -> tuple[list[int], dict[str, Any]]:
    made = documents.api.export(HttpRequest(method="GET", path="/", url="/", query=tuple(query)))
    found = msgspec.json.decode(msgspec.json.encode(made.data))
    return [one["id"] for one in found["accounting_entries"]], found["meta"]


def mark(documents: Documents, numbers: Iterable[int], system: str = "s", now: dt.datetime = NOW) -> None:
    lines = [export_api.Mark(accounting_entry_id=one, system_id=system) for one in numbers]
    export_api.mark(documents, lines, by="t", now=now)


@given(count=st.integers(0, 30), limit=st.integers(1, 12), done=st.sets(st.integers(1, 30), max_size=10))
def test_pages_together_are_everything_once_by_number_and_by_cursor(count: int, limit: int, done: set[int]) -> None:
    """b_002_01, case_B1, case_B19"""
    documents = Documents()
    for number in range(1, count + 1):
        book(documents, number)
    done = {one for one in done if one <= count}
    if done:
        mark(documents, done)
    left = [one for one in range(1, count + 1) if one not in done]
    pages: list[int] = []
    for page in range(count // limit + 2):
        found, meta = ids(documents, limit=limit, page=page)
        pages += found
        assert len(found) <= limit
        assert meta["more"] == (len(left) > (page + 1) * limit)
    assert pages == left
    walked, cursor = [], 0
    while cursor is not None:
        found, meta = ids(documents, limit=limit, cursor=cursor)
        walked += found
        cursor = meta["cursor"]
    assert walked == left


@settings(deadline=None)
@given(data=st.data())
def test_a_cursor_passes_over_nothing_while_entries_come_and_change(data: st.DataObject) -> None:
    """case_B3, case_B4"""
    documents = Documents()
    for number in range(1, 16):
        book(documents, number)
    seen: list[int] = []
    cursor: int | None = 0
    made = 15
    while cursor is not None:
        found, meta = ids(documents, limit=3, cursor=cursor)
        seen += found
        cursor = meta["cursor"]
        if made < 30:
            for number in data.draw(st.lists(st.integers(1, made), max_size=2)):
                book(documents, number, changed=T0 + dt.timedelta(hours=1))
            made += 1
            book(documents, made)
    assert set(range(1, 16)) <= set(seen)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["book", "edit", "mark", "other"]), st.integers(1, 12)), max_size=60))
def test_what_is_offered_is_what_was_never_marked_whatever_happened_before(steps: list[tuple[str, int]]) -> None:
    """b_002_01, b_002_03: the place up to which everything is marked saves work and changes no answer."""
    documents, marked, made = Documents(), set[int](), 0
    for step, number in steps:
        if step == "book":
            made += 1
            book(documents, made)
        elif step == "edit" and number <= made:
            book(documents, number, changed=NOW)
        elif number <= made:
            mark(documents, [number], "s" if step == "mark" else "other")
            marked |= {number} if step == "mark" else set()
    assert sorted(ids(documents)[0]) == [one for one in range(1, made + 1) if one not in marked]


def test_a_backlog_that_was_taken_is_not_looked_through_again() -> None:
    documents = Documents()
    for number in range(1, 1301):
        book(documents, number)
    for start in range(1, 1301, 10):
        mark(documents, range(start, start + 10))
    looked: list[int] = []
    changed = documents.changed
    documents.changed = lambda kind, after, limit: looked.append(after) or changed(kind, after, limit)  # type: ignore
    assert ids(documents)[0] == []
    assert looked == [1300 if not looked else looked[0]]
    assert len(looked) == 1


# -- filters -----------------------------------------------------------------------------------------------------------

OPERATORS = ("eq", "gt", "gte", "lt", "lte", "in", "bt", "ct", "sw", "ew")


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from(OPERATORS))
    one = moments.map(export_query.spelled)
    value: Any
    if operator == "in":
        value = draw(st.lists(one, min_size=1, max_size=3))
    elif operator == "bt":
        value = draw(st.tuples(one, one).map(list))
    elif operator in ("ct", "sw", "ew"):
        value = draw(st.sampled_from(["2026-01-01", "T05:", "00.000Z", "2026", "x"]))
    else:
        value = draw(one)
    value = draw(st.sampled_from([value, value, value, None]))
    return {"key": draw(st.sampled_from(export_query.KEYS)), "operator": operator, "value": value,
            "not": draw(st.booleans())}  # fmt: skip


groups = st.lists(st.fixed_dictionaries({"or": st.booleans(), "filters": st.lists(filters(), max_size=3)}), max_size=3)


def holds(said: dict[str, Any], entry: dict[str, str]) -> bool:
    """The model, on texts: all of one length, in one zone, so they compare as times do."""
    value, wanted = entry[said["key"]], said["value"]
    if wanted is None:
        found = False
    else:
        found = {
            "eq": lambda: value == wanted, "gt": lambda: value > wanted, "gte": lambda: value >= wanted,
            "lt": lambda: value < wanted, "lte": lambda: value <= wanted, "in": lambda: value in wanted,
            "bt": lambda: wanted[0] <= value <= wanted[1], "ct": lambda: wanted in value,
            "sw": lambda: value.startswith(wanted), "ew": lambda: value.endswith(wanted),
        }[said["operator"]]()  # fmt: skip
    return found != said["not"]


def passes(said: list[dict[str, Any]], entry: dict[str, str]) -> bool:
    return all(
        (any if group["or"] and group["filters"] else all)(holds(one, entry) for one in group["filters"])
        for group in said
    )


def brackets(said: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """As PHP writes it into a query."""
    pairs = []
    for g, group in enumerate(said):
        pairs.append((f"filter_groups[{g}][or]", "true" if group["or"] else "0"))
        for f, one in enumerate(group["filters"]):
            place = f"filter_groups[{g}][filters][{f}]"
            pairs += [(f"{place}[key]", one["key"]), (f"{place}[operator]", one["operator"])]
            pairs.append((f"{place}[not]", "1" if one["not"] else "false"))
            value = one["value"]
            if isinstance(value, list):
                pairs += [(f"{place}[value][]", each) for each in value]
            else:
                pairs.append((f"{place}[value]", value or ""))
    return pairs


@settings(deadline=None, max_examples=200)
@given(said=groups, times=st.lists(st.tuples(moments, moments), max_size=8))
def test_filters_choose_what_they_say_in_both_notations(
    said: list[dict[str, Any]], times: list[tuple[dt.datetime, dt.datetime]]
) -> None:
    """b_002_05, b_002_06"""
    documents = Documents()
    wanted = []
    for number, (made, changed) in enumerate(times, 1):
        book(documents, number, made, changed)
        entry = {"created_at": export_query.spelled(made), "updated_at": export_query.spelled(changed)}
        wanted += [number] if passes(said, entry) else []
    assert ids(documents, filter_groups=json.dumps(said))[0] == wanted
    query = parse_qsl(urlencode([("system_id", "s"), *brackets(said)]), keep_blank_values=True)
    assert answered(documents, query)[0] == wanted
    assert answered(documents, [*query, ("sort[0][key]", "id")])[0] == wanted
    backwards = [*query, ("sort[0][key]", "id"), ("sort[0][direction]", "DESC")]
    assert answered(documents, backwards)[0] == wanted[::-1]


@given(st.lists(st.tuples(st.text(max_size=12) | st.sampled_from(["filter_groups", "filter_groups[0]",
       "filter_groups[0][filters]", "filter_groups[][filters][][key]", "limit", "page", "cursor", "system_id",
       "not_exported_since"]), st.text(max_size=20)), max_size=6))  # fmt: skip
def test_any_query_is_taken_or_refused_in_words(query: list[tuple[str, str]]) -> None:
    """case_G20"""
    with contextlib.suppress(Rejected):
        export_query.asked(query)


@given(st.text(max_size=60) | st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["or", "filters", "key", "value"]),
       inner, max_size=3)).map(json.dumps))  # fmt: skip
def test_any_filter_text_is_taken_or_refused_in_words(text: str) -> None:
    """case_G20"""
    with contextlib.suppress(Rejected):
        export_query.asked([("system_id", "s"), ("filter_groups", text)])


@given(st.from_regex(r"TX-[0-9]{1,18}", fullmatch=True), st.from_regex(r"TX-[0-9]{1,18}", fullmatch=True))
def test_integer_ids_lead_back_and_are_never_shared(one: str, other: str) -> None:
    """b_002_09"""
    number = export_api.number_of(one)
    assert 0 <= number < 2**63
    assert export_api.id_of(number) == one
    assert (number == export_api.number_of(other)) == (one == other)


@given(st.integers())
def test_an_integer_stands_for_one_entry_or_for_none(number: int) -> None:
    """b_002_09"""
    name = export_api.id_of(number)
    assert name == "" or export_api.number_of(name) == number
