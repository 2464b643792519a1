"""Documents that book on accounts of the hub's entries: what the target lists of them, and which the hub wrote."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from wherry.accounting import HeldDocument, ListsDocuments
from wherry.books.frozen import ENTITY
from wherry.hub import Hub
from wherry.money import figure
from wherry.operating import desk
from wherry.protocol.flight import Target
from wherry.protocol.rows import REVERSED
from wherry.roles import HasBalances
from wherry.store import exported
from wherry.store.ledger import LinkRow

_DOCUMENTS = ("invoice", "credit_memo", "sales_order", "estimate")


def is_document(link: LinkRow) -> bool:
    """Whether it may book what is no journal entry: customers, products and the like have ids of their own."""
    return link.entity != ENTITY and ('"date"' in link.body or link.entity in _DOCUMENTS)


def listed(target: Target, accounts: Collection[str], first: dt.date, last: dt.date) -> list[HeldDocument] | None:
    """What booked on these accounts in these days; None where the target cannot list it."""
    sink = target.sink
    if not (isinstance(sink, ListsDocuments) and isinstance(sink, HasBalances)):
        return None
    return list(sink.documents_on(sorted(accounts), first, last)) if accounts else []


def made(hub: Hub, links: Mapping[str, LinkRow], there: Iterable[HeldDocument] | None) -> dict[str, str]:
    """Target's id → which document of which flow it is, of those that the hub wrote (``links`` by that id)."""
    mine = {one.id: links[one.id] for one in there or () if one.id in links}
    if not mine:
        return {}
    with hub.store.read() as tx:
        flows = exported.flows_of(tx, {link.entity for link in mine.values()})
    return {id: _in_words(link, flows.get((link.entity, link.key), "")) for id, link in mine.items()}


def _in_words(link: LinkRow, flow: str) -> str:
    name = f"{link.entity.replace('_', ' ')} {exported.said(link, 'number') or link.key}"
    back = ", which was taken back" if link.rule == REVERSED else ""
    return f"{name} of {flow}{back}" if flow else f"{name}{back}"


def itemised(links: Iterable[LinkRow], first: dt.date, last: dt.date) -> list[str]:
    """For a target that cannot list documents: what the hub itself wrote of these days, by entity, in words."""
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    for link in links:
        body = msgspec.json.decode(link.body) if link.body and link.rule != REVERSED else {}
        if first.isoformat() <= str(body.get("date") or "") <= last.isoformat():
            counts[link.entity] += 1
            total = body.get("total")
            if isinstance(total, dict):
                desk.add(sums[link.entity], total["minor"], total["currency"])
    return [
        f"{count:,} of this hub's documents of these days stand there ({entity.replace('_', ' ')}"
        + "".join(f", {figure(minor, currency)} {currency}" for currency, minor in sorted(sums[entity].items()))
        + "): the target does not tell what they booked on which account"
        for entity, count in sorted(counts.items())
    ]  # fmt: skip
