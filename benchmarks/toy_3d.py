"""Quality of the bundled 3D models: photos of unseen objects become splats, which are compared from all sides.

Run `python -m benchmarks.toy_3d`. Prints a table, and the machine it ran on. `--sheet` also writes a contact sheet.

Every case is an object with a held-out colour for its kind, with random pose, size and light. Its photo is cropped to a
square as in the 3D tab; the app's two models make the views and the splat; the elevation is given, as by the slider.
The splat is rendered by `lgm.render` and compared with the photo, as in the 3D tab, and with renderings by the toy
world's tracer from eight cameras that no model sees. The photo has a lens of its own, whose camera the app finds: the
splat is also compared with a rendering from about the same direction with LGM's lens.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from lgm.cameras import Camera as Lens, orbit_camera
from lgm.gaussians import Gaussians
from lgm.render import render
from pipelines.families import imagedream as viewing, lgm_splat as splatting
from pipelines.solid.picture_camera import lens_of
from studio.solid.contract import INPUT_SIDE, SplatRequest, ViewsRequest
from studio.splats.splat import Splat
from toybox.solid import toy_lgm, toy_views
from toybox.solid.photos import cut_mask, cut_photo
from toybox.solid.records import SIZE, coverage_of, plane_bytes, shade_bytes
from toybox.solid.turntable import VIEWS, Turntable, sample_turntable
from toybox.words import COLOUR_RGB
from toybox.world import Camera, render_planes

CASES, UNSEEN, STEPS, GUIDANCE = 40, 8, 10, 1.0
_SEED = 20_261_121
_SHUT = 0.98
"""Alpha from which on a pixel counts as opaque."""


class View(NamedTuple):
    """One picture of an object alone.

    Attributes:
        azimuth_deg: relative to the photo's.
        elevation_deg: of the camera.
        rgb: (3, H, W) on white.
        covered: (H, W) bool.
    """

    azimuth_deg: float
    elevation_deg: float
    rgb: Tensor
    covered: Tensor


class Score(NamedTuple):
    """How a rendered splat compares with one picture."""

    iou: float
    psnr: float
    shut: float  # share of the object's pixels that are opaque


@dataclass(frozen=True)
class Case:
    """An object: `views[0]` is from the photo's direction; the first four are 90 degrees apart."""

    turntable: Turntable
    photo: Image.Image
    mask: Image.Image
    views: tuple[View, ...]


@dataclass(frozen=True)
class Result:
    """The result for one case, by the whole path and from the true views."""

    case: Case
    made: tuple[Image.Image, ...]
    from_photo: Score
    scores: tuple[Score, ...]
    taught: tuple[Score, ...]
    drawn: tuple[Tensor, ...]
    seconds: float


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(
        __doc__, arguments, cases=CASES, views=toy_views.FOLDER, lgm=toy_lgm.FOLDER, steps=STEPS, sheet=""
    )
    for folder in (options.views, options.lgm):
        if not folder.is_dir():
            print(f"\nThere is no model in {folder}: train one with python -m toybox.solid.train_views and train_lgm.")
            return
    first, second = viewing.open_imagedream(options.views), splatting.open_folder(options.lgm)
    results = [judged(first, second, case, options.steps) for case in sample_cases(options.cases)]
    print_table("The bundled 3D, on unseen objects", rows(results))
    if options.sheet:
        save_sheet(results, options.sheet)


def rows(results: Sequence[Result]) -> list[Row]:
    """The rows of the table."""

    def mean(name: str, values: Sequence[float], promise: str = "", unit: str = "%") -> Row:
        return Row(name, float(np.mean(values)), len(values), promise, unit)

    unseen = [score for result in results for score in result.scores[VIEWS:]]
    told = [
        mean("photo -> splat, over the photo: IoU", [result.from_photo.iou for result in results], ">= 92 %"),
        mean("photo -> splat, over the photo: PSNR", [result.from_photo.psnr for result in results], ">= 24 dB", "dB"),
        mean("photo -> splat, that side by LGM's lens: IoU", [result.scores[0].iou for result in results]),
        mean("photo -> splat, that side by LGM's lens: PSNR", [result.scores[0].psnr for result in results], unit="dB"),
        mean("photo -> splat, eight unseen views: IoU", [score.iou for score in unseen], ">= 85 %"),
        mean("photo -> splat, eight unseen views: PSNR", [score.psnr for score in unseen], ">= 20 dB", "dB"),
        mean("photo -> splat, eight unseen views: nothing shines through", [score.shut for score in unseen], ">= 98 %"),
    ]
    for kind in sorted({result.case.turntable.thing.kind for result in results}):
        values = [
            score.iou
            for result in results
            if result.case.turntable.thing.kind == kind
            for score in result.scores[VIEWS:]
        ]
        told.append(mean(f"of which {kind}: IoU", values))
    taught = [score for result in results for score in result.taught[VIEWS:]]
    told += [
        mean("true views -> splat, unseen views: IoU", [score.iou for score in taught]),
        mean("true views -> splat, unseen views: PSNR", [score.psnr for score in taught], unit="dB"),
        mean("photo -> splat", [result.seconds for result in results], "<= 6 s", "s"),
    ]
    return told


