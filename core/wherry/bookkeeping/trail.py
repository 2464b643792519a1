"""Journal entries as the ledger has them, prepared, posted or taken back, with the movements they are made of.

What is said here comes from our own ledger alone: no target is asked (but for its trial balance).
Source: behaviours.md 000.2, 000.15 and 004.16.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from wherry.accounting import BookedLine, Entry
from wherry.bookkeeping import fiscal
from wherry.books import balances, rates
from wherry.books.charts import Chart, Mismatch
from wherry.books.frozen import ENTITY
from wherry.books.held import Problem
from wherry.books.keys import parts
from wherry.books.numbering import moved_from
from wherry.errors import ConfigError, NotFound, TryAgain
from wherry.hub import Hub
from wherry.operating import desk, tracing
from wherry.protocol.rows import REVERSED
from wherry.records import OPEN, Ref
from wherry.roles import Balance, HasBalances, Polled
from wherry.settings import Flow
from wherry.store import exported, inquiries, movements, registry
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow, LinkRow, Route
from wherry.store.movements import MovementRow

POSTED, PREPARED, TAKEN_BACK = "posted", "prepared", "taken back"
_PARTY = "party:"


class Known(Struct, kw_only=True):
    """An entry that the ledger knows. ``state`` is how it stands: ``posted``, ``taken back``, ``prepared`` (it waits
    for approval or for its turn), or what keeps an open item: ``refused``, ``unknown``, ``decide``, ``differs``."""

    flow: str
    route: Route
    entry: Entry
    state: str
    link: LinkRow | None = None
    item: ItemRow | None = None

    @property
    def ref(self) -> Ref:
        return Ref(ENTITY, self.entry.key)

    @property
    def is_posted(self) -> bool:
        """Whether the target holds it and it was not taken back."""
        return self.link is not None and bool(self.link.target) and self.link.rule != REVERSED


# -- which there are ---------------------------------------------------------------------------------------------------


def booking_flow(hub: Hub, name: str) -> Flow:
    """The flow. Raises NotFound, and ConfigError for one that books no journals."""
    flow = hub.wiring.flow(name)
    if not flow.books_journals:
        others = ", ".join(other for other, one in sorted(hub.project.flows.items()) if one.books_journals)
        raise ConfigError(
            f'flow {name} books no journals: it has no document = "journal"', code="WHERRY-2144", flow=name,
            fix=f"flows that do: {others}" if others else 'set document = "journal" and accounts on the flow',
        )  # fmt: skip
    return flow


def route_of(tx: Tx, flow: Flow) -> Route | None:
    """Between which connections a flow carries; None while one of them was never reached."""
    ids = {row.name: row.id for row in registry.all_connections(tx)}
    return Route(ids[flow.source], ids[flow.sink]) if flow.source in ids and flow.sink in ids else None


def known(tx: Tx, flow: Flow) -> list[Known]:
    """The entries of a flow by date and number: open, posted and taken back."""
    route = route_of(tx, flow)
    if route is None:
        return []
    items = {one.item.key: one.item for one in inquiries.items_in(tx, OPEN, flow=flow.name)
             if one.item.entity == ENTITY and one.route == route}  # fmt: skip
    links = {link.key: link for link in exported.links_of(tx, route, ENTITY, f"{flow.name}|")}
    names = parties(tx, route.sink, links.values())
    found = [_known(flow.name, route, items.get(key), links.get(key), names) for key in sorted({*items, *links})]
    return sorted(found, key=lambda one: (one.entry.date, one.entry.number, one.entry.key))


def _known(
    flow: str, route: Route, item: ItemRow | None, link: LinkRow | None, names: Mapping[str, str]
) -> Known:  # fmt: skip
    key = item.key if item is not None else link.key if link is not None else ""
    posted = link is not None and link.rule != REVERSED
    body = item.draft.body if item is not None and not posted else _body(link)
    return Known(
        flow=flow, route=route, entry=entry_of(key, body, names), state=_state(item, link), link=link, item=item
    )


def _state(item: ItemRow | None, link: LinkRow | None) -> str:
    if item is not None and item.state in ("refused", "unknown", "decide", "differs"):
        return item.state
    if link is not None and link.rule != REVERSED:
        return POSTED
    return PREPARED if item is not None else TAKEN_BACK


def _body(link: LinkRow | None) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(link.body) if link is not None and link.body else {}
    return found


def parties(tx: Tx, sink: int, links: Iterable[LinkRow]) -> dict[str, str]:
    """The target's id of a customer → what the books call him."""
    ids = {str(line["customer"]) for link in links for line in _body(link).get("lines", ()) if line.get("customer")}
    found = inquiries.links_to(tx, ids, sink=sink)
    return {one.link.target: one.link.key.removeprefix(_PARTY) for one in found if one.link.key.startswith(_PARTY)}


