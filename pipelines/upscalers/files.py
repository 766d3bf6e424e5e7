"""The user's own upscalers, ESRGAN and similar, as models. Scans the folder on every call, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pipelines.checkpoint_kinds import not_weights, read_header
from pipelines.local_model import LocalModel
from pipelines.own_checkpoints import fault_of, own_id, tool_folders
from pipelines.plan import Whole
from studio.contract import Task
from studio.validation import short

ENDINGS = (".safetensors", ".pth")
_OF_TOOLS = ("models/upscale_models", "models/ESRGAN", "models/RealESRGAN")
_ZIP = b"PK\x03\x04"
_OWN = LocalModel(
    id="upscaler",
    label="Upscaler",
    family="upscaler",
    needs=Whole(),
    licence="its maker's",
    about="Your own upscaler.",
    tasks=frozenset({Task.UPSCALE}),
    scales=(2, 4),
    seed=False,
    at=Path("upscalers"),
)


def folders(said: Mapping[str, str]) -> list[Path]:
    """Where they are: DIORAMA_UPSCALERS, or `upscalers` beside the program; then those of ComfyUI and A1111, if
    DIORAMA_MODELS names their folders.
    """
    named = said.get("DIORAMA_UPSCALERS", "")
    own = Path(named).expanduser() if named else Path(__file__).resolve().parents[2] / "upscalers"
    there = [tool / place for tool in tool_folders(said) for place in _OF_TOOLS]
    return [own, *filter(Path.is_dir, there)]


def records(place: Path) -> list[LocalModel]:
    """One for every file of a folder; those that cannot be opened say why."""
    found = []
    with suppress(OSError):  # missing
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in ENDINGS and not path.name.startswith("."):
                with suppress(OSError):  # deleted meanwhile
                    status = path.stat()
                    found.append(_record(path, status.st_size, status.st_mtime_ns))
    return found


@lru_cache(maxsize=256)
def _record(path: Path, _size: int, _mtime_ns: int) -> LocalModel:
    named = replace(
        _OWN,
        id=own_id("upscaler", path),
        label=short(Path(path.stem)),
        about=f"Your own upscaler, {short(path)}.",
        at=path,
    )
    try:
        _look_at(path)
    except (OSError, RecursionError, ValueError) as error:
        return replace(named, fault=fault_of(path, error))
    return named


def _look_at(path: Path) -> None:
    """
    Raises:
        OSError, RecursionError: it cannot be read.
        ValueError: it is not a file of weights; the message is the end of a sentence.
    """
    if not path.is_file():  # reading a pipe would never end
        raise ValueError("is not a file")
    if path.suffix.lower() == ".safetensors":
        read_header(path)
        return
    with path.open("rb") as file:
        start = file.read(64)
    if other := not_weights(start):
        raise ValueError(other)
    if not start.startswith((_ZIP, b"\x80\x02")):
        raise ValueError("is not a file of weights, or was cut off: download it again")
