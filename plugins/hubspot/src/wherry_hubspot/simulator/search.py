"""Search: filters, sorts, the cap, and an index that may lag (the CRM search guide)."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from wherry.simulator import Call, Reply, whole_number

from .errors import body_of, invalid
from .facts import ID, SEARCH_BODY_MAX, SEARCH_CAP, SEARCH_MAX, Kind
from .objects import Objects
from .portal import Portal
from .store import Record, Shelf, Stamp, between
from .values import comparable, to_ms

Filter = Mapping[str, Any]
Test = Callable[[Record], bool]

MOST_GROUPS, MOST_FILTERS, MOST_IN_ALL = 5, 6, 18
NEEDS = {"IN": "values", "NOT_IN": "values", "HAS_PROPERTY": "", "NOT_HAS_PROPERTY": ""}
OPERATORS = {"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN", *NEEDS}
FOREVER = 10**15
SMALL = 2_000
KEPT = 64


@dataclass(frozen=True)
class Query:
    """A checked search."""

    kind: Kind
    groups: list[list[Filter]]
    sort: str
    descending: bool
    words: str
    limit: int
    after: int
    asked: list[str]

    @cached_property
    def span(self) -> tuple[int, int]:
        """The widest range of modified stamps that any group admits."""
        spans = [_span(group, self.kind.modified) for group in self.groups] or [(0, FOREVER)]
        return min(low for low, _ in spans), max(high for _, high in spans)

    @cached_property
    def rest(self) -> list[list[Filter]]:
        """What `span` leaves to be tested: of one group, the filters not about the modified stamp."""
        if len(self.groups) != 1:
            return self.groups
        left = [f for f in self.groups[0] if not _bounds(f, self.kind.modified)]
        return [left] if left else []


class Search:
    """The handler of ``/crm/objects/{type}/search``; results are kept until the data changes."""

    def __init__(self, portal: Portal, objects: Objects) -> None:
        self._portal = portal
        self._objects = objects
        self._kept: OrderedDict[str, list[Stamp]] = OrderedDict()

    def answer(self, call: Call) -> Reply:
        """One page of results."""
        if len(call.body) > SEARCH_BODY_MAX:
            raise invalid(f"The request body is over {SEARCH_BODY_MAX} characters", "REQUEST_TOO_LARGE")
        query = read(self._portal.kind(call.params["type"]), body_of(call))
        shelf = self._portal.shelf(query.kind)
        found = self._visible(shelf, self._sorted(shelf, query))
        page = found[query.after : query.after + query.limit]
        results = [self._objects.shown(shelf.records[str(number)], query.asked) for _, number in page]
        answer: dict[str, Any] = {"total": len(found), "results": results}
        if query.after + query.limit < len(found):
            answer["paging"] = {"next": {"after": str(query.after + query.limit)}}
        return Reply(200, answer)

    def _visible(self, shelf: Shelf, found: list[Stamp]) -> list[Stamp]:
        """Without what the index has not caught up with; the lag runs from the true moment of the write."""
        now = self._portal.now_ms()
        return [s for s in found if shelf.records[str(s[1])].indexed <= now]

    def _sorted(self, shelf: Shelf, query: Query) -> list[Stamp]:
        found = self._found(shelf, query)
        if query.sort == query.kind.modified:
            return found[::-1] if query.descending else found
        asked = (query.span, query.rest, query.words, query.sort, query.descending)
        key = f"{shelf.kind.name} {shelf.version} {asked}"
        return self._keep(key, lambda: self._by_property(shelf, query, found))

    def _by_property(self, shelf: Shelf, query: Query, found: list[Stamp]) -> list[Stamp]:
        value_type = "id" if query.sort == ID else self._portal.properties.type_of(query.kind, query.sort)

        def key(stamp: Stamp) -> tuple[bool, tuple[int, float, str], int]:
            value = shelf.records[str(stamp[1])].properties.get(query.sort)
            return (not value, comparable(value or "", value_type), stamp[1])

        return sorted(found, key=key, reverse=query.descending)

    def _found(self, shelf: Shelf, query: Query) -> list[Stamp]:
        """Matches in order of stamp; the untimed filters are tried once per state of the data."""
        if not query.rest and not query.words:
            return shelf.between(*query.span)
        near = shelf.between(*query.span)
        test = self._test(query)
        if len(near) <= SMALL:
            return [s for s in near if test(shelf.records[str(s[1])])]
        key = json.dumps([shelf.kind.name, shelf.version, query.rest, query.words])
        everywhere = self._keep(key, lambda: [s for s in shelf.by_stamp if test(shelf.records[str(s[1])])])
        return between(everywhere, *query.span)

    def _keep(self, key: str, make: Callable[[], list[Stamp]]) -> list[Stamp]:
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _test(self, query: Query) -> Test:
        groups = [[self._filter(query.kind, f) for f in group] for group in query.rest]
        words = query.words.lower().split()

        def test(record: Record) -> bool:
            if groups and not any(all(passes(record) for passes in group) for group in groups):
                return False
            return not words or _mentions(record, words)

        return test

    def _filter(self, kind: Kind, given: Filter) -> Test:
        name, operator = str(given["propertyName"]), str(given["operator"])
        value_type = "id" if name == ID else self._portal.properties.type_of(kind, name)
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            wanted = operator == "HAS_PROPERTY"
            return lambda record: bool(record.properties.get(name)) == wanted
        # Stages and pipelines repeat: each value of theirs is judged once.
        test = lru_cache(maxsize=4096)(_value_test(operator, given, value_type))
        return lambda record: test(record.properties.get(name) or "")


def _value_test(operator: str, given: Filter, value_type: str) -> Callable[[str], bool]:
    """A test of one value; a record without a value only passes the negative operators."""

    def key(text: object) -> tuple[int, float, str]:
        return comparable(str(text), value_type)

    if operator in ("IN", "NOT_IN"):
        # The index keeps text in lower case and compares the list as it is given.
        listed = {str(v) if value_type == "string" else key(v) for v in given["values"]}
        inside = operator == "IN"
        return lambda v: ((v.lower() if value_type == "string" else key(v)) in listed) == inside if v else not inside
    if operator.endswith("CONTAINS_TOKEN"):
        token, positive = str(given["value"]).lower().strip("*"), operator == "CONTAINS_TOKEN"
        return lambda v: (any(token in word for word in _words(v))) == positive
    low = key(given["value"])
    if operator == "BETWEEN":
        high = key(given["highValue"])
        return lambda v: bool(v) and low <= key(v) <= high
    if operator == "NEQ":
        return lambda v: not v or key(v) != low
    compare = _COMPARE[operator]
    return lambda v: bool(v) and compare(key(v), low)


Key = tuple[int, float, str]
_COMPARE: dict[str, Callable[[Key, Key], bool]] = {
    "EQ": lambda a, b: a == b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def _mentions(record: Record, words: list[str]) -> bool:
    text = " ".join(v.lower() for v in record.properties.values() if v)
    return all(word in text for word in words)


def _bounds(given: Filter, modified: str) -> tuple[int, int] | None:
    """The range of stamps one filter admits, when it is about the modified stamp and about a range."""
    value = to_ms(str(given.get("value", "")))
    if given["propertyName"] != modified or value is None:
        return None
    high = to_ms(str(given.get("highValue", ""))) or 0
    ranges = {
        "EQ": (value, value),
        "GTE": (value, FOREVER),
        "GT": (value + 1, FOREVER),
        "LTE": (0, value),
        "LT": (0, value - 1),
        "BETWEEN": (value, high),
    }
    return ranges.get(str(given["operator"]))


def _span(group: list[Filter], modified: str) -> tuple[int, int]:
    spans = [span for f in group if (span := _bounds(f, modified))]
    return max((low for low, _ in spans), default=0), min((high for _, high in spans), default=FOREVER)


def read(kind: Kind, body: Mapping[str, Any]) -> Query:
    """A search from its body, or the 400 it deserves."""
    limit, after = _number(body, "limit", 10), _number(body, "after", 0)
    if not 1 <= limit <= SEARCH_MAX:
        raise invalid(f"limit must be from 1 to {SEARCH_MAX}", "INVALID_LIMIT")
    if after + limit > SEARCH_CAP:
        raise invalid(f"The search reaches no further than {SEARCH_CAP} results", "PAGING_TOO_DEEP")
    sort, descending = _sort(kind, body.get("sorts") or [])
    asked = [str(name) for name in body.get("properties") or []]
    return Query(kind, _groups(body), sort, descending, str(body.get("query") or ""), limit, after, asked)


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value in (None, ""):
        return default
    number = whole_number(str(value))
    if number is None:
        raise invalid(f"{name} must be a whole number, not {value!r}")
    return number


def _groups(body: Mapping[str, Any]) -> list[list[Filter]]:
    given = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    groups: list[list[Filter]] = [list(group.get("filters") or []) for group in given]
    in_all = sum(map(len, groups))
    if len(groups) > MOST_GROUPS or any(len(g) > MOST_FILTERS for g in groups) or in_all > MOST_IN_ALL:
        raise invalid(f"At most {MOST_GROUPS} groups of {MOST_FILTERS} filters, {MOST_IN_ALL} in all, are allowed")
    for one in (f for group in groups for f in group):
        _check(one)
    return groups if all(groups) else []


def _check(given: Filter) -> None:
    operator = given.get("operator")
    if operator not in OPERATORS or not given.get("propertyName"):
        raise invalid(f"Invalid filter: operator {operator!r} on {given.get('propertyName')!r}", "INVALID_FILTER")
    needed = NEEDS.get(str(operator), "value")
    if needed and given.get(needed) in (None, []):
        raise invalid(f"Operator {operator} needs {needed}", "INVALID_FILTER")
    if operator == "BETWEEN" and given.get("highValue") is None:
        raise invalid("Operator BETWEEN needs highValue", "INVALID_FILTER")


def _sort(kind: Kind, sorts: list[Any]) -> tuple[str, bool]:
    """One sort, as an object or as text with a leading minus; without one, in order of creation."""
    if len(sorts) > 1:
        raise invalid("Only one sort is allowed", "INVALID_SORT")
    if not sorts:
        return ID, False
    if isinstance(sorts[0], str):
        return sorts[0].lstrip("-") or kind.modified, sorts[0].startswith("-")
    return str(sorts[0].get("propertyName")), sorts[0].get("direction", "ASCENDING") == "DESCENDING"
