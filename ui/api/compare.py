"""Comparisons over HTTP: the endpoint compare."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from studio.contract import GenerateRequest
from studio.grids.grid import GridRequest, axis
from ui.api.jobs import finished
from ui.api.values import EndpointGroup, readable, size_of


class CompareEndpoints(EndpointGroup):
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
            steps: Denoising steps, if the model supports them.
            guidance: Guidance scale, if the model supports it.
            negative_prompt: What the pictures must not show, if the model supports it.
            style: Id of a style of the model.
            wait: Wait for the result; false returns at once, then poll `job`.
            token: If the app is open to anyone: any secret of 16 characters or more; it owns what it makes.
        """
        caller = self._visitors.caller(request, token)
        base = GenerateRequest(prompt, model, size_of(width, height), 1, seed, steps, guidance, negative_prompt, style)
        wanted = GridRequest(base, axis(x, x_values), axis(y, y_values) if y else None)
        job = await asyncio.to_thread(self._studio.compare, caller.owner, wanted)
        return await finished(self._studio, job, caller, wait=wait)
