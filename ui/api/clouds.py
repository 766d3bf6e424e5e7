"""Text over HTTP: the endpoints describe and improve_prompt, using whichever provider has a key."""

from __future__ import annotations

import asyncio

import gradio as gr

from ui.api.values import EndpointGroup, describe as as_json, readable
from ui.routes.clouds import outcome


class CloudEndpoints(EndpointGroup):
    @readable
    async def describe(self, picture_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """Have a provider describe a picture, and store the description with it.

        A search of the gallery finds it by these words. Answers with the picture and its "description".

        Args:
            picture_id: Id of a picture, made here or added.
            token: The secret that owns the picture, if the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        asset = await outcome(await asyncio.to_thread(self._studio.describing.describe, caller.owner, picture_id))
        return as_json(asset, caller) | {"description": asset.description}

    @readable
    async def improve_prompt(self, prompt: str, token: str = "", request: gr.Request | None = None) -> str:
        """Have a provider rewrite a prompt so that image models understand it better.

        Args:
            prompt: What to draw.
            token: Where the app is open to anyone: the secret that the provider's key was pasted with.
        """
        caller = self._visitors.caller(request, token)
        return await outcome(await asyncio.to_thread(self._studio.describing.improve_prompt, caller.owner, prompt))
