"""QuickBooks Online's endpoints: addresses, the query language, paging, change data capture. Knows no records.

Facts: Intuit's pages on the query language (startposition counts from 1, maxresults is 1,000 at most, no OR, quotes
escaped by a backslash, inactive entries hidden unless asked for), on change data capture (30 days, 1,000 objects an
answer) and on limits (500 calls a minute and 10 a second for a company and app, 40 batches a minute, 60 seconds' rest
after a 429).
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct, field
from wherry.decoding import exact_object
from wherry.errors import ConfigError, TryAgain
from wherry.http import Http, Limit, Profile
from wherry.roles import Services

from .faults import classify, error_of, faults
from .metering import FOR_EVER, Meter
from .settings import HOSTS, QuickBooksSettings

Obj = dict[str, Any]

PAGE = 1000
"""The most rows of one answer to a query."""
FULL = 1000
"""The most objects of one answer of change data capture: one that holds as many may hide others."""
REACH = dt.timedelta(days=30)
"""How far back change data capture can be asked."""
LIMITS = {"": Limit(10, 1.0, also=Limit(500, 60.0)), "batch": Limit(40, 60.0)}
SIGN_IN = "sign-in"
"""The key of the cache under which ``wherry connect`` keeps what the redirect carried beside the code."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_statement = {"Content-Type": "application/text"}
_object = dict[str, msgspec.Raw]


class Company(Struct, frozen=True):
    """Whose books these are, and the rules they are kept by.

    ``tax``: ``none`` no sales tax; ``us-automatic`` QuickBooks reckons it; ``us-manual`` codes of whole documents,
    lines are TAX or NON; ``other`` a code on every line, as with VAT. ``close_date``: books are closed up to that day.
    ``custom_numbers``: whoever writes a document gives it its number. ``classes`` and ``departments``: whether lines
    may name one; ``year_from``: the month, 1 to 12, in which the fiscal year begins.
    """

    id: str
    name: str
    currency: str
    country: str
    multicurrency: bool
    tax: Literal["none", "us-automatic", "us-manual", "other"]
    close_date: dt.date | None
    custom_numbers: bool
    classes: bool = False
    departments: bool = False
    year_from: int = 1


class CDC(Struct):
    """What changed since a moment. ``rows``: entity → objects as they are now, each once; ``deleted``: entity → id →
    when (Intuit's text). ``until`` is QuickBooks' own time of the first answer, from which to ask the next time.

    ``hidden`` names entities of which more changed than an answer holds: their rows were read by query and are
    complete, deletions may be missing.
    """

    rows: dict[str, list[Obj]] = field(default_factory=dict)
    deleted: dict[str, dict[str, str]] = field(default_factory=dict)
    until: str = ""
    hidden: frozenset[str] = frozenset()


def profile(settings: QuickBooksSettings) -> Profile:
    """What the core needs to know to talk to QuickBooks Online."""
    return Profile(base_url=settings.url, hosts=HOSTS, limits=LIMITS, classify=classify, timeout=120.0)


