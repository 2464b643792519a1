"""The Accounting API's endpoints: addresses, pages, whose organisation it is. Knows no records.

Facts: every call names its tenant in a header; lists come in pages by ``page`` and ``pageSize``, and tell in
``pagination`` how many there are; accounts, items, tax rates and tracking categories are not paged; ``unitdp=4`` keeps
four decimals of unit prices (API.md). 60 calls a minute, 5,000 a day, five at once, each for tenant and app.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from wherry.decoding import exact_object
from wherry.errors import ConfigError, TryAgain
from wherry.http import Http, Limit, Pace, Profile
from wherry.roles import Services

from .faults import classify
from .settings import HOSTS, XeroSettings

Obj = dict[str, Any]

API, CONNECTIONS = "api.xro/2.0", "connections"
NOT_THERE = 404
PAGE, USUAL_PAGE = 1000, 100
"""Records of a page that is read, and of one where nobody says how many."""
LIMITS = {"": Limit(60, 60.0, also=Limit(5000, 86_400.0))}
_TENANT = "xero-tenant-id"


def pace(headers: Mapping[str, str]) -> Pace | None:
    """What an answer's headers say of the minute."""
    left = headers.get("x-minlimit-remaining", "")
    return Pace(remaining=int(left)) if left.isascii() and left.isdecimal() else None


def profile(settings: XeroSettings) -> Profile:
    """What the core needs to know to talk to Xero."""
    return Profile(
        base_url=settings.url, hosts=HOSTS, limits=LIMITS, pace=pace, classify=classify, timeout=100.0,
        answers=frozenset({NOT_THERE}),
    )  # fmt: skip


class Client:
    """The reading calls of the sink. Errors are those of ``Http.read``, and TryAgain for what cannot be read."""

    def __init__(self, services: Services, settings: XeroSettings) -> None:
        self.settings = settings
        self.http: Http = services.http(profile(settings))
        self._tenant: str | None = None

    @property
    def tenant(self) -> str:
        """The organisation's tenant id: as set, else the only one. Empty for a custom connection, which has one."""
        if self._tenant is None:
            by_itself = self.settings.auth.kind == "client"
            self._tenant = self.settings.tenant or ("" if by_itself else self._only_one())
        return self._tenant

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every call."""
        return {_TENANT: self.tenant, "Accept": "application/json"}

    def _only_one(self) -> str:
        answer = self.http.read("GET", CONNECTIONS, headers={"Accept": "application/json"}, expect=list[_Connection])
        there = [one for one in answer.data or () if one.tenantType == "ORGANISATION"]
        if len(there) == 1:
            return str(there[0].tenantId)
        names = ", ".join(f'"{one.tenantId}" ({one.tenantName})' for one in there[:10])
        raise ConfigError(
            f"the sign-in of this connection reaches {len(there) or 'no'} organisations of Xero",
            fix=f"write tenant under the connection, one of: {names}" if there else "sign in again and choose one",
            code="WHERRY-2571", key="tenant",
        )  # fmt: skip

    def rows(self, name: str, **params: str) -> list[Obj]:
        """The whole of a list that is not paged."""
        return _rows(self.get(name, **params), name)

    def each(self, name: str, **params: str) -> Iterator[Obj]:
        """A list page by page, in the order of ids, in which nothing moves; each record once."""
        page, pages, seen = 0, 1, set[str]()
        key = f"{name.removesuffix('s')}ID"
        while page < pages:
            page += 1
            body = self.get(name, page=str(page), pageSize=str(PAGE), order=key, **params)
            rows = _rows(body, name)
            pages = count(body, "pageCount") if rows else page
            for row in rows:
                if (id := str(row.get(key) or "")) not in seen:
                    seen.add(id)
                    yield row

    def get(self, resource: str, **params: str) -> Obj:
        """An answer below the API's address, numbers as Decimal. Raises TryAgain for junk."""
        answer = self.http.read(
            "GET", f"{API}/{resource}", params=params, headers=self.headers, first="page" in params, expect=_Raw
        )
        if answer.status == NOT_THERE:
            raise ConfigError(
                f"Xero has no {resource} at the address of this connection", code="WHERRY-2572", key="base_url",
                fix="leave base_url out, or name where the stand-in listens",
            )  # fmt: skip
        return decoded(answer.content)


class _Connection(msgspec.Struct):
    tenantId: str
    tenantType: str = "ORGANISATION"
    tenantName: str = ""


_Raw = dict[str, msgspec.Raw]


def decoded(content: bytes) -> Obj:
    """The JSON object of an answer, every number a Decimal. Raises TryAgain when it is none."""
    try:
        return exact_object(content)
    except ValueError as error:
        raise unreadable(str(error)) from None


def _rows(body: Obj, name: str) -> list[Obj]:
    rows = body.get("Organisations" if name == "Organisation" else name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unreadable(f"it has no {name}")
    return rows


def count(body: Obj, name: str) -> int:
    """What an answer tells of its pages. Raises TryAgain where it does not."""
    told = body.get("pagination")
    count = told.get(name) if isinstance(told, dict) else None
    if not isinstance(count, Decimal):
        raise unreadable("a page that does not say how many there are")
    return int(count)


def unreadable(why: str) -> TryAgain:
    """The error for an answer that makes no sense."""
    return TryAgain(f"Xero sent an answer that cannot be read: {why}", code="WHERRY-6572")
