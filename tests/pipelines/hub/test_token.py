"""What the host reads of the token of this machine, from a Hub on the loopback address: one call, not its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.hub.cache import HubCache
from pipelines.hub.token import TokenCheck
from tests.patience import wait_until
from tests.pipelines.loopback_hub import Hub, serving

SECRET = "hf_0123456789abcdef"


def answer(check: TokenCheck) -> str:
    wait_until(lambda: "is being asked" not in check())
    said = check()
    assert SECRET not in said and SECRET not in repr(check)
    return said


@pytest.mark.parametrize(
    ("token", "account", "reads_gated", "sentence"),
    [
        (SECRET, "read", False, "HF_TOKEN: token of 'ada', may read gated models."),
        (SECRET, "write", False, "HF_TOKEN: token of 'ada', may read gated models."),
        (SECRET, "fineGrained", True, "HF_TOKEN: token of 'ada', may read gated models."),
        (SECRET, "fineGrained", False, "HF_TOKEN: token of 'ada', may not read gated models: allow that at "),
        ("hf_another", "read", False, "HF_TOKEN is refused by 127.0.0.1"),
    ],
)
def test_the_hub_is_asked_once_what_a_token_may(
    tmp_path: Path, token: str, account: str, reads_gated: bool, sentence: str
):
    with serving("tiny/one", tmp_path) as hub:
        hub.gate, hub.account, hub.reads_gated = SECRET, account, reads_gated
        check = TokenCheck(HubCache(tmp_path, hub.url, token))
        assert answer(check).startswith(sentence)
        assert answer(check).startswith(sentence)
        assert asked(hub) == ["GET /api/whoami-v2"]


def test_without_a_token_nobody_is_asked(tmp_path: Path):
    with serving("tiny/one", tmp_path) as hub:
        assert "HF_TOKEN is not set" in answer(TokenCheck(HubCache(tmp_path, hub.url)))
        assert asked(hub) == []


def test_a_hub_that_cannot_be_reached_says_nothing_about_it(tmp_path: Path):
    with serving("tiny/one", tmp_path) as hub:
        url = hub.url
    assert answer(TokenCheck(HubCache(tmp_path, url, SECRET))).endswith("cannot be reached.")


def asked(hub: Hub) -> list[str]:
    with hub.lock:
        return list(hub.asked)
