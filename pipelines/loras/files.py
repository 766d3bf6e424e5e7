"""LoRA files: which a prompt names, for which family each was made, and what is read of them. Without torch.

A prompt names them as A1111's do: "a castle <lora:pixel-art:0.8>", for `pixel-art.safetensors` in the folder `loras`.
The layouts are those of kohya's scripts, of peft, ai-toolkit and XLabs. Source of the rules: diffusers 0.42.1,
loaders/lora_conversion_utils.py.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipelines.checkpoint_kinds import Shapes, read_header
from studio.errors import BadRequest

EITHER = "FLUX.1 or FLUX.2"
_TAG = re.compile(r" ?<lora:([^:<>]++)(?::([^:<>]*+))?[^<>]*+>")
"""Without going back: whoever leaves a tag open does not make it slow."""
_MOST = 8
_LARGEST = 4.0
_FLUX = re.compile(
    r"^(?:transformer\.|diffusion_model\.|base_model\.model\.|lora_unet_|lora_transformer_)?"
    r"(?:single_)?(?:double_blocks|single_blocks|transformer_blocks)[._]"
)
_FLUX2_MARKS = ("to_qkv_mlp_proj", "ff.linear_", "stream_modulation")
_FLUX1_MARKS = ("proj_mlp", "ff.net.", "norm1.linear", "_mod_lin", ".processor.")
_SDXL_MARKS = ("input_blocks_", "output_blocks_", "middle_block_", "lora_te2_", "text_encoder_2.")
_BY_WIDTH = {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2", 2048: "SDXL"}
_TRIGGERS = ("modelspec.trigger_phrase", "ss_trigger_words", "trigger_phrase")
_LONGEST_TRIGGER = 200


TAKEN = {
    "stable-diffusion": "Stable Diffusion 1.5",
    "stable-diffusion-control": "Stable Diffusion 1.5",
    "stable-diffusion-xl": "SDXL",
    "stable-diffusion-xl-control": "SDXL",
    "flux1": "FLUX.1",
    "flux1-kontext": "FLUX.1",
    "flux1-fill": "FLUX.1",
    "flux1-control": "FLUX.1",
    "flux2": "FLUX.2",
}
"""For which models the LoRAs were made that each of our families takes, see `family_of`."""


class Lora(NamedTuple):
    """A file that a prompt names."""

    path: Path
    weight: float
    state: tuple[int, int]  # size in bytes and time of the last change, ns: another one is another file


def folder() -> Path:
    """Where they are: DIORAMA_LORAS, or `loras` beside the program."""
    named = os.environ.get("DIORAMA_LORAS", "")
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parents[2] / "loras"


def named_in(prompt: str, place: Path) -> tuple[str, tuple[Lora, ...]]:
    """A prompt without its tags, and the files they name, in order; a name that comes twice counts once, the last time.

    Raises:
        BadRequest: there is no such file, a weight is no number, or there are too many.
    """
    tags, found = _TAG.findall(prompt), dict[str, Lora]()
    if len(tags) > _MOST:  # before the folder is looked through for each
        raise BadRequest(f"A prompt takes {_MOST} LoRAs at most, not {len(tags)}. Take some out.")
    for name, weight in tags:
        path = _path(name.strip(), place)
        status = path.stat()
        found[path.stem] = Lora(path, _weight(name, weight), (status.st_size, status.st_mtime_ns))
    return _TAG.sub("", prompt) if found else prompt, tuple(found.values())


def fitting(family: str, place: Path | None = None) -> tuple[str, ...]:
    """Names of the files that models of a family take, in alphabetical order; what cannot be read is none of them.

    Args:
        family: one of TAKEN's values.
        place: the folder; None: see `folder`.
    """
    found = set()
    for path in (place or folder()).rglob("*.safetensors"):
        with suppress(OSError, ValueError):
            status = path.stat()
            made_for = _made_for(path, status.st_size, status.st_mtime_ns)
            if made_for == family or (made_for == EITHER and family.startswith("FLUX")):
                found.add(path.stem)
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def _made_for(path: Path, _size: int, _mtime_ns: int) -> str:
    return family_of(read_header(path))


def _path(name: str, place: Path) -> Path:
    """A name is that of a file in the folder or below it, with or without its ending, and nothing else."""
    there = {path.stem: path for path in sorted(place.rglob("*.safetensors")) if path.is_file()}
    if path := there.get(name.removesuffix(".safetensors")):
        return path
    have = f"There are: {', '.join(list(there)[:8])}." if there else "Put .safetensors files there."
    raise BadRequest(f"There is no LoRA '{name[:60]}' in the folder loras. {have}")


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text) if text.strip() else 1.0
    except ValueError:
        weight = float("nan")
    if not -_LARGEST <= weight <= _LARGEST:
        raise BadRequest(f"The weight of the LoRA '{name[:60]}' is '{text[:20]}'; write a number such as 0.8.")
    return weight


def check(lora: Lora, family: str) -> None:
    """
    Args:
        family: "SDXL", "FLUX.1" or what `family_of` may say.

    Raises:
        BadRequest: it is damaged, or made for another family.
    """
    try:
        made_for = family_of(read_header(lora.path))
    except (OSError, ValueError) as error:
        raise BadRequest(f"The LoRA {lora.path.name} {error}.") from error
    if made_for != family and not (made_for == EITHER and family.startswith("FLUX")):
        known = f"was made for {made_for}" if made_for else "is of no kind that is known"
        raise BadRequest(f"The LoRA {lora.path.name} {known}; this model takes those for {family}.")


def family_of(shapes: Shapes) -> str:
    """For which models a LoRA was made, by the names and shapes of its tensors; "": not known."""
    text = "\n".join(shapes)
    if any(mark in text for mark in ("lokr_", "hada_", "oft_")):
        return "LyCORIS"
    if "query_norm.scale" in text:
        return "FLUX.1 control"
    if any(_FLUX.match(name) for name in shapes):
        return _flux(shapes, text)
    if any(mark in text for mark in _SDXL_MARKS):
        return "SDXL"
    widths = {shape[1] for name, shape in shapes.items() if re.search(r"attn2.to_[kv]", name) and _is_down(name)}
    return next((_BY_WIDTH[width] for width in widths if width in _BY_WIDTH), "")


def _flux(shapes: Shapes, text: str) -> str:
    if any(mark in text for mark in _FLUX2_MARKS):
        return "FLUX.2"
    if any(mark in text for mark in _FLUX1_MARKS) or re.search(
        r"single_transformer_blocks[._]\d+[._]attn[._]to_q", text
    ):
        return "FLUX.1"
    down = [(name, shape) for name, shape in shapes.items() if _is_down(name)]
    width = next((shape[1] for name, shape in down if re.search(r"attn.*(qkv|to_q)", name)), 3072)
    rows = {name: shape[0] // width for name, shape in shapes.items() if len(shape) > 1 and not _is_down(name)}
    for name, times in rows.items():
        if re.search(r"single_blocks[._]\d+[._]linear1|img_mlp[._]0", name) and times in (4, 6, 7, 9):
            return "FLUX.1" if times in (4, 7) else "FLUX.2"
    if width != 3072:
        return "FLUX.2"
    blocks = re.findall(r"(?:double_blocks|\btransformer_blocks)[._](\d+)", text)
    return "FLUX.1" if max(map(int, blocks), default=0) > 7 else EITHER


def _is_down(name: str) -> bool:
    return any(mark in name for mark in ("lora_down", "lora_A", ".down."))


def triggers(path: Path) -> str:
    """The words that call on it, as its file says; "" where it does not."""
    with path.open("rb") as file:
        said = json.loads(file.read(int.from_bytes(file.read(8), "little"))).get("__metadata__") or {}
    words = next((said[key] for key in _TRIGGERS if said.get(key)), "") or _most_tagged(
        said.get("ss_tag_frequency", "")
    )
    return " ".join(str(words).split())[:_LONGEST_TRIGGER]


def _most_tagged(text: str) -> str:
    """What most pictures it was trained on were tagged with, as ai-toolkit and kohya's scripts write it."""
    try:
        folders: Iterable[dict[str, int]] = json.loads(text).values()
        counts = [(tag, count, max(tags.values())) for tags in folders for tag, count in tags.items()]
    except (ValueError, AttributeError, TypeError):
        return ""
    return ", ".join(tag.strip() for tag, count, most in counts if count == most)
