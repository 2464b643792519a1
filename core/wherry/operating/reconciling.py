"""Source, ledger and target compared, document by document: everything is posted, reversed, held or left out.

Source = posted + reversed + held + left out, in every currency, to the last minor unit (write-protocol.md, I9); and
what the target holds is what was written.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, cast

import msgspec
from msgspec import Struct, field

from wherry import money
from wherry.entities import other_forms
from wherry.errors import ConfigError
from wherry.hub import Hub
from wherry.operating import comparing, decided, desk
from wherry.operating.comparing import Held, Source
from wherry.protocol import homing
from wherry.protocol.rows import REVERSED, worth
from wherry.protocol.steps import in_words
from wherry.records import Item, Ref
from wherry.runs.job import Wired, roots_of
from wherry.store import findings, inquiries, ledger, movements
from wherry.store.findings import Decision, Finding, What
from wherry.store.ledger import ItemRow, LinkRow, Seen

State = Literal["posted", "reversed", "held", "skipped"]
STATES: tuple[State, ...] = ("posted", "reversed", "held", "skipped")
_PERIOD = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_LARGEST = 10_000_000
_NAMED = 1000
"""The most records that are named of one reason."""
_DECIDABLE = ("missing", "edited")
STANDS = "it was taken back, and stands there again"
Name = tuple[str, str]
"""Kind and id of a record."""


class Line(Struct, kw_only=True):
    """One record and what became of it: ``amount`` is what its source says now, ``posted`` what was written of it, in
    minor units. Of a document with a change that is not sent yet the rest is ``held``."""

    kind: str
    record: str
    state: State
    reason: str = ""
    amount: int = 0
    posted: int = 0
    held: int = 0
    currency: str = ""
    date: str = ""
    """Its day: what its source says, else that of its document. ``dated`` is the day that was written of it."""
    dated: str = ""
    number: str = ""
    """What people call its document; empty where nothing tells."""
    link: LinkRow | None = None
    item: ItemRow | None = None
    decision: Decision | None = None
    """What a person decided about it, if nothing was written or came from its source since."""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.record}"


class Difference(Struct, frozen=True, kw_only=True):
    """Where the ends do not agree: ``missing``, ``edited``, ``stands``, ``twice``, ``alike``, ``source``, ``untold``.

    ``decided``: who has decided about it and how, which still holds; empty where nobody has.
    """

    what: str
    record: str
    target: str
    says: str
    decided: str = ""
    number: str = ""
    """What people call the document."""


class Listed(Struct, kw_only=True):
    """Records that are not in the target for one reason: how many, some of them, and currency → minor units.
    ``numbers`` are what people call their documents, in the same order, empty where nothing tells."""

    count: int = 0
    records: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)


class Reconciled(Struct, kw_only=True):
    """The whole comparison. ``sums`` is state → currency → minor units; ``source`` the same of what the source says."""

    flow: str
    period: str
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, dict[str, int]] = field(default_factory=dict)
    source: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    decided: list[Difference] = field(default_factory=list)
    """Differences that a person has decided about, and that are what they were then."""
    asked: bool = True
    """Whether the target could be asked what it holds."""
    undated: int = 0
    """Of what is counted, how many records were left out before anybody knew their day: they may be of another."""
    held: dict[str, Listed] = field(default_factory=dict)
    """The state of what is held (``refused``, ``queued``; ``wanted`` where it waits for approval) → what is in it."""
    left_out: dict[str, Listed] = field(default_factory=dict)
    """Reason → what was left out for it."""

    def add(self, state: str, currency: str, minor: int) -> None:
        if currency:
            sums = self.sums.setdefault(state, {})
            sums[currency] = sums.get(currency, 0) + minor


def reconcile(hub: Hub, flow: str, period: str = "") -> Reconciled:
    """Compare what the source says, what was written and what the target holds. Writes nothing.

    ``period`` is a year, a month or a day of the documents' dates: ``2010-12``. Raises ConfigError for another word.
    """
    if period and not _PERIOD.fullmatch(period):
        raise ConfigError(f"{period!r} is no period", fix="write a year, a month or a day: 2010-12", code="WHERRY-2140")
    return compared(hub, flow, period, lambda date: not date or date.startswith(period))


def compared(hub: Hub, flow: str, period: str, takes: Callable[[str], bool]) -> Reconciled:
    """The same for the records whose date (ISO, empty where there is none) is taken; ``period`` is what that is called.
    What was left out before its day was known is rather told in two periods than in none.

    Of a flow that books, "posted" is what it took into its subledger: what became of that is the tie-out's to say.
    """
    wired = hub.wiring.wire(flow, "reconcile")
    with hub.store.read() as tx:
        seen = [one for one in inquiries.all_seen(tx, flow) if not one.reason.startswith("gone: merged")]
        items = {(i.record_kind, i.record_id): i for i in ledger.open_items(tx, flow=flow, limit=_LARGEST) if i.root}
        refs = inquiries.documents_of(tx, flow, hub.project.flows.keys() - {flow}, _roots(wired))
        links = ledger.find_links(tx, wired.lane.route, {ref for some in refs.values() for ref in some})
        words = findings.find_decisions(tx, wired.lane.route, links)
    wanted = {kind: [one.source_id for one in seen if one.kind == kind] for kind in wired.mappers}
    said = comparing.at_source(hub, flow, wanted) or {}
    found = Reconciled(flow=flow, period=period)
    live = {_name(one): _live(refs, links, _name(one)) for one in seen}
    if wired.posting is not None:
        said |= _as_taken_in(hub, {name: link.target for name, link in live.items() if link and name not in said})
    lines = [_line(one, said.get(_name(one)), items.get(_name(one)), live[_name(one)]) for one in seen]
    _recall_decisions(lines, words)
    found.differences += _told_otherwise(line for line in lines if takes(line.date) or takes(line.dated or line.date))
    lines = [line for line in lines if not period or takes(line.date)]
    found.undated = sum(1 for line in lines if period and not line.date)
    for line in lines:
        _count(found, line)
    if wired.posting is None:
        found.differences += _at_target(hub, wired, found, lines)
    _number(found, lines)
    found.decided = [one for one in found.differences if one.decided]
    found.differences = [one for one in found.differences if not one.decided]
    return found


def _roots(wired: Wired) -> set[str]:
    """What records of the flow become, with the documents that it made of them before it made these."""
    names = {root for mapper in wired.mappers.values() for root in roots_of(mapper)}
    return names | set(other_forms(*names))


def _name(one: Seen) -> Name:
    return one.kind, one.source_id


def _live(refs: Mapping[Name, Iterable[Ref]], links: Mapping[Ref, LinkRow], name: Name) -> LinkRow | None:
    """The document that stands for a record; the one that was taken back where none does."""
    mine = [links[ref] for ref in refs.get(name, ()) if ref in links and links[ref].target]
    return next((link for link in mine if link.rule != REVERSED), mine[0] if mine else None)


def _as_taken_in(hub: Hub, targets: Mapping[Name, str]) -> dict[Name, Source]:
    """What records come to that their source tells no more of: as their movements stand in the subledger."""
    numbers = {name: movements.number_of(target) for name, target in targets.items()}
    with hub.store.read() as tx:
        rows = movements.by_id(tx, numbers.values())
    return {name: Source(amount=rows[id].minor, currency=rows[id].currency, date=rows[id].date)
            for name, id in numbers.items() if id in rows}  # fmt: skip


def _line(one: Seen, said: Source | None, item: ItemRow | None, link: LinkRow | None) -> Line:
    stands = link is not None and link.rule != REVERSED
    state: State = "posted" if stands else "reversed" if link is not None else "held" if item is not None else "skipped"
    body = msgspec.json.decode(link.body) if link is not None and link.body else {}
    written, currency = worth(link.entity, body) if link is not None else (None, "")
    amount = said.amount if said is not None and said.amount is not None else one.amount
    amount = written if amount is None else amount
    number = (said.number if said else "") or str(body.get("number") or "") or (item.label if item else "")
    dated = str(body.get("date") or "")
    date = (said.date if said else "") or dated or str(item.draft.body.get("date") or "" if item else "")
    line = Line(kind=one.kind, record=one.source_id, number=number, state=state, reason=one.reason, link=link,
                amount=amount or 0, item=item, date=date, dated=dated,
                currency=(said.currency if said else "") or currency or one.currency)  # fmt: skip
    if stands:
        line.posted = (written or 0) if body else line.amount
        line.held = line.amount - line.posted if item is not None else 0
    return line


def _recall_decisions(lines: Iterable[Line], words: Mapping[Ref, Decision]) -> None:
    for line in lines:
        if line.link is not None and line.link.ref in words:
            line.decision = decided.stands(words[line.link.ref], line.link, line.item)


def _count(found: Reconciled, line: Line) -> None:
    found.counts[line.state] = found.counts.get(line.state, 0) + 1
    if line.currency:
        found.source[line.currency] = found.source.get(line.currency, 0) + line.amount
    found.add(line.state, line.currency, line.posted if line.state == "posted" else line.amount)
    if line.held:
        found.add("held", line.currency, line.held)
    if line.item is not None and (line.state == "held" or line.held):
        wanted = line.item.state == "queued" and line.item.approval == "wanted"
        _list(found.held, "wanted" if wanted else line.item.state, line, line.held or line.amount)
    if line.state == "skipped":
        _list(found.left_out, homing.in_general(line.reason) or "no reason was kept", line, line.amount)


def _list(among: dict[str, Listed], why: str, line: Line, minor: int) -> None:
    listed = among.setdefault(why, Listed())
    listed.count += 1
    if len(listed.records) < _NAMED:
        listed.records.append(line.name)
        listed.numbers.append(line.number)
    if line.currency:
        listed.sums[line.currency] = listed.sums.get(line.currency, 0) + minor


def _number(found: Reconciled, lines: Iterable[Line]) -> None:
    numbers = {line.name: line.number for line in lines}
    told = ((one, numbers.get(one.record, one.number)) for one in found.differences)
    found.differences = [msgspec.structs.replace(one, number=number) for one, number in told]


def _told_otherwise(lines: Iterable[Line]) -> list[Difference]:
    """What was written and what the source says now do not come to the same, or are of two days, and no change is on
    its way. Of two months it is told in both."""
    return [
        Difference(what="source", record=line.name, number=line.number, says="; ".join(says),
                   target=line.link.target if line.link else "",
                   decided=line.decision.says if line.decision and _still_holds(line.decision, line) else "")
        for line in lines if line.state == "posted" and (says := [*_otherwise(line)])
    ]  # fmt: skip


def _otherwise(line: Line) -> Iterator[str]:
    if line.amount != line.posted + line.held:
        theirs, ours = (f"{money.text(minor, line.currency)} {line.currency}" for minor in (line.amount, line.posted))
        yield f"the source says {theirs}, {ours} was written"
    if line.dated and line.date != line.dated and line.item is None:
        yield f"the source says it is of {line.date}, {line.dated} was written"


def _still_holds(decision: Decision, line: Line) -> bool:
    return decision.amount == line.amount and decision.date in ("", line.date)


def _at_target(hub: Hub, wired: Wired, found: Reconciled, lines: Sequence[Line]) -> list[Difference]:
    items = {line.name: _item(line) for line in lines if line.link is not None and shows(line.link)}
    if not items:
        return []
    target = desk.reach(hub, wired.lane.route.sink, away=True)
    if target is None:
        found.asked = False
        return []
    held = comparing.in_target(target, items, {item.target or "" for item in items.values()})
    found.asked = bool(held)
    asked = [line for line in lines if line.name in items and line.name in held]
    unlike = [_judged(line, held[line.name], one) for line in asked
              for one in differences(line.name, items[line.name], held[line.name])]  # fmt: skip
    _remember(hub, wired, [line for line in asked if held[line.name].told], unlike)
    return unlike


def _judged(line: Line, held: Held, one: Difference) -> Difference:
    """The difference, with what a person has decided about it."""
    decision = line.decision
    if one.what not in _DECIDABLE or decision is None or not decided.covers(decision, held.facts):
        return one
    return msgspec.structs.replace(one, decided=decision.says)


def _remember(hub: Hub, wired: Wired, lines: Sequence[Line], found: Sequence[Difference]) -> None:
    """What was found is kept for ``explain``, which asks nobody; what agrees, or is decided about, is forgotten."""
    route, now = wired.lane.route, hub.store.now()
    refs = {line.name: line.link.ref for line in lines if line.link is not None}
    new = {
        refs[one.record]: Finding(what=cast(What, one.what), target=one.target, says=one.says, at=now)
        for one in found if one.what in _DECIDABLE and not one.decided
    }  # fmt: skip
    with hub.store.read() as tx:
        over = findings.find_findings(tx, route, refs.values()).keys() - new.keys()
    if new or over:
        with hub.store.write() as tx:
            findings.put_findings(tx, route, new)
            findings.drop_findings(tx, route, over)


def _item(line: Line) -> Item:
    assert line.link is not None
    return msgspec.structs.replace(item_of(line.link, line.name), label=line.record)


def item_of(link: LinkRow, name: str) -> Item:
    """What was written, as an item by which the target can be asked for it; ``name`` tells it from others."""
    body = msgspec.json.decode(link.body)
    action: Literal["write", "void"] = "void" if link.rule == REVERSED else "write"
    return Item(entity=link.entity, key=link.key, body=body, before=body, target=link.target, token=link.token,
                label=name, stamp=_stand_in(name), action=action)  # fmt: skip


def shows(link: LinkRow) -> bool:
    """Whether the document itself tells that it stands as it was written, or was taken back. What takes back a journal
    entry is another one."""
    return bool(link.body) and (link.rule != REVERSED or link.entity != "journal_entry")


def _stand_in(name: str) -> str:
    """A stamp that no item has: by it a look tells its finds apart."""
    return base64.b32encode(hashlib.blake2b(name.encode(), digest_size=20).digest()).decode().lower()[:26]


def differences(name: str, item: Item, held: Held) -> list[Difference]:
    """What the target holds otherwise than it was written, or twice."""
    target = item.target or ""
    if not held.told:
        return [Difference(what="untold", record=name, target=target, says="the target could not tell")]
    if item.action == "void":
        return [Difference(what="stands", record=name, target=target, says=STANDS)] if held.changes else []
    if not held.there:
        return [Difference(what="missing", record=name, target=target, says="it is not there any more")]
    found = []
    if held.changes:
        said = in_words(held.changes, "was written")
        found.append(Difference(what="edited", record=name, target=target, says=said))
    for twin in held.twins:
        what = "twice" if twin.ours else "alike"
        found.append(Difference(what=what, record=name, target=twin.target, says="another one of it stands there"))
    return found
