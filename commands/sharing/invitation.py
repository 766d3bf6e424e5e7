"""What the terminal prints once the page is served: its address, and a link with a QR code to share."""

from __future__ import annotations

import argparse
import io
import socket
import sys

import segno

from commands import addresses

_EVERYWHERE = ("0.0.0.0", "::")


def told(options: argparse.Namespace, public_url: str | None) -> list[str]:
    """The lines to print; the first is the address on this machine.

    Args:
        public_url: of a share link, if any.
    """
    path = f"{options.root_path}/"
    here = (public_url or addresses.url(options.listen, options.port)).rstrip("/")
    lines = [f"Diorama is at {here}{path} (Ctrl+C ends it)"]
    if options.host_key:
        lines.append(f"For you as the host: {here}{path}admin#{options.host_key}")
    link = link_to_pass_on(options, public_url)
    if link is not None:
        lines += ["" if link == f"{here}{path}" else f"To pass on: {link}", *qr_code(link)]
    return lines


def link_to_pass_on(options: argparse.Namespace, public_url: str | None) -> str | None:
    """The address for other people; None: they cannot reach it."""
    path = f"{options.root_path}/"
    if public_url:
        return f"{public_url.rstrip('/')}{path}"
    if options.allow_host:
        return f"https://{options.allow_host[0]}{path}"
    if addresses.is_loopback(options.listen):
        return None
    host = own_address(options.listen) if options.listen in _EVERYWHERE else options.listen
    return f"http://{addresses.bracketed(host)}:{options.port}{path}"


def own_address(listen: str) -> str:
    """This machine's address in the local network. Sends no packets."""
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if listen == "::" else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))  # documentation addresses (RFC 5737, RFC 3849)
            return probe.getsockname()[0]
    except OSError:  # no network
        return socket.gethostname()


def qr_code(link: str) -> list[str]:
    """Lines of block characters; none if the terminal cannot encode them."""
    drawn = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(drawn, compact=True)
    try:
        drawn.getvalue().encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return []
    return drawn.getvalue().rstrip("\n").split("\n")
