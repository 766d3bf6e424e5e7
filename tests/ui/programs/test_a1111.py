"""The interface of A1111, asked as its clients ask: Open WebUI, scripts with `requests`, plug-ins of Krita."""

from __future__ import annotations

import base64
import io
import json
import threading
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.ui.programs.conftest import Programs

SIZE = (128, 96)


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


PHOTO = Image.radial_gradient("L").resize(SIZE).convert("RGB")


def post(programs: Programs, path: str, **body: Any) -> Any:
    with programs.http() as client:
        answer = client.post(f"/sdapi/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pictures_are_made_and_info_says_how(programs: Programs):
    answer = post(
        programs,
        "txt2img",
        prompt="a red ball",
        negative_prompt="blue",
        seed=11,
        steps=4,
        cfg_scale=3,
        width=384,
        height=256,
        batch_size=2,
        override_settings={"sd_model_checkpoint": "full"},
    )
    assert [decoded(each).size for each in answer["images"]] == [(384, 256)] * 2
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [11, 12] and info["notes"] == []
    assert "Steps: 4, CFG scale: 3.0, Seed: 11" in info["infotexts"][0]
    assert decoded(answer["images"][0]).info["parameters"].startswith("a red ball\nNegative prompt: blue\n")
    assert answer["parameters"]["cfg_scale"] == 3


def test_what_clients_always_send_is_no_news_and_what_is_not_honoured_is(programs: Programs):
    """Source: the body that webuiapi and Open WebUI send."""
    body = {
        "enable_hr": False,
        "hr_scale": 0,
        "hr_upscaler": "",
        "styles": [],
        "subseed": -1,
        "restore_faces": False,
        "s_churn": 0,
        "s_noise": 1,
        "eta": None,
        "alwayson_scripts": {},
        "save_images": True,
        "script_args": [],
        "sampler_name": None,
        "n_iter": 1,
        "tiling": False,
        "send_images": True,
        "sampler_index": "",
    }
    said = {"prompt": "a red ball", "override_settings": {"sd_model_checkpoint": "toy"}}
    assert json.loads(post(programs, "txt2img", **said | body)["info"])["notes"] == []
    more = {"enable_hr": True, "sampler_name": "Euler a", "alwayson_scripts": {"ADetailer": {}}, "width": 512}
    said["override_settings"]["sd_vae"] = "x"
    notes = " ".join(json.loads(post(programs, "txt2img", **said | body | more, height=512)["info"])["notes"])
    for word in ("enable_hr", "sampler_name", "alwayson_scripts", "override_settings.sd_vae", "512 x 512"):
        assert word in notes


def test_a_sampler_is_taken_where_the_model_has_it(programs: Programs):
    said: dict[str, Any] = {"prompt": "a red ball", "override_settings": {"sd_model_checkpoint": "full"}}
    for asked, used, notes in (
        ({"sampler_name": "k_euler_a"}, "Euler a", []),
        ({"sampler_index": "Euler a", "scheduler": "Karras"}, "Euler a", ["scheduler Karras is not honoured here."]),
        ({"sampler_name": "Heun"}, "Euler", ["sampler_name Heun is not honoured here."]),
    ):
        info = json.loads(post(programs, "txt2img", **said | asked)["info"])
        assert (info["sampler_name"], [note for note in info["notes"] if "size" not in note]) == (used, notes)
        assert f"Sampler: {used}, " in info["infotexts"][0]


@pytest.mark.parametrize("invert", [0, 1])
def test_a_change_is_kept_to_the_mask(programs: Programs, invert: int):
    mask = Image.new("L", SIZE, 0)
    ImageDraw.Draw(mask).rectangle((32, 32, 63, 63), fill=255)
    answer = post(
        programs,
        "img2img",
        prompt="make it red",
        init_images=[f"data:image/png;base64,{encoded(PHOTO)}"],
        mask=encoded(mask),
        mask_blur=2,
        inpainting_mask_invert=invert,
        denoising_strength=0.7,
        override_settings={"sd_model_checkpoint": "glaze"},
    )
    after = np.asarray(decoded(answer["images"][0]).convert("RGB"))
    changed = (np.asarray(PHOTO) != after).any(axis=2)
    assert changed[40:56, 40:56].all() == (not invert)
    assert changed[:16, :16].all() == bool(invert)
    assert json.loads(answer["info"])["notes"] == []


def test_progress_is_told_and_interrupt_stops(programs: Programs):
    with programs.http() as client:
        assert client.get("/sdapi/v1/progress").json()["progress"] == 0
        assert client.post("/sdapi/v1/interrupt").status_code == 200
        programs.brush.hold()
        answers: list[httpx.Response] = []
        body = {"prompt": "a purple ball", "steps": 5, "override_settings": {"sd_model_checkpoint": "full"}}
        asking = threading.Thread(target=lambda: answers.append(client.post("/sdapi/v1/txt2img", json=body)))
        asking.start()
        programs.until("local", lambda job: job.title == "a purple ball")
        programs.brush.let(2)
        programs.until("local", lambda job: job.step == 2)
        with programs.http() as other:
            told = other.get("/sdapi/v1/progress").json()
            assert told["state"]["sampling_step"] == 2 and told["state"]["sampling_steps"] == 5
            assert 0.3 < told["progress"] < 0.5
            assert decoded(told["current_image"]).format == "JPEG"
            blind = other.get("/sdapi/v1/progress", params={"skip_current_image": True}).json()
            assert blind["current_image"] is None
            assert other.post("/sdapi/v1/interrupt", json={}).json() == {}
        programs.until("local", lambda job: job.stopping)
        programs.brush.go()
        asking.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["images"] == []
    assert "interrupted" in answers[0].json()["info"]


def test_the_model_is_chosen_by_the_options(programs: Programs):
    with programs.http() as client:
        titles = [each["title"] for each in client.get("/sdapi/v1/sd-models").json()]
        assert {"toy", "full", "wash"} <= {*titles}
        answer = client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "full", "sd_vae": "x"})
        assert answer.json() == {"notes": ["sd_vae is not honoured here."]}
        assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "full"
        info = json.loads(client.post("/sdapi/v1/txt2img", json={"prompt": "a red ball"}).json()["info"])
        assert info["sd_model_name"] == "full"
        client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "toy"})
        for path in ("samplers", "schedulers", "upscalers", "sd-vae", "cmd-flags"):
            assert client.get(f"/sdapi/v1/{path}").status_code == 200


