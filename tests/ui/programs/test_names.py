"""The names that other interfaces have for models here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.machine import Machine
from studio.contract import Task
from studio.service import Studio
from ui.programs.fitting import chosen

NAMES = {
    "flux-schnell": "flux1-schnell",
    "flux-dev": "flux1-dev",
    "sdxl-lightning": "sdxl-lightning",
    "FLUX.1-schnell.safetensors": "flux1-schnell",
    "dall-e-3": "toy-klein",
    "gpt-image-2": "toy-klein",
    "": "toy-klein",
}


def test_names_of_other_interfaces_mean_the_models_they_ought_to(tmp_path: Path):
    studio = Studio(catalog.models(Machine("Linux", 2, 8.0, ())), tmp_path)
    try:
        found = {name: chosen(studio, "local", name, Task.GENERATE, []).id for name in NAMES}
    finally:
        studio.close()
    assert found == NAMES


@pytest.mark.parametrize("task", [Task.ITERATE])
def test_a_change_is_made_by_a_model_that_changes_pictures(tmp_path: Path, task: Task):
    studio = Studio(catalog.models(Machine("Linux", 2, 8.0, ())), tmp_path)
    try:
        assert task in chosen(studio, "local", "", task, []).tasks
    finally:
        studio.close()
