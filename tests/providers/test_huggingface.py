"""Hugging Face's inference providers over the real SDK: who is asked, how, and where the picture is from."""

from __future__ import annotations

import huggingface_hub
import pytest
from PIL import Image

from providers.cloud import CloudModel
from providers.faults import NoCredit, RateLimited, Retired, Timeout, Unusable
from providers.hugging_face.service import HuggingFaceService
from providers.keys import Keys
from providers.waiting import Limits
from studio.contract import Size
from tests.providers import wires
from tests.providers.clouds import CANARIES, HUB_MODEL, HUGGING_FACE, PATIENT, PUBLIC, ignore, offered, wish
from tests.providers.loopback import Provider, answer, redirect
from tests.providers.wires import RED, fal_link, file, hub_model, png

KONTEXT = "black-forest-labs/FLUX.1-Kontext-dev"


def connected(
    provider: str = "", offer_id: str = "hf-flux1-schnell", bill_to: str = "", addresses: tuple[str, ...] = (PUBLIC,)
) -> CloudModel:
    service = HuggingFaceService(PATIENT, provider=provider, bill_to=bill_to, resolve=lambda _host: [*addresses])
    return HUGGING_FACE.connect(service, offered(offer_id), Keys(CANARIES), PATIENT)


def test_the_first_provider_that_serves_the_model_is_asked_through_the_router(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "nebius", "together", "fal-ai"))
    provider.says("/fal-ai/fal-ai/its-name", fal_link())
    provider.says("/files/picture.png", file(png()))
    result = connected().run(wish(size=Size(1216, 832)), ignore)
    asked = provider.paid()[0]
    assert asked.host == "router.huggingface.co"
    assert asked.headers["authorization"] == f"Bearer {CANARIES['HF_TOKEN']}"
    assert asked.json() == {"prompt": "a red ball", "seed": 7, "image_size": {"width": 1216, "height": 832}}
    assert result.seed == 7
    assert result.image.getpixel((0, 0)) == RED


