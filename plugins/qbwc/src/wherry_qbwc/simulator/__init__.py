"""QuickBooks Desktop's offline stand-in: company files that execute qbXML, and a Web Connector that polls a service.

Its HTTP side is for people and tests only (nobody reaches QuickBooks by HTTP): ``GET /records/Customer``,
``GET /history``, ``POST /qbxml`` and the controls under ``/__sim``. Facts come from Intuit's schemas, status tables and
Web Connector guide; it shares no code with the plugin that it judges.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from starlette.types import ASGIApp
from wherry.simulator import Call, Clock, Reply, Routes, Stage, StandIn

from . import seed
from .adding import Application, NotAdded, application, fetch_support, register
from .calling import Caller, Soap, Unanswered
from .company import Company, Edition, Record
from .computer import Computer
from .connector import OWNER, Outcome, WebConnector
from .journals import Journals
from .kinds import LISTS, SALES, TXNS
from .lists import Lists
from .mishaps import Mishaps
from .refusals import HResult, Status
from .sales import Sales
from .values import Obj

__all__ = [
    "Application",
    "Computer",
    "HResult",
    "NotAdded",
    "Outcome",
    "QbwcSimulator",
    "Status",
    "Unanswered",
    "WebConnector",
]

SELDOM = 3600.0
"""Seconds between the sessions of an application whose file has no scheduler."""
FILES = (("Rock Castle Construction", r"C:\QB\Rock Castle.QBW"), ("Larry's Landscaping", r"C:\QB\Landscaping.QBW"))


class QbwcSimulator(StandIn):
    """A computer with QuickBooks of one `edition`, on it the company `files` (name, path), the first of them open.

    `sample` enters a few customers and items in the first. `file_id` is the FileID that a .QWC file of `owner` left in
    it.
    """

    system = "qbwc"

    def __init__(
        self, *, clock: Clock | None = None, edition: Edition = "premier", multicurrency: bool = False,
        sales_tax: bool = False, sample: bool = True, files: Sequence[tuple[str, str]] = FILES, owner: str = OWNER,
        file_id: str = "",
    ) -> None:  # fmt: skip
        controls: dict[str, Callable[[Any], Any]] = {
            "mishaps": self._control_mishaps,
            "closing": self._control_closing,
            "enter": lambda body: self.enter(body["kind"], **body["body"]),
            "change": lambda body: self.change(body["id"], **body["body"]),
            "remove": lambda body: self.remove(body["id"]),
            "files": self._control_files,
            "session": self._control_session,
            "sessions": lambda _: [self._shown(one) for one in self._connected().outcomes],
        }
        super().__init__(Stage(clock, controls=controls, acts=("session",)))
        made = [Company(self.stage, name=name, path=path, edition=edition, multicurrency=multicurrency,
                        sales_tax=sales_tax)
                for name, path in files]  # fmt: skip
        for one in made:
            seed.base(one)
        if sample:
            seed.sample(made[0])
        if file_id:
            made[0].extras[owner] = {"FileID": file_id}
        self.computer, self.owner = Computer(made), owner
        self.connector: WebConnector | None = None
        self._routes = Routes([
            ("GET", "/", lambda _: Reply(200, self._summary())),
            ("GET", "/history", lambda _: Reply(200, [one.as_dict() for one in self.history.entries])),
            ("GET", "/records/{kind}", lambda call: Reply(200, self.records(call.params["kind"]))),
            ("POST", "/qbxml", self._qbxml),
        ])  # fmt: skip

    @property
    def mishaps(self) -> Mishaps:
        """What will go wrong at the computer; `faults` are those of the control API."""
        return self.computer.mishaps

    def app(self) -> ASGIApp:
        """The ASGI application of the control API; with a Connector, its sessions begin with it."""
        if self.connector is not None:
            threading.Thread(target=self.connector.run, daemon=True, name="web-connector").start()
        return super().app()

    def connect(
        self, url: str, user: str, password: str, *, soap: Soap = "1.1", http: httpx.Client | None = None, **told: Any
    ) -> WebConnector:
        """The Web Connector of this computer, for the service at `url`; `told` are options of `WebConnector`."""
        caller = Caller(url, soap=soap, http=http)
        self.connector = WebConnector(self.computer, caller, user, password, **{"owner": self.owner, **told})
        return self.connector

    def add_application(
        self, qwc: str, password: str, *, soap: Soap = "1.1", http: httpx.Client | None = None, **told: Any
    ) -> WebConnector:
        """The Web Connector of a .QWC file, which leaves its FileID in the open company file. Raises NotAdded."""
        one = application(qwc)
        with self.stage.lock:
            register(one, self.company(self.computer.open))
        made = self.connect(one.url, one.user, password, soap=soap, http=http,
                            **{"owner": one.owner, "interval": one.interval or SELDOM, **told})  # fmt: skip
        fetch_support(one, made.caller.http)
        return made

    # What a person does at the computer

    def company(self, path: str = "") -> Company:
        """A company file; the first without a path."""
        return self.computer.companies[path or next(iter(self.computer.companies))]

    def records(self, kind: str, path: str = "") -> list[Obj]:
        """Everything of a kind in a company file (the first), as plain data. Raises KeyError for an unknown kind."""
        if kind not in (*LISTS, *TXNS):
            raise KeyError(kind)
        with self.stage.lock:
            company = self.company(path)
            return [company.told(one) for one in company.of(kind)]

    def enter(self, kind: str, /, path: str = "", **body: Any) -> str:
        """Enter something by hand, under the same rules; its id. Raises Status.

        `body` is that of the kind's Add request; lines of a sale are under ``SalesOrderLineAdd`` and the like.
        """
        with self.stage.lock:
            company = self.company(path)
            if kind == "JournalEntry":
                return Journals(company, {"by": "person"}).add(body).id
            books = Sales(company, {"by": "person"}) if kind in SALES else Lists(company, {"by": "person"})
            return books.add(kind, body).id

    def change(self, id: str, /, path: str = "", **body: Any) -> None:
        """Change something by hand. Raises Status."""
        with self.stage.lock:
            company, by = self.company(path), {"by": "person"}
            record = company.needed(id)
            told = {"TxnID" if record.kind in TXNS else "ListID": id, "EditSequence": str(record.edit), **body}
            self._changed(company, record, told, by)

    def remove(self, id: str, path: str = "") -> None:
        """Delete something by hand. Raises Status."""
        with self.stage.lock:
            self.company(path).remove(self.company(path).needed(id), by="person")

    def execute(self, qbxml: str) -> str:
        """The open company file's response to a message set, in a session of its own. Raises HResult."""
        return self.computer.begin().execute(qbxml)

    def _changed(self, company: Company, record: Record, told: Obj, by: Obj) -> None:
        if record.kind == "JournalEntry":
            Journals(company, by).change(told)
        elif record.kind in SALES:
            Sales(company, by).change(record.kind, told)
        else:
            Lists(company, by).change(record.kind, told)

    # The control API

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler is None:
            return Reply(404, {"error": "no such page", "see": "GET /"})
        try:
            return handler(call)
        except KeyError as unknown:
            return Reply(404, {"error": f"there is no {unknown}"})

    def _qbxml(self, call: Call) -> Reply:
        try:
            told = self.computer.begin().execute(call.body.decode(errors="replace"))
        except HResult as wrong:
            return Reply(400, {"hresult": wrong.code, "message": wrong.message})
        return Reply(200, told, {"content-type": "application/xml; charset=utf-8"})

    def _summary(self) -> Obj:
        counts = {one.path: {kind: len(list(one.of(kind))) for kind in (*LISTS, *TXNS) if any(one.of(kind))}
                  for one in self.computer.companies.values()}  # fmt: skip
        sessions = len(self.connector.outcomes) if self.connector else None
        return {"open": self.computer.open, "files": counts, "mishaps": len(self.mishaps), "sessions": sessions,
                "records": "GET /records/Customer", "qbxml": "POST /qbxml", "controls": "/__sim/…"}  # fmt: skip

    def _control_mishaps(self, body: Any) -> dict[str, int]:
        """One mishap or a list of them; GET shows how many wait, an empty list forgets them."""
        if body == []:
            self.mishaps.clear()
        for one in body if isinstance(body, list) else [body] if body else []:
            self.mishaps.add(**one)
        return {"waiting": len(self.mishaps)}

    def _control_closing(self, body: Any) -> str:
        """``{"until": date}`` closes the books of the first file up to a date, "" opens them."""
        if body is not None:
            self.company().closing = str(body["until"])
        return self.company().closing

    def _control_files(self, body: Any) -> Obj:
        """``{"open": path}`` opens another file, "" closes QuickBooks; GET tells which there are."""
        if body:
            if body["open"] and body["open"] not in self.computer.companies:
                raise ValueError(f"there is no file {body['open']}")
            self.computer.open = body["open"]
        return {"open": self.computer.open, "files": list(self.computer.companies)}

    def _control_session(self, _: Any) -> dict[str, bool]:
        """Begin a session now; ``sessions`` tells how it ended. The control API waits for none."""
        connector = self._connected()
        if connector.busy:
            raise ValueError("a session is under way")
        threading.Thread(target=connector.session, daemon=True, name="web-connector-once").start()
        return {"begun": True}

    def _connected(self) -> WebConnector:
        if self.connector is None:
            raise ValueError("no Connector: start the stand-in with url, user and password")
        return self.connector

    def _shown(self, one: Outcome) -> Obj:
        return {"how": one.how, "status": one.status, "exchanges": one.exchanges, "percents": one.percents}