def entry_of(key: str, body: Mapping[str, Any], names: Mapping[str, str]) -> Entry:
    """The entry that a body says; parties by the name that the books have for them. Its members are not said there."""
    lines = tuple(_line(line, names) for line in body.get("lines", ()))
    said = parts(key)
    return Entry(
        key=key, number=str(body.get("number") or ""),
        date=dt.date.fromisoformat(str(body.get("date") or "0001-01-01")),
        period=str(body.get("period") or ""), bucket=said.bucket,
        currency=str(body.get("currency") or ""), memo=str(body.get("memo") or ""), lines=lines, members=(),
        party=", ".join(sorted({line.party for line in lines if line.party})), type=str(body.get("type") or ""),
        moved=moved_from(said.own),
        **rates.said(body),
    )  # fmt: skip


def _line(line: Mapping[str, Any], names: Mapping[str, str]) -> BookedLine:
    said = line.get("customer") or ""
    party = said["key"].removeprefix(_PARTY) if isinstance(said, dict) else names.get(str(said), str(said))
    return BookedLine(
        account=line["account"], side=line["side"], minor=line["amount"]["minor"], party=party,
        description=line.get("description", ""), dimensions=tuple(sorted((line.get("dimensions") or {}).items())),
        home=int((line.get("home") or {}).get("minor", 0)),
    )  # fmt: skip


def find(hub: Hub, word: str, flow: str = "") -> Known:
    """The entry of that number or key. Raises NotFound, and ConfigError where flows have one each."""
    flows = [booking_flow(hub, flow)] if flow else [one for one in hub.project.flows.values() if one.books_journals]
    with hub.store.read() as tx:
        found = [one for each in flows for one in known(tx, each) if word in (one.entry.key, one.entry.number)]
    if not found:
        raise NotFound(
            f"no journal entry is called {word}" + (f" in flow {flow}" if flow else ""), code="WHERRY-3087",
            fix=f"see them: wherry journal preview {flow or 'FLOW'}, wherry exports list", entry=word,
        )  # fmt: skip
    if len(found) > 1:
        told = ", ".join(one.entry.key for one in found[:5])
        raise ConfigError(
            f"{len(found)} journal entries are called {word}", fix=f"name one by its key: {told}", code="WHERRY-2145"
        )
    return found[0]


# -- one of them -------------------------------------------------------------------------------------------------------


def shown(hub: Hub, word: str, *, limit: int = 50) -> dict[str, Any]:
    """An entry with its lines, how it stands in the target, and its members with the records they came from."""
    one = find(hub, word)
    chart = hub.bookkeeper.chart(one.route.sink)
    with hub.store.read() as tx:
        members = tracing.members(tx, one.route.sink, one.flow, one.entry.key)
        names = {row.id: row.name for row in registry.all_connections(tx)}
        events = inquiries.told_of(tx, one.ref, one.flow)
        gains = hub.project.flows[one.flow].gains
        told = [{**tracing.member(tx, row), "minor": worth(row, gains)} for row in members[:limit]]
        by = exported.approvers(tx).get(str(one.ref), "")
        calls = desk.sent_calls(tx, events, one.link.call if one.link is not None else 0)
    return {
        **told_entry(one.entry, chart), "flow": one.flow, "state": one.state, "target": names.get(one.route.sink, ""),
        "remote_id": one.link.target if one.link is not None else "", **_word(one.link, by),
        "open": desk.row(one.item) if one.item is not None else None, "movements": len(members), "members": told,
        "history": [desk.told(event) for event in events], "calls": calls,
    }  # fmt: skip


def _word(link: LinkRow | None, approved: str) -> dict[str, Any]:
    if link is None:
        return {"at": "", "by": "", "run": "", "rule": ""}
    return {"at": link.made_at, "by": approved or link.made_by, "run": link.run, "rule": link.rule}


