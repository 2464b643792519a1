"""Dataverse's Web API as it is asked: rows, descriptions, bytes. Knows requests and answers, not records."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from wherry.errors import Rejected, TryAgain
from wherry.http import Http, Limit, Profile
from wherry.rows import Row

from .errors import classify, no_progress
from .settings import DynamicsSettings

ROOT = "/api/data/v9.2"
PAGE = 2_000
"""Rows of a page; Dataverse gives 5,000 at most."""
BLOCK = 4 * 1024 * 1024
"""Bytes of a file in one call: the most that Dataverse gives."""
CALLS, WINDOW = 6_000, 300.0
LABEL, TARGET = "OData.Community.Display.V1.FormattedValue", "Microsoft.Dynamics.CRM.lookuplogicalname"
_HEADERS = {"OData-MaxVersion": "4.0", "OData-Version": "4.0", "If-None-Match": "null"}
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_MOST_EMPTY = 3
"""Pages without a row in a line that are borne."""


class Ask(Struct, frozen=True):
    """What to read of a table: its entity set and the query's parts; empty ones are left out."""

    set: str
    select: Sequence[str]
    where: str = ""
    order: str = ""
    expand: str = ""


class Found(Struct):
    """A page of rows."""

    value: list[Row]
    next: str = field(name="@odata.nextLink", default="")


class Who(Struct):
    OrganizationId: str
    UserId: str = ""


class Text(Struct):
    Label: str | None = None


class Label(Struct):
    UserLocalizedLabel: Text | None = None

    @property
    def text(self) -> str:
        """The label in the language of the user who asks."""
        return (self.UserLocalizedLabel.Label if self.UserLocalizedLabel else None) or ""


class TypeName(Struct):
    Value: str = ""


class Attribute(Struct):
    LogicalName: str
    AttributeTypeName: TypeName | None = None
    AttributeOf: str | None = None
    IsValidForRead: bool = True
    IsValidODataAttribute: bool = True
    DisplayName: Label | None = None


class Table(Struct):
    """What a table is called, and its columns."""

    EntitySetName: str
    PrimaryIdAttribute: str
    PrimaryNameAttribute: str | None
    Attributes: list[Attribute]


class Option(Struct):
    Value: int
    State: int
    Label: Label


class Options(Struct):
    Options: list[Option]


class Statuses(Struct):
    OptionSet: Options


class _Download(Struct):
    FileContinuationToken: str
    FileSizeInBytes: int


class _Block(Struct):
    Data: str


def profile_of(settings: DynamicsSettings) -> Profile:
    """What the core needs to know to talk to this environment."""
    limits = {"": Limit(CALLS, WINDOW)}
    return Profile(base_url=settings.base_url, headers=_HEADERS, limits=limits, classify=classify, timeout=120.0)


class Client:
    """The calls that the source makes."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def who(self) -> Who:
        """The user who signed in, and his organisation."""
        who: Who = self._http.read("GET", f"{ROOT}/WhoAmI", expect=Who).data
        return who

    def pages(self, ask: Ask) -> Iterator[tuple[list[Row], Mapping[str, str]]]:
        """Page after page, with the headers of the answer. A page's link holds the place behind its last row, so
        an edit meanwhile moves nothing past us. Raises TryAgain when the links do not advance."""
        notes = f'odata.include-annotations="{LABEL},{TARGET}"'
        headers = {"Prefer": f"odata.maxpagesize={PAGE},{notes}"}
        path, params = f"{ROOT}/{ask.set}", _params(ask)
        empty, seen = 0, set[str]()
        while path:
            try:
                answer = self._http.read("GET", path, params=params, headers=headers, first=True, expect=Found)
            except Rejected as refused:
                if not seen:
                    raise
                raise no_progress(ask.set) from refused  # a link of its own: another read gets new ones
            found: Found = answer.data
            empty = 0 if found.value else empty + 1
            if found.next and (found.next in seen or empty > _MOST_EMPTY):
                raise no_progress(ask.set)
            yield found.value, answer.headers
            seen.add(found.next)
            path, params = found.next, {}

    def rows(self, ask: Ask) -> list[Row]:
        """All rows."""
        return [row for rows, _ in self.pages(ask) for row in rows]

    def table(self, name: str) -> Table | None:
        """The description of a table; None for one that there is not."""
        columns = "LogicalName,AttributeTypeName,AttributeOf,IsValidForRead,IsValidODataAttribute,DisplayName"
        params = {
            "$select": "EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute",
            "$expand": f"Attributes($select={columns})",
        }
        path = f"{ROOT}/EntityDefinitions(LogicalName='{name}')"
        answer = self._http.read("GET", path, params=params, allow=frozenset({404}), expect=Table)
        return None if answer.status == 404 else answer.data

    def statuses(self, table: str) -> list[Option]:
        """The status reasons of a table, each with its state."""
        path = f"{ROOT}/EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='statuscode')"
        params = {"$select": "LogicalName", "$expand": "OptionSet"}
        cast = "Microsoft.Dynamics.CRM.StatusAttributeMetadata"
        told: Statuses = self._http.read("GET", f"{path}/{cast}", params=params, expect=Statuses).data
        return told.OptionSet.Options

    def blocks(self, note: str) -> Iterator[bytes]:
        """The file of a note, block by block."""
        target = {"annotationid": note, "@odata.type": "Microsoft.Dynamics.CRM.annotation"}
        path = f"{ROOT}/InitializeAnnotationBlocksDownload"
        begun: _Download = self._http.read("POST", path, body={"Target": target}, expect=_Download).data
        for start in range(0, begun.FileSizeInBytes, BLOCK):
            length = min(BLOCK, begun.FileSizeInBytes - start)
            asked = {"Offset": start, "BlockLength": length, "FileContinuationToken": begun.FileContinuationToken}
            yield _whole(self._http.read("POST", f"{ROOT}/DownloadBlock", body=asked, expect=_Block).data, length)


def _params(ask: Ask) -> dict[str, str]:
    told = {"$select": ",".join(dict.fromkeys(ask.select)), "$filter": ask.where, "$orderby": ask.order,
            "$expand": ask.expand}  # fmt: skip
    return {name: text for name, text in told.items() if text}


def _whole(block: _Block, length: int) -> bytes:
    try:
        data = base64.b64decode(block.Data, validate=True)
    except binascii.Error:
        data = b""
    if len(data) != length:
        raise TryAgain("Dynamics sent a block of a file that is not whole", code="WHERRY-6723")
    return data


def among(column: str, ids: Iterable[str]) -> str:
    """The condition that a column holds one of these ids. It goes by logical names, lookups too."""
    values = ",".join(f"'{id}'" for id in ids)
    return f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{values}])"


def moment(seconds: int) -> str:
    """A moment as a literal, which has no quotes."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> int:
    """A moment as Dataverse writes it, cut to the second. Raises TryAgain for none."""
    try:
        return int(dt.datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise TryAgain(f"Dynamics named a time that is none: {text[:40]}", code="WHERRY-6724") from None


def is_id(text: str) -> bool:
    """Whether it has the form of a row's id; anything else makes a query fail."""
    return bool(_GUID.match(text))
