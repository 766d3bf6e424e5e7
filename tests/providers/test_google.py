"""Gemini's generateContent over the real SDK: the request, the many ways to say no, and the list of models."""

from __future__ import annotations

import base64

import pytest
from google.genai import types
from PIL import Image

from providers.faults import BadKey, Forbidden, NoCredit, RateLimited, Refused, Unusable
from providers.google.service import grade, ratio
from studio.contract import Size
from tests.providers import wires
from tests.providers.clouds import GOOGLE, ignore, offered, wish
from tests.providers.loopback import Provider, answer
from tests.providers.wires import BLUE, RED, google_answer, google_error, google_models, png

BROKEN = {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "%%"}}]}}]}
WORDS = types.Part(text="I would rather talk about balls.")


def test_the_request_says_everything_that_was_chosen(provider: Provider):
    references = (Image.new("RGB", (64, 48), RED), Image.new("RGB", (20, 20), BLUE))
    GOOGLE.run(provider, wires.google_picture(), size=Size(1264, 848), references=references)
    asked = provider.paid()[0]
    assert asked.path == "/v1/models/gemini-nano-banana-2.1:generateContent"
    assert asked.headers["x-goog-api-key"] == GOOGLE.key
    assert GOOGLE.key not in asked.path
    body = asked.json()
    assert body["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "3:2", "imageSize": "1K"},
    }
    sent = body["contents"][0]["parts"]
    assert [list(part) for part in sent] == [["inlineData"], ["inlineData"], ["text"]]
    assert base64.b64decode(sent[0]["inlineData"]["data"]).startswith(b"\x89PNG")
    assert sent[2]["text"] == "a red ball"


def test_what_was_used_becomes_a_price(provider: Provider):
    result = GOOGLE.run(provider, wires.google_picture())
    assert result.price_usd == pytest.approx((20 * 1.5 + (10 + 90) * 7.5 + 1120 * 30) / 1e6)


def test_a_thought_is_not_the_picture(provider: Provider):
    thought = types.Part(inline_data=types.Blob(data=png(colour=BLUE), mime_type="image/png"), thought=True)
    final = types.Part(inline_data=types.Blob(data=png(colour=RED), mime_type="image/png"))
    assert GOOGLE.run(provider, google_answer(thought, final)).image.getpixel((0, 0)) == RED


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        (google_answer(finish=types.FinishReason.IMAGE_SAFETY), Refused, "IMAGE_SAFETY"),
        (google_answer(finish=types.FinishReason.PROHIBITED_CONTENT), Refused, "PROHIBITED_CONTENT"),
        (google_answer(WORDS, finish=types.FinishReason.IMAGE_RECITATION), Refused, "IMAGE_RECITATION: I would rather"),
        (google_answer(WORDS), Refused, 'answered in words: "I would rather talk about balls"'),
        (google_answer(WORDS, finish=types.FinishReason.NO_IMAGE), Refused, "answered in words"),
        (google_answer(finish=types.FinishReason.NO_IMAGE), Unusable, "NO_IMAGE"),
        (google_answer(finish=types.FinishReason.IMAGE_OTHER), Unusable, "IMAGE_OTHER"),
        (wires.google_blocked(types.BlockedReason.SAFETY), Refused, "blocked .SAFETY"),
        (answer(200, {}), Unusable, "without a picture"),
        (answer(200, {"candidates": []}), Unusable, "without a picture"),
        (answer(200, BROKEN), Unusable, "cannot be read"),
        (answer(200, {"candidates": "none"}), Unusable, "without a picture"),
        (answer(200, b"<html>"), Unusable, "cannot be read"),
        (answer(200, b"[]"), Unusable, "without a picture"),
        (wires.google_picture(png()[:-40]), Unusable, "not a picture"),
        (wires.google_picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), Unusable, "SVG"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_said(reply, kind, told, provider: Provider):
    with pytest.raises(kind, match=told):
        GOOGLE.run(provider, reply)
    assert len(provider.paid()) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (google_error(400, "API key not valid.", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), BadKey),
        (google_error(403, "Generative Language API has not been used.", "PERMISSION_DENIED"), Forbidden),
        (google_error(429, "Quota exceeded, limit: 0, model: x", "RESOURCE_EXHAUSTED"), NoCredit),
        (google_error(429, "Quota exceeded", "RESOURCE_EXHAUSTED"), RateLimited),
    ],
)
def test_google_s_errors_are_told_apart(reply, kind: type[Exception], provider: Provider):
    with pytest.raises(kind):
        GOOGLE.run(provider, reply)
    assert len(provider.paid()) == 1


def test_the_wait_in_the_body_is_kept(provider: Provider):
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}
    busy = google_error(429, "Slow down", "RESOURCE_EXHAUSTED", delay)
    assert GOOGLE.run(provider, busy, wires.google_picture()).image
    assert len(provider.paid()) == 2


def test_the_list_of_models_is_asked_once_and_decides_who_answers(provider: Provider):
    provider.says(wires.MODELS, google_models("gemini-3-pro-image", "gemini-nano-banana-2.1"))
    provider.says(wires.GENERATE, wires.google_picture())
    model = GOOGLE.model(provider, offer=offered("google-gemini-3.1-flash-lite-image"))
    results = [model.run(wish(), ignore) for _ in range(2)]
    assert [one.method for one in provider.requests] == ["GET", "POST", "POST"]
    assert {one.revision for one in results} == {"gemini-nano-banana-2.1"}
    assert results[0].notice == "Google has retired Nano Banana 2 Lite; Nano Banana 2.1 made this picture."


def test_a_model_that_nobody_here_has_heard_of_answers_when_no_other_is_left(provider: Provider):
    provider.says(wires.MODELS, google_models("gemini-9-image", "gemini-9-words"))
    provider.says(wires.GENERATE, wires.google_picture())
    result = GOOGLE.model(provider).run(wish(), ignore)
    assert "/gemini-9-image:" in provider.paid()[0].path
    assert "gemini-9-image made this picture" in result.notice
    assert result.price_usd is None  # nobody knows its rates


def test_without_a_list_the_chosen_model_is_asked(provider: Provider):
    provider.says(wires.MODELS, google_error(503, "busy"))
    provider.says(wires.GENERATE, wires.google_picture())
    assert GOOGLE.model(provider).run(wish(), ignore).notice == ""


def test_vertex_in_the_environment_changes_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    assert GOOGLE.run(provider, wires.google_picture()).image


def test_sizes_become_a_ratio_and_a_grade():
    wide = {"1:1": (1024, 1024), "3:2": (1264, 848), "9:16": (768, 1376), "21:9": (1584, 672), "16:9": (1920, 1080)}
    assert {ratio(Size(*size)): size for size in wide.values()} == wide
    lite, full = offered("google-gemini-3.1-flash-lite-image"), GOOGLE.offer
    assert [grade(Size(side, side), full) for side in (128, 1024, 2048, 4096)] == ["1K", "1K", "2K", "4K"]
    assert grade(Size(4096, 4096), lite) == "1K"
