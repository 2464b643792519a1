"""Files of deals: the documents that are linked to them, each in its newest version, which is known by its own id:
what was copied stays as it was, and a newer version comes beside it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from msgspec import Struct
from wherry.decoding import decoder
from wherry.errors import AccessLost, Rejected
from wherry.records import Record
from wherry.rows import Row, nested

from .client import Client
from .objects import STAMP, ms_of
from .soql import among, is_id, moment, select

FILE_FIELDS = ("name", "extension", "size", "media_type", "document_id", "deal_id")
_LINK, _DEAL = "ContentDocumentLink", "Opportunity"
_COLUMNS = (
    "LinkedEntityId", "ContentDocumentId", "ContentDocument.Title", "ContentDocument.FileExtension",
    "ContentDocument.ContentSize", "ContentDocument.LatestPublishedVersionId",
)  # fmt: skip


class _Document(Struct):
    Title: str | None = None
    FileExtension: str | None = None
    ContentSize: int | None = None
    LatestPublishedVersionId: str | None = None


class _Link(Struct):
    LinkedEntityId: str
    ContentDocumentId: str
    ContentDocument: _Document | None = None


def links_of(deals: Sequence[str]) -> str:
    """The query for what is linked to deals. Salesforce answers it for named records only."""
    return select(_COLUMNS, _LINK, among("LinkedEntityId", deals))


def links_since(ms: int) -> str:
    """The query for deals that something was linked to, or of whose files a new version came, since a moment."""
    at = moment(ms)
    changed = f"({STAMP} >= {at} OR ContentDocument.{STAMP} >= {at})"
    columns = ("LinkedEntityId", STAMP, f"ContentDocument.{STAMP}")
    return select(columns, _LINK, f"LinkedEntityId IN (SELECT Id FROM {_DEAL}) AND {changed}")


def newest_of(row: Row) -> int:
    """When a row beside the heads changed, in ms: a link with its document."""
    document = nested(row.get("ContentDocument"))
    return max(ms_of(row), ms_of(document) if document else 0)


def file_of(row: Row) -> tuple[str, Record] | None:
    """The deal, and its file as a record; None for a document that has no version to be had."""
    link: _Link = decoder(_Link).decode(msgspec.json.encode(row))
    document = link.ContentDocument
    if document is None or not document.LatestPublishedVersionId:
        return None
    title, extension = document.Title or f"file {link.ContentDocumentId}", document.FileExtension or ""
    ending = f".{extension}" if extension else ""
    name = title if title.lower().endswith(ending.lower()) else title + ending
    fields = {
        "name": name,
        "extension": extension,
        "size": document.ContentSize or 0,
        "media_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "document_id": link.ContentDocumentId,
        "deal_id": link.LinkedEntityId,
    }
    version, payload = document.LatestPublishedVersionId, msgspec.json.encode(fields)
    return link.LinkedEntityId, Record(kind="file", id=version, version=version, payload=payload)


@contextmanager
def opened(client: Client, version: str) -> Iterator[Iterator[bytes]]:
    """The bytes of one version of a file. Raises Rejected when the user may not have them."""
    if not is_id(version):
        raise _refused(version, "that is no id of a file")
    try:
        with client.stream(version) as pieces:
            yield pieces
    except (AccessLost, Rejected) as error:
        if isinstance(error, AccessLost) and error.code != "WHERRY-5762":  # the sign-in itself
            raise
        raise _refused(version, error.message) from error


def _refused(version: str, why: str) -> Rejected:
    return Rejected(
        f"Salesforce does not give out file {version}: {why}",
        fix="share it with the user of this connection, or leave it out", code="WHERRY-4761", file=version,
    )  # fmt: skip
