"""Parts are renumbered now and then; the platform may still know them by their former number."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.matching import RuleMatcher, pending_ref
from wherry.records import Decision, Draft, Link
from wherry.roles import Catalogue
from wherry.settings import Flow

from .mapping import MATCH

RULE = "former number"


class PartMatcher:
    """Looks for a former number first; all else is left to the core's rules, as the flow sets them."""

    def __init__(self, rules: RuleMatcher) -> None:
        self._rules = rules

    @classmethod
    def of(cls, flow: Flow) -> PartMatcher:
        said, habit = flow.match.get("product"), MATCH["product"]
        order = (said.order if said else None) or habit["order"]
        return cls(RuleMatcher.from_settings(order, (said.unmatched if said else None) or habit["unmatched"]))

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        """The rules see every draft, so that their own decisions stay consistent; a former number overrules them."""
        decided = self._rules.match(drafts, catalogue)
        taken = {decision.target: "" for decision in decided if isinstance(decision, Link)}
        return [
            _by_former_number(draft, catalogue, taken) or decision
            for draft, decision in zip(drafts, decided, strict=True)
        ]


def _by_former_number(draft: Draft, catalogue: Catalogue, taken: dict[str, str]) -> Link | None:
    """A link where exactly one product has the former number, nobody else is that product, and the new number is
    unknown. ``taken`` is target → the draft key that took it in this batch. What is still to be
    written is nobody's former self."""
    former = str((draft.body.get("custom") or {}).get("former_number") or "")
    if not former or catalogue.by_sku(str(draft.body.get("sku", ""))):
        return None
    hits = [hit for hit in catalogue.by_sku(former) if not catalogue.keys_of(hit.id) and not pending_ref(hit.id)]
    if len(hits) != 1 or taken.setdefault(hits[0].id, draft.key) != draft.key:
        return None
    return Link(hits[0].id, RULE, f'former number "{former}" equals SKU "{hits[0].sku}" of "{hits[0].name}"')
