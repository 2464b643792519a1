"""Why a document is, or is not, in the target: one sentence, and all that stands behind it. Asks nobody outside.

A document is named by its number, its record's id at the source, its key, its id in the target or the number that it
was given there, or ``E-7``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.books.frozen import ENTITY
from wherry.errors import NotFound
from wherry.hub import Hub
from wherry.money import figure
from wherry.operating import behind, desk, leaving, tracing
from wherry.operating.standings import Teller, day, moment
from wherry.operating.subjects import Subject, body_of, texts_of
from wherry.protocol import homing, said
from wherry.protocol.rows import ABANDONED, REVERSED
from wherry.records import Ref
from wherry.redaction import scrub
from wherry.runs import dying
from wherry.settings import Flow
from wherry.store import homes, inquiries, ledger, questions, registry
from wherry.store.database import Tx
from wherry.store.findings import Decision
from wherry.store.inquiries import Placed
from wherry.store.leavings import ONCE
from wherry.store.ledger import Event, ItemRow, LinkRow, Route, Seen
from wherry.store.movements import MovementRow
from wherry.store.registry import Bound
from wherry.wording import bare

_MOST = 20
_OPEN_ITEM, _MOVEMENT = re.compile(r"[eE]-\d+").fullmatch, re.compile(r"[mM]-\d+").fullmatch
_QUESTION = re.compile(r"[tT]-\d+").fullmatch


def explain(hub: Hub, word: str = "", target: str = "", kind: str = "") -> list[dict[str, Any]]:
    """What is to be said of a document, for each flow that knows it. ``kind`` takes only what is of that kind, at the
    source or in the target. Raises NotFound where nobody knows it."""
    with hub.store.read() as tx:
        view = View(hub, tx)
        found = view.subjects(word.strip(), target.strip(), kind)
        if not found:
            raise NotFound(
                view.never_read(target or word, bool(target)), code="WHERRY-3085", document=target or word,
                fix=_shown_by(tx, word.strip()) or view.unread() or "check the number; a document is found by its "
                "number, its record's id, its key, or --target ID",
            )  # fmt: skip
        return [view.told(one, word or target) for one in found[:_MOST]]


def _shown_by(tx: Tx, word: str) -> str:
    """The command that tells of what is no document; empty where it is unknown."""
    if _QUESTION(word):
        return f"wherry triage show {word.upper()}"
    return f"wherry runs show {word}" if word and registry.find_runs(tx, id=word, limit=1) else ""


class View(Teller):
    """What is to be said of what was found."""

    # -- the sentence -------------------------------------------------------------------------------------------------

    def told(self, one: Subject, word: str) -> dict[str, Any]:
        """The sentence, and what stands behind it."""
        told, former = self._history(one), f"{one.former} is no longer open: " if one.former else ""
        word = (one.record if one.former else "") or word
        item, link = one.item.item if one.item else None, one.link
        word_given, decision, members = self._approved(one), self.decision(one), self._members(one)
        return {
            "document": self.name(one, word), "state": self._state(one),
            "sentence": scrub(former + self.sentence(one, word) + _before(one)),
            "flow": one.flow, "ref": {"entity": one.ref.entity, "key": one.ref.key} if one.ref is not None else None,
            "record": self._record(one), "imports": self._imports(one), "target": self._target(one),
            "approved": {"at": word_given[0], "by": word_given[1]} if word_given else None,
            "decision": msgspec.to_builtins(decision) if decision is not None else None,
            "open": desk.row(item) if item is not None else None,
            "map": self._map(one), "matches": self._matches(one), "movements": len(members),
            "members": [tracing.member(self.tx, row) for row in members[:_MOST]],
            "evidence": desk.evidence(item) if item is not None else None,
            "payload": item.draft.body if item is not None and item.draft.body else body_of(link),
            "calls": desk.sent_calls(self.tx, told, item.call if item else 0, link.call if link else 0),
            "history": [desk.told(event) for event in told],
        }  # fmt: skip

    def name(self, one: Subject, word: str) -> str:
        """``invoice 536365``."""
        if one.movement is not None:
            return tracing.name(one.movement)
        entity = one.ref.entity if one.ref is not None else one.kind
        body = body_of(one.link)
        label = (one.item.item.label if one.item else "") or str(body.get("number") or body.get("name") or "")
        return f"{entity.replace('_', ' ')} {label or word}"

    def sentence(self, one: Subject, word: str) -> str:
        """Whether it is in the target, since when and as what; or why not."""
        name, there = self.name(one, word), self._there(one)
        if one.movement is not None:
            flow = self.hub.project.flows.get(one.flow)
            before = tracing.before(self.tx, one.route, one.movement) if one.route is not None else ""
            return tracing.sentence(self.tx, one.movement, flow, there, one.link, one.item, self.because) + before
        name = name[:1].upper() + name[1:] + self._of_many(one)
        if one.link is not None and one.link.rule == REVERSED:
            taken = f"{name} was taken back in {there} on {day(one.link.made_at)}; it had been {one.link.target} there"
            events = reversed(self.events_of(one.link.ref))
            why = next((event.reason for event in events if event.fate == "reversed"), "")
            return self._and(taken + (f" ({bare(why)})" if why else ""), one, "a newer version of it")
        if one.link is not None and one.link.target:
            return self._written(one, one.link, name, there)
        if one.item is not None:
            return f"{name} is not in {there}: it {self.because(one.item)}"
        if one.link is not None:
            up = one.link.rule == ABANDONED
            again = f"; {self._reopening(one, word)} takes it up again" if up else ""
            what = "gave it up" if up else "said to leave it out"
            when = day(one.link.made_at)
            return f"{name} is not in {there}: {one.link.made_by} {what} on {when}{self._why(one)}{again}"
        if one.seen is not None:
            by = f"sent to {there} by flow {one.flow}" if self._has_a_home(one) else f"in {there}"
            return f"{name} is not {by}: {self._left_out(one.seen)}"
        return f"{name} is not in {there}: {self._not_read(one)}"

    def _has_a_home(self, one: Subject) -> bool:
        """Whether the record of something that a flow left out went there by another one."""
        known = homes.of_records(self.tx, one.route, one.kind, [one.record]) if one.route is not None else ()
        return any(home.form != "waits" for home in known)

    def _members(self, one: Subject) -> list[MovementRow]:
        """What a journal entry is made of."""
        if one.movement is not None or one.route is None or one.ref is None or one.ref.entity != ENTITY:
            return []
        if one.members is None:
            one.members = tracing.members(self.tx, one.route.sink, one.flow, one.ref.key)
        return one.members

    def _of_many(self, one: Subject) -> str:
        number = len(self._members(one))
        return f" of {number} movement{'s' * (number > 1)}" if number else ""

    def _written(self, one: Subject, link: LinkRow, name: str, there: str) -> str:
        decision = self.decision(one)
        decision_said = _decided(decision, link)
        if gone := self.gone(one):
            lost = f"{name} is no longer in {there}: it was {link.target} there, and was found deleted on {day(gone)}"
            open_ = one.item is not None or decision is not None
            again = "" if open_ else f"; to decide about it: {self._reopening(one, name)}"
            return self._and(f"{lost}{decision_said}{again}", one, "a newer version of it")
        said = f"{name} is in {there} as {link.target} since {moment(self._since(link))}: {self._how(one, link)}"
        if one.item is not None and one.item.item.state == "differs":
            return f"{said}; but {bare(one.item.item.reason)}"
        finding = self._finding(one)
        if finding is not None:
            again = "" if one.item is not None else f"; to decide about it: {self._reopening(one, name)}"
            said += f"; found to be edited there on {day(finding.at)}: {bare(finding.says)}{again}"
        return self._and(f"{said}{decision_said}", one, "a newer version of it")

    def _and(self, said: str, one: Subject, what: str) -> str:
        if one.item is not None:
            reopened = one.item.item.state == "decide" and not one.item.item.call and not one.item.item.target
            what = "it" if reopened else "its reversal" if one.item.item.draft.void else what
            return f"{said}; {what} {self.because(one.item)}"
        if one.seen is None:
            return said
        if one.seen.reason.startswith("gone:"):
            return f"{said}; its record is {one.seen.reason.removeprefix('gone: ')}"
        if stays := homing.why_it_stays(one.seen.reason):
            return f"{said}; {stays}"
        left_out = one.seen.fate == "skipped" and one.seen.reason != ONCE
        return f"{said}; {what} {self._left_out(one.seen).removeprefix('it ')}" if left_out else said

    def because(self, one: Placed, depth: int = 0) -> str:
        """Why an open item has not got further, down to what holds everything up."""
        item = one.item
        if item.state == "waiting":
            needs = behind.chain(self.tx, one)
            if not needs or depth >= _MOST:
                return bare(item.reason) or "waits for something else"
            need = needs[0]
            whom = f"{need.item.entity.replace('_', ' ')} {need.item.label or need.item.key}"
            return f"waits for its {whom}, which {self.because(need, depth + 1)}"
        if item.state == "triage":
            asked = questions.questions_of(self.tx, one.route, [item.ref]).get(item.ref)
            return f"waits for an answer to T-{asked.id}: {bare(asked.why)}" if asked else f"waits: {bare(item.reason)}"
        return _stands(item, self._leaves_with(one))

    def _leaves_with(self, one: Placed) -> str:
        sink = self.bound.get(one.route.target)
        return leaving.with_what(self.hub, sink.name) if sink is not None else leaving.RUN

    def _left_out(self, seen: Seen) -> str:
        """Of a record of which nothing is open and nothing is linked."""
        gone = seen.reason.startswith("gone:")
        how = "its record is" if gone else "it was left out," if seen.fate == "skipped" else f"it was {seen.fate},"
        amount = f" ({figure(seen.amount, seen.currency)} {seen.currency})" if seen.amount is not None else ""
        reason = bare(seen.reason.removeprefix("gone: ")) or "no reason was kept"
        return f"{how} {reason}{amount}; seen by run {seen.run}" if seen.run else f"{how} {reason}{amount}"

    def _why(self, one: Subject) -> str:
        reason = one.seen.reason if one.seen is not None else ""
        return f": {bare(reason)}" if reason else ""

    def _not_read(self, one: Subject) -> str:
        return f"{self._source_name(one.flow)} has it, and {self._has_read(one.flow)}"

    def never_read(self, word: str, target: bool) -> str:
        """Of what nobody knows: what is read at all, and how far."""
        if target:
            return f"nothing that Wherry wrote or linked has the id {word} in a target"
        if _OPEN_ITEM(word):
            return f"{word} is not open: it is done by now, or never was"
        said = "; ".join(self._has_read(name) for name in sorted(self.hub.project.flows))
        what = f"there is no movement {word}" if _MOVEMENT(word) else f"no flow has ever read {word}"
        return what + (f": {said}" if said else ": the project has no flows")

    def unread(self) -> str:
        """The command that reads what no flow has read yet; empty where all have read."""
        read = {mark.flow for mark in registry.all_marks(self.tx)}
        fresh = next((name for name in sorted(self.hub.project.flows) if name not in read and not self._ran(name)), "")
        return f"read the source first, then ask again: wherry run {fresh}" if fresh else ""

    def _ran(self, name: str) -> bool:
        return any(run.state == "ok" for run in registry.find_runs(self.tx, flow=name, limit=1, whole=True))

    def _has_read(self, name: str) -> str:
        flow = self.hub.project.flows[name]
        marks = [mark for mark in registry.all_marks(self.tx) if mark.flow == name]
        read = f"last read on {moment(max(mark.saved_at for mark in marks))}" if marks else self._last_run(name)
        state = registry.flow_state(self.tx, name).state
        what = ", ".join(flow.kinds).replace("_", " ") or "records"
        paused = ", and is paused" if state == "paused" else ""
        return f"flow {name} reads {what} of {flow.source}{_conditions(flow)}, {read}{paused}"

    def _last_run(self, name: str) -> str:
        """Of a flow without a mark: a source that has nothing to give yet gives none."""
        last = next(iter(registry.find_runs(self.tx, flow=name, limit=1)), None)
        if last is None:
            return "which never ran"
        if last.state == "ok":
            return f"which found nothing to read on {moment(last.finished_at)}"
        state = dying.state(self.hub.store, last)
        return f"which has read nothing yet (its last run: {state}, {moment(last.started_at)})"

    # -- what stands behind it ----------------------------------------------------------------------------------------

    def _history(self, one: Subject) -> list[Event]:
        """Of the record with all that was made of it, or of the thing alone."""
        told = inquiries.told_of_record(self.tx, one.flow, one.kind, one.record) if one.record else []
        events = self.events_of(one.ref) if one.ref is not None else []
        mine = [event for event in events if event.flow == one.flow]
        return sorted(dict.fromkeys([*told, *mine]), key=lambda event: event.at)

    def _state(self, one: Subject) -> str:
        if one.item is not None:
            return one.item.item.state
        if one.link is not None and one.link.rule not in (REVERSED, ABANDONED, "ignored"):
            return "missing" if self.gone(one) else "written"
        if one.link is not None:
            return one.link.rule
        return one.seen.fate if one.seen is not None else "never read"

    def _record(self, one: Subject) -> dict[str, Any] | None:
        if not one.record:
            return None
        seen = one.seen
        return {
            "kind": one.kind, "id": one.record, "source": self._source_of(one),
            "version": seen.version if seen else "", "run": seen.run if seen else "",
            "outcome": seen.fate if seen else "", "reason": scrub(seen.reason) if seen else "",
            "amount": seen.amount if seen else None, "currency": seen.currency if seen else "",
        }  # fmt: skip

    def _target(self, one: Subject) -> dict[str, Any] | None:
        link, sink = one.link, self._sink(one)
        if link is None or not link.target:
            return None
        return {
            "connection": sink.name if sink else "", "account": sink.account_name if sink else "",
            "account_id": sink.account_id if sink else "", "id": link.target, "since": self._since(link),
            "written": link.made_at, "rule": link.rule,
            "by": link.made_by, "run": link.run, "call": link.call or None, "version": link.token,
        }  # fmt: skip

    def _map(self, one: Subject) -> dict[str, str] | None:
        mark = registry.mark(self.tx, one.flow, one.kind) if one.kind else None
        return {"kind": mark.kind, "fingerprint": mark.map} if mark is not None else None

    def _matches(self, one: Subject) -> list[dict[str, Any]]:
        """How each thing that the document refers to was matched."""
        if one.route is None:
            return []
        refs = list(one.item.item.draft.refs) if one.item is not None else []
        linked = ledger.find_links(self.tx, one.route, refs)
        found = [self._match(ref, linked.get(ref), self._open(one.route, ref)) for ref in refs]
        if not refs and one.link is not None and one.link.body:
            found = [self._match(link.ref, link, None) for link in self._named_in(one.route, body_of(one.link))]
        return found

    def _named_in(self, route: Route, body: Mapping[str, Any]) -> list[LinkRow]:
        """Links to the ids that a written body names under the name of their entity."""
        said = dict.fromkeys((name, value) for name, value in texts_of(body))
        found = inquiries.links_to(self.tx, [value for _, value in said], sink=route.sink)
        mine = [one.link for one in found if one.route == route]
        return [link for link in mine if (link.entity, link.target) in said]

    def _match(self, ref: Ref, link: LinkRow | None, item: Placed | None) -> dict[str, Any]:
        body = body_of(link)
        label = item.item.label if item is not None else str(body.get("name") or body.get("number") or "")
        return {
            "entity": ref.entity, "key": ref.key, "label": label, "target": link.target if link else "",
            "rule": link.rule if link else "", "by": link.made_by if link else "",
            "state": item.item.state if item is not None else "", "reason": scrub(item.item.reason) if item else "",
        }  # fmt: skip

    def _sink(self, one: Subject) -> Bound | None:
        return self.bound.get(one.route.sink) if one.route is not None else None

    def _there(self, one: Subject) -> str:
        sink = self._sink(one)
        if sink is not None:
            return f"{sink.name} ({sink.account_name})" if sink.account_name else sink.name
        settings = self.hub.project.flows.get(one.flow)
        return settings.sink if settings is not None else "the target"

    def _source_of(self, one: Subject) -> str:
        """Also where the project calls the flow otherwise by now."""
        row = self.bound.get(one.route.source) if one.route is not None else None
        return self._source_name(one.flow) or (row.name if row is not None else "")

    def _source_name(self, flow: str) -> str:
        settings = self.hub.project.flows.get(flow)
        return settings.source if settings is not None else ""


# -- words ------------------------------------------------------------------------------------------------------------


def _before(one: Subject) -> str:
    """Of what has another id there by now than the one that was asked for."""
    if one.before is None or (one.link is not None and one.link.rule == REVERSED):
        return ""
    return f"; as {one.before.target} it was taken back there on {day(one.before.at)}"


def _decided(decision: Decision | None, link: LinkRow) -> str:
    """What a person decided, unless it was to link it, and that has been said; then only what he noted."""
    if decision is None:
        return ""
    if decision.how == "linked" and link.rule == "person":
        return f" ({bare(decision.note)})" if decision.note else ""
    return f"; {bare(decision.says)}"


def _stands(item: ItemRow, leaves_with: str) -> str:
    """Why an open item that waits for nothing else has not got further."""
    reason = bare(item.reason).removeprefix(f"{item.entity.replace('_', ' ')} {item.label or item.key}: ")
    if item.state == "queued" and item.approval == "wanted":
        return f"is prepared and {reason or 'waits for approval'} (E-{item.id})"
    if item.state == "queued":
        return f"is ready and leaves with {leaves_with}" + (f": {reason}" if reason else "")
    if item.state == "unknown" and said.of(item) is not None:
        return f"is to be linked by hand: {reason}; {leaves_with} brings that"
    if item.state == "unknown":
        when = f"; it is looked up from {moment(item.due)} on" if item.due else f"; it is looked up by {leaves_with}"
        return f"was sent, and what became of it is not known yet ({reason or 'the answer was lost'}){when}"
    words = {"refused": "was refused", "decide": "waits for your decision", "differs": "is held otherwise there"}
    fix = item.fix.replace("E-N", f"E-{item.id}")
    return f"{words.get(item.state, item.state)} (E-{item.id}): {reason}" + (f"; {fix}" if fix else "")


def _conditions(flow: Flow) -> str:
    """What a flow takes, as its settings say it."""
    said = []
    if flow.when is not None:
        said.append(f"of status {' or '.join(flow.when.status)}")
    if flow.filter:
        said.append(f"where {flow.filter}")
    if flow.pipelines:
        said.append(f"in pipeline {', '.join(one.id for one in flow.pipelines)}")
    if flow.changed_since:
        said.append(f"changed since {flow.changed_since}")
    return f" ({', '.join(said)})" if said else ""
