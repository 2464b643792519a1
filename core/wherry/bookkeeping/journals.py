"""Journals as a bookkeeper works with them: seen before anything is written, and posted on his word.

``preview`` reads the source and books in a transaction that is rolled back. ``post`` goes the way of every run, and
approves exactly the entries that were shown. Source: behaviours.md 000 and 004.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from wherry import money
from wherry.accounting import Entry, LeftOut
from wherry.bookkeeping import fiscal, trail
from wherry.bookkeeping.fiscal import Asked
from wherry.books import bodies, booking, stuck
from wherry.books.booking import Booked
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Arrangement, Booking, Selection, week_start
from wherry.books.keys import parts
from wherry.books.unbooked import GIVEN_UP, REVERSED_ENTRY
from wherry.errors import EXIT_PERSON, Guarded, NotFound, Rejected, WherryError
from wherry.hub import Hub
from wherry.operating import approvals, desk
from wherry.project import planning
from wherry.protocol import steps
from wherry.protocol.steps import Outcome, Step
from wherry.protocol.tally import Tally
from wherry.records import Ref
from wherry.roles import HasPeriods
from wherry.runs import engine
from wherry.runs.job import Job, Options, Wired, residue
from wherry.settings import Flow
from wherry.store import audit, exported, ledger
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.movements import MovementRow

_NAMED = 1_000
"""How many movements of each reason are named."""
_FIXES = {
    "uncategorised": "wherry accounts map {flow}",
    "no-account": "name an account or a category at the source, or in the map",
    "held": "wherry periods list {flow}, or the settings late and closed of the flow",
    "no-rate": "add the rate to the table of rates of {flow}", "rounding": "set rounding on {flow}",
}  # fmt: skip


class Looked(Struct, kw_only=True):
    """What a look came to: nothing of it is in the store."""

    flow: Flow
    pick: Selection
    job: Job
    rows: list[MovementRow]
    """Every movement of the flow, those that were just read among them."""
    outcomes: Mapping[Ref, Outcome]
    made: list[Step]
    tally: Tally

    @property
    def found(self) -> Arrangement:
        assert self.job.booked is not None
        return self.job.booked.arrangement


class Preview(Struct, kw_only=True):
    """What would be posted. ``data`` is what people are shown; ``said`` has, by key, a digest of each entry."""

    data: dict[str, Any]
    said: dict[str, str]
    left: list[LeftOut]

    @property
    def exit_code(self) -> int:
        """4 where something waits for a person before it can be booked."""
        stuck = any(entry["state"] == "refused" for entry in self.data["entries"])
        return EXIT_PERSON if self.data["blocked"] or stuck else 0


# -- before anything is written ----------------------------------------------------------------------------------------


def preview(hub: Hub, name: str, asked: Asked) -> Preview:
    """The entries that the movements of a flow come to, and what is left out of them. Writes nothing.

    Raises ConfigError, NotFound for what is asked wrongly; Guarded where a closed period is to stop everything; what
    reading raises.
    """
    flow = trail.booking_flow(hub, name)
    pick = fiscal.selection(hub, flow, asked)
    looked = look(hub, flow, asked.group, pick)
    _must_know(asked, looked.rows)
    data = {
        "flow": name, "group": looked.job.wired.flow.group, "period": asked.period, "partitions": list(pick.partitions),
        "first": pick.first.isoformat() if pick.first else "", "last": pick.last.isoformat() if pick.last else "",
        **_booked(hub, looked), **_not_booked(looked), "rounding": residue(looked.job.wired),
    }  # fmt: skip
    return Preview(data=data, said=said(looked.found.bookings), left=looked.found.left)


def look(hub: Hub, flow: Flow, group: str, pick: Selection) -> Looked:
    """Go the way of a run and roll it back: read, mapped, categorised, grouped, said in the target's words."""
    hub.wiring.renew()
    wired = planning.foresight(_wired(hub, flow.name, "preview", group))
    job = Job(wired=wired, options=Options(), catalogues=hub.wiring.catalogues(wired), rehearsal=True)
    rows: list[MovementRow] = []
    would = hub.would_book(job, pick)

    def then(tx: Tx) -> tuple[dict[Ref, Outcome], list[Step]]:
        rows.extend(trail.subledger_rows(tx, flow))
        return would(tx)

    tally, outcomes, made = engine.rehearse(job, then)
    planning.told(wired.sending, made, outcomes)  # what the target has no words for is refused by it
    return Looked(flow=flow, pick=pick, job=job, rows=rows, outcomes=outcomes, made=made, tally=tally)


