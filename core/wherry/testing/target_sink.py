"""The sink of ``wherry.testing.target``, and the plugin it comes in: what a sink should be, in as little as it takes.

What the system can recognise is said by ``ability``; the sink claims what goes with it and no more. A system that can
be asked has a sink that asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec

from wherry.errors import Rejected
from wherry.hookspecs import Manifest, hookimpl
from wherry.http import Http, Profile
from wherry.money import exact, text, times
from wherry.records import Answer, Call, Facts, Fate, Found, Item, Listed, Reply
from wherry.roles import Account
from wherry.settings import Auth, ConnectionSettings
from wherry.testing.scenario import Updates
from wherry.testing.target import LAG, LONGEST, RETENTION, Ability, Thing

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wherry.roles import Connection, Services, SinkWriter

SYSTEM = "kit-target"
RESEND: dict[Ability, float | None] = {"key": RETENTION, "upsert": math.inf, "query": None, "none": None}
ASKABLE: frozenset[Ability] = frozenset({"key", "query"})
_REFUSED = {
    "bad-text": "shorten it at the source",
    "unknown-reference": "write what it refers to first",
    "unbalanced": "correct the amounts at the source",
    "bad-amount": "correct the amounts at the source",
    "void": "enter a new document",
    "posted": "void it there, and have it written again",
    "not-a-document": "make it inactive there",
    "no-such-thing": "link it anew, or have it written again",
}
_OURS = {"party": "customer"}
"""Field of the target → field of the record, where they differ."""
"""Codes by which the system says for certain that it did nothing, and will not → what to do next."""
_object = msgspec.json.Decoder(dict[str, Any]).decode
_dump = msgspec.json.Encoder(order="deterministic").encode


class Company(msgspec.Struct):
    """Whose books they are."""

    id: str
    name: str


class TargetSink:
    """Items into operations, replies into answers. No I/O but ``check``."""

    entities: Sequence[str] = ("customer", "product", "invoice")
    width = 1

    def __init__(self, http: Http, ability: Ability, *, batch: int = 1, settle: float = 2 * LAG) -> None:
        self.http, self.ability, self.batch, self.settle = http, ability, batch, settle
        self.resend_for = RESEND[ability]

    def check(self) -> Account:
        """Whose books are these."""
        found: Company = self.http.read("GET", "company", expect=Company).data
        return Account(found.id, found.name)

    # -- items → calls ------------------------------------------------------------------------------------------------

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """The calls that carry these items, in their order. Raises Rejected for a text that is too long."""
        groups = [items[start : start + self.batch] for start in range(0, len(items), self.batch)]
        return [self._single(group[0]) if len(group) == 1 else self._batch(group) for group in groups]

    def _single(self, item: Item) -> Call:
        operation = self._operation(item)
        method, path = {
            "create": ("POST", "things"),
            "update": ("PUT", f"things/{item.target}"),
            "void": ("POST", f"things/{item.target}/void"),
            "upsert": ("PUT", "things"),
        }[operation["op"]]
        headers = {"Content-Type": "application/json", "Idempotency-Key": item.stamp}
        if item.token:
            headers["If-Match"] = item.token
        return Call(method=method, path=path, items=(item.stamp,), headers=headers, body=_dump(operation["thing"]))

    def _batch(self, items: Sequence[Item]) -> Call:
        body = _dump({"operations": [self._operation(item) for item in items]})
        headers = {"Content-Type": "application/json"}
        stamps = tuple(item.stamp for item in items)
        return Call(method="POST", path="batch", items=stamps, headers=headers, body=body)

    def _operation(self, item: Item) -> dict[str, Any]:
        op = "upsert" if self.ability == "upsert" else "void" if item.action == "void" else (
            "update" if item.target else "create")  # fmt: skip
        void = {"kind": item.entity, "external": external(item), "stamp": item.stamp, "status": "void"}
        thing = void if item.action == "void" else self._thing(item)
        return {"op": op, "key": item.stamp, "id": item.target or "", "version": item.token, "thing": thing}

    def _thing(self, item: Item) -> Thing:
        thing = {**said(item), "kind": item.entity, "external": external(item), "stamp": item.stamp}
        field = "number" if item.entity == "invoice" else "name"
        if not 0 < len(thing[field]) <= LONGEST:
            raise Rejected(
                f"{item.entity} {item.label or item.key}: its {field} has {len(thing[field])} characters, "
                f"the target takes 1 to {LONGEST}",
                fix="correct it at the source or in the flow's map", code="KIT-4001", field=field, item=item.stamp,
            )  # fmt: skip
        return thing

    # -- replies → answers --------------------------------------------------------------------------------------------

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; whatever is not plainly said is left out, and so unknown."""
        body = _readable(reply)
        by_stamp = {item.stamp: item for item in items}
        if call.path != "batch":
            told = [(call.items[0], reply.status, body)]
        else:
            results = body.get("results", []) if reply.status == 200 else []
            told = [(one.get("key", ""), one.get("status", 0), one) for one in results if isinstance(one, dict)]
        answers = {stamp: _answer(by_stamp[stamp], status, one) for stamp, status, one in told if stamp in by_stamp}
        return {stamp: answer for stamp, answer in answers.items() if answer is not None}

    def facts(self, item: Item) -> Facts:
        """What the target would hold once the item is written."""
        return facts_of({**said(item), "kind": item.entity, "status": "void" if item.action == "void" else "open"})


