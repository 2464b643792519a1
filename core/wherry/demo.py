"""A whole project on sample data: a stand-in is started and filled, the flows run, and what came of it is compared.

The core names no system: a plugin offers a demonstration by an entry point in the group ``wherry.demo``, whose name is
the system and whose value a module with ``PROJECT`` (the text of a project file), ``fill(base_url, token)`` and
``EXPECTED`` (entity → how many there are to be; ``triage`` and ``waiting`` → how many questions and root drafts wait).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from wherry import demo_books, plugins
from wherry.errors import Guarded, NotFound
from wherry.hub import Hub, Report
from wherry.operating import answers
from wherry.protocol.tally import Tally
from wherry.roles import AtomicSinkWriter
from wherry.settings import PROJECT_FILE, load
from wherry.store import ledger
from wherry.store.documents import DocumentView

GROUP = "wherry.demo"
MARKER = ".wherry-demo"
URL, TOKEN = "WHERRY_DEMO_URL", "WHERRY_DEMO_TOKEN"
"""The variables by which a demonstration's project file names its stand-in; kept in the folder's ``.env``."""
_TOKEN = "demo-token"
_IGNORED = ".wherry/\n.env\n"

Settled = Callable[[str, Tally], None]


class Sample(Protocol):
    """What a plugin's demonstration module holds."""

    PROJECT: str
    EXPECTED: Mapping[str, int]

    def fill(self, base_url: str, token: str) -> None: ...


class Outcome(Struct, kw_only=True):
    """What a demonstration came to: entity → number there and still waiting, and what is not as it should be."""

    system: str
    folder: Path
    reports: list[Report]
    there: dict[str, int]
    waiting: dict[str, int]
    questions: list[dict[str, Any]]
    differences: list[str]
    booked: demo_books.Booked | None = None
    """The journals, where the plugin for files is installed."""


def systems() -> list[str]:
    """The systems that installed plugins can show."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def sample(system: str = "") -> tuple[str, Sample]:
    """The demonstration of a system, or of the first one there is. Raises NotFound."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = system or next(iter(sorted(found)), "")
    if name not in found:
        what = f"no installed plugin shows {name}" if name else "no installed plugin brings a demonstration"
        raise NotFound(what, fix=f"there are: {', '.join(sorted(found)) or 'none'}", code="WHERRY-3070")
    made: Sample = found[name].load()
    return name, made


def make_folder(folder: Path, text: str, *, fresh: bool) -> None:
    """The project folder. An earlier demonstration is replaced when ``fresh``; anything else is never touched."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise Guarded(
            f"{folder} is there already and was not made by a demonstration", fix="name another one: --folder DIR",
            code="WHERRY-7070",
        )  # fmt: skip
    if fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("made by: wherry demo\n", encoding="utf-8")
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    if fresh or not (folder / PROJECT_FILE).exists():
        (folder / PROJECT_FILE).write_text(demo_books.with_books(text), encoding="utf-8")
        demo_books.write_files(folder)


def write_environment(folder: Path, url: str, token: str = _TOKEN) -> None:
    """Where the stand-in answers, for the project file; the token is none that opens anything."""
    path = folder / ".env"
    path.write_text(f"{URL}={url}\n{TOKEN}={token}\n", encoding="utf-8")
    os.chmod(path, 0o600)


@contextlib.contextmanager
def stand_in(system: str, port: int = 0) -> Iterator[str]:
    """The system's simulator, running in this process; yields its address. Raises ConfigError without the extra."""
    app = plugins.load([system]).simulator(system).app()
    from wherry.simulator import serve

    with serve(app, port) as url:
        yield url


def show(system: str, what: Sample, folder: Path, url: str, settled: Settled = lambda flow, tally: None) -> Outcome:
    """Fill the stand-in, run every flow, and compare what is there with what should be."""
    write_environment(folder, url)
    what.fill(url, _TOKEN)
    project = load(folder, environ={name: value for name, value in os.environ.items() if name not in (URL, TOKEN)})
    with Hub(project) as hub:
        reports = [hub.run(name, progress=settled) for name in last_flows(hub) if name != demo_books.FLOW]
        found = _outcome(hub, system, what, folder, reports)
        found.booked = demo_books.show(hub)
        found.differences += found.booked.differences if found.booked is not None else []
        return found


def last_flows(hub: Hub) -> list[str]:
    """The flows that no other one runs before itself: running them runs all."""
    before = {name for flow in hub.project.flows.values() for name in flow.after}
    return [name for name in hub.project.flows if name not in before]


def _outcome(hub: Hub, system: str, what: Sample, folder: Path, reports: list[Report]) -> Outcome:
    entities = [name for name in what.EXPECTED if name not in ("triage", "waiting")]
    there = {entity: _count(hub, entity) for entity in entities}
    with hub.store.read() as tx:
        waiting = ledger.count_open(tx).get("waiting", {})
        roots = sum(1 for item in ledger.open_items(tx, state="waiting", limit=100_000) if item.root)
    asked = answers.questions(hub)
    found = {entity: there[entity] + waiting.get(entity, 0) for entity in entities}
    found |= {"triage": len(answers.questions(hub, state="")), "waiting": roots}
    if not asked:  # an earlier demonstration's question was answered: nothing waits for it any more
        found["waiting"] = what.EXPECTED.get("waiting", 0)
    differences = [
        f"{name}: {found[name]} instead of {want}" for name, want in what.EXPECTED.items() if found[name] != want
    ]
    differences += [report.error.message for report in reports if report.error is not None]
    return Outcome(system=system, folder=folder, reports=reports, there=there, waiting=waiting, questions=asked,
                   differences=differences)  # fmt: skip


def _count(hub: Hub, entity: str) -> int:
    """How many of an entity the flows' sinks hold."""
    sinks = {hub.project.connections[flow.sink].plugin: flow.sink for flow in hub.project.flows.values()}
    with hub.store.read() as tx:
        views = {hub.wiring.writer(name): DocumentView(tx, plugin) for plugin, name in sinks.items()}
        held = [sink.listing(view, entity) for sink, view in views.items() if isinstance(sink, AtomicSinkWriter)]
        return sum(1 for listing in held for _ in listing)
