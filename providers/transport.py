"""HTTP client for providers, with byte and time budgets: one paid request per call, no redirects.

All three SDKs use httpx2; its hooks see every request, including the SDKs' own (polling, fetching the finished
picture from an address the provider names). Knows nothing of pictures.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2

from providers import faults
from providers.keys import Key
from providers.waiting import Limits
from studio.errors import Cancelled

Resolve = Callable[[str], list[str]]
"""A host name to its addresses. Raises OSError if it has none, or if only a proxy can resolve it."""


@dataclass
class Call:
    """What one call has used so far."""

    key: Key
    cut_at: float  # monotonic time
    bytes_left: int
    is_wanted: Callable[[], bool]
    sent: bool = False  # a request that may cost money was sent
    accepted: bool = False  # and was taken

    def spend(self, count: int) -> None:
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise faults.unusable(self.key, "more than a picture can be")

    def check_time(self) -> None:
        if time.monotonic() > self.cut_at:
            raise faults.Timeout(f"{self.key.account.provider} did not finish its answer in time. {faults.CHARGED}")


def addresses_of(host: str) -> list[str]:
    """By the system's resolver."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]


class Transport:
    """Watches the calls to one provider's model; each thread has its own call."""

    def __init__(self, limits: Limits, resolve: Resolve = addresses_of) -> None:
        self._limits, self._resolve = limits, resolve
        self._here = threading.local()

    @contextmanager
    def call(self, key: Key, is_wanted: Callable[[], bool] = lambda: True) -> Iterator[Call]:
        """All requests of this thread inside the block are one call.

        Args:
            is_wanted: checked before sending a request that may cost money.

        Raises:
            CloudFault: for what httpx2 raises in the block.
            Cancelled: no longer wanted, and nothing was paid.
        """
        call = Call(key, time.monotonic() + self._limits.late_seconds, self._limits.most_bytes, is_wanted)
        self._here.call = call
        try:
            yield call
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self.fault(error, call) from None  # the chain would quote the request
        finally:
            self._here.call = None

    def client(self) -> httpx2.Client:
        """A client for one call: follows no redirects."""
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._before], "response": [self._after]}
        return httpx2.Client(event_hooks=hooks, follow_redirects=False, timeout=self._timeout(), verify=trusted())

    def attach(self, client: httpx2.Client) -> None:
        """Watch a client that others use too: requests outside a call are ignored."""
        hooks = client.event_hooks
        if self._before not in hooks["request"]:
            hooks["request"].append(self._before)
            hooks["response"].append(self._after)

    def fault(self, error: BaseException, call: Call) -> faults.CloudFault:
        """The fault for an exception of httpx2."""
        name = call.key.account.provider
        match error:
            case httpx2.ConnectError() if _is_tls(error):
                return faults.Unreachable(
                    f"The connection to {name} is not secure (its certificate was not accepted), so nothing was sent. "
                    "Check this machine's clock and network."
                )
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.UnsupportedProtocol() if not call.accepted:
                return faults.Unreachable(
                    f"{name} cannot be reached. Check your connection and try again; nothing was charged."
                )
            case httpx2.TimeoutException() | TimeoutError():
                return faults.Timeout(f"{name} stopped responding before its answer was complete. {faults.CHARGED}")
            case _:
                return faults.Outage(f"The connection to {name} broke before the answer was complete. {faults.CHARGED}")

    def _timeout(self) -> httpx2.Timeout:
        # The read timeout is that of the whole call: a picture takes minutes, and nothing is sent meanwhile.
        return httpx2.Timeout(self._limits.late_seconds, connect=self._limits.connect_seconds)

    def _before(self, request: httpx2.Request) -> None:
        call: Call | None = getattr(self._here, "call", None)
        if call is None:
            return
        call.check_time()
        request.headers["Accept-Encoding"] = "identity"  # compressed bytes would evade the budget
        request.extensions = {**request.extensions, "timeout": self._timeout().as_dict()}
        if request.method != "GET":
            if call.sent:
                raise faults.Outage(
                    f"{call.key.account.provider} sent the request on to another address. {faults.CHARGED}"
                )
            if not call.is_wanted():
                raise Cancelled
            call.sent = True
        elif call.sent:
            self._check_public(request.url, call)

    def _after(self, response: httpx2.Response) -> None:
        call: Call | None = getattr(self._here, "call", None)
        if call is None:
            return
        if response.request.method != "GET" and response.is_success:
            call.accepted = True
        if response.headers.get("content-encoding", "identity") != "identity":
            raise faults.unusable(call.key, "a packed answer, which was not asked for")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > call.bytes_left:
            call.spend(int(length))
        response.stream = _Counted(response.stream, call)

    def _check_public(self, url: httpx2.URL, call: Call) -> None:
        """An address that a provider names must not lead into this machine or its network."""
        inside = faults.unusable(call.key, "an address of this machine or its network instead of a picture")
        if url.scheme != "https":
            raise inside
        try:
            addresses = self._resolve(url.host)
        except OSError:
            return  # then a proxy resolves it, and connects
        if not all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses):
            raise inside


@cache
def trusted() -> ssl.SSLContext:
    """The trusted certificates of this machine; cached, as loading them takes 0.1 s."""
    return httpx2.create_ssl_context()


class _Counted(httpx2.SyncByteStream):
    """A response body, within the call's budget."""

    def __init__(self, stream: Any, call: Call) -> None:
        self._stream, self._call = stream, call

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._call.check_time()
            self._call.spend(len(part))
            yield part

    def close(self) -> None:
        self._stream.close()


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
