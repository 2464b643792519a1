"""Reading files: each row a record of texts. A mark names the files that were read, by what changes with them.

A file is read again as a whole when it changes; rows that are as they were have the same version: they are dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field
from wherry.errors import ConfigError, TryAgain
from wherry.records import Page, Record
from wherry.roles import Account, Clock, Query

from .kinds import KINDS, LINE, NEEDED, SIDES
from .reading import Row, Seen, id_of, look, plain, rows
from .settings import CsvSettings, Records

if TYPE_CHECKING:
    from wherry.http import Files

_NANO = 10**9


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """Which files were read to their end, how many rows of the one that was not, and between which rows of a file lie
    those that had no id of their own: once they have one, what was refused under their place is gone."""

    read: list[str] = field(default_factory=list)
    at: tuple[str, int] = ("", 0)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)


class Told(Struct):
    """What was told of a file so far: how many records, and which rows by their place."""

    seen: Seen
    column: str
    count: int = 0
    places: list[int] = field(default_factory=list)

    def note(self, record: Record) -> None:
        if not record.gone:
            self.count += 1
            place = record.id.removeprefix(f"{self.seen.name}#")
            self.places += [int(place)] if self.column and place != record.id and place.isdecimal() else []

    @property
    def digest(self) -> str:
        """Of a file none of whose rows had an id, with the column that it was looked for in: in another there may be
        one, and nothing was carried over that would be so once more."""
        nobody = self.places and len(self.places) == self.count
        return unnamed(self.seen, self.column) if nobody else self.seen.digest

    @property
    def between(self) -> dict[str, tuple[int, int]]:
        return {self.seen.name: (min(self.places), max(self.places))} if self.places else {}


def unnamed(seen: Seen, column: str) -> str:
    return f"{seen.digest}#{column}"


class CsvSource:
    """One folder."""

    chunk = 1000

    def __init__(self, files: Files, settings: CsvSettings, clock: Clock) -> None:
        self.kinds: Sequence[str] = tuple(settings.records) or tuple(KINDS)
        self._files, self._settings, self._clock = files, settings, clock

    def check(self) -> Account:
        """The folder, by the word in its marker file."""
        folder = self._files.folder
        return Account(self._files.identity(), f"files in {folder.name}", {"folder": str(folder)})

    def read(self, query: Query) -> Iterator[Page]:
        """Files as they were at the start, oldest first. Raises ConfigError for a mark that it never gave."""
        said, mark = self._said(query.kind), _mark(query.after)
        there, column, places = self._listed(said), _spelled(said), dict(mark.places)
        known = {seen.digest for seen in there}
        read = [digest for digest in mark.read if digest.partition("#")[0] in known]
        since = query.since.timestamp() * _NANO if query.since else 0
        page: list[Record] = []
        for seen in there:
            names = (seen.digest, unnamed(seen, column))
            if seen.modified < since or not set(names).isdisjoint(read):
                continue
            start, told = mark.at[1] if mark.at[0] in names else 0, Told(seen, column)
            for number, record in enumerate(self._anew(query, seen, said, places.get(seen.name)), 1):
                told.note(record)
                if number <= start:
                    continue
                page.append(record)
                if len(page) >= self._settings.page_size:
                    yield Page(page, _text(Mark(read, (told.digest, number), places)))
                    page = []
            read.append(told.digest)  # as it was listed: what was written since has another digest
            places = {name: rows for name, rows in places.items() if name != seen.name} | told.between
        yield Page(page, _text(Mark(read, places=places)))

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """With the two sides of each transaction, where they are asked for."""
        for record in records:
            if LINE in relatives and record.kind == "transaction" and not record.fields.get("problem"):
                record.relatives[LINE] = _lines(record)
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Records by id, as the newest file has them."""
        said, query = self._said(kind), Query(kind=kind, fields=fields)
        found: dict[str, Record] = {}
        for seen in self._listed(said):
            found.update((one.id, one) for one in self._records(query, seen, said) if one.id in ids)
        return [found[id] for id in ids if id in found]

    # -- files --------------------------------------------------------------------------------------------------------

    def _said(self, kind: str) -> Records:
        return self._settings.records.get(kind) or Records()  # type: ignore[call-arg]

    def _listed(self, said: Records) -> list[Seen]:
        """The files of the pattern, oldest change first; what somebody may be writing still is left for later."""
        folder, quiet = self._files.folder, self._settings.quiet
        still = int(self._clock.now().timestamp() * _NANO) - quiet * _NANO
        try:
            names = sorted(one.name for one in folder.iterdir() if self._wanted(one.name, said))
            found = [seen for name in names if (seen := look(folder / name, _how(said))) is not None]
        except OSError as error:
            raise TryAgain(
                f"the folder {folder} cannot be read: {error.strerror}", code="WHERRY-6484",
                fix="make it, or mount the drive that it is on",
            ) from error  # fmt: skip
        return sorted(
            (seen for seen in found if not quiet or seen.modified <= still), key=lambda seen: (seen.modified, seen.name)
        )

    def _wanted(self, name: str, said: Records) -> bool:
        return not name.startswith(".") and name != self._settings.accounts and fnmatchcase(name, said.files)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _anew(self, query: Query, seen: Seen, said: Records, before: tuple[int, int] | None) -> Iterator[Record]:
        """The rows of a file, and that there is nothing more at places of rows that had no id ``before``."""
        first, last = before or (0, -1)
        gone = {f"{seen.name}#{number}": None for number in range(first, last + 1)}
        for record in self._records(query, seen, said):
            gone.pop(record.id, None)
            yield record
        yield from (Record(kind=query.kind, id=id, version="gone", gone="deleted") for id in gone)

    def _records(self, query: Query, seen: Seen, said: Records) -> Iterator[Record]:
        ids: dict[str, int] = {}
        column = _spelled(said)
        try:
            for row in rows(self._files.folder / seen.name, said, KINDS[query.kind]):
                id, problem = id_of(row, seen.name, column)
                if ids.setdefault(id, row.number) != row.number:
                    id = f"{seen.name}#{row.number}"
                    problem = f"row {row.number} of {seen.name} has the same {column} as row {ids[row.cells[column]]}"
                yield _record(query, id, problem, row)
        except OSError as error:
            raise TryAgain(f"{seen.name} cannot be read: {error.strerror}", code="WHERRY-6485") from error


