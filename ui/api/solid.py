"""3D over HTTP: the endpoints views, splat, render_splat, erase_splat, export_splat and add_splat."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from studio import validation
from studio.geometry import camera_values
from studio.scheduling.contract import JobView
from studio.solid.contract import NO_VIEWS, SolidRequest
from studio.solid.splat_service import MAX_RENDERED_SIDE
from studio.splats.erasing import read_erasures
from studio.splats.export import EXPORTS
from studio.splats.rasterizer import facing, within
from studio.validation import text
from ui.api.jobs import finished
from ui.api.values import EndpointGroup, describe, readable, uploaded
from ui.routes.visitors import Caller
from ui.shared import solid_facts


class SolidEndpoints(EndpointGroup):
    @readable
    async def views(
        self,
        object_id: str,
        model: str = "",
        elevation_deg: float | None = None,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        only: list | None = None,
        wait: bool = True,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Make four views of an object and answer with the job and "views": [front, right, back, left].

        A view is as the pictures of a job; null where there is none. "notice" is a sentence where the model does not
        know such an object, else empty.

        Args:
            object_id: Id of an object (see `keep_object`), or of a picture with a transparent background.
            model: Model id; empty takes the first that is ready.
            elevation_deg: Camera elevation of the picture, in degrees; negative: from below; empty: as usual for
                the model.
            seed: 0 to 4294967295; empty or -1 draws one.
            steps: Denoising steps, if the model supports them.
            guidance: Guidance scale, if the model supports it.
            only: Numbers of the views to make again, 0 (front) to 3 (left); empty makes all four.
            wait: Wait for the views; false returns at once, then poll `job`.
            token: If the app is open to anyone: the secret that owns the object.
        """
        caller = self._visitors.caller(request, token)
        wanted = SolidRequest(
            text("object_id", object_id),
            splat=False,
            views_model=text("model", model),
            elevation_deg=elevation_deg,
            seed=seed,
            steps=steps,
            guidance=guidance,
        )
        job, notice = await asyncio.to_thread(self._begin_views, caller.owner, wanted, only or ())
        answer = await finished(self._studio, job, caller, wait=wait)
        return answer | {"notice": notice, "views": await asyncio.to_thread(self._views_of, caller, wanted.object)}

    @readable
    async def splat(
        self,
        object_id: str,
        views: list | None = None,
        model: str = "",
        views_model: str = "",
        elevation_deg: float | None = None,
        seed: int | None = None,
        wait: bool = True,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Turn an object into a Gaussian splat on its picture and answer with the job and "splat".

        A splat has "id", "url" (PLY), "count", "fit" (how well it covers its object, 0 to 1), "camera" (from where its
        picture was seen) and "views"; "notice" is as for `views`. Without `views` the same job makes them first, if the
        object has none yet.

        Args:
            object_id: Id of an object.
            views: Ids of four pictures: front, right, back and left.
            model: Id of the model that makes the splat; empty takes the first that is ready.
            views_model: Id of the model that makes the views.
            elevation_deg: Camera elevation of the picture, in degrees; empty: as in the views.
            seed: Of the views.
            wait: Wait for the splat; false returns at once, then poll `job`: the splat is the last of its pictures.
            token: If the app is open to anyone: the secret that owns the object.
        """
        caller = self._visitors.caller(request, token)
        wanted = SolidRequest(
            text("object_id", object_id),
            views_model=text("views_model", views_model),
            splat_model=text("model", model),
            elevation_deg=elevation_deg,
            seed=seed,
        )
        job, notice = await asyncio.to_thread(self._begin_splat, caller.owner, wanted, views)
        answer = await finished(self._studio, job, caller, wait=wait)
        made = [one for one in answer["pictures"] if one["kind"] == "splat"]
        splat = await asyncio.to_thread(self._describe, caller, made[0]["id"]) if made else None
        return answer | {"pictures": made or answer["pictures"], "splat": splat, "notice": notice}

    @readable
    def render_splat(
        self,
        splat_id: str,
        azimuth_deg: float = 0.0,
        elevation_deg: float | None = None,
        zoom: float = 1.0,
        ground: str = "",
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Render a splat from any camera: {"image": PNG as a data URL, "camera", "size"}.

        Args:
            splat_id: Id of a splat.
            azimuth_deg: Degrees to the right of its picture's camera.
            elevation_deg: Camera elevation in degrees; empty: as in its picture.
            zoom: 2 is twice as large.
            ground: The background: "photo", "filled" (the object is painted out) or "plain"; empty: its picture,
                where it has one.
            token: If the app is open to anyone: the secret that owns the splat.
        """
        owner = self._visitors.caller(request, token).owner
        asset = self._studio.splats.asset(owner, splat_id)
        splat = self._studio.splats.splat(owner, asset.id)
        front = splat.pose.camera or facing(splat)
        ground = text("ground", ground) or ("photo" if splat.pose.camera else "plain")
        if elevation_deg is not None:
            front = replace(front, elevation_deg=validation.number("elevation", elevation_deg, -90, 90))
        camera = replace(
            front,
            azimuth_deg=front.azimuth_deg + validation.number("azimuth", azimuth_deg, -360, 360),
            radius=front.radius / validation.number("zoom", zoom, 0.1, 10),
        )
        camera = within(camera, MAX_RENDERED_SIDE)
        content = self._studio.splats.rendered_png(owner, asset.id, camera, ground)
        image = "data:image/png;base64," + base64.b64encode(content).decode()
        return {"image": image, "camera": camera_values(camera), "size": [camera.width, camera.height]}

    @readable
    def erase_splat(
        self, splat_id: str, erasures: list | None = None, token: str = "", request: gr.Request | None = None
    ) -> dict:
        """Erase parts of a splat, or crop it: the splat that is left, a new one, as `splat` describes it.

        Args:
            splat_id: Id of a splat.
            erasures: What is erased, one after the other: `{"regions": [{"box": [x, y, z, x, y, z]}], "keep": false}`;
                with "keep" all else is. A region may be seen from a camera, too: `{"camera": ..., "rectangle": [left,
                top, right, bottom]}` or `{"camera": ..., "points": [[x, y], ...], "radius": r}`; with `"add": false`
                it is taken out of the others.
            token: If the app is open to anyone: the secret that owns the splat.
        """
        caller = self._visitors.caller(request, token)
        asset = self._studio.splats.asset(caller.owner, text("splat_id", splat_id))  # checks the owner first
        left = self._studio.splats.erase(caller.owner, asset.id, read_erasures(erasures))
        return self._describe(caller, left.id)

    @readable
    def export_splat(
        self, splat_id: str, format: str = "ply", token: str = "", request: gr.Request | None = None
    ) -> dict:
        """Save a splat for other tools: {"url", "format", "name", "bytes"}; get the file from the url.

        Args:
            splat_id: Id of a splat.
            format: "ply", "splat", "spz", "html" (a page that shows it) or "glb" (an approximate mesh).
            token: If the app is open to anyone: the secret that owns the splat.
        """
        caller = self._visitors.caller(request, token)
        asset = self._studio.splats.asset(caller.owner, splat_id)
        content = self._studio.splats.export(caller.owner, asset.id, text("format", format))
        url = caller.link(solid_facts.splat_address(asset.id, format))
        name = f"{Path(asset.name).stem}{EXPORTS[format].suffix}"
        return {"url": url, "format": format, "name": name, "bytes": len(content)}

    @readable
    def add_splat(
        self, file: gr.FileData, name: str = "", up: str = "", token: str = "", request: gr.Request | None = None
    ) -> dict:
        """Put a PLY, SPLAT, SPZ or GLB file into the gallery: {"splat", "notes"}.

        Args:
            file: The splat: `handle_file(PATH)` of gradio_client.
            name: Its title; empty takes the name of the file.
            up: The axis of the file that points up, "x", "-x", "y", "-y", "z" or "-z"; empty: as the file says, or as
                is usual. A splat that is there already is turned that way.
            token: If the app is open to anyone: the secret that will own the splat.
        """
        caller = self._visitors.caller(request, token)
        with uploaded(file) as path:
            asset = self._studio.splats.take_in(caller.owner, path, text("name", name) or path.name, text("up", up))
        notes = asset.recipe.splat.notes
        return {"splat": self._describe(caller, asset.id), "notes": [notes] if notes else []}

    def _begin_views(self, owner: str, wanted: SolidRequest, only: Any) -> tuple[JobView, str]:
        views = self._studio.solids.views_of(owner, wanted.object) if only else NO_VIEWS
        return self._begin(owner, replace(wanted, only=only, views=views))

    def _begin_splat(self, owner: str, wanted: SolidRequest, views: Any) -> tuple[JobView, str]:
        there = views or self._studio.solids.views_of(owner, wanted.object)
        return self._begin(owner, replace(wanted, views=there if views or all(there) else NO_VIEWS))

    def _begin(self, owner: str, wanted: SolidRequest) -> tuple[JobView, str]:
        """The job, and the advice about it."""
        return self._studio.solids.make(owner, wanted), self._studio.adviser.of_solid(owner, wanted)

    def _views_of(self, caller: Caller, object_id: str) -> list[dict | None]:
        ids = self._studio.solids.views_of(caller.owner, object_id)
        return [describe(self._studio.asset(caller.owner, id), caller) if id else None for id in ids]

    def _describe(self, caller: Caller, splat_id: str) -> dict:
        asset = self._studio.asset(caller.owner, splat_id)
        splat = self._studio.splats.splat(caller.owner, splat_id)
        camera = camera_values(splat.pose.camera) if splat.pose.camera else None
        return describe(asset, caller) | {
            "count": splat.count,
            "fit": asset.recipe.splat.fit,
            "camera": camera,
            "views": list(asset.recipe.views.ids),
        }