def _wired(hub: Hub, name: str, run: str, group: str) -> Wired:
    """The flow with its parts, grouped otherwise where that is asked for."""
    wired = hub.wiring.wire(name, run)
    if not group or group == wired.flow.group:
        return wired
    return msgspec.structs.replace(wired, flow=wired.flow.model_copy(update={"group": group}))


def _must_know(asked: Asked, rows: Iterable[MovementRow]) -> None:
    known = sorted({row.partition for row in rows if row.partition})
    stray = next((one for one in asked.partitions if one not in known), None)
    if stray is not None:
        raise NotFound(
            f"no movement is of {stray}", code="WHERRY-3090", partition=stray,
            fix=f"there are: {', '.join(known[:20])}" if known else "no movement names a wallet or other partition",
        )  # fmt: skip


def said(bookings: Iterable[Booking]) -> dict[str, str]:
    """Key → what stands for all that an entry says."""
    return {one.key: steps.digest(one.draft.body) for one in bookings}


# -- as people are told of it ------------------------------------------------------------------------------------------


def _booked(hub: Hub, looked: Looked) -> dict[str, Any]:
    """The entries, and what is in the books already."""
    found, wired = looked.found, looked.job.wired
    assert wired.posting is not None
    done = [row for row in looked.rows if row.entry in found.fixed and looked.pick.takes(row)]
    until = hub.bookkeeper.closed_until(wired.posting)
    plain, made = _Plain(hub, wired), {step.ref: step for step in looked.made}
    entries = [_told(plain(one.entry), one, looked.outcomes, made.get(Ref(ENTITY, one.key))) for one in found.bookings]
    if found.blocked:  # nothing was tried of them
        chart, home = hub.bookkeeper.chart(wired.posting.route.sink), hub.project.currency
        entries = [_untried(told, booking.refusal(chart, home, one.entry))
                   for told, one in zip(entries, found.bookings, strict=True)]  # fmt: skip
    sums: dict[str, int] = {}
    for entry in entries:
        desk.add(sums, entry["minor"], entry["currency"])
    return {
        "entries": entries, "sums": sums, "blocked": found.blocked,
        "coming": [plain(entry) for entry in found.coming],
        "already": {"movements": len(done), "entries": len({row.entry for row in done}),
                    "sums": trail.sums_of(done, wired.flow.gains)},
        "closed_until": until.isoformat() if until else "", "tells_periods": isinstance(wired.posting.sink, HasPeriods),
    }  # fmt: skip


def _told(
    plain: dict[str, Any], one: Booking, outcomes: Mapping[Ref, Outcome], step: Step | None
) -> dict[str, Any]:  # fmt: skip
    outcome = outcomes.get(Ref(ENTITY, one.key))
    stuck = outcome is not None and outcome.fate in ("refused", "waiting", "triage")
    return {
        **plain, "key": one.key, "partition": parts(one.key).partition,
        "state": outcome.fate if outcome is not None and stuck else "ready",
        "reason": outcome.reason if outcome is not None else "",
        "fix": step.refusal.fix if step is not None and step.refusal is not None else "",
    }  # fmt: skip


def _untried(told: dict[str, Any], refusal: Rejected | None) -> dict[str, Any]:
    """An entry that waits for others, and what would be amiss with it once these are there."""
    return told if refusal is None else {**told, "state": "refused", "reason": refusal.message, "fix": refusal.fix}


