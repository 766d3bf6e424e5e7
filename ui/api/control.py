"""Outlines and depth maps over HTTP: the endpoint control."""

from __future__ import annotations

import asyncio

import gradio as gr

from ui.api.jobs import finished
from ui.api.values import EndpointGroup, picture_of, readable


class ControlEndpoints(EndpointGroup):
    @readable
    async def control(
        self,
        picture_id: str = "",
        model: str = "",
        file: gr.FileData | None = None,
        wait: bool = True,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Save the outlines or the depth of a picture as a version of it, and answer with the job.

        The result can be edited, and followed: see `control` of `iterate`.

        Args:
            picture_id: Id of the picture; or give a file.
            model: Model id, see `models`; empty takes the first that is ready, which makes outlines.
            file: A picture to put into the gallery first: `handle_file(PATH)`.
            wait: Wait for the result; false returns at once, then poll `job`.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        picture = await asyncio.to_thread(picture_of, self._studio, caller.owner, picture_id, file)
        job = await asyncio.to_thread(self._studio.control, caller.owner, picture, model)
        return await finished(self._studio, job, caller, wait=wait)
