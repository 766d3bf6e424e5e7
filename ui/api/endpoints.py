"""The same verbs over HTTP: endpoints for `gradio_client` and curl, all by name and with plain JSON values.

`job` and `generate` answer with a job: {"id", "state", "prompt", "model", "step", "steps", "position", "error",
"pictures": [{"id", "name", "url", "kind", "seed", "width", "height", "prompt", "model", "created", "starred"}]}. A
picture's `url` opens its file for anyone who has it, for an hour; `job` and `gallery` give a new one. Its `kind` is
"image" if made here, "upload" if it came from elsewhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import gradio as gr

from studio.clouds.alternatives import suggesting
from studio.clouds.spending import estimate
from studio.contract import GenerateRequest, Task
from studio.errors import BadRequest
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.validation import text
from ui.api.clouds import CloudEndpoints
from ui.api.collections import CollectionEndpoints
from ui.api.compare import CompareEndpoints
from ui.api.iterate import IterateEndpoints
from ui.api.jobs import describe_job, finished
from ui.api.segment import SegmentEndpoints
from ui.api.solid import SolidEndpoints
from ui.api.values import EndpointGroup, describe, readable, size_of, uploaded
from ui.routes.visitors import Visitors


def build(studio: Studio, visitors: Visitors) -> None:
    """Add all endpoints to the current Blocks."""
    others = (SegmentEndpoints, IterateEndpoints, SolidEndpoints, CollectionEndpoints, CloudEndpoints, CompareEndpoints)
    for group in (Endpoints, *others):
        endpoints = group(studio, visitors)
        for name in vars(group):
            if not name.startswith("_"):
                gr.api(getattr(endpoints, name), api_name=name, concurrency_limit=None)


class Endpoints(EndpointGroup):
    @readable
    async def generate(
        self,
        prompt: str,
        model: str = "",
        width: int | None = None,
        height: int | None = None,
        count: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
        style: str = "",
        quality: str = "",
        transparent: bool = False,
        clip_skip: int | None = None,
        confirm_cost: bool = False,
        wait: bool = True,
        token: str = "",
        precision: str = "",
        fast: bool = False,
        control: str = "",
        control_strength: float | None = None,
        sampler: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Make pictures from words and answer with the job.

        Args:
            prompt: What to draw.
            model: Model id, see `models`; empty takes the first that is ready.
            width: In pixels; with height, or neither for the model's own size.
            height: In pixels.
            count: How many pictures, 1 to 8; picture i gets seed + i.
            seed: 0 to 4294967295; empty or -1 draws one.
            steps: Denoising steps, if the model supports them.
            guidance: Guidance scale, if the model supports it.
            negative_prompt: What the picture must not show, if the model supports it.
            style: Id of a style of the model.
            quality: One of the model's qualities; empty takes its first.
            transparent: Leave out the background, where the model can.
            clip_skip: Which layer of the text encoder is read, counted from the last, if the model supports it.
            confirm_cost: Spend it even if it exceeds the daily cap.
            wait: Wait for the pictures; false returns at once, then poll `job`.
            token: If the app is open to anyone: any secret of 16 characters or more; it owns what it makes.
            precision: Precision of the weights: 16-bit, fp8, int8, nf4, gguf-q8, gguf-q5 or gguf-q4, where
                `models` lists it; empty chooses automatically.
            fast: Compile the network, if `models` lists it: the first picture of a size takes longer.
            control: Id of a picture whose outlines, depth or likeness to follow, for a model that can. A line
                drawing, and grey depth, are followed as they are.
            control_strength: How closely, if the model supports it.
            sampler: One of the model's samplers; empty takes its first.
        """
        caller, size = self._visitors.caller(request, token), size_of(width, height)
        looks = (negative_prompt, style, quality, transparent, clip_skip, precision, fast)
        more = (control, control_strength, sampler)
        order = GenerateRequest(prompt, model, size, count, seed, steps, guidance, *looks, *more)
        job = await asyncio.to_thread(self._queue, caller.owner, order, confirm_cost)
        return await finished(self._studio, job, caller, wait=wait)

    @readable
    def job(self, job_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """The state of a job, and the pictures it has made so far.

        Args:
            job_id: The id that `generate` returned.
            token: The secret the job was started with, if the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        return describe_job(self._studio, self._studio.job(caller.owner, job_id), caller)

    @readable
    def cancel(self, job_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """Stop a waiting or running job; pictures that are finished are kept.

        Args:
            job_id: The id that `generate` returned.
            token: The secret the job was started with, if the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        return describe_job(self._studio, self._studio.cancel(caller.owner, job_id), caller)

    @readable
    def models(self, token: str = "", request: gr.Request | None = None) -> list:
        """Every model that makes pictures, with its needs, price and supported settings.

        Args:
            token: If the app is open to anyone: a secret that keys were pasted with.
        """
        try:
            owner = self._visitors.caller(request, token).owner
        except BadRequest:  # open to anyone, and no token
            owner = ""
        return [
            {
                "id": spec.id,
                "label": spec.label,
                "provider": spec.provider,
                "ready": (ready := spec.ready_for(owner)).ok,
                "readiness": ready.label,
                "hint": ready.hint,
                "price_usd": estimate(spec, GenerateRequest("")),
                "licence": spec.licence,
                "about": spec.about,
                "sizes": [list(size) for size in spec.sizes],
                "steps": spec.steps.default if spec.steps else None,
                "guidance": spec.guidance.default if spec.guidance else None,
                "clip_skip": spec.clip_skip.default if spec.clip_skip else None,
                "seed": spec.seed,
                "negative_prompt": spec.negative_prompt,
                "styles": [style.id for style in spec.styles],
                "qualities": list(spec.qualities),
                "samplers": list(spec.samplers),
                "loras": list(spec.loras()) if spec.loras else [],
                "transparent": spec.transparent,
                "precisions": list(spec.precisions),
                "fast": spec.fast,
                "control": spec.control,
                "likeness": spec.likeness,
            }
            for spec in self._studio.models(Task.GENERATE)
        ]

    @readable
    def gallery(
        self,
        query: str = "",
        starred: bool = False,
        model: str = "",
        kind: str = "",
        after: str = "",
        limit: int = 24,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Pictures, newest first, a page at a time.

        Args:
            query: Words to look for in prompts, titles and descriptions.
            starred: Only starred pictures.
            model: Only pictures of this model.
            kind: "image" for those made here, "upload" for those that came from elsewhere, "trash" for what was
                deleted; empty for all.
            after: The "next" of the page before; empty for the first page.
            limit: Pictures per page, 1 to 200.
            token: The secret the pictures were made with, if the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        look = {"query": query, "starred": starred, "model": model, "kind": kind, "after": after, "limit": limit}
        page = self._studio.gallery(caller.owner, **look)
        return {"pictures": [describe(asset, caller) for asset in page.assets], "next": page.next}

    @readable
    def add_picture(
        self, file: gr.FileData, name: str = "", token: str = "", request: gr.Request | None = None
    ) -> dict:
        """Put a PNG, JPEG or WebP file into the gallery; answers with "picture" and "notes", as `settings` does.

        Args:
            file: The picture: `handle_file(PATH)` of gradio_client.
            name: Its title if it carries no prompt; empty takes the name of the file.
            token: If the app is open to anyone: the secret that will own the picture.
        """
        caller = self._visitors.caller(request, token)
        with uploaded(file) as path:
            asset = self._studio.take_in(caller.owner, path, text("name", name) or path.name)
        notes = self._studio.settings_of(caller.owner, asset.id).notes
        return {"picture": describe(asset, caller), "notes": list(notes)}

    @readable
    def settings(self, picture_id: str, token: str = "", request: gr.Request | None = None) -> dict:
        """How to make a picture again: {"request": the arguments of `generate`, "notes": what could not be kept}.

        Args:
            picture_id: Id of a picture, made here or added; "request" is empty where it does not say how it was made.
            token: The secret that owns the picture, if the app is open to anyone.
        """
        settings = self._studio.settings_of(self._visitors.caller(request, token).owner, picture_id)
        return {"request": arguments(settings.request) if settings.request else None, "notes": list(settings.notes)}

    def _queue(self, owner: str, order: GenerateRequest, confirm_cost: bool) -> JobView:
        with suggesting(order, self._studio.models, owner):
            return self._studio.generate(owner, order, confirm_cost=confirm_cost)


def arguments(request: GenerateRequest) -> dict:
    """A request as the arguments of `generate`."""
    values = asdict(request)
    size = values.pop("size")
    return values | {"width": size[0] if size else None, "height": size[1] if size else None}
