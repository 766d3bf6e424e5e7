"""OpenAI's interface, asked by the real openai SDK and as Open WebUI and LibreChat ask it."""

from __future__ import annotations

import base64
import http.client
import io
import json
import logging
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from studio.scheduling.contract import Stopped
from tests.patience import PATIENCE_SECONDS
from tests.ui.programs.conftest import Programs

SIZE = (128, 96)


def opened(text: str | None) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text or "")))
    image.load()
    return image


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


PHOTO = png_bytes(Image.radial_gradient("L").resize(SIZE).convert("RGB"))


def mask(hole: tuple[int, int, int, int] = (32, 32, 64, 64)) -> bytes:
    image = Image.new("RGBA", SIZE, "white")
    image.paste((0, 0, 0, 0), hole)
    return png_bytes(image)


def test_the_sdk_makes_pictures_and_finds_them_in_the_gallery_of_its_owner(programs: Programs, key: str):
    answer = programs.client(key).images.generate(
        prompt="a red ball in front of a cube", model="full", n=2, size="384x256", extra_body={"seed": 7}
    )
    assert [opened(each.b64_json).size for each in answer.data or []] == [(384, 256)] * 2
    assert answer.size == "384x256" and answer.background == "opaque"
    assert [each.seed for each in answer.data or []] == [7, 8]  # type: ignore[attr-defined]
    kept = programs.studio.gallery("user-ada", limit=2).assets
    assert [asset.title for asset in kept] == ["a red ball in front of a cube"] * 2
    others = programs.studio.gallery("local", limit=50).assets
    assert "a red ball in front of a cube" not in [asset.title for asset in others]


def test_a_png_carries_its_recipe_and_other_formats_are_made(programs: Programs):
    client = programs.client()
    for format, kind in (("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")):
        answer = client.images.generate(prompt="a blue ball", model="toy", output_format=format, output_compression=50)
        image = opened((answer.data or [])[0].b64_json)
        assert image.format == kind
        assert answer.output_format == format
        assert (image.info.get("parameters") is not None) == (format == "png")


def test_what_a_model_does_not_make_becomes_the_nearest_and_is_said(programs: Programs):
    answer = programs.client().images.generate(
        prompt="a red ball", model="toy", size="1024x1024", quality="high", style="vivid", moderation="low"
    )
    assert answer.size == "128x128"
    told = " ".join(answer.notes)  # type: ignore[attr-defined]
    for word in ("1024 x 1024", "'high'", "'vivid'", "moderation"):
        assert word in told


def test_a_link_opens_the_picture_without_a_key(programs: Programs, key: str):
    answer = programs.client(key).images.generate(prompt="a red ball", model="toy", response_format="url")
    (picture,) = answer.data or []
    assert picture.b64_json is None
    assert httpx.get(picture.url or "").headers["content-type"] == "image/png"
    assert httpx.get((picture.url or "").replace("signature=", "signature=0")).status_code == 401


def test_a_stream_sends_partial_pictures_while_they_form(programs: Programs):
    programs.brush.hold()
    programs.brush.let(2)  # of 6 steps
    seen = []
    for event in programs.client().images.generate(
        prompt="a red ball", model="full", stream=True, partial_images=2, output_format="webp"
    ):
        seen.append(event)
        assert opened(event.b64_json).format == "WEBP"
        programs.brush.let(4)
    kinds = [event.type for event in seen]
    assert kinds[0] == "image_generation.partial_image" and seen[0].partial_image_index == 0
    assert kinds[-1] == "image_generation.completed" and kinds.count(kinds[-1]) == 1
    assert seen[-1].usage.total_tokens == 0


def test_a_stream_sends_each_picture_that_is_done(programs: Programs):
    seen = [*programs.client().images.generate(prompt="a red ball", model="full", n=2, stream=True)]
    assert [event.type for event in seen] == ["image_generation.completed"] * 2


def test_ten_pictures_can_be_asked_for_and_their_seeds_follow_each_other(programs: Programs):
    images = programs.client().images
    answer = images.generate(prompt="a red ball", model="toy", n=10, extra_body={"seed": 7, "steps": 4})
    assert [each.seed for each in answer.data or []] == [*range(7, 17)]  # type: ignore[attr-defined]
    seen = [*images.generate(prompt="a red ball", model="toy", n=9, stream=True, extra_body={"steps": 4})]
    assert [event.type for event in seen] == ["image_generation.completed"] * 9


def test_an_error_in_a_stream_is_one_that_the_sdk_raises(programs: Programs):
    with (
        programs.client().images.generate(prompt="impossible", model="toy", stream=True) as told,
        pytest.raises(openai.APIError, match="cannot paint 'impossible'"),
    ):
        list(told)


