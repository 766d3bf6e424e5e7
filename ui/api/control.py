"""What other models can follow, over HTTP: the endpoint control."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.api.jobs import finished
from ui.api.values import picture_of, readable
from ui.routes.visitors import Visitors


class ControlEndpoints:
    """One method per endpoint; the argument names are the parameter names of the API."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self._studio = studio
        self._visitors = visitors

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
        """Keep the outlines or the depth of a picture as a version of it, and answer with the job.

        What comes of it can be changed, and followed: see `control` of `iterate`.

        Args:
            picture_id: Id of the picture; or give a file.
            model: Model id, see `models`; empty takes the first that is ready, which makes outlines.
            file: A picture to put into the gallery first: `handle_file(PATH)`.
            wait: Answer when it is there; false answers at once, then ask `job`.
            token: Where the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        job = await asyncio.to_thread(self._queue, caller.owner, picture_id, model, file)
        return await finished(self._studio, job, caller, wait=wait)

    def _queue(self, owner: str, picture_id: str, model: str, file: Any) -> JobView:
        return self._studio.control(owner, picture_of(self._studio, owner, picture_id, file), model)
