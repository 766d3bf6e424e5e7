"""The names that other interfaces have for models here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.machine import Machine
from studio.contract import Task
from studio.service import Studio
from tests.ui.programs.conftest import Programs
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


def test_each_interface_lists_what_it_can_ask_and_takes_nothing_else(programs: Programs):
    """None of them sends a picture to follow; of one that is changed its own outlines are followed."""
    with programs.http() as client:
        openai = {each["id"]: each["tasks"] for each in client.get("/v1/models").json()["data"]}
        a1111 = [each["title"] for each in client.get("/sdapi/v1/sd-models").json()]
        told = client.get("/v1/model-info").json()
        refused = client.post("/v1/load-model", params={"model_name": "follower"})
        by_name = client.post(
            "/sdapi/v1/txt2img", json={"prompt": "a", "override_settings": {"sd_model_checkpoint": "tracer"}}
        )
    assert openai["follower"] == ["iterate"] and "generate" in openai["toy"]
    assert "tracer" not in {*openai, *a1111, *told["available_models"]} and "follower" in a1111
    assert "follower" not in told["available_models"] and told["current_model"] in told["available_models"]
    assert refused.status_code == 400 and "Follower follows a picture, which cannot be sent here" in refused.text
    assert by_name.status_code == 400 and "Tracer follows a picture" in by_name.text
