"""The process that evaluates: it holds no secret, opens no file, and ends by itself where an expression does not.

One JSON text a line, in and out. The first line brings the expressions and the bounds; each line after it one thing to
evaluate. What can be counted is counted (steps, depth, characters), so that the same record always ends the same way;
what cannot, a pattern that never comes to an end or memory that is asked for at once, is stopped by the system: a
signal after the computing time allowed, and a limit on memory. The core's process then sees the line end, and names
the record.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn, TextIO

import jsonata
from wherry import transforms
from wherry.errors import Rejected

BANNED = ("eval", "millis", "now", "random", "shuffle")
"""Functions of JSONata whose answer is another one tomorrow, or that make expressions out of what a record says."""
OURS = ("date", "decimal", "id", "integer", "money", "product", "yes_no")
LONGEST_PAD = 10_000
PARTS = ("map", "when")
_IN_WORDS: dict[type[BaseException], str] = {
    OverflowError: "a number becomes larger than numbers can be",
    ZeroDivisionError: "something is divided by zero",
}


class Exceeded(Exception):
    """A bound was reached: ``bound`` is the name of its setting."""

    def __init__(self, bound: str) -> None:
        super().__init__(bound)
        self.bound = bound


class Inexact(Exception):
    """The result holds something that no draft can; the text says what and where."""


class Unknown(Exception):
    """A function was called that there is not; the text says why."""


class Unreadable(Exception):
    """An expression is none; its cause says where."""


class Watch:
    """Counts what is evaluated, and knows where."""

    def __init__(self, steps: int, depth: int) -> None:
        self._steps, self._depth = steps, depth
        self._left, self._stack = steps, list[int]()

    def start(self) -> None:
        """A new record."""
        self._left = self._steps
        self._stack.clear()

    def enter(self, expression: Any, value: Any, frame: Any) -> None:
        """Raises Exceeded."""
        self._left -= 1
        place = getattr(expression, "position", None)
        self._stack.append(place if isinstance(place, int) else self.place)
        if self._left < 0:
            raise Exceeded("steps")
        if len(self._stack) > self._depth:
            raise Exceeded("depth")

    def leave(self, *_: Any) -> None:
        """One part is done."""
        self._stack.pop()

    @property
    def place(self) -> int:
        """Characters up to the end of the word that is being evaluated."""
        return self._stack[-1] if self._stack else -1


class Evaluator:
    """The expressions of one mapper, ready to be asked."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._output = int(asked["output"])
        self._watch = Watch(int(asked["steps"]), int(asked["depth"]))
        self._expressions = {part: self._compile(part, asked) for part in PARTS if asked[part]}

    def _compile(self, part: str, asked: Mapping[str, Any]) -> jsonata.Jsonata:
        try:
            expression = jsonata.Jsonata(str(asked[part]))
        except jsonata.JException as error:
            raise Unreadable(part) from error
        for name, function in _functions(asked).items():
            expression.register_lambda(name, function)
        expression.environment.set_evaluate_entry_callback(self._watch.enter)
        expression.environment.set_evaluate_exit_callback(self._watch.leave)
        return expression

    def answer(self, part: str, value: Any) -> str:
        """The result as one line of JSON. Raises Inexact for what no draft can hold, and whatever goes wrong."""
        expression = self._expressions[part]
        self._watch.start()
        jsonata.Jsonata.CURRENT.jsonata = expression  # the library keeps the one that was made last
        found = expression.evaluate(value)
        _judge(found, "the result")
        told = json.dumps({"value": found}, allow_nan=False)
        if len(told) > self._output:
            raise Exceeded("output")
        return told

    @property
    def place(self) -> int:
        return self._watch.place


