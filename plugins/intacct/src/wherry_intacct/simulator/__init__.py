"""Sage Intacct's offline stand-in: a company in memory behind the XML gateway, its sessions, statuses and functions.

It keeps books: what is posted goes to accounts, and balances can be asked for. Facts: contracts/intacct.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree
from msgspec import Struct
from wherry.errors import TryAgain
from wherry.simulator import Call, Clock, Reply, Stage, StandIn

from ..envelope import THROTTLED
from ..xml import element, parsed, written
from .asked import Question, Row, older
from .orders import Orders
from .shapes import Obj, Refused, controlled

__all__ = ["IntacctSimulator", "Login", "Refused"]

LIFE = 7200.0
"""Seconds that a session lives without a call."""
CELL = "/na12/ia/xml/xmlgw.phtml"
"""The path of a session's endpoint, which is another one than that of signing in."""
_TYPE = {"content-type": "application/xml; charset=utf-8"}
_ALREADY = "A function with this control ID was completed before: the controlid must be unique."


class Login(Struct, frozen=True):
    """Who is let in."""

    sender: str
    sender_password: str
    user: str
    password: str


class IntacctSimulator(StandIn):
    """One company. Without ``login`` everybody is let in.

    ``entities`` are location IDs: a company without any has one. ``currencies`` begin with the base one.
    """

    system = "intacct"

    def __init__(
        self, *, clock: Clock | None = None, company: str = "acme-sandbox", entities: Sequence[str] = (),
        currencies: Sequence[str] = ("USD",), login: Login | None = None,
    ) -> None:  # fmt: skip
        super().__init__(Stage(clock, _dressed, {"close": self._close}))
        self.company = Orders(self.stage, company, entities, currencies)
        self.login = login
        self.sessions: dict[str, list[Any]] = {}
        """Session → entity, and until when it lives."""
        self.completed: set[str] = set()
        """The control IDs of functions that were carried out and must be unique."""
        self._results: dict[str, tuple[list[Row], list[str]]] = {}

    # What a test does behind the gateway's back

    def make(self, function: Obj) -> str:
        """What a person enters in the browser: the same rules; the key of the record. Raises Refused."""
        with self.stage.lock:
            self.company.cause = ""
            [(name, body)] = function.items()
            done = self._carried(name, body if isinstance(body, dict) else {})
            row: Row = next(
                (one for rows in done.get("data", {}).values() for one in rows if isinstance(rows, list)), {}
            )
            return str(done.get("key") or row.get("CUSTOMERID") or row.get("RECORDNO"))

    def _close(self, body: Any) -> None:
        """``{"until": date}`` closes the books up to a day."""
        self.company.closed = body["until"]

    def forget(self) -> None:
        """Every session ends."""
        self.sessions.clear()

    # Answering

    def answer(self, call: Call) -> Reply:
        if not call.path.endswith("/xmlgw.phtml"):
            return _dressed(404)
        if call.method != "POST":
            return _dressed(405)
        try:
            root = parsed(call.body)
        except TryAgain as error:
            return _failed("control", _error("XL03000003", f"XML Parse schema error: {error.message}"), {})
        request = obj_of(root)
        told = request.get("control") if root.tag == "request" and isinstance(request, dict) else None
        operation = request.get("operation") if isinstance(request, dict) else None
        if not isinstance(told, dict) or not isinstance(operation, dict) or not controlled(told):
            return _failed("control", _error("XL03000003", "XML Parse schema error: no request."), {})
        return self._controlled(call, told, operation)

    def _controlled(self, call: Call, told: Obj, operation: Obj) -> Reply:
        control = {name: told.get(name, "") for name in ("senderid", "controlid", "uniqueid", "dtdversion")}
        login = self.login
        if login and (told.get("senderid"), told.get("password")) != (login.sender, login.sender_password):
            return _failed("control", _error("XL03000006", "Incorrect Intacct XML Partner ID or password."), control)
        session = self._session(call, operation.get("authentication"))
        if session is None:
            words = "Sign-in information is incorrect. Please check your request."
            return _failed("authentication", _error("XL03000006", words), control, self._whose("", "failure"))
        self.company.entity = session
        results = self._operated(call, operation, told.get("uniqueid", "true") == "true")
        whose = self._whose(session, "success")
        return _reply({"control": {"status": "success", **control},
                       "operation": {"authentication": whose, "result": results}})  # fmt: skip

    def _whose(self, entity: str, status: str) -> Obj:
        now = self.clock.date().replace(microsecond=0)
        at = {"sessiontimestamp": now.isoformat(), "sessiontimeout": (now + dt.timedelta(seconds=LIFE)).isoformat()}
        head = {"status": status, "userid": self.login.user if self.login else "xml_gateway",
                "companyid": self.company.id}  # fmt: skip
        return {**head, "locationid": entity, **at} if status == "success" else head

    def _session(self, call: Call, told: Any) -> str | None:
        """The entity of whoever is let in; None for others."""
        told = told if isinstance(told, dict) else {}
        if isinstance(told.get("login"), dict):
            return self._logged_in(told["login"])
        held = self.sessions.get(str(told.get("sessionid", "")))
        if held is None or held[1] < self.clock.now() or not call.path.endswith(CELL):
            return None
        held[1] = self.clock.now() + LIFE
        return str(held[0])

    def _logged_in(self, told: Obj) -> str | None:
        entity, login = str(told.get("locationid") or ""), self.login
        if login and (told.get("userid"), told.get("password")) != (login.user, login.password):
            return None
        right = told.get("companyid") == self.company.id and (not entity or entity in self.company.entities)
        return entity if right and told.get("userid") and told.get("password") else None

    # Functions

    def _operated(self, call: Call, operation: Obj, unique: bool) -> list[Obj]:
        content = operation.get("content")
        told = content.get("function", []) if isinstance(content, dict) else []
        functions = [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict)]
        whole = operation.get("@transaction") == "true"
        before = (copy.deepcopy(self.company.tables), set(self.completed)) if whole else None
        alone = len(functions) == 1
        results = [self._function(call, one, unique, alone) for one in functions]
        if before is not None and any(one["status"] != "success" for one in results):
            self.company.tables, self.completed = before
            words = "The entire transaction in this operation has been rolled back due to an error."
            for one in results:
                if one["status"] == "success":
                    for name in ("key", "data"):
                        one.pop(name, None)
                    one |= {"status": "aborted", "errormessage": {"error": _error("XL03000009", words)}}
        return results

    def _function(self, call: Call, function: Obj, unique: bool, alone: bool) -> Obj:
        id = str(function.get("@controlid", ""))
        [(name, body)] = [pair for pair in function.items() if not pair[0].startswith("@")] or [("", {})]
        head = {"status": "success", "function": name, "controlid": id}
        try:
            if unique and id in self.completed:
                raise Refused(_ALREADY)
            if name == "getAPISession" and not alone:
                raise Refused("getAPISession stands alone in its request.", "XL03000003")
            self.company.cause = id
            done = self._carried(name, body if isinstance(body, dict) else {}, call)
        except Refused as refused:
            trace = hashlib.sha256(f"{id}{refused.text}".encode()).hexdigest()[:8]
            words = _error(refused.number, f"{refused.text} [Support ID: {trace}]", refused.correction)
            return {**head, "status": "failure", "errormessage": {"error": words}}
        if unique:
            self.completed.add(id)
        return {**head, **done}

    def _carried(self, name: str, body: Obj, call: Call | None = None) -> Obj:
        """What is answered for a function. Raises Refused."""
        company = self.company
        if name in ("create", "update"):
            [(object, record)] = body.items() if len(body) == 1 else [("", {})]
            work = company.create if name == "create" else company.update
            row = work(object, record if isinstance(record, dict) else {})
            return {"data": {"@listtype": "objects", "@count": "1", object.lower(): [row]}}
        if name == "getAPISession":
            return self._opened(call)
        if name in ("query", "readByQuery", "readMore", "get_accountbalancesbydimensions"):
            return {"data": self._asked(name, body)}
        return {"key": self._legacy(name, body)}

    def _legacy(self, name: str, body: Obj) -> str:
        company = self.company
        works: dict[str, Callable[[], str]] = {
            **{one: (lambda: company.receivable(name, body)) for one in (
                "create_invoice", "update_invoice", "create_aradjustment", "update_aradjustment")},
            **{one: (lambda: company.order(name, body)) for one in ("create_sotransaction", "update_sotransaction")},
            "reverse_invoice": lambda: company.reverse(body),
        }  # fmt: skip
        if name not in works:
            raise Refused(f"Function {name[:40]} is not known.", "XL03000003")
        return works[name]()

    def _opened(self, call: Call | None) -> Obj:
        id = hashlib.sha256(f"{len(self.sessions)} {self.clock.now()}".encode()).hexdigest()[:32]
        self.sessions[id] = [self.company.entity, self.clock.now() + LIFE]
        path = call.path.replace("/ia/xml/xmlgw.phtml", CELL) if call and not call.path.endswith(CELL) else CELL
        endpoint = (call.base if call else "") + path
        return {"data": {"api": {"sessionid": id, "endpoint": endpoint, "locationid": self.company.entity}}}

    def _asked(self, name: str, body: Obj) -> Obj:
        if name == "get_accountbalancesbydimensions":
            return {"accountbalance": list(self.company.balances(body))}
        if name == "query":
            asked = Question(body)
            rows = asked.rows(self.company.tables[asked.object].values())
            page = rows[asked.offset : asked.offset + asked.size]
            left = max(0, len(rows) - asked.offset - len(page))
            counts = {"totalcount": len(rows), "offset": asked.offset, "count": len(page), "numremaining": left}
            return {"@listtype": asked.object, **_attributes(counts), asked.object: page}
        return self._older(name, body)

    def _older(self, name: str, body: Obj) -> Obj:
        """``readByQuery``, and ``readMore`` of what it left."""
        if name == "readByQuery":
            object, fields, matches, size = older(body)
            told = [one for one in self.company.tables[object].values() if matches(one)]
            found, total, id = [{one: row.get(one, "") for one in fields} for row in told], len(told), ""
        else:
            id = str(body.get("resultId", ""))
            if id not in self._results:
                raise Refused("There is no such result.", "readMore failed")
            found, (object, pages, count) = self._results.pop(id)
            size, total = int(pages), int(count)
        page, rest = found[:size], found[size:]
        id = (id or f"{total}{object}{len(self._results)}") if rest else ""
        if rest:
            self._results[id] = (rest, [object, str(size), str(total)])
        counts = {"count": len(page), "totalcount": total, "numremaining": len(rest)}
        return {"@listtype": object.lower(), **_attributes(counts), "@resultId": id, object.lower(): page}


