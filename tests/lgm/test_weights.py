"""Weights come from files strictly, and every refusal names the file and the cause in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lgm.config import LGMConfig
from lgm.model import LGM
from lgm.weights import WeightsMismatch, open_network
from tests.lgm.reference import facts

TINY = LGMConfig(**facts("lgm_reduced_sym")["config"])


def build() -> LGM:
    return LGM(TINY)


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {key: value.half() for key, value in build().state_dict().items()}


def saved(folder: Path, weights: dict[str, Tensor]) -> Path:
    save_file(weights, folder / "model.safetensors")
    return folder / "model.safetensors"


def test_half_precision_weights_open_in_full_precision_and_ready_to_use(tmp_path: Path, weights: dict[str, Tensor]):
    model = open_network(build, saved(tmp_path, weights))
    assert not model.training
    assert not any(each.requires_grad for each in model.parameters())
    for key, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, weights[key].float())


def test_they_open_in_the_precision_that_is_asked_for(tmp_path: Path, weights: dict[str, Tensor]):
    model = open_network(build, saved(tmp_path, weights), dtype=torch.bfloat16)
    assert {value.dtype for value in model.state_dict().values()} == {torch.bfloat16}


def test_the_file_may_go_once_it_is_open(tmp_path: Path, weights: dict[str, Tensor]):
    path = saved(tmp_path, weights)
    model = open_network(build, path, dtype=torch.float16)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert torch.equal(model.state_dict()["conv.weight"], weights["conv.weight"])


def test_a_missing_key_is_named(tmp_path: Path, weights: dict[str, Tensor]):
    del weights["unet.conv_in.bias"], weights["conv.bias"]
    with pytest.raises(WeightsMismatch, match=r"it lacks 'unet.conv_in.bias' and 1 more\.$"):
        open_network(build, saved(tmp_path, weights))


def test_a_key_too_many_is_named(tmp_path: Path, weights: dict[str, Tensor]):
    weights["lpips_loss.scale"] = torch.zeros(1)
    with pytest.raises(WeightsMismatch, match=r"it has 'lpips_loss.scale' too many\.$"):
        open_network(build, saved(tmp_path, weights))


def test_a_wrong_shape_is_told_with_both_shapes(tmp_path: Path, weights: dict[str, Tensor]):
    weights["conv.bias"] = torch.zeros(15)
    with pytest.raises(WeightsMismatch, match=r"'conv.bias' is \[15\] where \[14\] is needed"):
        open_network(build, saved(tmp_path, weights))


def test_values_that_are_not_numbers_are_refused(tmp_path: Path, weights: dict[str, Tensor]):
    weights["conv.bias"][3] = torch.nan
    with pytest.raises(WeightsMismatch, match=r"'conv.bias' holds values that are not numbers"):
        open_network(build, saved(tmp_path, weights))


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\xff" * 8 + b"{}"])
def test_another_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsMismatch, match="is not a whole safetensors file"):
        open_network(build, path)


def test_a_cut_file_is_refused(tmp_path: Path, weights: dict[str, Tensor]):
    path = saved(tmp_path, weights)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsMismatch, match="is not a whole safetensors file"):
        open_network(build, path)


def test_no_file_is_the_systems_own_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        open_network(build, tmp_path / "none.safetensors")