class _Plain:
    """Says entries for JSON, with the days that they stand for."""

    def __init__(self, hub: Hub, wired: Wired) -> None:
        assert wired.posting is not None
        self.flow, self.calendar = wired.flow, hub.bookkeeper.calendar(wired.flow)
        self.chart = hub.bookkeeper.chart(wired.posting.route.sink)

    def __call__(self, entry: Entry) -> dict[str, Any]:
        bucket = self.calendar.bucket_of(entry.date, self.flow.group, week_start(self.flow))
        return {
            **trail.told_entry(entry, self.chart), "movements": len(entry.members), "group": self.flow.group,
            "first": bucket.first.isoformat(), "last": bucket.last.isoformat(),
            "cut": self.flow.group == "week" and (bucket.last - bucket.first).days < 6,
        }  # fmt: skip


def _not_booked(looked: Looked) -> dict[str, Any]:
    """What is left out and why: movements by their reason, and records that never became one."""
    free, gains = looked.found.free, looked.flow.gains
    exact, rows = bodies.unrounded(free, gains=gains), {row.id: row for row in free}
    small = [one for one in looked.found.left if one.reason == "under-one-cent"]
    rest = [one for one in looked.found.left if one.reason != "under-one-cent"]
    return {
        "left_out": [_left(looked.flow, one, rows) for one in rest],
        "under_one_cent": [{**_left(looked.flow, one, rows), "exact": _exact(one, exact)} for one in small],
        "skipped": _skipped(looked.tally), "refused": looked.tally.as_data()["refused"],
    }  # fmt: skip


def _exact(one: LeftOut, unrounded: Mapping[int, Decimal]) -> str:
    """What is left out as too small comes to, in major units, before it was rounded."""
    minor = sum((abs(unrounded[id]) for id in one.members if id in unrounded), Decimal(0)) or Decimal(one.minor)
    places = money.decimals(one.currency)
    whole = minor.scaleb(-places).normalize()
    least = Decimal(1).scaleb(-places)
    return format(whole.quantize(least) if whole == whole.quantize(least) else whole, "f")


def _left(flow: Flow, one: LeftOut, rows: Mapping[int, MovementRow]) -> dict[str, Any]:
    fix = _FIXES.get(one.reason, "")
    if one.detail.startswith(REVERSED_ENTRY):
        fix = f"wherry journal reverse {flow.name} NUMBER --repost"
    elif one.detail.startswith(GIVEN_UP):
        fix = f"wherry errors reopen {one.detail.partition('(')[2].rstrip(')')}"
    return {
        "reason": one.reason, "detail": one.detail, "movements": len(one.members), "minor": one.minor,
        "currency": one.currency, "fix": fix.format(flow=flow.name), "names": stuck.names(rows, one.members, _NAMED),
    }  # fmt: skip


def _skipped(tally: Tally) -> list[dict[str, Any]]:
    """Records that a rule keeps out of the books, of those that were just read."""
    return [
        {"kind": kind, "reason": reason, "records": number, "sums": dict(tally.amounts[kind][reason])}
        for kind, fates in sorted(tally.reasons.items())
        for reason, number in fates.get("skipped", {}).items() if kind in tally.records
    ]  # fmt: skip


# -- posting -----------------------------------------------------------------------------------------------------------


class Posted(Struct, kw_only=True):
    """What posting brought about: how each entry stands now, and what kept the target from being reached."""

    run: str
    items: list[dict[str, Any]]
    error: WherryError | None = None


def post(hub: Hub, name: str, asked: Asked, shown: Preview, *, second: str = "") -> Posted:
    """Run the flow, book what is asked for, approve exactly the entries that were shown, and send them.

    ``second`` is who else has agreed. Raises Guarded where it would be something else now, where a movement has no
    account, or where two people have to agree: then nothing is approved; and what the run raises.
    """
    flow = trail.booking_flow(hub, name)
    approvals.must_agree([flow], second)
    pick = fiscal.selection(hub, flow, asked)
    report = hub.run(name)
    if report.error is not None:
        raise report.error
    run = str(report.data["run"])
    found = _book(hub, name, run, asked.group, pick).arrangement
    if found.blocked:
        raise blocked(name, found.left)
    _as_shown(name, shown.said, said(found.bookings), found.fixed)
    return _send(hub, flow, run, list(shown.said), second)


