"""Versions of a picture over HTTP: the endpoints iterate, upscale, control and tree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.contract import IterateRequest, UpscaleRequest
from studio.imaging import edit_codec
from studio.scheduling.contract import JobView
from ui.api.jobs import finished
from ui.api.values import EndpointGroup, describe, picture_of, readable


class IterateEndpoints(EndpointGroup):
    @readable
    async def iterate(
        self,
        picture_id: str = "",
        instruction: str = "",
        model: str = "",
        count: int = 1,
        object_id: str = "",
        strokes: list | None = None,
        invert: bool = False,
        feather: float | None = None,
        extend: list | dict | None = None,
        references: list | None = None,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        strength: float | None = None,
        negative_prompt: str = "",
        quality: str = "",
        transparent: bool = False,
        clip_skip: int | None = None,
        confirm_cost: bool = False,
        file: gr.FileData | None = None,
        wait: bool = True,
        token: str = "",
        control: str = "",
        control_strength: float | None = None,
        precision: str = "",
        fast: bool = False,
        sampler: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Change a picture as an instruction says and answer with the job; its pictures are new versions.

        With an object, strokes or an extension, everything else of the picture stays byte for byte. "notice" is a
        sentence where the model does not know such a picture, else empty.

        Args:
            picture_id: Id of the picture; or give a file.
            instruction: What to change: "make the hat red".
            model: Model id; empty takes the first that is ready.
            count: How many versions, 1 to 8; version i gets seed + i.
            object_id: Change only inside this object, see `keep_object`.
            strokes: Change only under these: [{"points": [[x, y], ...], "radius": 12, "add": true}], in pixels.
            invert: Change everything but the object and the strokes.
            feather: Pixels over which the change fades out; empty takes what suits the size.
            extend: Pixels to add: [left, top, right, bottom], or {"left": 128}.
            references: Ids of more pictures that the instruction may refer to, if the model supports them.
            seed: 0 to 4294967295; empty or -1 draws one.
            steps: Denoising steps, if the model supports them.
            guidance: Guidance scale, if the model supports it.
            strength: How far from the picture, 0 to 1, if the model supports it.
            negative_prompt: What the picture must not show, if the model supports it.
            quality: One of the model's qualities; empty takes its first.
            transparent: Leave out the background, where the model can.
            clip_skip: Which layer of the text encoder is read, counted from the last, if the model supports it.
            confirm_cost: Spend it even if it exceeds the daily cap.
            file: A picture to put into the gallery first: `handle_file(PATH)`.
            wait: Wait for the versions; false returns at once, then poll `job`.
            token: If the app is open to anyone: the secret that owns the picture.
            control: Id of a picture whose outlines or depth are followed, where the model follows any; empty takes
                those of the picture. A line drawing or a depth map is used as it is.
            control_strength: How closely, if the model supports it.
            precision: Precision of the weights: 16-bit, fp8, int8, nf4, gguf-q8, gguf-q5 or gguf-q4, where
                `models` lists it; empty chooses automatically.
            fast: Compile the network, if `models` lists it: the first picture of a size takes longer.
            sampler: One of the model's samplers; empty takes its first.
        """
        values = locals() | {"source": picture_id, "object": object_id}  # the others are named like their fields
        caller = self._visitors.caller(request, token)
        wanted = edit_codec.from_json(values)
        job, notice = await asyncio.to_thread(self._queue, caller.owner, wanted, file, confirm_cost)
        return await finished(self._studio, job, caller, wait=wait) | {"notice": notice}

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

    @readable
    def tree(self, picture_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """The whole version tree of a picture: {"root", "versions"}, parents before their children.

        A version is a picture with "parent" (an id, or null), "depth", "instruction" and "deleted".

        Args:
            picture_id: Id of any of them.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        tree = self._studio.tree(caller.owner, picture_id)
        versions = [
            describe(node.asset, caller)
            | {
                "parent": node.parent,
                "depth": node.depth,
                "instruction": node.asset.recipe.prompt if node.parent else "",
                "deleted": node.asset.deleted,
            }
            for node in tree.nodes
        ]
        return {"root": tree.root, "versions": versions}

    def _queue(self, owner: str, wanted: IterateRequest, file: Any, confirm_cost: bool) -> tuple[JobView, str]:
        wanted = replace(wanted, source=picture_of(self._studio, owner, wanted.source, file))
        job = self._studio.iterate(owner, wanted, confirm_cost=confirm_cost)
        return job, self._studio.adviser.of_change(owner, wanted, job.model)
