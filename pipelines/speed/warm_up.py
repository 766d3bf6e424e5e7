"""For which pictures a network is compiled already, and how long that takes here. Knows no torch."""

from __future__ import annotations

from collections.abc import Hashable

FIRST_GUESS_SECONDS = 20
"""Until it was seen once: FLUX.1's blocks take 10 s beside an H100 (https://pytorch.org/blog/torch-compile-and-diffusers-
a-hands-on-guide-to-peak-performance), and other processors are slower."""


class WarmUp:
    """Of one opened network; used by one thread at a time."""

    def __init__(self) -> None:
        self._done: set[Hashable] = set()
        self._first = 0.0  # how long the first step of the picture that compiles it took
        self._seconds: float = FIRST_GUESS_SECONDS

    def note(self, shape: Hashable) -> str:
        """What a person reads before the first step; "" where nothing is compiled any more."""
        if shape in self._done:
            return ""
        return f"compiling for this size, about {max(2, round(self._seconds))} seconds the first time"

    def stepped(self, shape: Hashable, number: int, seconds: float) -> None:
        """After each step of a picture, counted from 1: the first one compiles, which the second tells it from.

        Args:
            seconds: since the picture was begun.
        """
        if number == 1 and shape not in self._done:
            self._done.add(shape)
            self._first = seconds
        elif number == 2 and self._first:
            self._seconds, self._first = max(0.0, 2 * self._first - seconds), 0.0
