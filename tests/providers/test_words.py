"""Words about pictures by each provider over its real SDK; off without a key."""

from __future__ import annotations

import pytest
from google.genai import types
from PIL import Image

from providers import catalog
from providers.accounts import LONGEST_DESCRIPTION, Accounts
from providers.cloud import CloudSettings
from providers.faults import Refused, Unusable
from providers.keys import Keys
from providers.registry import OPENAI
from studio.contract import Progress
from studio.errors import Cancelled, NotReady
from tests.providers import wires
from tests.providers.clouds import CANARIES, OWNER, ignore
from tests.providers.loopback import Answer, Provider
from tests.providers.wires import RED

PICTURE = Image.new("RGB", (3000, 2000), RED)


def accounts(provider: Provider, *names: str) -> Accounts:
    keys = Keys({name: CANARIES[name] for name in names})
    return catalog.accounts(keys, CloudSettings(addresses={"OpenAI": f"{provider.url}/v1", "Google": provider.url}))


def google_words(text: str) -> Answer:
    return wires.google_answer(types.Part(text=text))


CASES = [
    ("OPENAI_API_KEY", "OpenAI", wires.RESPONSES, wires.openai_words),
    ("GOOGLE_API_KEY", "Google", wires.GENERATE, google_words),
    ("HF_TOKEN", "Hugging Face", "/chat/completions", wires.chat_words),
]
by_provider = pytest.mark.parametrize(("name", "called", "path", "words"), CASES, ids=[case[1] for case in CASES])


@by_provider
def test_a_picture_is_described(name, called, path, words, provider: Provider):
    provider.says(path, words("  A red rectangle.\x00 "))
    seer = accounts(provider, name)
    assert seer.reader(OWNER) == called
    assert seer.describe(OWNER, PICTURE, ignore) == "A red rectangle."
    asked = provider.paid()[0]
    assert b"Describe this picture" in asked.body
    assert len(asked.body) < 200_000  # a small copy was sent, not six megapixels
    assert CANARIES[name].encode() not in asked.body


@by_provider
def test_a_prompt_is_improved(name, called, path, words, provider: Provider):
    provider.says(path, words("a red ball on wet grass at dawn"))
    assert accounts(provider, name).improve_prompt(OWNER, "a red ball", ignore) == "a red ball on wet grass at dawn"
    assert b"a red ball" in provider.paid()[0].body


@by_provider
def test_no_words_are_said_to_be_none(name, called, path, words, provider: Provider):
    provider.says(path, words("   "))
    with pytest.raises(Unusable, match="without words"):
        accounts(provider, name).improve_prompt(OWNER, "a red ball", ignore)


def test_the_first_provider_with_a_key_answers(provider: Provider):
    assert accounts(provider, "GOOGLE_API_KEY", "HF_TOKEN").reader(OWNER) == "Google"
    assert accounts(provider, *CANARIES).reader(OWNER) == "OpenAI"


def test_it_is_off_without_a_key(provider: Provider):
    seer = accounts(provider)
    assert seer.reader(OWNER) == ""
    with pytest.raises(NotReady, match=OPENAI.account.name):
        seer.describe(OWNER, PICTURE, ignore)
    assert provider.requests == []


def test_a_model_that_is_gone_is_followed_by_the_next(provider: Provider):
    provider.says(wires.RESPONSES, wires.openai_error(404, "gone", "model_not_found"), wires.openai_words("Red."))
    assert accounts(provider, "OPENAI_API_KEY").describe(OWNER, PICTURE, ignore) == "Red."
    assert [one.json()["model"] for one in provider.paid()] == ["gpt-5.4-mini", "gpt-5-mini"]


def test_words_without_end_are_cut(provider: Provider):
    provider.says(wires.RESPONSES, wires.openai_words("very " * 10_000))
    assert len(accounts(provider, "OPENAI_API_KEY").describe(OWNER, PICTURE, ignore)) == LONGEST_DESCRIPTION


def test_a_refusal_is_said(provider: Provider):
    provider.says(wires.GENERATE, wires.google_answer(finish=types.FinishReason.SAFETY))
    with pytest.raises(Refused, match="SAFETY"):
        accounts(provider, "GOOGLE_API_KEY").describe(OWNER, PICTURE, ignore)


def test_stop_ends_it(provider: Provider):
    def stopped(_progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        accounts(provider, "OPENAI_API_KEY").describe(OWNER, PICTURE, stopped)
    assert provider.paid() == []
