"""A whole pipeline in one safetensors file, opened offline: its family's settings and CLIP's tokenizer are here."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from pipelines.checkpoint_kinds import INPAINTING, UNET, read_header


def open_file(kind: type[diffusers.DiffusionPipeline], file: Path, config: Path) -> Any:
    """The pipeline in main memory, in the dtype of the file.

    Args:
        config: a folder in the diffusers layout without weights; if it has no tokenizer, CLIP's is used.

    Raises:
        ValueError, RuntimeError: it is of another family, or lacks something.
    """
    given: dict[str, Any] = {} if (config / "tokenizer").is_dir() else {"tokenizer": clip_tokenizer()}
    if given and (config / "text_encoder_2").is_dir():
        given["tokenizer_2"] = clip_tokenizer(pad_token="!")  # OpenCLIP's pads with token 0
    channels = read_header(file).get(f"{UNET}input_blocks.0.0.weight", (0, 0))[1]
    if channels == INPAINTING:  # the settings are for a UNet with four
        settings: Any = {"config": str(config), "local_files_only": True, "subfolder": "unet", "in_channels": channels}
        given["unet"] = diffusers.UNet2DConditionModel.from_single_file(str(file), **settings)
    opened: Any = kind
    return opened.from_single_file(str(file), config=str(config), local_files_only=True, **given)


def clip_tokenizer(**settings: Any) -> CLIPTokenizer:
    """The tokenizer of CLIP's text encoders, OpenAI's and OpenCLIP's: 49,408 tokens."""
    merges = _merges()
    letters = [*bytes_to_unicode().values()]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    pairs: Any = list(merges)
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=77, **settings)


@cache
def _merges() -> tuple[tuple[str, ...], ...]:
    path = Path(__file__).resolve().parents[1] / "configs" / "clip_merges.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
    return tuple(tuple(line.split(" ")) for line in lines[1:])


def fault(pipeline: Any) -> str:
    """What is wrong with the weights of an opened pipeline, as the end of a sentence; "" for nothing."""
    for name, part in pipeline.components.items():
        for key, weight in part.named_parameters() if isinstance(part, torch.nn.Module) else ():
            if weight.is_meta:
                return f"it lacks {name}.{key}"
            if not bool(weight.isfinite().all()):
                return f"{name}.{key} holds values that are not numbers"
    return ""
