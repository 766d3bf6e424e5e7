"""A connection to a NATS server on its own thread. Reconnects whenever the server returns.

Permissions are up to the server: a user and password in the address, a credentials file, a custom CA.
None of them is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from studio.errors import BadRequest, NotReady
from workers import names

log = logging.getLogger(__name__)

T = TypeVar("T")
FAULTS = (nats.errors.Error, OSError, asyncio.TimeoutError)
"""Exceptions of the network and of a restarting server."""
FIRST_SECONDS = 5.0
"""How long the first connection may take."""
ONCE_SECONDS = 10.0
"""How long a transfer may take before it is retried."""


@dataclass(frozen=True)
class Server:
    """The server's address, and our credentials."""

    address: str = field(repr=False)  # nats://host:4222, tls://user:password@host
    credentials: str = ""  # path of a .creds file
    ca: str = ""  # path of the CA certificates to verify the server with

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return urlsplit(self.address).netloc.rpartition("@")[2]

    @classmethod
    def found(cls, environment: Mapping[str, str], address: str = "") -> Server:
        """The server named on the command line, else in the environment.

        Raises:
            BadRequest: neither names one, or it is not an address.
        """
        address = address or environment.get("DIORAMA_NATS", "")
        try:
            parts = urlsplit(address)
            is_one = parts.scheme in ("nats", "tls", "ws", "wss") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # includes an invalid port
            is_one = False
        if not is_one:
            raise BadRequest("A NATS server is named like nats://host:4222. Say so in --nats or DIORAMA_NATS.")
        return cls(address, environment.get("DIORAMA_NATS_CREDS", ""), environment.get("DIORAMA_NATS_CA", ""))


class Connection:
    """`call` and `start` are thread-safe; everything else runs on the connection's own thread, with `loop`."""

    def __init__(self, server: Server, name: str) -> None:
        """Connect, and create what is missing on the server.

        Args:
            name: of this client, in the server's list.

        Raises:
            NotReady: no server answers there, it rejects us, or it has no JetStream.
        """
        self._server, self._name = server, name
        self.client = Client()
        self._returned: list[Callable[[], None]] = []
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        try:
            self.call(self._connect())
        except BaseException:
            self.close()
            raise

    @property
    def stream(self) -> JetStreamContext:
        return self.client.jetstream(timeout=5)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the connection's thread and wait for it."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def when_back(self, do: Callable[[], None]) -> None:
        """Call this on the connection's thread after every reconnect."""
        self._returned.append(do)

    def close(self) -> None:
        self.call(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def persist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Retry until the server has answered. The action may be done twice."""
        while True:
            try:
                return await asyncio.wait_for(do(), ONCE_SECONDS)
            except (NotFoundError, BadRequestError):
                raise
            except FAULTS as error:
                log.debug("%s: %s", self._server.shown, error)
            await asyncio.sleep(0.3)
            with suppress(*FAULTS):
                await self.prepare()

    async def prepare(self) -> None:
        """Create missing streams and buckets; existing ones keep the settings of the server's host."""
        for stream in names.STREAMS:
            try:
                await self.stream.stream_info(stream.name or "")
            except NotFoundError:
                await self.stream.add_stream(stream)
        workers, pictures = names.BUCKETS
        try:
            await self.stream.key_value(names.WORKERS)
        except NotFoundError:
            await self.stream.create_key_value(workers)
        try:
            await self.stream.object_store(names.PICTURES)
        except NotFoundError:
            await self.stream.create_object_store(names.PICTURES, pictures)

    # --- pictures -----------------------------------------------------------------------------------------------------

    def _pictures(self) -> ObjectStore:
        return ObjectStore(names.PICTURES, f"OBJ_{names.PICTURES}", self.stream)

    async def put(self, name: str, content: bytes) -> None:
        await self.persist(lambda: self._pictures().put(name, content))

    async def get(self, name: str) -> bytes | None:
        """None if it does not exist."""
        try:
            return (await self.persist(lambda: self._pictures().get(name))).data
        except ObjectNotFoundError:
            return None

    async def has(self, name: str) -> bool:
        try:
            return bool(await self.persist(lambda: self._pictures().get_info(name)))
        except ObjectNotFoundError:
            return False

    async def remove(self, name: str) -> None:
        """A missing or currently unreachable object expires after KEPT_SECONDS."""
        with suppress(*FAULTS):
            await self._pictures().delete(name)

    @asynccontextmanager
    async def listening(self, subject: str, hear: Callable[[Msg], None]) -> AsyncIterator[None]:
        """Call `hear(message)`, which must not block, on the connection's thread."""

        async def heard(message: Msg) -> None:
            hear(message)

        subscription = await self.client.subscribe(subject, cb=heard)
        try:
            yield
        finally:
            with suppress(*FAULTS):
                await subscription.unsubscribe()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        if self.client.is_connected or self.client.is_reconnecting:
            with suppress(*FAULTS, asyncio.TimeoutError):
                await asyncio.wait_for(self.client.close(), ONCE_SECONDS)
        elif (transport := self.client._transport) is not None:  # the client leaves it open if it never connected
            transport.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self) -> None:
        secure: dict[str, Any] = {}
        if self._server.ca or urlsplit(self._server.address).scheme in ("tls", "wss"):
            secure["tls"] = _trusting(self._server.ca)
        if self._server.credentials:
            secure["user_credentials"] = self._server.credentials
        wrong: list[Exception] = []

        async def failed(error: Exception) -> None:
            wrong.append(error)
            del wrong[:-1]
            log.debug("%s: %s", self._server.shown, type(error).__name__)
            is_final = isinstance(error, ssl.SSLError) or "authorization" in str(error).lower()
            if is_final and not self.client.is_reconnecting:
                raise error  # the client would retry forever

        async def returned() -> None:
            log.info("Connected to %s again.", self._server.shown)
            for each in self._returned:
                each()

        async def lost() -> None:
            log.info("The connection to %s is lost; trying again.", self._server.shown)

        try:
            connect = self.client.connect(
                self._server.address,
                name=self._name,
                error_cb=failed,
                reconnected_cb=returned,
                disconnected_cb=lost,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=10,
                **secure,
            )
            await asyncio.wait_for(connect, FIRST_SECONDS)
            await asyncio.wait_for(self.persist(self.prepare), FIRST_SECONDS)
        except (*FAULTS, ValueError) as error:
            why = wrong[-1] if wrong else error
            raise NotReady(
                f"The NATS server at {self._server.shown} cannot be used ({_in_short(why)}). Check --nats, the "
                "user and the certificate, and that JetStream is on; make nats starts a server on this machine."
            ) from None  # the cause may quote the address with its password


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise NotReady(f"The certificates in DIORAMA_NATS_CA cannot be read: {error.strerror or error}.") from error


def _in_short(error: Exception) -> str:
    """What went wrong, without the address and its credentials."""
    return "not authorized" if "authorization" in str(error).lower() else type(error).__name__
