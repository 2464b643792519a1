"""QuickBooks Online's offline stand-in: companies in memory behind the paths, rules, limits and faults of the API.

It keeps books: every transaction books to accounts, and the trial balance adds up. Facts come from Intuit's API
reference and schemas; the modules name theirs.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import httpx
from wherry.simulator import Call, Clock, Handler, Refusal, Reply, Routes, Stage, StandIn

from . import batches, oauth, query
from .answers import QboFault, answer, dressed, faulty, too_many, unauthorized
from .batches import Mishaps
from .books import Books, without_id
from .changes import since
from .company import Chart, Company, Tax
from .gate import Gate, Limits
from .kinds import BY_PATH, KINDS, Kind
from .oauth import OAuth, OAuthApp
from .replays import Replays
from .reports import general_ledger, trial_balance
from .values import Obj, decoded, stamp_ms
from .webhooks import delivery
from .xml import rendered

__all__ = ["OAuthApp", "QboFault", "QuickBooksSimulator"]

REALM = "9130347596842384"
_COMPANY = "/v3/company/{realm}"


class QuickBooksSimulator(StandIn):
    """Companies, one for each of `companies`, all with the same `tax`, `currency`, `multicurrency` and `chart`: a
    `small` one without numbers, or a `full` one.

    Without `oauth` and `tokens` any bearer, client and unknown refresh token is let in; tokens given out still expire.
    `retention` is how many seconds a `requestid` is remembered, None for ever.
    """

    system = "quickbooks"

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        tax: Tax = "none",
        currency: str = "USD",
        multicurrency: bool = False,
        limits: str = "real",
        companies: Sequence[str] = (REALM,),
        oauth: OAuthApp | None = None,
        tokens: Collection[str] | None = None,
        retention: float | None = None,
        timezone: str = "America/Los_Angeles",
        chart: Chart = "small",
    ) -> None:
        controls: dict[str, Callable[[Any], Any]] = {
            "limits": self._control_limits,
            "settings": self._control_settings,
            "close": self._control_close,
            "companies": lambda _: list(self.companies),
        }
        super().__init__(Stage(clock, self._dressed, controls))
        options: dict[str, Any] = {"currency": currency, "multicurrency": multicurrency, "timezone": timezone,
                                   "chart": chart}  # fmt: skip
        self.companies = {realm: Company(self.stage, realm, tax=tax, **options) for realm in companies}
        house_open = oauth is None and tokens is None
        self.oauth = OAuth(self.stage, oauth or OAuthApp(), tuple(companies), house_open)
        self.gate, self.limits = Gate(tokens, self.oauth), Limits(self.stage.clock, limits)
        self.replays, self.mishaps = Replays(self.stage.clock, retention), Mishaps()
        self._announced: dict[str, int] = {}
        self._open, self._closed = Routes(self._open_rows()), Routes(self._rows())

    # What a test does behind the API's back

    def company(self, realm: str = "") -> Company:
        """A company; the first without a realm."""
        return self.companies[realm or next(iter(self.companies))]

    def objects(self, kind: str, realm: str = "") -> list[Obj]:
        """All objects of an entity as they would be shown, inactive ones too."""
        company = self.company(realm)
        with self.stage.lock:
            return [company.shown(kind, body) for body in company.objects[kind].values()]

    def write(self, kind: str, body: Obj, operation: str = "create", realm: str = "") -> Obj:
        """Do what a person does in the browser: the same rules, no token, no limit. Raises QboFault."""
        with self.stage.lock:
            return Books(self.company(realm)).write(KINDS[kind], operation, decoded_like(body))

    def close_books(self, until: str, code: str = "6200", realm: str = "") -> None:
        """Close the books up to a date, "" to open them; `code` 6210 asks for a password, 5010 looks like staleness."""
        company = self.company(realm)
        with self.stage.lock:
            old = company.preferences
            prefs = {n: v for n, v in old["AccountingInfoPrefs"].items() if n != "BookCloseDate"}
            told = {"BookCloseDate": until} if until else {}
            company.put("Preferences", {**old, "AccountingInfoPrefs": {**prefs, **told}}, "Update")
            company.closed_code = code

    def webhook(self, verifier: str, shape: str = "legacy") -> tuple[bytes, dict[str, str]]:
        """Body and headers of a delivery with all changes since the last one, in `shape` legacy or cloudevents."""
        with self.stage.lock:
            seen = {realm: self._announced.get(realm, 0) for realm in self.companies}
            news = {realm: self.companies[realm].changes[start:] for realm, start in seen.items()}
            self._announced = {realm: len(company.changes) for realm, company in self.companies.items()}
        return delivery({realm: changes for realm, changes in news.items() if changes}, shape, verifier)

    def send_webhook(self, url: str, verifier: str, shape: str = "legacy") -> int:
        """Deliver the changes since the last delivery to an address; the status it answers."""
        body, headers = self.webhook(verifier, shape)
        return httpx.post(url, content=body, headers=headers, timeout=10).status_code

    # Controls under /__sim

    def _control_limits(self, body: Any) -> dict[str, bool]:
        """``{"limits": "real" | "none"}``; GET tells which holds."""
        if body:
            self.limits.real = body["limits"] == "real"
        return {"real": self.limits.real}

    def _control_settings(self, body: Any) -> dict[str, Any]:
        """Any of lying, retention, sticky (a number), warn_duplicates, stop_batch_after."""
        told = body or {}
        self.replays.lying = told.get("lying", self.replays.lying)
        self.replays.retention = told.get("retention", self.replays.retention)
        self.mishaps.stop_after = told.get("stop_batch_after", self.mishaps.stop_after)
        if told.get("sticky"):
            self.replays.stick(int(told["sticky"]), committed=bool(told.get("committed")))
        for company in self.companies.values():
            company.warn_duplicates = told.get("warn_duplicates", company.warn_duplicates)
        return {"lying": self.replays.lying, "retention": self.replays.retention}

    def _control_close(self, body: Any) -> None:
        """``{"until": date, "code": "6200"}`` closes the books."""
        self.close_books(body["until"], body.get("code", "6200"), body.get("realm", ""))

    # Answering

    def answer(self, call: Call) -> Reply:
        if handler := self._open.find(call):
            return handler(call)
        handler = self._closed.find(call)
        if handler is None:
            raise Refusal(faulty(QboFault("500", f"There is no {call.method} {call.path}", status=404), self._time()))
        realm = call.params["realm"]
        self.gate.admit(call, realm)
        if realm not in self.companies:
            raise unauthorized(self.clock.now_ms(), "No such company", 403)
        if not self.limits.admit(realm, batch=call.path.endswith("/batch")):
            return too_many(self._time())
        return self._spoken(call, self._judged(call, handler))

    def _judged(self, call: Call, handler: Handler) -> Reply:
        try:
            return handler(call)
        except QboFault as fault:
            return faulty(fault, self._time())

    def _spoken(self, call: Call, reply: Reply) -> Reply:
        """Who does not ask for JSON is answered in XML."""
        if "json" in call.headers.get("accept", ""):
            return reply
        headers = {**reply.headers, "content-type": "application/xml;charset=UTF-8"}
        return Reply(reply.status, rendered(decoded(reply.body)), headers)

    def _dressed(self, status: int) -> Reply:
        return dressed(status, self.clock.now_ms(), self._time())

    def _time(self) -> str:
        return stamp_ms(self.clock.now_ms())

    def _good(self, body: Obj) -> Reply:
        return answer({**body, "time": self._time()})

    # Handlers

    def _write(self, call: Call) -> Reply:
        kind, requestid = _kind(call), call.query.get("requestid", "")
        operation = call.query.get("operation", "create")
        include = call.query.get("include", "")
        operation = "void" if include == "void" else operation
        books = Books(self._company(call))

        def act() -> Reply:
            try:
                allow = include == "allowduplicatedocnum"
                made = books.write(kind, operation, _body(call), requestid=requestid, allow_duplicate=allow)
                return self._good({kind.name: made})
            except QboFault as fault:
                return faulty(fault, self._time())

        return self.replays.once(call.params["realm"], requestid, act, lambda: self._dressed(500))

    def _read(self, call: Call) -> Reply:
        kind, company = _kind(call), self._company(call)
        # A company's information is addressed by its realm.
        key = "1" if kind.name == "CompanyInfo" else call.params["id"]
        return self._good({kind.name: company.shown(kind.name, company.needed(kind.name, key))})

    def _read_single(self, call: Call) -> Reply:
        kind, company = _kind(call), self._company(call)
        if kind.name == "ExchangeRate":
            found = company.needed(kind.name, call.query.get("sourcecurrencycode", ""))
            return self._good({kind.name: without_id(found)})
        if kind.name != "Preferences":
            raise QboFault("500", f"{kind.name} needs an id")
        return self._good({kind.name: company.preferences})

    def _query(self, call: Call) -> Reply:
        text = call.query.get("query", "") if call.method == "GET" else call.body.decode(errors="replace")
        return self._good({"QueryResponse": query.run(self._company(call), query.read(text))})

    def _cdc(self, call: Call) -> Reply:
        told = since(self._company(call), call.query.get("entities", ""), call.query.get("changedSince", ""))
        return self._good({"CDCResponse": [told]})

    def _batch(self, call: Call) -> Reply:
        realm, requestid = call.params["realm"], call.query.get("requestid", "")
        return self.replays.once(realm, requestid, lambda: self._batched(call), lambda: self._dressed(500))

    def _batched(self, call: Call) -> Reply:
        company = self._company(call)
        books = Books(company)

        def write(kind: Kind, operation: str, body: Obj, requestid: str, allow: bool) -> Obj:
            def act() -> Reply:
                return Reply(200, books.write(kind, operation, body, requestid=requestid, allow_duplicate=allow))

            made: Obj = self.replays.once(company.realm, requestid, act, _item_failed).body
            return made

        try:
            items = batches.run(_body(call), write, lambda text: query.run(company, query.read(text)), self.mishaps)
        except batches.Stopped:
            return self._dressed(504)
        except QboFault as fault:
            return faulty(fault, self._time())
        return self._good({"BatchItemResponse": items})

    def _report(self, call: Call) -> Reply:
        company, name = self._company(call), call.params["name"]
        end = call.query.get("end_date") or company.today
        start = call.query.get("start_date") or f"{end[:4]}-01-01"
        if name.lower() == "trialbalance":
            return answer(trial_balance(company, start, end))
        if name.lower() == "generalledger":
            some = (call.query.get(word, "") for word in ("account", "columns"))
            return answer(general_ledger(company, start, end, *some))
        raise QboFault("5030", f"The report {name} is not supported here")

    def _company(self, call: Call) -> Company:
        return self.companies[call.params["realm"]]

    def _open_rows(self) -> list[tuple[str, str, Handler]]:
        """Routes that need no bearer and count towards no limit."""
        return [
            ("GET", "/.well-known/openid_configuration", self.oauth.discovery),
            ("GET", oauth.CONSENT_PATH, self.oauth.consent),
            ("POST", oauth.TOKEN_PATH, self.oauth.token),
            ("POST", oauth.REVOKE_PATH, self.oauth.revoke),
            ("GET", oauth.USER_PATH, self.oauth.userinfo),
        ]

    def _rows(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", f"{_COMPANY}/query", self._query),
            ("POST", f"{_COMPANY}/query", self._query),
            ("GET", f"{_COMPANY}/cdc", self._cdc),
            ("POST", f"{_COMPANY}/batch", self._batch),
            ("GET", f"{_COMPANY}/reports/{{name}}", self._report),
            ("GET", f"{_COMPANY}/{{entity}}", self._read_single),
            ("POST", f"{_COMPANY}/{{entity}}", self._write),
            ("GET", f"{_COMPANY}/{{entity}}/{{id}}", self._read),
        ]


def decoded_like(body: Obj) -> Any:
    """A body as it would arrive: every number a Decimal."""
    from .values import encoded

    return decoded(encoded(body))


def _kind(call: Call) -> Kind:
    kind = BY_PATH.get(call.params["entity"].lower())
    if kind is None:
        raise QboFault("2000", f"Object name {call.params['entity']} is not known", status=404)
    return kind


def _body(call: Call) -> Any:
    try:
        return decoded(call.body)
    except ValueError:
        raise QboFault("2010", "The body is no JSON") from None


def _item_failed() -> Reply:
    raise QboFault("10000", kind="SystemFault")
