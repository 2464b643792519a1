"""Files of deals. HubSpot hangs files on activities: a note, email, call, meeting or task names file ids in
``hs_attachment_ids``, separated by semicolons. A deal's files are those of its activities.
"""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import msgspec
from msgspec import Struct
from wherry.decoding import decoder
from wherry.errors import AccessLost, Rejected, TryAgain, WherryError
from wherry.records import Record
from wherry.rows import pieces

from .client import FILES_PAGE, OBJECT_ID, Client, Filter
from .errors import body_of, missing_scopes, said
from .objects import Head, head_of
from .reading import Reader, ReadOnce
from .shapes import FileInfo

ATTACHED = "hs_attachment_ids"
HAS_FILES: Filter = {"propertyName": ATTACHED, "operator": "HAS_PROPERTY"}
ACTIVITIES = {"note": "notes", "email": "emails", "call": "calls", "meeting": "meetings", "task": "tasks"}
SIGNED_FOR = 600
FIELDS = ("name", "extension", "size", "type", "access", "md5", "media_type", "activity", "activity_id", "deal_id")

Attachments = dict[str, list["Attachment"]]
"""Deal id → the files on its activities of one kind."""


class Attachment(Struct, frozen=True):
    """A file id, and the activity that carries it."""

    file: str
    activity: str
    activity_id: str


class _Props(Struct):
    hs_attachment_ids: str | None = None


def attachments(kind: str, head: Head) -> list[Attachment]:
    """The files that one activity carries."""
    text = decoder(_Props).decode(head.properties).hs_attachment_ids or ""
    return [Attachment(part.strip(), kind, head.id) for part in text.split(";") if part.strip()]