def quoted(text: str) -> str:
    """A text as the query language takes it, quotes around it: ``O'Brien`` → ``'O\\'Brien'``."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Client:
    """The calls that source and sink make. Shared between threads.

    Errors are those of ``Http.read``, with Intuit's faults in Wherry's words (see ``faults``), and ConfigError where it
    is not known which company is meant.
    """

    def __init__(self, services: Services, settings: QuickBooksSettings) -> None:
        self.settings, self._services = settings, services
        self.http: Http = services.http(profile(settings))
        self.meter = Meter(services, settings, lambda: self.http.counts)
        self._lock = threading.Lock()
        self._company: Company | None = None
        self._realm = ""

    # -- addresses --------------------------------------------------------------------------------------------------

    @property
    def realm(self) -> str:
        """The company's id: as set, else as the sign-in came back with it. Raises ConfigError where neither says it."""
        if not self._realm:
            self._realm = self._named_realm()
        return self._realm

    def _named_realm(self) -> str:
        kept = self._services.cache.get(SIGN_IN, FOR_EVER)
        signed_in = str(kept.get("realmId") or "") if isinstance(kept, dict) else ""
        realm = self.settings.realm or signed_in
        if not realm:
            raise ConfigError(
                "it is not known which QuickBooks Online company this connection means",
                fix=f"wherry connect {self.http.connection}, or write realm under the connection: the company's id",
                code="WHERRY-2752", key="realm",
            )  # fmt: skip
        if signed_in and realm != signed_in and self.settings.auth.kind == "oauth2":
            raise ConfigError(
                f"the connection's realm is {realm}, but somebody signed in to the company {signed_in}",
                fix=f"remove realm, or sign in to its company: wherry connect {self.http.connection}",
                code="WHERRY-2753", key="realm",
            )  # fmt: skip
        return realm

    @property
    def params(self) -> dict[str, str]:
        """What goes with every call."""
        return {"minorversion": str(self.settings.minor_version)}

    def path(self, resource: str) -> str:
        """The address of a resource of this company, below the connection's own."""
        return f"v3/company/{self.realm}/{resource}"

    # -- whose books ------------------------------------------------------------------------------------------------

    def company(self) -> Company:
        """The company; read once, then kept. Takes two calls, three where it keeps sales tax."""
        with self._lock:
            if self._company is None:
                self._company = self._read_company()
            return self._company

    def _read_company(self) -> Company:
        info = self._one("CompanyInfo", f"companyinfo/{self.realm}")
        prefs = self._one("Preferences", "preferences")
        money, sales = _part(prefs, "CurrencyPrefs"), _part(prefs, "SalesFormsPrefs")
        books, several = _part(prefs, "AccountingInfoPrefs"), money.get("MultiCurrencyEnabled") is True
        made = Company(
            id=self.realm,
            name=str(info.get("CompanyName") or info.get("LegalName") or f"QuickBooks company {self.realm}"),
            currency=str(_part(money, "HomeCurrency", needed=several).get("value") or ""),
            country=str(info.get("Country") or ""),
            multicurrency=several,
            tax=self._tax(_part(prefs, "TaxPrefs")),
            close_date=_closed(books),
            custom_numbers=sales.get("CustomTxnNumbers") is True,
            classes=True in (books.get("ClassTrackingPerTxnLine"), books.get("ClassTrackingPerTxn")),
            departments=books.get("TrackDepartments") is True,
            year_from=_month(str(books.get("FirstMonthOfFiscalYear") or "")),
        )
        self.meter.try_flush()
        return made

    def close_date(self) -> dt.date | None:
        """The last day of the closed books, as it is set now. One call."""
        closed = _closed(_part(self._one("Preferences", "preferences"), "AccountingInfoPrefs"))
        self.meter.try_flush()
        return closed

    def _tax(self, prefs: Obj) -> Literal["none", "us-automatic", "us-manual", "other"]:
        """The codes tell which words a line may use: only companies in the United States have TAX and NON as codes."""
        if prefs.get("UsingSalesTax") is not True:
            return "none"
        if prefs.get("PartnerTaxEnabled") is True:
            return "us-automatic"
        codes = {row.get("Id") for row in self.query("TaxCode")}
        return "us-manual" if {"TAX", "NON"} <= codes else "other"

    def _one(self, entity: str, resource: str) -> Obj:
        return _part(self.get(resource), entity, needed=True)

    # -- reading ----------------------------------------------------------------------------------------------------

    def get(self, resource: str, **params: str) -> Obj:
        """An answer below the company's address, numbers as Decimal. Raises TryAgain for junk."""
        return self._read("GET", resource, params, None)

    def ask(self, statement: str, *, first: bool = False) -> Obj:
        """The whole answer to one statement, its rows in ``QueryResponse`` and Intuit's time in ``time``.

        ``first`` is for pages that further pages hang on. The statement goes as the body: it may be long.
        """
        answer = self._read("POST", "query", {}, statement.encode(), first=first)
        _part(answer, "QueryResponse", needed=True)
        return answer

    def page(self, entity: str, where: str, order: str, start: int, most: int = PAGE) -> tuple[list[Obj], str]:
        """Up to ``most`` rows from the ``start``-th on (the first is 1), and QuickBooks' own time."""
        condition = f" where {where}" if where else ""
        answer = self.ask(
            f"select * from {entity}{condition} orderby {order} startposition {start} maxresults {most}", first=True
        )
        return list(answer["QueryResponse"].get(entity) or ()), str(answer.get("time") or "")

    def query(self, entity: str, where: str = "", *, order: str = "Id") -> Iterator[Obj]:
        """All rows, page by page, each once. ``order`` must tell any two rows apart, or pages could overlap.

        Inactive entries are left out unless ``where`` names them: ``Active in (true, false)``.
        """
        start, seen = 1, set[str]()
        while True:
            rows, _ = self.page(entity, where, order, start)
            for row in rows:
                if (key := str(row.get("Id", ""))) not in seen:
                    seen.add(key)
                    yield row
            if len(rows) < PAGE:
                self.meter.try_flush()
                return
            start += len(rows)

    def count(self, entity: str, where: str = "") -> int:
        """How many rows a query would give."""
        condition = f" where {where}" if where else ""
        answer = self.ask(f"select count(*) from {entity}{condition}")
        return int(answer["QueryResponse"].get("totalCount") or 0)

    # -- change data capture ------------------------------------------------------------------------------------------

    def changes(self, entities: Sequence[str], since: dt.datetime) -> CDC:
        """What changed since an aware moment. An answer that is full is asked again entity by entity; of one that is
        still full all rows are read by query.

        Raises ConfigError for a moment more than 30 days back: the caller then reads in full.
        """
        if since < self._services.clock.now() - REACH:
            raise ConfigError(
                f"QuickBooks Online tells changes of the last {REACH.days} days only, not since {since.isoformat()}",
                fix="read everything instead", code="WHERRY-2754",
            )  # fmt: skip
        found = CDC()
        self._capture(found, list(entities), since)
        self.meter.try_flush()
        return found

    def _capture(self, found: CDC, entities: list[str], since: dt.datetime) -> None:
        moment = since.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        answer = self.get("cdc", entities=",".join(entities), changedSince=moment)
        found.until = found.until or str(answer.get("time") or "")
        told = dict(_told(answer, entities))
        if sum(map(len, told.values())) < FULL:
            for entity in entities:
                _take(found, entity, told.get(entity, []))
        elif len(entities) > 1:
            for entity in entities:
                self._capture(found, [entity], since)
        else:
            [entity] = entities
            _take(found, entity, [row for row in told[entity] if row.get("status") == "Deleted"])
            found.rows[entity] = list(self.query(entity, f"MetaData.LastUpdatedTime >= {quoted(moment)}{_all(entity)}"))
            found.hidden |= {entity}

    # -- one call -----------------------------------------------------------------------------------------------------

    def _read(
        self, method: str, resource: str, params: Mapping[str, str], content: bytes | None, *, first: bool = False
    ) -> Obj:
        answer = self.http.read(
            method, self.path(resource), params={**params, **self.params}, content=content,
            headers=_statement if content else None, first=first, expect=_object,
        )  # fmt: skip
        self.meter.tick()
        body = decoded(answer.content)
        if found := faults(body):
            # QuickBooks sends some of its faults with a good status.
            raise error_of(found[0], connection=self.http.connection)
        return body


