"""What a caller of the export API asks for: its query parameters, and filters in the syntax of ``filter_groups``.

The syntax is that of Bruno, a PHP library: a list of groups, all of which must hold; a group is ``{or, filters}``, its
filters all of which (or, with ``or``, one of which) must hold; a filter is ``{key, operator, value, not}`` or the short
``[key, operator, value, not]``. It comes in PHP's bracket notation (``filter_groups[0][filters][0][key]=created_at``)
or as JSON text. An export can be filtered by ``created_at`` and ``updated_at`` only, an untracked read by ``id`` too.
``sort`` is a list of ``{key, direction}``.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import Rejected

SINCE = ("not_exported_since", "not_export_since")
"""Both spellings are in use for one parameter."""
PAGED = ("filter_groups", "sort", "limit", "page", "cursor")
KNOWN = ("system_id", *SINCE, *PAGED)
KEYS = ("created_at", "updated_at")
ID = "id"
MOST, USUAL = 1000, 500
"""Entries in one answer: at most, and where nobody said."""
LONGEST_SYSTEM = 100
_MOST_FILTERS = 50
_MOST_VALUES = 100
_PART = re.compile(r"\[([^\[\]]*)\]")
_NESTED = re.compile(r"(filter_groups|sort)((?:\[[^\[\]]*\]){1,5})")
_LOST_PLUS = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:?\d\d)$")
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d")

Facts = Mapping[str, Any]
"""``created_at`` and ``updated_at`` of one entry, aware, and its ``id``, an integer."""


class Filter(Struct, frozen=True):
    """One condition. ``values`` are moments or ids for a comparison, a text for a search, none for a test for null."""

    key: str
    operator: str
    values: tuple[Any, ...] = ()
    negated: bool = False

    def holds(self, facts: Facts) -> bool:
        return self._holds(facts[self.key]) != self.negated

    def _holds(self, value: Any) -> bool:
        if not self.values:
            return False  # a test for null: an entry always has an id and both moments
        return bool(_HOLDS[self.operator](value, self.values))


def _text(value: Any) -> str:
    return spelled(value) if isinstance(value, dt.datetime) else str(value)


_HOLDS: dict[str, Callable[[Any, tuple[Any, ...]], object]] = {
    "ct": lambda value, wanted: wanted[0] in _text(value),
    "sw": lambda value, wanted: _text(value).startswith(wanted[0]),
    "ew": lambda value, wanted: _text(value).endswith(wanted[0]),
    "eq": lambda value, wanted: value == wanted[0],
    "in": lambda value, wanted: value in wanted,
    "bt": lambda value, wanted: wanted[0] <= value <= wanted[1],
    "gt": lambda value, wanted: value > wanted[0],
    "gte": lambda value, wanted: value >= wanted[0],
    "lt": lambda value, wanted: value < wanted[0],
    "lte": lambda value, wanted: value <= wanted[0],
}


class Group(Struct, frozen=True):
    filters: tuple[Filter, ...]
    any: bool = False

    def holds(self, facts: Facts) -> bool:
        found = (one.holds(facts) for one in self.filters)
        return any(found) if self.any and self.filters else all(found)


class Asked(Struct, frozen=True, kw_only=True):
    """A call of the export. Exported entries come back if they were exported at ``since`` or later; None: none do.

    Of an untracked read ``system`` is empty. ``sort`` is (key, whether the largest come first).
    """

    system: str
    since: dt.datetime | None = None
    groups: tuple[Group, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int = USUAL
    page: int = 0
    cursor: int = 0

    def holds(self, facts: Facts) -> bool:
        return all(group.holds(facts) for group in self.groups)

    @property
    def ids(self) -> tuple[int, ...] | None:
        """The ids that alone can be meant, where a filter names them."""
        alone = [group.filters[0] for group in self.groups if len(group.filters) == 1]
        named = [one for one in alone if one.key == ID and one.operator in ("eq", "in") and not one.negated]
        return named[0].values if named else None


def asked(query: Sequence[tuple[str, str]], *, tracked: bool = True) -> Asked:
    """The parameters, checked. Raises Rejected that names the one that is wrong, missing or unknown."""
    plain: dict[str, str] = {}
    nested: dict[str, list[tuple[list[str], str]]] = {"filter_groups": [], "sort": []}
    known = KNOWN if tracked else PAGED
    for name, value in query:
        if found := _NESTED.fullmatch(name):
            nested[found[1]].append((_PART.findall(found[2]), value))
        elif name not in known:
            raise _unknown(name, known)
        elif plain.setdefault(name, value) != value:
            raise wrong(name, "is there twice, with different values")
    tree = {
        name: _from_json(name, plain[name]) if plain.get(name) else _from_brackets(name, pairs)
        for name, pairs in nested.items()
    }
    want = Asked(
        system=system(plain.get("system_id"), "system_id") if tracked else "", since=_since(plain),
        groups=_groups(tree["filter_groups"], KEYS if tracked else (ID, *KEYS)), sort=_sort(tree["sort"]),
        limit=_number("limit", plain, USUAL, 1, MOST), page=_number("page", plain, 0, 0, 10**9),
        cursor=_number("cursor", plain, 0, 0, 2**62),
    )  # fmt: skip
    if want.cursor and (want.sort or want.page):
        raise wrong("cursor", "cannot go with sort or page: it has an order of its own")
    return want


def _sort(said: Any) -> tuple[tuple[str, bool], ...]:
    if said in ({}, None):
        return ()
    order = []
    for n, one in enumerate(said) if isinstance(said, list) and len(said) <= len(KEYS) + 1 else [(0, None)]:
        if not isinstance(one, dict) or set(one) - {"key", "direction"} or one.get("key") not in (ID, *KEYS):
            raise wrong(f"sort[{n}]", f"must be {{key, direction}}, its key one of {', '.join((ID, *KEYS))}")
        direction = str(one.get("direction") or "ASC").upper()
        if direction not in ("ASC", "DESC"):
            raise wrong(f"sort[{n}][direction]", "must be ASC or DESC")
        order.append((str(one["key"]), direction == "DESC"))
    return tuple(order)


def system(value: object, name: str) -> str:
    """The name of a receiving system, under which exports are kept track of. Raises Rejected."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(name, "must name the system that takes the entries, as in erp-1")
    if len(value) > LONGEST_SYSTEM or not value.isprintable():
        raise wrong(name, f"must be printable text of at most {LONGEST_SYSTEM} characters")
    return value


