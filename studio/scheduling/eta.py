"""Estimates a job's remaining time from its progress. Pure arithmetic on times in seconds."""

from __future__ import annotations


class Eta:
    """Every `now` is a reading of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None  # step and time of the current picture's first report
        self._last: tuple[int, float] | None = None
        self._steps = 0
        self._step_seconds: float | None = None
        self._picture_seconds: float | None = None

    def begin(self, now: float) -> None:
        """The next picture begins; earlier measurements are kept."""
        if self._first is not None and self._last is not None and self._last[0] == self._steps:
            self._picture_seconds = now - self._first[1]  # from the first report to the saved file
        self._first = self._last = None

    def told(self, step: int, steps: int, now: float) -> None:
        """A progress report; `steps` is 0 while the length is unknown."""
        if steps <= 0:
            return
        if self._first is None or step < self._first[0]:
            self._first = (step, now)
        elif step > self._first[0]:
            self._step_seconds = (now - self._first[1]) / (step - self._first[0])
        self._last, self._steps = (step, now), steps

    def seconds_left(self, pictures_after: int, now: float) -> float | None:
        """Time until the last picture is done; None until two steps were seen.

        Args:
            pictures_after: pictures after the current one.
        """
        if self._step_seconds is None or self._last is None:
            return None
        step, told = self._last
        this = max(0.0, (self._steps - step) * self._step_seconds - (now - told))
        return this + pictures_after * (self._picture_seconds or self._steps * self._step_seconds)
