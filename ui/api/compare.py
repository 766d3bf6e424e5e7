"""Comparisons over HTTP: the endpoint compare."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from studio.contract import GenerateRequest, Size
from studio.errors import BadRequest
from studio.grids.grid import GridRequest, axis
from studio.service import Studio
from ui.api.jobs import finished
from ui.api.values import readable
from ui.routes.visitors import Visitors


class CompareEndpoints:
    """One method per endpoint; the argument names are the parameter names of the API."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self._studio = studio
        self._visitors = visitors

    @readable
    async def compare(
        self,
        prompt: str,
        x: str,
        x_values: Any,
        y: str = "",
        y_values: Any = "",
        model: str = "",
        width: int | None = None,
        height: int | None = None,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
        style: str = "",
        wait: bool = True,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Make the same picture with several values of one control, or of two, and answer with the job: its one picture
        is a sheet with labels.

        Args:
            prompt: What to draw.
            x: What changes from left to right: prompt, seed, steps, guidance, negative_prompt, style, size, quality or
                clip_skip.
            x_values: A list, or a text: "4, 8, 20"; words have semicolons between them.
            y: What changes from top to bottom; empty for nothing.
            y_values: Its values.
            model: Model id, see `models`; empty takes the first that is ready.
            width: In pixels; with height, or neither for the model's own size.
            height: In pixels.
            seed: 0 to 4294967295, of all pictures; empty or -1 draws one.
            steps: Denoising steps, where the model honours them.
            guidance: Guidance scale, where the model honours it.
            negative_prompt: What the pictures must not show, where the model honours it.
            style: Id of a style of the model.
            wait: Answer when it is there; false answers at once, then ask `job`.
            token: Where the app is open to anyone: any secret of 16 characters or more, which owns what it makes.
        """
        caller = self._visitors.caller(request, token)
        if (width is None) != (height is None):
            raise BadRequest(f"A size is a width and a height; got only {width or height}. Give both, or neither.")
        size = None if width is None or height is None else Size(width, height)
        base = GenerateRequest(prompt, model, size, 1, seed, steps, guidance, negative_prompt, style)
        wanted = GridRequest(base, axis(x, x_values), axis(y, y_values) if y else None)
        job = await asyncio.to_thread(self._studio.compare, caller.owner, wanted)
        return await finished(self._studio, job, caller, wait=wait)
