"""Checkpoints of taming-transformers as people have them: read without running what is in them, and only once."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors import safe_open

from pipelines.families import taming
from studio.errors import NotReady

PARAMS: dict[str, Any] = {
    "ddconfig": {
        "double_z": False,
        "z_channels": 32,
        "resolution": 32,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 32,
        "ch_mult": [1, 2],
        "num_res_blocks": 1,
        "attn_resolutions": [16],
    },
    "n_embed": 8,
    "embed_dim": 4,
}


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def taming_key(key: str) -> str:
    """The way back from `diffusers_key`, for the two resolutions of PARAMS."""
    for name in ("down", "up"):
        for old, new in ((f"{name}_blocks.", f"{name}."), (".resnets.", ".block."), (".attentions.", ".attn.")):
            key = key.replace(old, new) if f".{name}" in key else key
    if ".up." in key:
        level = int(key.split(".")[2])
        key = key.replace(f".up.{level}.", f".up.{1 - level}.")
    for old, new in (
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("mid_block.attentions.0", "mid.attn_1"),
        ("downsamplers.0.", "downsample."),
        ("upsamplers.0.", "upsample."),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
        ("group_norm", "norm"),
        ("to_out.0", "proj_out"),
        *((f"to_{one}", one) for one in "qkv"),
    ):
        key = key.replace(old, new)
    return key


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    from diffusers import VQModel

    torch.manual_seed(0)
    model: Any = VQModel.from_config(taming.diffusers_config(PARAMS))
    return {
        taming_key(key): value[:, :, None, None] if ".to_" in key and value.ndim == 2 else value
        for key, value in model.state_dict().items()
    }


def lightning(path: Path, state: dict[str, torch.Tensor], **more: Any) -> Path:
    """A checkpoint as PyTorch Lightning 1.0 wrote it, its callback's class as a key included."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    module, callback = ModuleType(name), type("ModelCheckpoint", (), {"__module__": name})
    module.ModelCheckpoint = callback  # type: ignore[attr-defined]
    parents = [name.rsplit(".", count)[0] for count in (2, 1)]
    sys.modules |= {parent: ModuleType(parent) for parent in parents} | {name: module}
    try:
        torch.save(
            {
                "epoch": 1,
                "callbacks": {callback: {"best_model_score": torch.tensor(0.5)}},
                "state_dict": OrderedDict(state | {"loss.discriminator.main.0.weight": torch.zeros(2)}),
                **more,
            },
            path,
        )
    finally:
        for each in (*parents, name):
            del sys.modules[each]
    return path


def test_a_checkpoint_is_read_once(tmp_path: Path, state: dict[str, torch.Tensor]):
    path = lightning(tmp_path / "last.ckpt", state)
    model, revision = taming.open_file(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert revision == sha256[:12]
    with safe_open(tmp_path / "last.safetensors", "pt") as file:
        assert file.metadata()["source_sha256"] == sha256
    path.unlink()
    again, revision = taming.open_file(path)
    assert revision == sha256[:12]
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    by_name, _ = taming.open_file(tmp_path / "last.safetensors")
    assert by_name.config["num_vq_embeddings"] == 8


def test_another_checkpoint_of_the_same_name_is_read_anew(tmp_path: Path, state: dict[str, torch.Tensor]):
    taming.open_file(lightning(tmp_path / "last.ckpt", state))
    other = state | {"quantize.embedding.weight": torch.ones(8, 4)}
    model, _ = taming.open_file(lightning(tmp_path / "last.ckpt", other, more=torch.zeros(9)))
    assert model.quantize.embedding.weight.unique().tolist() == [1.0]


def _with_a_trap(path: Path, state: dict[str, torch.Tensor]) -> None:
    lightning(path, state, trap=Trap(path.parent / "sprung"))


def _cut_off(path: Path, state: dict[str, torch.Tensor]) -> None:
    content = lightning(path, state).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _with_nan(path: Path, state: dict[str, torch.Tensor]) -> None:
    lightning(path, state | {"encoder.conv_in.bias": torch.full((32,), torch.nan)})


def _gumbel(path: Path, state: dict[str, torch.Tensor]) -> None:
    rest = {key: value for key, value in state.items() if not key.startswith("quantize.")}
    lightning(path, rest | {"quantize.embed.weight": torch.zeros(8, 4)})


def _lacking(path: Path, state: dict[str, torch.Tensor]) -> None:
    lightning(path, {key: value for key, value in state.items() if key != "decoder.conv_out.bias"})


def _of_another_shape(path: Path, state: dict[str, torch.Tensor]) -> None:
    lightning(path, state | {"post_quant_conv.weight": torch.zeros(32, 5, 1, 1)})


def _something_else(path: Path, _state: dict[str, torch.Tensor]) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}}, path)


def _no_dictionary(path: Path, _state: dict[str, torch.Tensor]) -> None:
    torch.save(torch.zeros(3), path)


def _an_old_pickle(path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_with_a_trap, "mkdir, which could run anything"),
        (_cut_off, "damaged"),
        (_with_nan, "not finite"),
        (_gumbel, "Gumbel"),
        (_lacking, "lacks 1 weights, such as decoder.conv_out.bias"),
        (_of_another_shape, "post_quant_conv.weight has the shape"),
        (_something_else, "not a VQGAN of taming-transformers"),
        (_no_dictionary, "not a VQGAN of taming-transformers"),
        (_an_old_pickle, "old pickle"),
    ],
)
def test_what_is_no_good_is_refused_in_a_sentence(
    make: Callable[[Path, dict[str, torch.Tensor]], None], reason: str, tmp_path: Path, state: dict[str, torch.Tensor]
):
    path = tmp_path / "last.ckpt"
    make(path, state)
    with pytest.raises(NotReady, match=reason) as refused:
        taming.open_file(path)
    assert f"{tmp_path.name}/last.ckpt" in str(refused.value) and str(path) not in str(refused.value)
    assert {each.name for each in tmp_path.iterdir()} == {"last.ckpt"}
