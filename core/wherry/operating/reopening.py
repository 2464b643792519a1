"""What was decided, or done, is put before a person again: what was given up, and what the target holds no more.

What was given up is open again as it was. What is linked is looked at in the target first; if that holds it as it was
written there is nothing to decide. So a customer that was deleted there is decided about as a document is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wherry.books.frozen import ENTITY
from wherry.errors import Guarded, NotFound
from wherry.hub import Hub
from wherry.operating import desk, linking
from wherry.operating.deciding import Done
from wherry.operating.reconciling import STANDS, item_of, shows
from wherry.operating.subjects import Finder, Subject, body_of, texts_of
from wherry.protocol import flight, halfway, homing, resolving, rows, sinks, writing
from wherry.protocol.flight import Target
from wherry.protocol.rows import worth
from wherry.protocol.steps import differing, references, stamp_of
from wherry.records import Answer, Draft, Found, Ref
from wherry.roles import Asks
from wherry.store import audit, findings, inquiries, ledger
from wherry.store.database import Tx
from wherry.store.findings import GivenUp
from wherry.store.inquiries import Placed
from wherry.store.ledger import ItemRow, LinkRow, Route, Seen
from wherry.wording import spelled

_STATE = "state"
"""The fact by which a target tells that it holds something, but no longer lets it be used."""


class Meant(Struct, frozen=True, kw_only=True):
    """The one thing that a name stands for, and what was given up of it."""

    subject: Subject
    route: Route
    ref: Ref
    given_up: GivenUp | None


def reopen(hub: Hub, word: str = "", target: str = "", kind: str = "", note: str = "") -> Done:
    """Open again what the name stands for, so that it can be decided about; nothing is sent.

    Raises NotFound where nobody knows it, Guarded where several things have the name, where it is open already, and
    where there is nothing to decide. Raises what a read of the target raises.
    """
    with hub.store.read() as tx:
        meant = _meant(hub, tx, word.strip(), target.strip(), kind)
    given = meant.given_up
    placed = _taken_up(hub, given, note) if given is not None else _looked_at(hub, meant, note)
    with hub.store.read() as tx:
        return Done(items=desk.standing(tx, [placed]))


# -- which one --------------------------------------------------------------------------------------------------------


def _meant(hub: Hub, tx: Tx, word: str, target: str, kind: str) -> Meant:
    if word[:2].lower() == "e-" and word[2:].isdecimal() and (given := findings.given_up_as(tx, int(word[2:]))):
        subject = Subject(flow=given.item.flow, route=given.route, ref=given.item.ref)
        return Meant(subject=subject, route=given.route, ref=given.item.ref, given_up=given)
    one = _only(Finder(hub, tx).subjects(word, target, kind), target or word)
    if one.ref is None or one.route is None:
        raise _nothing(one, target or word, "nothing was decided about it, and nothing of it was written")
    if one.item is not None:
        raise _open_already(one.item.item, target or word)
    given_up = findings.find_given_up(tx, one.route, one.ref)
    if given_up is not None and _written_since(given_up, one.link):
        given_up = None
    return Meant(subject=one, route=one.route, ref=one.ref, given_up=given_up)


def _open_already(item: ItemRow, word: str) -> Guarded:
    number = f"E-{item.id}"
    return Guarded(
        f"{spelled(item.entity)} {word} is open already as {number}",
        fix=f"wherry errors show {number}",
        code="WHERRY-7110",
    )


def _only(found: list[Subject], word: str) -> Subject:
    if not found:
        raise NotFound(
            f"nothing that Wherry read, wrote or linked is called {word}", code="WHERRY-3095", document=word,
            fix="a thing is found by its number, its record's id, its key, E-N, or --target ID",
        )  # fmt: skip
    if len({one.ref for one in found}) > 1:
        kinds = ", ".join(sorted({one.ref.entity if one.ref is not None else one.kind for one in found}))
        raise Guarded(f"{word} stands for several things: {kinds}", fix="say which: --kind KIND", code="WHERRY-7111")
    return found[0]


def _nothing(one: Subject, word: str, why: str) -> Guarded:
    what = one.ref.entity if one.ref is not None else one.kind
    return Guarded(f"{what} {word}: {why}", fix=f"wherry explain {word}", code="WHERRY-7112")


# -- what was given up ------------------------------------------------------------------------------------------------


def _taken_up(hub: Hub, given: GivenUp, note: str) -> Placed:
    """The item under its number, in the version that was read last. What was linked beside it stays."""
    item, route, now = given.item, given.route, hub.store.now()
    placed, lane = Placed(route, item), desk.lane(hub, Placed(route, item))
    with hub.store.write() as tx:
        link = ledger.find_links(tx, route, [item.ref]).get(item.ref)
        _refuse_overtaken(tx, given, link)
        homing.take_up(tx, lane, item)
        if link is not None and link.target:  # what was given up counted as written, and would not be sent
            ledger.put_links(tx, route, [msgspec.structs.replace(link, digest="")])
        elif link is not None:
            ledger.remove_link(tx, route, item.ref)
        findings.drop_given_up(tx, given)
        item.changed_at = now
        _store(tx, placed, note, now)
    return placed


def _refuse_overtaken(tx: Tx, given: GivenUp, link: LinkRow | None) -> None:
    """Raises Guarded where a newer version than the one that was given up is open, was written, or is left out."""
    item = given.item
    label = item.label or item.key
    if newer := ledger.find_items(tx, given.route, [item.ref]).get(item.ref):
        raise _open_already(newer, newer.label or label)
    if link is not None and _written_since(given, link):
        raise _overtaken(item, f"a newer version of it was written since, as {link.target}", f"--target {link.target}")
    seen = ledger.find_seen(tx, item.flow, item.record_kind, [item.record_id]).get(item.record_id)
    if item.root and seen is not None and seen.version != given.version and _is_left_out(seen):
        raise _overtaken(item, f"the newer version of its record is left out ({seen.reason})", item.record_id)


def _written_since(given: GivenUp, link: LinkRow | None) -> bool:
    return link is not None and link.target != "" and link.sequence > given.item.sequence


def _is_left_out(seen: Seen) -> bool:
    return seen.fate == "skipped" and seen.reason != writing.IGNORED


def _overtaken(item: ItemRow, why: str, word: str) -> Guarded:
    return Guarded(
        f"E-{item.id} ({spelled(item.entity)} {item.label or item.key}) stays given up: {why}",
        fix=f"wherry explain {word}", code="WHERRY-7114",
    )  # fmt: skip


def _store(tx: Tx, one: Placed, note: str, now: str) -> None:
    """The item is open: with its row of history, its record's fate, and the audit row."""
    item = one.item
    findings.drop_decision(tx, one.route, item.ref)
    linking.stands(tx, one, now, "reopen")
    detail = {"key": str(item.ref), "record": f"{item.record_kind} {item.record_id}", "note": note}
    audit.write(tx, now, "errors.reopen", f"E-{item.id}", detail)