def _functions(asked: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    known = transforms.core(str(asked["currency"]), transforms.zone_of(str(asked["timezone"])))
    ours = {name: partial(_plainly, known[name]) for name in OURS}
    return {**ours, **{name: partial(_banned, name) for name in BANNED}, "pad": _pad}


def _plainly(function: Callable[..., Any], *values: Any) -> Any:
    """A transform of the core; exact numbers leave it as text."""
    found = function(*[None if value is jsonata.Utils.NULL_VALUE else value for value in values])
    return format(found, "f") if isinstance(found, Decimal) else found


def _banned(name: str, *_: Any) -> NoReturn:
    raise Unknown(f"${name} is not to be had in a map: the same record must always give the same drafts")


def _pad(text: Any = None, width: Any = 0, character: Any = " ") -> Any:
    if text is None:
        return None
    if not isinstance(text, str) or not isinstance(width, int) or abs(width) > LONGEST_PAD:
        raise Unknown(f"$pad takes a text and a width of at most {LONGEST_PAD}")
    fill = (str(character) or " ") * max(0, abs(width) - len(text))
    return text + fill[: abs(width) - len(text)] if width > 0 else fill[: max(0, abs(width) - len(text))] + text


def _judge(value: Any, place: str, level: int = 0) -> None:
    """Drafts hold text, whole numbers, yes and no, nothing, lists and tables of those."""
    if level > 50:
        raise Inexact(f"{place} lies more than 50 levels deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            _judge(inner, f"{place}.{name}" if level else str(name), level + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _judge(inner, f"{place}[{number}]", level + 1)
    elif isinstance(value, float):
        raise Inexact(f"{place} is {value!r}, a number that is not exact; use $money, $decimal or $round")
    elif value is not None and not isinstance(value, str | int | bool):
        raise Inexact(f"{place} is a function, not a value")


def _told(error: BaseException, place: int) -> dict[str, Any]:
    """An error as data: ``sort`` says whose it is."""
    if isinstance(error, Exceeded):
        return {"sort": "bound", "bound": error.bound, "place": place, "message": ""}
    if isinstance(error, MemoryError):
        return {"sort": "bound", "bound": "memory", "place": place, "message": ""}
    if isinstance(error, RecursionError):
        return {"sort": "bound", "bound": "depth", "place": place, "message": ""}
    if isinstance(error, jsonata.JException):
        at = error.location if isinstance(error.location, int) and error.location > 0 else place
        return {"sort": "expression", "code": str(error.error), "place": at, "message": str(error)[:500]}
    said = _IN_WORDS.get(type(error)) or str(error) or type(error).__name__
    sort = "value" if isinstance(error, ArithmeticError | ValueError | Rejected | Inexact) else "expression"
    return {"sort": sort, "place": place, "message": said[:500]}


def _limit(asked: Mapping[str, Any]) -> None:
    """What the system holds this process to. Windows has no such limits; there the counted ones hold alone."""
    with suppress(ImportError):
        import resource

        size = int(asked["memory"]) * 1024 * 1024
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _alarm(seconds: float) -> None:
    """Ends this process after so much computing; 0 takes the order back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def serve(lines: TextIO, out: TextIO) -> None:
    """Answers line by line, until there are none."""

    def say(text: str) -> None:
        out.write(text + "\n")
        out.flush()

    asked = json.loads(lines.readline() or "null")
    if asked is None:
        return
    _limit(asked)
    seconds = float(asked["seconds"])
    try:
        _alarm(seconds)
        evaluator = Evaluator(asked)
        _alarm(0)
    except BaseException as error:
        part = str(error) if isinstance(error, Unreadable) else ""
        say(json.dumps({"error": {**_told(error.__cause__ or error, -1), "bound": part}}))
        return
    say('{"value": true}')
    for line in lines:
        wanted = json.loads(line)
        _alarm(seconds)
        try:
            told = evaluator.answer(wanted["part"], wanted["value"])
        except BaseException as error:
            told = json.dumps({"error": _told(error, evaluator.place)})
        _alarm(0)
        say(told)


def main() -> None:
    """Standard output belongs to the answers: what the library prints goes nowhere."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command; this process ends when its line does
    serve(sys.stdin, out)


if __name__ == "__main__":
    main()
