"""LGM: four views of an object to a splat. Knows nothing of where the views came from, and no file format of splats."""

from __future__ import annotations

import gc
import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lgm.config import BIG, LGMConfig
from lgm.gaussians import Gaussians
from lgm.model import LGM, activated
from lgm.weights import WeightsMismatch, open_network
from studio.contract import Progress, Tell
from studio.errors import BadRequest, NotReady, StudioError
from studio.splat import Splat
from studio.turning import SIDES, SplatOrder


class Splatter:
    """A loaded LGM; used by one thread at a time."""

    def __init__(self, model: LGM, *, label: str = "LGM") -> None:
        """
        Args:
            model: in evaluation mode, on its device.
        """
        self._model = model
        self._label = label

    def run(self, request: SplatOrder, tell: Tell) -> Splat:
        """Make a splat around the origin, without the Gaussians nobody would see; reports before and after.

        Raises:
            BadRequest: there are not four views.
            BadSplat: nothing of it could be seen.
            StudioError: the network made no Gaussians.
            torch.OutOfMemoryError: it did not fit.
        """
        if len(request.views) != len(SIDES):
            raise BadRequest(f"A splat is made of four views, not of {len(request.views)}: {', '.join(SIDES)}.")
        tell(Progress(0, 1, "making the splat"))
        with torch.inference_mode():
            gaussians = self.gaussians(self._views(request), request.elevation_deg)
        splat = _splat(gaussians)
        if not all(np.isfinite(array).all() for array in (splat.positions, splat.scales, splat.rotations)):
            raise StudioError(
                f"{self._label} made numbers that are no splat. Its weights may be damaged: fetch them again, or "
                "choose another model."
            )
        tell(Progress(1, 1, "making the splat"))
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

    def _views(self, order: SplatOrder) -> Tensor:
        """[1, 4, 3, H, H] float32 in [0, 1]."""
        side = self._model.config.input_size
        pictures = [view.convert("RGB").resize((side, side), Image.Resampling.BICUBIC) for view in order.views]
        values = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
        return values.permute(0, 3, 1, 2)[None].float() / 255


def open_lgm(
    weights: Path,
    config: LGMConfig = BIG,
    *,
    label: str = "LGM",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Splatter:
    """Open a file of weights, such as ashawkey/LGM model_fp16_fixrot.safetensors.

    Args:
        dtype: float32 on a CPU; on a GPU float16, as the published code runs it.

    Raises:
        NotReady: it is missing, damaged or of another model.
        torch.OutOfMemoryError: it did not fit.
    """
    try:
        model = open_network(partial(LGM, config), weights, device=device, dtype=dtype)
    except (WeightsMismatch, OSError) as error:
        raise NotReady(f"The weights of {label} cannot be opened ({error}). Fetch them again.") from error
    return Splatter(model, label=label)


def open_folder(folder: Path, *, label: str = "LGM", device: torch.device | str = "cpu") -> Splatter:
    """Open a bundled model: config.json with the values of `LGMConfig`, model.safetensors.

    Raises:
        NotReady: the files do not belong together.
    """
    try:
        config = LGMConfig(**json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise NotReady(f"{folder / 'config.json'} describes no LGM ({error}). Fetch {label} again.") from error
    return open_lgm(folder / "model.safetensors", config, label=label, device=device)


def _splat(gaussians: Gaussians) -> Splat:
    arrays = [np.ascontiguousarray(each.cpu().numpy()) for each in gaussians]
    positions, opacities, scales, rotations, colours = arrays
    return Splat(positions, scales, rotations, opacities, colours)
