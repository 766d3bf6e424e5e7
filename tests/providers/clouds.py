"""Each provider with its real SDK, connected to a loopback server: what the tests of all three have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub.inference._providers import _common
from huggingface_hub.utils._http import default_client_factory

from providers.cloud import CloudModel, Service
from providers.google.service import GoogleService
from providers.hugging_face.service import HuggingFaceService
from providers.keys import Keys
from providers.openai.service import OpenAIService
from providers.provider import Offer
from providers.registry import GOOGLE as GOOGLE_RECORD, OFFERS
from providers.waiting import Limits
from studio.contract import ImageRequest, ImageResult, Size, Tell
from tests.providers import wires
from tests.providers.loopback import PATIENCE_SECONDS, Answer, Provider, Rerouted
from tests.studio.fakes import ignore

OWNER = "ada"
CANARIES = {
    "OPENAI_API_KEY": "sk-canary-8f3a-OpenAI",
    "GOOGLE_API_KEY": "canary/8f3a+Google=",  # of no known form: only by itself can it be found
    "HF_TOKEN": "hf_canary8f3aHuggingFace",
}
TODAY = date(2026, 11, 21)
PATIENT = Limits(answer_seconds=60.0, late_seconds=90.0, longest_wait=30.0)
HUB_MODEL = "black-forest-labs/FLUX.1-schnell"
PUBLIC = "93.184.215.14"
"""Some address that is nobody's own network."""


def wish(prompt: str = "a red ball", **values: Any) -> ImageRequest:
    same: dict[str, Any] = {"size": Size(1024, 1024), "seed": 7, "steps": 0, "guidance": 0.0, "owner": OWNER}
    return ImageRequest(prompt, **(same | values))


@dataclass(frozen=True)
class Cloud:
    """One provider under test, and how it says things."""

    name: str
    offer: Offer
    service: Callable[[Provider, Limits], Service]
    path: str  # of the paid request, its end
    picture: Callable[[bytes], Answer]
    error: Callable[..., Answer]  # (status, message, headers=)
    before: Callable[[Provider], None]  # what it is asked first, for free

    @property
    def key(self) -> str:
        return CANARIES[self.offer.account.name]

    def model(
        self, provider: Provider, limits: Limits = PATIENT, offer: Offer | None = None, keys: Keys | None = None
    ) -> CloudModel:
        return self.connect(self.service(provider, limits), offer or self.offer, keys or Keys(CANARIES), limits)

    def connect(self, service: Service, offer: Offer, keys: Keys, limits: Limits) -> CloudModel:
        return CloudModel(offer, service, keys, offers=OFFERS, limits=limits, today=lambda: TODAY)

    def run(
        self, provider: Provider, *answers: Answer, limits: Limits = PATIENT, tell: Tell = ignore, **values: Any
    ) -> ImageResult:
        """Ask for one picture, with these answers to the paid request."""
        self.before(provider)
        provider.says(self.path, *answers)
        return self.model(provider, limits).run(wish(**values), tell)


def offered(offer_id: str) -> Offer:
    return next(offer for offer in OFFERS if offer.id == offer_id)


OPENAI = Cloud(
    "OpenAI",
    offered("openai-gpt-image-2.6-flare"),
    lambda provider, limits: OpenAIService(limits, f"{provider.url}/v1"),
    wires.IMAGES,
    wires.openai_picture,
    lambda status, message, headers=None: wires.openai_error(status, message, headers=headers),
    lambda provider: None,
)
GOOGLE = Cloud(
    "Google",
    offered("google-gemini-nano-banana-2.1"),
    lambda provider, limits: GoogleService(limits, provider.url, successors=[GOOGLE_RECORD.offers[0].model]),
    wires.GENERATE,
    wires.google_picture,
    lambda status, message, headers=None: wires.google_error(status, message, headers=headers),
    lambda provider: provider.says(wires.MODELS, wires.google_models("gemini-nano-banana-2.1", "gemini-3-pro-image")),
)


def _hub_ready(provider: Provider) -> None:
    provider.says(HUB_MODEL, wires.hub_model(HUB_MODEL, "text-to-image", "nscale", "together"))


def together_picture(data: bytes = b"") -> Answer:
    return wires.answer(200, {"data": [{"b64_json": wires.b64(data or wires.png())}]})


HUGGING_FACE = Cloud(
    "Hugging Face",
    offered("hf-flux1-schnell"),
    lambda _provider, limits: HuggingFaceService(limits, resolve=lambda _host: [PUBLIC]),
    "/together/v1/images/generations",
    together_picture,
    lambda status, message, headers=None: wires.hub_error(status, message, headers),
    _hub_ready,
)
CLOUDS = (OPENAI, GOOGLE, HUGGING_FACE)


def end_of_calls() -> None:
    """Wait until every call that was begun has ended, also those that nobody waits for."""
    for thread in [thread for thread in threading.enumerate() if thread.name == "provider"]:
        thread.join(PATIENCE_SECONDS)


@contextmanager
def hugging_face_at(provider: Provider) -> Iterator[None]:
    """Have the SDK's shared session reach the loopback, through the seam it has for that."""
    _common._fetch_inference_provider_mapping.cache_clear()
    huggingface_hub.set_client_factory(
        lambda: httpx2.Client(transport=Rerouted(provider.url), follow_redirects=True, timeout=None)
    )
    try:
        yield
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