# -- what is linked ---------------------------------------------------------------------------------------------------


def _looked_at(hub: Hub, meant: Meant, note: str) -> Placed:
    link = meant.subject.link
    word = str(body_of(link).get("number") or body_of(link).get("name") or meant.ref.key)
    if link is None or not link.target or not shows(link):
        raise _nothing(meant.subject, word, "the target holds nothing of it that could be decided about")
    target = desk.reach(hub, meant.route.sink, away=True)
    hits = _holds(target, link) if target is not None and link.body else None
    if target is None or hits is None:
        raise _nothing(meant.subject, word, "the target cannot tell whether it holds it")
    answer = _verdict(target, link, next((hit for hit in hits if hit.target == link.target), None))
    if answer is None:
        how = "as taken back" if link.rule == rows.REVERSED else "as it was written"
        raise _nothing(meant.subject, word, f"{target.name} holds it {how}; there is nothing to decide")
    now = hub.store.now()
    with hub.store.write() as tx:
        if quicker := ledger.find_items(tx, meant.route, [meant.ref]).get(meant.ref):
            raise _open_already(quicker, quicker.label or word)
        placed = Placed(meant.route, _item(hub, tx, meant, link, answer, now))
        placed.item.evidence = halfway.seen(placed.item, "look", now, link.target, hits)
        if link.rule == rows.REVERSED:  # it stands again, whatever is decided
            homing.take_up(tx, desk.lane(hub, placed), placed.item)
            ledger.put_links(tx, meant.route, [msgspec.structs.replace(link, rule="created")])
        _store(tx, placed, note, now)
    return placed


