"""Export formats of a splat: one line per format, and one function for all of them.

Upright everywhere: `.ply` and `.splat` are written with y down, as Gradio's Model3D (gsplat.js) and SuperSplat expect;
`.spz`, `.glb` and `.html` with y up, as their specifications say and as Spark and SuperSplat read `.spz`.

Source: playcanvas/supersplat issue 451 (PLY is turned about z on opening), pulls 782 and 885 (SPZ is y up);
nianticlabs/spz README ("Coordinate System"). Spark turns nothing. Checked in Model3D of Gradio 6.31: PLY, SPLAT, GLB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from studio.errors import BadRequest
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.glb import write_glb
from studio.splats.formats.ply import write_ply
from studio.splats.formats.spz import write_spz
from studio.splats.html_export import write_html
from studio.splats.splat import Splat
from studio.splats.turntable import FRAMES
from studio.validation import shown


class Export(NamedTuple):
    """One format, as a person chooses it."""

    label: str
    suffix: str  # with the dot
    media_type: str
    about: str  # one sentence
    write: Callable[[Splat], bytes]
    steps: int = 0  # in which a slow one is made
    in_steps: Callable[[Splat], Iterator[bytes]] | None = None  # an empty part after each step, then the file


def _film_in_steps(splat: Splat) -> Iterator[bytes]:
    from studio.splats.video import turntable_in_steps  # PyAV takes 0.1 s to load, a fifth of the command line's start

    return turntable_in_steps(splat)


def _film(splat: Splat) -> bytes:
    *_, film = _film_in_steps(splat)
    return film


EXPORTS: dict[str, Export] = {
    "ply": Export(
        "PLY, everything",
        ".ply",
        "application/octet-stream",
        "All numbers, the recipe and the camera; every splat tool opens it.",
        write_ply,
    ),
    "spz": Export(
        "SPZ, small",
        ".spz",
        "application/octet-stream",
        "A quarter of the size, with the recipe; for Spark, SuperSplat and Scaniverse.",
        write_spz,
    ),
    "splat": Export(
        "SPLAT, simple",
        ".splat",
        "application/octet-stream",
        "Half the size of PLY, for viewers on the web; it has no room for the recipe.",
        write_antimatter,
    ),
    "html": Export(
        "Web page",
        ".html",
        "text/html",
        "One page that shows it in any browser, without a network.",
        write_html,
    ),
    "mp4": Export(
        "Turntable video",
        ".mp4",
        "video/mp4",
        "One full turn on white, for places that show no 3D; takes some seconds to make.",
        _film,
        FRAMES,
        _film_in_steps,
    ),
    "glb": Export(
        "Mesh (approximate)",
        ".glb",
        "model/gltf-binary",
        "A coloured surface for tools that know no splats; approximate, because a splat is soft.",
        write_glb,
    ),
}
"""By name in a request."""


def export_splat(splat: Splat, format: str) -> bytes:
    """The file. Takes up to two seconds for a GLB and 15 for a video; do not call it on the event loop.

    Raises:
        BadRequest: there is no such format.
        BadSplat: the splat is too thin for a mesh.
    """
    if format not in EXPORTS:
        raise BadRequest(f"A splat cannot be saved as {shown(format)}. Choose one of: {', '.join(EXPORTS)}.")
    return EXPORTS[format].write(splat)
