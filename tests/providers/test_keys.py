"""Whose key pays, where it is found, and that it is shown by nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from providers.keys import MAX_KEY, MAX_OWNERS, Key, Keys
from providers.registry import ACCOUNTS, PROVIDERS
from studio.errors import BadRequest, NotReady

OPENAI, GOOGLE, HUGGING_FACE = ACCOUNTS
ROOT = Path(__file__).resolve().parents[2]


def test_the_environment_wins_over_the_file_and_a_pasted_key_over_both(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text("OPENAI_API_KEY=sk-file\nGOOGLE_API_KEY=file-google\n")
    keys = Keys({"OPENAI_API_KEY": "sk-shell"}, (file,))
    assert keys.need("ada", OPENAI) == Key(OPENAI, "sk-shell", "the environment")
    assert keys.need("ada", GOOGLE) == Key(GOOGLE, "file-google", str(file))
    keys.paste("ada", OPENAI, " sk-pasted\n")
    assert keys.need("ada", OPENAI) == Key(OPENAI, "sk-pasted", "this session")
    assert keys.need("grace", OPENAI).value == "sk-shell"
    keys.paste("ada", OPENAI, "")
    assert keys.need("ada", OPENAI).value == "sk-shell"


def test_a_line_that_is_written_while_the_app_runs_counts_at_once(tmp_path: Path):
    file = tmp_path / ".env"
    keys = Keys({}, (file,))
    with pytest.raises(NotReady, match=f"write GOOGLE_API_KEY=... into {file}"):
        keys.need("ada", GOOGLE)
    file.write_text("GEMINI_API_KEY=one\n")
    assert keys.need("ada", GOOGLE).value == "one"
    file.write_text("GEMINI_API_KEY=one\nGOOGLE_API_KEY=two\n")
    assert keys.need("ada", GOOGLE).value == "two"  # as in the SDK


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u2060", "\xa0"], ids=ascii)
def test_what_cannot_be_seen_around_a_pasted_key_is_no_part_of_it(mark: str):
    keys = Keys({})
    keys.paste("ada", OPENAI, f"{mark}sk-pasted{mark}\r\n")
    assert keys.need("ada", OPENAI).value == "sk-pasted"


def test_the_environment_is_that_of_the_moment(monkeypatch: pytest.MonkeyPatch):
    keys = Keys()
    assert keys.find("ada", HUGGING_FACE) is None
    monkeypatch.setenv("HF_TOKEN", "hf_now")
    found = keys.find("ada", HUGGING_FACE)
    assert found is not None
    assert found.value == "hf_now"


def test_an_empty_line_is_no_key(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text("OPENAI_API_KEY=\n")
    assert Keys({"OPENAI_API_KEY": "  "}, (file,)).find("ada", OPENAI) is None


def test_where_anyone_may_come_in_the_host_does_not_pay():
    keys = Keys({"OPENAI_API_KEY": "sk-host"}, lend=False)
    with pytest.raises(NotReady, match="paste it in the page") as refused:
        keys.need("visitor", OPENAI)
    assert ".env" not in str(refused.value)
    keys.paste("visitor", OPENAI, "sk-own")
    assert keys.need("visitor", OPENAI).value == "sk-own"
    assert keys.find("other", OPENAI) is None


@pytest.mark.parametrize(
    "value", [None, 7, ["sk-secret"], "sk secret", "sk-\u00fcber", "sk-\x00secret", "s" * (MAX_KEY + 1)]
)
def test_what_can_be_no_key_is_refused_without_being_repeated(value: object):
    keys = Keys({})
    with pytest.raises(BadRequest) as refused:
        keys.paste("ada", OPENAI, value)
    assert "secret" not in str(refused.value)
    assert keys.find("ada", OPENAI) is None


def test_only_so_many_visitors_are_remembered():
    keys = Keys({})
    for number in range(MAX_OWNERS):
        keys.paste(f"visitor {number}", OPENAI, f"sk-{number}")
    assert keys.find("visitor 0", OPENAI) is not None  # seen again
    keys.paste(f"visitor {MAX_OWNERS}", OPENAI, "sk-last")
    kept = [keys.find(f"visitor {number}", OPENAI) is not None for number in (0, 1, MAX_OWNERS)]
    assert kept == [True, False, True]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=80))
def test_a_key_is_in_no_text_of_what_holds_it(secret: str):
    keys = Keys({})
    keys.paste("ada", OPENAI, secret)
    key = keys.need("ada", OPENAI)
    assert key.value == secret
    quiet = Key(OPENAI, "", "this session")
    assert repr(key) == str(key) == repr(quiet)
    assert repr(keys) == repr(Keys({}))


OF_MODELS = {
    "DIORAMA_CHECKPOINTS",
    "DIORAMA_MODELS",
    "DIORAMA_LORAS",
    "DIORAMA_UPSCALERS",
    "DIORAMA_VQGAN",
    "DIORAMA_SAM",
}
OF_NATS = {"DIORAMA_NATS", "DIORAMA_NATS_CREDS", "DIORAMA_NATS_CA"}
OURS = {"DIORAMA_DAILY_CAP_USD", "DIORAMA_GPU", "DIORAMA_VRAM_GB", "DIORAMA_COMPILE", *OF_NATS} | OF_MODELS


def test_the_example_names_every_variable():
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    settings = {name for provider in PROVIDERS for name in provider.settings}
    assert {account.name for account in ACCOUNTS} | settings | OURS == names
    for account in ACCOUNTS:
        assert any(account.keys_url in line for line in lines)
