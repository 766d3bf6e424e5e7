"""Where the page may be served: real sockets of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from commands import addresses
from studio.errors import BadRequest


@contextmanager
def taken(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that something else serves."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((host, 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.77", False),
        ("fd00::1", False),
        ("no.such.host.invalid", False),
        ("x" * 300, False),
    ],
)
def test_only_this_machine_is_local(host: str, is_local: bool):
    assert addresses.is_loopback(host) is is_local


def test_a_taken_port_is_refused_with_one_that_is_free():
    with taken() as port, pytest.raises(BadRequest, match=f"port {port} is in use") as refused:
        addresses.free_port("127.0.0.1", port)
    free = int(str(refused.value).rpartition("--port ")[0].rpartition("--port ")[2].rstrip(", or"))
    assert free > port
    assert addresses.free_port("127.0.0.1", free) == free


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1"])
def test_a_port_is_taken_wherever_it_would_be_served(host: str):
    with taken("::1" if ":" in host else "127.0.0.1") as port, pytest.raises(BadRequest, match="in use"):
        addresses.free_port(host, port)


def test_without_a_name_the_next_free_port_is_taken():
    first = addresses.free_port("127.0.0.1", None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first))
        other.listen()
        assert addresses.free_port("127.0.0.1", None) > first


def test_port_0_is_any_that_is_free():
    assert addresses.free_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.77", "2001:db8::7", "300.1.1.1", "x" * 300, "a b"])
def test_an_address_of_another_machine_is_refused_in_a_sentence(host: str):
    with pytest.raises(BadRequest, match="is not an address of this machine"):
        addresses.free_port(host, None)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7/"),
        ("::1", "http://[::1]:7/"),
        ("0.0.0.0", "http://127.0.0.1:7/"),
        ("::", "http://[::1]:7/"),
        ("mybox", "http://mybox:7/"),
    ],
)
def test_the_address_that_is_told_can_be_opened(host: str, url: str):
    assert addresses.url(host, 7) == url
