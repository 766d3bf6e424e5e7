"""Loads torch's own shared libraries before `import torch` does.

Python's import holds the GIL while the loader maps and relocates a gigabyte: 0.7 s on two idle cores, 2 to 4 s on busy
ones, without handling signals or requests. A call through ctypes does not hold it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

_NAMES = ("libtorch_cpu.so", "libtorch_cuda.so")  # the bulk of it; neither calls into Python


def preload() -> None:
    """Load them, if this is Linux and they exist; later calls cost nothing. Thread-safe."""
    spec = None if sys.platform != "linux" or "torch" in sys.modules else importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name in _NAMES:
        dlopen(os.fsencode(Path(spec.origin).parent / "lib" / name), os.RTLD_LAZY)  # `import` reports failures
