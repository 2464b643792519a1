"""The export API of accounting entries: two calls, fetch what a system has not had, then mark it as exported.

An entry is a ledger transaction that has both its accounts. It is kept track of for each receiving system by itself; it
counts as exported only once that system's caller has said so, so what failed there is simply offered again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import NotFound, Rejected
from wherry.money import text as money_text
from wherry.roles import Documents, Services
from wherry.web.routes import Host, HttpRequest, HttpResponse, HttpRoute, Snapshot

from wherry_workspace.documents import Document, stamp
from wherry_workspace.export_query import Asked, Facts, asked, spelled, system, wrong

KIND, PREFIX = "ledger_transaction", "TX-"
MARK, MARKED_UP_TO, TIMELINE = "export_mark", "export_progress", "timeline"
"""Kinds of what is kept: a mark an entry and system, how far everything is marked, what happened to an entry."""
READ, WRITE = "export:read", "export:write"
APP_KEY = ("x-app-key", "x-traede-app-key")
PATH = "/v10/accounting-entries"
MOST_MARKED = 10
LONGEST_NOTE = 1000
_SLICE = 500
_MOST_SLICES = 20
_MOST_EVENTS = 200
_MOST_KEPT = 200_000
_ID = re.compile(rf"{PREFIX}[0-9]{{1,18}}")
_PADDED = 10**18
"""Numbers from here stand for ids with zeros in front, which an import may have brought."""


def routes(services: Services, host: Host) -> list[HttpRoute]:
    """The calls. Fetching needs the scope ``export:read``, marking ``export:write``, both an app key too."""
    api = ExportApi(services, host)
    return [
        HttpRoute(method="GET", path=f"{PATH}/export", handle=api.export, scope=READ, app_key=APP_KEY,
                  about="Accounting entries that a system has not had yet."),
        HttpRoute(method="POST", path=f"{PATH}/mark-as-exported", handle=api.mark, scope=WRITE, app_key=APP_KEY,
                  most=64_000, about="Say that a system has taken entries, at most ten."),
        HttpRoute(method="GET", path=PATH, handle=api.read, scope=READ, app_key=APP_KEY,
                  about="Accounting entries, whatever was exported of them."),
        HttpRoute(method="GET", path=f"{PATH}/{{id}}/timeline", handle=api.timeline, scope=READ, app_key=APP_KEY,
                  about="What happened to an entry, with notes."),
    ]  # fmt: skip


class Row(Struct, frozen=True):
    """An entry as it was found: the number of its last change, what it is filtered and sorted by, its JSON, empty
    while it has not both accounts."""

    sequence: int
    facts: Facts
    json: bytes


class ExportApi:
    """Answers the calls. Safe for threads: what it keeps between two calls is replaced whole."""

    def __init__(self, services: Services, host: Host) -> None:
        self._clock, self._host = services.clock, host
        self._kept: tuple[object, list[Row]] = (None, [])

    def export(self, call: HttpRequest) -> HttpResponse:
        """``{"accounting_entries": […], "meta": {…}}``; the longest unchanged first, where no order was asked for."""
        return self._answer(asked(call.query))

    def read(self, call: HttpRequest) -> HttpResponse:
        """As ``export``, but all of them, whatever was exported; by ``id`` too."""
        return self._answer(asked(call.query, tracked=False))

    def _answer(self, want: Asked) -> HttpResponse:
        with self._host.reading() as documents:
            if want.ids is not None:
                return HttpResponse(data=_sorted(_named(documents, want.ids), want))
            if want.sort or want.page:
                return HttpResponse(data=_sorted(self._all(documents, want), want))
            return HttpResponse(data=offered(documents, want))

    def _all(self, documents: Snapshot, want: Asked) -> list[Row]:
        """Everything before filters, kept for the next page: as long as nothing in the workspace changes, the number
        of its last change stays the same."""
        key = (want.system, want.since, documents.sequence())
        known, rows = self._kept
        if known != key:
            plain = msgspec.structs.replace(want, groups=(), cursor=0)
            rows = list(_matching(documents, plain))
            self._kept = (key, rows) if len(rows) <= _MOST_KEPT else (None, [])
        return rows

    def mark(self, call: HttpRequest) -> HttpResponse:
        """All of them or none."""
        marks = said(call)
        try:
            with self._host.changing(call.by) as change:
                done = mark(change.documents, marks, by=call.by, now=self._clock.now())
                for one in done:
                    change.audit("workspace.export.mark", f"{KIND}/{one['id']}", one)
        except NotFound as error:  # the address is there: what is wrong is in the body
            return HttpResponse(status=422, error=error)
        told = [{"accounting_entry_id": number_of(one["id"]), **_without_id(one)} for one in done]
        return HttpResponse(data={"accounting_entries": told})

    def timeline(self, call: HttpRequest) -> HttpResponse:
        number = str(call.given["id"])
        name = id_of(int(number)) if re.fullmatch("[0-9]{1,19}", number) else ""
        with self._host.reading() as documents:
            if name not in documents.get(KIND, [name]):
                raise _absent([number[:20]])
            return HttpResponse(data={"timeline": timeline(documents, name)})


def _without_id(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "id"}


# -- entries -----------------------------------------------------------------------------------------------------------


def number_of(name: str) -> int:
    """The integer id of a transaction: the number in its own, which never changes. Of ids with zeros in front, which
    would fall together with those without, a number of their own."""
    digits = name.removeprefix(PREFIX)
    return int(digits) if str(int(digits)) == digits else _PADDED + int(f"1{digits}")


def id_of(number: int) -> str:
    """The transaction that an integer id stands for; empty for a number that stands for none."""
    name = f"{PREFIX}{number}" if number < _PADDED else f"{PREFIX}{str(number - _PADDED)[1:]}"
    return name if _ID.fullmatch(name) and number_of(name) == number else ""


def entry(name: str, document: Document) -> dict[str, Any] | None:
    """A transaction as an accounting entry; None while an account is missing. The amount is an exact JSON number."""
    fields = document["fields"]
    debit, credit = fields.get("debit", ""), fields.get("credit", "")
    if not debit or not credit:
        return None
    amount = fields["amount"]
    return {
        "id": number_of(name),
        "currency": amount["currency"],
        "amount": msgspec.Raw(money_text(amount["minor"], amount["currency"]).encode()),
        "account": _account(debit),
        "contra_account": _account(credit),
        "date": fields["date"],
        "text": fields.get("description") or fields.get("reference") or fields.get("type") or "",
        "created_at": _moment(document["created"]),
        "updated_at": _moment(document["changed"]),
    }


def _account(code: str) -> int | str:
    """A code that is a number is one; another, or one with zeros in front, which a number would lose, stays text."""
    return int(code) if code.isascii() and code.isdecimal() and str(int(code)) == code and len(code) < 16 else code


def _moment(text: str) -> str:
    return spelled(dt.datetime.fromisoformat(text))


def offered(documents: Documents, want: Asked) -> dict[str, Any]:
    """One page of what a system has not had, and where to go on."""
    rows: list[Row] = []
    left_out = 0
    for row in _matching(documents, want):
        if row.json:
            rows.append(row)
        else:
            left_out += 1
        if len(rows) > want.limit:
            break
    return _page(rows, want, left_out)


def _sorted(found: Sequence[Row], want: Asked) -> dict[str, Any]:
    """One page of these, filtered, in the order that was asked for."""
    rows = [row for row in found if want.holds(row.facts)]
    whole = [row for row in rows if row.json]
    for key, largest_first in reversed(want.sort):
        whole.sort(key=lambda row: row.facts[key], reverse=largest_first)
    return _page(whole[want.page * want.limit :], want, len(rows) - len(whole))


def _page(rows: Sequence[Row], want: Asked, left_out: int) -> dict[str, Any]:
    """``left_out`` counts entries without both accounts among those that were looked through."""
    more, shown = len(rows) > want.limit, rows[: want.limit]
    cursor = shown[-1].sequence if more and not want.sort and want.ids is None else None
    meta = {"limit": want.limit, "page": want.page, "more": more, "cursor": cursor,
            "left_out": {"without_accounts": left_out}}  # fmt: skip
    return {"accounting_entries": [msgspec.Raw(row.json) for row in shown], "meta": meta}


def _matching(documents: Documents, want: Asked) -> Iterator[Row]:
    """In the order of their last change: what changes meanwhile moves to the end, so a cursor passes over nothing."""
    tracked = bool(want.system)
    after = max(want.cursor, _progress(documents, want.system) if tracked and want.since is None else 0)
    while rows := documents.changed(KIND, after, _SLICE):
        after = rows[-1][0]
        marks = _marks(documents, want.system, [name for _, name, _ in rows]) if tracked else {}
        for number, name, document in rows:
            if not _had(marks.get(name), want.since):
                row = _row(number, name, document)
                if want.holds(row.facts):
                    yield row


def _row(number: int, name: str, document: Document) -> Row:
    facts = {
        "id": number_of(name),
        "created_at": dt.datetime.fromisoformat(document["created"]),
        "updated_at": dt.datetime.fromisoformat(document["changed"]),
    }
    made = entry(name, document)
    return Row(number, facts, msgspec.json.encode(made) if made else b"")


def _named(documents: Documents, ids: Sequence[int]) -> list[Row]:
    found = documents.get(KIND, [id_of(one) for one in ids])
    return [_row(0, name, document) for name, document in sorted(found.items(), key=lambda one: number_of(one[0]))]


def _marks(documents: Documents, system: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = documents.get(MARK, [f"{name}/{system}" for name in names])
    return {id.partition("/")[0]: body for id, body in found.items()}


def _had(mark: Mapping[str, Any] | None, since: dt.datetime | None) -> bool:
    return mark is not None and (since is None or dt.datetime.fromisoformat(mark["at"]) < since)


def _progress(documents: Documents, system: str) -> int:
    """Every entry that changed up to this sequence number is marked: there is no need to look at it again."""
    held = documents.get(MARKED_UP_TO, [system]).get(system)
    return int(held["sequence"]) if held else 0


# -- marking -----------------------------------------------------------------------------------------------------------


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a call."""

    accounting_entry_id: int
    system_id: str
    note: str = ""


