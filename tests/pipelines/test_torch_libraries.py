"""torch's libraries are in the process before `import torch`, which holds the interpreter, looks for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines import catalog
from pipelines.words.toy_prompts import TOY_PROMPTS
from studio.imaging.control import CANNY
from studio.imaging.upscale import LANCZOS
from studio.segmentation.outline_model import OUTLINE

CODE = """
import sys
from pathlib import Path
from pipelines import torch_libraries
torch_libraries.preload()
print("libtorch_cpu.so" in Path("/proc/self/maps").read_text(), "torch" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the loader of Linux")
def test_they_are_opened_without_python():
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "False"]


def test_every_model_of_this_machine_is_loaded_that_way():
    for spec in catalog.models():
        if spec in (OUTLINE, LANCZOS, CANNY, TOY_PROMPTS):  # need no torch
            continue
        assert getattr(spec.load, "func", None) is catalog._load, spec.id
