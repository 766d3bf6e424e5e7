"""The models in the cloud as entries of the catalog. Light to import: each provider's SDK comes with its first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple

from providers import offers, prices
from providers.accounts import Desk
from providers.cloud import CloudModel, Service
from providers.keys import GOOGLE, OPENAI, Account, Keys
from providers.offer import Offer, is_retired
from providers.vision import READER_LIMITS, Vision
from providers.waiting import Limits
from studio.clouds.spending import in_dollars
from studio.contract import ImageRequest, ModelSpec, Readiness, Tell


class Connection(NamedTuple):
    """How the providers are asked. An address is "" for the provider's own: others are for a proxy, and for tests."""

    openai: str = ""
    google: str = ""
    inference_provider: str = ""  # whose machines Hugging Face uses, such as "fal-ai"; "": the first that serves
    bill_to: str = ""  # the organisation that pays at Hugging Face; "": who owns the key
    limits: Limits = Limits()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Connection:
        """As the environment says; OPENAI_BASE_URL and GOOGLE_GEMINI_BASE_URL are read by the SDKs themselves."""
        return cls(
            inference_provider=environment.get("HF_INFERENCE_PROVIDER", ""),
            bill_to=environment.get("HF_BILL_TO", ""),
        )


DIRECT = Connection()


def models(
    keys: Keys, connection: Connection = DIRECT, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()
) -> tuple[ModelSpec, ...]:
    """Every model in the cloud, also those that were retired: their recipes still find who followed them."""
    return tuple(_spec(offer, keys, connection, today) for offer in offers.OFFERS)


def desk(keys: Keys, connection: Connection = DIRECT) -> Desk:
    """Everything else that an owner can do with a key."""
    return Desk(keys, vision(keys, connection))


def vision(keys: Keys, connection: Connection = DIRECT) -> Vision:
    """Describing pictures and improving prompts, by whichever provider an owner has a key for."""
    quick = connection._replace(limits=READER_LIMITS)
    return Vision(keys, {account: partial(_service, account, quick) for account in offers.READERS}, offers.READERS)


def _spec(offer: Offer, keys: Keys, connection: Connection, today: Callable[[], date]) -> ModelSpec:
    return ModelSpec(
        id=offer.id,
        label=f"{offer.label} ({offer.account.provider})",
        tasks=offer.tasks,
        load=partial(_connect, offer=offer, keys=keys, connection=connection, today=today),
        readiness=partial(_ready, offer, keys, today, ""),
        readiness_of=partial(_ready, offer, keys, today),
        revision=offer.model,
        lane="cloud",
        key=offer.account.name,
        licence=f"{offer.account.provider}'s terms",
        licence_url=offer.terms_url,
        page_url=offer.page_url,
        about=offer.about,
        sizes=offer.sizes,
        any_size=offer.any_size,
        seed=offer.seed,
        steps=offer.steps,
        guidance=offer.guidance,
        negative_prompt=offer.negative_prompt,
        references=offer.references,
        styles=offers.STYLES,
        examples=offers.EXAMPLES,
        qualities=offer.qualities,
        transparent=offer.transparent,
        mask=offer.mask,
        exact_size=False,
        provider=offer.account.provider,
        retired_on=offer.retired_on,
        price_usd=partial(_estimate, offer),
    )


def _ready(offer: Offer, keys: Keys, today: Callable[[], date], owner: str) -> Readiness:
    """Has this owner a key, and about how much is a picture?"""
    account = offer.account
    if keys.find(owner, account) is None:
        return Readiness(
            False, f"needs {account.name}", f"{account.provider} needs an API key: {keys.where_to_write(account)}"
        )
    if is_retired(offer, today()):
        return Readiness(True, "retired: another answers")
    price = prices.usual(offer, "", offer.sizes[0])
    return Readiness(True, f"about {in_dollars(price)} a picture" if price else "paid by use")


def _estimate(offer: Offer, request: ImageRequest) -> float | None:
    return prices.estimate(offer, request)


def _connect(_tell: Tell, *, offer: Offer, keys: Keys, connection: Connection, today: Callable[[], date]) -> CloudModel:
    service = _service(offer.account, connection)
    return CloudModel(offer, service, keys, offers=offers.OFFERS, limits=connection.limits, today=today)


def _service(account: Account, connection: Connection) -> Service:
    limits = connection.limits
    if account is OPENAI:
        from providers.openai_images import OpenAIService

        return OpenAIService(limits, connection.openai)
    if account is GOOGLE:
        from providers.google_images import GoogleService

        live = [one.model for one in offers.GOOGLE_OFFERS if not one.retired_on]
        return GoogleService(limits, connection.google, successors=live)
    from providers.huggingface_images import HuggingFaceService

    return HuggingFaceService(limits, provider=connection.inference_provider, bill_to=connection.bill_to)
