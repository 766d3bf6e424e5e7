"""Where the page is served: an address of this machine and a free port. Knows no server."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from typing import Any

from studio.errors import BadRequest

PORT = 7860
TRIED = 100
"""How many ports to try."""
MOST = 65_535
"""The highest port there is."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address or name; unknown names count as remote."""
    try:
        return all(ipaddress.ip_address(place[4][0]).is_loopback for place in _places(host, 0))
    except BadRequest:
        return False


def free_port(host: str, wanted: int | None) -> int:
    """A port to serve on.

    Args:
        host: an address of this machine, or a name for one.
        wanted: this port and no other; 0 for any; None: the first free one from PORT on.

    Raises:
        BadRequest: the port is taken or not permitted, or the address is not one of this machine.
    """
    if wanted is not None and _can_be_served(host, wanted):
        return wanted or _bind(_places(host, 0)[0])
    start = PORT if wanted is None else wanted + 1
    ports = range(start, min(start + TRIED, MOST + 1))
    found = next((port for port in ports if _can_be_served(host, port)), None)
    if wanted is not None:
        free = f"Port {found} is free: use --port {found}, or --port ANOTHER." if found else "Use --port ANOTHER."
        raise BadRequest(f"port {wanted} is in use. {free}")
    if found is None:
        raise BadRequest(f"all ports from {PORT} to {ports[-1]} are in use. Name another with --port ANOTHER.")
    return found


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://{bracketed(host)}:{port}/"


def bracketed(host: str) -> str:
    """The host as written in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def _places(host: str, port: int) -> list[Any]:
    """(family, type, protocol, name, address) of each socket that serves the host."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):  # UnicodeError: the name is too long
        raise BadRequest(
            f"'{host:.60}' is not an address of this machine. Use --listen alone for all of them, or leave it out "
            "for this machine only."
        ) from None


def _can_be_served(host: str, port: int) -> bool:
    """Whether the port is free, at this host and at 127.0.0.1, where gradio tries it first."""
    try:
        for place in (*_places(host, port), *_places("127.0.0.1", port)):
            _bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise _refused(host, port, error) from error
    return True


def _bind(place: Any) -> int:
    """Bind briefly, as a server would. Returns the port."""
    family, kind, protocol, _, address = place
    with socket.socket(family, kind, protocol) as tried:
        if os.name == "posix":  # else a port just released would count as taken
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # as asyncio does: 0.0.0.0 and :: are separate
            tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tried.bind(address)
        return tried.getsockname()[1]


def _refused(host: str, port: int, error: OSError) -> BadRequest:
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadRequest(f"this user may not serve port {port}: use --port {PORT}, or another above 1023.")
    if error.errno == errno.EADDRNOTAVAIL:
        return BadRequest(f"{host} is not an address of this machine. Use --listen alone for all addresses it has.")
    return BadRequest(f"{host} port {port} cannot be served: {error.strerror}. Use another --listen or --port.")
