"""What a plugin was found to guarantee: a table after the kit's checks ran, and the same as JSON.

Loaded by pytest wherever Wherry is installed (entry point ``pytest11``); it stays silent unless a check of the kit ran.
``--wherry-report PATH`` writes ``{"suite": …, "checks": [{"name", "guarantee", "outcome", "reason", "at", …}], …}``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SCHEMA = "wherry.kit/1"
PROPERTY = "wherry"
MOST_SHOWN = 4
"""Suites whose tables are printed whole; of more there is a line for each."""
_WORST = {"failed": 0, "passed": 1, "skipped": 2}
_WORDS = {"passed": "proved", "failed": "FAILED", "skipped": "not tried"}


@dataclass
class Checked:
    """One check of one suite, however often it ran."""

    suite: str
    name: str
    guarantee: str
    at: str
    outcome: str = "skipped"
    reason: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, report: pytest.TestReport) -> None:
        """A further run of it, or a phase of one: the worst counts, and a skip counts only where nothing else ran."""
        if report.when != "call" and report.passed:
            return
        if _WORST[report.outcome] <= _WORST[self.outcome]:
            self.outcome, self.reason = report.outcome, _reason(report)
            self.at = _place(report) or self.at


class Report:
    """Collects what the checks came to; with xdist, from every worker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._checks: dict[tuple[str, str], Checked] = {}

    # -- beside the check ---------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand on what the check proves, and what it counted; a report travels from a worker with its properties."""
        report = yield
        words = _guarantee(getattr(item, "function", None))
        if words:
            from wherry.testing.guarantees import counted

            path, line, _ = item.location
            told = {"guarantee": words, "at": f"{path}:{(line or 0) + 1}", "counts": dict(counted)}
            if call.when == "call":
                counted.clear()
            report.user_properties.append((PROPERTY, told))
        return report

    # -- where all reports come together ------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter a check."""
        told = dict(report.user_properties).get(PROPERTY)
        if not isinstance(told, dict):
            return
        suite, _, name = report.nodeid.partition("[")[0].rpartition("::")
        known = self._checks.setdefault((suite, name), Checked(suite, name, told["guarantee"], told["at"]))
        known.take(report)
        if report.when == "call":
            known.counts.update(told["counts"])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table, where a check ran."""
        path = self._config.getoption("--wherry-report", default="")
        checks = list(self._checks.values())
        if path:
            Path(path).write_text(json.dumps(self._as_data(checks), indent=1) + "\n", encoding="utf-8")
        suites = {suite: [c for c in checks if c.suite == suite] for suite in dict.fromkeys(c.suite for c in checks)}
        if len(suites) > MOST_SHOWN:
            terminalreporter.section("what the plugins guarantee")
        for suite, mine in suites.items():
            if len(suites) <= MOST_SHOWN:
                terminalreporter.section(f"what {suite} guarantees")
            for line in table(mine) if len(suites) <= MOST_SHOWN else [brief(suite, mine)]:
                terminalreporter.write_line(line)

    def _as_data(self, checks: Sequence[Checked]) -> dict[str, Any]:
        from wherry import __version__

        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        outcomes = Counter(check.outcome for check in checks)
        return {
            "schema": SCHEMA,
            "suite": {"kit": __version__, "at": at, "root": str(self._config.rootpath), **outcomes},
            "checks": [
                {
                    "name": one.name, "guarantee": one.guarantee, "outcome": one.outcome, "reason": one.reason,
                    "at": one.at, "suite": one.suite, "counts": dict(one.counts),
                }
                for one in checks
            ],
            "guarantees": [line for suite in dict.fromkeys(c.suite for c in checks) for line in _promises(
                suite, [c for c in checks if c.suite == suite])],
        }  # fmt: skip


def _guarantee(check: Any) -> str:
    """What a check of the kit proves; of one that does not say so, its own name in words. Empty for other tests."""
    if check is None or not str(getattr(check, "__module__", "")).startswith("wherry.testing."):
        return str(getattr(check, "guarantee", ""))
    return str(getattr(check, "guarantee", "") or f"{check.__name__.removeprefix('test_').replace('_', ' ')}.")


def table(checks: Sequence[Checked]) -> Iterator[str]:
    """A line for each guarantee, and one for each reason why something was not tried."""
    for one in _promises("", checks):
        how = _listed(one["counts"])
        how = f" Tried: {how}." if how else ""
        yield f"{_WORDS[one['outcome']]:<10}{one['guarantee']}{how}"
        for name, why in one["open"]:
            yield f"{'':<10}  {name}: {why}"


def brief(suite: str, checks: Sequence[Checked]) -> str:
    """A suite in one line."""
    promises = list(_promises(suite, checks))
    counts = Counter(str(one["outcome"]) for one in promises)
    failed = "".join(f"; FAILED: {one['guarantee']}" for one in promises if one["outcome"] == "failed")
    return f"{suite}: {counts['passed']} proved, {counts['skipped']} not tried{failed}"


def _promises(suite: str, checks: Sequence[Checked]) -> Iterator[dict[str, Any]]:
    """Each guarantee with the worst of its checks; those that did not pass are named with the reason."""
    for words in sorted({check.guarantee for check in checks}, key=_place_of):
        mine = [check for check in checks if check.guarantee == words]
        outcome = min((check.outcome for check in mine), key=_WORST.__getitem__)
        counts: Counter[str] = Counter()
        for check in mine:
            counts.update(check.counts)
        left = [(check.name, _said(check)) for check in mine if check.outcome != "passed"]
        yield {"suite": suite, "guarantee": words, "outcome": outcome, "checks": len(mine), "counts": dict(counts),
               "open": left}  # fmt: skip


def _place_of(words: str) -> tuple[int, str]:
    """Where a guarantee stands in the table: as in ``wherry.testing.guarantees``, then the others."""
    from wherry.testing import guarantees

    known = [value for name, value in vars(guarantees).items() if name.isupper() and isinstance(value, str)]
    return (known.index(words) if words in known else len(known), words)


def _said(check: Checked) -> str:
    return f"{'failed' if check.outcome == 'failed' else 'left out'}: {check.reason} ({check.at})"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{times} {what}" for what, times in counts.items())


def _reason(report: pytest.TestReport) -> str:
    """Why it was skipped, or the last thing that the failure says."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message).splitlines()[0][:300] if report.failed and crash is not None else ""


def _place(report: pytest.TestReport) -> str:
    """Where a check failed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"{crash.path}:{crash.lineno}" if report.failed and crash is not None else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--wherry-report PATH``."""
    told = "write what the kit's checks came to as JSON, for wherry plugin check"
    parser.getgroup("wherry").addoption("--wherry-report", metavar="PATH", default="", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    config.pluginmanager.register(Report(config), "wherry-kit-report")
