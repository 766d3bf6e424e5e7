"""Whether the Hub accepts a token, and what it may read, by one call; the token is never shown."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from httpx2 import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from pipelines.hub.cache import HubCache
from studio.validation import shown

AGAIN_SECONDS = 60.0
"""When to ask the Hub again if it did not answer."""


class Token(NamedTuple):
    """What the Hub says about a token."""

    state: str  # "missing", "accepted", "refused", or "set, and not checked: HOST cannot be reached"
    name: str = ""  # of its account, for the host alone
    reads_gated: bool = False  # gated models whose licence the account has accepted


def state(hub: HubCache) -> str:
    """`Token.state`, safe to show to everybody."""
    return ask(hub).state


def ask(hub: HubCache) -> Token:
    """Source: https://huggingface.co/docs/hub/security-tokens: fine-grained ones need that permission."""
    if not hub.token:
        return Token("missing")
    try:
        found: dict[str, Any] = HfApi(endpoint=hub.endpoint).whoami(token=hub.token)
    except HfHubHTTPError as error:
        refused = error.response.status_code in (401, 403)
        return Token("refused" if refused else "set, and not checked: the Hub has trouble")
    except (HTTPError, OSError):
        return Token(f"set, and not checked: {hub.host} cannot be reached")
    said = (found.get("auth") or {}).get("accessToken") or {}
    allowed = (said.get("fineGrained") or {}).get("canReadGatedRepos", False)
    return Token("accepted", str(found.get("name", "")), allowed if said.get("role") == "fineGrained" else True)


class TokenCheck:
    """What the host reads about this machine's token. Checked in the background, once. Thread-safe."""

    def __init__(self, hub: HubCache) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._token, self._asked = Token("missing"), 0.0
        self._thread: threading.Thread | None = None

    def __call__(self) -> str:
        """A sentence; until the Hub has answered, that it is being checked."""
        if not self._hub.token:
            return "HF_TOKEN is not set. Gated models such as FLUX.1 need one: put HF_TOKEN=... in .env."
        with self._lock:
            is_old = self._token.state.startswith("set") and time.monotonic() > self._asked + AGAIN_SECONDS
            if self._thread is None or (is_old and not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._ask, name="token", daemon=True)
                self._thread.start()
            return self._said()

    def _ask(self) -> None:
        token = ask(self._hub)
        with self._lock:
            self._token, self._asked = token, time.monotonic()

    def _said(self) -> str:
        token, page = self._token, f"{self._hub.endpoint}/settings/tokens"
        if token.state == "missing":
            return f"HF_TOKEN is set; {self._hub.host} is being asked about it."
        if token.state == "refused":
            return f"HF_TOKEN is refused by {self._hub.host}. Make a new one at {page} and put it in .env."
        if token.state != "accepted":
            return f"HF_TOKEN is {token.state}."
        may = "may read gated models" if token.reads_gated else f"may not read gated models: allow that at {page}"
        return f"HF_TOKEN: token of {shown(token.name)}, {may}."
