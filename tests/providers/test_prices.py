"""Prices: an estimate before, the bill after."""

from __future__ import annotations

import pytest

from providers import prices
from providers.prices import TokenUsage
from providers.registry import OFFERS
from studio.contract import Size
from tests.providers.clouds import offered, wish

FLARE, NANO = offered("openai-gpt-image-2.6-flare"), offered("google-gemini-nano-banana-2.1")


def test_the_estimate_depends_on_quality_and_size():
    assert prices.estimate(FLARE, wish(quality="low")) == pytest.approx(0.006)
    assert prices.estimate(FLARE, wish(quality="high")) == pytest.approx(0.211)
    assert prices.estimate(FLARE, wish(quality="medium", size=Size(2048, 2048))) == pytest.approx(4 * 0.053)
    assert prices.estimate(FLARE, wish()) == prices.estimate(FLARE, wish(quality=FLARE.qualities[0]))


def test_gemini_is_priced_in_steps():
    assert prices.estimate(NANO, wish()) == pytest.approx(0.0336)
    assert prices.estimate(NANO, wish(size=Size(2048, 2048))) == pytest.approx(1680 * 30 / 1e6)
    assert prices.estimate(NANO, wish(size=Size(4096, 4096))) == pytest.approx(2520 * 30 / 1e6)


def test_what_nobody_says_is_not_made_up():
    assert prices.estimate(FLARE, wish(quality="max")) is None
    assert prices.estimate(offered("hf-sdxl"), wish()) is None
    assert prices.paid(None, TokenUsage(1, 1, 1, 1)) is None
    assert prices.paid(FLARE.rates, None) is None


def test_the_bill_is_tokens_by_rate():
    assert prices.paid(FLARE.rates, TokenUsage(text_in=1_000_000)) == 5.0
    assert prices.paid(FLARE.rates, TokenUsage(image_in=1_000_000, image_out=100_000)) == 11.0


def test_every_price_is_of_a_quality_that_exists():
    for offer in OFFERS:
        assert {quality for quality, _ in offer.usual_usd} <= {*offer.qualities, *([] if offer.qualities else [""])}
