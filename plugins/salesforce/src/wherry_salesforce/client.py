"""Salesforce's REST API as it is asked: queries, descriptions, bytes. Knows requests and answers, not records.

Several queries go as one composite call, which counts as one. A query whose address would be too long goes so as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import quote_plus

from msgspec import Raw, Struct, field
from wherry.decoding import NO_JSON, decoder
from wherry.errors import TryAgain, WherryError
from wherry.http import Http, Limit, Pace, Profile, Response
from wherry.rows import Row
from wherry.wording import of_connection

from .errors import classify, no_progress, said
from .settings import SalesforceSettings

PAGE = 2_000
"""Rows that one answer holds at most."""
LONGEST_URL = 8_000
"""Half of what Salesforce takes (16,384): proxies on the way may take less."""
TOGETHER = 5
"""Queries in one composite call."""
MINUTE, SHARE = 60.0, 60
"""In a minute no more than this part of what the org has left of its day."""
Headers = Mapping[str, str]
T = TypeVar("T")


class Found(Struct):
    """A page of a query's answer."""

    done: bool
    records: list[Row]
    nextRecordsUrl: str = ""


class Part(Struct):
    """The answer to one request of a composite call."""

    httpStatusCode: int
    body: Raw = Raw(b"null")


class Composite(Struct):
    compositeResponse: list[Part]


class Field(Struct):
    name: str
    label: str = ""
    type: str = ""


class RecordType(Struct):
    recordTypeId: str
    name: str = ""
    active: bool = True
    master: bool = False


class Described(Struct):
    """What an object has, as far as the user may see it."""

    fields: list[Field]
    recordTypeInfos: list[RecordType] = field(default_factory=list)


def profile_of(settings: SalesforceSettings) -> Profile:
    """What the core needs to know to talk to this org. Salesforce has no limit by the second, only one by the day."""
    limits = {"": Limit(2_000, MINUTE)}
    return Profile(base_url=settings.base_url, limits=limits, pace=pace, classify=classify, timeout=120.0)


