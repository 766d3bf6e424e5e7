"""The endpoints as scripts use them: `gradio_client` and plain HTTP against the real page with the real toy model."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

import app
from commands.sharing import identity
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from ui import page

PROMPT = "a red ball on a grey background"
ADA, GRACE = "ada's secret token", "grace's secret token"


class Served(NamedTuple):
    url: str
    client: Client
    is_open: bool


@pytest.fixture(scope="module", params=[[], ["--open"]], ids=["local", "open"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    options = app.parse(request.param)
    studio = app.open_studio(tmp_path_factory.mktemp("outputs"))
    identify = identity.identify_by(options)
    demo = page.build(studio, identify)
    launch = page.launch_options(studio, identify, local_only=True)
    _, url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=free_port(), **launch
    )
    client = Client(url, verbose=False, download_files=False)
    yield Served(url, client, options.open)
    client.close()
    demo.close()
    studio.close()


def wait_for(served: Served, job_id: str, *states: str) -> dict:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        job = served.client.predict(job_id=job_id, token=ADA, api_name="/job")
        if job["state"] in states:
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job never became {states}")


def test_a_prompt_becomes_a_picture_that_can_be_fetched(served: Served):
    job = served.client.predict(prompt=PROMPT, seed=3, token=ADA, api_name="/generate")
    assert job["state"] == "done"
    (picture,) = job["pictures"]
    assert picture["seed"] == 3
    answer = httpx.get(picture["url"])
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (256, 256)
        assert "diorama" in image.text  # type: ignore[attr-defined]  # PNG images have it


def test_a_job_can_be_asked_for_without_waiting_and_watched_to_its_end(served: Served):
    job = served.client.predict(prompt=PROMPT, count=2, seed=8, wait=False, token=ADA, api_name="/generate")
    assert job["state"] in ("waiting", "running")
    done = wait_for(served, job["id"], "done")
    assert [picture["seed"] for picture in done["pictures"]] == [8, 9]


def test_stop_ends_a_running_job_and_one_that_waits(served: Served):
    def ask() -> dict:
        return served.client.predict(prompt=PROMPT, count=8, steps=20, wait=False, token=ADA, api_name="/generate")

    running, waiting = ask(), ask()
    assert served.client.predict(job_id=waiting["id"], token=ADA, api_name="/cancel")["state"] == "stopped"
    served.client.predict(job_id=running["id"], token=ADA, api_name="/cancel")
    assert len(wait_for(served, running["id"], "stopped")["pictures"]) < 8


def test_the_models_say_what_they_honour(served: Served):
    models = {model["id"]: model for model in served.client.predict(api_name="/models")}
    assert models["toy-klein"]["ready"] is True
    assert models["toy-klein"]["sizes"] == [[256, 256]]
    assert models["flux2-klein-4b"]["readiness"]


def test_a_comparison_is_a_job_with_one_picture(served: Served):
    asked = {"prompt": "a red ball", "x": "steps", "x_values": [4, 5], "y": "seed", "y_values": "1 2"}
    job = served.client.predict(**asked, token="a token for sheets", api_name="/compare")
    (sheet,) = job["pictures"]
    assert (job["state"], sheet["prompt"]) == ("done", "Steps and seed: a red ball")
    assert sheet["width"] > 2 * 256


def test_the_gallery_finds_pictures_by_words_page_by_page(served: Served):
    for colour in ("green", "yellow"):
        served.client.predict(prompt=f"a {colour} cube", steps=4, token=ADA, api_name="/generate")
    found = served.client.predict(query="green", token=ADA, api_name="/gallery")["pictures"]
    assert [picture["prompt"] for picture in found] == ["a green cube"]
    first = served.client.predict(limit=1, token=ADA, api_name="/gallery")
    second = served.client.predict(limit=1, after=first["next"], token=ADA, api_name="/gallery")
    assert first["pictures"][0]["prompt"] == "a yellow cube"
    assert second["pictures"][0]["prompt"] == "a green cube"
    green = [picture["id"] for picture in found]
    told = served.client.predict(picture_ids=green, name="Cubes", token=ADA, api_name="/collect")
    assert told == {"collections": [{"name": "Cubes", "pictures": 1}]}
    assert served.client.predict(token=ADA, api_name="/collection") == told
    inside = served.client.predict(name="Cubes", token=ADA, api_name="/collection")
    assert [picture["id"] for picture in inside["pictures"]] == green
    with pytest.raises(AppError, match="collection needs a name"):
        served.client.predict(picture_ids=green, name=" ", token=ADA, api_name="/collect")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": "x", "model": "../../etc"}, "There is no model"),
        ({"prompt": "x", "count": 0}, "0"),
        ({"prompt": "x", "seed": 2**32}, str(2**32)),
        ({"prompt": "x", "width": 10**9, "height": 10**9}, "1000000000"),
        ({"prompt": "x", "width": 128}, "128"),
        ({"prompt": "x", "steps": 0}, "0"),
        ({"prompt": "x", "guidance": 1e308}, "1e+308"),
        ({"prompt": "x", "style": "<script>"}, "style"),
        ({"prompt": "x", "model": "flux2-klein-4b"}, "GPU"),
    ],
)
def test_a_wrong_request_is_one_sentence(served: Served, values: dict, sentence: str):
    with pytest.raises(AppError) as refused:
        served.client.predict(**values, token=ADA, api_name="/generate")
    assert sentence in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("/compare", {"prompt": "x", "x": "owner", "x_values": "1"}, "Compare one of"),
        ("/compare", {"prompt": "x", "x": "steps", "x_values": {"a": 1}}, "1 to 12 values"),
        ("/compare", {"prompt": "x", "x": "steps", "x_values": [4, "y"]}, "number of steps"),
        ("/job", {"job_id": None}, "There is no job"),
        ("/job", {"job_id": 5}, "There is no job"),
        ("/cancel", {"job_id": {"a": 1}}, "There is no job"),
        ("/gallery", {"limit": "x"}, "'x'"),
        ("/gallery", {"limit": None}, "not nothing"),
        ("/gallery", {"limit": 10**9}, "1000000000"),
        ("/gallery", {"after": "nope"}, "not known"),
    ],
)
def test_values_of_a_wrong_type_are_one_sentence_too(served: Served, endpoint: str, values: dict, sentence: str):
    with pytest.raises(AppError, match=sentence):
        served.client.predict(**values, token=ADA, api_name=endpoint)


def test_nobody_sees_what_another_visitor_made(served: Served):
    job = served.client.predict(prompt=PROMPT, steps=4, token=ADA, api_name="/generate")
    mine = {picture["id"] for picture in job["pictures"]}
    theirs = {picture["id"] for picture in served.client.predict(token=GRACE, api_name="/gallery")["pictures"]}
    if served.is_open:
        assert not theirs
        for endpoint in ("/job", "/cancel"):
            with pytest.raises(AppError, match="There is no job"):
                served.client.predict(job_id=job["id"], token=GRACE, api_name=endpoint)
    else:  # on 127.0.0.1 there is one person
        assert mine <= theirs


def test_a_token_is_asked_for_only_where_anyone_may_come_in(served: Served):
    if served.is_open:
        with pytest.raises(AppError, match="16 characters"):
            served.client.predict(api_name="/gallery")
    else:
        assert "pictures" in served.client.predict(api_name="/gallery")


@pytest.mark.parametrize("path", ["nope", "../../etc/passwd", "%2e%2e%2fapp.py", "0" * 32])
def test_a_picture_that_is_not_there_is_not_found(served: Served, path: str):
    assert httpx.get(f"{served.url}diorama/picture/{path}", headers={"X-Diorama-Token": ADA}).status_code == 404


def test_a_foreign_host_name_is_refused(served: Served):
    assert httpx.get(served.url, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_foreign_page_can_send_nothing(served: Served, origin: str):
    upload = {"files": ("a.txt", b"x" * 1000)}
    refused = httpx.post(f"{served.url}gradio_api/upload", files=upload, headers={"Origin": origin})
    assert refused.status_code == 403
    own = httpx.post(f"{served.url}gradio_api/upload", files=upload, headers={"Origin": served.url.rstrip("/")})
    assert own.status_code == 200


def test_the_endpoints_are_documented(served: Served):
    told = served.client.view_api(return_format="dict", print_info=False)
    assert isinstance(told, dict)
    ours = {"/generate", "/job", "/cancel", "/models", "/gallery", "/add_picture", "/settings"}
    ours |= {"/segment", "/segment_everything", "/keep_object"}
    ours |= {"/iterate", "/tree", "/upscale", "/control"}
    ours |= {"/describe", "/improve_prompt", "/compare"}
    ours |= {
        "/views",
        "/splat",
        "/render_splat",
        "/erase_splat",
        "/export_splat",
        "/add_splat",
        "/collect",
        "/collection",
    }
    assert set(told["named_endpoints"]) == ours
