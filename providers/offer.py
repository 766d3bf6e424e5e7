"""What a provider offers, as data: one model, what it takes, what it costs, and who follows it. No SDK, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from providers.keys import Account
from studio.contract import Range, Size, Task


class Rates(NamedTuple):
    """US dollars per million tokens."""

    text_in: float
    image_in: float
    text_out: float
    image_out: float


@dataclass(frozen=True)
class Offer:
    """One model of a provider."""

    id: str  # ours, written into recipes: "openai-gpt-image-2.6-flare"
    model: str  # the provider's
    label: str
    account: Account
    about: str
    tasks: frozenset[Task]
    sizes: tuple[Size, ...]
    any_size: tuple[int, int, int] | None = None
    qualities: tuple[str, ...] = ()
    transparent: bool = False
    references: int = 0
    mask: bool = False
    fidelity: bool = False  # has OpenAI's input_fidelity
    free_size: bool = False  # edits come in nearly any size
    seed: bool = False
    steps: Range | None = None
    guidance: Range | None = None
    negative_prompt: bool = False
    rates: Rates | None = None
    usual_usd: tuple[tuple[str, float], ...] = ()  # of a square megapixel, by quality; "" where there are none
    retired_on: str = ""  # ISO date; "": not announced
    next: str = ""  # the provider's id of the model that follows it; "": none
    terms_url: str = ""
    page_url: str = ""


def is_retired(offer: Offer, today: date) -> bool:
    return bool(offer.retired_on) and date.fromisoformat(offer.retired_on) <= today


def in_turn(offer: Offer, offers: Iterable[Offer], today: date) -> Sequence[Offer]:
    """Who is asked, in order: the offer itself unless it was retired, then those that follow it."""
    by_model = {one.model: one for one in offers}
    found: list[Offer] = []
    seen: set[str] = set()
    at: Offer | None = offer
    while at is not None and at.model not in seen:
        seen.add(at.model)
        if not is_retired(at, today):
            found.append(at)
        at = by_model.get(at.next)
    return found
