"""What a person has decided about something that the target holds otherwise, and whether that still holds.

A decision stands until either side changes again: until something else is written, the target holds something else, or
the source says another amount or day.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from wherry.protocol.rows import worth
from wherry.protocol.steps import differing, digest
from wherry.records import Facts
from wherry.store import audit, findings, ledger
from wherry.store.database import Tx
from wherry.store.findings import Decision, GivenUp, How
from wherry.store.inquiries import Placed
from wherry.store.ledger import ItemRow, LinkRow


def keep(tx: Tx, one: Placed, how: How, held: Mapping[str, str] | None, note: str, now: str) -> None:
    """Remember what was decided about an item, once it is settled. Where nothing is linked there is nothing to compare.

    ``held`` is what the target holds; None: nothing of it.
    """
    link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    if link is None or not link.target:
        return
    amount, _ = worth(one.item.entity, one.item.draft.body)
    facts = None if held is None else dict(held)
    decision = Decision(how=how, target=link.target, written=written(link), held=facts, amount=amount,
                        by=audit.actor(), at=now, note=note,
                        date=str(one.item.draft.body.get("date") or ""))  # fmt: skip
    findings.put_decision(tx, one.route, one.item.ref, decision)
    findings.drop_findings(tx, one.route, [one.item.ref])


def keep_given_up(tx: Tx, one: Placed) -> None:
    """Remember an item that is given up, as it is."""
    item = one.item
    seen = ledger.find_seen(tx, item.flow, item.record_kind, [item.record_id]).get(item.record_id)
    findings.put_given_up(tx, GivenUp(route=one.route, item=item, version=seen.version if seen else ""))


def written(link: LinkRow) -> str:
    """Stands for what was written last."""
    return digest(msgspec.json.decode(link.body)) if link.body else ""


def stands(decision: Decision | None, link: LinkRow, item: ItemRow | None = None) -> Decision | None:
    """The decision, if nothing was written or came from the source since; None where there is none that stands."""
    if decision is None or decision.target != link.target or decision.written != written(link):
        return None
    return decision if item is None else None


def covers(decision: Decision | None, held: Facts | None) -> bool:
    """Whether what the target holds now (None: nothing) is what was decided about."""
    if decision is None or (decision.held is None) != (held is None):
        return False
    return held is None or (bool(decision.held) and not differing(decision.held or {}, held))


def evidence_of(item: ItemRow, target: str) -> Facts | None:
    """What the target was last found to hold under an id: no facts where it was not asked, None where it was gone."""
    said = msgspec.json.decode(item.evidence) if item.evidence else {}
    if said.get("asked") != target:
        return {}
    facts: Facts | None = next((hit["facts"] for hit in said["found"] if hit["target"] == target), None)
    return facts