def _since(plain: Mapping[str, str]) -> dt.datetime | None:
    given = {name: plain[name] for name in SINCE if plain.get(name)}
    if len(set(given.values())) > 1:
        raise wrong(SINCE[0], f"is there in both spellings ({' and '.join(SINCE)}), with different values")
    return next((moment(name, value) for name, value in given.items()), None)


def _number(name: str, plain: Mapping[str, str], usual: int, least: int, most: int) -> int:
    text = plain.get(name) or str(usual)
    if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise wrong(name, f"must be a whole number from {least} to {most}")
    return int(text)


def moment(name: str, value: object) -> dt.datetime:
    """A time from text: ISO 8601, also with a blank for the T; without an offset it is UTC, a day is its midnight."""
    text = _LOST_PLUS.sub(r"\1+\2", value.strip()) if isinstance(value, str) else ""  # a + in a query means a blank
    try:
        if not _PLAIN.match(text):
            raise ValueError(text)
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise wrong(name, "must be a time in UTC such as 2026-01-31T08:00:00Z") from None


def spelled(value: dt.datetime) -> str:
    """A moment as the API writes it: UTC, to the millisecond."""
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- filter groups -----------------------------------------------------------------------------------------------------


def _from_json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise wrong(
            name, "is neither in brackets, as in filter_groups[0][filters][0][key]=created_at, nor JSON"
        ) from None


def _from_brackets(name: str, nested: Iterable[tuple[list[str], str]]) -> Any:
    tree: dict[str, Any] = {}
    for path, value in nested:
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise wrong(name, "holds a value and further brackets at one place")
        if isinstance(node.get(path[-1]), dict):
            raise wrong(name, "holds a value and further brackets at one place")
        node[path[-1] or str(len(node))] = value
    return _listed(tree)


def _listed(node: Any) -> Any:
    """PHP's way: what is numbered is a list."""
    if not isinstance(node, dict):
        return node
    if node and all(re.fullmatch(r"[0-9]{1,4}", name) for name in node):
        return [_listed(node[name]) for name in sorted(node, key=int)]
    return {name: _listed(inner) for name, inner in node.items()}


