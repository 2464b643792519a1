"""The AIS server's endpoints: what is there, tables page by page, orchestrations that read. Knows no records.

Facts: ``defaultconfig`` needs no login; ``discover`` lists the orchestrations that the user may run, with their
inputs, as the OpenAPI catalogue does on newer releases; ``dataservice`` BROWSE gives rows of a table, names as
``F0901_AID``, and with ``enableNextPageProcessing`` a link to the next page; sites cap a page (API.md). The link is
followed below the connection's own address: a server behind a balancer may name itself otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
from wherry.decoding import exact_object
from wherry.errors import ConfigError, TryAgain
from wherry.http import Http, Profile
from wherry.posting.texts import clean
from wherry.roles import Services

from .faults import classify
from .settings import JdeSettings
from .signin import SessionAuth

Obj = dict[str, Any]
API = "jderest"
NOT_THERE = 404
_RUN = "/orchestrator/"


class Client:
    """The reading calls of the sink. Errors are those of ``Http.read``, and TryAgain for what cannot be read."""

    def __init__(self, services: Services, settings: JdeSettings) -> None:
        self.settings = settings
        self.http: Http = services.http(Profile(
            base_url=settings.base_url, sign=self._signs, classify=classify, timeout=float(settings.timeout),
            answers=frozenset({NOT_THERE}),
        ))  # fmt: skip

    def _signs(self, reveal: Callable[[Any], str]) -> SessionAuth:
        self.auth = SessionAuth(self.settings, lambda: reveal(self.settings.password))
        return self.auth

    def release(self) -> str:
        """The Tools release, which is told without signing in. Raises ConfigError where no AIS server answers."""
        body = self._answer("GET", f"{API}/defaultconfig")
        return next((clean(body[name]) for name in ("toolsRelease", "aisVersion", "release") if body.get(name)), "")

    def orchestrations(self) -> dict[str, Obj]:
        """Name → what ``discover`` says of each that this user may run; where that is gone, what the catalogue does."""
        answer = self.http.read("GET", f"{API}/discover", expect=_Raw)
        if answer.status == NOT_THERE:
            return _in_catalogue(self._answer("GET", f"{API}/v3/open-api-catalog3"))
        rows = decoded(answer.content).get("orchestrations")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise unreadable("it lists no orchestrations")
        return {clean(row.get("name")): row for row in rows}

    def browse(self, table: str, columns: Sequence[str], **equal: str) -> Iterator[Obj]:
        """The rows of a table where these columns have these values, all pages: column → value."""
        body = self._answer("POST", f"{API}/v2/dataservice", question(table, columns, equal, self.settings.page))
        while True:
            rows, more = rows_of(body, table)
            yield from rows
            if not more:
                return
            href = _next(body)
            if href is None or not rows:
                raise ConfigError(
                    f"JD Edwards has more rows of {table} than it gives, and no link to the next page",
                    fix="have the site allow next-page processing of the dataservice, or a larger page",
                    code="WHERRY-2943", key="page",
                )  # fmt: skip
            parts = urlsplit(href)
            body = self._answer("GET", parts.path.lstrip("/"), params=dict(parse_qsl(parts.query)))

    def run(self, name: str, body: bytes) -> Obj:
        """The answer of an orchestration that only reads."""
        return self._answer("POST", path_of(self.settings, name), body)

    def _answer(self, method: str, path: str, body: bytes = b"", params: Mapping[str, str] | None = None) -> Obj:
        headers = {"Content-Type": "application/json"} if body else {}
        answer = self.http.read(method, path, params=params, content=body or None, headers=headers, expect=_Raw)
        if answer.status == NOT_THERE:
            raise ConfigError(
                f"there is no {path} at the address of this connection: it is no AIS server, or one of another release",
                fix="write base_url as scheme, host and port of the AIS server; version as the site has it",
                code="WHERRY-2944", key="base_url",
            )  # fmt: skip
        return decoded(answer.content)


_Raw = dict[str, msgspec.Raw]


def path_of(settings: JdeSettings, name: str) -> str:
    """Where an orchestration is run."""
    return f"{API}/{settings.version}/orchestrator/{quote(name, safe='')}"


def question(table: str, columns: Sequence[str], equal: Mapping[str, str], page: int) -> bytes:
    """The body of a dataservice call."""
    conditions = [
        {"controlId": f"{table}.{column}", "operator": "EQUAL",
         "value": [{"content": value, "specialValueId": "LITERAL"}]}
        for column, value in equal.items()
    ]  # fmt: skip
    return msgspec.json.encode({
        "targetName": table, "targetType": "table", "dataServiceType": "BROWSE", "maxPageSize": str(page),
        "outputType": "GRID_DATA", "enableNextPageProcessing": True,
        "returnControlIDs": "|".join(f"{table}.{column}" for column in columns),
        "query": {"autoFind": True, "matchType": "MATCH_ALL", "condition": conditions},
    })  # fmt: skip


def rows_of(body: Obj, table: str) -> tuple[list[Obj], bool]:
    """The rows of an answer, and whether there are more. Raises TryAgain for anything else."""
    form = body.get(f"fs_DATABROWSE_{table}")
    grid = (
        form.get("data", {}).get("gridData") if isinstance(form, dict) and isinstance(form.get("data"), dict) else None
    )
    rows, summary = (grid.get("rowset"), grid.get("summary")) if isinstance(grid, dict) else (None, None)
    if body.get("sysErrors") or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unreadable(f"it has no rows of {table}")
    if not isinstance(summary, dict) or not isinstance(summary.get("moreRecords"), bool):
        raise unreadable(f"rows of {table}, and not whether these are all")
    return [{name.removeprefix(f"{table}_"): value for name, value in row.items()} for row in rows], summary[
        "moreRecords"
    ]


def _in_catalogue(body: Obj) -> dict[str, Obj]:
    """The orchestrations of an OpenAPI document, by the ends of their paths. It may not say their inputs."""
    paths = body.get("paths")
    if not isinstance(paths, dict):
        raise unreadable("it is no catalogue of orchestrations")
    return {unquote(path.partition(_RUN)[2]): {} for path in paths if _RUN in path}


def _next(body: Obj) -> str | None:
    links = body.get("links")
    found = [one for one in links if isinstance(one, dict)] if isinstance(links, list) else []
    return next((str(one["href"]) for one in found if one.get("rel") == "next" and one.get("href")), None)


def decoded(content: bytes) -> Obj:
    """The JSON object of an answer, numbers exact. Raises TryAgain when it is none."""
    try:
        return exact_object(content)
    except ValueError as error:
        raise unreadable(str(error)) from None


def unreadable(why: str) -> TryAgain:
    """The error for an answer that makes no sense."""
    return TryAgain(f"JD Edwards sent an answer that cannot be read: {why}", code="WHERRY-6941")
