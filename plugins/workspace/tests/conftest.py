"""What the workspace's tests share: documents in memory and on a real store, a sink, and a clock that stands still."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from wherry.roles import Documents
from wherry.store import Store
from wherry.testing.clock import FakeClock
from wherry_workspace.charge_import import import_charges
from wherry_workspace.layouts import ONLINE_RETAIL
from wherry_workspace.rows import Report
from wherry_workspace.sink import WorkspaceSink

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[4] / "shared"))

Opened = Callable[[], AbstractContextManager[Documents]]


class MemoryDocuments:
    """``wherry.roles.Documents`` in a dict. ``calls`` counts what was asked, for tests of bulk access."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
        self.sequence, self.numbers = 0, dict[str, int]()
        self.calls: list[str] = []

    def get(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        self.calls.append(f"get {kind}")
        there = self.held.get(kind, {})
        return {name: copy.deepcopy(there[name][1]) for name in ids if name in there}

    def known(self, kind: str, ids: Iterable[str]) -> set[str]:
        self.calls.append(f"known {kind}")
        return {name for name in ids if name in self.held.get(kind, {})}

    def put(self, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        self.calls.append(f"put {kind}")
        for name, body in rows:
            self.sequence += 1
            self.held.setdefault(kind, {})[name] = (self.sequence, copy.deepcopy(body))

    def remove(self, kind: str, ids: Iterable[str]) -> None:
        for name in ids:
            self.held.get(kind, {}).pop(name, None)

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self.calls.append(f"each {kind}")
        rows = sorted(self.held.get(kind, {}).items(), key=lambda row: row[1][0])
        yield from ((name, copy.deepcopy(body)) for name, (_, body) in rows)

    def count(self, kind: str) -> int:
        return len(self.held.get(kind, {}))

    def changed(self, kind: str, after: int, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        rows = sorted((number, name, body) for name, (number, body) in self.held.get(kind, {}).items())
        return [(number, name, copy.deepcopy(body)) for number, name, body in rows if number > after][:limit]

    def new_ids(self, kind: str, prefix: str, count: int) -> list[str]:
        first = self.numbers.get(kind, 1001)
        self.numbers[kind] = first + count
        return [f"{prefix}-{number}" for number in range(first, first + count)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Opened]:
    """Opens the documents of a workspace: in memory, and on a real store."""
    if request.param == "memory":
        documents = MemoryDocuments()

        @contextmanager
        def in_memory() -> Iterator[Documents]:
            yield documents

        yield in_memory
        return
    store = Store(f"sqlite:///{tmp_path / 'state.db'}", clock, tmp_path / "files")
    try:
        yield lambda: store.documents("workspace")
    finally:
        store.close()


@pytest.fixture
def documents(opened: Opened) -> Iterator[Documents]:
    with opened() as documents:
        yield documents


class Retail(NamedTuple):
    """The file of the real invoices, what its first import said, and the folder of the store it went into."""

    path: Path
    report: Report
    folder: Path

    @contextmanager
    def store(self, folder: Path) -> Iterator[Store]:
        """That store again, as it was after the import, for whoever has the folder."""
        shutil.copytree(self.folder, folder / "retail")
        store = Store(f"sqlite:///{folder / 'retail' / 'state.db'}", FakeClock(), folder / "files")
        yield store
        store.close()


@pytest.fixture(scope="session")
def retail(tmp_path_factory: pytest.TempPathFactory) -> Retail:
    """The real invoices in a workspace on a real store. They are imported once: it takes seconds."""
    path = SHARED / "data" / "invoices" / "online_retail.csv"
    if not path.is_file():
        pytest.skip(f"needs the real invoices in {path} (or WHERRY_SHARED)")
    folder = tmp_path_factory.mktemp("retail")
    store = Store(f"sqlite:///{folder / 'state.db'}", FakeClock(), folder / "files")
    with store.documents("workspace") as documents:
        report = import_charges(documents, ONLINE_RETAIL, path, "GBP")
    store.close()
    return Retail(path, report, folder)


@pytest.fixture
def sink(opened: Opened, clock: FakeClock) -> WorkspaceSink:
    return WorkspaceSink(opened, clock, "workspace")


@pytest.fixture(scope="session")
def fresh() -> type[MemoryDocuments]:
    """Makes an empty workspace in memory: for property tests, which need one an example."""
    return MemoryDocuments
