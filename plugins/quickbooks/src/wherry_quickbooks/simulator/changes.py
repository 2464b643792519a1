"""Change data capture: what changed since a moment, at most 30 days back and at most 1,000 objects of an entity."""

import datetime as dt

from .answers import QboFault
from .books import without_id
from .company import Company
from .kinds import BY_PATH, Kind
from .values import Obj, moment, stamp

FARTHEST = dt.timedelta(days=30)
MOST = 1000


def since(company: Company, entities: str, changed: str) -> Obj:
    """The content of a CDCResponse, newest first, so that a full answer tells nothing of what is older."""
    kinds = [_kind(name.strip()) for name in entities.split(",") if name.strip()]
    at = moment(changed.replace(" ", "+"))
    if not kinds or at is None:
        raise QboFault("2020", "entities and changedSince are required", "changedSince")
    if at < company.stage.clock.date() - FARTHEST:
        raise QboFault("2190", "changedSince lies more than 30 days back", "changedSince")
    return {"QueryResponse": [_page(company, kind, at.timestamp()) for kind in kinds]}


def _kind(name: str) -> Kind:
    kind = BY_PATH.get(name.lower())
    if kind is None:
        raise QboFault("2000", f"Object name {name} is not known", "entities")
    return kind


def _page(company: Company, kind: Kind, at: float) -> Obj:
    last: dict[str, float] = {}
    for change in company.changes:
        if change.kind == kind.name and int(change.at) >= at:
            last[change.id] = change.at
    newest = sorted(last, key=lambda key: -last[key])[:MOST]
    rows = [_row(company, kind, key, last[key]) for key in newest]
    return {kind.name: rows, "startPosition": 1, "maxResults": len(rows)} if rows else {}


def _row(company: Company, kind: Kind, key: str, at: float) -> Obj:
    found = company.find(kind.name, key)
    if found is None:
        gone = {"domain": "QBO", "status": "Deleted", "Id": key}
        return {**gone, "MetaData": {"LastUpdatedTime": stamp(int(at))}}
    shown = company.shown(kind.name, found)
    return without_id(shown) if kind.name == "ExchangeRate" else shown
