"""One sentence for everything that goes wrong, and no key in any of them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from providers import faults
from providers.faults import LONGEST_REASON, RateLimited
from providers.keys import Key
from providers.registry import ACCOUNTS

SECRET = "sk-canary-8f3a-OpenAI"
KEY = Key(ACCOUNTS[0], SECRET, "this session")
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)


@given(
    secret=secrets,
    before=st.text(max_size=300),
    after=st.text(max_size=300),
    status=st.integers(0, 599),
    code=st.sampled_from(["", "moderation_blocked", "insufficient_quota", "model_not_found", "API_KEY_INVALID", "x"]),
    account=st.sampled_from(ACCOUNTS),
)
def test_no_sentence_contains_the_key(secret, before, after, status, code, account):
    key = Key(account, secret, "this session")
    said = f"{before}{secret}{after}"
    sentences = [
        str(faults.of_status(key, status, said, code=code)),
        str(faults.refused(key, said)),
        str(faults.unusable(key, said)),
        faults.cleaned(said, key),
    ]
    quiet = (
        str(faults.of_status(key, status, "", code=code)) + str(faults.refused(key, "")) + str(faults.unusable(key, ""))
    )
    for sentence in sentences:
        assert secret not in sentence or secret in quiet  # a "key" that is a word of our own sentences tells nothing
        assert sentence.isprintable()
        assert len(sentence) < LONGEST_REASON + 400


@pytest.mark.parametrize(
    "leak",
    [
        "Incorrect API key provided: sk-proj-AbCdEf123456. You can find",
        "Authorization: Bearer abcdef123456789",
        "the key AIzaSyA1234567890abcdef is not valid",
        "token hf_AbCdEfGhIj is expired",
    ],
)
def test_what_looks_like_anybody_s_key_is_taken_out_too(leak: str):
    told = faults.cleaned(leak, Key(ACCOUNTS[1], "another", "this session"))
    assert "***" in told
    for secret in ("AbCdEf", "abcdef123456", "AIzaSyA", "hf_"):
        assert secret not in told


def test_a_key_is_found_however_it_is_written():
    key = Key(ACCOUNTS[0], 'a/b+c="8f3a"\\z', "this session")
    for form in ('a/b+c="8f3a"\\z', "a%2Fb%2Bc%3D%228f3a%22%5Cz", 'a/b+c=\\"8f3a\\"\\\\z'):
        assert "8f3a" not in faults.cleaned(f"got {form}", key)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Sat, 21 Nov 2026 05:00:30 GMT", "date": "Sat, 21 Nov 2026 05:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 05:00:30 GMT"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_both_forms_of_retry_after_are_read(headers: dict[str, str], seconds: float | None):
    one = faults.of_status(KEY, 429, "slow down", headers=headers)
    assert isinstance(one, RateLimited)
    assert one.retry_after == seconds


def test_what_was_accepted_is_not_asked_again():
    one = faults.of_status(KEY, 429, "slow down", headers={"retry-after": "1"}, accepted=True)
    assert isinstance(one, RateLimited)
    assert one.retry_after is None


@pytest.mark.parametrize("body", [None, [], "text", 7, {"error": None}, {"error": [1]}, {"error": "text"}, {}])
def test_any_body_may_come(body: object):
    assert isinstance(faults.details_of(body), dict)
