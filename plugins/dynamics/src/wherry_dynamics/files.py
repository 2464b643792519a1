"""Files of deals: the notes with an attachment. A note has one file, which may be replaced: one of another size is
copied beside the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from msgspec import Struct, field
from wherry.decoding import decoder
from wherry.errors import AccessLost, Rejected
from wherry.records import Record
from wherry.rows import Row

from .client import Ask, Client, among, is_id
from .objects import STAMP, version_of
from .walk import changed

FILE_FIELDS = ("name", "size", "media_type", "subject", "deal_id")
_COLUMNS = ("annotationid", "_objectid_value", "filename", "filesize", "mimetype", "subject")
_OF_DEALS = "isdocument eq true and objecttypecode eq 'opportunity'"
_ORDER = "annotationid asc"


class _Note(Struct):
    annotationid: str
    objectid: str = field(name="_objectid_value")
    filename: str | None = None
    filesize: int | None = None
    mimetype: str | None = None
    subject: str | None = None


def notes_of(deals: Sequence[str]) -> Ask:
    """The query for the files of deals."""
    return Ask("annotations", _COLUMNS, f"{_OF_DEALS} and {among('objectid', deals)}", _ORDER)


def notes_since(moment: int) -> Ask:
    """The query for deals that got a file, or whose file changed, since a moment."""
    return Ask("annotations", ("_objectid_value", STAMP), f"{_OF_DEALS} and {changed(moment)}", _ORDER)


def file_of(row: Row) -> tuple[str, Record]:
    """The deal, and its file as a record."""
    note: _Note = decoder(_Note).decode(msgspec.json.encode(row))
    fields = {
        "name": note.filename or f"file {note.annotationid}",
        "size": note.filesize or 0,
        "media_type": note.mimetype or "application/octet-stream",
        "subject": note.subject,
        "deal_id": note.objectid,
    }
    made = Record(kind="file", id=note.annotationid, version=version_of(row), payload=msgspec.json.encode(fields))
    return note.objectid, made


@contextmanager
def opened(client: Client, note: str) -> Iterator[Iterator[bytes]]:
    """The bytes of a note's file. Raises Rejected when it is not to be had."""
    if not is_id(note):
        raise refused(note, "that is no id of a note")
    yield _pieces(client, note)


def _pieces(client: Client, note: str) -> Iterator[bytes]:
    try:
        yield from client.blocks(note)
    except (Rejected, AccessLost) as error:
        if isinstance(error, AccessLost) and error.code != "WHERRY-5723":  # the sign-in itself
            raise
        raise refused(note, error.message) from error


def refused(note: str, why: str) -> Rejected:
    return Rejected(
        f"Dynamics does not give out the file of note {note}: {why}",
        fix="look whether the note still has its file, and whether the user of this connection may read it",
        code="WHERRY-4721", file=note,
    )  # fmt: skip