def sample_cases(count: int) -> list[Case]:
    """Objects with held-out colours."""
    chances = (random.Random(f"benchmark {_SEED} {number}") for number in range(count))
    return [case_of(sample_turntable(chance, held_out=True), chance) for chance in chances]


def case_of(turntable: Turntable, chance: random.Random) -> Case:
    """The photo as a model gets it, the four views, and eight more from all sides."""
    first, colour = turntable.cameras[0], torch.tensor(COLOUR_RGB[turntable.thing.colour])
    others = [
        replace(
            first, azimuth_deg=first.azimuth_deg + 360 * (index + 0.5) / UNSEEN, elevation_deg=chance.uniform(0, 45)
        )
        for index in range(UNSEEN)
    ]
    views = tuple(_view(turntable, camera, colour) for camera in (*turntable.cameras[:VIEWS], *others))
    planes = torch.from_numpy(plane_bytes(render_planes(turntable.photo, size=SIZE)))
    mask = _image(cut_mask(planes, INPUT_SIDE).expand(3, -1, -1)).convert("L")
    return Case(turntable, _image(cut_photo(planes, colour, INPUT_SIDE)), mask, views)


def judged(first: viewing.ImageDream, second: splatting.Splatter, case: Case, steps: int) -> Result:
    """Score a case by the whole path, and from the true views."""
    elevation = case.views[0].elevation_deg
    began = time.perf_counter()
    _, *others = first.run(ViewsRequest(case.photo, elevation, 1, steps, GUIDANCE), lambda _progress: None).images
    made = (case.photo, *others)  # as in the app, the front view is the photo
    splat = second.run(SplatRequest(made, elevation, case.mask), lambda _progress: None)
    seconds = time.perf_counter() - began
    true = second.run(
        SplatRequest(tuple(_image(view.rgb) for view in case.views[:VIEWS]), elevation), lambda _progress: None
    )
    drawn = [seen(splat, camera_of(view)) for view in case.views]
    if splat.pose.camera is None:
        raise ValueError("got a splat without a camera, expected that of the photo")
    return Result(
        case=case,
        made=made,
        from_photo=score(*seen(splat, lens_of(splat.pose.camera, SIZE)), photographed(case)),
        scores=tuple(score(*pair, view) for pair, view in zip(drawn, case.views, strict=True)),
        taught=tuple(score(*seen(true, camera_of(view)), view) for view in case.views),
        drawn=tuple(rgb for rgb, _ in drawn),
        seconds=seconds,
    )


def photographed(case: Case) -> View:
    """The photo at the size of the views."""
    first = case.views[0]
    side = first.rgb.shape[-1]
    photo, mask = (one.resize((side, side), Image.Resampling.BICUBIC) for one in (case.photo, case.mask))
    rgb = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float() / 255
    return View(first.azimuth_deg, first.elevation_deg, rgb, torch.from_numpy(np.array(mask)) >= 128)


def camera_of(view: View) -> Lens:
    return orbit_camera(view.elevation_deg, view.azimuth_deg, view.rgb.shape[-1])


@torch.inference_mode()
def seen(splat: Splat, camera: Lens) -> tuple[Tensor, Tensor]:
    """A splat from a camera: (3, H, W) on white, and its alpha."""
    arrays = (splat.positions, splat.opacities, splat.scales, splat.rotations, splat.colours)
    gaussians = Gaussians(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
    drawn = render(gaussians, camera)
    return drawn.rgb.permute(2, 0, 1).clamp(0, 1), drawn.alpha


def score(rgb: Tensor, alpha: Tensor, view: View) -> Score:
    """IoU of the outlines at half coverage, PSNR of the colours, and the opaque share."""
    ours = alpha > 0.5
    iou = (ours & view.covered).sum() / (ours | view.covered).sum()
    shut = (alpha[view.covered] >= _SHUT).float().mean()
    return Score(float(iou), float(-10 * (rgb - view.rgb).square().mean().log10()), float(shut))


def save_sheet(results: Sequence[Result], path: Path) -> None:
    """Save a row for each kind: the photo, the four views, the splat from the photo's and other cameras, the truth."""
    lines = []
    for result in {result.case.turntable.thing.kind: result for result in results}.values():
        pictures = [result.case.photo, *result.made, *(_image(result.drawn[index]) for index in (0, 1, 2, 5, 8))]
        pictures.append(_image(result.case.views[8].rgb))
        lines.append(np.hstack([np.asarray(picture.resize((SIZE, SIZE))) for picture in pictures]))
    Image.fromarray(np.vstack(lines)).save(path)


def _view(turntable: Turntable, camera: Camera, colour: Tensor) -> View:
    scene = replace(turntable.photo, background=None, camera=camera)
    planes = torch.from_numpy(plane_bytes(render_planes(scene, size=SIZE)))
    around = (camera.azimuth_deg - turntable.cameras[0].azimuth_deg) % 360
    rgb = shade_bytes(planes, colour, torch.ones(3))
    return View(around, camera.elevation_deg, rgb, coverage_of(planes) > 0.5)


def _image(rgb: Tensor) -> Image.Image:
    return Image.fromarray((rgb * 255).round().byte().permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main(sys.argv[1:])
