"""Key paths and their lines in TOML text."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wherry.settings.locate import KeyPath, line_of, lines_of, spelled


def paths_of(value: Any, at: KeyPath = ()) -> set[KeyPath]:
    if isinstance(value, dict):
        return {(*at, key) for key in value}.union(*(paths_of(inner, (*at, key)) for key, inner in value.items()))
    if isinstance(value, list):
        return {(*at, n) for n in range(len(value))}.union(
            *(paths_of(inner, (*at, n)) for n, inner in enumerate(value))
        )
    return set()


TRICKY = '''# a comment = "x"
title = "a # [not] = a comment"   # [but] = this
[a."b.c".'d']
x = """
[not.a.table]
y = 1
""" # after
z = \'\'\'[no]\'\'\'
e = """ends in quotes"""""
f = "escaped \\" quote"
dotted . key = 2026-01-01 10:00:00
[[rows]]
n = 1
[[rows]]
n = 2
[rows.below]
list = [ # comment ]
  { id = "p1", stages = ["won"] },
  # { id = "no" },
  { id = "p2", stages = [
      "won", "]",
  ] },
]
[[rows.inner]]
m = 1
[[rows.inner]]
m = 2
'''


def test_every_key_of_a_tricky_text_has_its_line() -> None:
    lines = lines_of(TRICKY)
    rows: KeyPath = ("rows", 1, "below", "list")
    expected: dict[KeyPath, int] = {
        ("title",): 2, ("a", "b.c", "d"): 3, ("a", "b.c", "d", "x"): 4, ("a", "b.c", "d", "z"): 8,
        ("a", "b.c", "d", "e"): 9, ("a", "b.c", "d", "f"): 10, ("a", "b.c", "d", "dotted", "key"): 11,
        ("rows", 0): 12, ("rows", 0, "n"): 13, ("rows", 1): 14, ("rows", 1, "n"): 15,
        (*rows, 0, "id"): 18, (*rows, 1, "id"): 20, (*rows, 1, "stages", 1): 21,
        ("rows", 1, "inner", 0, "m"): 25, ("rows", 1, "inner", 1, "m"): 27,
    }  # fmt: skip
    assert {path: lines.get(path) for path in expected} == expected
    assert set(lines) == paths_of(tomllib.loads(TRICKY))


def test_a_key_that_is_not_there_gets_the_line_of_its_table() -> None:
    lines = lines_of("[flows.a]\nx = 1\n")
    assert line_of(lines, ("flows", "a", "source")) == 1
    assert line_of(lines, ("nothing",)) is None


def test_key_paths_are_written_as_people_write_them() -> None:
    assert spelled(("flows", "won-deals", "pipelines", 0, "stages")) == "flows.won-deals.pipelines[0].stages"
    assert spelled(("a b", "c")) == '"a b".c'


_NAMES = st.one_of(st.sampled_from(["a", "b", "won-deals", "x_1"]), st.text(max_size=5))
_TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
_VALUES = st.recursive(
    st.integers(-99, 99) | st.booleans() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=True).replace("\\ud", "\\uFF") if name else '""'


def _value(value: Any, breaks: str) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner, breaks)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + breaks + f",{breaks}".join(_value(inner, breaks) for inner in value) + breaks + "]"
    return json.dumps(value, ensure_ascii=False)


@hypothesis_settings(deadline=None)
@given(
    st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=3), max_size=4),
    st.sampled_from(["", " ", "\n", '\n  # [x] = "}\n']),
)
def test_whatever_the_reader_of_the_standard_library_finds_has_a_line(tables: dict[str, Any], breaks: str) -> None:
    text = "".join(
        f"[{_key(name)}]\n" + "".join(f"{_key(key)} = {_value(value, breaks)}\n" for key, value in table.items())
        for name, table in tables.items()
    )
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    assert set(lines) == paths_of(found)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