def test_a_key_is_a_password_there(programs: Programs, key: str):
    url = f"{programs.keyed}/sdapi/v1/options"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("anyone", key)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("txt2img", {"prompt": ""}, "The prompt is empty"),
        ("txt2img", {"prompt": "a", "batch_size": 4, "n_iter": 4}, "at most 8"),
        ("txt2img", {"prompt": "a", "steps": "many"}, "steps is wrong"),
        ("txt2img", {"prompt": "a", "override_settings": {"sd_model_checkpoint": []}}, "is a text"),
        ("img2img", {"prompt": "a"}, "init_images is empty"),
        ("img2img", {"prompt": "a", "init_images": ["http://169.254.169.254/"]}, "URLs are not fetched"),
        ("img2img", {"prompt": "a", "init_images": ["AAAA"]}, "picture"),
    ],
)
def test_errors_are_one_sentence(programs: Programs, path: str, body: dict[str, Any], told: str):
    with programs.http() as client:
        answer = client.post(f"/sdapi/v1/{path}", json=body)
    assert answer.status_code == 400
    assert told in answer.json()["error"] == answer.json()["detail"]


def test_halves_of_letters_are_left_out(programs: Programs):
    body = b'{"prompt": "a red \\ud800 ball", "negative_prompt": "\\udc00", "model": "full", "steps": 1}'
    with programs.http() as client:
        answer = client.post("/sdapi/v1/txt2img", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["parameters"]["prompt"] == "a red  ball"
