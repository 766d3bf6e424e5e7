"""LGM: from four views of an object to a splat. Knows nothing of the views' origin or of splat files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lgm.config import BIG, LGMConfig
from lgm.gaussians import Gaussians
from lgm.model import LGM, activated
from lgm.weights import open_network
from pipelines.device import release_memory
from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import check_numbers, opening
from pipelines.plan import Plan
from pipelines.solid.splat_surface import closed, values
from studio.contract import Progress, Tell
from studio.errors import BadRequest, NotReady
from studio.solid.contract import SIDES, SplatRequest
from studio.splats.splat import Pose, Splat


class Splatter:
    """A loaded LGM; not thread-safe."""

    def __init__(self, model: LGM, *, label: str = "LGM", closes: bool = False) -> None:
        """
        Args:
            model: in evaluation mode, on its device.
            closes: whether to turn the output into a closed surface, and to find the camera of its picture.
        """
        self._model = model
        self._label = label
        self._closes = closes

    def run(self, request: SplatRequest, tell: Tell) -> Splat:
        """Make a splat around the origin, without invisible Gaussians; reports at every step.

        Raises:
            BadRequest: there are not four views.
            BadSplat: nothing of it is visible.
            StudioError: the network made no Gaussians.
            torch.OutOfMemoryError: it did not fit.
        """
        if len(request.views) != len(SIDES):
            raise BadRequest(f"A splat is made of four views, not of {len(request.views)}: {', '.join(SIDES)}.")
        steps = 1 + self._closes
        tell(Progress(0, steps, "making the splat"))
        with torch.no_grad():
            gaussians = self.gaussians(self._views(request), request.elevation_deg)
        check_numbers(self._label, "splat", *gaussians)
        camera = None
        if self._closes:
            tell(Progress(1, steps, "closing its surface"))
            gaussians, camera = closed(gaussians, request)
        splat = replace(_splat(gaussians), pose=Pose(camera=camera))
        tell(Progress(steps, steps, "making the splat"))
        return splat.pruned()

    def gaussians(self, views: Tensor, elevation_deg: float = 0.0) -> Gaussians:
        """[N, ...] float32 from [1, 4, 3, H, H] RGB in [0, 1] on white, of the model's input size."""
        like = next(self._model.parameters())
        raw = self._model.raw(self._model.inputs_of(views.to(like.device), elevation_deg).to(like.dtype))
        return activated(raw.float(), self._model.config.num_input_views).one(0)

    def close(self) -> None:
        """Free its memory."""
        del self._model
        release_memory()

    def _views(self, order: SplatRequest) -> Tensor:
        """[1, 4, 3, H, H] float32 in [0, 1]."""
        side = self._model.config.input_size
        return torch.stack([values(view, "RGB", side) for view in order.views]).permute(0, 3, 1, 2)[None]


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
    closes: bool = False,
) -> Splatter:
    """Open a file of weights, such as ashawkey/LGM model_fp16_fixrot.safetensors.

    Args:
        dtype: float32 on a CPU; float16 on a GPU, like the published code.
        closes: as for `Splatter`.

    Raises:
        NotReady: it is missing, damaged or of another model.
        torch.OutOfMemoryError: it did not fit.
    """
    with opening(label):
        model = open_network(partial(LGM, config), weights, device=device, dtype=dtype)
    return Splatter(model, label=label, closes=closes)


def open_folder(folder: Path, *, label: str = "LGM", device: torch.device | str = "cpu") -> Splatter:
    """Open a bundled model: config.json with the values of `LGMConfig`, model.safetensors.

    Raises:
        NotReady: the files do not match.
    """
    try:
        config = LGMConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise NotReady(f"{folder / 'config.json'} describes no LGM ({error}). Fetch {label} again.") from error
    weights = folder / "model.safetensors"
    return open_lgm(weights, config, label=label, device=device, closes=True)


def _splat(gaussians: Gaussians) -> Splat:
    arrays = [np.ascontiguousarray(each.cpu().numpy()) for each in gaussians]
    positions, opacities, scales, rotations, colours = arrays
    return Splat(positions, scales, rotations, opacities, colours)
