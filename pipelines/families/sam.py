"""SAM 2 with its own package, tiny or large: a picture is embedded once, then every click only costs the decoder.

Not thread-safe. Embeddings are cached by the picture's key, so that none is ever used for another picture.
"""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sam2
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_image_predictor import SAM2ImagePredictor
from torch import Tensor

from pipelines.device import release_memory
from pipelines.hub.cache import Checkpoint
from pipelines.mask_scores import count_sureness
from pipelines.opening.damage import reason
from pipelines.plan import Plan
from studio.contract import Model, Progress, Tell
from studio.errors import NotReady
from studio.recipe.selection import Point
from studio.segmentation.contract import GridMask, GridMaskRequest, MaskRequest, MaskResult
from studio.validation import short

KEPT_BYTES = 256_000_000
"""Cache of embeddings: 17 MB each for the large model, half of one for the toy."""
KEPT_ANSWERS = 256
GRID = {True: 32, False: 16}
"""Clicks along each side of the grid, for large and small models; 32 as in `SAM2AutomaticMaskGenerator`."""

_BATCH = 32
_SURE = 8.0
"""Magnitude of the logits of a mask to start from."""


class _Embedded(NamedTuple):
    features: dict[str, Any]
    size_bytes: int


class Sam:
    """A loaded SAM 2."""

    def __init__(self, model: SAM2Base) -> None:
        """
        Args:
            model: in evaluation mode, on its device.
        """
        self._predictor = _predictor(model)
        self._embedded: OrderedDict[str, _Embedded] = OrderedDict()  # least recently used first
        self._answers: OrderedDict[tuple[Any, ...], MaskResult] = OrderedDict()
        self._side = model.image_size // 4  # of its masks
        self._eyes: Model | None = None

    def looking_by(self, eyes: Model) -> Sam:
        """This one, with another one that embeds its pictures, for when only embedding needs a GPU.

        Args:
            eyes: a `Sam` of the same weights, or a proxy for it.
        """
        self._eyes = eyes
        return self

    def run(self, request: MaskRequest | GridMaskRequest | Image.Image, tell: Tell) -> Any:
        """Masks for the clicks of a request (MaskResult), or for a grid of clicks (a list of GridMask); for a picture
        its embedding, for `looking_by`.

        The first click alone gives three masks; every further one corrects the previous mask, which is fed back. A
        box, or a mask to start from, gives one. Clicks are replayed one after another, so that the same clicks give
        the same mask whatever was asked in between; earlier answers are cached.
        """
        with self._precision():
            if isinstance(request, Image.Image):
                return _mapped(self._embed(request, tell), lambda tensor: tensor.float().cpu().numpy())
            self._show(request, tell)
            if isinstance(request, GridMaskRequest):
                return self._everywhere(request, tell)
            return self._replay(request, tell)

    def close(self) -> None:
        self._embedded.clear()
        self._answers.clear()
        if self._eyes is not None:
            self._eyes.close()
        self._predictor.reset_predictor()
        del self._predictor
        release_memory()

    def _show(self, request: MaskRequest | GridMaskRequest, tell: Tell) -> None:
        """Load the picture into the predictor, embedding it if it is new."""
        known = self._embedded.pop(request.key, None)
        if known is None:
            side = self._predictor.model.image_size
            # The package would first make a float tensor of the whole picture: half a gigabyte for 40 megapixels.
            small = request.picture().resize((side, side), Image.Resampling.BILINEAR)
            features = self._embed(small, tell)
            tensors = [features["image_embed"], *features["high_res_feats"]]
            known = _Embedded(features, sum(tensor.nbytes for tensor in tensors))
        self._embedded[request.key] = known
        while sum(one.size_bytes for one in self._embedded.values()) > KEPT_BYTES and len(self._embedded) > 1:
            self._embedded.popitem(last=False)
        self._predictor._features = known.features
        # As if the picture had the size of the masks, so that the predictor does not enlarge them.
        self._predictor._orig_hw = [(self._side, self._side)]
        self._predictor._is_image_set = True

    def _embed(self, small: Image.Image, tell: Tell) -> dict[str, Any]:
        """A picture of the network's input size."""
        tell(Progress(0, 0))
        if self._eyes is not None:
            return _mapped(
                self._eyes.run(small, tell), lambda array: torch.from_numpy(array).to(self._predictor.device)
            )
        self._predictor.set_image(small)
        return self._predictor._features  # type: ignore[return-value]  # set by the line before

    def _replay(self, request: MaskRequest, tell: Tell) -> MaskResult:
        base = (request.key, request.box, None if request.start is None else request.start.tobytes())
        points = _first_added(request.points)
        clear = request.box is not None or request.start is not None
        shown = 0 if clear else min(1, len(points))
        ask = partial(self._ask, request, points[:shown], _logits_of(request.start, self._side))
        result = self._remembered((*base, points[:shown]), ask)
        before = 0 if clear else min(request.choice or 0, len(result.logits) - 1)
        for count in range(shown + 1, len(points) + 1):
            tell(Progress(count, len(points)))
            ask = partial(self._ask, request, points[:count], result.logits[before][None])
            result, before = self._remembered((*base, points[:count], request.choice), ask), 0
        return result

    def _ask(self, request: MaskRequest, points: tuple[Point, ...], earlier: np.ndarray | None) -> MaskResult:
        """One call of the decoder; three masks for a single first click."""
        scale = np.array([self._side / request.size.width, self._side / request.size.height], np.float32)
        places = np.array([point[:2] for point in points], np.float32).reshape(-1, 2) * scale
        box = None if request.box is None else np.array(request.box, np.float32) * np.tile(scale, 2)
        _, scores, logits = self._predictor.predict(
            places if points else None,
            np.array([int(point.add) for point in points], np.int32) if points else None,
            box=box,
            mask_input=earlier,
            multimask_output=earlier is None and box is None,
            return_logits=True,
        )
        order = np.argsort(-scores, kind="stable")
        return MaskResult(logits[order], tuple(float(score) for score in scores[order]))

    def _remembered(self, key: tuple[Any, ...], ask: Callable[[], MaskResult]) -> MaskResult:
        answer = self._answers.pop(key, None) or ask()
        self._answers[key] = answer
        if len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        return answer

    def _everywhere(self, request: GridMaskRequest, tell: Tell) -> list[GridMask]:
        """Every mask for clicks on a grid, in batches, unfiltered."""
        model = self._predictor.model
        count = GRID[model.image_size >= 1024]
        line = (np.arange(count, dtype=np.float32) + 0.5) / count
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        found: list[GridMask] = []
        for begin in range(0, len(grid), _BATCH):
            tell(Progress(begin, len(grid)))
            clicks = grid[begin : begin + _BATCH]
            places = torch.as_tensor(clicks * model.image_size, device=self._predictor.device)[:, None]
            labels = torch.ones(places.shape[:2], dtype=torch.int, device=places.device)
            _, scores, logits = self._predictor._predict(places, labels, multimask_output=True, return_logits=True)
            for click, score, masks in zip(clicks, scores.float().cpu(), logits.float().cpu(), strict=True):
                point = Point(float(click[0] * request.size.width), float(click[1] * request.size.height))
                found += [GridMask(point, float(score[each]), masks[each].numpy()) for each in range(len(masks))]
        return found

    @contextmanager
    def _precision(self) -> Iterator[None]:
        device = self._predictor.device
        is_new = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16) if is_new else nullcontext():
            yield


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Sam:
    """A bundled model, or a published one of the checkpoint's size; see `FAMILIES`."""
    if checkpoint.path.is_dir():
        return open_folder(checkpoint.path)
    return open_published(checkpoint.path, checkpoint.variant, plans[0].device)