def test_an_edit_changes_only_where_the_mask_is_transparent(programs: Programs):
    answer = programs.client().images.edit(
        image=("photo.png", PHOTO), mask=("mask.png", mask()), prompt="make it red", model="glaze"
    )
    before, after = (np.asarray(each) for each in (Image.open(io.BytesIO(PHOTO)), opened(answer.data[0].b64_json)))
    changed = (before != after[..., :3]).any(axis=2)
    assert changed[40:56, 40:56].all()
    assert not changed[:16].any() and not changed[:, :16].any()
    assert answer.size == "128x96"


def test_an_edit_streams_and_takes_several_images_in_either_field(programs: Programs):
    files = [("a.png", PHOTO), ("b.png", png_bytes(Image.new("RGB", SIZE, "blue")))]
    told = programs.client().images.edit(image=files, prompt="make it red", model="glaze", stream=True)
    assert [*told][-1].type == "image_edit.completed"
    assert len(programs.retoucher.requests) >= 0
    form = {"prompt": "make it red", "model": "glaze", "n": "1", "size": "auto", "quality": "auto"}
    for name in ("image", "image[]"):
        answer = httpx.post(
            f"{programs.local}/v1/images/edits",
            data=form,
            files=[(name, file) for file in files],
            timeout=PATIENCE_SECONDS,
        )
        assert answer.status_code == 200, answer.text


BAD_MASKS = {
    "no alpha": (png_bytes(Image.new("RGB", SIZE)), "Nothing in the mask is transparent"),
    "opaque": (mask((0, 0, 0, 0)), "Nothing in the mask is transparent"),
    "other size": (png_bytes(Image.new("RGBA", (64, 64))), "same size"),
    "no picture": (b"nothing", "The mask cannot be used"),
}


