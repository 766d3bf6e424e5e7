"""The app's side: which workers there are, their models, and a model that asks them. Runs no model.

Each picture is one message of a work queue. Its id is also that of its result in the object store, so an app, worker
or server killed at any moment can tell what happened: there is a result, or the message is still waiting, or it has
to be sent again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import zip_longest

from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from PIL import Image

from studio.contract import ImageRequest, ImageResult, ModelCard, ModelSpec, Progress, Readiness, Tell
from studio.errors import Cancelled, Skipped, StudioError
from studio.scheduling.contract import WorkerFacts
from workers import codec, names
from workers.connection import FAULTS, Connection

log = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
"""After this long without news of a job, its result and its message are looked up."""
STOP_SECONDS = 0.25
"""How often to check for Stop."""


class RemoteWorkers:
    """The workers of one NATS server, for `Studio`; see `studio.scheduling.contract.Workers`."""

    def __init__(self, connection: Connection) -> None:
        """Read who is present, and keep listening."""
        self.connection = connection
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[float, bytes, codec.Presence]] = {}  # by worker: time, content, parsed
        self._specs: dict[str, ModelSpec] = {}  # all that were ever announced
        self._found: dict[str, tuple[ModelSpec, int]] = {}  # `_honoured`, until a worker comes, changes or goes
        self._changed: list[Callable[[], None]] = []
        connection.call(self._begin())
        connection.start(self._forget_the_silent())

    def models(self) -> Sequence[ModelSpec]:
        with self._lock:
            found = [self._honoured(spec) for spec in self._specs.values()]
        return [spec for spec, places in found if places]

    def model(self, model_id: str) -> ModelSpec | None:
        with self._lock:
            spec = self._specs.get(model_id)
            return spec and self._honoured(spec)[0]

    def places(self, model_id: str, precision: str = "", fast: bool = False) -> int:
        with self._lock:
            if not (spec := self._specs.get(model_id)):
                return 0
            spec, places = self._honoured(spec)
        return places if precision in ("", *spec.precisions) and (spec.fast or not fast) else 0

    def present(self) -> Sequence[WorkerFacts]:
        with self._lock:
            said = [said for _, _, said in self._heard.values()]
        workers = [WorkerFacts(each.host, each.machine, tuple(card.id for card in each.models)) for each in said]
        return sorted(workers)

    def listen(self, changed: Callable[[], None]) -> None:
        self._changed.append(changed)
        changed()

    # --- who is there -------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        async def heard(message: Msg) -> None:
            self._hear(message.subject.rpartition(".")[2], message.data)

        await self.connection.client.subscribe(names.presence("*"), cb=heard)
        there = await (await self.connection.stream.key_value(names.WORKERS)).watchall(ignore_deletes=True)
        async for entry in there:
            if entry is None:
                break
            self._hear(entry.key, entry.value or b"")
        await there.stop()

    def _hear(self, worker: str, content: bytes) -> None:
        """Handle a worker's announcement; an empty one means it leaves."""
        with self._lock:
            before = self._heard.get(worker)
            if not content:
                self._heard.pop(worker, None)
            elif before and before[1] == content:
                self._heard[worker] = (time.monotonic(), *before[1:])
                return
            else:
                try:
                    said = codec.loaded(codec.Presence, content)
                except codec.Malformed as error:
                    log.warning("A worker that cannot be understood: %s", error)
                    return
                self._heard[worker] = (time.monotonic(), content, said)
                for card, revision in zip(said.models, said.revisions, strict=False):
                    self._specs[card.id] = self._spec(card, revision, said.host)
            self._found.clear()
        self._tell()

    async def _forget_the_silent(self) -> None:
        while True:
            await asyncio.sleep(1)
            with self._lock:
                now = time.monotonic()
                gone = [id for id, (when, *_) in self._heard.items() if now - when > names.GONE_SECONDS]
                for id in gone:
                    del self._heard[id]
                    self._found.clear()
            if gone:
                self._tell()

    def _honoured(self, spec: ModelSpec) -> tuple[ModelSpec, int]:
        """A model limited to what all its workers support, since any may take the job; and how many there are."""
        if spec.id in self._found:
            return self._found[spec.id]
        places, common, fast = 0, dict[str, None](), True
        for _, _, said in self._heard.values():
            for card, precisions, is_fast in zip_longest(said.models, said.precisions, said.fast):
                if card and card.id == spec.id:
                    kept = precisions or ()
                    common = {one: None for one in (common if places else kept) if one in kept}
                    places, fast = places + 1, fast and bool(is_fast)
        found = self._found[spec.id] = replace(spec, precisions=tuple(common), fast=bool(places) and fast), places
        return found

    def _tell(self) -> None:
        for changed in self._changed:
            changed()

    def _spec(self, card: ModelCard, revision: str, host: str) -> ModelSpec:
        return replace(card, lane="workers").spec(
            load=lambda _tell: RemoteModel(self.connection, card, revision),
            readiness=lambda: Readiness(True, f"on {host}"),
            revision=revision,
        )


