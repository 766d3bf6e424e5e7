"""The Hub cache on this disk, and which weights are in it. Only reads files: no network, no torch.

The layout is that of the Hub's own cache, so that downloads are shared with other programs: blobs/<sha256>,
snapshots/<commit>/<path> as links to blobs, refs/<branch> with a commit in it.

Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}")
WEIGHTLESS = ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor")
"""Endings of class names, without "Fast", of components without weights."""
SPARE_GB = 0.5
"""Disk space that a download leaves free."""


@dataclass(frozen=True)
class Download:
    """A pipeline on the Hub: what is known about it before it is downloaded."""

    repo: str  # "black-forest-labs/FLUX.1-schnell"
    revision: str  # a commit, or a branch, resolved when downloading
    label: str = ""  # for people
    gb: float = 0.0  # of the required files
    gated: bool = False  # the licence must be accepted on the Hub first
    file: str = ""  # the one required file, if it is not a pipeline
    local: str = ""  # environment variable that may name a local file instead
    variant: str = ""  # "fp16": which copy of the weights, by a part of its name
    without: tuple[str, ...] = ()  # components whose weights are not downloaded
    parts: tuple[tuple[str, Download], ...] = ()  # components with weights from another repository

    @property
    def unopened(self) -> tuple[str, ...]:
        """Components whose weights this repository need not provide."""
        return (*self.without, *(name for name, _ in self.parts))

    def named(self) -> Path | None:
        """The file on this disk that the user named, if it has the right name."""
        path = Path(os.environ.get(self.local, "")).expanduser() if self.local else Path()
        return path if path.stem and path.stem == Path(self.file).stem else None


@dataclass(frozen=True)
class Checkpoint:
    """Which weights to open, and facts about their training."""

    path: Path  # a folder, for pipelines in the diffusers layout, or the one file
    label: str = "the model"  # for messages
    text_tokens: int = 512  # of a flow model: prompts are padded or truncated to this many tokens
    revision: str = ""  # for recipes; "": as in the spec
    variant: str = ""  # which of its family, if the weights do not show it
    beside: Path | None = None  # of another model that this one requires
    without: tuple[str, ...] = ()  # components not to open
    parts: Mapping[str, Path] = field(default_factory=dict)  # components with weights from another file
    config: Path | None = None  # of a single-file pipeline: the folder with its configuration
    own: bool = False  # the user's own, unchecked


@dataclass(frozen=True)
class HubCache:
    """A cache folder, and the Hub it is filled from."""

    cache: Path
    endpoint: str = "https://huggingface.co"
    token: str | None = field(default=None, repr=False)

    @classmethod
    def here(cls, environment: Mapping[str, str] | None = None) -> HubCache:
        """As the variables shared by all programs of the Hub say: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN.

        Source: https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
        """
        said = os.environ if environment is None else environment
        caches = Path(said.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        home = Path(said.get("HF_HOME") or caches / "huggingface").expanduser()
        token = said.get("HF_TOKEN") or said.get("HUGGING_FACE_HUB_TOKEN")
        token = token or _first_line(Path(said.get("HF_TOKEN_PATH") or home / "token").expanduser())
        return cls(
            cache=Path(said.get("HF_HUB_CACHE") or home / "hub").expanduser(),
            endpoint=(said.get("HF_ENDPOINT") or cls.endpoint).rstrip("/"),
            token=(token or "").strip() or None,
        )

    @property
    def host(self) -> str:
        """The Hub's name for people."""
        return self.endpoint.partition("://")[2] or self.endpoint

    def page(self, download: Download) -> str:
        """The address of its model page, where the licence is accepted."""
        return f"{self.endpoint}/{download.repo}"

    def folder(self, repo: str) -> Path:
        return self.cache / f"models--{repo.replace('/', '--')}"

    def commit(self, repo: str, revision: str) -> str | None:
        """The downloaded commit of a revision; None if there is none."""
        if COMMIT.fullmatch(revision):
            return revision
        named = _first_line(self.folder(repo) / "refs" / revision)
        return named if COMMIT.fullmatch(named) else None

    def snapshot(self, download: Download) -> Path | None:
        """The folder of a complete download, ready to be opened; None if there is none."""
        commit = self.commit(download.repo, download.revision)
        folder = self.folder(download.repo) / "snapshots" / commit if commit else None
        if folder is None or missing(folder, download.file, download.unopened):
            return None
        return folder if all(self.snapshot(part) for _, part in download.parts) else None

    def files_of_parts(self, download: Download) -> dict[str, Path]:
        """The weights from other repositories that are here, by component."""
        found = {name: (part.file, self.snapshot(part)) for name, part in download.parts}
        return {name: folder / file for name, (file, folder) in found.items() if folder}

    def started_bytes(self, download: Download) -> int:
        """The size of an incomplete download so far: files of its parts, and partial files."""
        folder, commit = self.folder(download.repo), self.commit(download.repo, download.revision)
        arrived = folder.glob(f"snapshots/{commit or 'none'}/{download.file or '*/*'}")
        here = sum(path.stat().st_size for path in (*arrived, *folder.glob("blobs/*.incomplete")) if path.is_file())
        return here + sum(self.started_bytes(part) for _, part in download.parts)

    def free_bytes(self) -> int:
        """Free space on the disk of the cache."""
        return shutil.disk_usage(next(place for place in (self.cache, *self.cache.parents) if place.is_dir())).free


def missing(folder: Path, file: str = "", unopened: Iterable[str] = ()) -> list[str]:
    """What a folder lacks of the one file or, without one, of a pipeline in the diffusers layout.

    Args:
        unopened: components whose weights are not needed.

    Returns:
        Paths relative to the folder; empty if it can be opened.
    """
    if file:
        return [] if (folder / file).is_file() else [file]
    index = folder / "model_index.json"
    parts = components(index.read_text(encoding="utf-8")) if index.is_file() else {}
    if not parts:
        return ["model_index.json"]
    lacks: list[str] = []
    for name, kind in parts.items():
        part = folder / name
        if name in unopened:
            continue
        if kind.removesuffix("Fast").endswith(WEIGHTLESS):
            lacks += [] if any(part.glob("*.json")) else [f"{name}/"]
            continue
        shards = [shard for listing in part.glob("*.safetensors.index.json") for shard in _shards(listing)]
        lacks += [f"{name}/{shard}" for shard in shards if not (part / shard).is_file()]
        if not any(each.is_file() for each in part.glob("*.safetensors")):
            lacks.append(f"{name}/*.safetensors")
        if not (part / "config.json").is_file():
            lacks.append(f"{name}/config.json")
    return lacks


def pipeline_class(folder: Path) -> str:
    """Name of the class a folder was saved from; "" if it does not say."""
    try:
        return str(json.loads((folder / "model_index.json").read_text(encoding="utf-8")).get("_class_name", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def components(model_index: str) -> dict[str, str]:
    """Name and class of every component listed in a model_index.json; {} if it is invalid."""
    try:
        listed = json.loads(model_index)
    except ValueError:
        return {}
    parts = listed.items() if isinstance(listed, dict) else ()
    return {
        name: part[1]
        for name, part in parts
        if isinstance(part, list) and len(part) == 2 and all(isinstance(each, str) for each in part)
    }


def _shards(listing: Path) -> set[str]:
    try:
        return {str(name) for name in json.loads(listing.read_text(encoding="utf-8"))["weight_map"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"a readable " + listing.name}


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip().partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""
