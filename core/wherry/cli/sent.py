"""Requests and raw answers as people read them: what concerns one item, its numbers in the digits they were sent in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wherry.cli.drawing import clean, spelled
from wherry.cli.formats import as_json
from wherry.operating import parts

MOST, MOST_OF_ALL = 2000, 600
"""Characters shown of what is about the item, and of a batch in which it could not be found."""
WIDE = 110


def requests(data: Mapping[str, Any], names: Sequence[str], whole: str) -> Iterator[str]:
    """The requests that carried a thing, with their answers. ``whole`` is the command that shows all of them.

    ``data`` has ``calls`` and ``history``, and the ``entity`` and ``key`` of the thing. What went out for
    things that it refers to is named alone.
    """
    for call in data["calls"]:
        told = [event for event in data["history"] if event["call"] == call["call"]]
        times = f", {call['times']} times" if call["times"] > 1 else ""
        head = f"  request {call['call']}   {call['at'][:19]}   {call['method']} {clean(call['path'])}{times}"
        if told and not any((e["entity"], e["key"]) == (data["entity"], data["key"]) for e in told):
            yield f"{head}   {_others(told)}"
            continue
        others = len(call["items"]) - 1
        yield head + (f"   with {others} other{'s' if others > 1 else ''}" if others > 0 else "")
        yield from _exchange(call, names, whole)


def _others(told: Sequence[Mapping[str, Any]]) -> str:
    """``carried customer id:17: wherry explain --target 58``."""
    first = told[0]
    named = {(event["entity"], event["key"]) for event in told}
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    see = f": wherry explain --target {clean(first['target'])}" if first["target"] else ""
    return f"carried {spelled(first['entity'])} {clean(first['key'])}{more}{see}"


def _exchange(call: Mapping[str, Any], names: Sequence[str], whole: str) -> Iterator[str]:
    sent, answer = parts.of_item(call, names)
    if call["body"] not in (None, "", {}):
        yield "    sent"
        yield from _lines(call["body"] if sent is None else sent, MOST if sent is not None else MOST_OF_ALL, whole)
    if not call["status"]:
        yield f"    answer    {clean(call['problem']) or call['state']}"
        return
    yield f"    answer    {call['status']}"
    yield from _lines(call["answer"] if answer is None else answer, MOST if answer is not None else MOST_OF_ALL, whole)


def _lines(said: Any, most: int, whole: str) -> Iterator[str]:
    """So many whole lines as there is room for, the first in any case, and how to see the rest."""
    lines = ([said] if said else []) if isinstance(said, str) else list(_spread(said))
    shown, left = list[str](), most
    for line in lines:
        if shown and len(line) > left:
            break
        shown.append(line[:most])
        left -= len(line)
    yield from (f"      {clean(line)}" for line in shown)
    if (rest := sum(map(len, lines)) - sum(map(len, shown))) > 0:
        yield f"      … {rest:,} more characters; all of it: {whole} --output json"


def _spread(value: Any, before: str = "", after: str = "") -> Iterator[str]:
    """A value over as many lines as it needs: what fits on one stands on one."""
    flat = as_json(value)
    inner = list(value.items()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    if not inner or len(before) + len(flat) + len(after) <= WIDE:
        yield f"{before}{flat}{after}"
        return
    left, right = "{}" if isinstance(value, Mapping) else "[]"
    indent = " " * (len(before) - len(before.lstrip()))
    yield f"{before}{left}"
    for n, one in enumerate(inner, 1):
        name, held = (f"{as_json(one[0])}: ", one[1]) if isinstance(value, Mapping) else ("", one)
        yield from _spread(held, f"{indent}  {name}", "," if n < len(inner) else "")
    yield f"{indent}{right}{after}"
