"""Records of a provider and its models; see each `record.py`. No SDK, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from studio.contract import ModelCard, Size, Style


class Account(NamedTuple):
    """A provider as a customer sees it."""

    provider: str  # its name
    names: tuple[str, ...]  # environment variables for the key; the first is recommended
    key_pattern: str  # a regular expression, to remove its keys from messages
    keys_url: str  # where to create a key
    billing_url: str  # where to add credit
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
    """One model of a provider. Its `id` is ours and goes into recipes: "openai-gpt-image-2.6-flare"."""

    model: str  # the provider's
    account: Account
    lane: Literal["cloud"] = "cloud"
    seed: bool = False
    exact_size: bool = False
    styles: tuple[Style, ...] = STYLES
    examples: tuple[str, ...] = EXAMPLES
    fidelity: bool = False  # has an option to follow references closely
    free_size: bool = False  # edits can have nearly any size
    rates: Rates | None = None
    usual_usd: tuple[tuple[str, float], ...] = ()  # for a square megapixel, by quality ("" if it has none)
    price_steps: tuple[tuple[float, float], ...] = ()  # (megapixels up to, factor); (): proportional to the area
    next: str = ""  # the provider's id of its successor


@dataclass(frozen=True)
class Provider:
    """Everything known about one provider; added by listing its record in `registry`."""

    account: Account
    offers: tuple[Offer, ...]
    readers: tuple[str, ...]  # small vision models for text answers, in order of preference
    service: str  # "module:function" that makes a `Service` from this record and `CloudSettings`
    settings: tuple[str, ...] = ()  # more environment variables that its service reads


def sizes(*sides: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(Size(*each) for each in sides)


def is_retired(offer: Offer, today: date) -> bool:
    return bool(offer.retired_on) and date.fromisoformat(offer.retired_on) <= today


def in_turn(offer: Offer, offers: Iterable[Offer], today: date) -> Sequence[Offer]:
    """The models to ask, in order: this one unless retired, then its successors."""
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
