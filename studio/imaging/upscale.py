"""Upscaling: the factor, the model, and the plan of the job. The result is a version of its picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from studio.contract import (
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
    UpscaleRequest,
)
from studio.errors import BadRequest, NotSupported
from studio.imaging.generate_job import Kept, PicturePlan
from studio.intake.picture import MAX_PIXELS, read_picture
from studio.library.store import Store
from studio.scheduling.live_job import LiveJob
from studio.segmentation.objects import flat
from studio.validation import shown

LARGE = 2048
"""Longest side, in pixels, that the default factor may reach."""
NOISY = 2.0
"""Of 255: the standard deviation above which a sharpening network makes noise worse."""
_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def complete(request: UpscaleRequest, spec: ModelSpec, size: Size) -> UpscaleRequest:
    """The request with model and scale decided.

    Args:
        size: of the picture.

    Raises:
        NotSupported: the model lacks this factor.
        BadRequest: the result would be too large.
    """
    scale = request.scale
    if scale is None:
        small = [each for each in spec.scales if each * max(size) <= LARGE]
        scale = max(small, default=min(spec.scales))
    if isinstance(scale, bool) or scale not in spec.scales:
        raise NotSupported(f"{spec.label} enlarges {' or '.join(map(str, spec.scales))} times, not {shown(scale)}.")
    large, most = Size(size.width * scale, size.height * scale), f"{MAX_PIXELS / 1e6:.0f} megapixels"
    if large.width * large.height > MAX_PIXELS:
        less = "Enlarge it less" if scale > min(spec.scales) else "Crop it first"
        raise BadRequest(f"Enlarged {scale} times, this picture has {large} pixels, more than {most}. {less}.")
    return UpscaleRequest(request.source, spec.id, int(scale))  # JSON may say 2.0


def upscale_plans(job: LiveJob, spec: ModelSpec, store: Store) -> Callable[[int], PicturePlan]:
    """The plan of the job's picture; see `generate_job`."""
    source_id, scale = job.row.request["source"], job.row.request["scale"]
    source = read_picture(store.path(job.row.owner, source_id)).image
    size = Size(source.width * scale, source.height * scale)
    plan = PicturePlan(
        request=IterateRequest(source_id, f"Enlarge {scale} times"),
        title=job.row.title,
        wanted=lambda _index: ImageRequest("", size, references=(flat(source),)),
        kept=partial(_kept, source, scale, spec),
        parents=(source_id,),
    )
    return lambda _index: plan


def _kept(source: Image.Image, scale: int, spec: ModelSpec, result: ImageResult) -> Kept:
    image = result.image
    if source.mode == "RGBA":
        image = image.convert("RGBA")
        image.putalpha(source.getchannel("A").resize(image.size, Image.Resampling.LANCZOS))
    unknown = "nothing was sharpened" if spec.id == LANCZOS.id else "missing detail was invented"
    return Kept(image, f"Enlarged {scale} times from {Size(*source.size)}: {unknown}.")


def model_for(path: Path) -> str:
    """The id of the model that suits a picture; "": the first that is ready."""
    return LANCZOS.id if noise_in(read_picture(path).image) > NOISY else ""


def noise_in(image: Image.Image) -> float:
    """Standard deviation of a picture's noise, of 255; edges count little.

    Source: J. Immerkaer, Fast Noise Variance Estimation, CVIU 64 (1996), with the median instead of the mean.
    """
    grey = np.asarray(image.convert("L"), np.float32)
    if min(grey.shape) < 3:
        return 0.0
    answers = np.abs(cv2.filter2D(grey, -1, _LAPLACIANS)[1:-1, 1:-1])
    return float(np.median(answers)) / (6 * 0.6745)


class Lanczos:
    """Enlarges without a network: invents nothing."""

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        tell(Progress(0, 1))
        return ImageResult(request.references[0].resize(request.size, Image.Resampling.LANCZOS), request.seed)

    def close(self) -> None:
        """Nothing is kept."""


LANCZOS = ModelCard(
    id="lanczos",
    label="Lanczos",
    about="Enlarges plainly and invents nothing: for noisy photos, whose noise a network would sharpen.",
    tasks=frozenset({Task.UPSCALE}),
    scales=(2, 4),
    seed=False,
    licence="Apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
).spec(load=lambda _tell: Lanczos(), readiness=lambda: Readiness(True, "no download"), revision="1")