class _Marks(Struct, forbid_unknown_fields=True):
    accounting_entries: list[Mark]


def said(call: HttpRequest) -> list[Mark]:
    """The body of a call, checked. Raises Rejected."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise wrong("Content-Type", "must be application/json")
    try:
        marks = msgspec.json.decode(call.body, type=_Marks).accounting_entries
    except (msgspec.DecodeError, RecursionError) as error:
        raise Rejected(
            f"the body cannot be taken: {str(error)[:200]}", code="WHERRY-4862",
            fix='send {"accounting_entries": [{"accounting_entry_id": 1001, "system_id": "erp-1", "note": "…"}]}',
        ) from None  # fmt: skip
    if not 1 <= len(marks) <= MOST_MARKED:
        raise wrong("accounting_entries", f"must hold at least one and at most {MOST_MARKED} entries")
    for n, one in enumerate(marks):
        system(one.system_id, f"accounting_entries[{n}].system_id")
        if len(one.note) > LONGEST_NOTE or any(letter < " " and letter not in "\n\t" for letter in one.note):
            raise wrong(f"accounting_entries[{n}].note", f"must be text of at most {LONGEST_NOTE} characters")
    if len({(one.accounting_entry_id, one.system_id) for one in marks}) < len(marks):
        raise wrong("accounting_entries", "names an entry twice for one system")
    return marks


def mark(documents: Documents, marks: Sequence[Mark], *, by: str, now: dt.datetime) -> list[dict[str, Any]]:
    """Keep that systems have had entries. A second mark is kept as the latest, the first time stays known.

    Raises NotFound with every entry that there is not; then nothing is written.
    """
    names = {one.accounting_entry_id: id_of(one.accounting_entry_id) for one in marks}
    there = documents.get(KIND, list(names.values()))
    if absent := [number for number, name in names.items() if name not in there]:
        raise _absent(absent)
    at = stamp(now)
    done = [
        {"id": names[one.accounting_entry_id], "system_id": one.system_id, "exported_at": at, "note": one.note}
        for one in marks
    ]
    held = documents.get(MARK, [_mark_id(one) for one in done])
    documents.put(MARK, [(_mark_id(one), _marked(held.get(_mark_id(one)), one, by)) for one in done])
    _tell(documents, done, by)
    for name in dict.fromkeys(one.system_id for one in marks):
        _advance(documents, name)
    return done


def _mark_id(one: Mapping[str, Any]) -> str:
    return f"{one['id']}/{one['system_id']}"


def _marked(held: Mapping[str, Any] | None, one: Mapping[str, Any], by: str) -> dict[str, Any]:
    first, times = (held["first"], held["times"]) if held else (one["exported_at"], 0)
    return {"at": one["exported_at"], "first": first, "times": times + 1, "by": by, "note": one["note"]}


def _tell(documents: Documents, done: Sequence[Mapping[str, Any]], by: str) -> None:
    """Into the timelines of the entries; the audit log keeps what is dropped from a very long one."""
    held = documents.get(TIMELINE, {one["id"] for one in done})
    for one in done:
        events = held.setdefault(one["id"], {"events": []})["events"]
        told = {"at": one["exported_at"], "what": "exported", "system_id": one["system_id"], "by": by}
        events.append({**told, "note": one["note"]})
    documents.put(TIMELINE, [(name, {"events": body["events"][-_MOST_EVENTS:]}) for name, body in held.items()])


def timeline(documents: Documents, name: str) -> list[dict[str, Any]]:
    """What happened to a transaction, oldest first: ``{at, what, system_id, by, note}``."""
    held = documents.get(TIMELINE, [name]).get(name)
    return list(held["events"]) if held else []


def _advance(documents: Documents, system: str) -> None:
    """Move on past what is marked without a gap, a bounded way at a time."""
    start = after = _progress(documents, system)
    for _ in range(_MOST_SLICES):
        rows = documents.changed(KIND, after, _SLICE)
        marks = _marks(documents, system, [name for _, name, _ in rows])
        for number, name, _ in rows:
            if name not in marks:
                rows = []
                break
            after = number
        if len(rows) < _SLICE:
            break
    if after > start:
        documents.put(MARKED_UP_TO, [(system, {"sequence": after})])


def _absent(numbers: Sequence[int | str]) -> NotFound:
    listed = ", ".join(map(str, numbers))
    return NotFound(
        f"there is no accounting entry {listed}", fix="nothing was marked; take ids from the export",
        code="WHERRY-3860", entries=listed,
    )  # fmt: skip
