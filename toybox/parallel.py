"""Work for several processes, each with one thread of torch."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

Result = TypeVar("Result")


def in_processes(work: Callable[..., Result], *arguments: Iterable[object]) -> Iterator[Result]:
    """What a function returns for each set of arguments, in order; like `map`."""
    with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        yield from pool.map(work, *arguments, chunksize=20)
