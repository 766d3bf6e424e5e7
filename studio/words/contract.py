"""Requests to text models."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class WordsRequest:
    """A picture to describe, a prompt to improve, or either to embed. A model returns text, or a vector."""

    picture: Image.Image | None = None  # RGB
    words: str = ""