class AskingSink(TargetSink):
    """The sink of a system that can be searched."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """One search for all of a kind and, of those that were never written, by stamp, number and name."""
        calls = []
        for entity in dict.fromkeys(item.entity for item in items):
            mine = [item for item in items if item.entity == entity]
            fresh = [item for item in mine if not item.target]
            wanted = {
                "id": [item.target or "" for item in mine if item.target],
                "stamp": [item.stamp for item in fresh],
                "number": [said(item).get("number", "") for item in fresh],
                "name": [said(item).get("name", "") for item in fresh],
            }
            params = {name: _joined(values) for name, values in wanted.items() if any(values)}
            stamps = tuple(item.stamp for item in mine)
            calls.append(Call(method="GET", path="things", items=stamps, params={"kind": entity, **params}))
        return calls

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what is there; nothing at all of a reply that is no list of things."""
        things = _readable(reply).get("things")
        if reply.status != 200 or not isinstance(things, list):
            return {}
        found = {item.stamp: [_found(item, thing) for thing in things] for item in items}
        return {stamp: [one for one in some if one is not None] for stamp, some in found.items()}

    def listing(self, entity: str) -> Iterator[Listed]:
        """Everything of an entity."""
        for thing in self.http.read("GET", "things", params={"kind": entity}).json()["things"]:
            yield Listed(thing["id"], thing["name"] or thing["number"], thing["number"], number=thing["number"])


def external(item: Item) -> str:
    """Our own id of a thing."""
    return f"{item.entity}/{item.key}"


def said(item: Item) -> Thing:
    """The body in the target's words; of one that is taken back, what it was."""
    body = (item.before if item.action == "void" else None) or item.body
    if item.entity != "invoice":
        number = body.get("sku", "") if item.entity == "product" else body.get("number", "")
        return {"name": str(body.get("name", "")), "number": str(number)}
    total = body.get("total") or {}
    return {
        "number": str(body.get("number", "")), "date": str(body.get("date", "")), "party": body.get("customer") or "",
        "currency": total.get("currency", ""), "total": _amount(total), "memo": str(body.get("memo", "")),
        "lines": [_line(line, total.get("currency", "")) for line in body.get("lines", ())],
    }  # fmt: skip


def _line(line: Mapping[str, Any], currency: str) -> dict[str, str]:
    quantity, product = str(line.get("quantity", "1")), line.get("product") or ""
    description = str(line.get("description", ""))
    amount = _amount(line.get("amount") or _worked_out(quantity, line.get("rate"), currency))
    return {"product": product, "description": description, "quantity": quantity, "amount": amount}


def _worked_out(quantity: str, rate: str | None, currency: str) -> Mapping[str, Any]:
    """What a line comes to that does not say it: rounded once."""
    if not rate or not currency:
        return {}
    return {"minor": times(exact(quantity), exact(rate), currency)[0].minor, "currency": currency}


def _amount(money: Mapping[str, Any]) -> str:
    return text(money["minor"], money["currency"]) if money else ""


def facts_of(thing: Thing) -> Facts:
    """What a thing comes to, in words people read."""
    if thing["kind"] != "invoice":
        return {name: thing.get(name, "") for name in ("name", "number")}
    lines = [f"{one['quantity']} × {one['product']} {one['description']} = {one['amount']}" for one in thing["lines"]]
    total = f"{thing['total']} {thing['currency']}".strip()
    facts = {name: thing.get(name, "") for name in ("number", "date", "party", "memo", "status")}
    return {**facts, "total": total, "lines": "; ".join(lines)}


