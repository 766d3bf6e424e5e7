"""Live updates for an open page: a person's jobs and newest pictures as plain JSON. Knows no layout.

Long polling: each call waits until something changed (or 25 seconds), so that a page recovers by itself after sleep, a
lost network or a restart of the server, and an open tab holds no thread.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from contextlib import suppress
from typing import Any

from studio.library.search import GalleryPage
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.shared.pictures import Answer, model_label, picture, text

PAGE = 24
"""Pictures per answer."""
_LONGEST_WAIT = 25.0  # seconds; below the time-outs of proxies, 30 and more
_MOST_LOOKS = 3
PROGRESS_PAUSE = 0.15
"""Seconds between two answers with progress alone, which still looks smooth. Sending and drawing every step of the toy
takes as much CPU as a third of the picture."""


async def watch(studio: Studio, owner: str, question: Answer, _request: Any = None) -> Answer:
    """Wait until the owner's jobs or pictures changed, then return everything the page shows.

    Args:
        question: `since` (the last answer's `pulse`; anything else answers at once), `wait` (seconds), `pictures` (the
            last answer's `digest`: the pictures are sent only if they changed).

    Returns:
        `{pulse}` if nothing changed in time, else also `jobs`, `digest`, and if they changed `pictures`, `next`.
    """
    since, wait = question.get("since"), question.get("wait")
    wait = min(wait, _LONGEST_WAIT) if isinstance(wait, int | float) else 0.0
    pulse = await pulse_after(studio, owner, since, wait)
    if pulse == since:
        return {"pulse": pulse}
    return {"pulse": pulse, **await asyncio.to_thread(_snapshot, studio, owner, question.get("pictures"))}


async def pulse_after(
    studio: Studio, owner: str, since: Any, seconds: float, *, progress_pause: float = PROGRESS_PAUSE
) -> int:
    """The owner's pulse as soon as it differs from `since`, or after this many seconds. Holds no thread.

    News is returned at once; progress of a running job not before `progress_pause` seconds after the call.
    """
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    end = loop.time() + seconds
    calm = min(end, loop.time() + progress_pause)  # until then, ignore progress

    def ring(is_news: bool) -> None:
        if is_news or loop.time() >= calm:
            with suppress(RuntimeError):  # the server has shut down
                loop.call_soon_threadsafe(changed.set)

    with studio.listening(owner, ring):
        while True:
            changed.clear()  # first, so that no change is missed
            pulse, now = studio.pulse(owner), loop.time()
            may_wait = isinstance(since, int) and studio.news(owner) <= since <= pulse and now < calm
            if not now < end or (pulse != since and not may_wait):
                return pulse
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), (calm if now < calm else end) - now)


def more(studio: Studio, owner: str, question: Answer) -> Answer:
    """Older pictures: those after the cursor `after`."""
    page = studio.gallery(owner, after=text(question, "after"), limit=PAGE)
    return {"pictures": [picture(studio, asset) for asset in page.assets], "next": page.next}


def stop(studio: Studio, owner: str, question: Answer) -> Answer:
    """Stop the job `id`, waiting or running."""
    studio.cancel(owner, text(question, "id"))
    return {}


def skip(studio: Studio, owner: str, question: Answer) -> Answer:
    """Skip the picture the job `id` is making and go on with the next."""
    studio.skip(owner, text(question, "id"))
    return {}


ROUTES = {"watch": watch, "pictures/more": more, "jobs/stop": stop, "jobs/skip": skip}


def _snapshot(studio: Studio, owner: str, known: Any) -> Answer:
    jobs, page = _looked(studio, owner)
    pictures = [picture(studio, asset) for asset in page.assets]
    digest = hashlib.sha256(json.dumps([pictures, page.next]).encode()).hexdigest()[:16]
    answer: Answer = {"jobs": [job_told(studio, job) for job in jobs], "digest": digest}
    return answer if digest == known else {**answer, "pictures": pictures, "next": page.next}


def _looked(studio: Studio, owner: str) -> tuple[list[JobView], GalleryPage]:
    """The jobs, and after them the pictures, so that what is over has its pictures among them. If there is news
    meanwhile, once more: what has its pictures among them is over.
    """
    looks = 0
    while True:
        looks, news = looks + 1, studio.news(owner)
        jobs, page = studio.jobs(owner), studio.gallery(owner, limit=PAGE)
        if studio.news(owner) == news or looks == _MOST_LOOKS:
            return jobs, page


def job_told(studio: Studio, job: JobView) -> Answer:
    """A job as the page draws it."""
    told: Answer = {
        "id": job.id,
        "title": job.title,
        "task": job.task,
        "state": job.state,
        "created": job.created,
        "error": job.error,
        "assets": job.assets,
        "source": job.source,
    }
    if job.is_over:
        return told
    note = "paused by the host" if job.state == "waiting" and studio.hosting.is_paused else job.note
    preview = "data:image/jpeg;base64," + base64.b64encode(job.preview).decode() if job.preview else ""
    return told | {
        "model": model_label(studio, job.model),
        "position": job.position,
        "step": job.step,
        "steps": job.steps,
        "picture": job.picture,
        "pictures": job.pictures,
        "note": note,
        "stopping": job.stopping,
        "secondsLeft": job.seconds_left,
        "preview": preview,
    }
