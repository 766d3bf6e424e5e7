"""OpenAI's Images API over the real SDK: the request it gets, the events it sends."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from providers.faults import BadKey, NoCredit, Outage, RateLimited, Refused, Retired, Unusable
from providers.openai.service import LEAST_AREA, LONGEST_SIDE, MOST_AREA, MULTIPLE, STEEPEST, fitting
from providers.registry import OFFERS
from studio.contract import Progress, Size
from tests.providers import wires
from tests.providers.clouds import OPENAI, ignore, offered, wish
from tests.providers.loopback import Provider, answer, events, parts
from tests.providers.wires import BLUE, RED, completed, partial, png


def test_the_request_says_everything_that_was_chosen(provider: Provider):
    OPENAI.run(provider, wires.openai_picture(), quality="high", size=Size(1536, 1024), transparent=True)
    asked = provider.paid()[0]
    assert asked.headers["authorization"] == f"Bearer {OPENAI.key}"
    assert asked.json() == {
        "model": "gpt-image-2.6-flare",
        "prompt": "a red ball",
        "size": "1536x1024",
        "quality": "high",
        "background": "transparent",
        "output_format": "png",
        "n": 1,
        "stream": True,
        "partial_images": 2,
    }


def test_previews_are_shown_while_it_is_painted(provider: Provider):
    told: list[Progress] = []
    OPENAI.run(provider, events(partial(0), partial(1), completed()), tell=told.append)
    shown = [one for one in told if one.preview is not None]
    assert [(one.step, one.steps) for one in shown] == [(1, 3), (2, 3)]
    assert shown[0].preview and shown[0].preview.getpixel((0, 0)) == BLUE


def test_a_preview_that_cannot_be_shown_spoils_nothing(provider: Provider):
    result = OPENAI.run(provider, events(partial(0, text="%%%"), partial(1, b"no picture"), completed()))
    assert result.image.getpixel((0, 0)) == RED


def test_what_was_used_becomes_a_price(provider: Provider):
    result = OPENAI.run(provider, wires.openai_picture())
    assert result.price_usd == pytest.approx((50 * 5 + 10 * 8 + 1000 * 30) / 1e6)
    assert result.seed is None  # OpenAI takes none


def test_a_transparent_background_stays_transparent_and_any_other_becomes_white(provider: Provider):
    clear = png(mode="RGBA", colour=(255, 0, 0, 0))
    assert OPENAI.run(provider, wires.openai_picture(clear), transparent=True).image.mode == "RGBA"
    assert OPENAI.run(provider, wires.openai_picture(clear)).image.getpixel((0, 0)) == (255, 255, 255)


def test_an_edit_sends_every_reference_and_the_mask_in_openai_s_convention(provider: Provider):
    provider.says(wires.EDITS, events(wires.edit_completed()))
    mask = Image.new("L", (64, 48), 0)
    mask.paste(255, (0, 0, 32, 48))
    references = (Image.new("RGB", (64, 48), RED), Image.new("RGB", (20, 20), BLUE))
    result = OPENAI.model(provider).run(wish("make it blue", references=references, mask=mask), ignore)
    form = provider.paid()[0].form()
    fields = {name: content.decode() for name, file, content in form if not file}
    assert fields["prompt"] == "make it blue"
    assert fields["stream"] == "true"
    pictures = [Image.open(io.BytesIO(content)) for name, file, content in form if name.startswith("image")]
    assert [one.size for one in pictures] == [(64, 48), (20, 20)]
    sent = Image.open(io.BytesIO(next(content for name, _, content in form if name == "mask")))
    assert sent.size == (64, 48)
    assert sent.getchannel("A").getpixel((5, 5)) == 0  # transparent: paint here
    assert sent.getchannel("A").getpixel((60, 5)) == 255
    assert result.price_usd == pytest.approx((50 * 5 + 1000 * 8 + 2000 * 30) / 1e6)


def test_a_picture_of_a_person_is_sent_without_what_was_attached_to_it(provider: Provider):
    provider.says(wires.EDITS, events(wires.edit_completed()))
    own = Image.new("RGB", (64, 48), RED)
    own.info["comment"] = "taken at home"
    OPENAI.model(provider).run(wish(references=(own,)), ignore)
    assert b"taken at home" not in provider.paid()[0].body


def test_fidelity_is_asked_for_only_where_it_exists(provider: Provider):
    provider.says(wires.EDITS, events(wires.edit_completed()))
    references = (Image.new("RGB", (64, 48)),)
    for offer_id in ("openai-gpt-image-1.5", "openai-gpt-image-2"):
        OPENAI.model(provider, offer=offered(offer_id)).run(wish(references=references), ignore)
    assert [b"input_fidelity" in one.body for one in provider.paid()] == [True, False]


def test_an_answer_in_one_piece_is_taken_too(provider: Provider):
    whole = answer(200, {"created": 1, "data": [{"b64_json": wires.b64(png((32, 32)))}]})
    assert OPENAI.run(provider, whole).image.size == (32, 32)


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        (answer(200, {"error": {"message": "It was blocked.", "code": "moderation_blocked"}}), Refused, "blocked"),
        (answer(200, {"created": 1, "data": []}), Unusable, "without a picture"),
        (answer(200, {"created": 1}), Unusable, "without a picture"),
        (answer(200, b"[]"), Unusable, "without a picture"),
        (answer(200, b"{"), Unusable, "cannot be read"),
        (events(partial(0)), Unusable, "ends before the picture"),
        (events(), Unusable, "ends before the picture"),
        (events(completed(text="")), Unusable, "without a picture"),
        (events(completed(text=wires.b64(png())[:-3])), Unusable, "incomplete"),
        (events(completed(png()[:-40])), Unusable, "not a picture"),
        (events(completed(b"<html>")), Unusable, "not a picture"),
        (parts(b"data: {broken\n\n"), Unusable, "cannot be read"),
        (parts(b"data: [1, 2]\n\n"), Unusable, "cannot be read"),
        (events({"type": "error", "error": {"message": "poor", "code": "insufficient_quota"}}), NoCredit, "poor"),
        (events({"type": "error", "error": {"message": "x", "type": "server_error"}}), Outage, "is having problems"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_said(reply, kind, told, provider: Provider):
    with pytest.raises(kind, match=told):
        OPENAI.run(provider, reply)
    assert len(provider.paid()) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "moderation_blocked", Refused),
        (400, "content_policy_violation", Refused),
        (429, "insufficient_quota", NoCredit),
        (429, "rate_limit_exceeded", RateLimited),
        (400, "billing_hard_limit_reached", NoCredit),
        (401, "invalid_api_key", BadKey),
    ],
)
def test_codes_say_more_than_their_status(status: int, code: str, kind: type[Exception], provider: Provider):
    with pytest.raises(kind):
        OPENAI.run(provider, wires.openai_error(status, "as I said", code))


def test_a_model_that_openai_has_closed_is_followed_by_the_next(provider: Provider):
    provider.says(wires.IMAGES, wires.openai_error(404, "no such model", "model_not_found"), wires.openai_picture())
    result = OPENAI.model(provider, offer=offered("openai-gpt-image-2")).run(wish(), ignore)
    assert [one.json()["model"] for one in provider.paid()] == ["gpt-image-2", "gpt-image-2.6-flare"]
    assert result.revision == "gpt-image-2.6-flare"
    assert result.notice == "OpenAI has retired GPT Image 2; GPT Image 2.6 Flare made this picture."


def test_a_model_that_is_known_to_be_closed_is_not_asked_first(provider: Provider):
    provider.says(wires.IMAGES, wires.openai_picture())
    result = OPENAI.model(provider, offer=offered("openai-gpt-image-1")).run(wish(), ignore)
    assert [one.json()["model"] for one in provider.paid()] == ["gpt-image-2.6-flare"]
    assert "on 2026-10-23" in result.notice


def test_when_nobody_follows_the_reason_is_said(provider: Provider):
    with pytest.raises(Retired, match=r"no model gpt-image-2\.6-flare"):
        OPENAI.run(provider, wires.openai_error(404, "The model does not exist", "model_not_found"))


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_every_size_is_fitted_to_one_that_openai_makes(width: int, height: int):
    size = fitting(Size(width, height), OPENAI.offer)
    assert all(side % MULTIPLE == 0 for side in size)
    assert max(size) <= LONGEST_SIDE
    assert max(size) <= STEEPEST * min(size)
    assert LEAST_AREA <= size.width * size.height <= MOST_AREA
    assert (width >= height) == (size.width >= size.height) or size.width == size.height


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_a_model_with_three_sizes_gets_the_nearest_shape(width: int, height: int):
    offer = offered("openai-gpt-image-1-mini")
    assert fitting(Size(width, height), offer) in offer.sizes


def test_the_sizes_that_are_offered_are_asked_for_as_they_are():
    for offer in (each for each in OFFERS if each.account == OPENAI.offer.account):
        assert [fitting(size, offer) for size in offer.sizes] == [*offer.sizes]
