"""Pictures to follow: control pictures (outlines, depth), what makes them, and the plan of such a job; references.

They are made by models of the task CONTROL, which get the picture as first reference and, if a person gave one to
follow instead, that as `control`; a picture that already is such a picture is used as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from studio.catalog import Catalog
from studio.contract import (
    GenerateRequest,
    ImageRequest,
    ImageResult,
    IterateRequest,
    ModelCard,
    ModelSpec,
    Progress,
    Readiness,
    Size,
    Task,
    Tell,
)
from studio.imaging.crop import fitting
from studio.imaging.generate_job import Kept, PicturePlan
from studio.intake.picture import read_picture
from studio.library.store import Store
from studio.residents import Residents
from studio.scheduling.live_job import LiveJob
from studio.segmentation.objects import flat

Follow = Callable[[ImageRequest], Image.Image]
"""Makes a control picture from a request."""

LOW, HIGH = 100, 200
"""Canny's thresholds. Source: the model cards of the ControlNets, and lllyasviel/ControlNet: gradio_canny2image.py."""
LARGE = 1024
"""The largest average side, in pixels, of outlines and depth stored as a picture."""
MAX_REFERENCE_SIDE = 2048
"""Longest side of a reference picture."""
_GREY = 12
"""Of 255: how much the channels of a grey picture may differ, JPEG included."""
_DRAWN = 0.9
"""The least share of nearly black or nearly white pixels in a line drawing."""


def follow(job: LiveJob, spec: ModelSpec, catalog: Catalog, residents: Residents) -> Follow:
    """Makes the control pictures of the model `spec` for a job, and shows each as a preview.

    Raises:
        NotReady: when called, if no model can make them here.
    """

    def made(request: ImageRequest) -> Image.Image:
        maker = catalog.ready(spec.control, Task.CONTROL, job.row.owner)
        with residents.use(maker, job.tell) as model:
            image = model.run(request, job.tell).image
        job.tell(Progress(0, 0, f"following the {maker.makes}", preview=image))
        return image

    return made


def followed(
    request: GenerateRequest, spec: ModelSpec, path_of: Callable[[str], Path], follow: Follow
) -> dict[str, Any]:
    """What a new picture follows, as fields of its `ImageRequest`: a control picture of its size, or a reference.

    Args:
        request: complete.
        path_of: asset id -> file.

    Raises:
        NotFound: the picture is gone.
    """
    if not request.control or request.size is None:
        return {}
    if not spec.control:
        return {"references": (reference(path_of(request.control)),)}
    own = ImageOps.fit(flat(read_picture(path_of(request.control)).image), request.size, Image.Resampling.LANCZOS)
    return {"control": follow(ImageRequest("", request.size, references=(own,), control=own))}


def reference(path: Path) -> Image.Image:
    """A picture to refer to: RGB of limited size."""
    image = flat(read_picture(path).image)
    image.thumbnail((MAX_REFERENCE_SIDE, MAX_REFERENCE_SIDE), reducing_gap=3.0)
    return image


def control_plans(job: LiveJob, spec: ModelSpec, store: Store) -> Callable[[int], PicturePlan]:
    """The plan of a job that stores outlines or depth as a version; see `generate_job`."""
    source_id = job.row.request["source"]
    source = flat(read_picture(store.path(job.row.owner, source_id)).image)
    size = fitting(Size(*source.size), min(source.width * source.height, LARGE**2), spec)
    shown = source.resize(size, Image.Resampling.LANCZOS) if source.size != size else source
    plan = PicturePlan(
        request=IterateRequest(source_id, spec.makes),
        title=f"{spec.makes.capitalize()}: {job.row.title}",
        wanted=lambda _index: ImageRequest("", size, references=(shown,)),
        kept=lambda result: Kept(result.image),
        parents=(source_id,),
    )
    return lambda _index: plan


def is_grey(rgb: np.ndarray) -> bool:
    """
    Args:
        rgb: HWC uint8.
    """
    spread = rgb.max(axis=2).astype(np.int16) - rgb.min(axis=2)
    return bool(np.quantile(spread, 0.99) <= _GREY)


def lines_in(rgb: np.ndarray) -> np.ndarray | None:
    """A line drawing as white lines on black, HW uint8; None if the picture is not a line drawing.

    Args:
        rgb: HWC uint8.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    share = float(np.mean((grey < 64) | (grey > 191)))
    inked = float(np.mean(grey < 128))
    if not is_grey(rgb) or share < _DRAWN or 0.4 < inked < 0.6:
        return None
    return grey if inked > 0.5 else 255 - grey


class Canny:
    """Canny edges, white on black. Line drawings are used as they are, inverted if needed."""

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        tell(Progress(0, 1))
        rgb = np.asarray(request.control or request.references[0])
        lines = lines_in(rgb)
        edges = cv2.Canny(rgb, LOW, HIGH) if lines is None else lines
        return ImageResult(Image.fromarray(np.repeat(edges[..., None], 3, axis=2)), None)

    def close(self) -> None:
        """Nothing is kept."""


CANNY = ModelCard(
    id="canny",
    label="Outlines by Canny",
    makes="outlines",
    about="Outlines by Canny's method, which other models can follow.",
    tasks=frozenset({Task.CONTROL}),
    any_size=(64, 2048, 8),
    seed=False,
    licence="Apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
).spec(load=lambda _tell: Canny(), readiness=lambda: Readiness(True, "no download"), revision="1")
