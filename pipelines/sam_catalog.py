"""The segmentation models that run on this machine: SAM 2.1 in four sizes, and the bundled toy. Light to import."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from pipelines import bundled, readiness
from pipelines.hub.cache import Download, Shelf
from pipelines.machine import Machine
from studio.contract import Model, ModelSpec, Progress, Readiness, Task, Tell

APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
LOCAL = "DIORAMA_SAM"
"""Names a checkpoint on this disk, such as /models/sam2.1_hiera_large.pt; its size is read off its name."""

# File names as in sam2/build_sam.py; sizes as the pages on the Hub said in November 2026.
SIZES = {"large": ("l", 0.9, 2.4), "base_plus": ("b+", 0.32, 1.4), "small": ("s", 0.18, 1.1), "tiny": ("t", 0.16, 1.0)}
"""By the word in the file name: name of the configuration, download and memory in GB."""
_LABELS = {"large": "SAM 2.1 large", "base_plus": "SAM 2.1 base+", "small": "SAM 2.1 small", "tiny": "SAM 2.1 tiny"}
_ABOUT = {
    "large": "The most exact masks, of anything in any picture.",
    "base_plus": "Nearly as exact as the large one, at a third of its size.",
    "small": "Good masks of anything; quick on any GPU.",
    "tiny": "The smallest that knows any picture; some seconds per picture without a GPU.",
}


def _id(word: str) -> str:
    return f"sam2.1-{word.replace('_', '-')}"


DOWNLOADS = {
    _id(word): Download(
        f"facebook/sam2.1-hiera-{word.replace('_', '-')}", "main", _LABELS[word], gb, file=f"sam2.1_hiera_{word}.pt"
    )
    for word, (_, gb, _) in SIZES.items()
}
"""What is fetched from the Hub, by the id of the model."""


def models(machine: Machine, shelf: Shelf, weights: Path) -> tuple[ModelSpec, ...]:
    """The one to start with first: the large one where there is a GPU, the toy elsewhere.

    Args:
        weights: folder of the bundled models.
    """
    local = Path(os.environ[LOCAL]).expanduser() if os.environ.get(LOCAL) else None
    published = [published_sam(word, shelf, local) for word in SIZES]
    toy = toy_sam(weights / "toy-sam")
    return (*published, toy) if machine.gpu else (toy, *published)


def toy_sam(folder: Path) -> ModelSpec:
    """
    Args:
        folder: with config.yaml and model.safetensors.
    """
    return ModelSpec(
        id="toy-sam",
        label="Toy SAM",
        tasks=frozenset({Task.SEGMENT}),
        load=partial(_load_bundled, folder=folder),
        readiness=partial(readiness.of_bundled, folder),
        revision=readiness.revision_of(folder),
        lane="click",
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Small and quick: made for the toy world and simple pictures.",
    )


def published_sam(word: str, shelf: Shelf, local: Path | None = None) -> ModelSpec:
    """
    Args:
        word: which of `SIZES`.
        local: a checkpoint on this disk; it counts if it has this size's name.
    """
    _, gb, gpu_gb = SIZES[word]
    download = DOWNLOADS[_id(word)]
    path = local if local is not None and local.stem == Path(download.file).stem else None
    return ModelSpec(
        id=_id(word),
        label=_LABELS[word],
        tasks=frozenset({Task.SEGMENT}),
        load=partial(_load_published, download=download, shelf=shelf, word=word, path=path),
        readiness=partial(readiness.of_files, download, shelf) if path is None else partial(_of_path, path),
        revision=shelf.commit(download.repo, download.revision) or "" if path is None else "",
        lane="click",
        gpu_gb=gpu_gb,
        download_gb=gb if path is None else 0.0,
        licence="Apache-2.0",
        licence_url=APACHE,
        page_url=shelf.page(download),
        about=_ABOUT[word],
    )


def _of_path(path: Path) -> Readiness:
    if path.is_file():
        return Readiness(True, "ready")
    return Readiness(False, "file missing", f"There is no file {path}: correct {LOCAL} in .env, or take it out.")


def _load_bundled(tell: Tell, *, folder: Path) -> Model:
    bundled.check(folder)
    tell(Progress(0, 0, "loading Toy SAM"))
    from pipelines.families import sam

    return sam.open_folder(folder)


def _load_published(tell: Tell, *, download: Download, shelf: Shelf, word: str, path: Path | None) -> Model:
    if path is None:
        from pipelines.hub import fetch

        path = fetch.fetch(download, shelf, tell) / download.file
    tell(Progress(0, 0, f"loading {download.label}"))
    from pipelines.families import sam

    return sam.open_checkpoint(path, SIZES[word][0])