def open_folder(folder: Path) -> Sam:
    """A bundled model: config.yaml in the format of the package, model.safetensors.

    Raises:
        NotReady: the weights are missing or damaged, or of another model.
    """
    model = build(OmegaConf.load(folder / "config.yaml"))
    try:
        weights = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    except (OSError, SafetensorError) as error:
        raise NotReady(
            f"The weights in {short(folder)} cannot be opened: {reason(error)}. Fetch them again."
        ) from error
    count_sureness(model.sam_mask_decoder)
    return Sam(_filled(model, weights, folder))


def open_published(path: Path, size: str, device: str = "cpu") -> Sam:
    """A published checkpoint of SAM 2.1.

    Args:
        path: a .pt file; nothing in it is executed.
        size: "t", "s", "b+" or "l".

    Raises:
        NotReady: it is not such a checkpoint.
    """
    model = build(published_config(size))
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        weights = found["model"]
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise NotReady(f"{short(path)} is not a checkpoint of SAM 2.1: {reason(error)}. Download it again.") from error
    return Sam(_filled(model, weights, path).to(device))


def _predictor(model: SAM2Base) -> SAM2ImagePredictor:
    """The package's predictor, with this model's feature sizes: it assumes an input of 1024 pixels."""
    with warnings.catch_warnings():
        # The package uses TorchScript for resizing, which torch warns is deprecated.
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
        predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(model.image_size // part, model.image_size // part) for part in (4, 8, 16)]
    return predictor


def published_config(size: str) -> Any:
    config = OmegaConf.load(Path(sam2.__path__[0]) / f"configs/sam2.1/sam2.1_hiera_{size}.yaml")
    # As the package does for pictures; source: sam2/build_sam.py, apply_postprocessing.
    stability = {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    }
    OmegaConf.update(config, "model.sam_mask_decoder_extra_args", stability, force_add=True)
    return config


def build(config: Any) -> SAM2Base:
    return instantiate(config.model, _recursive_=True)


def _filled(model: SAM2Base, weights: dict[str, Tensor], source: Path) -> SAM2Base:
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise NotReady(
            f"The weights in {short(source)} belong to another model: {reason(error)}. Download them again."
        ) from error
    return model.eval()


def _mapped(features: dict[str, Any], to: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "image_embed": to(features["image_embed"]),
        "high_res_feats": [to(one) for one in features["high_res_feats"]],
    }


def _first_added(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The clicks in order, but starting with one that adds, as a mask cannot start from what to exclude."""
    first = next((index for index, point in enumerate(points) if point.add), 0)
    return points[first : first + 1] + points[:first] + points[first + 1 :]


def _logits_of(start: np.ndarray | None, side: int) -> np.ndarray | None:
    if start is None:
        return None
    small = np.asarray(Image.fromarray(start).resize((side, side), Image.Resampling.BILINEAR), np.float32)
    return ((small / 255 - 0.5) * 2 * _SURE)[None]
