"""Which target is meant: normalised keys, the catalogue to search, and the default chain of rules."""

from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.known import pending_id, pending_ref
from wherry.matching.rules import DEFAULT_ORDER, RULES, UNMATCHED, RuleMatcher
from wherry.matching.text import name_key, product_key, sku_key

__all__ = [
    "DEFAULT_ORDER",
    "RULES",
    "UNMATCHED",
    "ListingCatalogue",
    "RuleMatcher",
    "name_key",
    "pending_id",
    "pending_ref",
    "product_key",
    "sku_key",
]
