"""Depth Anything V2: how far away everything in a picture is. Source: https://huggingface.co/depth-anything."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import DepthAnythingForDepthEstimation, DPTImageProcessor

from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import check_numbers, opening
from pipelines.plan import Plan
from studio.contract import ImageRequest, ImageResult, Progress, Tell
from studio.imaging.control import is_grey
from studio.validation import short


class DepthAnything:
    """The loaded network; not thread-safe."""

    def __init__(self, label: str, network: Any, processor: Any, device: str) -> None:
        self._label, self._processor, self._device = label, processor, device
        self._network: Any = network

    @torch.no_grad()
    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """The depth of `references[0]` or of `control`, near is white; a grey `control` already is a depth map."""
        tell(Progress(0, 1))
        seen = request.control or request.references[0]
        if request.control and is_grey(np.asarray(request.control)):
            return ImageResult(request.control.convert("L").convert("RGB"), None)
        inputs = self._processor(images=seen, return_tensors="pt").to(self._device)
        found = self._network(**inputs)
        size = request.size.height, request.size.width
        depth = self._processor.post_process_depth_estimation(found, target_sizes=[size])[0]["predicted_depth"]
        check_numbers(self._label, "picture of depth", depth)
        low, high = depth.min(), depth.max()
        grey = ((depth - low) / (high - low).clamp(min=1e-8) * 255).round().clamp(0, 255)
        tell(Progress(1, 1))
        return ImageResult(Image.fromarray(grey.cpu().numpy().astype(np.uint8)).convert("RGB"), None)

    def close(self) -> None:
        """Free its memory."""
        self._network = None
        gc.collect()


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> DepthAnything:
    """
    Args:
        checkpoint: the weights, beside their configuration and that of the input.

    Raises:
        NotReady: they are missing or damaged.
    """
    folder, device = checkpoint.path.parent, plans[0].device
    with opening(f"{checkpoint.label} in {short(folder)}"):
        network: Any = DepthAnythingForDepthEstimation.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
        processor = DPTImageProcessor.from_pretrained(folder, local_files_only=True)
    return DepthAnything(checkpoint.label, network.to(device).eval(), processor, device)