class DealFiles:
    """The files of deals, as records of kind ``file``.

    Where everything is read, a survey spares calls (``surveyed``): each kind of activity is asked once how many of it
    carry files. Where none do, nothing more is asked in this run; where one page of a search names them all, their
    deals are asked in one call.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.client = reader, reader.client
        self.surveyed = False
        self._lock = threading.Lock()
        self._survey: dict[str, Attachments] | None = None
        self._facts = ReadOnce(self._read_facts)

    @property
    def few(self) -> bool:
        """Whether the survey tells the files of all deals, as far as is known: then none is asked for its own."""
        return self.surveyed and (self._survey is None or len(self._survey) == len(ACTIVITIES))

    def of(self, ids: Sequence[str]) -> dict[str, list[Record]]:
        """Deal id → a record for each file, each file once a deal."""
        known = self._surveyed_kinds() if self.surveyed else {}
        left = [kind for kind in ACTIVITIES if kind not in known]
        asked = zip(left, self.reader.spread(lambda kind: self._of_deals(kind, ids), left), strict=True)
        found = {**known, **dict(asked)}
        held = {i: self._distinct(each for kind in ACTIVITIES for each in found[kind].get(i, ())) for i in ids}
        facts = self._facts.get(dict.fromkeys(each.file for some in held.values() for each in some))
        return {i: [file_record(facts.get(each.file), each, i) for each in some] for i, some in held.items()}

    def _distinct(self, attached: Iterable[Attachment]) -> list[Attachment]:
        found: dict[str, Attachment] = {}
        for each in attached:
            found.setdefault(each.file, each)
        return list(found.values())

    def _of_deals(self, kind: str, ids: Sequence[str]) -> Attachments:
        """Asked from the deals: their activities, then the files of those."""
        type_name = ACTIVITIES[kind]
        associations = self.reader.associations("deals", type_name, ids)
        activities = (target.id for targets in associations.values() for target in targets)
        carried = {head.id: attachments(kind, head) for head in self.reader.heads(type_name, activities, (ATTACHED,))}
        return {
            deal: [each for i in sorted((target.id for target in targets), key=int) for each in carried.get(i, ())]
            for deal, targets in associations.items()
        }

    def _surveyed_kinds(self) -> dict[str, Attachments]:
        """Kind of activity → files by deal, for the kinds of which one page of a search tells all."""
        with self._lock:
            if self._survey is None:
                found = zip(ACTIVITIES, self.reader.spread(self._of_all, list(ACTIVITIES)), strict=True)
                self._survey = {kind: held for kind, held in found if held is not None}
            return self._survey

    def _of_all(self, kind: str) -> Attachments | None:
        """Asked from the activities; None where they are too many."""
        page, _ = self.client.search(ACTIVITIES[kind], [HAS_FILES], OBJECT_ID, (ATTACHED,))
        if page.after:
            return None
        heads = [head_of(found) for found in page.results]
        associations = self.reader.associations(ACTIVITIES[kind], "deals", [head.id for head in heads])
        held: Attachments = {}
        for head in heads:
            for deal in associations.get(head.id, ()):
                held.setdefault(deal.id, []).extend(attachments(kind, head))
        return held

    def _read_facts(self, ids: Sequence[str]) -> Mapping[str, FileInfo]:
        """One call for a hundred files; those that HubSpot hides from a search are asked one by one."""
        found: dict[str, FileInfo] = {}
        if len(ids) > 1:
            batches = self.reader.spread(self.client.files, pieces(ids, FILES_PAGE))
            found = {info.id: info for batch in batches for info in batch}
        left = [i for i in ids if i not in found]
        single = self.reader.spread(self.client.file, left)
        return found | {i: info for i, info in zip(left, single, strict=True) if info is not None}


def file_record(info: FileInfo | None, attached: Attachment, deal: str) -> Record:
    """A file of a deal. One that is gone from HubSpot stays visible: opening it is what gets refused."""
    if info is None or info.archived:
        info, gone = FileInfo(attached.file, name=f"file {attached.file}"), True
    else:
        gone = False
    name = f"{info.name}.{info.extension}" if info.extension else info.name or f"file {info.id}"
    fields = {
        "name": name,
        "extension": info.extension or "",
        "size": info.size or 0,
        "type": info.type or "",
        "access": info.access or "",
        "md5": info.fileMd5 or "",
        "media_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "activity": attached.activity,
        "activity_id": attached.activity_id,
        "deal_id": deal,
    }
    return Record(
        kind="file",
        id=info.id,
        version=info.updatedAt,
        payload=msgspec.json.encode(fields),
        gone="deleted" if gone else "",
        decoded=fields,
    )


@contextmanager
def opened(client: Client, file_id: str) -> Iterator[Iterator[bytes]]:
    """The bytes of a file by a signed URL, which is not kept. One that is refused is replaced once by a fresh one.

    Raises Rejected when HubSpot will not give the file, TryAgain when it cannot now.
    """
    with ExitStack() as stack:
        try:
            chunks = stack.enter_context(client.stream(_signed_url(client, file_id)))
        except (AccessLost, Rejected, TryAgain):
            chunks = _second_try(client, file_id, stack)
        yield chunks


def _second_try(client: Client, file_id: str, stack: ExitStack) -> Iterator[bytes]:
    url = _signed_url(client, file_id)
    try:
        return stack.enter_context(client.stream(url))
    except (AccessLost, Rejected) as error:
        # The storage host's refusal says nothing about our token: nobody has to sign in again.
        raise _refused(file_id, f"its signed URL was refused twice: {error.message}") from error


def _signed_url(client: Client, file_id: str) -> str:
    url, answer = client.signed_url(file_id, SIGNED_FOR)
    if url:
        return url
    body = body_of(answer)
    scopes = missing_scopes(body) if answer.status == 403 else []
    why = f"the token lacks the scopes {', '.join(scopes)}" if scopes else said(body) or f"status {answer.status}"
    raise _refused(file_id, why, bool(scopes))


def _refused(file_id: str, why: str, scopes: bool = False) -> WherryError:
    fix = "add the scopes to the service key in HubSpot" if scopes else "restore the file in HubSpot, or leave it out"
    return Rejected(f"HubSpot does not give out file {file_id}: {why}", fix=fix, code="WHERRY-4701", file=file_id)
