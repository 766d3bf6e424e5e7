"""The interface to providers besides pictures: whose key pays, descriptions and better prompts.

The implementation is passed to `Studio`. Nothing here reveals a key.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from PIL import Image

from studio.contract import Tell
from studio.errors import BadRequest, NotReady


class KeyState(NamedTuple):
    """Whether an owner has a key for a provider, never the key."""

    provider: str  # as people call it
    name: str  # of the key's environment variable
    source: Literal["", "session", "environment", "file"]  # "": there is none
    todo: str  # what to do about a missing key, as the end of a sentence
    file: str  # where a line `name`=... stores one for good; "" if only the host can
    keys_url: str  # where to create a key


class Clouds(Protocol):
    """All providers together. Thread-safe."""

    def keys(self, owner: str) -> tuple[KeyState, ...]:
        """Every provider, the preferred one first."""
        ...

    def paste(self, owner: str, provider: str, key: object) -> None:
        """Remember a key for this owner, in memory and until the process ends; "" forgets it.

        Raises:
            BadRequest: there is no such provider, or it cannot be a key; the message does not repeat it.
        """
        ...

    def reader(self, owner: str) -> str:
        """The provider that would describe pictures and improve prompts for this owner; "" for none."""
        ...

    def describe(self, owner: str, picture: Image.Image, tell: Tell) -> str:
        """A description in a few sentences. Waits for the provider.

        Args:
            picture: RGB or RGBA, of any size.

        Raises:
            NotReady: no key.
            CloudFault: no answer.
            Cancelled: from `tell`.
        """
        ...

    def improve_prompt(self, owner: str, prompt: str, tell: Tell) -> str:
        """The prompt, reworded so that an image model understands more of it. Raises like `describe`."""
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
