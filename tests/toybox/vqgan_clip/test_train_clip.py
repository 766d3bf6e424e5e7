"""The training of the toy CLIP in stages: one step each, on bare grounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from toybox.klein.model import TRAINING_SIZE
from toybox.klein.pictures import MOST_OBJECTS
from toybox.vqgan_clip.train_clip import Plan, train

STEP = 1e-6  # minutes


def stages(plan: Plan) -> dict[str, int]:
    """Their steps."""
    return {path.stem: torch.load(path)["steps"] for path in plan.work.glob("*.pt")}


def weights(plan: Plan) -> bytes:
    return (plan.result / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("clip")
    (folder / "work").mkdir()
    empty = np.zeros((8, 2, MOST_OBJECTS + 4, TRAINING_SIZE, TRAINING_SIZE), np.uint8)  # tracing takes longer
    np.save(folder / "work" / "geometry.npy", empty)
    minutes = {"match_minutes": STEP, "attributes_minutes": 0.0, "sums_minutes": 0.0}
    return Plan(folder / "work", folder / "no vqgan", folder / "result", families=8, **minutes)


def test_a_stage_goes_on_from_the_one_before_and_is_not_repeated(plan: Plan):
    train(plan)
    first = weights(plan)
    assert stages(plan) == {"clip_match": 1}
    every = replace(plan, attributes_minutes=STEP, sums_minutes=STEP)
    train(every)
    assert stages(every) == {"clip_match": 1, "clip_attributes": 1, "clip_sums": 1}
    last = weights(every)
    assert last != first
    train(every)
    assert stages(every) == {"clip_match": 1, "clip_attributes": 1, "clip_sums": 1} and weights(every) == last
