"""XML in and out: built by a tree writer, read by a parser that takes no document type, entity or network.

Content is plain: a text, a mapping of elements in order, or a list where one comes several times. ``@name`` is an
attribute; what is None is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from wherry.errors import TryAgain

Obj = dict[str, Any]
MOST = 64 * 1024 * 1024


def element(name: str, content: Any) -> etree._Element:
    """An element with its content."""
    made = etree.Element(name)
    fill(made, content)
    return made


def fill(parent: etree._Element, content: Any) -> None:
    """Puts content into an element."""
    if not isinstance(content, Mapping):
        parent.text = str(content)
        return
    for name, value in content.items():
        if name.startswith("@"):
            parent.set(name[1:], str(value))
        else:
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    fill(etree.SubElement(parent, name), one)


def written(content: etree._Element) -> bytes:
    """An element as UTF-8; equal ones give equal bytes."""
    told: bytes = etree.tostring(content, encoding="utf-8")
    return told


def parsed(content: bytes) -> etree._Element:
    """The root of a document. Raises TryAgain for what is none, or could be harmful."""
    if len(content) > MOST or b"<!DOCTYPE" in content:
        raise unreadable("it declares a document type, or is longer than any answer")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise unreadable(str(error)[:100]) from None
    return root


def text(parent: etree._Element | None, path: str) -> str:
    """The text of an element below; empty where there is none."""
    found = None if parent is None else parent.findtext(path)
    return " ".join((found or "").split())


def unreadable(why: str) -> TryAgain:
    """The error for an answer that makes no sense."""
    return TryAgain(f"Sage Intacct sent an answer that cannot be read: {why}", code="WHERRY-6710")
