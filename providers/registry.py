"""All providers, preferred ones first. To add one: a folder with a record and a service."""

from __future__ import annotations

from providers.google.record import PROVIDER as GOOGLE
from providers.hugging_face.record import PROVIDER as HUGGING_FACE
from providers.openai.record import PROVIDER as OPENAI

PROVIDERS = (OPENAI, GOOGLE, HUGGING_FACE)
ACCOUNTS = tuple(provider.account for provider in PROVIDERS)
OFFERS = tuple(offer for provider in PROVIDERS for offer in provider.offers)
