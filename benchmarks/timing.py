"""How long something takes, on any clock, and several things in turn, so that all see the same load of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Clock = Callable[[], float]


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


def repeated(work: Callable[[], object], rounds: int, clock: Clock = time.perf_counter) -> list[float]:
    """Seconds of each call, without a first one."""
    return [seconds(work, clock) for _ in range(rounds + 1)][1:]


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call by name, without the first round."""
    times = [{name: seconds(work) for name, work in works.items()} for _ in range(rounds + 1)][1:]
    return {name: [taken[name] for taken in times] for name in works}


def by_both_clocks(work: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of this thread's processor, and of the wall clock."""
    processor, clock = [], []
    for _ in range(rounds):
        clock.append(seconds(lambda: processor.append(seconds(work, time.thread_time))))
    return processor, clock
