"""The page of the kit's checks: every one, under the guarantee that it proves, suite by suite."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

HEAD = """# Checks of the kit

What the suites of `wherry.testing` try with a plugin, suite by suite. Each check stands under the guarantee that it
proves: those words are in the table that is printed once the checks ran, and in `wherry plugin check`. A check that
does not apply is skipped, with the reason. `pytest -k WORDS` runs some of them. How a plugin says how it can be
tried: [test a plugin](../how-to/test-a-plugin.md), [test a sink](../how-to/test-a-sink.md).
"""


def page() -> str:
    """Every suite with its guarantees and checks."""
    lines = [HEAD]
    for title, suite in _suites():
        checks = _checks(suite)
        lines += [f"## {title}", "", f"`{suite.__module__}.{suite.__name__}`: {len(checks)} checks.", ""]
        for words in dict.fromkeys(_order(checks)):
            lines += [f"**{words}**", "", *(f"- {_told(one)}" for one in checks if _words(one) == words), ""]
    return "\n".join(lines)


def _suites() -> Iterator[tuple[str, type]]:
    from wherry.testing.atomic import AtomicSinkSuite
    from wherry.testing.mappers import MapperSuite
    from wherry.testing.matchers import MatcherSuite
    from wherry.testing.polled import PolledSinkSuite
    from wherry.testing.simulators import SimulatorSuite
    from wherry.testing.sinks import SinkSuite
    from wherry.testing.sources import SourceSuite
    from wherry.testing.webhooks import WebhookSuite

    yield from (
        ("Sources", SourceSuite), ("Sinks", SinkSuite), ("Sinks whose system calls us", PolledSinkSuite),
        ("Sinks in the hub's own store", AtomicSinkSuite), ("Mappers", MapperSuite), ("Matchers", MatcherSuite),
        ("Webhooks", WebhookSuite), ("Stand-ins", SimulatorSuite),
    )  # fmt: skip


def _checks(suite: type) -> list[Callable[..., Any]]:
    """Its own and those that it inherits, but for those of a suite that stands on the page before."""
    known = [name for base in suite.__mro__[1:] if base.__name__.endswith("SinkSuite") for name in dir(base)]
    found = [one for name, one in inspect.getmembers(suite, inspect.isfunction) if name.startswith("test_")]
    return [one for one in found if one.__name__ not in known or one.__name__ in vars(suite)]


def _order(checks: list[Callable[..., Any]]) -> list[str]:
    from wherry.testing.report import _place_of

    return sorted({_words(one) for one in checks}, key=_place_of)


def _words(check: Callable[..., Any]) -> str:
    from wherry.testing.report import _guarantee

    return _guarantee(check)


def _told(check: Callable[..., Any]) -> str:
    said = check.__name__.removeprefix("test_").replace("_", " ")
    why = " ".join((inspect.getdoc(check) or "").split())
    return f"{said}. {why}".replace("``", "`") if why else f"{said}."
