"""No test depends on being quick, and none waits for ever."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, TimeoutError as GaveUp

from tests import patience
from tests.patience import PATIENCE_SECONDS, settled
from tests.ports import free_port


def test_whoever_asks_has_patience():
    with httpx.Client() as client:
        assert client.timeout == httpx.Timeout(PATIENCE_SECONDS)


def test_a_port_is_given_once_and_not_by_the_system():
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50 and max(ports) < 32_768


def test_a_promise_is_waited_for_and_one_that_is_never_kept_is_given_up(
    chrome: Browser, monkeypatch: pytest.MonkeyPatch
):
    page = chrome.new_page()
    assert settled(page, "() => new Promise(requestAnimationFrame).then(() => 0)") == 0
    assert settled(page, "async (word) => [word, null]", "so") == ["so", None]
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(GaveUp):
        settled(page, "() => new Promise(() => {})")
    page.close()
