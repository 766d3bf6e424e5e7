"""Changing pictures with every class at tiny size, written to disk in the Hub's layout."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.families.flow_match import Flow
from pipelines.families.flux1 import Flux1, Flux1Fill, Flux1Kontext
from pipelines.families.flux2 import Flux2Klein, acceptable, whole_cells
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement, Plan
from studio.contract import ImageRequest, Progress, Size
from studio.errors import Cancelled
from tests.pipelines.conftest import ignore
from tests.pipelines.tiny import save_fill, save_flux1, save_klein, save_kontext

FAMILIES: dict[str, Any] = {
    "toy": (Flux2Klein, partial(save_klein, distilled=False)),
    "klein": (Flux2Klein, partial(save_klein, distilled=True)),
    "schnell": (Flux1, partial(save_flux1, guided=False)),
    "dev": (Flux1, partial(save_flux1, guided=True)),
    "kontext": (Flux1Kontext, save_kontext),
    "fill": (Flux1Fill, save_fill),
}
MASKED = ("toy", "klein", "schnell", "dev", "fill")
SIZE = Size(96, 64)


def clouds(seed: int, size: Size = SIZE) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


def right_half(size: Size = SIZE) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, (size.width // 2, 0, size.width, size.height))
    return mask


def request_for(name: str, *, masked: bool, **changes: Any) -> ImageRequest:
    request = ImageRequest(
        "make it blue",
        SIZE,
        seed=3,
        steps=2,
        guidance=2.0,
        references=(clouds(1),),
        mask=right_half() if masked else None,
        strength=0.7 if name in ("schnell", "dev") else None,
    )
    return replace(request, **changes)


def cases() -> list[tuple[str, bool]]:
    """Every class with and without a mask; Fill only with one."""
    return [(name, True) for name in MASKED] + [(name, False) for name in FAMILIES if name != "fill"]


def on_cpu(placement: Placement = Placement.RESIDENT) -> Plan:
    return Plan(placement, "cpu", "float32", "float32", 0.0, 1.0)


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.tobytes() == other.tobytes()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save(tmp_path_factory.mktemp(name)) for name, (_, save) in FAMILIES.items()}


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, Flow]:
    """Not closed: that would search all memory for garbage six times."""
    return {
        name: kind(Checkpoint(folders[name], name, text_tokens=32), [on_cpu()]) for name, (kind, _) in FAMILIES.items()
    }


@pytest.mark.parametrize(("name", "masked"), cases())
def test_seed_picture_words_and_mask_decide_and_every_step_is_told(models: dict[str, Flow], name: str, masked: bool):
    request = request_for(name, masked=masked)
    seen: list[Progress] = []
    first = models[name].run(request, seen.append).image
    steps = 1 if name in ("schnell", "dev") else 2
    assert (first.size, first.mode) == (SIZE, "RGB")
    assert [(each.step, each.steps) for each in seen] == [(step, steps) for step in range(steps + 1)]
    assert same(first, models[name].run(request, ignore).image)
    others = [
        replace(request, seed=4),
        replace(request, references=(clouds(2),)),
        replace(request, prompt="put a hat on it"),
    ]
    if masked:
        others.append(replace(request, mask=Image.new("L", SIZE, 255)))
    for other in others:
        assert not same(first, models[name].run(other, ignore).image)


@pytest.mark.parametrize(("name", "masked"), [("klein", True), ("dev", True), ("kontext", False)])
def test_stop_leaves_a_change_at_once_and_the_next_is_whole(models: dict[str, Flow], name: str, masked: bool):
    request = request_for(name, masked=masked, steps=4)
    before = models[name].run(request, ignore).image
    told: list[int] = []

    def stop(progress: Progress) -> None:
        told.append(progress.step)
        if progress.step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        models[name].run(request, stop)
    assert told == [0, 1]
    assert same(models[name].run(request, ignore).image, before)


@pytest.mark.parametrize("placement", [Placement.TEXT_LEAVES, Placement.PARTS, Placement.BLOCKS])
@pytest.mark.parametrize(("name", "masked"), [("toy", True)])
def test_every_placement_makes_the_same_change(
    models: dict[str, Flow], folders: dict[str, Path], name: str, masked: bool, placement: Placement
):
    request = request_for(name, masked=masked)
    model = FAMILIES[name][0](Checkpoint(folders[name], text_tokens=32), [on_cpu(placement)])
    first, again = (model.run(request, ignore).image for _ in range(2))
    assert same(first, again)
    assert same(first, models[name].run(request, ignore).image)
    model.close()


@pytest.mark.parametrize(("name", "masked"), [("toy", True), ("klein", False), ("dev", True), ("fill", True)])
def test_a_wide_autoencoder_takes_pictures_beside_a_narrow_transformer(
    folders: dict[str, Path], name: str, masked: bool
):
    """As on Turing cards; with bfloat16 for float16, which CPUs can do."""
    plan = replace(on_cpu(), dtype="bfloat16")
    model = FAMILIES[name][0](Checkpoint(folders[name], text_tokens=32), [plan])
    assert model.pipeline.vae.dtype == torch.float32
    assert model.run(request_for(name, masked=masked), ignore).image.size == SIZE
    model.close()


def test_strength_says_how_far_from_the_picture_also_with_few_steps(models: dict[str, Flow]):
    """On random weights: the weaker, the less the noise of another seed counts."""

    def spread(strength: float) -> float:
        requests = (request_for("schnell", masked=False, strength=strength, steps=4, seed=seed) for seed in (1, 2))
        one, other = (np.asarray(models["schnell"].run(each, ignore).image).astype(int) for each in requests)
        return float(np.abs(one - other).mean())

    assert spread(0.1) < spread(0.5) < spread(0.8) < spread(1.0)


@pytest.mark.parametrize(("strength", "steps", "taken"), [(0.1, 1, 1), (0.75, 4, 3), (1.0, 4, 4)])
def test_a_weaker_change_takes_fewer_steps_and_at_least_one(
    models: dict[str, Flow], strength: float, steps: int, taken: int
):
    seen: list[Progress] = []
    models["schnell"].run(request_for("schnell", masked=False, strength=strength, steps=steps), seen.append)
    assert (seen[-1].step, seen[-1].steps) == (taken, taken)


@pytest.mark.parametrize("masked", [False, True])
def test_klein_looks_at_every_reference(models: dict[str, Flow], masked: bool):
    request = request_for("klein", masked=masked)
    one = models["klein"].run(request, ignore).image
    more = replace(request, references=(*request.references, clouds(5), clouds(6)))
    two = models["klein"].run(more, ignore).image
    assert not same(one, two)
    changed = replace(request, references=(*request.references, clouds(5), clouds(7)))
    assert not same(two, models["klein"].run(changed, ignore).image)


def test_klein_takes_a_reference_of_any_size_and_shape(models: dict[str, Flow]):
    request = request_for("klein", masked=False, steps=1)
    strange = replace(request, references=(*request.references, Image.new("RGB", (20, 2), "red")))
    assert models["klein"].run(strange, ignore).image.size == SIZE
    for size in ((1, 1), (20, 9), (3000, 40), (40, 3000), (500, 400)):
        taken = acceptable(Image.new("RGB", size, "red"))
        assert min(taken.size) >= 64 and max(taken.size) <= 8 * min(taken.size)
    assert taken.size == (500, 400)


@pytest.mark.parametrize("name", ["toy", "klein"])
def test_with_a_mask_klein_keeps_the_latents_of_the_rest(models: dict[str, Flow], name: str):
    """Two instructions: what the mask leaves out comes out alike, up to what the decoder sees over the edge."""
    made = [
        np.asarray(models[name].run(request_for(name, masked=True, prompt=prompt), ignore).image).astype(int)
        for prompt in ("make it blue", "put a green hat on it")
    ]
    differs = np.abs(made[0] - made[1]).max(axis=2)
    assert differs[:, 64:].mean() > 4 * max(differs[:, :8].mean(), 0.01)


def test_a_cell_with_one_masked_pixel_is_drawn_anew_with_its_neighbours():
    mask = Image.new("L", (64, 48), 0)
    mask.putpixel((21, 40), 255)
    found = np.asarray(whole_cells(mask, 8))
    assert set(np.unique(found)) == {0, 255}
    assert found.shape == (48, 64)
    assert (found > 0).nonzero()[1].min() == 8 and (found > 0).nonzero()[1].max() == 31
    assert (found > 0).nonzero()[0].min() == 32 and (found > 0).nonzero()[0].max() == 47
