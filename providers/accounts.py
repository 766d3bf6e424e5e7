"""All providers as one `Clouds` (studio.clouds.contract): keys, and words about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PIL import Image

from providers.keys import PASTED, SHELL, Key, Keys
from providers.provider import Account
from providers.vision import Vision
from studio.clouds.contract import KeyState
from studio.contract import Tell
from studio.errors import BadRequest
from studio.validation import shown


class Accounts:
    """Thread-safe."""

    def __init__(self, keys: Keys, vision: Vision, accounts: Sequence[Account]) -> None:
        self._keys, self._vision, self._accounts = keys, vision, accounts

    def keys(self, owner: str) -> tuple[KeyState, ...]:
        return tuple(self._state(account, self._keys.find(owner, account)) for account in self._accounts)

    def paste(self, owner: str, provider: str, key: object) -> None:
        account = next((each for each in self._accounts if each.provider == provider), None)
        if account is None:
            known = ", ".join(each.provider for each in self._accounts)
            raise BadRequest(f"There is no provider {shown(provider)}. Choose one of: {known}.")
        self._keys.paste(owner, account, key)

    def reader(self, owner: str) -> str:
        return self._vision.provider_for(owner)

    def describe(self, owner: str, picture: Image.Image, tell: Tell) -> str:
        return self._vision.describe(owner, picture, tell)

    def improve_prompt(self, owner: str, prompt: str, tell: Tell) -> str:
        return self._vision.improve_prompt(owner, prompt, tell)

    def _state(self, account: Account, key: Key | None) -> KeyState:
        todo, file = self._keys.where_to_write(account), self._keys.file_to_write
        return KeyState(account.provider, account.name, _source(key), todo, file, account.keys_url)


def _source(key: Key | None) -> Literal["", "session", "environment", "file"]:
    if key is None:
        return ""
    if key.source == PASTED:
        return "session"
    return "environment" if key.source == SHELL else "file"
