"""The offline stand-in of Dynamics 365 Sales: one environment behind the Web API, as far as a hub reads it and a loader
fills it, and the token endpoint beside it.

Facts: contracts/dynamics/API.md and Microsoft's guide to the Web API; what they do not say is named in the README.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote, unquote, urlencode

from wherry.simulator import Call, Clock, Refusal, Reply, RollingWindow, Routes, Stage, StandIn

from .facts import Table, table
from .oauth import App, Entra
from .odata import Query, Row
from .org import Org, place_of, read_query, refused

__all__ = ["App", "DynamicsSimulator"]

DATA = "/api/data/v9.2"
PAGE, BLOCK, LONGEST_URL = 5_000, 4 * 1024 * 1024, 32_768
CALLS, WINDOW = 6_000, 300.0
_KEYED = re.compile(r"(\w+)\((?:LogicalName=')?([^')]*)'?\)\Z")
_CODES = {
    400: ("0x80048d19", "Error identified in Payload provided by the user"),
    401: ("0x80040220", "The token is missing, has expired, or is not for this environment."),
    403: ("0x80040220", "Principal user is missing a privilege"),
    404: ("0x80060888", "Resource not found for the segment"),
    429: ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    503: ("0x80060891", "The service is unavailable."),
}

_HEADERS = {
    401: {"WWW-Authenticate": "Bearer authorization_uri=https://login.microsoftonline.com/"},
    429: {"Retry-After": "5"},
}


def dressed(status: int) -> Reply:
    """An error answer of that status, as Dataverse words it."""
    code, message = _CODES.get(status, ("0x80040216", "An unexpected error occurred."))
    return Reply(status, {"error": {"code": code, "message": message}}, dict(_HEADERS.get(status, {})))


class DynamicsSimulator(StandIn):
    """One environment. ``tokens`` None admits any bearer; else these, and those that the app signed in for.

    ``limit`` is how many calls it takes in five minutes (None: any number), ``page`` how many rows an answer holds at
    most. ``currencies``: the organisation's own comes first.
    """

    system = "dynamics"

    def __init__(
        self, *, clock: Clock | None = None, tokens: Collection[str] | None = None, app: App | None = None,
        limit: int | None = CALLS, page: int = PAGE, currencies: tuple[str, ...] = ("USD",),
    ) -> None:  # fmt: skip
        super().__init__(Stage(clock, dressed, {"merge": self._control_merge}))
        app = app or App()
        self.org, self.entra = Org(self.stage.clock, currencies, app.tenant), Entra(self.stage, app)
        self.page, self.hidden, self.member = page, set[str](), True
        """``hidden``: tables that the user may not read. ``member``: whether the app is a user of this environment."""
        self._tokens = tokens
        self._calls = None if limit is None else RollingWindow(self.stage.clock, limit, WINDOW)
        login = "/{tenant}/oauth2/v2.0"
        self._open = Routes([
            ("GET", f"{login}/authorize", self.entra.authorize),
            ("POST", f"{login}/token", self.entra.token),
        ])  # fmt: skip
        status = "/{table}/Attributes(LogicalName='statuscode')/Microsoft.Dynamics.CRM.StatusAttributeMetadata"
        choices = "/{table}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
        self._routes = Routes([
            ("GET", f"{DATA}/WhoAmI", self._who),
            ("GET", DATA + status, self._statuses),
            ("GET", DATA + choices, self._choices),
            ("POST", f"{DATA}/InitializeAnnotationBlocksDownload", self._begin),
            ("POST", f"{DATA}/DownloadBlock", self._block),
            ("POST", f"{DATA}/WinOpportunity", self._win),
            ("GET", DATA + "/{what}", self._read),
            ("POST", DATA + "/{what}", self._create),
            ("PATCH", DATA + "/{what}", self._update),
            ("DELETE", DATA + "/{what}", self._delete),
        ])  # fmt: skip

    # What a test does behind the API's back

    def add(self, name: str, /, **fields: Any) -> str:
        """A new row; its id. Lookups by their logical names: ``customerid=ID``."""
        with self.stage.lock:
            return str(self.org.put(name, self.org.lookups(name, fields))[self.org.tables[name].id])

    def change(self, name: str, id: str, /, **fields: Any) -> None:
        """Change a row."""
        with self.stage.lock:
            self.org.change(name, id, self.org.lookups(name, fields))

    def custom(self, name: str, primary: str, columns: str, lookups: str = "") -> None:
        """A table of the environment's own."""
        self.org.tables[name] = table(name, f"{name}s", primary, columns, lookups)
        self.org.rows[name] = {}

    def _control_merge(self, body: Any) -> None:
        """``{"table": "account", "survivor": …, "loser": …}``."""
        self.org.merge(body["table"], body["survivor"], body["loser"])
        self.stage.effect("merged", table=body["table"])

    # Answering

    def answer(self, call: Call) -> Reply:
        if opened := self._open.find(call):
            return opened(call)
        handler = self._routes.find(call)
        if handler is None:
            return dressed(404)
        if not self._admits(call.bearer):
            return dressed(401)
        if not self.member:
            raise refused("0x80072560", "The user is not a member of the organization.", 403)
        if self._calls is not None and not self._calls.take():
            return Reply(429, dressed(429).body, {"Retry-After": str(int(WINDOW))})
        if len(call.path) + len(str(call.query)) > LONGEST_URL:
            return dressed(414)
        reply = handler(call)
        reply.headers.setdefault("OData-Version", "4.0")
        return reply

    def _admits(self, token: str | None) -> bool:
        return self.entra.holds(token) or (token is not None and (self._tokens is None or token in self._tokens))

    def _who(self, call: Call) -> Reply:
        context = f"{call.base}{DATA}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
        return Reply(200, {"@odata.context": context, "BusinessUnitId": self.org.user, "UserId": self.org.user,
                           "OrganizationId": self.org.id})  # fmt: skip

    # Rows

    def _read(self, call: Call) -> Reply:
        what = call.params["what"]
        if what.startswith("EntityDefinitions"):
            return self._definitions(call, what)
        if keyed := _KEYED.match(what):
            found = self._table(call, keyed[1])
            query = read_query(dict(call.query))
            shown = self.org.shown(found, query, self.org.find(found.name, keyed[2]), _noted(call))
            return Reply(200, {"@odata.context": self._context(call, f"{found.set}/$entity"), **shown})
        return self._rows(call, self._table(call, what))

    def _table(self, call: Call, set: str) -> Table:
        """The table that a call reads. Raises Refusal for one that the user may not read."""
        found = self.org.of_set(set)
        call.route = f"{call.method} /{set}"
        if found.name in self.hidden:
            who = f"Principal user (Id={self.org.user}, type=8)"
            raise refused("0x80040220", f"{who} is missing prvRead{found.name.title()} privilege", 403)
        return found

    def _rows(self, call: Call, found: Table) -> Reply:
        options = dict(call.query)
        cookie = options.pop("$skiptoken", "")
        query, size = read_query(options), self._page_of(call)
        rows = self.org.select(found, query, _place(cookie) if cookie else None)
        if query.top is not None and "odata.maxpagesize" not in call.headers.get("prefer", ""):
            rows = rows[: query.top]
        body: Row = {"@odata.context": self._context(call, found.set)}
        body["value"] = [self.org.shown(found, query, row, _noted(call)) for row in rows[:size]]
        if len(rows) > size:
            token = _cookie(place_of(rows[size - 1], query, found), cookie)
            asked = urlencode({**options, "$skiptoken": token}, safe="$", quote_via=quote)
            body["@odata.nextLink"] = f"{call.base}{call.path}?{asked}"
        return Reply(200, body, {"Preference-Applied": call.headers.get("prefer", "")})

    def _page_of(self, call: Call) -> int:
        said = re.search(r"odata\.maxpagesize=(\d+)", call.headers.get("prefer", ""))
        return min(int(said[1]) if said else PAGE, self.page)

    def _context(self, call: Call, what: str) -> str:
        return f"{call.base}{DATA}/$metadata#{what}"

    def _create(self, call: Call) -> Reply:
        found = self._table(call, call.params["what"])
        row = self.org.put(found.name, self.org.read_body(found, _json(call)))
        self.stage.effect("created", table=found.name, id=row[found.id])
        return self._written(call, found, row, 201)

    def _update(self, call: Call) -> Reply:
        """A PATCH on a key is an upsert, unless If-Match names a version, or any."""
        found, id = self._keyed(call)
        new, fields = id not in self.org.rows[found.name], self.org.read_body(found, _json(call))
        if match := call.headers.get("if-match", ""):
            version = self.org.find(found.name, id)["versionnumber"]
            if match not in ("*", f'W/"{version}"'):
                raise refused("0x80060882", "The version of the existing record doesn't match the RowVersion.", 412)
        done = self.org.put(found.name, fields, id) if new else self.org.change(found.name, id, fields)
        self.stage.effect("created" if new else "updated", table=found.name, id=id)
        return self._written(call, found, done, 200)

    def _written(self, call: Call, found: Table, row: Row, status: int) -> Reply:
        place = f"{call.base}{DATA}/{found.set}({row[found.id]})"
        if "return=representation" not in call.headers.get("prefer", ""):
            return Reply(204, None, {"OData-EntityId": place})
        return Reply(status, self.org.shown(found, Query(), row, _noted(call)), {"OData-EntityId": place})

    def _delete(self, call: Call) -> Reply:
        found, id = self._keyed(call)
        self.org.delete(found.name, id)
        self.stage.effect("deleted", table=found.name, id=id)
        return Reply(204)

    def _keyed(self, call: Call) -> tuple[Table, str]:
        keyed = _KEYED.match(call.params["what"])
        if keyed is None:
            raise Refusal(dressed(400))
        return self._table(call, keyed[1]), keyed[2].lower()

    def _win(self, call: Call) -> Reply:
        """Closes an opportunity as won."""
        body = _json(call)
        close = body.get("OpportunityClose") or {}
        id = str(close.get("opportunityid@odata.bind", "")).rpartition("(")[2].rstrip(")")
        row = self.org.find("opportunity", id)
        worth = close.get("actualrevenue", row["estimatedvalue"])
        day = self.clock.date().strftime("%Y-%m-%d")
        won = {"statecode": 1, "statuscode": body.get("Status", 3), "actualvalue": worth, "actualclosedate": day}
        self.org.change("opportunity", id, won)
        self.stage.effect("won", id=id)
        return Reply(204)

    # Descriptions

    def _definitions(self, call: Call, what: str) -> Reply:
        keyed = _KEYED.match(what)
        if keyed is None:
            asked = re.search(r"LogicalName eq '(\w+)'", call.query.get("$filter", ""))
            names = [asked[1]] if asked else list(self.org.tables)
            return Reply(200, {"value": [self._defined(name) for name in names if name in self.org.tables]})
        if keyed[2] not in self.org.tables:
            raise refused("0x80060888", f"Could not find an entity with name '{keyed[2]}'.", 404)
        told = self._defined(keyed[2])
        if "Attributes" in call.query.get("$expand", ""):
            told["Attributes"] = _attributes(self.org.tables[keyed[2]])
        return Reply(200, {"@odata.context": self._context(call, "EntityDefinitions/$entity"), **told})

    def _defined(self, name: str) -> Row:
        one = self.org.tables[name]
        return {"LogicalName": name, "EntitySetName": one.set, "PrimaryIdAttribute": one.id, "MetadataId": self.org.id,
                "PrimaryNameAttribute": one.primary, "ChangeTrackingEnabled": False}  # fmt: skip

    def _statuses(self, call: Call) -> Reply:
        return Reply(200, _optioned(self._described(call), "statuscode"))

    def _choices(self, call: Call) -> Reply:
        one = self._described(call)
        return Reply(200, {"value": [_optioned(one, name) for name in one.choices if one.columns[name] == "Picklist"]})

    def _described(self, call: Call) -> Table:
        keyed = _KEYED.match(call.params["table"])
        if keyed is None or keyed[2] not in self.org.tables:
            raise Refusal(dressed(404))
        return self.org.tables[keyed[2]]

    # Files

    def _begin(self, call: Call) -> Reply:
        id = str((_json(call).get("Target") or {}).get("annotationid"))
        self._table(call, "annotations")
        call.route = "POST /InitializeAnnotationBlocksDownload"
        note = self.org.find("annotation", id)
        if note["documentbody"] is None:
            raise refused("0x80040203", "The note has no attachment.")
        return Reply(200, {"FileContinuationToken": f"note {id}", "FileSizeInBytes": note["filesize"],
                           "FileName": note["filename"]})  # fmt: skip

    def _block(self, call: Call) -> Reply:
        body = _json(call)
        start, length = body.get("Offset"), body.get("BlockLength")
        if not isinstance(start, int) or not isinstance(length, int) or not 0 < length <= BLOCK:
            raise refused("0x80040203", "The block is larger than 4 MB")
        id = str(body.get("FileContinuationToken")).removeprefix("note ")
        data = base64.b64decode(self.org.find("annotation", id)["documentbody"])[start : start + length]
        return Reply(200, {"Data": base64.b64encode(data).decode()})