def obj_of(node: etree._Element) -> Any:
    """An element as plain content: text, or its elements by name; several of one name are a list."""
    made: Obj = {"@" + str(name): str(value) for name, value in node.attrib.items()}
    for one in node:
        name, value = str(one.tag), obj_of(one)
        if name in made:
            made[name] = [*(made[name] if isinstance(made[name], list) else [made[name]]), value]
        else:
            made[name] = value
    return made if made else (node.text or "").strip()


def _attributes(counts: dict[str, int]) -> Obj:
    return {f"@{name}": str(count) for name, count in counts.items()}


def _error(number: str, text: str, correction: str = "") -> Obj:
    return {"errorno": number, "description": "", "description2": text, "correction": correction}


def _failed(level: str, error: Obj, control: Obj, whose: Obj | None = None) -> Reply:
    words = {"errormessage": {"error": error}}
    if level == "control":
        return _reply({"control": {"status": "failure", **control}, **words})
    return _reply({"control": {"status": "success", **control}, "operation": {"authentication": whose, **words}})


def _reply(content: Obj, status: int = 200) -> Reply:
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + written(element("response", content))
    return Reply(status, body, dict(_TYPE))


def _dressed(status: int) -> Reply:
    number = THROTTLED if status == 429 else "GW-0011"
    words = "Rate limit reached" if status == 429 else f"Invalid Request: {status}"
    error = {"errorno": number, "description": f"{words} [Request ID: r1]"}
    return _reply({"control": {"status": "failure"}, "errormessage": {"error": error}}, status)
