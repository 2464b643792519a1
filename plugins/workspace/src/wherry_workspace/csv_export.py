"""Export: one CSV file a kind, complete or not there at all, the same bytes for the same documents."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from wherry.errors import ConfigError
from wherry.roles import Documents

from wherry_workspace.bodies import full
from wherry_workspace.cells import DERIVED, columns, neutral, row
from wherry_workspace.documents import Document, sources_of
from wherry_workspace.files import blob_path, effective_access
from wherry_workspace.kinds import KINDS, Kind, by_number

_AT_ONCE = 500


class Written(Struct):
    """One exported file: its path, and the rows below its header."""

    path: str
    rows: int


def export(documents: Documents, folder: Path, files: Path | None = None) -> dict[str, Written]:
    """Every kind into ``folder``, also the empty ones; name of the file's content → what was written.

    ``files`` is the folder that holds the bytes of files: ``file.csv`` names their paths there. Raises
    ConfigError when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: written for kind in KINDS.values() for name, written in _kind(documents, kind, folder, files)}
    except OSError as error:
        raise ConfigError(
            f"cannot write to {folder}: {error.strerror or error}",
            fix="name a folder that you may write to: --to DIR", code="WHERRY-2820",
        ) from None  # fmt: skip


def _kind(documents: Documents, kind: Kind, folder: Path, files: Path | None) -> Iterator[tuple[str, Written]]:
    header = ["id", *columns(kind), *DERIVED.get(kind.name, ())]
    yield kind.name, _write(folder / f"{kind.name}.csv", header, _rows(documents, kind, files))
    if kind.line:
        name = kind.line.name
        yield (
            name,
            _write(folder / f"{name}.csv", [kind.name, *columns(kind.line)], _lines(documents, kind, kind.line)),
        )


class Exported(Struct):
    """One document of an export: its id, itself, and its body with defaults filled in."""

    id: str
    document: Document
    body: dict[str, Any]


def _batches(documents: Documents, kind: Kind) -> Iterator[list[Exported]]:
    """By id, some at once: memory holds the ids, not the documents."""
    ids = iter(by_number(name for name, _ in documents.each(kind.name)))
    while some := list(islice(ids, _AT_ONCE)):
        found = documents.get(kind.name, some)
        yield [Exported(name, found[name], full(kind, found[name]["fields"])) for name in some if name in found]


def _rows(documents: Documents, kind: Kind, files: Path | None) -> Iterator[list[str]]:
    for batch in _batches(documents, kind):
        for one, derived in zip(batch, _derived(documents, kind, batch, files), strict=True):
            yield [one.id, *row(kind, one.body), *derived]


def _derived(documents: Documents, kind: Kind, batch: Sequence[Exported], files: Path | None) -> list[list[str]]:
    """The cells that only readers need, one list a document."""
    if kind.name == "file":
        return _of_files(documents, [one.body for one in batch], files)
    if "source" in DERIVED.get(kind.name, ()):
        return [[neutral("; ".join(sources_of(one.document)))] for one in batch]
    return [[]] * len(batch)


def _of_files(documents: Documents, bodies: Sequence[dict[str, Any]], files: Path | None) -> list[list[str]]:
    projects = documents.get("project", {body["project"] for body in bodies if body["project"]})
    further = []
    for body in bodies:
        project = projects.get(body["project"])
        words = effective_access(body, project["fields"] if project else None)
        path = blob_path(files, body["blob"])
        further.append([neutral(words), neutral(path)])
    return further


def _lines(documents: Documents, kind: Kind, shape: Kind) -> Iterator[list[str]]:
    for batch in _batches(documents, kind):
        for one in batch:
            for line in one.body["lines"]:
                yield [one.id, *row(shape, line)]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Written:
    """Beside its place and renamed: a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as handle:
            count = _put(csv.writer(handle), header, rows)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return Written(str(path), count)


def _put(writer: Any, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    writer.writerow(header)
    count = 0
    for count, cells in enumerate(rows, 1):  # noqa: B007
        writer.writerow(cells)
    return count


def as_csv(kind: Kind, rows: Iterable[dict[str, Any]]) -> str:
    """Listed rows as CSV text, in the columns of an export."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["id", *columns(kind)])
    writer.writerows([body["id"], *row(kind, body)] for body in rows)
    return text.getvalue()
