"""The sweep tried on itself: each planted bug must be caught, by a plan that finds nothing wrong without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
from msgspec import Struct

from wherry.testing.bench import HUB, Outcome
from wherry.testing.mutations import BUGS, Bug
from wherry.testing.rigs import Rig, target_rig
from wherry.testing.sweep import Benches


class Catch(Struct, frozen=True):
    """A bug, and what its plan came to without and with it."""

    bug: Bug
    sound: Outcome
    spoilt: Outcome

    @property
    def caught(self) -> bool:
        """Whether the plan tells the two apart. A process that breaks where the bug is planted proves nothing."""
        broken = any(wrong.thing == HUB or "ended unexpectedly" in wrong.why for wrong in self.spoilt.wrong)
        return bool(self.spoilt.wrong) and not self.sound.wrong and not broken


def hunted(known: Sequence[Rig], bugs: Sequence[Bug], jobs: int = 2) -> Iterator[Catch]:
    """Each bug with its catch, rig by rig; those of rigs that are not known are left out."""
    rigs = {rig.name: rig for rig in [*known, target_rig("query", 3)]}
    for name in dict.fromkeys(bug.rig for bug in bugs if bug.rig in rigs):
        mine = [bug for bug in bugs if bug.rig == name]
        with Benches(rigs[name], "sqlite", jobs) as benches:
            pairs = [pair for bug in mine for pair in ((bug.plan, ""), (bug.plan, bug.name))]
            found = {(one.bug, one.steps): one for one in benches.carry_out(pairs)}
        for bug in mine:
            yield Catch(bug, found["", bug.plan], found[bug.name, bug.plan])


def hunt(known: Sequence[Rig], jobs: int, only: Sequence[str]) -> int:
    """Print what became of each bug; 0 where all were caught."""
    wanted = [bug for bug in BUGS.values() if not only or {bug.name, bug.rig} & set(only)]
    missed, tried = 0, 0
    for catch in hunted(known, wanted, jobs):
        tried += 1
        missed += not catch.caught
        shown = str(catch.spoilt.wrong[0])[:100] if catch.spoilt.wrong else "nothing was wrong"
        click.echo(f"{'caught' if catch.caught else 'MISSED':<8}{catch.bug.rig:<16}{catch.bug.name:<46}{shown}")
        for wrong in catch.sound.wrong:
            click.echo(f"  without the bug: {wrong}")
    left = f"; {len(wanted) - tried} belong to rigs that were not named" if tried < len(wanted) else ""
    click.echo(f"{tried - missed} of {tried} planted bugs were caught{left}")
    return 1 if missed else 0
