"""BLIP: a picture in a sentence. Source: https://huggingface.co/Salesforce/blip-image-captioning-large, BSD-3."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import torch
from transformers import BlipForConditionalGeneration, BlipProcessor

from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import opening
from pipelines.plan import Plan
from pipelines.words.stopping import stopping
from studio.contract import Tell
from studio.validation import short
from studio.words.contract import WordsRequest

LONGEST = 60
"""Tokens."""


class Blip:
    """The loaded network; not thread-safe."""

    def __init__(self, network: Any, processor: Any, device: str) -> None:
        self._processor, self._device = processor, device
        self._network: Any = network

    @torch.no_grad()
    def run(self, request: WordsRequest, tell: Tell) -> str:
        """A description; deterministic."""
        inputs = self._processor(images=request.picture, return_tensors="pt").to(self._device)
        stop = stopping(tell, LONGEST)
        tokens = self._network.generate(**inputs, max_new_tokens=LONGEST, num_beams=3, stopping_criteria=stop)
        said = self._processor.decode(tokens[0], skip_special_tokens=True).strip()
        return f"{said[:1].upper()}{said[1:]}." if said else ""

    def close(self) -> None:
        """Free its memory."""
        self._network = None
        gc.collect()


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Blip:
    """
    Args:
        checkpoint: the weights, beside their configuration and tokenizer.

    Raises:
        NotReady: they are missing or damaged.
    """
    folder, plan = checkpoint.path.parent, plans[0]
    with opening(f"{checkpoint.label} in {short(folder)}"):
        network: Any = BlipForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
        processor = BlipProcessor.from_pretrained(folder, local_files_only=True)
    return Blip(network.to(plan.device).eval(), processor, plan.device)
