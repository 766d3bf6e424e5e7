"""Providers over HTTP: keys come in and are never sent back; text comes out. Knows no layout.

With the browser's token in `X-Diorama-Token` and JSON bodies: `POST /diorama/clouds` lists providers and today's cost,
`/diorama/keys` stores or forgets a key, `/diorama/describe` and `/diorama/improve` ask for text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from studio.clouds.describe import Asked
from studio.clouds.spending import in_dollars
from studio.errors import BadRequest, Cancelled, NotReady
from studio.service import Studio
from ui.routes.answers import Handler, json_router
from ui.routes.visitors import Visitors
from ui.shared.pictures import Answer, picture, text

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often a waiting call checks whether the client is still connected."""
_FROM = {"session": "yours, for this session", "environment": "set in the environment", "file": "set in .env"}


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    handlers: dict[str, Handler] = {"clouds": look, "keys": take_key, "describe": describe, "improve": improve}
    return json_router(studio, visitors, handlers, '{"provider": "...", "key": "..."}')


def look(studio: Studio, owner: str, _values: Answer) -> Answer:
    """The providers, and what was spent today."""
    return clouds_of(studio, owner)


def take_key(studio: Studio, owner: str, values: Answer) -> Answer:
    """Remember the key `key` of `provider` for its sender, in memory; "" forgets it. Answers like `look`."""
    provider, key = text(values, "provider"), values.get("key")
    if not isinstance(key, str):  # never repeat the value
        raise BadRequest("A key must be text. Copy it again from its provider's page.")
    studio.clouds.paste(owner, provider, key)
    log.info("A key of %s was %s.", provider, "pasted" if key.strip() else "forgotten")
    return clouds_of(studio, owner)


async def describe(studio: Studio, owner: str, values: Answer, request: Request) -> Answer:
    """Have the picture `picture` described. If the client leaves, the description is still stored."""
    asked = await asyncio.to_thread(studio.describing.describe, owner, text(values, "picture"))
    asset = await outcome(asked, request.is_disconnected)
    return {"picture": picture(studio, asset), "description": asset.description}


async def improve(studio: Studio, owner: str, values: Answer, request: Request) -> Answer:
    """Have the prompt `prompt` improved, for the model `model`; stops if the client leaves."""
    ask = partial(studio.describing.improve_prompt, for_toys=is_for_toys(studio, values.get("model", "")))
    asked = await asyncio.to_thread(ask, owner, text(values, "prompt"))
    return {"prompt": await outcome(asked, request.is_disconnected, on_leaving=asked.stop)}


def is_for_toys(studio: Studio, model_id: str) -> bool:
    """Whether a prompt for this model may be about the toy world; "": unknown model.

    Raises:
        UnknownModel
    """
    return model_id == "" or studio.model(model_id).toys_only


async def outcome(
    asked: Asked,
    has_left: Callable[[], Awaitable[bool]] | None = None,
    *,
    on_leaving: Callable[[], None] = lambda: None,
) -> Any:
    """Wait for an answer without holding a thread.

    Args:
        has_left: whether the client has left; None: it has not.

    Raises:
        NotReady: it was stopped, or the client left.
        StudioError: there is no answer.
    """
    answer = asyncio.wrap_future(asked.answer)
    answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved even if nobody waits
    while not answer.done():
        await asyncio.wait([answer], timeout=LOOK_SECONDS)
        if not answer.done() and has_left is not None and await has_left():
            on_leaving()
            raise NotReady("Nobody is waiting for this answer any more.")
    if answer.cancelled() or isinstance(answer.exception(), Cancelled):
        raise NotReady("This was stopped. Ask again if you still want it.")
    return answer.result()


def clouds_of(studio: Studio, owner: str) -> Answer:
    """What the page shows about providers: whether there is a key, never the key."""
    spent = studio.spending.today(owner)
    return {
        "providers": [
            {
                "provider": state.provider,
                "name": state.name,
                "source": state.source,
                "said": _FROM.get(state.source, "no key"),
                "file": state.file,
                "url": state.keys_url,
            }
            for state in studio.clouds.keys(owner)
        ],
        "reader": studio.clouds.reader(owner),
        "spent": in_dollars(spent.total),
        "cap": "" if spent.cap is None else in_dollars(spent.cap),
    }