def told_entry(entry: Entry, chart: Chart) -> dict[str, Any]:
    """An entry for JSON: its lines with the names that their accounts have in the target."""
    return {
        "key": entry.key, "number": entry.number, "date": entry.date.isoformat(), "period": entry.period,
        "bucket": entry.bucket, "currency": entry.currency, "party": entry.party, "type": entry.type,
        "memo": entry.memo, "moved": entry.moved,
        "minor": sum(line.minor for line in entry.lines if line.side == "debit"),
        "lines": [{**msgspec.to_builtins(line), "name": name_of(chart, line.account),
                   "dimensions": dict(line.dimensions)} for line in entry.lines],
        **_valued(entry, chart),
    }  # fmt: skip


def _valued(entry: Entry, chart: Chart) -> dict[str, Any]:
    """What an entry in another currency is worth at home; nothing of one that is in the organisation's own."""
    if entry.exchange_rate is None:
        return {}
    return {
        "exchange_rate": f"{entry.exchange_rate:f}", "exchange_source": entry.exchange_source, "home": entry.home,
        "home_minor": rates.worth(entry), "rounding": entry.rounding, "rounding_account": entry.rounding_account,
        "rounding_name": name_of(chart, entry.rounding_account) if entry.rounding else "",
    }  # fmt: skip


def name_of(chart: Chart, code: str) -> str:
    """What an account is called in the target; empty where its code is its name, or nobody knows."""
    found = chart.look(code)
    name = "" if isinstance(found, Mismatch) else chart.full_name(found)
    return "" if name == code else name


# -- what they come to -------------------------------------------------------------------------------------------------


Key = tuple[str, str]
"""Currency and account."""


class TrialBalance(Struct, kw_only=True):
    """Ours beside the target's, by account. ``theirs`` None: the target makes no trial balance. Minor units."""

    first: dt.date | None
    last: dt.date
    entries: int
    ours: list[Balance]
    theirs: list[Balance] | None
    keys: frozenset[str] = frozenset()
    """Those of the entries."""
    off: Mapping[tuple[str, str], int] = {}
    """Currency and account → what the target holds of these entries more or less than was written."""
    carried: Mapping[tuple[str, str], int] = {}
    """Currency and account → what the target has carried to another account since, at the end of a fiscal year."""
    problems: list[Problem] = []
    """What is the matter with these entries in the target."""


def trial_balance(hub: Hub, name: str, asked: fiscal.Asked) -> TrialBalance:
    """What the posted entries of a flow move, and what the target says of the same days.

    Raises as ``booking_flow`` does, and what asking the target raises.
    """
    flow = booking_flow(hub, name)
    pick = fiscal.selection(hub, flow, asked)
    wired = hub.wiring.wire(name, "trial-balance")
    assert wired.posting is not None
    sink, chart = wired.posting.sink, hub.bookkeeper.refresh(wired.posting)
    with hub.store.read() as tx:
        posted = [in_codes(one.entry, chart, one.link.made_at) for one in known(tx, flow)
                  if one.link is not None and one.is_posted and _of(one.entry, pick.partitions)]  # fmt: skip
    last = pick.last or max([hub.bookkeeper.today(), *(entry.date for entry in posted)])
    some = [entry for entry in posted if _within(entry, pick.first, last)]
    began = min(entry.date for entry in some) if some and pick.first is None else None
    theirs, *since = together(sink, *_balances_asked(sink, pick.first, last, began))
    told = some
    if rates.in_one({one.currency for one in theirs or ()}, told):
        told = rates.all_at_home(told)
    ours = balances.of_entries(told, {one.code: one.name for one in chart})
    keys = frozenset(entry.key for entry in some)
    carried = _carried(since, theirs or ())
    return TrialBalance(first=pick.first, last=last, entries=len(some), ours=ours, theirs=theirs, keys=keys,
                        carried=carried)  # fmt: skip


def together(sink: object, *asks: Callable[[], Any]) -> list[Any]:
    """What each of these reads tells. A system that calls us is asked all of it before anything is waited for, or each
    answer would take a session of its own."""
    told, later = [], None
    for ask in asks:
        try:
            told.append(ask())
        except TryAgain as error:
            if not isinstance(sink, Polled):
                raise
            later = later or error
    if later is not None:
        raise later
    return told