@pytest.mark.parametrize(("content", "told"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_a_mask_that_cannot_be_one_is_said(programs: Programs, content: bytes, told: str):
    if told == "same size":  # transparent everywhere means: change everything
        content = png_bytes(Image.composite(Image.new("RGBA", (64, 64)), Image.new("RGBA", (64, 64), "red"), half()))
    with pytest.raises(openai.BadRequestError, match=told):
        programs.client().images.edit(image=PHOTO, mask=content, prompt="make it red", model="glaze")


def half() -> Image.Image:
    image = Image.new("L", (64, 64))
    image.paste(255, (0, 0, 32, 64))
    return image


def test_the_models_that_can_be_asked_are_listed(programs: Programs):
    listed = {model.id: model for model in programs.client().models.list()}
    assert {"toy", "full", "wash"} <= listed.keys()
    assert "big" not in listed  # it needs a GPU
    assert programs.client().models.retrieve("toy").owned_by == "diorama"
    with pytest.raises(openai.NotFoundError, match="no model 'none'"):
        programs.client().models.retrieve("none")


ERRORS: dict[str, tuple[dict[str, Any], type[openai.APIStatusError], str]] = {
    "unknown model": ({"model": "gpt-9"}, openai.NotFoundError, "no model 'gpt-9'"),
    "empty prompt": ({"prompt": " "}, openai.BadRequestError, "The prompt is empty"),
    "too many": ({"n": 11}, openai.BadRequestError, "n is wrong"),
    "no size": ({"size": "large"}, openai.BadRequestError, "size is wrong"),
    "jpeg without a ground": (
        {"background": "transparent", "output_format": "jpeg"},
        openai.BadRequestError,
        "no transparent background",
    ),
    "no alpha": ({"background": "transparent"}, openai.BadRequestError, "cannot make a transparent background"),
    "needs a GPU": ({"model": "big"}, openai.BadRequestError, "GPU with 13 GB"),
    "cannot": ({"prompt": "impossible"}, openai.BadRequestError, "cannot paint"),
    "broke": ({"prompt": "bug"}, openai.InternalServerError, "the log has the details"),
}


@pytest.mark.parametrize(("values", "kind", "told"), ERRORS.values(), ids=ERRORS)
def test_errors_have_the_shape_of_openai(programs: Programs, values: dict, kind: type, told: str):
    with pytest.raises(kind, match=told) as caught:
        programs.client().images.generate(**{"prompt": "a red ball", "model": "toy"} | values)
    assert isinstance(caught.value.body, dict)
    assert {"message", "type", "param", "code"} == caught.value.body.keys()


def test_without_a_key_nothing_is_answered_where_one_is_wanted(programs: Programs, key: str):
    for said in ("none", "diorama-wrong", key + "x"):
        with pytest.raises(openai.AuthenticationError, match="key add NAME"):
            programs.client(said).models.list()
    assert httpx.get(f"{programs.keyed}/v1/models").json()["error"]["code"] == "invalid_api_key"
    assert httpx.get(f"{programs.keyed}/v1/models", auth=("anyone", key)).status_code == 200
    big = httpx.post(
        f"{programs.keyed}/v1/images/generations", content=b"{" * 10, headers={"Authorization": "Basic ??"}
    )
    assert big.status_code == 401


def test_what_the_guard_refuses_has_the_shape_too(programs: Programs):
    for path, method, status in (("v1/nothing", "GET", 404), ("v1/images/edits", "GET", 405)):
        answer = httpx.request(method, f"{programs.local}/{path}")
        assert answer.status_code == status
        assert answer.json()["error"]["message"].startswith("There is nothing at this address")
    connection = http.client.HTTPConnection(programs.local.removeprefix("http://"))
    connection.putrequest("POST", "/v1/images/generations")
    connection.putheader("Content-Length", "1000001")  # the announcement is enough
    connection.endheaders()
    refused = connection.getresponse()
    assert (refused.status, json.loads(refused.read())["error"]["code"]) == (413, "request_too_large")
    connection.close()
    foreign = {"Origin": "https://evil.example"}
    answer = httpx.post(f"{programs.local}/v1/images/generations", json={"prompt": "a"}, headers=foreign)
    assert answer.status_code == 403


@pytest.mark.parametrize("stream", [False, True])
def test_a_program_that_goes_away_stops_its_job(programs: Programs, key: str, stream: bool):
    programs.brush.hold()
    body = {"prompt": f"a green ball {stream}", "model": "full", "stream": stream}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(programs.keyed.removeprefix("http://"))
    connection.request("POST", "/v1/images/generations", json.dumps(body), headers)
    programs.until("user-ada", lambda job: job.title == body["prompt"] and job.state == "running")
    connection.close()
    job = programs.until("user-ada", lambda job: job.title == body["prompt"] and (job.stopping or job.is_over))
    programs.brush.go()
    *_, last = programs.studio.events("user-ada", job.id)
    assert isinstance(last, Stopped)


def test_open_webui_asks_so(programs: Programs):
    """Source: open-webui, backend/open_webui/routers/images.py."""
    body = {"model": "toy", "prompt": "a red ball", "n": 1, "size": "512x512", "response_format": "b64_json"}
    url = f"{programs.local}/v1/images/generations?api-version=1"
    answer = httpx.post(url, json=body, headers={"Authorization": "Bearer"}, timeout=PATIENCE_SECONDS).json()
    assert opened(answer["data"][0]["b64_json"]).size == (128, 128)
    body = {"model": "gpt-image-1", "prompt": "a red ball", "n": 1}
    answer = httpx.post(url, json=body, timeout=PATIENCE_SECONDS).json()
    assert "'gpt-image-1' is not asked here" in answer["notes"][0]
    form = {"model": "wash", "prompt": "make it red", "n": "1", "size": "512x512"}
    files = {"image[]": ("image.png", PHOTO, "image/png")}
    answer = httpx.post(f"{programs.local}/v1/images/edits", data=form, files=files, timeout=PATIENCE_SECONDS).json()
    width, height = opened(answer["data"][0]["b64_json"]).size
    assert width / height == SIZE[0] / SIZE[1]
    assert f"It has {width} x {height} pixels" in answer["notes"][0]


def test_librechat_asks_so(programs: Programs):
    """Source: LibreChat, api/app/clients/tools/structured: DALLE3.js and OpenAIImageTools.js."""
    client = programs.client()
    old = client.images.generate(
        model="dall-e-3", quality="standard", style="vivid", size="1024x1024", prompt="a red ball", n=1
    )
    assert httpx.get((old.data or [])[0].url or "").status_code == 200
    new = client.images.generate(
        model="gpt-image-1", prompt="a red ball", n=1, background="auto", quality="auto", size="1024x1536"
    )
    assert opened((new.data or [])[0].b64_json)
    form = {"model": "wash", "prompt": "make it red", "quality": "auto", "size": "auto"}
    files = [("image[]", ("a.png", PHOTO, "image/png"))]
    answer = httpx.post(f"{programs.local}/v1/images/edits", data=form, files=files, timeout=PATIENCE_SECONDS)
    assert answer.json()["data"][0]["b64_json"]


def test_a_key_is_shown_once_kept_as_a_hash_and_in_no_log(programs: Programs, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    key = programs.keys.add("hidden", "user-ada")
    try:
        programs.client(key).images.generate(prompt="a red ball", model="toy")
        assert key not in caplog.text.replace(f"'{key}'", "") or "httpx" in caplog.text  # the client's own log apart
        files = [path for path in (programs.keys._folder).parent.rglob("*") if path.is_file()]
        assert not [path for path in files if key.encode() in path.read_bytes()]
        assert key not in json.dumps([each.__dict__ for each in programs.keys.all()])
    finally:
        programs.keys.remove("hidden")
    with pytest.raises(openai.AuthenticationError):
        programs.client(key).models.list()
