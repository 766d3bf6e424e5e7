"""CLIP: pictures and texts as vectors, close if they mean the same; and descriptions of toy-world pictures."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps

from pipelines.families.clip import open_clip
from pipelines.families.clip_guidance import MEAN, STD
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Plan
from pipelines.words.toy_prompts import BACKGROUNDS, COLOURS
from studio.contract import Progress, Tell
from studio.words.contract import WordsRequest

_PLAIN = ("ball", "cube", "cone", "cylinder", "donut", "snowman", "tree", "house", "mushroom", "rocket")
_BATCH = 100


class ClipMeaning:
    """The loaded CLIP; not thread-safe."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self._model: Any = model.to(device)
        self._tokenizer, self._device = tokenizer, device
        self._side = model.config.vision_config.image_size

    @torch.no_grad()
    def run(self, request: WordsRequest, tell: Tell) -> np.ndarray:
        """(D,) float32 of length 1: of the picture, or of the text."""
        tell(Progress(0, 1))
        if request.picture is None:
            return self._of_words([request.words])[0].cpu().numpy()
        return self._of_picture(request.picture).cpu().numpy()

    def close(self) -> None:
        """Free its memory."""
        self._model = None
        gc.collect()

    def _of_picture(self, picture: Image.Image) -> torch.Tensor:
        """The centre crop, as CLIP was trained."""
        square = ImageOps.fit(picture.convert("RGB"), (self._side, self._side), Image.Resampling.BICUBIC)
        rgb = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None].to(self._device).float() / 255
        seen = (rgb - rgb.new_tensor(MEAN)[:, None, None]) / rgb.new_tensor(STD)[:, None, None]
        return F.normalize(self._model.get_image_features(pixel_values=seen).pooler_output, dim=-1)[0]

    def _of_words(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D)."""
        length = self._model.config.text_config.max_position_embeddings
        found = []
        for start in range(0, len(texts), _BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + _BATCH]),
                padding="max_length",
                truncation=True,
                max_length=length,
                return_tensors="pt",
            ).to(self._device)
            found.append(F.normalize(self._model.get_text_features(**tokens).pooler_output, dim=-1))
        return torch.cat(found)


class ToyMeaning(ClipMeaning):
    """The toy's CLIP, whose world is so small that it can choose the best of all captions."""

    @torch.no_grad()
    def run(self, request: WordsRequest, tell: Tell) -> Any:
        """For a picture with "describe" as the words, the caption; else like any CLIP."""
        if request.picture is None or request.words != DESCRIBE:
            return super().run(request, tell)
        tell(Progress(0, 1))
        texts, embeds = self._captions
        best = texts[int((embeds @ self._of_picture(request.picture)).argmax())]
        return f"{best[0].upper()}{best[1:]}."

    @cached_property
    def _captions(self) -> tuple[list[str], torch.Tensor]:
        texts = [
            f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {kind} on a {ground} background"
            for kind in _PLAIN
            for colour in COLOURS[:10]
            for ground in BACKGROUNDS
        ]
        return texts, self._of_words(texts)


DESCRIBE = "describe"
"""The words of a request for a description."""


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> ClipMeaning:
    """
    Args:
        checkpoint: a folder, or the weights in one; variant "toy" also describes.

    Raises:
        NotReady: the weights are missing, damaged or of another network.
    """
    folder = checkpoint.path if checkpoint.path.is_dir() else checkpoint.path.parent
    kind = ToyMeaning if checkpoint.variant == "toy" else ClipMeaning
    return kind(*open_clip(folder, checkpoint.label), plans[0].device)
