"""LoRA files: those a prompt names, their family, and their metadata. Without torch.

Prompts name them as in A1111: "a castle <lora:pixel-art:0.8>", for `pixel-art.safetensors` in the folder `loras`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipelines import bundled
from pipelines.checkpoint_kinds import read_header
from pipelines.loras.kinds import WIDTH, Made, made_for
from studio.errors import BadRequest

_TAG = re.compile(r" ?<lora:([^:<>]++)(?::([^:<>]*+))?[^<>]*+>")
"""Possessive quantifiers, so that an unclosed tag does not make it slow."""
_MOST = 8
_LARGEST = 4.0
_TRIGGERS = ("modelspec.trigger_phrase", "ss_trigger_words", "trigger_phrase")
_LONGEST_TRIGGER = 200


TAKEN = {
    "stable-diffusion": "Stable Diffusion 1.5",
    "stable-diffusion-control": "Stable Diffusion 1.5",
    "stable-diffusion-ip-adapter": "Stable Diffusion 1.5",
    "stable-diffusion-xl": "SDXL",
    "stable-diffusion-xl-control": "SDXL",
    "stable-diffusion-xl-ip-adapter": "SDXL",
    "flux1": "FLUX.1",
    "flux1-kontext": "FLUX.1",
    "flux1-fill": "FLUX.1",
    "flux1-control": "FLUX.1",
    "flux2": "FLUX.2",
}
"""The LoRAs that fit each of our families, see `kinds.Made`."""


class Lora(NamedTuple):
    """A file that a prompt names."""

    path: Path
    weight: float
    state: tuple[int, int]  # size in bytes and time of the last change, ns, to detect replaced files


def folder() -> Path:
    """Where they are: DIORAMA_LORAS, or `loras` beside the program."""
    named = os.environ.get("DIORAMA_LORAS", "")
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parents[2] / "loras"


def taken_by(family: str, model: Path | None) -> Made:
    """The LoRAs that fit a model, without opening it.

    Args:
        family: one of TAKEN.
        model: its folder in the diffusers layout; None: it has the width of the published ones.
    """
    made = Made(TAKEN[family], WIDTH if family.startswith("flux") else 0)
    try:
        said = json.loads(((model or Path()) / "transformer" / "config.json").read_text(encoding="utf-8"))
        return made._replace(width=int(said["num_attention_heads"] * said["attention_head_dim"]))
    except (OSError, ValueError, KeyError, TypeError):
        return made


def beside(model: Path) -> Path | None:
    """The folder of the LoRAs bundled with a model; None: it has none, or they are damaged.

    Args:
        model: the folder of the model.
    """
    found = model.with_name(f"{model.name}-loras")
    return found if found.is_dir() and not bundled.fault(found) else None


def named_in(
    prompt: str, place: Path, more: Path | None = None, model: Made | None = None
) -> tuple[str, tuple[Lora, ...]]:
    """A prompt without its tags, and the files they name, in order; of repeated names the last counts.

    Args:
        more: another folder, for names not in the first.
        model: of several files of a name, prefer one that fits it.

    Raises:
        BadRequest: there is no such file, an invalid weight, or too many.
    """
    tags, found = _TAG.findall(prompt), dict[str, Lora]()
    if len(tags) > _MOST:  # before searching the folder for each
        raise BadRequest(f"A prompt takes {_MOST} LoRAs at most, not {len(tags)}. Take some out.")
    for name, weight in tags:
        path = _path(name.strip(), [*([more] if more else []), place], model)
        status = path.stat()
        found[path.stem] = Lora(path, _weight(name, weight), (status.st_size, status.st_mtime_ns))
    return _TAG.sub("", prompt) if found else prompt, tuple(found.values())


def fitting(model: Made, place: Path | None = None, more: Path | None = None) -> tuple[str, ...]:
    """Names of the files that fit a model, in alphabetical order; unreadable ones are left out.

    Args:
        model: one of TAKEN's values as its family, and the width of its network.
        place: the folder; None: see `folder`.
        more: another one.
    """
    places = [place or folder(), *([more] if more else [])]
    paths = (path for each in places for path in each.rglob("*.safetensors"))
    return tuple(sorted({path.stem for path in paths if _fits(path, model)}))


def _fits(path: Path, model: Made) -> bool:
    try:
        status = path.stat()
        return _made_for(path, status.st_size, status.st_mtime_ns).fits(model)
    except (OSError, ValueError):
        return False


@lru_cache(maxsize=4096)
def _made_for(path: Path, _size: int, _mtime_ns: int) -> Made:
    return made_for(read_header(path))


def _path(name: str, places: Sequence[Path], model: Made | None) -> Path:
    """Names are those of files in or below a folder, with or without their ending; the last that fits counts."""
    files = [path for place in places for path in sorted(place.rglob("*.safetensors")) if path.is_file()]
    there = {path.stem: path for path in files}
    stem = name.removesuffix(".safetensors")
    if named := [path for path in files if path.stem == stem]:
        return next((path for path in reversed(named) if model and _fits(path, model)), named[-1])
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*(?:/.+)?", name):
        raise BadRequest(f"{name[:60]} is not here yet. python cli.py lora {name[:60]} downloads it from the Hub.")
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


def check(lora: Lora, model: Made) -> None:
    """Raises BadRequest if it is damaged, for another family or width, or not a plain LoRA."""
    try:
        made = made_for(read_header(lora.path))
    except (OSError, ValueError) as error:
        raise BadRequest(f"The LoRA {lora.path.name} {error}.") from error
    if made.fits(model):
        return
    known = f"was made for {made.name}" if made.family else "is of an unknown kind"
    if made.form:
        known = f"is a {made.form}{f' for {made.name}' if made.family else ''}, which cannot be used here"
    raise BadRequest(f"The LoRA {lora.path.name} {known}; this model takes those for {model.name}.")


def triggers(path: Path) -> str:
    """The trigger words in its metadata; "" if there are none."""
    with path.open("rb") as file:
        said = json.loads(file.read(int.from_bytes(file.read(8), "little"))).get("__metadata__") or {}
    words = next((said[key] for key in _TRIGGERS if said.get(key)), "") or _most_tagged(
        said.get("ss_tag_frequency", "")
    )
    return " ".join(str(words).split())[:_LONGEST_TRIGGER]


def _most_tagged(text: str) -> str:
    """The most frequent tags of its training pictures, as ai-toolkit and kohya's scripts store them."""
    try:
        folders: Iterable[dict[str, int]] = json.loads(text).values()
        counts = [(tag, count, max(tags.values())) for tags in folders for tag, count in tags.items()]
    except (ValueError, AttributeError, TypeError):
        return ""
    return ", ".join(tag.strip() for tag, count, most in counts if count == most)
