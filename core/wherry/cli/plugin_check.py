"""``wherry plugin check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.formats import write
from wherry.cli.options import face
from wherry.errors import EXIT_GUARD, Guarded

if TYPE_CHECKING:
    from wherry.authoring.checking import Judged, Quality

_TIERS = ("bronze", "silver", "gold", "platinum")
_FILE = click.Path(path_type=Path, dir_okay=False)
_READ = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.argument("name", metavar="[NAME]", default=".")
@click.option("--no-run", is_flag=True, help="Only look; do not run the kit.")
@click.option("--measure", is_flag=True, help="Run all its tests, and count branches with coverage.")
@click.option("--coverage", type=_READ, metavar="FILE", help="A report of: coverage json.")
@click.option("--live", metavar="CONNECTION", help="Also try a connection of this project, in a test company.")
@click.option("--yes-test-company", is_flag=True, help="CONNECTION leads to a test company.")
@click.option("--badge", type=_FILE, metavar="FILE", help="Write the badge.")
@click.option("--at-least", type=click.Choice([*_TIERS, "declared"]), help="Fail (exit 7) below it.")
def check(
    name: str, no_run: bool, measure: bool, coverage: Path | None, live: str | None, yes_test_company: bool,
    badge: Path | None, at_least: str | None,
) -> None:  # fmt: skip
    """Judge a plugin by the quality scale, rule by rule, with evidence. NAME is an installed plugin, or its folder.

    \b
    Example:
      wherry plugin check .
      wherry plugin check field-book --at-least silver
      wherry plugin check field-book --live books
    """
    from wherry.authoring import checking
    from wherry.authoring.subject import subject

    own = face()
    found = subject(name)
    seen = _tried_live(live, found.name, yes_test_company) if live else None
    quality = checking.check(found, run=not no_run, measure=measure, coverage=coverage)
    made = checking.badge(found, quality, seen)
    if badge is not None:
        write(badge, json.dumps(made, indent=1, ensure_ascii=False) + "\n", make=True)
    data = {**made, "rules": [_row(one) for one in quality.judged], "next": quality.next,
            "missing": [one.rule.id for one in quality.missing()]}  # fmt: skip
    own.print("wherry.plugin.check/1", data, lambda: _told(quality, made))
    wanted = found.declared.get("tier", "") if at_least == "declared" else at_least
    if _place(wanted or "") > _place(quality.tier):
        own.code = EXIT_GUARD
        own.note(Guarded(f"{found.name} is {quality.tier}, not {wanted}").message)


def _tried_live(connection: str, plugin: str, sure: bool) -> dict[str, Any]:
    from wherry.authoring import live

    return live.tried(face().hub, connection, plugin, sure)


def _place(tier: str) -> int:
    return _TIERS.index(tier) if tier in _TIERS else -1


def _row(one: Judged) -> dict[str, Any]:
    rule, verdict = one.rule, one.verdict
    return {"rule": rule.id, "tier": rule.tier, "asks": rule.asks, "outcome": verdict.outcome, "do": rule.do,
            "evidence": verdict.evidence, "at": verdict.at, "docs": rule.docs}  # fmt: skip


def _told(quality: Quality, badge: dict[str, Any]) -> Iterator[str]:
    from wherry.authoring.scale import TIERS
    from wherry.authoring.verdicts import MARKS

    yield f"{quality.plugin}   {quality.distribution} {quality.version}   {quality.tier} ({badge['proved']})"
    for tier in TIERS[1:]:
        yield click.style(tier, bold=True)
        for one in quality.judged:
            if one.rule.tier == tier:
                said, told = one.verdict.outcome, one.verdict.evidence[:160]
                yield f"  {MARKS[said]} {one.rule.id:<20} {said:<13} {told}"
                if not one.verdict.holds:
                    yield from _advice(one)
    yield from _live(badge["live"])
    yield from _summary(quality)


def _advice(one: Judged) -> Iterator[str]:
    if one.verdict.at:
        yield f"      at    {one.verdict.at}"
    yield f"      do    {one.rule.do}"
    yield f"      docs  {one.rule.docs}"


def _live(seen: dict[str, Any] | None) -> Iterator[str]:
    if seen:
        yield f"tried live: {seen['connection']}, {seen['account']}"
        yield from (f"  {step['outcome']:<9} {step['what']}   {step['evidence']}" for step in seen["steps"])


def _summary(quality: Quality) -> Iterator[str]:
    if quality.next is None:
        yield "nothing is missing"
    else:
        names = ", ".join(one.rule.id for one in quality.missing())
        yield f"missing for {quality.next}: {names}"