def test_the_picture_is_fetched_without_the_key(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai"))
    provider.says("/fal-ai/fal-ai/its-name", fal_link())
    provider.says("/files/picture.png", file(png()))
    connected().run(wish(), ignore)
    fetched = provider.requests[-1]
    assert fetched.host == "v3.fal.media"
    assert CANARIES["HF_TOKEN"] not in str(fetched.headers)


def test_a_provider_can_be_chosen_and_an_organisation_can_pay(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai", "together"))
    provider.says("/together/v1/images/generations", answer(200, {"data": [{"b64_json": wires.b64(png())}]}))
    connected("together", bill_to="our-lab").run(wish(), ignore)
    assert provider.paid()[0].headers["x-hf-bill-to"] == "our-lab"


def test_a_provider_that_does_not_serve_it_is_said_and_nothing_is_paid(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai"))
    with pytest.raises(Retired, match="not supported by provider together"):
        connected("together").run(wish(), ignore)
    with pytest.raises(Retired, match="nebius"):
        connected("nebius").run(wish(), ignore)
    assert provider.paid() == []


def test_a_model_that_nobody_serves_now_is_said(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai", status="error"))
    with pytest.raises(Retired, match="no inference provider serves it"):
        connected().run(wish(), ignore)


def test_controls_go_along_where_the_model_has_them(provider: Provider):
    provider.says("xl-base-1.0", hub_model("stabilityai/stable-diffusion-xl-base-1.0", "text-to-image", "hf-inference"))
    provider.says("/hf-inference/models/stabilityai/stable-diffusion-xl-base-1.0", file(png()))
    request = wish(steps=30, guidance=7.5, negative_prompt="fog", seed=2**32 - 1)
    result = connected(offer_id="hf-sdxl").run(request, ignore)
    assert provider.paid()[0].json() == {
        "inputs": "a red ball",
        "parameters": {
            "negative_prompt": "fog",
            "height": 1024,
            "width": 1024,
            "num_inference_steps": 30,
            "guidance_scale": 7.5,
            "seed": 2**31 - 1,
        },
    }
    assert result.seed == 2**31 - 1  # the one that was sent: the recipe makes it again


def test_a_picture_is_edited_by_words_through_a_queue(provider: Provider):
    provider.says(KONTEXT, hub_model(KONTEXT, "image-to-image", "fal-ai"))
    queued = {"request_id": "r1", "status": "IN_QUEUE", "response_url": "https://queue.fal.run/fal-ai/x/requests/r1"}
    provider.says("/fal-ai/fal-ai/its-name", answer(200, queued))
    provider.says("/requests/r1/status", answer(200, {"status": "COMPLETED"}))
    provider.says("/requests/r1", answer(200, {"images": [{"url": "https://v3.fal.media/files/picture.png"}]}))
    provider.says("/files/picture.png", file(png()))
    request = wish("make it blue", references=(Image.new("RGB", (64, 48), RED),), guidance=2.5)
    result = connected(offer_id="hf-flux1-kontext").run(request, ignore)
    asked = provider.paid()[0].json()
    assert asked["prompt"] == "make it blue"
    assert asked["image_url"].startswith("data:image/")
    assert result.seed is None
    assert len(provider.paid()) == 1


@pytest.mark.parametrize(
    ("link", "addresses"),
    [
        ("http://127.0.0.1:7860/secret.png", (PUBLIC,)),
        ("https://127.0.0.1/secret.png", ("127.0.0.1",)),
        ("https://inside.example/secret.png", ("10.0.0.7",)),
        ("https://[::1]/secret.png", ("::1",)),
        ("https://metadata.example/latest", (PUBLIC, "169.254.169.254")),
    ],
)
def test_an_address_inside_this_network_is_not_fetched(link: str, addresses: tuple[str, ...], provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai"))
    provider.says("/fal-ai/fal-ai/its-name", fal_link(link))
    with pytest.raises(Unusable, match="address of this machine"):
        connected(addresses=addresses).run(wish(), ignore)
    assert [one.method for one in provider.requests] == ["GET", "GET", "POST"]  # the link was not followed


def test_a_redirect_into_this_machine_is_not_followed(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai"))
    provider.says("/fal-ai/fal-ai/its-name", fal_link())
    provider.says("/files/picture.png", redirect(302, "http://127.0.0.1:7860/secret.png"))
    with pytest.raises(Unusable, match="address of this machine"):
        connected().run(wish(), ignore)
    assert not [one for one in provider.requests if "secret" in one.path]


def test_a_paid_request_is_not_sent_on_by_a_redirect(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "fal-ai"))
    provider.says("/fal-ai/fal-ai/its-name", redirect(307, "https://elsewhere.example/take-it"))
    with pytest.raises(Exception, match="sent the request on to another address"):
        connected().run(wish(), ignore)
    assert len(provider.paid()) == 1


def test_being_told_to_slow_down_after_it_was_taken_is_no_reason_to_pay_twice(provider: Provider):
    provider.says(KONTEXT, hub_model(KONTEXT, "image-to-image", "fal-ai"))
    queued = {"request_id": "r1", "status": "IN_QUEUE", "response_url": "https://queue.fal.run/fal-ai/x/requests/r1"}
    provider.says("/fal-ai/fal-ai/its-name", answer(200, queued))
    provider.says("/requests/r1/status", wires.hub_error(429, "slow down", {"Retry-After": "0"}))
    with pytest.raises(RateLimited):
        connected(offer_id="hf-flux1-kontext").run(wish(references=(Image.new("RGB", (64, 48)),)), ignore)
    assert len(provider.paid()) == 1


def test_a_machine_that_is_still_cold_is_a_timeout(provider: Provider):
    provider.says(HUB_MODEL, hub_model(HUB_MODEL, "text-to-image", "replicate"))
    provider.says("/predictions", answer(200, {"output": None, "model": "x"}))
    with pytest.raises(Timeout):
        connected().run(wish(), ignore)


def test_an_empty_purse_is_said(provider: Provider):
    with pytest.raises(NoCredit, match=r"You have exceeded your monthly.*huggingface\.co/settings/billing"):
        HUGGING_FACE.run(provider, wires.hub_error(402, "You have exceeded your monthly included credits"))


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, {"images": []}),
        answer(200, {}),
        answer(200, b"[1]"),
        answer(200, b"<html>"),
        answer(200, {"data": []}),
        answer(200, {"data": [{"b64_json": "%"}]}),
        answer(200, {"data": [{"b64_json": wires.b64(png()[:-40])}]}),
        answer(200, {"data": [{"b64_json": wires.b64(b"no picture")}]}),
        answer(200, {"data": [{"b64_json": None}]}),
    ],
)
def test_what_is_no_picture_is_said(reply, provider: Provider):
    with pytest.raises(Unusable):
        HUGGING_FACE.run(provider, reply)
    assert len(provider.paid()) == 1


def test_a_huge_picture_in_few_bytes_is_not_opened(provider: Provider):
    bomb = bytearray(png())
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(Unusable):
        HUGGING_FACE.run(provider, answer(200, {"data": [{"b64_json": wires.b64(bytes(bomb))}]}))


def test_downloads_of_others_pass_unseen(provider: Provider):
    """The session is shared with the model downloads: outside of a call nothing is bounded or checked."""
    HUGGING_FACE.run(provider, HUGGING_FACE.picture(b""), limits=Limits(most_bytes=10_000))
    provider.says("/large.bin", file(bytes(50_000), "application/octet-stream"))
    assert len(huggingface_hub.get_session().get("http://127.0.0.1/large.bin").content) == 50_000