def _readable(reply: Reply) -> dict[str, Any]:
    try:
        return _object(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _answer(item: Item, status: int, body: Mapping[str, Any]) -> Answer | None:
    error, thing = (found if isinstance(found := body.get(name), dict) else {} for name in ("error", "thing"))
    if status in (200, 201) and _is_of(item, thing):
        fate: Fate = "reversed" if item.action == "void" else "updated" if item.target else "created"
        return Answer(fate=fate, target=thing["id"], token=thing["version"], facts=facts_of(thing))
    if status == 412:
        return Answer(fate="unknown", reason=error.get("message", "it has changed"), after=0.0)
    code, named = error.get("code", ""), error.get("field", "")
    if status in (404, 422) and code in _REFUSED:
        told = {"reason": error.get("message", code), "field": _OURS.get(named, named), "code": code}
        return Answer(fate="refused", fix=_REFUSED[code], **told)
    return None


def _is_of(item: Item, thing: Mapping[str, Any]) -> bool:
    return thing.get("stamp") == item.stamp and bool(thing.get("id")) and item.target in (None, thing["id"])


def _found(item: Item, thing: Thing) -> Found | None:
    """What a thing is to an item: its effect, perhaps the same thing entered by hand, or nothing (None)."""
    names = {name: value for name, value in said(item).items() if name in ("number", "name") and value}
    same_name = any(thing[name] == value for name, value in names.items())
    ours = thing["stamp"] == item.stamp
    alike = not ours and not item.target and same_name and thing["external"] in ("", external(item))
    if not (ours or alike or thing["id"] == item.target):
        return None
    return Found(target=thing["id"], token=thing["version"], ours=ours, alike=alike, facts=facts_of(thing))


def _joined(values: Sequence[str]) -> str:
    return ",".join(quote(value, safe="") for value in dict.fromkeys(values) if value)


# -- the plugin -------------------------------------------------------------------------------------------------------


class TargetSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "kit-target"``."""

    auth: Auth
    ability: Literal["key", "upsert", "query", "none"] = "query"
    batch: int = 1
    settle: float = 2 * LAG
    updates: Updates = "in place"
    drafts: bool = False


class DraftingSink(AskingSink):
    """The sink of a system in which an invoice is a draft until a second call posts it. Of a draft it says that it is
    still ``queued``, and which one it is; the item comes again with that, and is posted."""

    def _single(self, item: Item) -> Call:
        if not item.memo or item.target:
            return super()._single(item)
        id, _, version = item.memo.partition(" ")
        headers = {"Idempotency-Key": f"{item.stamp}-post", "If-Match": version}
        return Call(method="POST", path=f"things/{id}/post", items=(item.stamp,), headers=headers)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """As ever; of a draft, which one is to be posted."""
        answers = super().decode(call, items, reply)
        for answer in answers.values():
            if _is_draft(answer.facts):
                answer.fate, answer.memo, answer.after = "queued", f"{answer.target} {answer.token}", 0.0
        return answers

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """As ever; of a draft, which one is to be posted."""
        finds = super().found(call, items, reply)
        for hit in (hit for hits in finds.values() for hit in hits if hit.ours and _is_draft(hit.facts)):
            hit.memo = f"{hit.target} {hit.token}"
        return finds


def _is_draft(facts: Facts | None) -> bool:
    return facts is not None and facts.get("status") == "draft"


class ReplacingSink(AskingSink):
    """The sink of a system whose invoices are posted: a newer version takes the place of the one that was voided."""

    replaces: Sequence[str] = ("invoice",)


def make(
    http: Http, ability: Ability, *, batch: int = 1, settle: float = 2 * LAG, updates: Updates = "in place",
    drafts: bool = False,
) -> TargetSink:  # fmt: skip
    """The sink that goes with an ability, and with what becomes of the system's invoices."""
    usual = AskingSink if ability in ASKABLE else TargetSink
    kind = ReplacingSink if updates == "anew" else DraftingSink if drafts else usual
    return kind(http, ability, batch=batch, settle=settle)


@hookimpl
def wherry_manifest() -> Manifest:
    return Manifest(system=SYSTEM, title="Kit target", roles=("sink",), sign_in=("token",))


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    return TargetSettings if system == SYSTEM else None


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    if connection.plugin != SYSTEM:
        return None
    told: TargetSettings = connection.settings
    http = services.http(Profile(base_url=str(told.base_url)))
    return make(
        http, told.ability, batch=told.batch, settle=told.settle, updates=told.updates, drafts=told.drafts
    )  # fmt: skip
