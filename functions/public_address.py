"""Connections to addresses that customers name: only to what anybody on the internet can reach.

Else whoever may write settings could have us ask what only we can: a metadata service, a neighbour in a network. The
name is looked up once and the connection made to what was found, so that a name can't lead elsewhere a moment later.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeAlias

from callscribe.errors import Refused

# getaddrinfo's answer: family, type, protocol, canonical name, address.
Resolve: TypeAlias = Callable[[str, int], list[tuple[Any, Any, Any, Any, tuple[Any, ...]]]]
Dial: TypeAlias = Callable[[str, int, float], socket.socket]

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last four bytes


def is_public(address: str) -> bool:
    """Return whether an IP address, as text, is one that anybody can reach."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and (within := _embedded(ip)) is not None:
        return is_public(str(within))
    return ip.is_global and not ip.is_multicast


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _resolve(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _dial(address: str, port: int, timeout_s: float) -> socket.socket:
    return socket.create_connection((address, port), timeout_s)


class PublicConnection(HTTPSConnection):
    """An HTTPS connection to a public address. Connecting raises Refused for any other, OSError for no connection."""

    def __init__(
        self,
        host: str,
        *,
        timeout_s: float,
        context: ssl.SSLContext | None = None,
        resolve: Resolve = _resolve,
        dial: Dial = _dial,
    ) -> None:
        """`host` is a name or an address, with a port after a colon where it isn't 443."""
        self._tls = context or ssl.create_default_context()
        super().__init__(host, timeout=timeout_s, context=self._tls)
        self._resolve = resolve
        self._dial = dial
        self._timeout_s = timeout_s

    def connect(self) -> None:
        """Connect to the first address that the name leads to, if all of them are public."""
        addresses = [str(found[4][0]) for found in self._resolve(self.host, self.port)]
        if not addresses or not all(map(is_public, addresses)):
            raise Refused("the address is not a public one")
        self.sock = self._tls.wrap_socket(
            self._dial(addresses[0], self.port, self._timeout_s), server_hostname=self.host
        )
