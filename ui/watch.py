"""What the page is told: a person's jobs and pictures as plain JSON, and the calls its scripts make. Knows no layout.

The page watches instead of being pushed to: each call waits until something changed (or ten seconds), so that a page
heals by itself after sleep, a lost network or a restart of the server, and an open tab holds no thread.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

from studio.contract import JobView
from studio.errors import BadRequest, UnknownModel
from studio.service import Studio
from studio.store import Asset
from ui.files import picture_address, thumb_address
from ui.settings import request_of

PAGE = 24
"""Pictures sent at a time."""
_LONGEST_WAIT = 10.0  # seconds a call may be held; shorter than the time-outs of proxies
_LOOK_EVERY = 0.03  # seconds between two looks at the pulse: a counter in memory

Answer = dict[str, Any]


async def watch(studio: Studio, owner: str, question: Answer) -> Answer:
    """Wait until the owner's jobs or pictures changed, then tell everything the page shows.

    Args:
        studio: whose state is watched.
        owner: who asks.
        question: `since` (the last answer's `pulse`; anything else answers at once), `wait` (seconds), `pictures` (the
            last answer's `digest`: the pictures are sent only when they changed).

    Returns:
        `{pulse}` when nothing changed in time, else also `jobs`, `digest`, and where they changed `pictures`, `next`.
    """
    since, wait = question.get("since"), question.get("wait")
    end = asyncio.get_running_loop().time() + min(wait if isinstance(wait, int | float) else 0.0, _LONGEST_WAIT)
    while (pulse := studio.pulse(owner)) == since and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(_LOOK_EVERY)
    if pulse == since:
        return {"pulse": pulse}
    return {"pulse": pulse, **await asyncio.to_thread(_snapshot, studio, owner, question.get("pictures"))}


def more(studio: Studio, owner: str, question: Answer) -> Answer:
    """Older pictures: those after the cursor `after`."""
    page = studio.gallery(owner, after=_text(question, "after"), limit=PAGE)
    return {"pictures": [picture(studio, asset) for asset in page.assets], "next": page.next}


def stop(studio: Studio, owner: str, question: Answer) -> Answer:
    """Stop the job `id`, waiting or running."""
    studio.cancel(owner, _text(question, "id"))
    return {}


def skip(studio: Studio, owner: str, question: Answer) -> Answer:
    """Leave the picture the job `id` is making and go on with the next."""
    studio.skip(owner, _text(question, "id"))
    return {}


def star(studio: Studio, owner: str, question: Answer) -> Answer:
    """Star the picture `id`, or take the star away."""
    return {"picture": picture(studio, studio.star(owner, _text(question, "id"), question.get("starred") is True))}


def delete(studio: Studio, owner: str, question: Answer) -> Answer:
    """Put the picture `id` into the trash."""
    studio.delete(owner, [_text(question, "id")])
    return {}


def restore(studio: Studio, owner: str, question: Answer) -> Answer:
    """Take the picture `id` out of the trash."""
    studio.restore(owner, [_text(question, "id")])
    return {}


def vary(studio: Studio, owner: str, question: Answer) -> Answer:
    """Make the picture `id` again with another seed, at once."""
    request = request_of(studio.asset(owner, _text(question, "id")))
    studio.generate(owner, replace(request, seed=None))
    return {}


def picture(studio: Studio, asset: Asset) -> Answer:
    """What the page knows of a picture."""
    return {
        "id": asset.id,
        "file": picture_address(asset.owner, asset.id),
        "thumb": thumb_address(asset.owner, asset.id),
        "title": asset.title,
        "model": _label(studio, asset.model),
        "seed": asset.seed,
        "width": asset.width,
        "height": asset.height,
        "created": asset.created,
        "starred": asset.starred,
    }


def _snapshot(studio: Studio, owner: str, known: Any) -> Answer:
    page = studio.gallery(owner, limit=PAGE)
    pictures = [picture(studio, asset) for asset in page.assets]
    digest = hashlib.sha256(json.dumps([pictures, page.next]).encode()).hexdigest()[:16]
    answer: Answer = {"jobs": [_job(studio, job) for job in studio.jobs(owner)], "digest": digest}
    return answer if digest == known else {**answer, "pictures": pictures, "next": page.next}


def _job(studio: Studio, job: JobView) -> Answer:
    told: Answer = {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "created": job.created,
        "error": job.error,
        "assets": job.assets,
    }
    if job.is_over:
        return told
    preview = "data:image/jpeg;base64," + base64.b64encode(job.preview).decode() if job.preview else ""
    return told | {
        "model": _label(studio, job.model),
        "task": job.task,
        "position": job.position,
        "step": job.step,
        "steps": job.steps,
        "picture": job.picture,
        "pictures": job.pictures,
        "note": job.note,
        "stopping": job.stopping,
        "secondsLeft": job.seconds_left,
        "preview": preview,
    }


def _label(studio: Studio, model_id: str) -> str:
    """The model's name for people; its id where the catalog no longer lists it."""
    try:
        return studio.model(model_id).label
    except UnknownModel:
        return model_id


def _text(question: Answer, name: str) -> str:
    value = question.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"The page sent {value!r:.60} as '{name}', which is not a text. Reload the page.")
    return value