def _noted(call: Call) -> bool:
    return "odata.include-annotations" in call.headers.get("prefer", "")


def _cookie(place: list[Any], before: str) -> str:
    """What goes on where: the number of the page, and the place behind its last row."""
    number = int((re.search(r'pagenumber="(\d+)"', before) or ["", "1"])[1]) + 1
    kept = quote(quote(json.dumps(place, default=str)))
    return f'<cookie pagenumber="{number}" pagingcookie="{kept}" istracking="False" />'


def _place(cookie: str) -> list[Any]:
    kept = re.search(r'pagingcookie="([^"]*)"', cookie)
    try:
        found: list[Any] = json.loads(unquote(unquote(kept[1] if kept else "")))
        return found
    except ValueError:
        raise refused("0x80060888", "Invalid value for $skiptoken") from None


def _attributes(one: Table) -> list[Row]:
    """The columns, and beside choices and lookups the virtual ones with their labels."""
    made = []
    for name, type in one.columns.items():
        made.append(_attribute(name, type, None))
        if type in ("Picklist", "State", "Status", "Boolean", "Lookup", "Customer", "Owner"):
            made.append(_attribute(f"{name}name", "Virtual" if type != "Lookup" else "String", name))
        if type in ("Customer", "Owner"):
            made.append(_attribute(f"{name}type", "EntityName", None))
    return made


def _attribute(name: str, type: str, of: str | None) -> Row:
    selectable = type not in ("EntityName", "Virtual")
    return {"LogicalName": name, "AttributeTypeName": {"Value": f"{type}Type"}, "AttributeOf": of,
            "IsValidForRead": True, "IsValidODataAttribute": selectable, "DisplayName": _label(name)}  # fmt: skip


def _optioned(one: Table, column: str) -> Row:
    """A choice with its options; those of a status reason say their state."""
    found = [
        {"Value": opt.value, "State": opt.state, "Label": _label(opt.label)} for opt in one.choices.get(column, [])
    ]
    return {"LogicalName": column, "OptionSet": {"Options": found}}


def _label(text: str) -> Row:
    one = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [one], "UserLocalizedLabel": one}


def _json(call: Call) -> Any:
    body = call.object()
    if body is None:
        raise Refusal(dressed(400))
    return body
