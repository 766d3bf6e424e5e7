"""Everybody's accounts at all providers: whose key is where, never what it is; and words by whoever has one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from providers import catalog
from providers.cloud import CloudSettings
from providers.keys import Keys
from providers.registry import ACCOUNTS
from studio.errors import BadRequest
from tests.providers import wires
from tests.providers.clouds import CANARIES, ignore
from tests.providers.loopback import Provider

CANARY = CANARIES["OPENAI_API_KEY"]


def sources(keys: Keys, owner: str) -> dict[str, str]:
    return {state.provider: state.source for state in catalog.accounts(keys).keys(owner)}


def test_it_says_where_every_key_is_from_and_never_what_it_is(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text(f"GOOGLE_API_KEY={CANARIES['GOOGLE_API_KEY']}\n")
    keys = Keys({"HF_TOKEN": CANARIES["HF_TOKEN"]}, (file,))
    accounts = catalog.accounts(keys)
    assert sources(keys, "ada") == {"OpenAI": "", "Google": "file", "Hugging Face": "environment"}
    accounts.paste("ada", "OpenAI", CANARY)
    assert sources(keys, "ada")["OpenAI"] == "session"
    assert sources(keys, "grace")["OpenAI"] == ""
    assert not any(key in f"{accounts.keys('ada')} {accounts!r} {keys!r}" for key in CANARIES.values())
    accounts.paste("ada", "OpenAI", "")
    assert sources(keys, "ada")["OpenAI"] == ""


def test_a_missing_key_says_where_to_write_it(tmp_path: Path):
    states = catalog.accounts(Keys({}, (tmp_path / ".env",))).keys("ada")
    for state, account in zip(states, ACCOUNTS, strict=True):
        assert f"write {account.name}=... into {tmp_path / '.env'}" in state.todo
        assert state.keys_url in state.todo


@pytest.mark.parametrize("provider", ["", "openai", "Evil <b>", None, 5])
def test_a_provider_that_is_none_is_refused(provider: str):
    with pytest.raises(BadRequest, match="There is no provider"):
        catalog.accounts(Keys({})).paste("ada", provider, CANARY)


def test_whoever_has_a_key_reads(provider: Provider):
    accounts = catalog.accounts(Keys({}), CloudSettings(addresses={"OpenAI": f"{provider.url}/v1"}))
    assert accounts.reader("ada") == ""
    accounts.paste("ada", "OpenAI", CANARY)
    assert accounts.reader("ada") == "OpenAI"
    assert accounts.reader("grace") == ""
    provider.says(wires.RESPONSES, wires.openai_words("A red square."))
    assert accounts.describe("ada", Image.new("RGB", (8, 8)), ignore) == "A red square."
    assert accounts.improve_prompt("ada", "a square", ignore) == "A red square."
