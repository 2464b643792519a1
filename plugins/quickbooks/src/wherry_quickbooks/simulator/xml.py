"""The XML that a caller gets who does not ask for JSON: same names, attributes where the schema has them.

Elements come in the order of the JSON, not of the schema: it is there to be noticed, not to be worked with.
"""

from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .values import Obj

NAMESPACE = "http://schema.intuit.com/finance/v3"
ATTRIBUTES = frozenset(
    {"domain", "status", "sparse", "bId", "startPosition", "maxResults", "totalCount", "time", "code", "element"}
)


def rendered(body: Obj) -> str:
    """A whole answer."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element("IntuitResponse", body, NAMESPACE)}'


def _element(name: str, value: Any, namespace: str = "") -> str:
    if isinstance(value, list):
        return "".join(_element(name, part) for part in value)
    if not isinstance(value, dict):
        return f"<{name}>{escape(_text(value))}</{name}>"
    attributes = {n: v for n, v in value.items() if n in ATTRIBUTES or ("value" in value and n in ("name", "type"))}
    told = "".join(f" {n}={quoteattr(_text(v))}" for n, v in attributes.items())
    told += f" xmlns={quoteattr(namespace)}" if namespace else ""
    if "value" in value:
        return f"<{name}{told}>{escape(_text(value['value']))}</{name}>"
    inner = "".join(_element(n, v) for n, v in value.items() if n not in attributes)
    return f"<{name}{told}>{inner}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
