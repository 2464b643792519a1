"""Message sets: the envelope of qbXML, with the ids by which QuickBooks remembers what it answered.

Facts: a message-set id has at most 23 characters; a set that asks for an older one names it twice, as old and as new
id; QuickBooks reads Windows-1252, so that letters beyond ASCII go as numbers, whatever it takes the bytes for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy

from lxml import etree
from wherry.errors import ContractBroken

LONGEST_SET_ID = 23
VERSION = "13.0"
ON_ERROR = ("stopOnError", "continueOnError")
_VERSION = re.compile(r"[0-9]{1,2}\.[0-9]").fullmatch
_SET_ID = re.compile(rf"[0-9A-Za-z]{{0,{LONGEST_SET_ID}}}").fullmatch


def message_set(
    requests: Sequence[etree._Element],
    *,
    new_id: str = "",
    old_id: str = "",
    version: str = VERSION,
    on_error: str = "stopOnError",
) -> bytes:
    """A message set as UTF-8 with both of its processing instructions; the same arguments make the same bytes.

    Without requests and with ``old_id`` it clears that set, or asks what became of it (``new_id`` the same). Raises
    ContractBroken (WHERRY-1851) for ids, versions and words that QuickBooks does not take.
    """
    _check(new_id, old_id, version, on_error)
    root = etree.Element("QBXML")
    ids = {"newMessageSetID": new_id, "oldMessageSetID": old_id, "onError": on_error}
    inside = etree.SubElement(root, "QBXMLMsgsRq", {name: value for name, value in ids.items() if value})
    inside.extend([deepcopy(one) for one in requests])
    start = f'<?xml version="1.0" encoding="utf-8"?>\n<?qbxml version="{version}"?>\n'
    return start.encode() + etree.tostring(root, encoding="us-ascii", xml_declaration=False)


def clearing(set_id: str, *, version: str = VERSION) -> bytes:
    """The set that lets QuickBooks forget an older one, once its answer is kept here."""
    return message_set([], old_id=set_id, version=version)


def claiming(set_id: str, *, version: str = VERSION) -> bytes:
    """The set that takes an id for itself and does nothing: who brings another set under it later is refused (9001)."""
    return message_set([etree.Element("HostQueryRq", {"requestID": "claim"})], new_id=set_id, version=version)


def recovering(set_id: str, *, version: str = VERSION) -> bytes:
    """The set that asks what was answered to an older one."""
    return message_set([], new_id=set_id, old_id=set_id, version=version)


def spoken(major: int, minor: int) -> str:
    """The version to speak with a QuickBooks that knows qbXML up to ``major.minor``: ours, or its own if older."""
    ours = tuple(int(part) for part in VERSION.split("."))
    return VERSION if (major, minor) >= ours else f"{major}.{minor}"


def set_id(stamp: str) -> str:
    """The id of the message set of an item: the beginning of its stamp, of which 23 characters are 115 bits."""
    return stamp[:LONGEST_SET_ID]


def _check(new_id: str, old_id: str, version: str, on_error: str) -> None:
    for name, value in (("newMessageSetID", new_id), ("oldMessageSetID", old_id)):
        if not _SET_ID(value):
            raise _broken(f"{name} is at most {LONGEST_SET_ID} letters and digits, not {value!r}")
    if not _VERSION(version):
        raise _broken(f"{version!r} is no version of qbXML")
    if on_error not in ON_ERROR:
        raise _broken(f"onError is {' or '.join(ON_ERROR)}, not {on_error!r}")


def _broken(message: str) -> ContractBroken:
    return ContractBroken(f"qbXML: {message}", fix="this is a fault of the plugin: report it", code="WHERRY-1851")
