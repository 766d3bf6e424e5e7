"""One network is built at a time.

While diffusers and transformers build one, they exchange `torch.nn.Module.register_parameter` for the whole process. A
network that another thread builds meanwhile is left without weights; and if both end in the wrong order, so are all
that are built later. They set torch's default dtype, too, which models that run in other threads must not see.
Sources: accelerate/big_modeling.py, init_on_device; diffusers/models/modeling_utils.py, from_pretrained.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.opening.default_dtype import own_default_dtype

_LOCK = threading.RLock()
if hasattr(os, "register_at_fork"):  # not on Windows
    # A process forked meanwhile (see `zero_gpu`) would inherit torch as it is just then, and this lock for ever.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)
_LOOK_SECONDS = 0.2


@contextmanager
def building(wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Build networks while the block runs, or load layers into one; within another such block of this thread, too.

    Args:
        wait: called again and again while another thread builds; an exception from it ends the wait.
    """
    while not _LOCK.acquire(timeout=_LOOK_SECONDS):
        wait()
    try:
        with own_default_dtype():
            yield
    finally:
        _LOCK.release()
