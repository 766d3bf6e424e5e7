"""Repositories as they lie on the Hub, a Hub that serves one of them, and a cache of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.hub import fetch as hub_fetch
from pipelines.hub.cache import Download, HubCache
from pipelines.hub.download import Patience
from studio.contract import Tell
from tests.pipelines.loopback_hub import Hub, serving
from tests.pipelines.tiny import save_flux1, save_klein
from tests.studio.fakes import ignore

QUICK = Patience(tries=3, pause_seconds=0.01)
DOWNLOAD = Download("tiny/schnell", "main", "Tiny schnell", gb=0.001)
NOT_NEEDED = ("README.md", "flux1-schnell.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors", "dev_grid.jpg")
"""What repositories hold beside the pipeline."""


@pytest.fixture(scope="package")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hub")
    saved = {
        "klein": save_klein(folder / "klein"),
        "schnell": save_flux1(folder / "schnell", guided=False),
        "dev": save_flux1(folder / "dev", guided=True),
    }
    for each in saved.values():
        for path in NOT_NEEDED:
            (each / path).write_bytes(b"not needed" * 1000)
    return saved


@pytest.fixture
def served(checkpoints: dict[str, Path]) -> Iterator[Hub]:
    with serving(DOWNLOAD.repo, checkpoints["schnell"]) as one:
        yield one


@pytest.fixture
def hub(served: Hub, tmp_path: Path) -> HubCache:
    return HubCache(tmp_path / "cache", served.url)


def fetch(hub: HubCache, tell: Tell = ignore, download: Download = DOWNLOAD) -> Path:
    return hub_fetch.fetch(download, hub, tell, QUICK)


def needed(served: Hub) -> list[str]:
    """The large files of the pipeline."""
    return [path for path in served.large() if path not in NOT_NEEDED]


def needed_bytes(served: Hub) -> dict[str, int]:
    return {path: (served.folder / path).stat().st_size for path in needed(served)}
