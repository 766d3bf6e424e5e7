"""NeuroLux's interface, asked as its documentation shows."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from tests.ui.programs.conftest import Programs


def test_a_picture_is_made_with_what_is_asked_for(programs: Programs):
    body = {
        "prompt": "a red ball",
        "negative_prompt": "blue",
        "width": 384,
        "height": 256,
        "num_inference_steps": 4,
        "guidance_scale": 2.0,
        "seed": 5,
        "model": "full",
    }
    with programs.http() as client:
        answer = client.post("/v1/generate-image", json=body).json()
    image = Image.open(io.BytesIO(base64.b64decode(answer["image_bytes_b64"])))
    assert image.size == (384, 256)
    assert (answer["prompt"], answer["model"], answer["seed"], answer["notes"]) == ("a red ball", "full", 5, [])
    recipe = programs.studio.asset("local", answer["id"]).recipe
    assert (recipe.steps, recipe.guidance, recipe.negative_prompt) == (4, 2.0, "blue")


def test_what_the_model_does_not_honour_is_said(programs: Programs):
    body = {"prompt": "a red ball", "width": 1024, "height": 1024, "guidance_scale": 3.5, "model": "toy", "eta": 1}
    with programs.http() as client:
        answer = client.post("/v1/generate-image", json=body).json()
    assert (answer["width"], answer["height"]) == (128, 128)
    told = " ".join(answer["notes"])
    assert all(word in told for word in ("1024 x 1024", "guidance", "eta"))


def test_a_loaded_model_holds_for_what_follows(programs: Programs):
    with programs.http() as client:
        assert client.get("/v1/model-info").json()["current_model"] == "toy"
        assert client.post("/v1/load-model", params={"model_name": "full"}).json() == {"status": "ok", "model": "full"}
        info = client.get("/v1/model-info").json()
        assert (info["current_model"], info["model_loaded"], info["device"]) == ("full", True, "cpu")
        assert "toy" in info["available_models"] and "big" not in info["available_models"]
        assert client.post("/v1/generate-image", json={"prompt": "a red ball"}).json()["model"] == "full"
        client.post("/v1/load-model", params={"model_name": "toy"})


@pytest.mark.parametrize(("name", "status", "told"), [("big", 400, "13 GB"), ("none", 404, "no model 'none'")])
def test_a_model_that_cannot_be_loaded_is_said(programs: Programs, name: str, status: int, told: str):
    with programs.http() as client:
        answer = client.post("/v1/load-model", params={"model_name": name})
    assert answer.status_code == status
    assert told in answer.json()["detail"]
