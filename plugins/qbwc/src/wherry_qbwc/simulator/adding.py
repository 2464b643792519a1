"""Adding an application to the Web Connector from its .QWC file, with the checks that Intuit's makes."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from lxml import etree

from .company import Company

NEEDED = ("AppName", "AppID", "AppURL", "AppDescription", "AppSupport", "UserName", "OwnerID", "FileID", "QBType")
MAY_BE_EMPTY = ("AppID",)
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}").fullmatch
_UNITS = {"RunEveryNMinutes": 60.0, "RunEveryNSeconds": 1.0}


class NotAdded(ValueError):
    """The Connector does not take the application; `code` is what it shows."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Application:
    """What a .QWC file says. `interval` is in seconds, 0 where it has no scheduler."""

    name: str
    url: str
    support: str
    user: str
    owner: str
    file_id: str
    interval: float


def application(text: str) -> Application:
    """The application of a .QWC file. Raises NotAdded: its form, addresses by the rules."""
    told = _elements(text)
    _addresses(told["AppURL"], told["AppSupport"])
    return Application(told["AppName"], told["AppURL"], told["AppSupport"], told["UserName"], told["OwnerID"],
                       told["FileID"], float(told["interval"]))  # fmt: skip


def fetch_support(one: Application, http: httpx.Client) -> None:
    """Ask for the page of support, as is done once when the file is added. Raises NotAdded."""
    try:
        status = http.get(one.support).status_code
    except httpx.ConnectError as error:
        code = "QBWC1048" if "CERTIFICATE" in str(error).upper() else "QBWC1004"
        raise NotAdded(code, f"AppSupport cannot be fetched ({type(error).__name__})") from None
    except httpx.HTTPError as error:
        raise NotAdded("QBWC1004", f"AppSupport cannot be fetched ({type(error).__name__})") from None
    if status not in (200, 202):
        raise NotAdded("QBWC1003", f"AppSupport answers HTTP {status}")


def register(one: Application, company: Company) -> None:
    """Leave the FileID in the open company file. Raises NotAdded when the owner has another there."""
    held = company.extras.setdefault(one.owner, {})
    if held.get("FileID", one.file_id) != one.file_id:
        raise NotAdded("QBWC1026", "the company file holds another FileID of this owner")
    held["FileID"] = one.file_id


def _elements(text: str) -> dict[str, str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as wrong:
        raise NotAdded("QBWC1039", f"the file is not well-formed ({wrong.msg})") from None
    told = {name: (root.findtext(name) or "").strip() for name in NEEDED if root.find(name) is not None}
    for name in NEEDED:
        if name not in told or (not told[name] and name not in MAY_BE_EMPTY):
            raise NotAdded("QBWC1039", f"{name} is missing")
    if root.tag != "QBWCXML" or told["QBType"] not in ("QBFS", "QBPOS"):
        raise NotAdded("QBWC1039", "the file is no QBWCXML of QBType QBFS")
    if not (_GUID(told["OwnerID"]) and _GUID(told["FileID"])):
        raise NotAdded("QBWC1039", "OwnerID and FileID are GUIDs in braces")
    return {**told, "interval": _interval(root)}


def _interval(root: etree._Element) -> str:
    for one in root.findall("Scheduler/*"):
        if one.tag in _UNITS and (one.text or "").strip().isdigit():
            return str(int((one.text or "0").strip()) * _UNITS[str(one.tag)])
    return "0"


def _addresses(url: str, support: str) -> None:
    hosts = [(urlsplit(one).hostname or "").lower() for one in (url, support)]
    for code, name, host in (("QBWC1001", "AppURL", hosts[0]), ("QBWC1002", "AppSupport", hosts[1])):
        if _is_address(host):
            raise NotAdded(code, f"{name} names its host by an address")
    if urlsplit(url).scheme != "https" and hosts[0] != "localhost":
        raise NotAdded("QBWC1010", "AppURL must be https, other than on localhost")
    if hosts[0] != hosts[1]:
        raise NotAdded("QBWC1000", "AppURL and AppSupport are on different hosts")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
