"""Larger pictures over HTTP: the endpoint upscale."""

from __future__ import annotations

import asyncio

import gradio as gr

from studio.contract import UpscaleRequest
from ui.api.jobs import finished
from ui.api.values import EndpointGroup, picture_of, readable


class UpscaleEndpoints(EndpointGroup):
    @readable
    async def upscale(
        self,
        picture_id: str = "",
        scale: int | None = None,
        model: str = "",
        file: gr.FileData | None = None,
        wait: bool = True,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Make a picture with more pixels and answer with the job; the picture is a version of its source.

        Args:
            picture_id: Id of the picture; or give a file.
            scale: How many times as wide and high, 2 or 4; empty takes what suits the size.
            model: Model id; empty takes SPAN, or plain Lanczos for a picture with noise.
            file: A picture to put into the gallery first: `handle_file(PATH)`.
            wait: Wait for the result; false returns at once, then poll `job`.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        source = await asyncio.to_thread(picture_of, self._studio, caller.owner, picture_id, file)
        job = await asyncio.to_thread(self._studio.upscale, caller.owner, UpscaleRequest(source, model, scale))
        return await finished(self._studio, job, caller, wait=wait)
