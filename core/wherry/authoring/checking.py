"""``wherry plugin check``: every rule of the scale with its verdict, the tier they come to, and the badge."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from wherry import __version__
from wherry.authoring import suites
from wherry.authoring.inspecting import INSPECTED
from wherry.authoring.scale import RULES, TIERS, Rule, Tier
from wherry.authoring.subject import Subject
from wherry.authoring.suites import Ran
from wherry.authoring.verdicts import Verdict, met, missed, unmeasured
from wherry.errors import ConfigError

ENOUGH = 90.0
"""Percent of branches."""
BADGE = "badge.json"
_LEFT_OUT = ("__pycache__", BADGE)


class Judged(Struct, frozen=True):
    """A rule and what was found of it."""

    rule: Rule
    verdict: Verdict


class Quality(Struct, kw_only=True):
    """A plugin's verdicts, in the order of the scale."""

    plugin: str
    distribution: str
    version: str
    judged: list[Judged]
    guarantees: list[suites.Check] = field(default_factory=list)

    @property
    def tier(self) -> Tier:
        """The highest tier whose rules, and those of the tiers before it, all hold."""
        reached: Tier = "none"
        for tier in TIERS[1:]:
            if not all(one.verdict.holds for one in self.judged if one.rule.tier == tier):
                break
            reached = tier
        return reached

    @property
    def next(self) -> Tier | None:
        """The tier above; None at the top."""
        place = TIERS.index(self.tier) + 1
        return TIERS[place] if place < len(TIERS) else None

    def missing(self) -> list[Judged]:
        """What keeps it from the next tier."""
        return [one for one in self.judged if one.rule.tier == self.next and not one.verdict.holds]


def check(subject: Subject, *, run: bool = True, measure: bool = False, coverage: Path | None = None) -> Quality:
    """Judges a plugin. Without ``run`` nothing is executed, and what only the kit can tell is not measured.

    ``coverage`` is a report of ``coverage json``; where none is given, coverage.json beside pyproject.toml is read.
    To ``measure`` all tests are run and counted here.
    """
    ran = suites.run(subject, _witnesses(subject)) if run else None
    report = coverage or _beside(subject)
    counted = suites.measured(subject) if measure else report.read_bytes() if report else b""
    judged = [Judged(rule, _judge(rule, subject, ran, counted)) for rule in RULES]
    one = subject.installed
    return Quality(plugin=one.name, distribution=one.distribution, version=one.version, judged=judged,
                   guarantees=ran.checks if ran else [])  # fmt: skip


def _beside(subject: Subject) -> Path | None:
    found = subject.root / "coverage.json" if subject.root else None
    return found if found is not None and found.is_file() else None


def _witnesses(subject: Subject) -> list[str]:
    """The tests that the plugin names as proof of rules."""
    named = [subject.declared.get(rule.declared) for rule in RULES if rule.declared]
    files = [str(one) for said in named if isinstance(said, list) for one in said]
    return [name for name in files if subject.root and (subject.root / name).is_file()]


def _judge(rule: Rule, subject: Subject, ran: Ran | None, coverage: bytes) -> Verdict:
    if rule.roles and not subject.roles & set(rule.roles):
        return Verdict("not asked", f"it is no {' and no '.join(rule.roles)}")
    if rule.network and not subject.reaches_network:
        return Verdict("not asked", "it reaches no system by network")
    if rule.id in INSPECTED:
        return INSPECTED[rule.id](subject)
    if rule.id == "branch-coverage":
        return covered(subject, coverage)
    if ran is None:
        return unmeasured("the kit was not run")
    if rule.id == "kit-green":
        return suites.green(ran, subject.roles)
    if rule.declared and (rule.declared in subject.declared or not rule.proofs):
        return suites.witnessed(ran, subject.declared.get(rule.declared), rule.declared)
    return suites.proved(ran, subject.roles, rule.proofs)


def covered(subject: Subject, report: bytes) -> Verdict:
    """Branches of the package, simulator left out, as ``coverage json`` counted them. Raises ConfigError for junk."""
    if not report:
        return unmeasured("nobody counted: --measure")
    try:
        told = json.loads(report)
        files, branches = told["files"], told["meta"]["branch_coverage"]
        base = subject.root or Path()
        mine = {name: one["summary"] for name, one in files.items() if _is_of(subject, base / name)}
        there = sum(one["num_statements"] + one.get("num_branches", 0) for one in mine.values())
        done = sum(one["covered_lines"] + one.get("covered_branches", 0) for one in mine.values())
    except (ValueError, KeyError, TypeError) as wrong:
        raise ConfigError(
            f"this is no report of coverage: {type(wrong).__name__} {wrong}", code="WHERRY-2405",
            fix="make one with coverage json, or say --measure",
        ) from None  # fmt: skip
    if not branches or not there:
        return unmeasured(f"the report counts {'no branches' if there else f'nothing of {subject.package.name}'}")
    worst = min(mine, key=lambda name: mine[name]["percent_covered"])
    share = 100 * done / there
    told = f"{share:.1f} % of lines and branches; least in {worst}: {mine[worst]['percent_covered']:.0f} %"
    return met(told) if share >= ENOUGH else missed(told, worst)


def _is_of(subject: Subject, path: Path) -> bool:
    return path.resolve() in {one.resolve() for one in subject.trees}


# -- the badge ---------------------------------------------------------------------------------------------------------


def badge(subject: Subject, quality: Quality, live: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is shown of the plugin elsewhere. ``proved`` is ``live`` only where a vendor's own system was asked.

    The hashes say what it was made of: whoever has the same package, tests and rules can make it again.
    """
    return {
        "schema": "wherry.badge/1", "plugin": quality.plugin, "distribution": quality.distribution,
        "version": quality.version, "tier": quality.tier, "proved": "live" if live and live["real"] else "simulated",
        "date": dt.datetime.now(dt.UTC).date().isoformat(), "kit": __version__, "api": subject.installed.api,
        "rules": {one.rule.id: one.verdict.outcome for one in quality.judged}, "live": live,
        "hashes": {
            "package": _hash(subject.package), "tests": _hash(subject.tests),
            "rules": hashlib.sha256(msgspec.json.encode(RULES)).hexdigest(),
        },
    }  # fmt: skip


def _hash(folder: Path | None) -> str:
    """SHA-256 over paths and bytes; empty where there is nothing."""
    if folder is None:
        return ""
    found = hashlib.sha256()
    for path in _files(folder):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part in _LEFT_OUT or part.startswith(".") for part in path.parts[-3:]):
            yield path
