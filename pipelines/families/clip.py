"""CLIP from a folder: the toy's with its configuration, or the published ViT-B/32, whose settings are the defaults."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from pipelines.opening.damage import reason
from studio.errors import NotReady
from studio.validation import short

_BUFFERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")
"""Buffers in published files, which just count from 0."""


def open_clip(folder: Path, label: str) -> tuple[CLIPModel, CLIPTokenizer]:
    """The model in evaluation mode as float32 on the CPU, without gradients of its weights, and its tokenizer.

    Args:
        folder: with model.safetensors and tokenizer.json; without config.json it is a ViT-B/32.
        label: of the model that uses it.

    Raises:
        NotReady: the weights are missing, damaged or of another network.
    """
    try:
        config = CLIPConfig.from_pretrained(folder) if (folder / "config.json").is_file() else CLIPConfig()
        model = CLIPModel(config)
        weights = {key: value.float() for key, value in load_file(folder / "model.safetensors").items()}
        model.load_state_dict({key: value for key, value in weights.items() if key not in _BUFFERS}, strict=True)
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise NotReady(
            f"The CLIP of {label} in {short(folder)} cannot be opened ({reason(error)}). Fetch it again."
        ) from error
    return model.eval().requires_grad_(False), tokenizer
