"""The batch endpoint: up to 30 items, each on its own, each with its own fault inside an HTTP 200."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .answers import QboFault
from .kinds import KINDS, Kind
from .values import Obj

MOST = 30


@dataclass(slots=True)
class Mishaps:
    """What goes wrong with the next batch: it stops after so many items, its answers come reversed, or some lack."""

    stop_after: int | None = None
    reverse: bool = False
    leave_out: int = 0


class Stopped(Exception):
    """A batch broke off half done; what was done stays done."""


Write = Callable[[Kind, str, Obj, str, bool], Obj]
Ask = Callable[[str], Obj]


def run(body: Any, write: Write, ask: Ask, mishaps: Mishaps) -> list[Obj]:
    """The BatchItemResponse list. Raises QboFault for a batch as a whole, Stopped as `mishaps` has it."""
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        raise QboFault("2020", "Required parameter BatchItemRequest is missing in the request", "BatchItemRequest")
    if len(items) > MOST:
        raise QboFault("1040", f"The batch holds {len(items)} items, at most {MOST} are allowed")
    _told_apart(items)
    answers: list[Obj] = []
    for number, item in enumerate(items):
        if mishaps.stop_after is not None and number >= mishaps.stop_after:
            mishaps.stop_after = None
            raise Stopped
        answers.append(_one(item, write, ask))
    return _muddled(answers, mishaps)


def _told_apart(items: list[Obj]) -> None:
    keys = [str(item.get("bId") or "") if isinstance(item, dict) else "" for item in items]
    if not all(keys) or len(set(keys)) < len(keys):
        raise QboFault("2020", "Every item needs a bId of its own", "bId")


def _one(item: Obj, write: Write, ask: Ask) -> Obj:
    head = {"bId": item["bId"]}
    try:
        if "Query" in item:
            return {**head, "QueryResponse": ask(str(item["Query"]))}
        kind = next((KINDS[name] for name in item if name in KINDS), None)
        if kind is None:
            raise QboFault("2000", "The item holds no object of a known name")
        options = str(item.get("optionsData", ""))
        operation = "void" if "void" in options else str(item.get("operation", ""))
        allow = "allowduplicatedocnum" in options
        return {**head, kind.name: write(kind, operation, item[kind.name], str(item.get("requestid", "")), allow)}
    except QboFault as fault:
        return {**head, **fault.body()}


def _muddled(answers: list[Obj], mishaps: Mishaps) -> list[Obj]:
    if mishaps.reverse:
        answers = answers[::-1]
    kept = answers[: len(answers) - mishaps.leave_out]
    mishaps.reverse, mishaps.leave_out = False, 0
    return kept
