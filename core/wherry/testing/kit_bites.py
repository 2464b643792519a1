"""Does the kit bite? Plants every known bug in copies of plugins, and tells which check caught it, and what got away.

python -m wherry.testing.kit_bites path/to/one path/to/another
python -m wherry.testing.kit_bites --only sides_swapped path/to/one
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import click

from wherry.testing.nursery import Nursery
from wherry.testing.planting import FILE, Caught, Planted, nursery, plantation, tried
from wherry.testing.rigs import memory_disk

WANTED = 0.95
"""The share of the bugs that must be caught."""
Case = tuple[Path, Planted | None]


def cases(plugins: Sequence[Path], only: Sequence[str], quick: bool) -> list[Case]:
    """Each plugin as it is (it must pass), and then with each of its bugs."""
    found: list[Case] = []
    for plugin in plugins:
        bugs = [bug for bug in plantation(plugin).bug if not only or bug.name in only]
        wanted = [bug for bug in bugs if bug.quick or not quick]
        found += [(plugin, None)] * (bool(wanted) and not quick) + [(plugin, bug) for bug in wanted]
    return found


def judged(wanted: Sequence[Case], jobs: int) -> Iterator[Caught]:
    """What became of each case, in order. Each job has a warm parent of its own."""
    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        idle = SimpleQueue[Nursery]()
        for _ in range(jobs):
            idle.put(stack.enter_context(nursery()))
        yield from pool.map(partial(_judge, idle), wanted)


def _judge(idle: SimpleQueue[Nursery], case: Case) -> Caught:
    folder, warm = Path(tempfile.mkdtemp(prefix="wherry-bites-", dir=memory_disk())), idle.get()
    try:
        return tried(*case, folder, warm)
    finally:
        idle.put(warm)
        shutil.rmtree(folder, ignore_errors=True)


@click.command()
@click.argument("plugins", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", multiple=True, help="Bugs by name.")
@click.option("--quick", is_flag=True, help="The sample of each plugin alone.")
@click.option("--jobs", default=2, show_default=True, help="How many at once.")
def main(plugins: Sequence[Path], only: Sequence[str], quick: bool, jobs: int) -> None:
    """Plant the bugs of PLUGINS (folders with tests/planted.toml) and print which check caught each."""
    known = [plugin.resolve() for plugin in plugins if (plugin / "tests" / FILE).is_file()]
    caught, missed, sound = 0, list[Caught](), True
    for one in judged(cases(known, only, quick), jobs):
        click.echo(line(one))
        if not one.bug:
            sound = sound and not one.checks and not one.problem
        elif one.caught:
            caught += 1
        else:
            missed.append(one)
    total = caught + len(missed)
    click.echo(f"{caught} of {total} planted bugs were caught by the kit")
    for one in missed:
        click.echo(f"  got away: {one.plugin} {one.bug}: {one.problem or one.what}")
    raise SystemExit(0 if sound and total and caught >= WANTED * total else 1)


def line(one: Caught) -> str:
    """A case as it is printed."""
    if not one.bug:
        wrong = one.problem or "; ".join(one.checks)
        return f"{'FAILS' if wrong else 'sound':<8}{one.plugin:<16}{'without a bug':<34}{wrong}"
    said = "caught" if one.caught else "ESCAPED"
    return f"{said:<8}{one.plugin:<16}{one.bug:<34}{one.checks[0] if one.caught else one.problem or one.what}"


if __name__ == "__main__":
    main()
