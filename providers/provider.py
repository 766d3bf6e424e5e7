"""The records of a provider and of its models; see each `record.py`. No SDK, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from studio.contract import ModelCard, Size, Style


class Account(NamedTuple):
    """A provider as a customer sees it."""

    provider: str  # as people call it
    names: tuple[str, ...]  # of the variables that may hold the key; the first is the one to write
    key_pattern: str  # a regular expression of its keys, by which they are taken out of what is shown
    keys_url: str  # where a key is made
    billing_url: str  # where credit is added
    terms_url: str

    @property
    def name(self) -> str:
        return self.names[0]


class Rates(NamedTuple):
    """US dollars per million tokens."""

    text_in: float
    image_in: float
    text_out: float
    image_out: float


STYLES = (
    Style("photo", "Photograph", "{prompt}, photograph, natural light, 35 mm lens, sharp focus"),
    Style("cinema", "Cinematic", "{prompt}, cinematic still, dramatic light, shallow depth of field, film grain"),
    Style("watercolour", "Watercolour", "{prompt}, watercolour painting, soft edges, paper texture"),
    Style("ink", "Ink drawing", "{prompt}, black ink drawing, fine lines, white paper"),
)
EXAMPLES = (
    'a poster that says "Open on Sunday", two colours, risograph print',
    "a cutaway drawing of a lighthouse, labelled in neat handwriting",
    "a fox asleep in a teacup, morning light",
)


@dataclass(frozen=True, kw_only=True)
class Offer(ModelCard):
    """One model of a provider. Its `id` is ours, written into recipes: "openai-gpt-image-2.6-flare"."""

    model: str  # the provider's
    account: Account
    lane: Literal["cloud"] = "cloud"
    seed: bool = False
    exact_size: bool = False
    styles: tuple[Style, ...] = STYLES
    examples: tuple[str, ...] = EXAMPLES
    fidelity: bool = False  # keeps to the references by an option of its own
    free_size: bool = False  # edits come in nearly any size
    rates: Rates | None = None
    usual_usd: tuple[tuple[str, float], ...] = ()  # of a square megapixel, by quality; "" where there are none
    price_steps: tuple[tuple[float, float], ...] = ()  # (most megapixels, times that price); (): it grows with the area
    next: str = ""  # the provider's id of the model that follows it; "": none


@dataclass(frozen=True)
class Provider:
    """All that is known of one provider: adding one is adding its record to `registry`."""

    account: Account
    offers: tuple[Offer, ...]
    readers: tuple[str, ...]  # small models that see, for words about pictures; the next is asked if one is gone
    service: str  # "module:function" that is called with the record and `CloudSettings` and returns a `Service`
    settings: tuple[str, ...] = ()  # names of more variables of the environment that its service reads


def sizes(*sides: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(Size(*each) for each in sides)


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
