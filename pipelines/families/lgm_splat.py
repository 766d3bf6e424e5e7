"""LGM: four views of an object to a splat. Knows nothing of where the views came from, and no file format of splats."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lgm.cameras import orbit_camera
from lgm.config import BIG, LGMConfig
from lgm.gaussians import Gaussians
from lgm.model import LGM, activated
from lgm.polish import Target, cut_away, polish
from lgm.weights import WeightsMismatch, open_network
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Plan
from studio.contract import Progress, Tell
from studio.errors import BadRequest, NotReady, StudioError
from studio.solid.contract import AZIMUTHS_DEG, SIDES, SplatRequest
from studio.splats.splat import Splat

POLISH_STEPS, POLISH_SIDE = 10, 96
"""Of a bundled model's splats: some 16,000 Gaussians, a second of one core; and pixels of the pictures they are drawn
for it."""
_FRONT_WEIGHT = 3.0
"""The front is the person's own picture; what the other three show was only imagined."""


class Splatter:
    """A loaded LGM; used by one thread at a time."""

    def __init__(self, model: LGM, *, label: str = "LGM", polish_steps: int = 0) -> None:
        """
        Args:
            model: in evaluation mode, on its device.
            polish_steps: in which what the model says is brought nearer to the views; 0: it stays as it is.
        """
        self._model = model
        self._label = label
        self._polish_steps = polish_steps

    def run(self, request: SplatRequest, tell: Tell) -> Splat:
        """Make a splat around the origin, without the Gaussians nobody would see; reports at every step.

        Raises:
            BadRequest: there are not four views.
            BadSplat: nothing of it could be seen.
            StudioError: the network made no Gaussians.
            torch.OutOfMemoryError: it did not fit.
        """
        if len(request.views) != len(SIDES):
            raise BadRequest(f"A splat is made of four views, not of {len(request.views)}: {', '.join(SIDES)}.")
        steps = 1 + self._polish_steps
        tell(Progress(0, steps, "making the splat"))
        with torch.no_grad():
            gaussians = self.gaussians(self._views(request), request.elevation_deg)
        if self._polish_steps:
            targets = targets_of(request, gaussians.positions.device)
            gaussians = polish(
                cut_away(gaussians, targets[0]),
                targets,
                self._polish_steps,
                lambda step: tell(Progress(step, steps, "polishing it")),
            )
        splat = _splat(gaussians)
        if not all(np.isfinite(array).all() for array in (splat.positions, splat.scales, splat.rotations)):
            raise StudioError(
                f"{self._label} produced invalid numbers, not a splat. Its weights may be damaged: fetch them again, "
                "or choose another model."
            )
        tell(Progress(steps, steps, "making the splat"))
        return splat.pruned()

    def gaussians(self, views: Tensor, elevation_deg: float = 0.0) -> Gaussians:
        """[N, ...] float32 of [1, 4, 3, H, H] RGB in [0, 1] over white, of the model's own size."""
        like = next(self._model.parameters())
        raw = self._model.raw(self._model.inputs_of(views.to(like.device), elevation_deg).to(like.dtype))
        return activated(raw.float(), self._model.config.num_input_views).one(0)

    def close(self) -> None:
        """Give memory back."""
        del self._model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _views(self, order: SplatRequest) -> Tensor:
        """[1, 4, 3, H, H] float32 in [0, 1]."""
        side = self._model.config.input_size
        return torch.stack([_values(view, "RGB", side) for view in order.views]).permute(0, 3, 1, 2)[None]


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Splatter:
    """A bundled model, or the published one; see `FAMILIES`."""
    path, label, plan = checkpoint.path, checkpoint.label, plans[0]
    if path.is_dir():
        return open_folder(path, label=label, device=plan.device)
    return open_lgm(path, label=label, device=plan.device, dtype=getattr(torch, plan.dtype))


def open_lgm(
    weights: Path,
    config: LGMConfig = BIG,
    *,
    label: str = "LGM",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    polish_steps: int = 0,
) -> Splatter:
    """Open a file of weights, such as ashawkey/LGM model_fp16_fixrot.safetensors.

    Args:
        dtype: float32 on a CPU; on a GPU float16, as the published code runs it.
        polish_steps: as for `Splatter`.

    Raises:
        NotReady: it is missing, damaged or of another model.
        torch.OutOfMemoryError: it did not fit.
    """
    try:
        model = open_network(partial(LGM, config), weights, device=device, dtype=dtype)
    except (WeightsMismatch, OSError) as error:
        raise NotReady(f"The weights of {label} cannot be opened ({error}). Fetch them again.") from error
    return Splatter(model, label=label, polish_steps=polish_steps)


def open_folder(folder: Path, *, label: str = "LGM", device: torch.device | str = "cpu") -> Splatter:
    """Open a bundled model: config.json with the values of `LGMConfig`, model.safetensors.

    Raises:
        NotReady: the files do not belong together.
    """
    try:
        config = LGMConfig(**json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise NotReady(f"{folder / 'config.json'} describes no LGM ({error}). Fetch {label} again.") from error
    weights = folder / "model.safetensors"
    return open_lgm(weights, config, label=label, device=device, polish_steps=POLISH_STEPS)


def targets_of(order: SplatRequest, device: torch.device | str = "cpu") -> list[Target]:
    """The four views as what cameras around the splat ought to see."""
    targets = []
    for index, (azimuth, view) in enumerate(zip(AZIMUTHS_DEG, order.views, strict=True)):
        camera = orbit_camera(order.elevation_deg, azimuth, POLISH_SIDE)
        rgb, alpha, weight = _values(view, "RGB", POLISH_SIDE).to(device), None, 1.0
        if index == 0 and order.front_mask is not None:
            alpha, weight = _values(order.front_mask, "L", POLISH_SIDE).to(device), _FRONT_WEIGHT
        targets.append(Target(camera, rgb, alpha, weight))
    return targets


def _values(picture: Image.Image, mode: str, side: int) -> Tensor:
    """[side, side] or [side, side, 3] float32 in [0, 1]."""
    small = picture.convert(mode).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(small)).float() / 255


def _splat(gaussians: Gaussians) -> Splat:
    arrays = [np.ascontiguousarray(each.cpu().numpy()) for each in gaussians]
    positions, opacities, scales, rotations, colours = arrays
    return Splat(positions, scales, rotations, opacities, colours)
