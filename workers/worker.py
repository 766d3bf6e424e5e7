"""A worker: pulls one job at a time from the queues of its models, and stores each result where the app finds it.

It keeps no state. A job is acknowledged only once its result is stored on the server, so if this process dies,
another worker starts the job again after `names.ACK_WAIT_SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import fields, replace
from functools import partial
from typing import Any

from nats.aio.msg import Msg

from studio.contract import ModelCard, ModelSpec, Progress, Task
from studio.errors import Cancelled, GpuLost, OutOfMemory, StudioError
from studio.residents import Residents
from studio.scheduling.live_job import jpeg_of
from workers import codec, names
from workers.connection import FAULTS, Connection

log = logging.getLogger(__name__)

TASKS = frozenset({Task.GENERATE, Task.ITERATE, Task.UPSCALE, Task.CONTROL})
"""The tasks that take an `ImageRequest`."""
PULL_SECONDS, SILENCE_SECONDS = 5.0, 7.0
"""How long a pull request for the next job stays open, and after what silence it is repeated."""
BROKE = "The worker {host} could not make this; its log says why. Try again, or try another model."
POISONED = (
    "{tries} workers ended while they worked on this, so it was put aside. Ask for a smaller size or another model."
)


def offered(specs: Iterable[ModelSpec]) -> list[ModelSpec]:
    """The models that a worker offers: image models that are ready here, with everything they need."""
    return [
        spec
        for spec in specs
        if spec.lane == "gpu"
        and spec.tasks & TASKS
        and not spec.control  # it would also need the model that makes its control image
        and (ready := spec.readiness()).ok
        and not ready.download_gb
    ]


class Worker:
    """Works until `close`, on the connection's thread and one for the models."""

    def __init__(
        self, connection: Connection, specs: Iterable[ModelSpec], residents: Residents, machine: str, host: str = ""
    ) -> None:
        """
        Args:
            specs: see `offered`.
            machine: a label for the hardware.
            host: a name to show; "": the host name.
        """
        self._connection, self._residents = connection, residents
        self._specs = {spec.id: spec for spec in specs}
        self.host = host or socket.gethostname()
        self._machine = machine
        self._id = names.token(f"{self.host}-{os.getpid()}-{secrets.token_hex(3)}")
        self._thread = ThreadPoolExecutor(1, "model")
        self._leaving = threading.Event()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()  # None: pull again
        connection.when_back(lambda: self._arrived.put_nowait(None))
        self._tasks = [connection.start(each) for each in (self._say_that_it_is_there(), self._draw())]

    def wait(self, seconds: float | None = None) -> None:
        """Until it ends, which it does by itself only when its GPU is lost."""
        with suppress(TimeoutError):
            self._tasks[1].result(seconds)

    def close(self) -> None:
        """Return the current job to the queue, and leave."""
        self._leaving.set()
        with suppress(TimeoutError, *FAULTS):
            self._connection.start(self._arrived.put(None)).result(1)
            self._tasks[1].result(5)
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError, *FAULTS):
            self._connection.start(self._leave()).result(2)
        self._thread.shutdown(wait=False, cancel_futures=True)

    # --- presence -----------------------------------------------------------------------------------------------------

    async def _say_that_it_is_there(self) -> None:
        specs = self._specs.values()
        cards = (ModelCard(**{each.name: getattr(spec, each.name) for each in fields(ModelCard)}) for spec in specs)
        more = zip(*((spec.revision, spec.precisions, spec.fast) for spec in specs), strict=True)
        said = codec.dumped(codec.Presence(self.host, self._machine, tuple(cards), *more))
        while True:
            with suppress(*FAULTS):
                await self._connection.stream.publish(names.presence(self._id), said)
            await asyncio.sleep(names.PRESENCE_SECONDS)

    async def _leave(self) -> None:
        await (await self._connection.stream.key_value(names.WORKERS)).delete(self._id)

    # --- the queue ----------------------------------------------------------------------------------------------------

    async def _draw(self) -> None:
        await self._connection.persist(self._prepare)
        log.info("%s works for %s.", self.host, ", ".join(self._specs))
        while not self._leaving.is_set() and not self._residents.gpu_lost.is_set():
            try:
                for number, message in enumerate(await self._next()):
                    if number:  # it arrived just before the pull was cancelled
                        await message.nak()
                    else:
                        await self._do(message)
            except FAULTS as error:
                log.info("The server did not answer (%s); asking again.", type(error).__name__)
                await asyncio.sleep(0.5)
                await self._connection.persist(self._prepare)

    async def _prepare(self) -> None:
        await self._connection.prepare()
        for spec in self._specs.values():
            await self._connection.stream.add_consumer(names.JOBS, names.consumer(spec.lane, spec.id))

    async def _next(self) -> list[Msg]:
        """The next job of any model; [] if there is none for a while. Any second one has to be returned.

        The server counts a returned job as tried, so the worker asks one queue after the other, in random order, and
        waits at all of them only once all were empty.
        """
        client, inbox, got = self._connection.client, self._connection.client.new_inbox(), list[Msg]()
        while not self._arrived.empty():
            self._arrived.get_nowait()
        subscription = await client.subscribe(inbox, cb=self._arrived.put)
        try:
            queues = [names.consumer(spec.lane, spec.id).durable_name or "" for spec in self._specs.values()]
            at_once = [([queue], {"no_wait": True}) for queue in random.sample(queues, len(queues))]
            for asked, how in (*at_once, (queues, {"expires": round(PULL_SECONDS * 1e9)})):
                if self._leaving.is_set():
                    break
                if message := await self._pulled(inbox, asked, how):
                    got.append(message)
                    break
        finally:
            await subscription.drain()
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message and (message.headers or {}).get("Status") is None:
                got.append(message)
        return got

    async def _pulled(self, inbox: str, queues: list[str], how: dict[str, Any]) -> Msg | None:
        """The first job from these queues; None if there is none, or the worker is to ask again."""
        question = json.dumps({"batch": 1, **how}).encode()
        for queue in queues:
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{names.JOBS}.{queue}"
            await self._connection.client.publish(subject, question, reply=inbox)
        for _ in queues:
            with suppress(asyncio.TimeoutError):
                message = await asyncio.wait_for(self._arrived.get(), SILENCE_SECONDS)
                status = message and (message.headers or {}).get("Status")
                if status is None:
                    return message
                if status not in ("404", "408"):  # no job now, or in that time
                    raise ConnectionError(f"status {status}")
        return None

    # --- a job --------------------------------------------------------------------------------------------------------

    async def _do(self, message: Msg) -> None:
        try:
            job = codec.loaded(codec.Job, message.data)
        except codec.Malformed as error:
            _, lane, model = message.subject.split(".")
            await self._bury(message, lane, model, f"It is not a job of this version: {error}")
            await message.term()
            return
        async with self._beating(message):
            if not await self._connection.has(names.result(job.id)):
                content = await self._made(message, job)
                if content is None:
                    return
                await self._connection.put(names.result(job.id), content)
            await message.ack()
            await self._connection.client.publish(names.events(job.id), b"", headers=names.saying("over"))

    async def _made(self, message: Msg, job: codec.Job) -> bytes | None:
        """The result to store, a picture or a sentence; None: the job was withdrawn or goes to another worker."""
        tries = message.metadata.num_delivered
        if tries > names.MOST_TRIES:
            return await self._bury(message, job.lane, job.model, POISONED.format(tries=names.MOST_TRIES))
        stopped = threading.Event()
        try:
            pictures = await self._connection.get(job.inputs) if job.inputs else codec.packed({}, ())
            async with self._connection.listening(names.cancel(job.id), lambda _: stopped.set()):
                make = partial(self._make, job, pictures, stopped)
                return await asyncio.get_running_loop().run_in_executor(self._thread, make)
        except Cancelled:
            await (message.term() if stopped.is_set() else message.nak())
            return None
        except (OutOfMemory, GpuLost) as error:
            return await self._failed(message, job, tries, str(error))
        except StudioError as error:
            return codec.packed({"error": str(error)}, ())
        except (Exception, SystemExit):
            log.exception("Job %s failed", job.id)
        return await self._failed(message, job, tries, BROKE.format(host=self.host))

    def _make(self, job: codec.Job, pictures: bytes | None, stopped: threading.Event) -> bytes:
        """Runs on the models' thread."""
        if pictures is None:
            raise StudioError("The pictures of this request are gone from the server. Ask again.")
        spec = self._specs[job.model]
        request = codec.to_request(job.request, codec.unpacked(pictures)[1])
        teller = _Teller(self._connection, job.id, lambda: stopped.is_set() or self._leaving.is_set())

        def here(progress: Progress) -> None:
            teller.tell(replace(progress, note=f"{progress.note} on {self.host}"))

        if self._residents.has(spec.id):
            here(Progress(0, 0, "working"))
        with self._residents.use(spec, here) as model:  # which says that it is loading
            result = model.run(request, teller.tell)
        return codec.packed_result(result, spec.revision)

    async def _failed(self, message: Msg, job: codec.Job, tries: int, why: str) -> bytes | None:
        """Let another worker try; after the last attempt, make it a dead letter."""
        self._residents.drop(job.model)
        if tries < names.MOST_TRIES:
            await message.nak(delay=1)
            return None
        return await self._bury(message, job.lane, job.model, why)

    async def _bury(self, message: Msg, lane: str, model: str, why: str) -> bytes:
        """Store a message as a dead letter, and return the result that says so."""
        headers = {"Nats-Msg-Id": f"dead-{message.metadata.sequence.stream}", "Diorama-Why": " ".join(why.split())}
        publish = partial(self._connection.stream.publish, names.dead(lane, model), message.data, headers=headers)
        await self._connection.persist(publish)
        log.error("A job of %s was put aside: %s", model, why)
        return codec.packed({"error": why}, ())

    @asynccontextmanager
    async def _beating(self, message: Msg) -> AsyncIterator[None]:
        """Send heartbeats for the job."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(names.HEARTBEAT_SECONDS)
                with suppress(*FAULTS):
                    await message.in_progress()

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()


class _Teller:
    """Progress of one job: sends it to listeners, and notices Stop."""

    def __init__(self, connection: Connection, job: str, is_unwanted: Callable[[], bool]) -> None:
        self._connection, self._job, self._is_unwanted = connection, job, is_unwanted
        self._lock = threading.Lock()
        self._latest: Progress | None = None  # to be sent next
        self._is_sending = False

    def tell(self, progress: Progress) -> None:
        """See `contract.Tell`. Skips what the connection is too slow for, but never the latest."""
        if self._is_unwanted():
            raise Cancelled
        with self._lock:
            self._latest = progress
            if not self._is_sending:
                self._is_sending = True
                self._connection.start(self._send())

    async def _send(self) -> None:
        while progress := self._next():
            content = b"" if progress.preview is None else jpeg_of(progress.preview)
            said = names.saying("progress", step=progress.step, steps=progress.steps, note=progress.note)
            with suppress(*FAULTS):
                await self._connection.client.publish(names.events(self._job), content, headers=said)

    def _next(self) -> Progress | None:
        with self._lock:
            progress, self._latest = self._latest, None
            self._is_sending = progress is not None
            return progress
