"""A job that a program waits for: followed to its end, and stopped if the program disconnects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from starlette.requests import ClientDisconnect

from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.failures import check
from ui.shared.watch import pulse_after

log = logging.getLogger(__name__)

LONGEST_SLEEP = 10.0
"""Seconds after which to check a job in any case."""


async def views(studio: Studio, job: JobView) -> AsyncGenerator[JobView]:
    """The job after every change, and every LONGEST_SLEEP seconds, until it is over. Holds no thread.

    A job that is not followed to its end, for whatever reason, is stopped.
    """
    try:
        while True:
            pulse = studio.pulse(job.owner)  # read first, so that no change is missed
            job = await asyncio.to_thread(studio.job, job.owner, job.id)
            yield job
            if job.is_over:
                return
            await pulse_after(studio, job.owner, pulse, LONGEST_SLEEP)
    finally:
        if not job.is_over:
            stop(studio, job)


async def finished(studio: Studio, job: JobView, request: Request) -> JobView:
    """The job once it is over.

    Raises:
        ClientDisconnect: the program disconnected; the job is stopped.
        JobFailed: nothing was made.
    """
    over, gone = asyncio.create_task(ended(studio, job)), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((over, gone), return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            raise ClientDisconnect
        return check(over.result())
    finally:
        over.cancel()
        gone.cancel()
        await asyncio.gather(over, gone, return_exceptions=True)


async def ended(studio: Studio, job: JobView) -> JobView:
    """The job once it is over, whatever its result."""
    async with aclosing(views(studio, job)) as told:
        async for seen in told:
            job = seen
    return job


def stop(studio: Studio, job: JobView) -> None:
    """Stop the job on a thread of its own, so that the caller need not wait."""
    stopping = asyncio.get_running_loop().run_in_executor(None, studio.cancel, job.owner, job.id)
    stopping.add_done_callback(_told)


def _told(stopping: asyncio.Future[JobView]) -> None:
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("A job whose program went away was not stopped: %s", error)


async def _gone(request: Request) -> None:
    """Return when the program has disconnected. The body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