def _groups(said: Any, keys: Sequence[str]) -> tuple[Group, ...]:
    if said in ({}, None):
        return ()
    if not isinstance(said, list):
        raise wrong("filter_groups", "must be a list of groups")
    groups = tuple(_group(one, f"filter_groups[{n}]", keys) for n, one in enumerate(said))
    if sum(len(group.filters) for group in groups) > _MOST_FILTERS or len(groups) > _MOST_FILTERS:
        raise wrong("filter_groups", f"may hold at most {_MOST_FILTERS} filters")
    return groups


def _group(said: Any, name: str, keys: Sequence[str]) -> Group:
    if not isinstance(said, dict) or set(said) - {"or", "filters"} or not isinstance(said.get("filters", []), list):
        raise wrong(name, "must be {or, filters}, its filters a list")
    filters = tuple(_filter(one, f"{name}[filters][{n}]", keys) for n, one in enumerate(said.get("filters", [])))
    return Group(filters, _truth(said.get("or"), f"{name}[or]"))


def _filter(said: Any, name: str, keys: Sequence[str]) -> Filter:
    names = ("key", "operator", "value", "not")
    if isinstance(said, list) and 2 <= len(said) <= len(names):
        said = dict(zip(names, said, strict=False))
    if not isinstance(said, dict) or set(said) - set(names):
        raise wrong(name, "must be {key, operator, value, not} or [key, operator, value, not]")
    key, operator = str(said.get("key")), str(said.get("operator"))
    if key not in keys:
        raise wrong(f"{name}[key]", f"must be {' or '.join(keys)}: nothing else can be filtered")
    if operator not in _VALUES:
        raise wrong(f"{name}[operator]", f"must be one of {', '.join(_VALUES)}")
    values = _values(key, operator, said.get("value"), f"{name}[value]")
    return Filter(key, operator, values, _truth(said.get("not"), f"{name}[not]"))


_SHAPES = {1: "one value", 2: "a list of two values"}
_VALUES = {"ct": 0, "sw": 0, "ew": 0, "eq": 1, "gt": 1, "gte": 1, "lt": 1, "lte": 1, "in": _MOST_VALUES, "bt": 2}
"""Operator → how many values it takes; of 0 it takes a text."""


def _values(key: str, operator: str, value: Any, name: str) -> tuple[Any, ...]:
    if value in (None, "", "null"):
        return ()
    most = _VALUES[operator]
    if most == 0:
        if not isinstance(value, str) or len(value) > LONGEST_SYSTEM:
            raise wrong(name, "must be a piece of a time such as 2026-01")
        return (value.replace(" ", "T"),)
    many = value if isinstance(value, list) else [value]
    if isinstance(value, list) != (most > 1) or not 1 <= len(many) <= most or (operator == "bt" and len(many) != most):
        raise wrong(name, f"must be {_SHAPES.get(most, 'a list of values')}")
    return tuple(_id(name, one) if key == ID else moment(name, one) for one in many)


def _id(name: str, value: Any) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool) or not re.fullmatch("[0-9]{1,19}", str(value)):
        raise wrong(name, "must be the integer id of an entry")
    return int(value)


def _truth(value: Any, name: str) -> bool:
    words = {None: False, "": False, "0": False, "false": False, "1": True, "true": True}
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if not isinstance(value, str | None) or value not in words:
        raise wrong(name, "must be true or false")
    return words[value]


# -- refusals ----------------------------------------------------------------------------------------------------------


def wrong(name: str, what: str) -> Rejected:
    """A parameter or field that cannot be taken."""
    fix = "correct it and call again; nothing was changed"
    return Rejected(f"{name} {what}", fix=fix, code="WHERRY-4860", key=name)


def _unknown(name: str, known: Sequence[str]) -> Rejected:
    near = difflib.get_close_matches(name.partition("[")[0], known, 1)
    return Rejected(
        f"there is no parameter {name[:60]!r} here",
        fix=f"did you mean {near[0]}?" if near else f"parameters: {', '.join(known)}", code="WHERRY-4861",
    )  # fmt: skip
