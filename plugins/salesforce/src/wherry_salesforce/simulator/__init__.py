"""Salesforce's offline stand-in: one org behind the REST API, as far as a hub reads it and a loader fills it.

Facts: contracts/salesforce/API.md and the REST API guide; what they do not say is named in the plugin's README.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wherry.simulator import Call, Clock, Refusal, Reply, RollingWindow, Routes, Stage, StandIn

from .facts import NOTHING_DELETED
from .oauth import App, OAuth
from .org import Org, refused
from .soql import Query, Row

__all__ = ["App", "SalesforceSimulator"]

DAY = 86_400.0
PAGE, TOGETHER, PARTS = 2_000, 5, 25
LONGEST_URI = 16_384
_CODES = {
    400: ("MALFORMED_QUERY", "unexpected token"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    503: ("SERVER_UNAVAILABLE", "We are down for maintenance."),
}


def dressed(status: int) -> Reply:
    """An error answer of that status, as Salesforce words it: a list."""
    code, message = _CODES.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
    return Reply(status, [{"message": message, "errorCode": code}])


class SalesforceSimulator(StandIn):
    """One org. ``tokens`` None admits any bearer; else these, and those that the app signed in for.

    ``limit`` is how many calls it takes in 24 hours, ``page`` how many rows an answer holds at most. ``currencies``
    beyond the first, ``record_types`` of opportunities and ``person_accounts`` add the fields that they add there.
    """

    system = "salesforce"

    def __init__(
        self, *, clock: Clock | None = None, tokens: Collection[str] | None = None, app: App | None = None,
        name: str = "Acme", limit: int = 100_000, page: int = PAGE, currencies: tuple[str, ...] = ("USD",),
        record_types: tuple[str, ...] = (), person_accounts: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(Stage(clock, dressed, {"merge": self._control_merge}))
        self.org = Org(self.stage.clock, name, currencies=currencies, record_types=record_types,
                       person_accounts=person_accounts)  # fmt: skip
        self.oauth = OAuth(self.stage, app or App(), self.org.id, self.org.user)
        self.page, self.hidden = page, set[str]()
        """``hidden``: objects that the user may not see."""
        self._tokens, self._calls = tokens, RollingWindow(self.stage.clock, limit, DAY)
        self._cursors: dict[str, tuple[Query, list[Row]]] = {}
        self._routes = Routes(self._rows())
        self._open = Routes([
            ("GET", "/services/oauth2/authorize", self.oauth.authorize),
            ("POST", "/services/oauth2/token", self.oauth.token),
            ("POST", "/services/oauth2/revoke", self.oauth.revoke),
            ("GET", "/services/data", self._versions),
        ])  # fmt: skip

    def _rows(self) -> list[Any]:
        data = "/services/data/v{api}"
        return [
            ("GET", f"{data}/query", self._query),
            ("GET", f"{data}/queryAll", self._query),
            ("GET", data + "/query/{cursor}", self._more),
            ("GET", data + "/sobjects/{object}/describe", self._describe),
            ("POST", data + "/sobjects/{object}", self._create),
            ("PATCH", data + "/sobjects/{object}/{id}", self._update),
            ("DELETE", data + "/sobjects/{object}/{id}", self._delete),
            ("GET", data + "/sobjects/ContentVersion/{id}/VersionData", self._bytes),
            ("POST", f"{data}/composite", self._composite),
        ]

    # What a test does behind the API's back

    def add(self, object: str, **fields: Any) -> str:
        """A new row as the API makes it; its id."""
        with self.stage.lock:
            return str(self.org.create(object, fields)["Id"])

    def change(self, object: str, id: str, **fields: Any) -> None:
        """Change a row as the API does."""
        with self.stage.lock:
            self.org.update(object, id, fields)

    def _control_merge(self, body: Any) -> None:
        """``{"object": "Account", "survivor": …, "loser": …}``: what is no part of the REST API."""
        self.org.merge(body["object"], body["survivor"], body["loser"])
        self.stage.effect("merged", object=body["object"])

    # Answering

    def answer(self, call: Call) -> Reply:
        path = call.path.rstrip("/")
        if opened := self._open.find(call, path):
            return opened(call)
        handler = self._routes.find(call, path)
        if handler is None or not _alive(call.params["api"]):
            return dressed(404)
        if not self._admits(call.bearer):
            return dressed(401)
        if not self._calls.take():
            return self._metered(dressed(403))
        if len(call.path) + len(str(call.query)) > LONGEST_URI:
            return self._metered(Reply(414, [{"message": "URI too long", "errorCode": "URI_TOO_LONG"}]))
        try:
            return self._metered(handler(call))
        except Refusal as refusal:
            return self._metered(refusal.reply)

    def _admits(self, token: str | None) -> bool:
        return self.oauth.holds(token) or (token is not None and (self._tokens is None or token in self._tokens))

    def _metered(self, reply: Reply) -> Reply:
        used = self._calls.limit - self._calls.remaining
        reply.headers.setdefault("Sforce-Limit-Info", f"api-usage={used}/{self._calls.limit}")
        return reply

    def _versions(self, call: Call) -> Reply:
        names = {"66.0": "Spring '26", "67.0": "Summer '26"}
        return Reply(200, [{"label": label, "url": f"/services/data/v{v}", "version": v} for v, label in names.items()])

    # Queries

    def _query(self, call: Call) -> Reply:
        query, rows = self.org.select(call.query.get("q", ""), everything="/queryAll" in call.path)
        if query.object in self.hidden:
            raise refused("INVALID_TYPE", f"sObject type '{query.object}' is not supported.")
        cursor = f"0r8{len(self._cursors):015d}"
        if len(rows) > self.page:
            self._cursors[cursor] = (query, [dict(row) for row in rows])
        return Reply(200, self._page(query, rows, 0, cursor, call.params["api"]))

    def _page(self, query: Query, rows: list[Row], start: int, cursor: str, api: str) -> Row:
        shown = [self._shown(query, row, api) for row in rows[start : start + self.page]]
        end = start + len(shown)
        page: Row = {"totalSize": len(rows), "done": end >= len(rows), "records": shown}
        if end < len(rows):
            page["nextRecordsUrl"] = f"/services/data/v{api}/query/{cursor}-{end}"
        return page

    def _more(self, call: Call) -> Reply:
        cursor, _, start = call.params["cursor"].partition("-")
        if cursor not in self._cursors or not start.isdigit():
            raise refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return Reply(200, self._page(*self._cursors[cursor], int(start), cursor, call.params["api"]))

    def _shown(self, query: Query, row: Row, api: str) -> Row:
        """A row as an answer has it: parents nested, null where there is none."""
        shown: Row = {"attributes": {"type": query.object, "url": _url(api, query.object, row["Id"])}}
        for path in query.fields:
            *way, name = path.split(".")
            place, object = shown, query.object
            for n, step in enumerate(way, 1):
                object = self.org.objects[object].parents[step]
                id = self.org.value(query.object, row, ".".join([*way[:n], "Id"]))
                if id is None:
                    place[step] = None
                    break
                place = place.setdefault(step, {"attributes": {"type": object, "url": _url(api, object, id)}})
            else:
                value = self.org.value(query.object, row, path)
                blob = name == "VersionData" and query.object == "ContentVersion"
                place[name] = _url(api, query.object, row["Id"]) + "/VersionData" if blob else value
        return shown

    def _describe(self, call: Call) -> Reply:
        shape = self.org.shape(call.params["object"])
        if shape.name in self.hidden:
            return dressed(404)
        fields = [
            {"name": name, "label": name, "type": type, "custom": name.endswith("__c"), "relationshipName": None,
             "nillable": name not in shape.required and name != "Id"}
            for name, type in shape.fields.items()
        ]  # fmt: skip
        types = self.org.record_types if shape.name == "Opportunity" else {}
        infos = [{"recordTypeId": id, "name": name, "active": True, "master": False} for id, name in types.items()]
        master = {"recordTypeId": "012000000000000AAA", "name": "Master", "active": True, "master": True}
        told = {"name": shape.name, "label": shape.name, "keyPrefix": shape.prefix, "fields": fields,
                "queryable": True, "recordTypeInfos": [*infos, master]}  # fmt: skip
        return Reply(200, told)

    # Rows

    def _create(self, call: Call) -> Reply:
        object = call.params["object"]
        row = self.org.create(object, _body(call))
        self.stage.effect("created", object=object, id=row["Id"])
        return Reply(201, {"id": row["Id"], "success": True, "errors": []})

    def _update(self, call: Call) -> Reply:
        self.org.update(call.params["object"], call.params["id"], _body(call))
        self.stage.effect("updated", object=call.params["object"], id=call.params["id"])
        return Reply(204)

    def _delete(self, call: Call) -> Reply:
        if call.params["object"] in NOTHING_DELETED:
            raise refused("INSUFFICIENT_ACCESS_OR_READONLY", "entity type does not support delete", 400)
        self.org.delete(call.params["object"], call.params["id"])
        self.stage.effect("deleted", object=call.params["object"], id=call.params["id"])
        return Reply(204)

    def _bytes(self, call: Call) -> Reply:
        id = self.org.find("ContentVersion", call.params["id"])["Id"]
        return Reply(200, self.org.data[id])

    # Several requests as one call

    def _composite(self, call: Call) -> Reply:
        parts = _body(call).get("compositeRequest")
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise refused("JSON_PARSER_ERROR", "compositeRequest must be a list of requests")
        queries = [part for part in parts if "/query" in str(part.get("url"))]
        if len(parts) > PARTS or len(queries) > TOGETHER:
            raise refused("LIMIT_EXCEEDED", "The limit of subrequests in a composite request was exceeded")
        return Reply(200, {"compositeResponse": [self._part(part) for part in parts]})

    def _part(self, part: Row) -> Row:
        split = urlsplit(str(part.get("url")))
        query = parse_qs(split.query, keep_blank_values=True)
        inner = Call(str(part.get("method")), split.path, {n: v[0] for n, v in query.items()}, {}, b"")  # type: ignore[arg-type]
        handler = self._routes.find(inner, split.path.rstrip("/"))
        allowed = handler is not None and inner.method == "GET" and "/composite" not in inner.path
        try:
            reply = handler(inner) if handler and allowed and not inner.path.endswith("VersionData") else dressed(404)
        except Refusal as refusal:
            reply = refusal.reply
        return {"body": reply.body, "httpHeaders": {}, "httpStatusCode": reply.status,
                "referenceId": part.get("referenceId")}  # fmt: skip


def _alive(version: str) -> bool:
    """Versions up to 30 are retired; 67 is the current one."""
    whole, _, part = version.partition(".")
    return part == "0" and whole.isdigit() and 31 <= int(whole) <= 67


def _url(api: str, object: str, id: str) -> str:
    return f"/services/data/v{api}/sobjects/{object}/{id}"


def _body(call: Call) -> Row:
    body = call.object()
    if body is None:
        raise refused("JSON_PARSER_ERROR", "an object is expected")
    return body
