"""The gate before the parser: what is no plain, small envelope in UTF-8 is refused before anything is made of it.

An envelope of the Web Connector has about twenty tags, whatever its values carry: qbXML travels as text. So tags are
counted and measured in the bytes as they came, and the parser only ever sees a handful of them.
"""

from __future__ import annotations

import re

from lxml import etree
from wherry.errors import Guarded

MOST_BYTES = 8 << 20
"""Of a call. Answers of QuickBooks that are longer are asked for in parts."""
MOST_TAGS = 128
MOST_IN_TAGS = 16 << 10
"""Bytes of all tags together, their attributes among them."""
MOST_CDATA = 16
MOST_DEEP = 8
_DECLARED = re.compile(rb"<\?xml\s(?P<said>[^<>?]{0,200})\?>\s*")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)["']""")
_TAG = re.compile(rb"""<(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>""")
_CDATA = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_PLAIN = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
_ILLEGAL = re.compile(
    rb"&#(?:x0{0,6}(?:[0-8bcef]|1[0-9a-f]|fff[ef]|d[89a-f][0-9a-f]{2})|0{0,6}(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.I
)
"""What users paste into QuickBooks comes as references that XML forbids."""


def envelope(body: bytes, charset: str = "") -> etree._Element:
    """The root of a call's body. Raises Guarded (WHERRY-7350) with the reason, in time that grows with bytes only."""
    if len(body) > MOST_BYTES:
        raise refused(f"it has more than {MOST_BYTES:,} bytes")
    inside = _undeclared(body, charset)
    _check_tags(_CDATA.sub(b"", inside) if _cdata(inside) else inside)
    return _parsed(_ILLEGAL.sub(b" ", inside) if b"&#" in inside else inside)


def refused(why: str) -> Guarded:
    return Guarded(
        f"this is no call of the Web Connector: {why}",
        fix="only the Web Connector calls this address; take its newest version",
        code="WHERRY-7350",
    )


def _undeclared(body: bytes, charset: str) -> bytes:
    """The body without its mark of byte order and its declaration, once both say UTF-8."""
    if charset.strip("\"' ").lower() not in _PLAIN:
        raise refused("its header names another encoding than UTF-8")
    inside = body.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARED.match(inside)
    said = _ENCODING.search(declared["said"]) if declared else None
    if said is not None and said[1].decode("latin-1").lower() not in _PLAIN:
        raise refused("it declares another encoding than UTF-8")
    inside = inside[declared.end() :] if declared else inside
    if not inside.startswith(b"<") or b"\0" in inside:
        raise refused("it does not begin as XML in UTF-8")
    return inside


def _cdata(inside: bytes) -> bool:
    count = inside.count(b"<![CDATA[")
    if count > MOST_CDATA:
        raise refused("it has too many sections of CDATA")
    return count > 0


def _check_tags(outside: bytes) -> None:
    """Tags alone may stand there: no declaration, comment or instruction, each of which only attacks bring."""
    if b"<!" in outside or b"<?" in outside:
        raise refused("it has a document type, a comment or a processing instruction")
    at, left = outside.find(b"<"), MOST_IN_TAGS
    for _ in range(MOST_TAGS):
        if at < 0:
            return
        tag = _TAG.match(outside, at, at + left)
        if tag is None:
            raise refused("a tag is not closed, or its attributes are too long")
        left -= len(tag[0])
        at = outside.find(b"<", tag.end())
    raise refused(f"it has {MOST_TAGS} tags or more")


def _parsed(inside: bytes) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(inside, parser)
    except etree.XMLSyntaxError as error:
        raise refused(f"it is no XML ({(error.msg or 'empty')[:80]})") from None
    if _deep(root) > MOST_DEEP:
        raise refused(f"it is nested more than {MOST_DEEP} deep")
    return root


def _deep(element: etree._Element) -> int:
    """Never more than half of ``MOST_TAGS``: they are counted before."""
    return 1 + max((_deep(child) for child in element), default=0)