def _how(said: Records) -> str:
    """Stands for how rows are read: once that is set otherwise, what could not be read may be. Not by which column they
    are told apart: under another id a row would be another record, and be carried over once more."""
    told = said.model_dump_json(exclude={"id", "files"})
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _spelled(said: Records) -> str:
    """The column of the ids, as rows name it."""
    wanted = plain(said.id)
    return next((ours for ours, theirs in said.columns.items() if plain(theirs) == wanted), wanted)


def _record(query: Query, id: str, problem: str, row: Row) -> Record:
    """What a map asked for, and what the lines are made of; the version is that of the whole row."""
    told: dict[str, Any] = {"id": id, "problem": problem} if problem else {**row.cells, "id": id, "problem": ""}
    version = hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:16]
    if query.fields:
        roots = {name.partition(".")[0] for name in query.fields} | {"id", "problem"}
        roots |= set(NEEDED) if query.kind == "transaction" else set()
        told = {name: value for name, value in told.items() if name in roots}
    return Record(kind=query.kind, id=id, version=version, payload=msgspec.json.encode(told))


def _lines(record: Record) -> list[Record]:
    """From the credit to the debit account; a side without an account has its own category, or the common one."""
    told = record.fields
    made = []
    for side in SIDES:
        account = told.get(side) or ""
        category = "" if account else told.get(f"{side}_category") or told.get("category") or ""
        line = {
            "side": side, "amount": told.get("amount") or "", "account": account, "category": category,
            "description": told.get("description") or "",
        }  # fmt: skip
        made.append(
            Record(kind=LINE, id=f"{record.id}/{side}", version=record.version, payload=msgspec.json.encode(line))
        )
    return made


def _mark(text: str | None) -> Mark:
    try:
        return msgspec.json.decode(text, type=Mark) if text is not None else Mark()
    except msgspec.MsgspecError:
        raise ConfigError(
            f"{str(text)[:40]!r} is not a mark of a folder", code="WHERRY-2491",
            fix="read the flow from its start: wherry run FLOW --changed-since DATE",
        ) from None  # fmt: skip


def _text(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()