def _book(hub: Hub, name: str, run: str, group: str, pick: Selection) -> Booked:
    """The entries of the selection enter the ledger, beside what the run has prepared of the rest."""
    with hub.store.lock(f"flow:{name}"):
        wired = _wired(hub, name, run, group)
        job = Job(wired=wired, options=Options(), catalogues=hub.wiring.catalogues(wired))
        hub.book(job, pick)
    assert job.booked is not None
    return job.booked


def blocked(name: str, left: Iterable[LeftOut]) -> Guarded:
    """Nothing is posted until every movement of the selection has its accounts (behaviours 004.9 and 004.11)."""
    missing = [one for one in left if one.reason in ("uncategorised", "no-account")]
    details = list(dict.fromkeys(told for one in missing for told in one.detail.split("; ")))
    more = f", and {len(details) - 5} more" if len(details) > 5 else ""
    number = sum(len(one.members) for one in missing)
    return Guarded(
        f"{name}: nothing was posted, because {number} movements have no account yet: {'; '.join(details[:5])}{more}",
        fix=f"wherry accounts map {name}", code="WHERRY-7081", flow=name,
    )  # fmt: skip


def _as_shown(name: str, shown: Mapping[str, str], now: Mapping[str, str], sent: set[str]) -> None:
    """Raises Guarded unless each entry is the one that was shown, or was sent by now."""
    stray = next((key for key in now if now[key] != shown.get(key)), None)
    stray = stray or next((key for key in shown if key not in now and key not in sent), None)
    if stray is not None:
        raise Guarded(
            f"{name}: nothing was posted, because it is no longer what was shown ({_spelled(stray)})",
            fix=f"look again: wherry journal preview {name}", code="WHERRY-7084", flow=name,
        )  # fmt: skip


def _spelled(key: str) -> str:
    """The group and the wallet that a key of an entry stands for, in words."""
    said = parts(key)
    return f"{said.bucket} of {said.partition}" if said.partition else said.bucket


def _send(hub: Hub, flow: Flow, run: str, keys: list[str], second: str) -> Posted:
    """The person's word for these entries, and the drain."""
    with hub.store.read() as tx:
        route = trail.route_of(tx, flow)
        assert route is not None
        items = ledger.find_items(tx, route, [Ref(ENTITY, key) for key in keys])
        before = [Placed(route, item) for item in items.values()]
    waiting = {row["id"] for row in approvals.waiting(hub, flow.name)["items"]}
    ids = [one.item.id for one in before if f"E-{one.item.id}" in waiting]
    with hub.store.write() as tx:
        told = {"run": run, "entries": keys[:1000], "approved": ids, **({"second": second} if second else {})}
        audit.write(tx, hub.store.now(), "journal.post", flow.name, told)
    error = approvals.approve(hub, flow.name, ids, second=second).error if ids else desk.send(hub, before)
    with hub.store.read() as tx:
        return Posted(run=run, items=[_standing(tx, flow, key, items) for key in keys], error=error)


def _standing(tx: Tx, flow: Flow, key: str, items: Mapping[Ref, Any]) -> dict[str, Any]:
    route = trail.route_of(tx, flow)
    assert route is not None
    ref = Ref(ENTITY, key)
    if ref in items:
        return desk.standing(tx, [Placed(route, items[ref])])[0]
    link = ledger.find_links(tx, route, [ref]).get(ref)
    return {
        "id": "", "entity": ENTITY, "key": key, "label": exported.said(link, "number") if link else _spelled(key),
        "state": "created" if link else "", "reason": "",
        "target": link.target if link else "", "fix": "", "amount": None, "currency": "", "approval": "",
    }  # fmt: skip
