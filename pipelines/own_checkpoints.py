"""The user's own checkpoints: the files of a folder as models. Checks the folder on every call, without torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.checkpoint_kinds import INPAINTING, Kind, kind_of, read_header
from pipelines.hub.cache import Download, missing, pipeline_class
from pipelines.local_model import LocalModel
from pipelines.plan import Needs, Whole
from pipelines.records import RECORDS
from pipelines.records.common import DRAWN_OVER, EDITS, ITS_OWN, with_first
from pipelines.records.stable_diffusion import SD_15
from studio.validation import short

CONFIGS = Path(__file__).resolve().parent / "configs"
PICKLED = (".ckpt", ".pt", ".pth", ".bin")
OPENED = "Stable Diffusion 1.5, SDXL, FLUX.1 schnell and dev, FLUX.2 klein 4B"
_LIKE = {
    "StableDiffusionPipeline": "sd-1.5",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionInpaintPipeline": "sd-1.5",
    "StableDiffusionXLInpaintPipeline": "sdxl",
    "FluxPipeline": "flux1-dev",
    "Flux2KleinPipeline": "flux2-klein-4b",
}
"""By pipeline class of a folder in the diffusers layout."""
_GONE = (-1, -1)
"""The status of missing or unreadable files and broken links."""
_State = tuple[str | tuple[int, int], ...]


_OF_TOOLS = ("models/checkpoints", "models/diffusion_models", "models/unet", "models/Stable-diffusion", "checkpoints")
"""Checkpoint folders of ComfyUI and A1111, below their root folder."""


def tool_folders(said: Mapping[str, str]) -> list[Path]:
    """The folders that DIORAMA_MODELS names, without missing ones."""
    named = (name.strip() for name in said.get("DIORAMA_MODELS", "").split(os.pathsep))
    return [folder for name in named if name and (folder := Path(name).expanduser()).is_dir()]


def own_id(kind: str, path: Path) -> str:
    """The id of a user's own file or folder."""
    slug = re.sub(r"[^a-z0-9.]+", "-", path.stem.lower()).strip("-.") or "model"
    return f"{kind}-{slug}-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:4]}"


def fault_of(path: Path, error: Exception) -> str:
    """Why a user's own file cannot be opened, as a sentence."""
    if isinstance(error, OSError | RecursionError):
        return f"{short(path)} cannot be read: {getattr(error, 'strerror', '') or 'it is damaged'}."
    return f"{short(path)} {error}."


def elsewhere(said: Mapping[str, str]) -> list[Path]:
    """Model folders of other tools: those that DIORAMA_MODELS names, and folders in them.

    The root folder of ComfyUI or A1111 stands for its checkpoint folders.
    """
    found: list[Path] = []
    for folder in tool_folders(said):
        places = [folder / place for place in _OF_TOOLS if (folder / place).is_dir()] or [folder]
        for place in places:
            inside = [each for each in sorted(place.iterdir()) if each.is_dir() and not each.name.startswith(".")]
            found += [place, *(each for each in inside if not (each / "model_index.json").exists())]
    return found


class OwnCheckpoints:
    """The models of one folder. Thread-safe."""

    def __init__(self, folder: Path, configs: Path = CONFIGS) -> None:
        self.folder, self._configs = folder, configs
        self._known: Mapping[_State, LocalModel] = {}

    def records(self) -> list[LocalModel]:
        """One for everything in the folder with weights; those that cannot be opened say why."""
        found = {_state(path): path for path in _candidates(self.folder)}
        self._known = {state: self._known.get(state) or record_of(path, self._configs) for state, path in found.items()}
        return list(self._known.values())


