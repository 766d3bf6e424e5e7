"""A provider's model behind the same interface as a local one: asks once, waits, and replaces retired models.

A `Service` holds what differs between providers; here is what they share: whose key pays, waiting as long as a busy
provider asks, the successor of a retired model, and what happens to a picture that arrives late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, Protocol

from PIL import Image

from providers import faults, images, prices
from providers.keys import Key, Keys
from providers.prices import TokenUsage
from providers.provider import Account, Offer, in_turn, is_retired
from providers.waiting import Hear, Limits, pause, waited
from studio.contract import ImageRequest, ImageResult, Tell

MOST_TOKENS = 2000
"""Of a text answer, including thinking; a description takes 100."""


class CloudSettings(NamedTuple):
    """How to reach the providers."""

    environment: Mapping[str, str] = MappingProxyType({})  # where to find the settings their records name
    addresses: Mapping[str, str] = MappingProxyType({})  # by provider, overriding its own: for a proxy, and for tests
    limits: Limits = Limits()

    def address(self, account: Account) -> str:
        """ "" for the provider's own, or the one its SDK finds in the environment."""
        return self.addresses.get(account.provider, "")


@dataclass(frozen=True)
class Sent:
    """What a provider returned for one picture, still encoded."""

    data: bytes
    model: str  # the provider's id of the model that made it
    seed: int | None = None  # if the provider honours seeds
    usage: TokenUsage | None = None


@dataclass(frozen=True)
class Question:
    """Something to be answered in words."""

    task: str  # our instruction to the model
    text: str  # the user's, or the question about the picture
    picture: Image.Image | None = None  # RGB


class Service(Protocol):
    """One provider. Thread-safe."""

    def ask(self, request: ImageRequest, offer: Offer, key: Key, hear: Hear) -> Sent:
        """Request one picture, never twice.

        Raises:
            CloudFault: there is none; `Retired` if another model of the provider may answer.
        """
        ...

    def say(self, question: Question, model: str, key: Key) -> str:
        """Request text, once.

        Raises:
            CloudFault: there is none.
        """
        ...


class CloudModel:
    """A catalog entry, connected. Keeps no key or connection between two pictures."""

    def __init__(
        self,
        offer: Offer,
        service: Service,
        keys: Keys,
        *,
        offers: Sequence[Offer],
        limits: Limits,
        today: Callable[[], date],
    ) -> None:
        self._offer, self._service, self._keys = offer, service, keys
        self._offers, self._limits, self._today = tuple(offers), limits, today

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Request the picture.

        Raises:
            NotReady: this owner has no key.
            CloudFault: there is no picture; the message says whether it may have been charged.
        """
        key = self._keys.need(request.owner, self._offer.account)
        turn = in_turn(self._offer, self._offers, self._today())
        if not turn:
            raise faults.of_status(key, 410, "it was retired", model=self._offer.model)
        for number, offer in enumerate(turn, start=1):
            try:
                return self._patiently(request, offer, key, tell)
            except faults.Retired:
                if number == len(turn):
                    raise
        raise ValueError("got no offer to ask, expected at least one")

    def close(self) -> None:
        """Nothing to release."""

    def _patiently(self, request: ImageRequest, offer: Offer, key: Key, tell: Tell) -> ImageResult:
        """Ask one model; retry only if the provider did not accept the request and said how long to wait."""
        for attempt in range(1, self._limits.tries + 1):
            try:
                return self._once(request, offer, key, tell)
            except faults.RateLimited as busy:
                wait = busy.retry_after
                if wait is None or wait > self._limits.longest_wait or attempt == self._limits.tries:
                    raise
            pause(wait, tell, f"{key.account.provider} is busy and asks us to wait ({attempt})")
        raise ValueError(f"got limits with {self._limits.tries} tries, expected at least 1")

    def _once(self, request: ImageRequest, offer: Offer, key: Key, tell: Tell) -> ImageResult:
        late = request.late
        return waited(
            lambda hear: self._result(self._service.ask(request, offer, key, hear), offer, key, request),
            tell,
            note=f"waiting for {offer.label}",
            limits=self._limits,
            overdue=lambda: faults.timed_out(key.account, self._limits.answer_seconds, kept=late is not None),
            late=late,
        )

    def _result(self, sent: Sent, offer: Offer, key: Key, request: ImageRequest) -> ImageResult:
        image: Image.Image = images.picture(sent.data, key, transparent=request.transparent)
        answered = next((one for one in self._offers if one.model == sent.model), None)
        rates = answered.rates if answered else offer.rates if sent.model == offer.model else None
        return ImageResult(
            image,
            seed=sent.seed,
            revision=sent.model,
            notice=self._notice(sent.model),
            price_usd=prices.paid(rates, sent.usage),
        )

    def _notice(self, answered: str) -> str:
        """A sentence if another model answered than the one requested."""
        asked = self._offer
        if answered == asked.model:
            return ""
        made = next((one.label for one in self._offers if one.model == answered), answered)
        since = f" on {asked.retired_on}" if is_retired(asked, self._today()) else ""
        return f"{asked.account.provider} has retired {asked.label}{since}; {made} made this picture."
