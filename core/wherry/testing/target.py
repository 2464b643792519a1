"""A made-up accounting system for tests of sinks: one small API that can recognise repeated calls in four ways.

``key`` honours an Idempotency-Key for a while, ``upsert`` writes by our own external id, ``query`` can be searched by
our stamp once its index has caught up, ``none`` can do nothing of the kind (write-protocol.md, section 3.1). Whatever
changes its books is an effect in a history that only grows, with company, id, stamp, total and the like in its detail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args
from urllib.parse import unquote

import msgspec

from wherry.money import parse
from wherry.simulator import Call, Clock, Refusal, Reply, Routes, Stage, StandIn

Ability = Literal["key", "upsert", "query", "none"]
ABILITIES: tuple[Ability, ...] = get_args(Ability)
RETENTION, LAG = 3600.0, 30.0
"""Seconds for which a key is remembered, and for which a search does not show what was just written."""
LONGEST = 40
KINDS = ("customer", "product", "invoice")
MOST = 30
Thing = dict[str, Any]


class Operation(msgspec.Struct, kw_only=True):
    """One write: as a call of its own, or as one of a batch."""

    op: Literal["create", "update", "void", "post", "upsert"]
    key: str = ""
    id: str = ""
    version: str = ""
    thing: Thing = {}


class Batch(msgspec.Struct):
    operations: list[Operation]


def refuse(status: int, code: str, message: str, field: str = "") -> Refusal:
    """An error as this system words it."""
    return Refusal(Reply(status, {"error": {"code": code, "message": message, "field": field}}))


class Target(StandIn):
    """Companies behind one credential; ``reach`` says which of them it opens. State in memory, time by its clock."""

    system = "kit-target"

    def __init__(
        self, ability: Ability = "query", *, clock: Clock | None = None, retention: float = RETENTION,
        lag: float = LAG, company: str = "T-1", tokens: Mapping[str, str] | None = None, posted: bool = False,
        drafts: bool = False,
    ) -> None:  # fmt: skip
        """``tokens`` open companies of their own; every other token opens the one of ``company`` or ``reach``.
        ``posted``: an invoice that is posted can only be voided. ``drafts``: it is a draft until a second call posts
        it."""
        if ability not in ABILITIES:
            raise ValueError(f"unknown ability {ability!r}; known: {', '.join(ABILITIES)}")
        super().__init__(Stage(clock, lambda status: refuse(status, "out-of-order", "something went wrong").reply))
        self.ability, self.retention, self.lag, self.posted = ability, retention, lag, posted
        self.drafts = drafts
        self.company, self._reached, self._tokens = company, company, dict(tokens or {})
        self.muddled = False
        """Batches answer in the opposite order, and leave out the answer to what they did first."""
        self.things: dict[str, Thing] = {}
        self._replies: dict[str, tuple[float, bytes, Reply]] = {}
        self._routes = Routes(
            [
                ("GET", "/company", self._company),
                ("GET", "/things", self._search),
                ("POST", "/things", lambda call: self._single(call, "create")),
                ("PUT", "/things/{id}", lambda call: self._single(call, "update")),
                ("PUT", "/things", lambda call: self._single(call, "upsert")),
                ("POST", "/things/{id}/void", lambda call: self._single(call, "void")),
                ("POST", "/things/{id}/post", lambda call: self._single(call, "post")),
                ("POST", "/batch", self._batch),
            ]
        )

    # -- what people do in the browser --------------------------------------------------------------------------------

    def enter(self, kind: str, **fields: Any) -> str:
        """A person enters a thing; its id."""
        with self.stage.lock:
            return str(self._put(None, {"kind": kind, **fields}, "entered")["id"])

    def edit(self, id: str, **fields: Any) -> None:
        """A person changes fields of a thing."""
        with self.stage.lock:
            self._put(self.things[id], {**self.things[id], **fields}, "edited")

    def reach(self, company: str) -> None:
        """From now on the credential opens another company."""
        self.company = self._reached = company

    # -- routes -------------------------------------------------------------------------------------------------------

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler is None:
            return Reply(404, {"error": {"code": "no-route", "message": f"there is no {call.path}", "field": ""}})
        if call.bearer is None:
            return Reply(401, {"error": {"code": "unauthorized", "message": "no bearer token", "field": ""}})
        self.company = self._tokens.get(call.bearer, self._reached)
        return handler(call)

    def _company(self, call: Call) -> Reply:
        return Reply(200, {"id": self.company, "name": f"Company {self.company}"})

    def _search(self, call: Call) -> Reply:
        """Things by any of id, stamp, number and name; all of a kind where nothing is asked for."""
        if self.ability in ("upsert", "none"):
            raise refuse(405, "no-search", "this system cannot be searched")
        wanted = {name: _several(call.query[name]) for name in ("id", "stamp", "number", "name") if name in call.query}
        kind, now = call.query.get("kind", ""), self.stage.clock.now()

        def hit(one: Thing) -> bool:
            asked = wanted if one["indexed"] <= now else {"id": wanted.get("id", frozenset())}
            return not wanted or any(one[name] in values for name, values in asked.items())

        mine = [one for one in self.things.values() if one["company"] == self.company and kind in ("", one["kind"])]
        return Reply(200, {"things": [_shown(one) for one in mine if hit(one)]})

    def _single(self, call: Call, op: Any) -> Reply:
        headers, sent = call.headers, _decoded(call.body, Thing) if call.body else {}
        return self._operate(Operation(
            op=op, key=headers.get("idempotency-key", ""), id=call.params.get("id", ""),
            version=headers.get("if-match", ""), thing=sent,
        ))  # fmt: skip

    def _batch(self, call: Call) -> Reply:
        operations = _decoded(call.body, Batch).operations
        if not 0 < len(operations) <= MOST:
            raise refuse(400, "batch-size", f"a batch holds 1 to {MOST} operations")
        results = []
        for operation in operations:
            try:
                reply = self._operate(operation)
            except Refusal as refusal:
                reply = refusal.reply
            results.append({"key": operation.key, "status": reply.status, **reply.body})
        return Reply(200, {"results": results[:0:-1] if self.muddled else results})

    # -- writing ------------------------------------------------------------------------------------------------------

    def _operate(self, operation: Operation) -> Reply:
        """An operation once; its first answer again while its key is remembered."""
        if self.ability != "key" or not operation.key:
            return self._carried_out(operation)
        now, sent = self.stage.clock.now(), msgspec.json.encode(operation, order="deterministic")
        at, body, reply = self._replies.get(operation.key, (now - self.retention, sent, None))
        if reply is not None and now - at < self.retention:
            if body != sent:
                raise refuse(422, "key-reused", "this key was used for another call")
            return reply
        reply = self._carried_out(operation)
        self._replies[operation.key] = (now, sent, reply)
        return reply

    def _carried_out(self, operation: Operation) -> Reply:
        steps: dict[str, Callable[[Operation], Reply]] = {
            "create": self._create, "update": self._update, "void": self._void, "post": self._post,
            "upsert": self._upsert,
        }  # fmt: skip
        return steps[operation.op](operation)

    def _create(self, operation: Operation) -> Reply:
        self._check(operation.thing)
        if self.drafts and operation.thing["kind"] == "invoice":
            return Reply(201, {"thing": _shown(self._put(None, {**operation.thing, "status": "draft"}, "drafted"))})
        return Reply(201, {"thing": _shown(self._put(None, operation.thing, "created"))})

    def _post(self, operation: Operation) -> Reply:
        held = self._held(operation)
        if held["status"] != "draft":
            raise refuse(422, "posted", "it is posted already")
        return Reply(200, {"thing": _shown(self._put(held, {**held, "status": "open"}, "created"))})

    def _update(self, operation: Operation) -> Reply:
        held = self._held(operation)
        self._check({**operation.thing, "kind": held["kind"]})
        if self.posted and held["kind"] == "invoice" and held["status"] != "draft":
            raise refuse(422, "posted", "a posted invoice cannot be changed")
        if held["status"] == "void":
            raise refuse(422, "void", "a void document cannot be changed")
        kept = {name: held[name] for name in ("kind", "external", "note", "status")}
        return Reply(200, {"thing": _shown(self._put(held, {**operation.thing, **kept}, "updated"))})

    def _void(self, operation: Operation) -> Reply:
        held = self._held(operation)
        if held["kind"] != "invoice":
            raise refuse(422, "not-a-document", f"a {held['kind']} cannot be voided")
        if held["status"] == "paid":  # as some systems do it: yes, and nothing
            return Reply(200, {"thing": _shown(held)})
        return Reply(200, {"thing": _shown(self._put(
            held, {**held, "status": "void", "stamp": operation.thing.get("stamp", "")}, "voided"))})  # fmt: skip

    def _upsert(self, operation: Operation) -> Reply:
        """What is there already as it is asked for is no conflict and no second effect (RFC 9110, 13.1.1)."""
        if self.ability != "upsert":
            raise refuse(405, "no-upsert", "this system does not write by external id")
        thing = operation.thing
        held = next((one for one in self.things.values() if one["company"] == self.company
                     and one["external"] == thing.get("external")), None)  # fmt: skip
        if held is not None and held["stamp"] == thing.get("stamp"):
            return Reply(200, {"thing": _shown(held)})
        if held is None and operation.version:
            raise refuse(412, "stale", "there is nothing of this external id")
        if held is None:
            return self._create(operation)
        found = msgspec.structs.replace(operation, id=held["id"])
        return self._void(found) if thing.get("status") == "void" else self._update(found)

    def _held(self, operation: Operation) -> Thing:
        held = self.things.get(operation.id)
        if held is None or held["company"] != self.company:
            raise refuse(404, "no-such-thing", f"there is no thing {operation.id}", "id")
        blind = self.ability == "none" and not operation.version  # it never tells its versions to who lost one
        if operation.version != held["version"] and not blind:
            raise refuse(412, "stale", f"{held['id']} has changed: it is at version {held['version']}")
        return held

    def _check(self, thing: Thing) -> None:
        """The rules of these books: known kinds, names, parties and products, and totals that are the sum of lines."""
        if thing.get("kind") not in KINDS:
            raise refuse(422, "unknown-kind", f"there are no things of kind {thing.get('kind')!r}", "kind")
        field = "number" if thing["kind"] == "invoice" else "name"
        if not 0 < len(str(thing.get(field, ""))) <= LONGEST:
            raise refuse(422, "bad-text", f"{field} must have 1 to {LONGEST} characters", field)
        if thing["kind"] == "invoice":
            self._check_invoice(thing)

    def _check_invoice(self, thing: Thing) -> None:
        named = [("customer", thing.get("party"), "party")]
        named += [("product", line.get("product"), "lines") for line in thing.get("lines", ()) if line.get("product")]
        for kind, id, field in named:
            if self.things.get(str(id), {}).get("kind") != kind:
                raise refuse(422, "unknown-reference", f"there is no {kind} {id}", field)
        try:
            lines = [parse(_text(line["amount"]), thing["currency"]) for line in thing.get("lines", ())]
            total = parse(_text(thing["total"]), thing["currency"])
        except (KeyError, ValueError) as wrong:
            raise refuse(422, "bad-amount", f"amounts are exact decimal text: {wrong}", "total") from None
        if lines and sum(line.minor for line in lines) != total.minor:
            raise refuse(422, "unbalanced", f"the lines do not add up to {total}", "total")

    def _put(self, held: Thing | None, fields: Thing, what: str) -> Thing:
        now = self.stage.clock.now()
        blank = dict.fromkeys(("number", "name", "external", "stamp", "date", "party", "total", "currency", "note",
                               "memo"), "")  # fmt: skip
        thing = {**blank, "lines": [], "status": "open", **fields}
        thing["id"] = held["id"] if held else f"X-{len(self.things) + 101}"
        thing["version"] = str(int(held["version"]) + 1) if held else "1"
        thing["company"], thing["at"], thing["indexed"] = held["company"] if held else self.company, now, now + self.lag
        self.things[thing["id"]] = thing
        told = ("company", "id", "kind", "number", "name", "external", "stamp", "date", "total", "currency", "status")
        self.stage.effect(what, **{name: thing[name] for name in told})
        return thing


def _shown(thing: Thing) -> Thing:
    return {name: value for name, value in thing.items() if name not in ("company", "indexed", "at")}


def _several(text: str) -> frozenset[str]:
    return frozenset(unquote(part) for part in text.split(",") if part)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _decoded(body: bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise refuse(400, "bad-json", str(wrong)) from None
