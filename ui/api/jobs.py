"""A job over HTTP: its state as JSON, and waiting for its end."""

from __future__ import annotations

import asyncio

from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.api.values import describe
from ui.routes.visitors import Caller
from ui.shared.watch import pulse_after

LONGEST_SLEEP = 10.0
"""Seconds after which a waiting call checks its job in any case."""


async def finished(studio: Studio, job: JobView, caller: Caller, *, wait: bool = True) -> dict:
    """The job once it is over or, with `wait` False, as it is now. Holds no thread."""
    while wait and not job.is_over:
        pulse = studio.pulse(job.owner)  # read first, so that no change is missed
        job = await asyncio.to_thread(studio.job, job.owner, job.id)
        if not job.is_over:
            await pulse_after(studio, job.owner, pulse, LONGEST_SLEEP)
    return await asyncio.to_thread(describe_job, studio, job, caller)


def describe_job(studio: Studio, job: JobView, caller: Caller) -> dict:
    """A job as JSON, with the pictures it has made so far."""
    return {
        "id": job.id,
        "state": job.state,
        "prompt": job.title,
        "model": job.model,
        "step": job.step,
        "steps": job.steps,
        "position": job.position,
        "error": job.error,
        "pictures": [describe(studio.asset(job.owner, asset), caller) for asset in job.assets],
    }
