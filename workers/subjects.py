"""NeuroLux's subjects on a NATS server: any client can request a picture there and hear of every result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from nats.aio.msg import Msg

from workers.connection import FAULTS, Connection

REQUEST, RESULT, MODEL_INFO = (f"ai.vision.imagegen.{name}" for name in ("request", "result", "model_info"))
QUEUE = "diorama"
"""Queue group: only one of several apps answers."""


async def serve(
    connection: Connection,
    generate: Callable[[bytes, int], Awaitable[tuple[bytes, bool]]],
    model_info: Callable[[], Awaitable[bytes]],
) -> None:
    """Answer from now on, each request in its own task.

    Args:
        generate: content and the maximum size of an answer -> the answer, and whether to publish it as a result.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def make(message: Msg) -> None:
        answer, is_result = await generate(message.data, connection.client.max_payload)
        with suppress(*FAULTS):
            if message.reply:
                await connection.client.publish(message.reply, answer)
            if is_result:
                await connection.client.publish(RESULT, answer)

    async def tell(message: Msg) -> None:
        with suppress(*FAULTS):
            await connection.client.publish(message.reply, await model_info())

    def answering(answer: Callable[[Msg], Awaitable[None]]) -> Callable[[Msg], Awaitable[None]]:
        async def heard(message: Msg) -> None:
            task = asyncio.ensure_future(answer(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return heard

    await connection.client.subscribe(REQUEST, QUEUE, cb=answering(make))
    await connection.client.subscribe(MODEL_INFO, QUEUE, cb=answering(tell))
