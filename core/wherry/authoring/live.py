"""The safe checks with a real system: whose account, what it describes, a page of each kind; and in a vendor's test
company one document that is written, read back and taken back.

Reading harms nobody. A document is written only where the connection itself says that it leads to a test company, or
its operator did; never where its settings say that these are the books.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from wherry.errors import ConfigError, ContractBroken, Guarded, WherryError
from wherry.hub import Hub
from wherry.protocol import boundary, sinks
from wherry.records import DONE, Answer, Call, Found, Item, Reply
from wherry.redaction import scrub
from wherry.roles import Account, Asks, CallSinkWriter, Connection, Describes, Fetches, HasAccounts, Lists, Query

TEST_WORDS = frozenset({"sandbox", "test", "simulator", "development", "demo"})
BOOKS_WORDS = frozenset({"production", "live"})
MARK = "Wherry check"
_PLAIN_ACCOUNTS = ("expense", "income")


class Finding(Struct, frozen=True):
    """One thing that was tried, and what came of it."""

    what: str
    outcome: str
    evidence: str = ""


def tried(hub: Hub, name: str, plugin: str, sure: bool) -> dict[str, Any]:
    """Every safe check of the connection. ``sure``: its operator says that it leads to a test company.

    Raises ConfigError for a connection of another plugin, Guarded before anything is written into books, and what the
    first check raises: with no way in there is nothing to try.
    """
    connection = hub.wiring.connection(name)
    if connection.plugin != plugin:
        raise ConfigError(f"connection {name} is of the plugin {connection.plugin}, not {plugin}", code="WHERRY-2408",
                          fix=f"name a connection of {plugin}", connection=name)  # fmt: skip
    writes = "sink" in hub.plugins.manifests[plugin].roles
    if writes:
        _must_be_test(hub, connection, sure)
    steps: list[Finding] = []
    account = _account(hub, connection, steps)
    if "source" in hub.plugins.manifests[plugin].roles:
        steps += _reading(hub, name)
    if writes:
        steps += _writing(hub, name)
    real = not hub.wiring.is_stand_in(connection)
    return {"connection": name, "account": account.name, "account_id": account.id, "real": real,
            "steps": msgspec.to_builtins(steps)}  # fmt: skip


def _must_be_test(hub: Hub, connection: Connection, sure: bool) -> None:
    """An address on this machine proves nothing: a way to the real books may begin there."""
    said = str(getattr(connection.settings, "environment", "") or "").strip().lower()
    if said not in BOOKS_WORDS and (said in TEST_WORDS or hub.wiring.is_stand_in(connection) or sure):
        return
    why = f'its environment is "{said}"' if said else "it does not say that it leads to a test company"
    otherwise = 'set environment = "sandbox", or "simulator", and sign in to a test company'
    fix = otherwise if said else "if it does: --yes-test-company"
    raise Guarded(f"connection {connection.name} is not written to for a check: {why}", fix=fix, code="WHERRY-7122",
                  connection=connection.name)  # fmt: skip


def _account(hub: Hub, connection: Connection, steps: list[Finding]) -> Account:
    """Asked twice: it must be the same account."""
    manifest, wiring = hub.plugins.manifests[connection.plugin], hub.wiring
    part = wiring.source(connection.name) if "source" in manifest.roles else wiring.sink(connection.name)
    account: Account = part.check()
    again: Account = part.check()
    same = bool(account.id) and account.id == again.id
    steps.append(Finding("connection test and account", "met" if same else "missed", f"{account.name} ({account.id})"))
    return account


def _found(what: str, work: Callable[[], str]) -> Finding:
    """What cannot be done is told, and the next thing is tried."""
    try:
        return Finding(what, "met", scrub(work()))
    except WherryError as error:
        return Finding(what, "missed", scrub(f"{error.code} {error.message}"))


def _reading(hub: Hub, name: str) -> Iterator[Finding]:
    source = hub.wiring.source(name)
    for kind in source.kinds:
        if isinstance(source, Describes):
            yield _found(f"what {kind} has", partial(_described, source, kind))
        yield _found(f"a page of {kind}", partial(_page, source, kind))


def _described(source: Describes, kind: str) -> str:
    return f"{len(source.describe(kind).fields)} fields"


def _page(source: Any, kind: str) -> str:
    page = next(boundary.pages(source, Query(kind=kind)), None)
    if page is None or not page.records:
        return "it is empty"
    if isinstance(source, Fetches):
        again = boundary.fetch(source, kind, [page.records[0].id], ())
        if [record.id for record in again] != [page.records[0].id]:
            raise ContractBroken(f"{kind} {page.records[0].id} was read, and is not there by its id",
                                 fix="look at fetch", code="WHERRY-1161")  # fmt: skip
    return f"{len(page.records)} records"


# -- one document, there and back --------------------------------------------------------------------------------------


def _writing(hub: Hub, name: str) -> Iterator[Finding]:
    sink = hub.wiring.sink(name)
    sink.check()
    if not isinstance(sink, CallSinkWriter):
        yield Finding("a document, there and back", "not tried", "it is not sent calls")
        return
    item = document(sink)
    if item is None:
        yield Finding("a document, there and back", "not tried", "it takes neither entries nor invoices")
        return
    yield from _there_and_back(sink, item)


def document(sink: CallSinkWriter) -> Item | None:
    """A document of the smallest worth, marked as what it is: a journal entry where accounts are told, an invoice."""
    stamp = base64.b32encode(os.urandom(16)).decode().rstrip("=").lower()
    body = _entry(sink, stamp) if "journal_entry" in sink.entities else None
    entity = "journal_entry" if body else "invoice"
    body = body or (_invoice(sink, stamp) if "invoice" in sink.entities else None)
    return Item(entity=entity, key=f"check:{stamp}", body=body, label=MARK, stamp=stamp) if body else None


def _entry(sink: Any, stamp: str) -> dict[str, Any] | None:
    found = (account for account in sink.accounts() if account.posting and account.active
             and account.type in _PLAIN_ACCOUNTS) if isinstance(sink, HasAccounts) else iter(())  # fmt: skip
    pair = list(islice(found, 2))
    if len(pair) < 2:
        return None
    currency = _currency(sink)
    lines = [{"account": one.code, "side": side, "amount": {"minor": 1, "currency": currency}, "description": MARK}
             for one, side in zip(pair, ("debit", "credit"), strict=True)]  # fmt: skip
    return {"number": f"CHECK-{stamp[:8]}", "date": dt.datetime.now(dt.UTC).date().isoformat(), "currency": currency,
            "memo": MARK, "lines": lines}  # fmt: skip


def _invoice(sink: Any, stamp: str) -> dict[str, Any]:
    amount = {"minor": 1, "currency": _currency(sink)}
    customer = _first(sink, "customer")
    line = {"product": _first(sink, "product"), "description": MARK, "quantity": "1", "amount": amount}
    lines = [{name: value for name, value in line.items() if value}]
    return {"number": f"CHECK-{stamp[:8]}", "date": dt.datetime.now(dt.UTC).date().isoformat(), "customer": customer,
            "total": amount, "memo": MARK, "lines": lines}  # fmt: skip


def _currency(sink: Any) -> str:
    account: Account = sink.check()
    return account.details.get("currency", "USD")


def _first(sink: Any, entity: str) -> str | None:
    lists = entity in sink.entities and isinstance(sink, Lists)
    return next((one.id for one in islice(sink.listing(entity), 1)), None) if lists else None


def _there_and_back(sink: CallSinkWriter, item: Item) -> Iterator[Finding]:
    try:
        done = _sent(sink, item)
    except WherryError as error:
        yield Finding(f"write one {item.entity}", "missed", scrub(f"{error.code} {error.message}"))
        return
    yield Finding(f"write one {item.entity}", "met" if done.fate == "created" else "missed", _told(done))
    if done.fate not in DONE:
        return
    yield _found("read it back", lambda: _read_back(sink, item, done))
    void = msgspec.structs.replace(item, action="void", before=item.body, target=done.target, token=done.token,
                                   memo=done.memo, stamp=item.stamp[::-1])  # fmt: skip
    yield _found("take it back", lambda: _taken_back(sink, void))


def _told(answer: Answer) -> str:
    return f"{answer.fate} {answer.target} {answer.reason}".strip()


def _sent(sink: CallSinkWriter, item: Item) -> Answer:
    """One call, decoded; where its answer says nothing, what the target is found to hold."""
    [call] = sinks.encoded(sink, [item])
    answer = sinks.decoded(sink, call, [item], sink.http.send(call)).get(item.stamp)
    if answer is not None:
        return answer
    hits = [hit for hit in _asked(sink, item) if hit.ours]
    return Answer(fate="created", target=hits[0].target, token=hits[0].token) if hits else Answer(fate="unknown")


def _asked(sink: CallSinkWriter, item: Item) -> list[Found]:
    found: dict[str, list[Found]] = {}
    for call in sinks.asked(sink, [item]) if isinstance(sink, Asks) else ():
        found |= sinks.found(sink, call, [item], _looked(sink, call))  # type: ignore[arg-type]
    return found.get(item.stamp, [])


def _looked(sink: CallSinkWriter, call: Call) -> Reply:
    answer = sink.http.read(call.method, call.path, params=call.params, content=call.body or None,
                            headers=call.headers, lane=call.lane)  # fmt: skip
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(status=answer.status, headers=headers, body=answer.content)


def _read_back(sink: CallSinkWriter, item: Item, done: Answer) -> str:
    if not isinstance(sink, Asks):
        return "its target cannot be asked"
    hits = _asked(sink, msgspec.structs.replace(item, target=done.target))
    wanted = sinks.facts(sink, item)
    if not any(hit.target == done.target and hit.facts == wanted for hit in hits):
        raise ContractBroken(f"{done.target} was written, and is not found as it was sent",
                             fix="look at found and facts", code="WHERRY-1162")  # fmt: skip
    return f"{done.target} holds what was sent"


def _taken_back(sink: CallSinkWriter, void: Item) -> str:
    answer = _sent(sink, void)
    if answer.fate != "reversed":
        raise ContractBroken(f"{void.target} was not taken back: {_told(answer)}", code="WHERRY-1163",
                             fix=f"take it back by hand: it is marked {MARK}")  # fmt: skip
    return _told(answer)
