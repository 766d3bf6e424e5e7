"""For which pictures a network is already compiled, and how long that takes here. Knows no torch."""

from __future__ import annotations

from collections.abc import Hashable

FIRST_GUESS_SECONDS = 20
"""Until measured: FLUX.1's blocks take 10 s beside an H100 (https://pytorch.org/blog/torch-compile-and-diffusers-
a-hands-on-guide-to-peak-performance), and other processors are slower."""


class WarmUp:
    """Of one opened network; not thread-safe."""

    def __init__(self) -> None:
        self._done: set[Hashable] = set()
        self._first = 0.0  # duration of the first step of the compiling picture
        self._seconds: float = FIRST_GUESS_SECONDS

    def note(self, shape: Hashable) -> str:
        """For people, before the first step; "" if nothing needs compiling."""
        if shape in self._done:
            return ""
        return f"compiling for this size, about {max(2, round(self._seconds))} seconds the first time"

    def stepped(self, shape: Hashable, number: int, seconds: float) -> None:
        """After each step of a picture, counted from 1: the first one compiles, as its duration shows.

        Args:
            seconds: since the picture's start.
        """
        if number == 1 and shape not in self._done:
            self._done.add(shape)
            self._first = seconds
        elif number == 2 and self._first:
            self._seconds, self._first = max(0.0, 2 * self._first - seconds), 0.0
