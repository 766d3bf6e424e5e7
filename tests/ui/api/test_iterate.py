"""Changes over HTTP against the real app with the bundled toy: the endpoints iterate and tree, and the routes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.app_process import AppProcess


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    served = AppProcess(tmp_path_factory.mktemp("outputs"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def client(app: AppProcess) -> Iterator[Client]:
    opened = Client(app.url, verbose=False, download_files=False)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def http(app: AppProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app.url, timeout=300, headers={"X-Diorama-Token": ""}) as opened:
        yield opened


@pytest.fixture(scope="module")
def picture(client: Client) -> dict:
    job = client.predict(prompt="a red ball on a grey background", seed=3, api_name="/generate")
    return job["pictures"][0]


def pixels(http: httpx.Client, picture: dict) -> np.ndarray:
    """HWC uint8."""
    file = http.get(picture["url"]).raise_for_status().content
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def test_a_picture_is_enlarged(client: Client, http: httpx.Client, tmp_path: Path):
    small = Image.radial_gradient("L").resize((96, 64)).convert("RGB")
    small.save(tmp_path / "moon.png")
    job = client.predict(file=handle_file(tmp_path / "moon.png"), api_name="/upscale")
    assert (job["state"], job["error"], job["model"]) == ("done", "", "span")
    large = pixels(http, job["pictures"][0])
    assert large.shape == (256, 384, 3)
    assert np.abs(large.reshape(64, 4, 96, 4, 3).mean((1, 3)) - np.asarray(small)).mean() < 2  # of 255
    with pytest.raises(AppError, match="enlarges 2 or 4 times, not 7"):
        client.predict(file=handle_file(tmp_path / "moon.png"), scale=7, api_name="/upscale")


def test_the_toy_changes_a_picture_and_the_tree_knows_it(client: Client, http: httpx.Client, picture: dict):
    job = client.predict(picture_id=picture["id"], instruction="make it blue", seed=5, api_name="/iterate")
    assert (job["state"], job["error"], job["model"], job["notice"]) == ("done", "", "toy-klein", "")
    (made,) = job["pictures"]
    red, _, blue = pixels(http, made)[64, 64].astype(int)
    assert blue > red
    tree = client.predict(picture_id=made["id"], api_name="/tree")
    assert tree["root"] == picture["id"]
    told = [(one["id"], one["parent"], one["depth"], one["instruction"]) for one in tree["versions"]]
    assert told == [(picture["id"], None, 0, ""), (made["id"], picture["id"], 1, "make it blue")]


def test_strokes_keep_the_rest_byte_for_byte(client: Client, http: httpx.Client, picture: dict):
    job = client.predict(
        picture_id=picture["id"],
        instruction="make it green",
        strokes=[{"points": [[64, 64], [70, 64]], "radius": 14}],
        seed=5,
        api_name="/iterate",
    )
    before, after = pixels(http, picture), pixels(http, job["pictures"][0])
    assert before.shape == after.shape
    differs = (before != after).any(axis=2)
    assert differs[64, 64]
    assert not differs[:40].any()
    assert not differs[:, :40].any()


def test_a_file_is_changed_without_waiting(client: Client, tmp_path: Path):
    path = tmp_path / "grey.png"
    Image.new("RGB", (96, 96), "navy").save(path)
    job = client.predict(file=handle_file(path), instruction="make it red", wait=False, api_name="/iterate")
    assert job["state"] in ("waiting", "running", "done")
    assert "repaints the whole photo at" in job["notice"]
    assert client.predict(job_id=job["id"], api_name="/cancel")["id"] == job["id"]


def test_the_endpoints_say_what_they_take(client: Client):
    told = client.view_api(return_format="dict", print_info=False)
    assert isinstance(told, dict)
    described = told["named_endpoints"]
    names = [parameter["parameter_name"] for parameter in described["/iterate"]["parameters"]]
    assert names[:5] == ["picture_id", "instruction", "model", "count", "object_id"]
    assert {"strokes", "extend", "references", "confirm_cost", "token"} < {*names}
    assert [parameter["parameter_name"] for parameter in described["/tree"]["parameters"]] == ["picture_id", "token"]


def test_what_cannot_be_is_a_sentence(client: Client, picture: dict):
    bad: list[tuple[dict[str, Any], str]] = [
        ({"instruction": ""}, "The instruction is empty"),
        ({"instruction": "make it blue", "strength": 0.5}, "strength"),
        ({"instruction": "make it blue", "references": [picture["id"]]}, "takes no more pictures"),
        ({"instruction": "make it blue", "object_id": "f" * 32}, "There is no"),
    ]
    for values, said in bad:
        with pytest.raises(AppError, match=said):
            client.predict(picture_id=picture["id"], **values, api_name="/iterate")


def test_a_version_is_renamed_deleted_and_brought_back_over_http(client: Client, http: httpx.Client, picture: dict):
    def post(path: str, **body: object) -> dict:
        return http.post(f"diorama/{path}", json=body).raise_for_status().json()

    words = "put it on a sand background"
    client.predict(picture_id=picture["id"], instruction=words, seed=7, api_name="/iterate")
    (version,) = [one for one in tree_of(http, picture["id"]) if one["seed"] == 7]
    assert version["instruction"] == words
    renamed = post("tree/rename", id=version["id"], title="at the sea")["picture"]
    assert renamed["title"] == "at the sea"
    ids = post("tree/delete", id=version["id"])["ids"]
    assert ids == [version["id"]]
    assert version["id"] not in [one["id"] for one in tree_of(http, picture["id"])]
    post("tree/restore", ids=ids)
    assert version["id"] in [one["id"] for one in tree_of(http, picture["id"])]
    again = post("tree/replay", id=version["id"], new_seed=True)["job"]
    assert (again["title"], again["source"]) == (words, picture["id"])


def tree_of(http: httpx.Client, picture_id: str) -> list[dict]:
    return http.get("diorama/tree", params={"id": picture_id}).raise_for_status().json()["nodes"]
