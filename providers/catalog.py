"""Cloud models as catalog entries. Light to import: each provider's SDK is imported on first use."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial

from providers import prices
from providers.accounts import READER_LIMITS, Accounts
from providers.cloud import CloudModel, CloudSettings, Service
from providers.keys import Keys
from providers.provider import Offer, Provider, is_retired
from providers.registry import PROVIDERS
from studio.clouds.spending import in_dollars
from studio.contract import ModelSpec, Readiness, Tell

DIRECT = CloudSettings()
Today = Callable[[], date]


def models(
    keys: Keys,
    connection: CloudSettings = DIRECT,
    *,
    providers: Sequence[Provider] = PROVIDERS,
    today: Today = lambda: datetime.now(UTC).date(),
) -> tuple[ModelSpec, ...]:
    """Every cloud model, including retired ones, so that their recipes find the successor."""
    return tuple(_spec(offer, provider, keys, connection, today) for provider in providers for offer in provider.offers)


def accounts(keys: Keys, connection: CloudSettings = DIRECT, providers: Sequence[Provider] = PROVIDERS) -> Accounts:
    """Everything else that an owner can do with a key."""
    quick = connection._replace(limits=READER_LIMITS)
    return Accounts(keys, providers, partial(_service, connection=quick))


def _spec(offer: Offer, provider: Provider, keys: Keys, connection: CloudSettings, today: Today) -> ModelSpec:
    account = provider.account
    return offer.spec(
        label=f"{offer.label} ({account.provider})",
        load=partial(_connect, offer=offer, provider=provider, keys=keys, connection=connection, today=today),
        readiness=partial(_ready, offer, keys, today, ""),
        readiness_of=partial(_ready, offer, keys, today),
        revision=offer.model,
        key=account.name,
        licence=f"{account.provider}'s terms",
        licence_url=account.terms_url,
        provider=account.provider,
        price_usd=partial(prices.estimate, offer),
    )


def _ready(offer: Offer, keys: Keys, today: Today, owner: str) -> Readiness:
    """Whether this owner has a key, and the approximate price per picture."""
    account = offer.account
    if keys.find(owner, account) is None:
        return Readiness(
            False, f"needs {account.name}", f"{account.provider} needs an API key: {keys.where_to_write(account)}"
        )
    if is_retired(offer, today()):
        return Readiness(True, "retired: another answers")
    price = prices.usual(offer, "", offer.sizes[0])
    return Readiness(True, f"about {in_dollars(price)} a picture" if price else "billed by usage")


def _connect(
    _tell: Tell, *, offer: Offer, provider: Provider, keys: Keys, connection: CloudSettings, today: Today
) -> CloudModel:
    service = _service(provider, connection)
    return CloudModel(offer, service, keys, offers=provider.offers, limits=connection.limits, today=today)


def _service(provider: Provider, connection: CloudSettings) -> Service:
    return pkgutil.resolve_name(provider.service)(provider, connection)
