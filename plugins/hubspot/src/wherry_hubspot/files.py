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
from wherry.errors import AccessLost, Rejected, TryAgain, WherryError
from wherry.records import Record

from .client import OBJECT_ID, Client, FileInfo, Filter, CrmObject
from .errors import body_of, missing_scopes, said
from .reading import FanOut, Reader, Shelf, pieces, spread

ATTACHED = "hs_attachment_ids"
HAS_FILES: Filter = {"propertyName": ATTACHED, "operator": "HAS_PROPERTY"}
ACTIVITIES = {"note": "notes", "email": "emails", "call": "calls", "meeting": "meetings", "task": "tasks"}
LINK_SECONDS = 600
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


def attachments(kind: str, thing: CrmObject) -> list[Attachment]:
    """The files that one activity carries."""
    text = msgspec.json.decode(thing.properties, type=_Props).hs_attachment_ids or ""
    return [Attachment(part.strip(), kind, thing.id) for part in text.split(";") if part.strip()]


class DealFiles:
    """The files of deals, as records of kind ``file``.

    ``full`` says that everything is being read: then each kind of activity is asked once how many of it carry files.
    Where none do, nothing more is asked in this run; where one page of a search names them all, their deals are asked
    in one call. What appears meanwhile is found by the next run, whose mark lies before this one began.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.client = reader, reader.client
        self.full = False
        self._lock = threading.Lock()
        self._known: dict[str, Attachments] | None = None
        self._facts = Shelf(self._read_facts)

    def of(self, ids: Sequence[str]) -> dict[str, list[Record]]:
        """Deal id → a record for each file, each file once a deal."""
        known = self._survey() if self.full else {}
        kinds = list(ACTIVITIES)
        found = spread(
            self.reader.fan_out, lambda kind: known[kind] if kind in known else self._held_by(kind, ids), kinds
        )
        held = {i: self._once(attached for each in found for attached in each.get(i, ())) for i in ids}
        facts = self._facts.get(dict.fromkeys(a.file for some in held.values() for a in some))
        return {i: [file_record(facts.get(a.file), a, i) for a in some] for i, some in held.items()}

    def _once(self, attached: Iterable[Attachment]) -> list[Attachment]:
        found: dict[str, Attachment] = {}
        for each in attached:
            found.setdefault(each.file, each)
        return list(found.values())

    def _held_by(self, kind: str, ids: Sequence[str]) -> Attachments:
        """Asked from the deals: their activities, then the files of those."""
        links = self.reader.associations("deals", ACTIVITIES[kind], ids)
        activities = [str(target.toObjectId) for targets in links.values() for target in targets]
        things = {t.id: t for t in self.reader.objects(ACTIVITIES[kind], activities, (ATTACHED,))} if activities else {}
        return {
            deal: [
                attached
                for activity in sorted((str(t.toObjectId) for t in targets), key=int)
                if activity in things
                for attached in attachments(kind, things[activity])
            ]
            for deal, targets in links.items()
        }

    def _survey(self) -> dict[str, Attachments]:
        """Kind of activity → files by deal, for the kinds of which one page of a search tells all."""
        with self._lock:
            if self._known is None:
                kinds = list(ACTIVITIES)
                found = spread(self.reader.fan_out, self._surveyed, kinds)
                self._known = {kind: held for kind, held in zip(kinds, found, strict=True) if held is not None}
            return self._known

    def _surveyed(self, kind: str) -> Attachments | None:
        page, _ = self.client.search(ACTIVITIES[kind], [HAS_FILES], OBJECT_ID, (ATTACHED,))
        if page.after:
            return None
        held: Attachments = {}
        if page.results:
            links = self.reader.associations(ACTIVITIES[kind], "deals", [thing.id for thing in page.results])
            for thing in page.results:
                for target in links.get(thing.id, ()):
                    held.setdefault(str(target.toObjectId), []).extend(attachments(kind, thing))
        return held

    def _read_facts(self, ids: Sequence[str]) -> Mapping[str, FileInfo]:
        """One call for a hundred files; those that HubSpot hides from a search are asked one by one."""
        found: dict[str, FileInfo] = {}
        if len(ids) > 1:
            batches = spread(self.reader.fan_out, self.client.files, pieces(ids, 100))
            found = {info.id: info for batch in batches for info in batch if info.id in set(ids)}
        left = [i for i in ids if i not in found]
        single = spread(self.reader.fan_out, self.client.file, left)
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
    """The bytes of a file by a signed link, which is not kept. A link refused is replaced once by a fresh one.

    Raises Rejected when HubSpot will not give the file, TryAgain when it cannot now.
    """
    with ExitStack() as stack:
        try:
            chunks = stack.enter_context(client.stream(_link(client, file_id)))
        except (AccessLost, Rejected, TryAgain):
            chunks = _second_try(client, file_id, stack)
        yield chunks


def _second_try(client: Client, file_id: str, stack: ExitStack) -> Iterator[bytes]:
    try:
        return stack.enter_context(client.stream(_link(client, file_id)))
    except AccessLost as error:
        # The storage host's refusal says nothing about our token: nobody has to sign in again.
        raise _refused(file_id, f"its download link was refused twice: {error.message}") from error


def _link(client: Client, file_id: str) -> str:
    url, answer = client.signed_url(file_id, LINK_SECONDS)
    if url:
        return url
    body = body_of(answer)
    scopes = missing_scopes(body) if answer.status == 403 else []
    why = f"the token lacks the scopes {', '.join(scopes)}" if scopes else said(body) or f"status {answer.status}"
    raise _refused(file_id, why, bool(scopes))


def _refused(file_id: str, why: str, scopes: bool = False) -> WherryError:
    fix = "add the scopes to the service key in HubSpot" if scopes else "restore the file in HubSpot, or leave it out"
    return Rejected(f"HubSpot does not give out file {file_id}: {why}", fix=fix, code="WHERRY-4701", file=file_id)


__all__ = ["ACTIVITIES", "ATTACHED", "FIELDS", "HAS_FILES", "DealFiles", "FanOut", "opened"]
