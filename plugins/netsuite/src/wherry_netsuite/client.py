"""SuiteTalk's endpoints: addresses, SuiteQL page by page, whose account it is. Knows no records.

Facts: contracts/netsuite. SuiteQL wants ``Prefer: transient``, gives 1,000 rows a page and 100,000 a query at most, its
values are text and nulls are left out; ``offset`` is a multiple of ``limit``. An answer links to itself by the address
that the account has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
from wherry.decoding import exact_object
from wherry.errors import ConfigError, TryAgain
from wherry.http import Http, Profile
from wherry.records import Call
from wherry.roles import Services

from .faults import classify
from .settings import HOSTS, NetSuiteSettings

Obj = dict[str, Any]

RECORDS, SUITEQL = "services/rest/record/v1", "services/rest/query/v1/suiteql"
PAGE, MOST = 1000, 100_000
"""Rows of a page, and of all pages of a query."""
NOT_THERE = 404
_SUFFIX = ".suitetalk.api.netsuite.com"
_QUERY = {"Content-Type": "application/json", "Accept": "application/json", "Prefer": "transient"}


def profile(settings: NetSuiteSettings) -> Profile:
    """What the core needs to know to talk to NetSuite. A call over 15 minutes is cut off there; ours ends earlier, and
    is then repeated or looked up."""
    return Profile(base_url=settings.url, hosts=HOSTS, classify=classify, timeout=180.0, answers=frozenset({NOT_THERE}))


def quoted(text: str) -> str:
    """A text as SuiteQL takes it, quotes around it: ``O'Brien`` → ``'O''Brien'``."""
    return "'" + text.replace("'", "''") + "'"


class Client:
    """The reading calls of the sink. Errors are those of ``Http.read``, and TryAgain for what cannot be read."""

    def __init__(self, services: Services, settings: NetSuiteSettings) -> None:
        self.settings = settings
        self.http: Http = services.http(profile(settings))
        self.account = ""
        """The account that answered last."""

    def query(self, statement: str) -> list[Obj]:
        """All rows of a statement, which must put them into an order. Raises TryAgain for more than NetSuite gives."""
        rows: list[Obj] = []
        while True:
            page = self._page(statement, len(rows))
            rows += page["items"]
            if not page.get("hasMore"):
                return rows
            if len(rows) >= MOST or len(page["items"]) < PAGE:
                raise unreadable(f"an answer of {len(rows)} rows that is not whole")

    def each(self, columns: str, table: str, where: str = "") -> Iterator[Obj]:
        """The rows of a list by id, however many: each page is asked for behind the last id."""
        last, more = 0, True
        condition = f" AND {where}" if where else ""
        while more:
            page = self._page(f"SELECT {columns} FROM {table} WHERE id > {last}{condition} ORDER BY id", 0)
            yield from page["items"]
            more = bool(page.get("hasMore") and page["items"])
            last = int(page["items"][-1]["id"]) if more else last

    def _page(self, statement: str, offset: int) -> Obj:
        call = asked(statement, (), offset)
        answer = self.http.read(
            call.method, call.path, params=call.params, content=call.body, headers=call.headers, first=True, expect=_Raw
        )
        if answer.status == NOT_THERE:
            raise ConfigError(
                "NetSuite has no SuiteQL at the address of this connection", code="WHERRY-2795", key="account",
                fix="switch on REST Web Services (Enable Features > SuiteCloud), and compare the account's id",
            )  # fmt: skip
        body = decoded(answer.content)
        self.account = account_of(body)
        rows = body.get("items")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not self.account:
            raise unreadable("it is no page of rows")
        return body


_Raw = dict[str, msgspec.Raw]


def asked(statement: str, items: tuple[str, ...], offset: int = 0) -> Call:
    """The call that asks a statement."""
    body = msgspec.json.encode({"q": statement})
    params = {"limit": str(PAGE), "offset": str(offset)}
    return Call(method="POST", path=SUITEQL, items=items, params=params, headers=_QUERY, body=body)


def account_of(body: Obj) -> str:
    """The account whose address an answer has for itself, as its id is written; empty where it does not tell."""
    links = body.get("links")
    told = [link.get("href") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    hosts = [urlsplit(href).hostname or "" for href in told if isinstance(href, str)]
    found = next((host for host in hosts if host.endswith(_SUFFIX)), "")
    return found.removesuffix(_SUFFIX).upper().replace("-", "_")


def decoded(content: bytes) -> Obj:
    """The JSON object of an answer, every number a Decimal. Raises TryAgain when it is none."""
    try:
        return exact_object(content)
    except ValueError as error:
        raise unreadable(str(error)) from None


def unreadable(why: str) -> TryAgain:
    """The error for an answer that makes no sense."""
    return TryAgain(f"NetSuite sent an answer that cannot be read: {why}", code="WHERRY-6790")


def another_account(told: str, wanted: str) -> ConfigError:
    """The error for a sign-in that opens other books than the connection names."""
    return ConfigError(
        f"the connection names the NetSuite account {wanted}, and what answers is the account {told}",
        fix="put the right account, address and certificate together: all three are of one account",
        code="WHERRY-2791", key="account",
    )  # fmt: skip