def record_of(path: Path, configs: Path = CONFIGS) -> LocalModel:
    """A file or folder as a model of its family."""
    try:
        kind = _kind(path)
    except (OSError, RecursionError, ValueError, TypeError) as error:
        return _named(SD_15, path, "", fault=fault_of(path, error))
    base = next((each for each in RECORDS if each.id == kind.like), None)
    if base is None:
        what = f"is {kind.name}" if kind.name else "belongs to no known family"
        return _named(SD_15, path, "", fault=f"{short(path)} {what}, which Diorama does not open; it opens {OPENED}.")
    named = _named(base, path, kind.name, variant="v-prediction" if kind.v_prediction else base.variant)
    if kind.inpaints:
        named = replace(named, tasks=EDITS, mask_only=True, strength=replace(DRAWN_OVER, default=1), examples=())
    if named.samplers and (path.is_dir() or kind.v_prediction):
        named = replace(named, samplers=with_first("Euler" if kind.v_prediction else ITS_OWN))
    if not kind.part or base.download is None:
        return replace(named, config=configs / kind.like if path.is_file() else None)
    return replace(named, part=kind.part, download=_rest(base.download, kind.part))


def _candidates(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # missing
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in (".safetensors", *PICKLED) or _status(path / "model_index.json") != _GONE:
            yield path


def _kind(path: Path) -> Kind:
    """
    Raises:
        OSError, RecursionError, TypeError: it cannot be read.
        ValueError: it cannot be opened; the message is the end of a sentence.
    """
    if path.is_dir():
        name = pipeline_class(path)
        like = _LIKE.get(name, "")
        if like and (lacks := missing(path, unopened=SD_15.unopened)):
            raise ValueError(f"lacks {', '.join(lacks)}: get the whole folder, with .safetensors")
        if like == "flux1-dev" and not _said(path / "transformer" / "config.json", "guidance_embeds"):
            like = "flux1-schnell"
        inpaints = _said(path / "unet" / "config.json", "in_channels") == INPAINTING
        return Kind(name.removesuffix("Pipeline"), like, inpaints=inpaints)
    if path.suffix.lower() in PICKLED:
        raise ValueError("is pickled, and opening it could run malicious code: get it as .safetensors")
    if path.exists() and not path.is_file():  # reading a pipe would never end
        raise ValueError("is not a file")
    return kind_of(read_header(path))


def _said(config: Path, name: str) -> Any:
    """None if it does not say."""
    try:
        return json.loads(config.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError, AttributeError):
        return None


def _named(base: LocalModel, path: Path, what: str, *, fault: str = "", variant: str = "") -> LocalModel:
    is_weights = path.suffix.lower() in (".safetensors", *PICKLED)
    return replace(
        base,
        id=own_id("own", path),
        label=short(Path(path.stem if is_weights else path.name)),
        licence="its maker's",
        licence_url="",
        about=f"Your own {what or 'file'}, {short(path)}.",
        download=None,
        gguf=(),
        needs=_of_these_weights(base.needs),
        variant=variant,
        at=path,
        fault=fault,
    )


def _of_these_weights(needs: Needs | Whole) -> Needs | Whole:
    """Not replaceable by a quantized file."""
    if isinstance(needs, Whole):
        return needs
    return replace(needs, kept=tuple(each for each in needs.kept if not each.is_file))


def _rest(download: Download, part: str) -> Download:
    """All of a model except the part that is here."""
    weights = {"unet": 5.1 if download.parts else 1.7, "transformer": 23.8 if download.gb > 20 else 7.8}
    parts = tuple(each for each in download.parts if each[0] != part)
    return replace(download, without=(*download.without, part), parts=parts, gb=download.gb - weights[part])


def revision_of(path: Path) -> str:
    """Identifies the weights by sizes and three samples of each, in 12 hex digits: hashing 24 GB takes minutes.

    Raises:
        OSError: they are gone.
    """
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.glob("*/*.safetensors")):
        size = file.stat().st_size
        digest.update(str(size).encode())
        with file.open("rb") as opened:
            for share in (0.0, 0.5, 1.0):
                opened.seek(int(share * max(0, size - 2**20)))
                digest.update(opened.read(2**20))
    return digest.hexdigest()[:12]


def _state(path: Path) -> _State:
    """Changes when the file or one in the folder does, also while it is being copied."""
    try:
        return str(path), *map(_status, (path, *sorted(path.glob("*")), *sorted(path.glob("*/*"))))
    except OSError:  # deleted meanwhile
        return str(path), _GONE


def _status(path: Path) -> tuple[int, int]:
    """Size in bytes, and when it was changed."""
    try:
        status = path.stat()
    except OSError:
        return _GONE
    return status.st_size, status.st_mtime_ns
