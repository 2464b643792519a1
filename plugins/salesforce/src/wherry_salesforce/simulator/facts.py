"""What the stand-in's org is made of: objects, their fields and who refers to whom. The objects stand in facts.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

_STAMPS = "Id:id CreatedDate:datetime SystemModstamp:datetime LastModifiedDate:datetime IsDeleted:boolean"
NOTHING_DELETED = frozenset({"User", "Organization", "OpportunityStage"})
"""Objects without IsDeleted."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object: prefix of its ids, field → type, relationship → object, and what a new row must name."""

    name: str
    prefix: str
    fields: dict[str, str]
    parents: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def pairs(text: str) -> dict[str, str]:
    """``Name:string OwnerId:reference`` as a dict."""
    return dict(pair.split(":") for pair in text.split())


def _object(name: str, prefix: str, fields: str, parents: str = "", required: str = "") -> Object:
    stamps = _STAMPS.replace(" IsDeleted:boolean", "") if name in NOTHING_DELETED else _STAMPS
    stamps = "Id:id SystemModstamp:datetime IsDeleted:boolean" if name == "ContentDocumentLink" else stamps
    return Object(name, prefix, pairs(f"{stamps} {fields}"), pairs(parents), tuple(required.split()))


_TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
STANDARD = {name: _object(name, **told) for name, told in _TOLD.items()}

WITH_CURRENCY = ("Account", "Opportunity", "OpportunityLineItem", "Product2", "PricebookEntry", "Case")
_MAILING = " ".join(f"PersonMailing{part}:string" for part in ("Street", "City", "State", "PostalCode", "Country"))
PERSON = pairs(f"IsPersonAccount:boolean PersonEmail:email {_MAILING}")
STAGES = (
    # label, closed, won, probability
    ("Prospecting", False, False, 10),
    ("Qualification", False, False, 10),
    ("Proposal/Price Quote", False, False, 75),
    ("Negotiation/Review", False, False, 90),
    ("Closed Won", True, True, 100),
    ("Closed Lost", True, False, 0),
)
"""Part of the stages that a new org has."""
_SYSTEM = (
    "Id CreatedDate SystemModstamp LastModifiedDate IsDeleted IsClosed IsWon HasOpportunityLineItem MasterRecordId"
)
_OF_FILES = "ContentSize FileExtension LatestPublishedVersionId IsLatest Checksum"
COMPUTED = frozenset([*_SYSTEM.split(), *_OF_FILES.split(), "CaseNumber"])
"""What nobody can write."""
