"""JD Edwards' offline stand-in: an AIS server with the orchestrations of the template, over one company in memory.

Sessions are bound to device and cookie and end after 30 idle minutes with 444; business errors come as 500; tables are
read page by page, padded with blanks. Facts: contracts/jde; wording and what they leave open is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from wherry.simulator import Call, Clock, Refusal, Reply, Routes, Stage, StandIn

from .site import Obj, Refused, Row, Site, julian

__all__ = ["JdeSimulator", "Refused", "julian"]

_API = "/jderest"
MOMENT = "2026-03-31:17.00.02"
"""Of every answer that has one: its form, as in the contract's samples."""
IDLE = 1800.0
"""Seconds after which a session that is not used ends."""
FORMS = {"generic": "Generic", "standard": "JDE Standard"}
_LISTS = frozenset({"GridData", "Lines"})


class JdeSimulator(StandIn):
    """One environment with one company. Without ``password`` everybody is let in. ``hides`` are orchestrations that
    the user may not run."""

    system = "jde"

    def __init__(
        self, *, clock: Clock | None = None, currency: str = "USD", company: str = "00001", password: str = "",
        decimals: str = ".", form: str = "generic", page: int = 100, environment: str = "JDV920", dates: str = "iso",
    ) -> None:  # fmt: skip
        controls: dict[str, Callable[[Any], Any]] = {"close": self._close, "expire": self._expire}
        super().__init__(Stage(clock, _dressed, controls, acts=("expire",)))
        self.site = Site(self.stage, company, currency, decimals, dates)
        self.password, self.decimals, self.form, self.page = password, decimals, form, page
        self.environment = environment
        self.sessions: dict[str, Obj] = {}
        self.hides: set[str] = set()
        self._pages: dict[str, tuple[str, list[Row]]] = {}
        self._made = 0
        self._routes = Routes([
            ("GET", f"{_API}/defaultconfig", self._config), ("POST", f"{_API}/v2/tokenrequest", self._login),
            ("POST", f"{_API}/v2/tokenrequest/logout", self._logout), ("GET", f"{_API}/discover", self._discover),
            ("GET", f"{_API}/v3/open-api-catalog3", self._catalogue),
            ("POST", f"{_API}/v2/dataservice", self._browse), ("GET", f"{_API}/v2/dataservice/next", self._next_page),
            ("POST", f"{_API}/v2/orchestrator/{{name}}", self._run),
            ("POST", f"{_API}/v3/orchestrator/{{name}}", self._run),
        ])  # fmt: skip

    def run(self, name: str, inputs: Obj) -> Obj:
        """What a person enters in a browser: the same rules. Raises Refused."""
        with self.stage.lock:
            self.site.cause = ""
            try:
                return self.site.doing[name][1](inputs)
            finally:
                self.site.cause = "call"

    def close(self, until: str) -> None:
        """Closes the periods up to a day; empty opens them."""
        self.site.closed = until

    def _close(self, body: Any) -> None:
        """``{"until": date}`` closes the periods up to a day."""
        self.close(body["until"])

    def _expire(self, body: Any) -> int:
        """Ends every session, as a restart of the server does; how many there were."""
        ended = len(self.sessions)
        self.sessions.clear()
        return ended

    # -- answering ----------------------------------------------------------------------------------------------------

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler is None:
            return _dressed(404)
        if handler not in (self._config, self._login):
            self._admit(call)
        return handler(call)

    def _admit(self, call: Call) -> None:
        """Raises Refusal for a token that is not valid: unknown, of another device or node, or idle for too long."""
        token = call.headers.get("jde-ais-auth", "")
        if not token:
            raise Refusal(_error(403, "Authorization Failure: no token"))
        session = self.sessions.get(token)
        cookies = [part.strip() for part in call.headers.get("cookie", "").split(";")]
        if (
            session is None or session["device"] != call.headers.get("jde-ais-auth-device")
            or f"aisSessionCookie={session['cookie']}" not in cookies or self.clock.now() - session["used"] > IDLE
        ):  # fmt: skip
            raise Refusal(_error(444, "The token is not valid or has expired", "TokenException"))
        session["used"] = self.clock.now()

    def _config(self, call: Call) -> Reply:
        return Reply(200, {"aisVersion": "EnterpriseOne 9.2.8.0", "defaultEnvironment": self.environment,
                           "defaultRole": "*ALL"})  # fmt: skip

    def _login(self, call: Call) -> Reply:
        body = _object(call)
        if self.password and body.get("password") != self.password:
            return _error(403, "Authorization Failure: invalid credentials")
        self._made += 1
        token, cookie = f"AIS-TOKEN-{self._made}==", f"cookie!{self._made}!2"
        self.sessions[token] = {"device": body.get("deviceName"), "cookie": cookie, "used": self.clock.now()}
        user = {
            "token": token, "langPref": "  ", "locale": "en", "dateFormat": "MDE", "dateSeperator": "/",
            "simpleDateFormat": "MM/dd/yyyy", "decimalFormat": self.decimals, "addressNumber": 0,
            "alphaName": "Hub Service", "appsRelease": "E920", "country": " ", "username": str(body.get("username")),
        }  # fmt: skip
        told = {
            "username": str(body.get("username")), "environment": self.environment, "role": str(body.get("role")),
            "jasserver": "http://jas.example.com:7020", "userInfo": user, "userAuthorized": False, "version": None,
            "poStringJSON": None, "altPoStringJSON": None, "aisSessionCookie": cookie, "adminAuthorized": False,
            "passwordAboutToExpire": False, "deprecated": True,
        }  # fmt: skip
        return Reply(200, told, {"set-cookie": f"aisSessionCookie={cookie}; Path=/jderest; HttpOnly"})

    def _logout(self, call: Call) -> Reply:
        self.sessions.pop(str(_object(call).get("token")), None)
        return Reply(200, {})

    def _discover(self, call: Call) -> Reply:
        return Reply(200, {"orchestrations": [
            {"name": name, "description": name, "inputFormat": FORMS[self.form], "containsContinueOnError": False,
             "inputs": [{"name": one, "type": "Array" if one in _LISTS else "String"} for one in inputs]}
            for name, (inputs, _) in self.site.doing.items() if name not in self.hides
        ]})  # fmt: skip

    def _catalogue(self, call: Call) -> Reply:
        names = [quote(name) for name in self.site.doing if name not in self.hides]
        paths = {
            f"/v3/orchestrator/{name}": {"post": {"responses": {"200": {"description": "outputs"}}}} for name in names
        }
        return Reply(200, {"openapi": "3.0.1", "info": {"title": "Orchestrations", "version": "v3"}, "paths": paths})

    def _run(self, call: Call) -> Reply:
        name = unquote(call.params["name"])
        if name not in self.site.doing or name in self.hides:
            return _error(404, f"{name} not found")
        try:
            inputs, began = self._inputs(_object(call)), self.clock.date()
            outputs = self.site.doing[name][1](inputs)
        except Refused as refused:
            error = {"CODE": refused.code, "TITLE": refused.title, "ERRORCONTROL": "1"}
            return _error(500, {name: {"ERRORS": [error]}}, "OrchestrationException")
        moment = began.isoformat(timespec="milliseconds").replace("+00:00", "+0000")
        status = {"jde__status": "SUCCESS", "jde__startTimestamp": moment, "jde__endTimestamp": moment,
                  "jde__serverExecutionSeconds": 0.2, "jde__simpleMessage": f"{name} done"}  # fmt: skip
        return Reply(200, {**outputs, **status})

    def _inputs(self, body: Obj) -> Obj:
        """Inputs by name, lists as lists; in the form that the orchestrations are designed for."""
        if self.form == "generic":
            if "inputs" in body:
                raise Refused("0005", "Inputs are in another format than the orchestration")
            return body
        details = {one["name"]: [_pairs(row["inputs"]) for row in one["repeatingInputs"]]
                   for one in body.get("detailInputs", ())}  # fmt: skip
        return {**_pairs(body.get("inputs", [])), **details}

    # -- tables -------------------------------------------------------------------------------------------------------

    def _browse(self, call: Call) -> Reply:
        body = _object(call)
        table = str(body.get("targetName"))
        if table not in self.site.tables or body.get("dataServiceType") != "BROWSE":
            return _error(500, f"Table {table} cannot be read", "DataServiceException")
        columns = [one.partition(".")[2] for one in str(body.get("returnControlIDs")).split("|")]
        wanted = {one["controlId"].partition(".")[2]: one["value"][0]["content"]
                  for one in body.get("query", {}).get("condition", ())}  # fmt: skip
        rows = [
            {f"{table}_{column}": row.get(column, "") for column in columns} for row in self.site.tables[table]
            if all(str(row.get(column, "")).strip() == value for column, value in wanted.items())
        ]  # fmt: skip
        size = min(int(body.get("maxPageSize") or self.page), self.page)
        return self._page_of(call, table, rows, size)

    def _page_of(self, call: Call, table: str, rows: list[Row], size: int) -> Reply:
        now, later = rows[:size], rows[size:]
        grid = {"titles": {}, "rowset": now, "summary": {"records": len(now), "moreRecords": bool(later)}}
        form = {"title": f"Data Browser - {table}", "data": {"gridData": grid}, "errors": [], "warnings": []}
        told: Obj = {f"fs_DATABROWSE_{table}": form, "stackId": 0, "stateId": 0, "rid": "",
                     "currentApp": f"DATABROWSE_{table}", "timeStamp": MOMENT, "sysErrors": []}  # fmt: skip
        if later:
            id = str(len(self._pages) + 1)
            self._pages[id] = (table, later)
            href = f"http://ais-node-2.internal:9300{_API}/v2/dataservice/next?id={id}&size={size}"
            told["links"] = [{"rel": "next", "href": href}]
        return Reply(200, told)

    def _next_page(self, call: Call) -> Reply:
        table, rows = self._pages[call.query["id"]]
        return self._page_of(call, table, rows, int(call.query["size"]))


def _pairs(told: list[Obj]) -> Obj:
    return {one["name"]: one["value"] for one in told}


def _object(call: Call) -> Obj:
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(_error(400, "Bad JSON"))
    return body


def _error(status: int, message: Any, exception: str = "") -> Reply:
    name = f"com.oracle.e1.rest.exceptions.{exception}" if exception else ""
    told = {"message": message, "exception": name, "status": "ERROR", "timeStamp": MOMENT}
    return Reply(status, {**told, **({"exceptionId": "E1-1"} if exception else {})})


def _dressed(status: int) -> Reply:
    return _error(
        status, {403: "Authorization Failure", 444: "The token is not valid or has expired"}.get(status, "error")
    )