def _holds(target: Target, link: LinkRow) -> list[Found] | None:
    """What the target holds under the link's id; None where it cannot be asked, or did not tell."""
    item = item_of(link, link.target)
    return resolving.holdings(target.sink, [item]).get(item.stamp) if isinstance(target.sink, Asks) else None


def _verdict(target: Target, link: LinkRow, hit: Found | None) -> Answer | None:
    """What there is to decide; None where the target holds what was written, or nothing of what was taken back."""
    back = link.rule == rows.REVERSED
    if hit is None:
        gone = Answer(fate="decide", reason=f"{spelled(link.entity)} {link.target} is no longer there")
        return None if back else gone
    ours = sinks.facts(target.sink, item_of(link, link.target))
    if _STATE in hit.facts and _STATE not in ours:
        return Answer(fate="decide", reason=f"{spelled(link.entity)} {link.target} is {hit.facts[_STATE]} there")
    changes, retry = differing(ours, hit.facts), "take it back again" if back else "send ours again"
    why = STANDS if back else "it was edited there since"
    return flight.differs(link.target, hit.token, changes, why, retry=retry) if changes else None


def _item(hub: Hub, tx: Tx, meant: Meant, link: LinkRow, answer: Answer, now: str) -> ItemRow:
    """The open item. Of what is to be decided, sending it again makes another thing there."""
    last = inquiries.record_of(tx, meant.ref, link.target)
    flow = last.flow if last else meant.subject.flow
    body = _symbolic(tx, meant.route, flow, body_of(link))
    root = bool(meant.subject.record) or link.entity == ENTITY
    label = str(body.get("number") or body.get("name") or "")
    back = link.rule == rows.REVERSED
    draft = Draft(entity=link.entity, key=link.key, body=body, label=label, root=root, refs=references(body), void=back)
    amount, currency = worth(link.entity, body)
    item = ItemRow(
        entity=link.entity, key=link.key, flow=flow, run=link.run,
        state=answer.fate, record_kind=last.record_kind if last else meant.subject.kind,
        record_id=last.record_id if last else meant.subject.record, root=root, draft=draft, label=label,
        target=link.target if answer.fate == "differs" else "", reason=answer.reason, field=answer.field,
        fix=answer.fix, amount=amount, currency=currency, created_at=now, changed_at=now,
        action="void" if back else "write", sequence=link.sequence + 1, attempt=1, token=answer.token,
    )  # fmt: skip
    lane = desk.lane(hub, Placed(meant.route, item))
    item.stamp = stamp_of(lane, draft, item.action, item.sequence, item.attempt)
    return item


def _symbolic(tx: Tx, route: Route, flow: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the ids of linked things as references again: what they lead to may be another by now."""
    ids = {text for _, text in texts_of(body)}
    linked = [one.link for one in inquiries.links_to(tx, ids, sink=route.sink) if one.route == route]
    keys = inquiries.keys_ever(tx, flow, ids) | {(one.entity, one.target): one.key for one in linked}
    made: dict[str, Any] = _refer(body, "", keys)
    return made


def _refer(value: Any, name: str, keys: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, Mapping):
        return {field: _refer(inner, field, keys) for field, inner in value.items()}
    if isinstance(value, list):
        return [_refer(inner, name, keys) for inner in value]
    key = keys.get((name, value)) if isinstance(value, str) else None
    return value if key is None else {"entity": name, "key": key}