class RemoteModel:
    """A model that a worker runs: one request is one message."""

    def __init__(self, connection: Connection, card: ModelCard, revision: str) -> None:
        self._connection, self._card, self._revision = connection, card, revision

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Waits until a worker has made it, even one that joins later."""
        id = names.token(request.id) or secrets.token_hex(12)
        news, latest = threading.Event(), [Progress(0, 0, "waiting for a worker")]
        wanted = _Request(self._connection, id, news, latest)
        asked = self._connection.start(wanted.made(self._card, request))
        asked.add_done_callback(lambda _: news.set())
        try:
            while not asked.done():
                tell(latest[-1])
                news.wait(STOP_SECONDS)
                news.clear()
            content = asked.result()
        except (Cancelled, Skipped):
            asked.cancel()
            self._connection.start(wanted.withdraw())
            raise
        values, pictures = codec.unpacked(content)
        if error := values.get("error"):
            self._connection.start(wanted.tidy())
            raise StudioError(str(error))
        return replace(codec.to_result(values, pictures), kept=lambda: self._connection.start(wanted.tidy()))

    def close(self) -> None:
        """Nothing to release."""


class _Request:
    """One requested picture, on the connection's thread."""

    def __init__(self, connection: Connection, id: str, news: threading.Event, latest: list[Progress]) -> None:
        self._connection, self._id, self._news, self._latest = connection, id, news, latest
        self._bell = asyncio.Event()
        self._number = 0  # of the message in its stream; 0: not sent yet

    async def made(self, card: ModelCard, request: ImageRequest) -> bytes:
        """The packed result."""
        values, pictures = codec.request_values(request)
        job = codec.Job(self._id, card.lane, card.id, values, names.inputs(self._id) if pictures else "")
        async with self._connection.listening(names.events(self._id), self._hear):
            if pictures:
                packed = await asyncio.to_thread(codec.packed, {}, pictures)
                await self._connection.put(job.inputs, packed)
            is_again = await self._send(job, self._id)
            while True:
                if not is_again:  # if so, it may be finished already
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(self._bell.wait(), LOOK_SECONDS)
                    self._bell.clear()
                is_again = False
                is_waiting = await self._is_waiting()  # first: results are stored before messages are removed
                if (result := await self._connection.get(names.result(self._id))) is not None:
                    return result
                if not is_waiting:  # withdrawn, or lost by the server
                    await self._send(job, f"{self._id}-{secrets.token_hex(4)}")

    async def withdraw(self) -> None:
        """Cancel it: a worker on it stops, and none will start."""
        with suppress(*FAULTS):
            await self._connection.client.publish(names.cancel(self._id), b"")
        await self.tidy()

    async def tidy(self) -> None:
        """Delete everything about it on the server."""
        with suppress(*FAULTS):  # usually gone already; if a worker's ack was lost, this keeps others from starting it
            await self._connection.stream.delete_msg(names.JOBS, self._number)
        await self._connection.remove(names.result(self._id))
        await self._connection.remove(names.inputs(self._id))

    async def _send(self, job: codec.Job, message_id: str) -> bool:
        """Returns whether it was sent before."""
        subject, content, headers = names.jobs(job.lane, job.model), codec.dumped(job), {"Nats-Msg-Id": message_id}
        publish = partial(self._connection.stream.publish, subject, content, stream=names.JOBS, headers=headers)
        answer = await self._connection.persist(publish)
        self._number = answer.seq
        return bool(answer.duplicate)

    async def _is_waiting(self) -> bool:
        try:
            await self._connection.persist(lambda: self._connection.stream.get_msg(names.JOBS, self._number))
        except NotFoundError:
            return False
        return True

    def _hear(self, message: Msg) -> None:
        """Progress in a header, with the preview as content; only the latest is kept."""
        said = names.said(message.headers)
        if said.get("event") == "over":
            self._bell.set()
            return
        with suppress(KeyError, TypeError, ValueError, OSError):
            preview = Image.open(BytesIO(message.data), formats=("JPEG",)).convert("RGB") if message.data else None
            self._latest[:] = [Progress(int(said["step"]), int(said["steps"]), str(said["note"]), preview)]
            self._news.set()
