"""Traede's endpoints for accounting entries: addresses, the filter syntax, paging, confirmation. Knows no records.

Facts, from developer.traede.com: the export page (``system_id`` and the since-parameter are plain parameters, which it
spells in two ways; filters on ``created_at`` and ``updated_at`` only; ten entries at a time are marked as exported),
the page on pagination (pages from 0, ``limit`` 20 unless asked for and 60 at most), on authentication and on errors.
The syntax of filters and sorting is that of the Laravel package Bruno. That the core API lists entries below
``/v10/accounting-entries`` and filters them by id is inferred from its other resources; nothing but single re-syncs
needs it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import ConfigError, ContractBroken, Rejected, TryAgain
from wherry.http import Http, Limit, Profile, Response
from wherry.redaction import remember
from wherry.roles import Services

from .settings import HOSTS, MOST, TraedeSettings

CONFIRM_BATCH = 10
"""The most entries that one call marks as exported."""
UNPROCESSABLE = 422
_ROOT = "/v10/accounting-entries"
_LIMITS = {"": Limit(5, 1.0)}
"""Traede names no limit; five a second is what a person at its screens may cause as well."""

Fields = dict[str, msgspec.Raw]
"""An entry as it was sent, each value as its bytes: an amount never becomes a float."""


class Listing(Struct):
    """An answer with entries."""

    accounting_entries: list[Fields]


class Row(Struct, frozen=True):
    """One entry: its id, when it changed last (seconds since 1970, rounded down), and its fields as sent."""

    id: str
    at: int
    version: str
    fields: Fields

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the order that is asked for."""
        return self.at, int(self.id)


class Window(Struct, frozen=True, kw_only=True):
    """What to list: entries that changed at or after ``first`` and before ``until`` (seconds since 1970; 0: no bound),
    and which page of them. ``newest`` asks for the last of them first."""

    first: int = 0
    until: int = 0
    page: int = 0
    limit: int = MOST
    newest: bool = False


def profile(settings: TraedeSettings) -> Profile:
    """What the core needs to know to talk to Traede. Raises ConfigError where the app key is not set."""
    headers = {"X-Traede-App-Key": remember(settings.app_key.reveal())}
    return Profile(base_url=settings.url, hosts=HOSTS, headers=headers, limits=_LIMITS, timeout=60.0)


class Client:
    """The calls that the source makes. Errors are those of ``Http.read``."""

    def __init__(self, services: Services, settings: TraedeSettings) -> None:
        self._http: Http = services.http(profile(settings))
        self._settings, self._sorts = settings, True

    def export(self, window: Window, since: int | None = None) -> tuple[list[Row], Mapping[str, str]]:
        """Entries that were not exported to our system, or were so at ``since`` (seconds since 1970) or later; and
        the headers of the answer. Raises ConfigError where Traede does not understand or allow the question."""
        asked: dict[str, Any] = {"system_id": self._settings.system_id, "limit": window.limit, "page": window.page}
        if since is not None:
            asked[self._settings.since_parameter] = told(since)
        answer = self._exported({**asked, **_changed(window)}, _sorted(window))
        return [row_of(entry) for entry in answer.data.accounting_entries], answer.headers

    def _exported(self, asked: dict[str, Any], order: dict[str, str]) -> Response:
        """Where the question is refused it is put once more without the order, which is documented nowhere."""
        try:
            params = {**asked, **order} if self._sorts else asked
            return self._http.read("GET", f"{_ROOT}/export", params=params, expect=Listing)
        except Rejected as refusal:
            if not self._sorts:
                raise _not_understood(refusal) from refusal
        self._sorts = False
        return self._exported(asked, {})

    def by_id(self, ids: Iterable[str]) -> dict[str, Row]:
        """Entries by id from the core API, whatever was exported of them; one that is not there is missing."""
        wanted, found = list(dict.fromkeys(ids)), dict[str, Row]()
        for start in range(0, len(wanted), MOST):
            some = wanted[start : start + MOST]
            asked = {"limit": MOST, **filter_groups([("id", "in", some)])}
            for entry in self._http.read("GET", _ROOT, params=asked, expect=Listing).data.accounting_entries:
                row = row_of(entry)
                if row.id not in some:
                    raise _no_filter(row.id)
                found[row.id] = row
        return found

    def confirm(self, notes: Mapping[str, str]) -> None:
        """Mark entries as exported to our system, with a note each; ten at most. Saying so again does no harm, so it is
        retried like a read. Raises Rejected, and nothing was marked, where Traede does not take one of them."""
        marks = [_mark(name, self._settings.system_id, note) for name, note in notes.items()]
        self._http.read("POST", f"{_ROOT}/mark-as-exported", body={"accounting_entries": marks})


def told(second: int) -> str:
    """A moment as Traede's parameters have it: UTC, without a zone."""
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds(text: str) -> int:
    """A moment of Traede (UTC where no zone is told) in seconds since 1970, rounded down. Raises TryAgain for what is
    no moment."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise TryAgain(f"Traede named a time that is none: {text[:40]!r}", code="WHERRY-6840") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp() // 1)


def row_of(entry: Fields) -> Row:
    """An entry as it was listed. Raises TryAgain for one without id or moment."""
    name, version = _plain(entry, "id"), _plain(entry, "updated_at") or _plain(entry, "created_at")
    if not name.isascii() or not name.isdigit() or not version:
        raise TryAgain(f"Traede sent an entry without id or time (id {name[:40]!r})", code="WHERRY-6841")
    return Row(name, seconds(version), version, entry)


def filter_groups(filters: Sequence[tuple[str, str, str | Sequence[str]]]) -> dict[str, str]:
    """One group of filters (key, operator, value), all of which must hold, as query parameters."""
    asked: dict[str, str] = {}
    for n, (key, operator, value) in enumerate(filters):
        place = f"filter_groups[0][filters][{n}]"
        asked |= {f"{place}[key]": key, f"{place}[operator]": operator}
        if isinstance(value, str):
            asked[f"{place}[value]"] = value
        else:
            asked |= {f"{place}[value][{m}]": one for m, one in enumerate(value)}
    return asked


def _changed(window: Window) -> dict[str, str]:
    first = [("updated_at", "gte", told(window.first))] if window.first else []
    until = [("updated_at", "lt", told(window.until))] if window.until else []
    return filter_groups(first + until)


def _sorted(window: Window) -> dict[str, str]:
    asked: dict[str, str] = {}
    for n, key in enumerate(("updated_at", "id")):
        asked |= {f"sort[{n}][key]": key, f"sort[{n}][direction]": "DESC" if window.newest else "ASC"}
    return asked


def _mark(name: str, system: str, note: str) -> dict[str, Any]:
    return {"accounting_entry_id": int(name), "system_id": system, **({"note": note} if note else {})}


def _plain(entry: Fields, name: str) -> str:
    value = msgspec.json.decode(entry[name]) if name in entry else None
    return "" if value is None else str(value)


def _not_understood(refusal: Rejected) -> ConfigError:
    return ConfigError(
        f"Traede does not give out entries to be exported: {refusal.message}",
        fix="check system_id and since_parameter of the connection, and what the user of the token may see",
        code="WHERRY-2840", **refusal.where,
    )  # fmt: skip


def _no_filter(name: str) -> ContractBroken:
    return ContractBroken(
        f"Traede's core API gave entry {name}, which was not asked for: it does not look up entries by id",
        fix="read the flow from the start instead, or look for a newer version of the Traede plugin",
        code="WHERRY-1840",
    )
