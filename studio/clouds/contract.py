"""The interface to providers beside pictures: whose key pays, descriptions and better prompts.

The interface only; who implements it is handed to `Studio`. Nobody can ask for a key's value here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from PIL import Image

from studio.contract import Tell
from studio.errors import BadRequest, NotReady


class KeyState(NamedTuple):
    """Whether an owner can pay at a provider, never with what."""

    provider: str  # as people call it
    name: str  # of the variable that holds the key
    source: Literal["", "session", "environment", "file"]  # "": there is none
    todo: str  # what to do about a missing key, as the end of a sentence
    file: str  # where a line `name`=... keeps one for good; "" where that is the host's business
    keys_url: str  # where a key is made


class Clouds(Protocol):
    """All providers together. Any thread may ask."""

    def keys(self, owner: str) -> tuple[KeyState, ...]:
        """Every provider, the one to prefer first."""
        ...

    def paste(self, owner: str, provider: str, key: object) -> None:
        """Remember a key for this owner, in memory alone and until the process ends; "" forgets it.

        Raises:
            BadRequest: there is no such provider, or it can be no key; the message does not repeat it.
        """
        ...

    def reader(self, owner: str) -> str:
        """The provider that would put pictures and prompts into words for this owner; "" for none."""
        ...

    def describe(self, owner: str, picture: Image.Image, tell: Tell) -> str:
        """What is to be seen, in a few sentences. Waits for the provider.

        Args:
            picture: RGB or RGBA, of any size.

        Raises:
            NotReady: no key.
            CloudFault: no answer.
            Cancelled: of `tell`.
        """
        ...

    def improve_prompt(self, owner: str, prompt: str, tell: Tell) -> str:
        """The same wish, said so that an image model understands more of it. Raises like `describe`."""
        ...


class NoClouds:
    """A `Clouds` without a provider."""

    def keys(self, owner: str) -> tuple[KeyState, ...]:
        return ()

    def paste(self, owner: str, provider: str, key: object) -> None:
        raise BadRequest("No provider here takes a key.")

    def reader(self, owner: str) -> str:
        return ""

    def describe(self, owner: str, picture: Image.Image, tell: Tell) -> str:
        raise NotReady("No provider here describes pictures.")

    def improve_prompt(self, owner: str, prompt: str, tell: Tell) -> str:
        raise NotReady("No provider here improves prompts.")
