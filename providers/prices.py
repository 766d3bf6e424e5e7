"""What a picture costs: an estimate in advance, and the bill by the tokens used. Pure functions.

Everything is in US dollars. An estimate is for the picture itself; references and long prompts add to it.
"""

from __future__ import annotations

from typing import NamedTuple

from providers.provider import Offer, Rates
from studio.contract import ImageRequest, Size

MEGAPIXEL = 1024 * 1024


class TokenUsage(NamedTuple):
    """Tokens of one call, as the provider counted them."""

    text_in: int = 0
    image_in: int = 0
    text_out: int = 0
    image_out: int = 0


def estimate(offer: Offer, request: ImageRequest) -> float | None:
    """What the picture will cost, about; None where nobody says it."""
    return usual(offer, request.quality, request.size)


def usual(offer: Offer, quality: str, size: Size) -> float | None:
    """What a picture of this quality and size costs, about."""
    prices = dict(offer.usual_usd)
    price = prices.get(quality or (offer.qualities[0] if offer.qualities else ""))
    if price is None:
        return None
    return price * _scale(offer, size)


def paid(rates: Rates | None, usage: TokenUsage | None) -> float | None:
    """The bill; None where the provider did not say what was used, or its rates are not known."""
    if rates is None or usage is None:
        return None
    return sum(rate * tokens for rate, tokens in zip(rates, usage, strict=True)) / 1e6


def _scale(offer: Offer, size: Size) -> float:
    """How much more than a square megapixel a size costs."""
    megapixels = size.width * size.height / MEGAPIXEL
    if offer.price_steps:
        return next(factor for most, factor in offer.price_steps if megapixels <= most)
    return max(megapixels, 0.25)