def _balances_asked(
    sink: object, first: dt.date | None, last: dt.date, began: dt.date | None
) -> list[Callable[[], list[Balance] | None]]:
    """The balances of these days; and where entries ``began``, as they stood before and what moved since."""
    if not isinstance(sink, HasBalances):
        return [lambda: None]
    days = [(first, last), *([(None, began - dt.timedelta(days=1)), (began, last)] if began else [])]
    return [partial(sink.balances, *each) for each in days]


def _carried(since: Sequence[Iterable[Balance]], theirs: Iterable[Balance]) -> dict[Key, int]:
    """What balances differ by from what stood there before these entries and what moved since: income and expense begin
    anew with each fiscal year, and what they came to before stands in the retained earnings."""
    if not since:
        return {}
    return {(one.currency, one.code): one.minor for one in balances.compare(balances.added(*since), theirs)}


def _of(entry: Entry, partitions: tuple[str, ...]) -> bool:
    return not partitions or parts(entry.key).partition in partitions


def _within(entry: Entry, first: dt.date | None, last: dt.date) -> bool:
    return (first is None or first <= entry.date) and entry.date <= last


def in_codes(entry: Entry, chart: Chart, at: str = "") -> Entry:
    """The entry with the target's own codes, where it names accounts otherwise; ``at`` is when it was written, since
    an account may have been renamed or given another number after that (case C16)."""
    lines = tuple(in_code(line, chart, at) for line in entry.lines)
    return msgspec.structs.replace(entry, lines=lines, rounding_account=chart.code_of(entry.rounding_account, at))


def in_code(line: BookedLine, chart: Chart, at: str = "") -> BookedLine:
    """The line with the account's own code in the target."""
    code = chart.code_of(line.account, at)
    return line if code == line.account else msgspec.structs.replace(line, account=code)


def side_by_side(found: TrialBalance) -> list[dict[str, Any]]:
    """The rows of a trial balance: each account with both sides of ours and of the target's, net."""
    ours = {(one.currency, one.code): one for one in balances.net(found.ours)}
    theirs = {(one.currency, one.code): one for one in balances.net(found.theirs or ())}
    keys = sorted({*ours, *theirs, *found.off, *found.carried})
    return [_row(found, key, ours.get(key), theirs.get(key)) for key in keys]


def _row(found: TrialBalance, key: Key, ours: Balance | None, theirs: Balance | None) -> dict[str, Any]:
    told, off, carried = found.theirs is not None, found.off.get(key, 0), found.carried.get(key, 0)
    left = (ours.debit - ours.credit) if ours is not None else 0
    right = (theirs.debit - theirs.credit) if theirs is not None else 0
    return {
        "currency": key[0], "account": key[1], "name": (ours or theirs or Balance("", "", 0, 0, "")).name,
        "debit": max(left, 0), "credit": max(-left, 0),
        "target_debit": max(right, 0) if told else None, "target_credit": max(-right, 0) if told else None,
        "off": off if told else None, "carried": carried if told else None,
        "others": right - left - off - carried if told else None,
    }  # fmt: skip


def totals(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last rows of a trial balance, one for each currency: both sides, which are equal."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = found.setdefault(row["currency"], {**row, "account": "", "name": "total", **_NOTHING})
        for name in _NOTHING:
            total[name] = None if row[name] is None else (total[name] or 0) + row[name]
    return list(found.values())


_NOTHING = dict.fromkeys(("debit", "credit", "target_debit", "target_credit", "off", "carried", "others"), 0)


def sums_of(rows: Iterable[MovementRow], gains: bool) -> dict[str, int]:
    """Currency → minor units, of what movements add to the debits of their entries."""
    sums: dict[str, int] = {}
    for row in rows:
        desk.add(sums, worth(row, gains), row.currency)
    return sums


def worth(row: MovementRow, gains: bool) -> int:
    """What a movement adds to the debits of its entry, in minor units: its realised gain too, where that is booked."""
    gain = msgspec.json.decode(row.body).get("gain") if gains else None
    return row.minor + (abs(int(gain["minor"])) if gain else 0)


def subledger_rows(tx: Tx, flow: Flow) -> list[MovementRow]:
    """The movements that a flow has taken into the books, but for what was taken back before it was booked."""
    route = route_of(tx, flow)
    return list(movements.of_flow(tx, route.sink, flow.name)) if route is not None else []
