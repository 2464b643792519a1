"""HubSpot's endpoints and paging. Knows requests and answers, not records.

Facts: the CRM guides on developers.hubspot.com (objects, search, associations, pipelines, usage) and HubSpot's public
OpenAPI files. Paths of both API generations stand in one table: the version moves inside the path between them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .shapes import (
    AccountDetails,
    Associations,
    FileInfo,
    Files,
    Objects,
    Owners,
    PipelineInfo,
    Pipelines,
    Properties,
    Property,
    SignedUrl,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from wherry.http import Http, Response

LIST_PAGE, SEARCH_PAGE, BATCH, ASSOCIATIONS_BATCH, FILES_PAGE = 100, 200, 100, 1_000, 100
SEARCH_REACH = 10_000
SEARCH_BODY = 3_000
REJECTED_CURSOR = frozenset({400, 404, 410})
MODIFIED, OBJECT_ID = "hs_lastmodifieddate", "hs_object_id"

PATHS: dict[str, tuple[str, str]] = {
    # name: (date versions, legacy v3/v4)
    "objects": ("/crm/objects/{api}/{type}", "/crm/v3/objects/{type}"),
    "search": ("/crm/objects/{api}/{type}/search", "/crm/v3/objects/{type}/search"),
    "read": ("/crm/objects/{api}/{type}/batch/read", "/crm/v3/objects/{type}/batch/read"),
    "associations": ("/crm/associations/{api}/{type}/{to}/batch/read", "/crm/v4/associations/{type}/{to}/batch/read"),
    "properties": ("/crm/properties/{api}/{type}", "/crm/v3/properties/{type}"),
    "pipelines": ("/crm/pipelines/{api}/{type}", "/crm/v3/pipelines/{type}"),
    "owners": ("/crm/owners/{api}", "/crm/v3/owners"),
    "account": ("/account-info/{api}/details", "/account-info/v3/details"),
    "files": ("/files/{api}/files/search", "/files/v3/files/search"),
    "file": ("/files/{api}/files/{id}", "/files/v3/files/{id}"),
    "signed": ("/files/{api}/files/{id}/signed-url", "/files/v3/files/{id}/signed-url"),
    "token": ("/oauth/{api}/token", "/oauth/v3/token"),
    "revoke": ("/oauth/{api}/token/revoke", "/oauth/v3/token/revoke"),
}


def path_of(api: str, name: str, **parts: str) -> str:
    """The path of an endpoint in the configured API generation: ``legacy``, or a date version such as 2026-03."""
    dated, legacy = PATHS[name]
    return (legacy if api == "legacy" else dated).format(api=api, **parts)


T = TypeVar("T")
Filter = dict[str, Any]


class Client:
    """The calls that the source makes, one method an endpoint."""

    def __init__(self, http: Http, api: str) -> None:
        self.http, self.api = http, api

    def list_page(
        self,
        type_name: str,
        properties: Sequence[str],
        after: str = "",
        linked: Sequence[str] = (),
    ) -> tuple[Objects, Mapping[str, str]] | None:
        """A page of 100 in order of id, and the answer's headers. None: the cursor is no longer accepted.

        ``linked`` are object types: the ids of what a record is associated with come along, the first page of them.
        """
        params: dict[str, Any] = {"limit": LIST_PAGE}
        if properties:
            params["properties"] = ",".join(properties)
        if linked:
            params["associations"] = ",".join(linked)
        if after:
            params["after"] = after
        allow = REJECTED_CURSOR if after else frozenset[int]()
        path = self._path("objects", type=type_name)
        # The next page hangs on this one: it goes before the batch reads that wait.
        answer = self.http.read("GET", path, params=params, first=True, allow=allow, expect=Objects)
        return None if answer.status in allow else (answer.data, answer.headers)

    def search(
        self,
        type_name: str,
        filters: list[Filter],
        sort: str,
        properties: Sequence[str],
        offset: int = 0,
    ) -> tuple[Objects, Mapping[str, str]]:
        """A page of a search, ascending by ``sort``, and the answer's headers; total is HubSpot's count."""
        body = search_body(filters, sort, properties, offset)
        answer = self.http.read(
            "POST", self._path("search", type=type_name), body=body, lane="search", first=True, expect=Objects
        )
        return answer.data, answer.headers

    def read_batch(
        self, type_name: str, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> Objects:
        """Up to 100 records by id; what is not there is missing from the results and named among the errors."""
        # The contract marks propertiesWithHistory as required; an empty list asks for none.
        body = {"inputs": [{"id": i} for i in ids], "properties": list(properties), "propertiesWithHistory": []}
        return self._post("read", Objects, body, {"archived": "true"} if archived else None, type=type_name)

    def associations(self, type_name: str, to: str, inputs: Sequence[Mapping[str, str]]) -> Associations:
        """What up to 1,000 records are associated with: a first page each, or the page after ``after``."""
        return self._post("associations", Associations, {"inputs": list(inputs)}, None, type=type_name, to=to)

    def owners(self, after: str = "", *, archived: bool = False) -> Owners:
        """A page of 100 users who can own records."""
        params = {"limit": LIST_PAGE, "archived": "true" if archived else "false"} | ({"after": after} if after else {})
        owners: Owners = self._get("owners", Owners, params=params).data
        return owners

    def properties(self, type_name: str) -> list[Property]:
        """What an object type can hold."""
        found: Properties = self._get("properties", Properties, type=type_name).data
        return found.results

    def pipelines(self, type_name: str) -> list[PipelineInfo]:
        """Pipelines with their stages."""
        found: Pipelines = self._get("pipelines", Pipelines, type=type_name).data
        return found.results

    def account(self) -> AccountDetails:
        """Whose account the token opens."""
        details: AccountDetails = self._get("account", AccountDetails).data
        return details

    def files(self, ids: Sequence[str]) -> list[FileInfo]:
        """Facts of up to 100 files in one call. Hidden files are left out by HubSpot: ask ``file`` for those."""
        params = {"ids": list(ids), "limit": FILES_PAGE}
        answer = self._get("files", Files, params=params, allow=frozenset({400, 404}))
        return answer.data.results if answer.status == 200 else []

    def file(self, file_id: str) -> FileInfo | None:
        """Facts of one file; None when it is gone."""
        answer = self._get("file", FileInfo, id=file_id, allow=frozenset({404}))
        return answer.data if answer.status == 200 else None

    def signed_url(self, file_id: str, seconds: int) -> tuple[str, Response]:
        """A URL that opens the file without a token for ``seconds``; empty, with the answer, when refused."""
        params = {"expirationSeconds": seconds}
        answer = self._get("signed", SignedUrl, id=file_id, params=params, allow=frozenset({400, 403, 404, 410}))
        return (answer.data.url if answer.status == 200 else ""), answer

    def stream(self, url: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes behind a signed URL; our token does not travel with the request."""
        return self.http.stream(url, authorised=False)

    def _path(self, name: str, **parts: str) -> str:
        return path_of(self.api, name, **parts)

    def _get(
        self,
        name: str,
        expect: type[Any],
        *,
        params: Mapping[str, Any] | None = None,
        allow: frozenset[int] = frozenset(),
        **parts: str,
    ) -> Response:
        return self.http.read("GET", self._path(name, **parts), params=params, allow=allow, expect=expect)

    def _post(self, name: str, expect: type[T], body: Any, params: Mapping[str, Any] | None, **parts: str) -> T:
        answer = self.http.read("POST", self._path(name, **parts), params=params, body=body, expect=expect)
        data: T = answer.data
        return data


def search_body(filters: list[Filter], sort: str, properties: Sequence[str], offset: int = 0) -> dict[str, Any]:
    """A search request. Sort objects are what HubSpot's guide documents; its contract file says text."""
    body: dict[str, Any] = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": SEARCH_PAGE,
    }
    return {**body, "after": str(offset)} if offset else body


def fits(body: Mapping[str, Any]) -> bool:
    """Whether HubSpot takes the body: its text may have 3,000 characters at most."""
    return len(msgspec.json.encode(body)) <= SEARCH_BODY


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


def stamp_ms(text: str | None) -> int:
    """A HubSpot moment (ISO 8601, with or without fraction) as ms since 1970, rounded down; 0 for none.

    Raises ValueError when it is no moment.
    """
    if not text:
        return 0
    moment = dt.datetime.fromisoformat(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)) - _EPOCH) // _MILLISECOND
