"""Xero's offline stand-in: organisations in memory behind the paths, rules and faults of the Accounting API.

It keeps books: what is authorised or posted goes to accounts, and the trial balance can be asked for. Facts:
contracts/xero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

from wherry.simulator import (
    Call,
    Clock,
    DailyQuota,
    Handler,
    Refusal,
    Reply,
    RollingWindow,
    Routes,
    Stage,
    StandIn,
)

from . import oauth, seed
from .oauth import App, OAuth
from .org import NAMES, Invalid, Organisation, id_name
from .seed import Obj, guid
from .where import parsed

__all__ = ["App", "Invalid", "XeroSimulator"]

_BASE = "/api.xro/2.0"
REMEMBERED = 12 * 3600.0
"""Seconds for which a key is known: as reported, Xero does not say."""
_MINUTE, _DAY = 60, 5000
_TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
_DATES = ("Date", "DueDate")


class XeroSimulator(StandIn):
    """Organisations that one app reaches. Without ``app`` and ``tokens`` everybody who brings a token is let in.

    ``tenants`` are names of organisations; ``limits`` is ``real`` or ``none``.
    """

    system = "xero"

    def __init__(
        self, *, clock: Clock | None = None, tenants: Sequence[str] = ("Demo Company (UK)",), currency: str = "GBP",
        limits: str = "none", app: App | None = None, tokens: Collection[str] | None = None,
    ) -> None:  # fmt: skip
        controls: dict[str, Callable[[Any], Any]] = {"close": self._close, "limits": self._set_limits}
        super().__init__(Stage(clock, _dressed, controls))
        self.orgs = {guid(0xF0, n): Organisation(self.stage, guid(0xF0, n), name, currency)
                     for n, name in enumerate(tenants)}  # fmt: skip
        self.oauth = OAuth(self.stage, app, tokens)
        self.limits = limits
        self._minute = {id: RollingWindow(self.stage.clock, _MINUTE, 60.0) for id in self.orgs}
        self._day = {id: DailyQuota(self.stage.clock, _DAY) for id in self.orgs}
        self._kept: dict[tuple[str, str], tuple[float, Reply]] = {}
        self._routes = Routes(self._rows())

    @property
    def org(self) -> Organisation:
        """The first organisation."""
        return next(iter(self.orgs.values()))

    def write(self, name: str, body: Obj, id: str = "") -> Obj:
        """What a person enters or changes in the browser: the same rules. Raises Invalid."""
        with self.stage.lock:
            self.org.cause = ""
            return self.org.write(name, body, id, new=not id)

    def pay(self, id: str) -> None:
        """An invoice is paid, which keeps it from being changed."""
        with self.stage.lock:
            self.org.records["Invoices"][id]["Status"] = "PAID"

    def close(self, until: str) -> None:
        """Locks every organisation's books up to a day; empty opens them."""
        for org in self.orgs.values():
            org.locked = until

    def _close(self, body: Any) -> None:
        """``{"until": date}`` locks the books up to a day."""
        self.close(body["until"])

    def _set_limits(self, body: Any) -> None:
        """``{"limits": "none"}`` lifts them."""
        if body["limits"] not in ("real", "none"):
            raise ValueError("limits are real or none")
        self.limits = body["limits"]

    # Answering

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler in (self.oauth.authorize, self.oauth.token, self.oauth.revoke) and handler is not None:
            return handler(call)
        if not self.oauth.admits(call.bearer):
            return _dressed(401)
        if handler is None:
            return _dressed(404)
        return handler(call) if handler == self._connections else self._within(call, handler)

    def _within(self, call: Call, handler: Handler) -> Reply:
        """A call into an organisation: who is meant, whether there is room, and whether it was done before."""
        told = call.headers.get("xero-tenant-id", "")
        tenant = next(iter(self.orgs)) if not told and self.oauth.is_custom(call.bearer) else told
        if tenant not in self.orgs:
            return _dressed(403)
        if self.limits == "real" and not self._has_room(tenant):
            return self._throttled(tenant)
        key = (tenant, call.headers.get("idempotency-key", ""))
        kept = self._kept.get(key) if key[1] and call.method != "GET" else None
        if kept is not None and self.clock.now() < kept[0] + REMEMBERED:
            return kept[1]
        call.params["tenant"] = tenant
        try:
            reply = handler(call)
        except Invalid as invalid:
            reply = _refused("QueryParseException", str(invalid))
        reply.headers |= self._left(tenant)
        if key[1] and call.method != "GET":
            self._kept[key] = (self.clock.now(), reply)
        return reply

    def _has_room(self, tenant: str) -> bool:
        return bool(self._minute[tenant].remaining and self._day[tenant].take() and self._minute[tenant].take())

    def _throttled(self, tenant: str) -> Reply:
        day = not self._day[tenant].remaining
        headers = {"retry-after": "3600" if day else "60", "x-rate-limit-problem": "day" if day else "minute"}
        return Reply(429, None, {**headers, **self._left(tenant)})

    def _left(self, tenant: str) -> dict[str, str]:
        left = {"min": self._minute[tenant].remaining, "day": self._day[tenant].remaining, "appmin": 10_000}
        return {f"x-{name}limit-remaining": str(count) for name, count in left.items()}

    def _rows(self) -> list[tuple[str, str, Handler]]:
        lists: dict[str, Callable[[Organisation], list[Obj]]] = {
            "Organisation": self._organisation, "Accounts": lambda org: list(org.accounts.values()),
            "TaxRates": lambda org: seed.tax_rates(), "TrackingCategories": lambda org: seed.tracking(),
            "Currencies": lambda org: [{"Code": code, "Description": code} for code in org.currencies],
        }  # fmt: skip
        rows: list[tuple[str, str, Handler]] = [
            ("GET", oauth.AUTHORIZE, self.oauth.authorize), ("POST", oauth.TOKEN, self.oauth.token),
            ("POST", oauth.REVOKE, self.oauth.revoke), ("GET", "/connections", self._connections),
            ("GET", f"{_BASE}/Reports/TrialBalance", self._trial_balance),
        ]  # fmt: skip
        rows += [("GET", f"{_BASE}/{name}", self._whole(name, told)) for name, told in lists.items()]
        for name in NAMES:
            one = f"{_BASE}/{name}/{{id}}"
            rows += [("GET", f"{_BASE}/{name}", self._list), ("GET", one, self._read), ("POST", one, self._post)]
            rows += [(method, f"{_BASE}/{name}", self._put) for method in ("PUT", "POST")]
        return rows

    def _connections(self, call: Call) -> Reply:
        born = self.clock.date().replace(microsecond=0, tzinfo=None).isoformat()
        return Reply(200, [
            {"id": guid(0xC0, n), "authEventId": guid(0xE0, 1), "tenantId": id, "tenantType": "ORGANISATION",
             "tenantName": org.name, "createdDateUtc": born, "updatedDateUtc": born}
            for n, (id, org) in enumerate(self.orgs.items())
        ])  # fmt: skip

    def _whole(self, name: str, told: Callable[[Organisation], list[Obj]]) -> Handler:
        plural = "Organisations" if name == "Organisation" else name
        return lambda call: self._told({plural: told(self._org(call))})

    def _organisation(self, org: Organisation) -> list[Obj]:
        lock = {"PeriodLockDate": _shown(org.locked)} if org.locked else {}
        return [{
            "OrganisationID": org.id, "Name": org.name, "LegalName": org.name, "BaseCurrency": org.currency,
            "CountryCode": "GB", "Version": "UK", "FinancialYearEndDay": 31, "FinancialYearEndMonth": 12,
            "IsDemoCompany": True, "OrganisationStatus": "ACTIVE", **lock,
        }]  # fmt: skip

    def _list(self, call: Call) -> Reply:
        name, org = _name(call), self._org(call)
        rows = [row for row in org.records[name].values() if _passes(call, name, row)]
        if order := call.query.get("order", "").split():
            rows.sort(key=lambda row: str(row.get(order[0]) or ""), reverse=order[1:] == ["DESC"])
        if name == "Items":
            return self._told({name: [_element(row) for row in rows]})
        size, page = (_whole_number(call, field, usual) for field, usual in (("pageSize", 100), ("page", 1)))
        if "page" not in call.query:
            plain = [{**row, **{line: [] for line in ("LineItems", "JournalLines") if line in row}} for row in rows]
            return self._told({name: [_element(row) for row in plain]})
        pages = {"page": page, "pageSize": size, "pageCount": -(-len(rows) // size), "itemCount": len(rows)}
        some = rows[(page - 1) * size : page * size]
        return self._told({"pagination": pages, name: [_element(row) for row in some]})

    def _read(self, call: Call) -> Reply:
        held = self._org(call).records[_name(call)].get(call.params["id"])
        return _dressed(404) if held is None else self._told({_name(call): [_element(held)]})

    def _put(self, call: Call) -> Reply:
        return self._written(call, _elements(call), "")

    def _post(self, call: Call) -> Reply:
        elements, id = _elements(call), call.params["id"]
        if id not in self._org(call).records[_name(call)]:
            return _dressed(404)
        return self._written(call, elements[:1], id)

    def _written(self, call: Call, elements: list[Any], id: str) -> Reply:
        name, org = _name(call), self._org(call)
        org.cause = call.headers.get("idempotency-key", "") or "none"
        org.unit_places = 4 if call.query.get("unitdp") == "4" else 2
        if call.query.get("summarizeErrors", "true") != "false" or id:  # one bad element fails all
            tried = [_one(org, call, body, id, dry=True) for body in elements]
            if wrong := [one for one in tried if one["StatusAttributeString"] == "ERROR"]:
                return _refused("ValidationException", "A validation exception occurred", 10, Elements=wrong)
        return self._told({name: [_one(org, call, body, id) for body in elements]})

    def _trial_balance(self, call: Call) -> Reply:
        last = call.query.get("date", "") or self.clock.date().date().isoformat()
        titles = ("Account", "Debit", "Credit", "YTD Debit", "YTD Credit")
        rows = [_row(account, amount) for account, amount in self._org(call).trial_balance(last)]
        parts: list[Obj] = [{"RowType": "Header", "Cells": [{"Value": title} for title in titles]}]
        parts.append({"RowType": "Section", "Title": "", "Rows": rows})
        report = {"ReportName": "Trial Balance", "ReportType": "TrialBalance", "ReportDate": last, "Rows": parts}
        return self._told({"Reports": [report]})

    def _org(self, call: Call) -> Organisation:
        return self.orgs[call.params["tenant"]]

    def _told(self, body: Obj) -> Reply:
        now = f"/Date({self.clock.now_ms()})/"
        return Reply(200, {"Id": guid(0x1D, 1), "Status": "OK", "ProviderName": "stand-in", "DateTimeUTC": now, **body})


def _name(call: Call) -> str:
    return call.path.removeprefix(f"{_BASE}/").partition("/")[0]


def _elements(call: Call) -> list[Any]:
    """The elements of a body, or the only one, bare."""
    told = (call.object() or {}).get(_name(call))
    if not isinstance(told, list) or not told:
        raise Refusal(_refused("PostDataInvalidException", "JSON for post data was invalid"))
    return told


def _passes(call: Call, name: str, row: Obj) -> bool:
    asked, shown = call.query, _element(row)
    if name == "Contacts" and row["ContactStatus"] != "ACTIVE" and asked.get("includeArchived") != "true":
        return False
    try:
        since = dt.datetime.fromisoformat(call.headers.get("if-modified-since", "1970-01-01"))
        wanted = parsed(asked["where"])(shown) if asked.get("where") else True
    except ValueError as error:
        raise Invalid(str(error)) from None
    return wanted and row["UpdatedDateUTC"] >= since.replace(tzinfo=since.tzinfo or dt.UTC).timestamp() * 1000


def _whole_number(call: Call, name: str, usual: int) -> int:
    told = call.whole(name, usual)
    return usual if told is None else min(max(told, 1), 1000)


def _element(row: Obj) -> Obj:
    """A record as it is shown: its dates as Xero writes them."""
    told = {**row, "UpdatedDateUTC": f"/Date({row['UpdatedDateUTC']}+0000)/"}
    return told | {name: _shown(row[name]) for name in _DATES if row.get(name)}


def _shown(date: str) -> str:
    return f"/Date({(dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days * 86_400_000}+0000)/"


def _echoed(name: str, body: Any) -> Obj:
    """What comes back of an element that was refused."""
    return {id_name(name): "00000000-0000-0000-0000-000000000000", **(body if isinstance(body, dict) else {})}


def _row(account: Obj, amount: Decimal) -> Obj:
    told = [{"Value": account["AccountID"], "Id": "account"}]
    sides = [str(amount) if amount > 0 else "", str(-amount) if amount < 0 else ""]
    values = [f"{account['Name']} ({account['Code']})", "", "", *sides]
    return {"RowType": "Row", "Cells": [{"Value": value, "Attributes": told} for value in values]}


def _one(org: Organisation, call: Call, body: Any, id: str, *, dry: bool = False) -> Obj:
    """An element as it is answered."""
    name = _name(call)
    try:
        told = _element(org.write(name, body, id, new=call.method == "PUT", dry=dry))
        return {**told, "StatusAttributeString": "OK", "ValidationErrors": []}
    except Invalid as invalid:
        wrong = {"ValidationErrors": [{"Message": str(invalid)}], "StatusAttributeString": "ERROR"}
        return {**_echoed(name, body), **wrong}


def _refused(type: str, message: str, number: int = 16, **more: Any) -> Reply:
    return Reply(400, {"ErrorNumber": number, "Type": type, "Message": message, **more})


def _dressed(status: int) -> Reply:
    if status == 400:
        return _refused("ValidationException", "A validation exception occurred")
    detail = {401: "AuthenticationUnsuccessful", 403: "AuthenticationUnsuccessful"}.get(status, "")
    title = _TITLES.get(status, "An error occurred")
    return Reply(status, {"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": guid(0x15, 1),
                          "Extensions": {}})  # fmt: skip
