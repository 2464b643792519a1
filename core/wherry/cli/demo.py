"""``wherry demo``."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from wherry import demo as demonstration
from wherry.cli import summary, tied
from wherry.cli.context import Face
from wherry.cli.drawing import clean, plural, spelled
from wherry.cli.entries import preview_lines
from wherry.cli.options import face
from wherry.cli.progress import Progress
from wherry.demo import Outcome

DEFAULT = Path(".demo") / "acme"


@click.command()
@click.argument("system", required=False, default="")
@click.option("--keep", is_flag=True, help="Leave the stand-in running until Ctrl-C.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="The project folder; an earlier demo's is used again. [default: .demo/acme, made anew]")  # fmt: skip
def demo(system: str, keep: bool, folder: Path | None) -> None:
    """A whole project on sample data: a stand-in is filled, the flows run, and you see what came of it.

    Exit 0 when everything is as it should be. The commands at the end work when pasted, also when the stand-in is gone.
    """
    own = face()
    own.configure_logging()
    name, sample = demonstration.sample(system)
    place = (folder or DEFAULT).absolute()
    demonstration.make_folder(place, sample.PROJECT, fresh=folder is None)
    with demonstration.stand_in(name) as url:
        with Progress(own) as progress:
            found = demonstration.show(name, sample, place, url, progress)
        data = _data(found)
        own.print("wherry.demo/1", data, lambda: _lines(found, url if keep else ""))
        own.code = 1 if found.differences else 0
        if keep:
            _wait(own, url)


def _data(found: Outcome) -> dict[str, Any]:
    return {
        "system": found.system, "folder": str(found.folder), "there": found.there, "waiting": found.waiting,
        "questions": found.questions, "differences": found.differences, "commands": _commands(found),
        "runs": [report.data for report in found.reports],
        "journal": found.booked.preview if found.booked else None,
        "tie_out": tied.data(found.booked.tied) if found.booked else None,
    }  # fmt: skip


def _lines(found: Outcome, url: str) -> Iterator[str]:
    for report in found.reports:
        yield from summary.lines(report.data)
    yield ""
    files = found.there.get("file", 0)
    made = [plural(number, kind) for kind, number in found.there.items() if kind != "file"]
    yield f"In the workspace now: {', '.join(made)}, {plural(files, 'file')} copied."
    for question in found.questions:
        yield from _question(question)
    if found.booked is not None:
        yield ""
        yield click.style("A month of wallet transactions as journals, before they are posted:", bold=True)
        yield from preview_lines(found.booked.preview)
        yield click.style("Posted into files, and tied out:", bold=True)
        yield from tied.lines(found.booked.tied)
        yield from tied.verdict(found.booked.tied.passes)
        yield ""
    yield f"All of it lies in {found.folder}"
    if url:
        yield f"The stand-in answers at {url}; stop it with Ctrl-C."
    yield from _verdict(found)
    yield "Paste these:"
    yield from (f"  {command}" for command in _commands(found))


def _question(question: dict[str, Any]) -> Iterator[str]:
    yield click.style(
        f'One question waits: which {spelled(question["entity"])} is "{clean(question["name"])}"?', bold=True
    )
    best = question["candidates"][0] if question["candidates"] else None
    if best:
        why = clean(best["why"])
        yield f'  best candidate: {best["id"]} "{clean(best["name"])}", score {best["score"]:.2f} ({why})'
    yield f"  {plural(question['waiting'], 'project')} wait{'s' if question['waiting'] == 1 else ''} for the answer"


def _verdict(found: Outcome) -> Iterator[str]:
    if not found.differences:
        yield click.style("Everything is as it should be.", fg="green")
        return
    yield click.style("This is not as it should be:", fg="red")
    yield from (f"  {difference}" for difference in found.differences)


def executable() -> str:
    """How this program is started, as an absolute command."""
    given = Path(sys.argv[0])
    if given.name == "wherry" and given.exists():
        return shlex.quote(str(given.absolute()))
    beside = Path(sys.executable).parent / "wherry"
    if beside.exists():
        return shlex.quote(str(beside))
    return shutil.which("wherry") or f"{shlex.quote(sys.executable)} -m wherry.cli"


def _commands(found: Outcome) -> list[str]:
    """What to try next: complete commands, which need no network."""
    start = f"{executable()} -C {shlex.quote(str(found.folder))}"
    first = next((one for one in found.questions if one["candidates"]), None)
    answer = [f"triage match {first['id']} {first['candidates'][0]['id']}"] if first else []
    then = ["workspace list project", f"workspace export --to {shlex.quote(str(found.folder / 'export'))}", "status"]
    return [f"{start} {command}" for command in ["triage list", *answer, *then]]


def _wait(own: Face, url: str) -> None:
    sys.stdout.flush()
    own.note(f"the stand-in answers at {url} until Ctrl-C")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
