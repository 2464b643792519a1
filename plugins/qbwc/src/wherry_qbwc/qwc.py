"""The .QWC file that a person opens in the Web Connector. It holds no secret, and is the same however often it is made.

Facts: Intuit's Web Connector guide 2.0, table of elements; addresses are https (plain http for this computer only),
without IP numbers, both with the same host.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from lxml import etree
from wherry.errors import ConfigError

from wherry_qbwc.passwords import Access

OWNER_ID = "{5B0E9D0C-6B8C-4C53-9A3F-4E2C1D7A86F1}"
"""Stands for this product in every company file, for ever."""
LOCAL = "localhost"
PORT = 8710
"""Where ``wherry serve`` listens if nothing is said."""
_DESCRIPTION = "Brings approved documents into this company file, each once"


def checked(url: str) -> str:
    """The address of this host as the Web Connector takes it, without a path. Raises ConfigError (WHERRY-2350)."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong(url, "it is no address") from None
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.query or parts.fragment:
        raise _wrong(url, "it is no address such as https://hub.example.com")
    if parts.path not in ("", "/"):
        raise _wrong(url, "it has a path; Wherry adds its own")
    if _is_number(host):
        raise _wrong(url, "the Web Connector takes names only, no IP numbers (its error QBWC1001)")
    if parts.scheme == "http" and host != LOCAL:
        raise _wrong(url, "without TLS the Web Connector calls only localhost, its own computer (its error QBWC1010)")
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def path(connection: str) -> str:
    """Where a connection's Web Connector calls."""
    return f"/hooks/qbwc/{connection}"


def serving(url: str) -> list[str]:
    """The command that serves a checked address; where that needs a proxy, what it does, and the command without."""
    parts = urlsplit(url)
    host = parts.hostname or LOCAL
    if parts.scheme == "http":
        port = parts.port or 80
        return [f"wherry serve --port {port}" if port != PORT else "wherry serve"]
    return [
        f"wherry serve --behind-tls --name {host}",
        f"a proxy with TLS takes the calls for {parts.netloc} and passes them on to {LOCAL}:{PORT}; or without one:",
        f"wherry serve --host 0.0.0.0 --port {parts.port or 443} --name {host} --tls-cert hub.pem --tls-key hub.key",
    ]


def document(connection: str, access: Access, project: str) -> bytes:
    """The file of a connection whose set-up is done. ``project``: what people see it is called."""
    address = f"{access.url}{path(connection)}"
    root = etree.Element("QBWCXML")
    told = {
        "AppName": f"Wherry {project} {connection}"[:80], "AppID": "", "AppURL": address,
        "AppDescription": _DESCRIPTION, "AppSupport": f"{address}/support", "UserName": access.user,
        "OwnerID": OWNER_ID, "FileID": access.file_id, "QBType": "QBFS", "Style": "Document",
    }  # fmt: skip
    for name, text in told.items():
        etree.SubElement(root, name).text = text
    scheduler = etree.SubElement(root, "Scheduler")
    etree.SubElement(scheduler, "RunEveryNMinutes").text = str(access.every)
    etree.SubElement(root, "IsReadOnly").text = "false"
    etree.SubElement(root, "UnattendedModePref").text = "umpOptional"
    etree.SubElement(root, "PersonalDataPref").text = "pdpNotNeeded"
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.replace(".", "").isdecimal()
    return True


def _wrong(url: str, why: str) -> ConfigError:
    return ConfigError(
        f"the Web Connector cannot use the address {url!r}: {why}",
        fix="give the name that the Windows computer knows this host by: --url https://hub.example.com, "
        "or --url http://localhost:8710 where both are the same computer",
        code="WHERRY-2350",
    )  # fmt: skip