def pace(headers: Mapping[str, str]) -> Pace | None:
    """From ``Sforce-Limit-Info: api-usage=18/5000``: the less the org has left of its day, the slower we go, so that
    others who call it have something left."""
    told = headers.get("sforce-limit-info", "").partition("api-usage=")[2].split(" ")[0].strip(";,")
    used, _, most = told.partition("/")
    if not (used.isdigit() and most.isdigit()):
        return None
    return Pace(max((int(most) - int(used)) // SHARE, 1), None, MINUTE)


class Client:
    """The calls that the source makes."""

    def __init__(self, http: Http, api: str) -> None:
        self.http, self._root = http, f"/services/data/v{api}"

    def query(self, soql: str, *, everything: bool = False) -> tuple[Found, Headers]:
        """The first page, and the headers of the answer. ``everything``: what lies in the recycle bin as well."""
        if len(quote_plus(soql)) > LONGEST_URL and not everything:
            parts, headers = self.compose([self._asked(soql)])
            return self.judged(parts[0], Found), headers
        path = f"{self._root}/{'queryAll' if everything else 'query'}"
        answer = self.http.read("GET", path, params={"q": soql}, first=True, expect=Found)
        return answer.data, answer.headers

    def query_beside(self, soql: str, others: Sequence[str]) -> tuple[Found, Headers, list[Iterator[Row]]]:
        """As ``query``, and all rows of other queries, those in the recycle bin as well, in one call; their further
        pages as they are looked at."""
        parts, headers = self.compose([self._asked(soql), *(self._asked(one, everything=True) for one in others)])
        first = self._told(parts[0], soql)
        found = [self._told(part, one, everything=True) for part, one in zip(parts[1:], others, strict=True)]
        return first, headers, [self.rows(one) for one in found]

    def queries(self, soqls: Sequence[str], *, everything: bool = False) -> list[list[Row]]:
        """All rows of several queries; the first pages of five come in one call."""
        if len(soqls) == 1:
            return [list(self.rows(self.query(soqls[0], everything=everything)[0]))]
        found: list[Found] = []
        for start in range(0, len(soqls), TOGETHER):
            some = soqls[start : start + TOGETHER]
            parts, _ = self.compose([self._asked(soql, everything=everything) for soql in some])
            found += [self._told(part, soql, everything=everything) for part, soql in zip(parts, some, strict=True)]
        return [list(self.rows(one)) for one in found]

    def _told(self, part: Part, soql: str, *, everything: bool = False) -> Found:
        """What a query found; one that took too long among others is asked once more by itself."""
        try:
            return self.judged(part, Found)
        except TryAgain:
            return self.query(soql, everything=everything)[0]

    def _asked(self, soql: str, *, everything: bool = False) -> str:
        return f"{self._root}/{'queryAll' if everything else 'query'}?q={quote_plus(soql)}"

    def rows(self, found: Found) -> Iterator[Row]:
        """The rows of an answer and of the pages behind it, which stay as they were when it was asked."""
        while True:
            yield from found.records
            if found.done:
                return
            before = found.nextRecordsUrl
            if not before.startswith("/"):
                raise no_progress("a query's pages")
            found = self.http.read("GET", before, first=True, expect=Found).data
            if not found.done and found.nextRecordsUrl == before:
                raise no_progress("a query's pages")

    def compose(self, paths: Sequence[str]) -> tuple[list[Part], Headers]:
        """The answers to several GETs that go as one call, in order."""
        asked = [{"method": "GET", "url": path, "referenceId": f"r{n}"} for n, path in enumerate(paths)]
        answer = self.http.read(
            "POST", f"{self._root}/composite", body={"compositeRequest": asked}, first=True, expect=Composite
        )
        parts: list[Part] = answer.data.compositeResponse
        if len(parts) != len(paths):
            raise TryAgain("Salesforce answered only a part of a composite call", code="WHERRY-6765")
        return parts, answer.headers

    def describe(self, objects: Iterable[str], soql: str) -> tuple[list[Described | None], list[Row]]:
        """What these objects have, None for one that the user does not see; and the rows of a query. One call."""
        paths = [f"{self._root}/sobjects/{name}/describe" for name in objects]
        parts, _ = self.compose([*paths, self._asked(soql)])
        described = [None if one.httpStatusCode in (403, 404) else self.judged(one, Described) for one in parts[:-1]]
        return described, list(self.rows(self.judged(parts[-1], Found)))

    def judged(self, part: Part, type: type[T]) -> T:
        """The answer inside a composite call. Raises what it stands for where it is an error."""
        if part.httpStatusCode >= 300:
            raise _refused(Response(part.httpStatusCode, {}, bytes(part.body), self._root), self.http.connection)
        try:
            made: T = decoder(type).decode(part.body)
            return made
        except NO_JSON as error:
            raise TryAgain(f"Salesforce answered a query with something else: {error}", code="WHERRY-6766") from None

    def stream(self, version: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of one version of a file."""
        return self.http.stream(f"{self._root}/sobjects/ContentVersion/{version}/VersionData")


def _refused(answer: Response, connection: str) -> WherryError:
    """The error of one part, of which the call itself tells nothing: the core sees a good status, and names nobody."""
    code, message = said(answer)
    error = classify(answer) or TryAgain(
        f"Salesforce could not answer a part of a call: status {answer.status} {code}: {message}", code="WHERRY-6767"
    )
    error.fix = of_connection(error.fix, connection)
    error.where.setdefault("connection", connection)
    return error


def stamp_ms(text: str) -> int:
    """A moment as Salesforce writes it, ``2026-11-20T10:00:00.000+0000``, in ms. Raises TryAgain for none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise TryAgain(f"Salesforce named a time that is none: {text[:40]}", code="WHERRY-6768") from None
    return int(moment.timestamp()) * 1_000 + moment.microsecond // 1_000
