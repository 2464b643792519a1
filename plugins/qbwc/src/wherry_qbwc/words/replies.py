"""QuickBooks' answers, read by a parser that takes no document type, no entity and nothing out of the ordinary in size.

What an answer says is text: nothing is turned into numbers or dates here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree
from msgspec import Struct, field
from wherry.errors import ContractBroken

MOST = 16 * 1024 * 1024
"""The longest answer that is read, in characters. QuickBooks sends long lists in parts, when asked to."""
MOST_TAGS, MOST_ATTRIBUTES = 600_000, 50_000
"""What an answer may have of either; a list of ten thousand accounts has about half as many."""
LISTS = re.compile(
    r".*Line(Group)?Ret|Journal(Debit|Credit)Line|DataExtRet|LinkedTxn|AdditionalContactRef|ContactsRet|AdditionalNotesRet"
    r"|ShipToAddress|SupportedQBXMLVersion"
)
"""Children that may come several times: they are lists, even of one."""
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_RECOVERY = "ErrorRecovery"

Row = dict[str, Any]


class RequestReply(Struct, kw_only=True):
    """The answer to one request. ``rows`` are what it returns, ``kinds`` the element of each: ``ItemServiceRet``.

    A row is a mapping of texts, mappings and lists. A void or deletion returns one row, of kind ``TxnVoid``.
    ``recovery`` is what QuickBooks tells of an object it could not save or return: its ids and edit sequence.
    """

    name: str
    request_id: str
    code: int
    message: str = ""
    rows: list[Row] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    recovery: Row = field(default_factory=dict)
    iterator_id: str = ""
    remaining: int = 0


class SetReply(Struct, kw_only=True):
    """The answer to a message set. ``status`` is the code of message-set recovery, empty where there is none."""

    status: str = ""
    answers: list[RequestReply] = field(default_factory=list)

    def answer(self, request_id: str) -> RequestReply | None:
        """The one answer to a request; None where there is none or more than one. Never "the latest"."""
        found = [answer for answer in self.answers if answer.request_id == request_id]
        return found[0] if len(found) == 1 else None


def parse(text: str | bytes) -> SetReply:
    """An answer as QuickBooks gave it. Raises ContractBroken (WHERRY-1852) for what is none."""
    root = tree(text)
    sets = [child for child in root if child.tag == "QBXMLMsgsRs"]
    if root.tag != "QBXML" or len(sets) != 1 or len(root) != 1:
        raise broken(f"it is a <{root.tag}> without the one set of answers that is expected")
    told = sets[0]
    return SetReply(status=told.get("messageSetStatusCode", ""), answers=[_reply(one) for one in told])


def tree(text: str | bytes) -> etree._Element:
    """An answer's root, for what stands in attributes. Raises ContractBroken (WHERRY-1852) for what is no XML."""
    return _root(_decoded(text))


def many(row: Mapping[str, Any], name: str) -> list[Row]:
    """The children of that name, whether there is none, one or several."""
    found = row.get(name, [])
    return found if isinstance(found, list) else [found]


def _decoded(text: str | bytes) -> str:
    if len(text) > MOST:
        raise broken(f"it is longer than {MOST // 1024 // 1024} MB")
    try:
        return text if isinstance(text, str) else text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise broken("it is not UTF-8") from None


def _root(text: str) -> etree._Element:
    if text.count("<") > MOST_TAGS or text.count("=") > MOST_ATTRIBUTES:
        raise broken("it has more elements or attributes than any answer of QuickBooks")
    clean = _REFERENCE.sub(_legal, _ILLEGAL.sub(" ", text.removeprefix("\ufeff").strip()))
    if "<!DOCTYPE" in clean or "<!ENTITY" in clean:
        raise broken("it declares a document type")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(clean.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise broken(f"it is no XML ({error.msg})" if clean else "it is empty") from None
    return root


def _legal(found: re.Match[str]) -> str:
    """QuickBooks writes control characters that its users pasted as references that XML forbids: they become blanks."""
    number = int(found[1], 16) if found[1] else int(found[2])
    return " " if number > 0x10FFFF or _ILLEGAL.match(chr(number)) else found[0]


def _reply(told: etree._Element) -> RequestReply:
    name = str(told.tag).removesuffix("Rs")
    reply = RequestReply(
        name=name,
        request_id=told.get("requestID", ""),
        code=_number(told, "statusCode"),
        message=told.get("statusMessage", ""),
        iterator_id=told.get("iteratorID", ""),
        remaining=_number(told, "iteratorRemainingCount", 0),
    )
    loose = _sort(told, reply)
    if loose:
        reply.rows.append(loose)
        reply.kinds.append(name)
    return reply


def _sort(told: etree._Element, reply: RequestReply) -> Row:
    """Puts what an answer returns into its place; what is left stands in the answer itself, as with a void."""
    loose: Row = {}
    for child in told:
        tag = str(child.tag)
        if tag == _RECOVERY:
            reply.recovery = _row(child)
        elif tag.endswith("Ret"):
            reply.rows.append(_row(child))
            reply.kinds.append(tag)
        else:
            _put(loose, tag, _value(child))
    return loose


def _row(element: etree._Element) -> Row:
    row: Row = {}
    for child in element:
        _put(row, str(child.tag), _value(child))
    return row


def _put(row: Row, name: str, value: str | Row) -> None:
    if name not in row:
        row[name] = [value] if LISTS.fullmatch(name) else value
    elif isinstance(row[name], list):
        row[name].append(value)
    else:
        row[name] = [row[name], value]


def _value(element: etree._Element) -> str | Row:
    return _row(element) if len(element) else element.text or ""


def _number(element: etree._Element, name: str, otherwise: int | None = None) -> int:
    told = element.get(name)
    if told is None and otherwise is not None:
        return otherwise
    if told is None or not re.fullmatch(r"[0-9]{1,9}", told):
        raise broken(f"its {element.tag} has no {name} that is a number")
    return int(told)


def broken(why: str) -> ContractBroken:
    """An answer that cannot be read."""
    return ContractBroken(
        f"the answer of QuickBooks cannot be read: {why}",
        fix="the item is looked up at the next session; if it happens again, report it with the stored answer",
        code="WHERRY-1852",
    )  # fmt: skip
