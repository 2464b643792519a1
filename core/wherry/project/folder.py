"""What lies in the project folder: the store, and CSV tables, long lists that a bookkeeper keeps in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from wherry.errors import ConfigError
from wherry.roles import Clock
from wherry.settings import Project
from wherry.store import Store, locks

_LARGEST = 50_000_000


def project_store(project: Project, clock: Clock) -> Store:
    """The project's store; its files beside it. Raises ConfigError where it was lost."""
    folder = project.folder / ".wherry"
    url = project.store.url or f"sqlite:///{folder / 'wherry.db'}"
    files = project.store.files if str(project.store.files) != "." else folder / "files"
    store = Store(url, clock, project.folder / files)
    if store.database.path is not None:
        _refuse_lost(store.database.path)
    return store


def _refuse_lost(store: Path) -> None:
    """A store that was at work is not begun anew by itself: nobody would be told that all it knew is gone."""
    marks = locks.folder_of(store)
    if marks.is_dir() and not (store.is_file() and store.stat().st_size):
        how = "empty" if store.exists() else "not there"
        raise ConfigError(
            f"the store {store} is {how}, though this project was at work with it: what it knew (what went where, "
            "answers, approvals, secrets, the platform's own records) is lost",
            fix=f"put a backup in its place; to begin anew in spite of that, remove {marks}: what was sent is then "
            "looked for before anything is made",
            code="WHERRY-2316", key="store.url",
        )  # fmt: skip


def read_table(folder: Path, path: str) -> list[dict[str, str]]:
    """The rows of a table, column → text; names in lower case, blanks around texts cut. Empty where there is no file.

    Raises ConfigError for a file outside the folder, one that is no UTF-8, and a row of another length.
    """
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise ConfigError(f"the table {path} lies outside the project folder", fix="move it there", code="WHERRY-2087")
    if not file.is_file():
        return []
    try:
        if file.stat().st_size > _LARGEST:
            raise ConfigError(f"the table {path} is larger than 50 MB", fix="split it", code="WHERRY-2088")
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            return _rows(path, ((reader.line_num, row) for row in reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"the table {path} cannot be read: {error}", fix="save it as CSV in UTF-8, with commas", code="WHERRY-2089"
        ) from error


def _rows(path: str, lines: Iterator[tuple[int, list[str]]]) -> list[dict[str, str]]:
    header = [name.strip().lower() for name in next(lines, (0, []))[1]]
    rows = []
    for number, row in lines:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise ConfigError(
                f"line {number} of the table {path} has {len(row)} columns where its header has {len(header)}",
                fix="quote texts that hold a comma", code="WHERRY-2086", line=number,
            )  # fmt: skip
        rows.append({name: cell.strip() for name, cell in zip(header, row, strict=True)})
    return rows
