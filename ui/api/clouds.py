"""Words over HTTP: the endpoints describe and improve_prompt, by whichever provider there is a key for."""

from __future__ import annotations

import asyncio

import gradio as gr

from studio.service import Studio
from ui.api.values import describe as as_json, readable
from ui.routes.clouds import outcome
from ui.routes.visitors import Visitors


class CloudEndpoints:
    """One method per endpoint; the argument names are the parameter names of the API."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self._studio = studio
        self._visitors = visitors

    @readable
    async def describe(self, picture_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """Send a picture to a provider that says what is to be seen on it, and keep that with the picture.

        A search of the gallery finds it by these words. Answers with the picture and its "description".

        Args:
            picture_id: Id of a picture, made here or added.
            token: The secret of who owns the picture, where the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        asset = await outcome(await asyncio.to_thread(self._studio.describing.describe, caller.owner, picture_id))
        return as_json(asset, caller) | {"description": asset.description}

    @readable
    async def improve_prompt(self, prompt: str, token: str = "", request: gr.Request | None = None) -> str:
        """Have a provider say the same wish so that an image model understands more of it.

        Args:
            prompt: What to draw.
            token: Where the app is open to anyone: the secret that the provider's key was pasted with.
        """
        caller = self._visitors.caller(request, token)
        return await outcome(await asyncio.to_thread(self._studio.describing.improve_prompt, caller.owner, prompt))
