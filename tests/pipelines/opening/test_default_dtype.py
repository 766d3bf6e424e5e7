"""A model that is loaded in another dtype does not change what other threads compute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import catalog
from pipelines.families.sam import open_folder
from pipelines.opening.building import building
from studio.contract import Size
from studio.recipe.selection import Point
from studio.segmentation.contract import MaskRequest
from tests.patience import PATIENCE_SECONDS
from tests.pipelines.tiny import save_klein
from tests.studio.fakes import ignore


@contextmanager
def built_elsewhere(dtype: torch.dtype) -> Iterator[None]:
    """While the block runs, another thread builds in a dtype as diffusers and transformers do: they set torch's own."""
    begun, done = threading.Event(), threading.Event()

    def build() -> None:
        with building():
            before = torch.get_default_dtype()
            torch.set_default_dtype(dtype)
            assert torch.get_default_dtype() == torch.nn.Linear(1, 1).weight.dtype == torch.tensor(0.5).dtype == dtype
            assert torch.tensor([1]).dtype == torch.int64
            assert torch.tensor(np.ones(1, np.float32)).dtype == torch.zeros(1, dtype=torch.float32).dtype == before
            begun.set()
            done.wait(PATIENCE_SECONDS)
            torch.set_default_dtype(before)

    with ThreadPoolExecutor() as pool:
        builder = pool.submit(build)
        while not begun.wait(0.02):
            assert not builder.done(), builder.exception()
        try:
            yield
        finally:
            done.set()
            builder.result()


def test_a_click_gives_the_same_mask_while_a_model_is_built_in_another_dtype():
    picture, sam = Image.linear_gradient("L").convert("RGB"), open_folder(catalog.WEIGHTS / "toy-sam")
    logits = []

    def click() -> None:
        request = MaskRequest(lambda: picture, str(len(logits)), Size(256, 256), points=(Point(200, 90, add=True),))
        logits.append(sam.run(request, ignore).logits)

    click()
    with built_elsewhere(torch.bfloat16):
        assert torch.get_default_dtype() == torch.rand(1).dtype == torch.float32
        click()
    assert np.array_equal(*logits)


def test_a_build_that_fails_leaves_the_dtype_as_it_was():
    plainly = torch.set_default_dtype
    with pytest.raises(ValueError, match="no such layer"), building():
        torch.set_default_dtype(torch.float16)
        raise ValueError("no such layer")
    assert torch.zeros(1).dtype == torch.get_default_dtype() == torch.float32
    assert torch.set_default_dtype is plainly


def test_a_pipeline_is_what_it_is_without(tmp_path: Path):
    def opened() -> dict[str, torch.Tensor]:
        pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
        parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        return {f"{type(part).__name__}.{key}": value for part in parts for key, value in part.state_dict().items()}

    save_klein(tmp_path)
    plainly = opened()
    with building():
        found = opened()
    assert found.keys() == plainly.keys()
    assert all(found[key].dtype == value.dtype and found[key].equal(value) for key, value in plainly.items())
    assert {value.dtype for value in found.values()} >= {torch.bfloat16}