def decoded(content: bytes) -> Obj:
    """The JSON object of an answer, every number a Decimal. Raises TryAgain when it is none."""
    try:
        return exact_object(content)
    except ValueError as error:
        raise unreadable(str(error)) from None


def _part(body: Obj, name: str, *, needed: bool = False) -> Obj:
    part = body.get(name)
    if needed and not isinstance(part, dict):
        raise unreadable(f"{name} is missing")
    return part if isinstance(part, dict) else {}


def _closed(books: Obj) -> dt.date | None:
    told = books.get("BookCloseDate")
    return dt.date.fromisoformat(str(told)[:10]) if told else None


def _month(name: str) -> int:
    """1 to 12; January where the name is none."""
    short = name[:3].casefold()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 1


def unreadable(why: str) -> TryAgain:
    """The error for an answer that makes no sense."""
    return TryAgain(f"QuickBooks Online sent an answer that cannot be read: {why}", code="WHERRY-6753")


def _told(answer: Obj, entities: Sequence[str]) -> Iterator[tuple[str, list[Obj]]]:
    """Entity → rows, wherever they stand in the answer."""
    parts = answer.get("CDCResponse")
    if not isinstance(parts, list):
        raise unreadable("CDCResponse is missing")
    for response in (response for part in parts for response in part.get("QueryResponse") or ()):
        yield from ((entity, response[entity]) for entity in entities if response.get(entity))


def _take(found: CDC, entity: str, rows: Sequence[Obj]) -> None:
    live, deleted = found.rows.setdefault(entity, []), found.deleted.setdefault(entity, {})
    for row in rows:
        if row.get("status") == "Deleted":
            deleted[str(row["Id"])] = str(_part(row, "MetaData").get("LastUpdatedTime") or "")
        else:
            live.append(row)


def _all(entity: str) -> str:
    """Entries of lists are made inactive, never deleted; a query hides those unless it asks for them."""
    return f" and {EVERY}" if entity in LISTS else ""


EVERY = "Active in (true, false)"
"""The condition that brings inactive entries too."""
LISTS = frozenset({"Account", "Class", "Customer", "Department", "Employee", "Item", "PaymentMethod", "Term", "Vendor"})
"""Entities whose entries can be inactive."""
