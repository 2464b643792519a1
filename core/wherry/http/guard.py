"""Where a request may go: checked by name before it is sent, by address at the moment of the connect.

The address that was checked is the address that is connected to, so a name that resolves differently the second time
gains nothing. Source: faults-and-security.md, G9, G10 and the security model (Outbound).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence

import httpcore
import httpx

from wherry.errors import Guarded
from wherry.http.timing import TimedStream, left

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port → addresses in order of preference. Raises OSError where the name is not known."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def system_resolve(host: str, port: int) -> list[str]:
    """As the operating system resolves it, each address once, IPv4 and IPv6 in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def origin(url: httpx.URL) -> Origin:
    """Scheme, host in its ASCII form and port."""
    host = url.raw_host.decode("ascii").lower().rstrip(".")
    return url.scheme, host, url.port or _PORTS.get(url.scheme, 0)


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet's; those that embed an IPv4 address are judged by that."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _embedded(ip)
        if inner is not None or ip.is_site_local:
            return inner is not None and is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _TRANSLATED:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class Guard:
    """Knows one system's base URL and hosts. Raises Guarded, which names the rule and the host, never the query."""

    def __init__(self, base: httpx.URL, hosts: Iterable[str], resolve: Resolve = system_resolve) -> None:
        self.base = origin(base)
        self._hosts, self._resolve = tuple(host.lower() for host in hosts), resolve
        scheme, host, port = self.base
        self._set_by_operator = not (self._listed(host) and (scheme, port) == ("https", 443))

    def check(self, url: httpx.URL) -> None:
        """By scheme, name and port, before anything is resolved."""
        scheme, host, port = origin(url)
        if url.userinfo:
            raise _refusal(host, "its URL carries a user name or password", "WHERRY-7041")
        if (scheme, host, port) == self.base:
            return
        if scheme != "https":
            raise _refusal(host, f"only https is allowed there, not {scheme or 'nothing'}", "WHERRY-7042")
        if not self._listed(host):
            raise _refusal(host, "it is not among the hosts of this plugin", "WHERRY-7043")
        if port != _PORTS["https"]:
            raise _refusal(host, f"port {port} is not the port of https", "WHERRY-7044")

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses to connect to, all of them public unless an operator named this host and port."""
        found = self._resolve(host, port)
        if self._set_by_operator and (host.lower().rstrip("."), port) == self.base[1:]:
            return found
        inside = [address for address in found if not is_public(address)]
        if inside:
            raise _refusal(host, f"its name leads to {inside[0]}, which is not on the open internet", "WHERRY-7045")
        return found

    def _listed(self, host: str) -> bool:
        return any(
            host == name or (name.startswith("*.") and host.endswith(name[1:]) and host != name[2:])
            for name in self._hosts
        )


class PinnedBackend(httpcore.NetworkBackend):
    """Resolves, checks and connects in one step, in the order of the resolver, until an address answers."""

    def __init__(self, addresses: Callable[[str, int], Sequence[str]]) -> None:
        self._addresses, self._plain = addresses, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises Guarded for an address that may not be reached, ConnectError when none answers."""
        try:
            addresses = self._addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self._plain.connect_tcp(address, port, left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream)
        raise failure


def _refusal(host: str, why: str, code: str) -> Guarded:
    return Guarded(
        f"no request was sent to {host or 'a URL without a host'}: {why}",
        fix="if this host is the system you mean, set it as base_url of the connection; a vendor's other hosts are "
        "listed by the plugin",
        code=code,
        host=host,
    )
