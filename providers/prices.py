"""What a picture costs: an estimate in advance, and the bill by tokens used. Pure functions.

Everything is in US dollars. An estimate covers the picture itself; references and long prompts add to it.
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
    """The approximate price of the picture; None if unknown."""
    return usual(offer, request.quality, request.size)


def usual(offer: Offer, quality: str, size: Size) -> float | None:
    """The approximate price of a picture of this quality and size."""
    prices = dict(offer.usual_usd)
    price = prices.get(quality or (offer.qualities[0] if offer.qualities else ""))
    if price is None:
        return None
    return price * _scale(offer, size)


def paid(rates: Rates | None, usage: TokenUsage | None) -> float | None:
    """The bill; None if the usage or the rates are unknown."""
    if rates is None or usage is None:
        return None
    return sum(rate * tokens for rate, tokens in zip(rates, usage, strict=True)) / 1e6


def _scale(offer: Offer, size: Size) -> float:
    """The price of a size relative to a square megapixel."""
    megapixels = size.width * size.height / MEGAPIXEL
    if offer.price_steps:
        return next(factor for most, factor in offer.price_steps if megapixels <= most)
    return max(megapixels, 0.25)
