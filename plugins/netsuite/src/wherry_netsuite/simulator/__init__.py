"""NetSuite's offline stand-in: an account in memory behind the paths, rules and faults of SuiteTalk REST.

It keeps books: what posts goes to accounts, and balances can be asked for by SuiteQL. Facts: contracts/netsuite.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from wherry.simulator import Call, Clock, Handler, Reply, Routes, Stage, StandIn

from . import oauth
from .account import Account
from .oauth import App, OAuth
from .shapes import SHAPES, Fault, Obj
from .suiteql import SuiteQL

__all__ = ["App", "Fault", "NetSuiteSimulator"]

_BASE = "/services/rest"
_RECORD = f"{_BASE}/record/v1/{{type}}"
_ERROR = "application/vnd.oracle.resource+json; type=error"
_CODES = {
    400: "USER_ERROR", 401: "INVALID_LOGIN", 403: "INSUFFICIENT_PERMISSION", 404: "NONEXISTENT_ID",
    429: "CONCURRENCY_LIMIT_EXCEEDED",
}  # fmt: skip
_MOST = 1000
_ALL = 100_000


class NetSuiteSimulator(StandIn):
    """One account. Without ``app`` and ``tokens`` everybody who brings a token or an assertion is let in.

    ``subsidiaries`` are internal ids: an account without any has one company.
    """

    system = "netsuite"

    def __init__(
        self, *, clock: Clock | None = None, account: str = "1234567", subsidiaries: Sequence[str] = ("1",),
        app: App | None = None, tokens: Collection[str] | None = None,
    ) -> None:  # fmt: skip
        controls: dict[str, Callable[[Any], Any]] = {"close": self._close}
        super().__init__(Stage(clock, _dressed, controls))
        self.account = Account(self.stage, account, tuple(subsidiaries))
        self.oauth = OAuth(self.stage.clock, app, tokens)
        self.suiteql = SuiteQL(self.account)
        self._routes = Routes(self._rows())

    # What a test does behind the API's back

    def make(self, type: str, body: Obj) -> Obj:
        """What a person enters in the browser: the same rules. Raises Fault."""
        with self.stage.lock:
            self.account.cause = ""
            return self.account.make(type, body)

    def change(self, type: str, id: str, body: Obj, replace: str = "") -> Obj:
        """What a person changes there."""
        with self.stage.lock:
            self.account.cause = ""
            return self.account.change(type, id, body, replace)

    def _close(self, body: Any) -> None:
        """``{"until": date}`` closes the periods up to a day."""
        self.account.close(body["until"])

    # Answering

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler == self.oauth.token:
            return handler(call)
        if not self.oauth.admits(call.bearer):
            return _dressed(401)
        self.account.cause = hashlib.sha256(call.body).hexdigest()
        try:
            if handler is None:
                raise Fault("NONEXISTENT_ID", f"There is no {call.method} {call.path}.", 404)
            return handler(call)
        except Fault as fault:
            return _faulty(fault)

    def _rows(self) -> list[tuple[str, str, Handler]]:
        return [
            ("POST", oauth.PATH, self.oauth.token),
            ("POST", f"{_BASE}/query/v1/suiteql", self._query),
            ("GET", _RECORD, self._list),
            ("POST", _RECORD, self._post),
            ("GET", f"{_RECORD}/{{id}}", self._read),
            ("PUT", f"{_RECORD}/{{id}}", self._put),
            ("PATCH", f"{_RECORD}/{{id}}", self._patch),
        ]

    def _post(self, call: Call) -> Reply:
        return self._done(call, self.account.make(_type(call), _body(call), _strict(call)))

    def _put(self, call: Call) -> Reply:
        type, key = _type(call), call.params["id"]
        if not key.startswith("eid:"):
            self.account.needed(type, key)
        return self._done(call, self.account.put(type, key, _body(call), call.query.get("replace", ""), _strict(call)))

    def _patch(self, call: Call) -> Reply:
        type, key = _type(call), call.params["id"]
        id = self.account.needed(type, key)["id"]
        return self._done(
            call, self.account.change(type, id, _body(call), call.query.get("replace", ""), _strict(call))
        )

    def _done(self, call: Call, record: Obj) -> Reply:
        return Reply(204, None, {"location": self._address(f"/record/v1/{call.params['type']}/{record['id']}")})

    def _read(self, call: Call) -> Reply:
        type = _type(call)
        record = self.account.needed(type, call.params["id"])
        link = {"rel": "self", "href": self._address(f"/record/v1/{type}/{record['id']}")}
        name, shown = SHAPES[type].sublist, {"links": [link], **record}
        if name in record:
            whole = call.query.get("expandSubResources") == "true"
            lines = {"items": record[name], "totalResults": len(record[name])} if whole else {}
            shown[name] = {"links": [{"rel": "self", "href": f"{link['href']}/{name}"}], **lines}
        if isinstance(record.get("subsidiary"), list):
            shown["subsidiary"] = {"items": record["subsidiary"]}
        return Reply(200, shown)

    def _list(self, call: Call) -> Reply:
        limit, offset = _page(call)
        type = _type(call)
        rows = [{"links": [{"rel": "self", "href": self._address(f"/record/v1/{type}/{id}")}], "id": id}
                for id in self.account.records[type]]  # fmt: skip
        return self._paged(f"/record/v1/{type}", rows[offset : offset + limit], len(rows), limit, offset)

    def _query(self, call: Call) -> Reply:
        if call.headers.get("prefer") != "transient":
            raise Fault("INVALID_PARAMETER", "The Prefer header must be transient.")
        statement = _body(call).get("q")
        if not isinstance(statement, str):
            raise Fault("INVALID_PARAMETER", "q is missing.")
        limit, offset = _page(call)
        rows, total = self.suiteql.run(statement, limit, offset)
        return self._paged("/query/v1/suiteql", rows, min(total, _ALL), limit, offset)

    def _paged(self, path: str, rows: list[Obj], total: int, limit: int, offset: int) -> Reply:
        here = {"rel": "self", "href": self._address(f"{path}?limit={limit}&offset={offset}")}
        return Reply(200, {"links": [here], "count": len(rows), "hasMore": offset + len(rows) < total, "items": rows,
                           "offset": offset, "totalResults": total})  # fmt: skip

    def _address(self, path: str) -> str:
        """What NetSuite says of itself is its own address, not the one that it was reached by."""
        return f"https://{self.account.id.lower().replace('_', '-')}.suitetalk.api.netsuite.com{_BASE}{path}"


def _type(call: Call) -> str:
    type = call.params["type"]
    if type not in SHAPES:
        raise Fault("NONEXISTENT_ID", f"Record type {type[:40]} does not exist.", 404)
    return type


def _strict(call: Call) -> bool:
    return call.headers.get("x-netsuite-propertynamevalidation", "").casefold() == "error"


def _body(call: Call) -> Obj:
    body = call.object()
    if body is None:
        raise Fault("INVALID_CONTENT", "Invalid content in the request body. It is no JSON object.")
    return body


def _page(call: Call) -> tuple[int, int]:
    limit, offset = call.whole("limit", _MOST), call.whole("offset", 0)
    if limit is None or offset is None:
        raise Fault("INVALID_PARAMETER", "limit and offset are whole numbers.")
    if not 1 <= limit <= _MOST or offset % limit:
        raise Fault("INVALID_PARAMETER", "limit is 1 to 1000, offset a multiple of it.")
    return limit, offset


def _dressed(status: int) -> Reply:
    return _faulty(Fault(_CODES.get(status, "UNEXPECTED_ERROR"), f"An error of status {status}.", status))


def _faulty(fault: Fault) -> Reply:
    told = {"detail": fault.detail, "o:errorCode": fault.code} | ({"o:errorPath": fault.path} if fault.path else {})
    body = {"type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html", "status": fault.status,
            "title": fault.code.replace("_", " ").title(), "o:errorDetails": [told]}  # fmt: skip
    return Reply(fault.status, msgspec.json.encode(body), {"content-type": _ERROR})
