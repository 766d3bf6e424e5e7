"""Tiny random FLUX.1 kept in few bits, by the code that opens the large one: near the same picture, and smaller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.families.flux1 import Flux1
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement, Plan, Precision, Tiles
from studio.contract import ImageRequest, Size
from studio.errors import NotReady, NotSupported
from tests.pipelines.conftest import ignore
from tests.pipelines.tiny import save_flux1

REQUEST = ImageRequest("a red ball on a grey background", Size(64, 64), seed=3, steps=2, guidance=1.0)
OF_GGUF = {
    Precision.Q8: gguf.GGMLQuantizationType.Q8_0,
    Precision.Q5: gguf.GGMLQuantizationType.Q5_0,
    Precision.Q4: gguf.GGMLQuantizationType.Q4_0,
}
MOST_ERROR = {
    Precision.FP8: 0.05,
    Precision.INT8: 0.03,
    Precision.Q8: 0.03,
    Precision.Q5: 0.10,
    Precision.NF4: 0.16,
    Precision.Q4: 0.16,
}
"""Of what the network answers, relative to its size: random weights, which are harder to keep than trained ones."""


def plan(precision: Precision, placement: Placement = Placement.RESIDENT, tiles: Tiles = Tiles.WHOLE) -> Plan:
    return Plan(placement, "cpu", "bfloat16", "bfloat16", 0.0, 1.0, precision=precision, tiles=tiles)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_flux1(tmp_path_factory.mktemp("flux1"), guided=False)


def checkpoint(folder: Path, precision: Precision) -> Checkpoint:
    parts = {"transformer": save_gguf(folder, precision)} if precision.is_file else {}
    return Checkpoint(folder, "Tiny FLUX.1", text_tokens=32, parts=parts)


def save_gguf(folder: Path, precision: Precision) -> Path:
    """The network as a GGUF file; what does not fill whole blocks of 32 numbers is left as it is."""
    file = folder.parent / f"{folder.name}-{precision.name}.gguf"
    writer, kind = gguf.GGUFWriter(file, "flux"), OF_GGUF[precision]
    for name, tensor in load_file(folder / "transformer/diffusion_pytorch_model.safetensors").items():
        values = tensor.float().numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@torch.no_grad()
def answer(model: Flux1) -> torch.Tensor:
    """What the network says to noise."""
    random = torch.Generator().manual_seed(1)
    draw = lambda *shape: torch.randn(*shape, generator=random).to(torch.bfloat16)  # noqa: E731
    return model.pipeline.transformer(
        hidden_states=draw(1, 16, 16),
        encoder_hidden_states=draw(1, 8, 32),
        pooled_projections=draw(1, 32),
        timestep=torch.tensor([0.5], dtype=torch.bfloat16),
        img_ids=torch.zeros(16, 3),
        txt_ids=torch.zeros(8, 3),
    )[0].float()


@pytest.mark.parametrize("precision", MOST_ERROR)
def test_weights_in_few_bits_answer_nearly_as_whole_ones(folder: Path, precision: Precision):
    whole = Flux1(checkpoint(folder, Precision.FULL), [plan(Precision.FULL)])
    wanted = answer(whole)
    packed = Flux1(checkpoint(folder, precision), [plan(precision)])
    error = float((answer(packed) - wanted).norm() / wanted.norm())
    assert 0 < error < MOST_ERROR[precision]
    picture, other = (np.asarray(each.run(REQUEST, lambda _: None).image, float) for each in (packed, whole))
    assert np.abs(picture - other).mean() < 16
    bytes_of = [sum(each.numel() * each.element_size() for each in linear_weights(model)) for model in (whole, packed)]
    assert bytes_of[1] < 0.65 * bytes_of[0]
    whole.close()
    packed.close()


def linear_weights(model: Flux1) -> list[torch.Tensor]:
    blocks = model.pipeline.transformer.transformer_blocks
    return [each.weight for each in blocks.modules() if isinstance(each, torch.nn.Linear)]


@pytest.mark.parametrize(
    ("precision", "placement"),
    [
        (Precision.FP8, Placement.TEXT_LEAVES),
        (Precision.FP8, Placement.STREAMED),
        (Precision.NF4, Placement.TEXT_LEAVES),
        (Precision.Q4, Placement.BLOCKS),
    ],
)
def test_where_the_parts_lie_does_not_change_the_picture(folder: Path, precision: Precision, placement: Placement):
    resident = Flux1(checkpoint(folder, precision), [plan(precision)])
    wanted = resident.run(REQUEST, lambda _: None).image
    resident.close()
    model = Flux1(checkpoint(folder, precision), [plan(precision, placement)])
    for _ in range(2):
        assert model.run(REQUEST, lambda _: None).image.tobytes() == wanted.tobytes()
    model.close()


def test_a_picture_is_decoded_in_tiles_only_where_the_plan_says_so(folder: Path):
    sizes = {}
    for tiles in Tiles:
        model = Flux1(checkpoint(folder, Precision.FULL), [plan(Precision.FULL, tiles=tiles)])
        vae = model.pipeline.vae
        sizes[tiles] = (vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size)
        model.close()
    assert sizes == {Tiles.WHOLE: (False, 128, 64), Tiles.LARGE: (True, 128, 64), Tiles.SMALL: (True, 64, 32)}


@pytest.mark.parametrize("harm", ["cut off", "not GGUF", "of another model"])
def test_a_gguf_file_that_cannot_be_opened_is_a_sentence(folder: Path, tmp_path: Path, harm: str):
    file = tmp_path / "flux1-Q4.gguf"
    whole = save_gguf(folder, Precision.Q4).read_bytes()
    if harm == "of another model":
        writer = gguf.GGUFWriter(file, "flux")
        writer.add_tensor("something.weight", np.zeros((4, 32), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    else:
        file.write_bytes(whole[: len(whole) // 3] if harm == "cut off" else b"<html>Sign in</html>" * 100)
    wanted = Checkpoint(folder, "Tiny FLUX.1", text_tokens=32, parts={"transformer": file})
    with pytest.raises(NotReady, match=r"The weights of Tiny FLUX\.1.* cannot be opened"):
        Flux1(wanted, [plan(Precision.Q4)])


def test_a_lora_goes_on_weights_in_few_bits(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIORAMA_LORAS", str(tmp_path))
    random = torch.Generator().manual_seed(2)
    name = "transformer.single_transformer_blocks.0.attn.to_q"
    shapes = {f"{name}.lora_A.weight": (4, 32), f"{name}.lora_B.weight": (32, 4)}
    tensors = {key: torch.randn(*shape, generator=random) for key, shape in shapes.items()}
    save_file(tensors, tmp_path / "bold.safetensors")
    for precision in (Precision.FP8, Precision.NF4, Precision.Q8):
        model = Flux1(checkpoint(folder, precision), [plan(precision)])
        plain = model.run(REQUEST, lambda _: None).image
        asked = ImageRequest("a red ball <lora:bold:1>", REQUEST.size, seed=3, steps=2, guidance=1.0)
        with_lora = model.run(asked, lambda _: None).image
        assert with_lora.tobytes() != plain.tobytes()
        assert model.run(REQUEST, lambda _: None).image.tobytes() == plain.tobytes()
        model.close()


def test_a_request_chooses_the_precision_and_the_result_names_it(folder: Path):
    """As a recipe says it: what was made in fewer bits is made again in them, to the bit."""
    nf4 = Flux1(checkpoint(folder, Precision.NF4), [plan(Precision.NF4)])
    made = nf4.run(REQUEST, ignore)
    nf4.close()
    assert made.precision == "nf4"
    model = Flux1(checkpoint(folder, Precision.FULL), [plan(Precision.FULL), plan(Precision.FP8), plan(Precision.NF4)])
    plain = model.run(REQUEST, ignore)
    again = model.run(replace(REQUEST, precision="nf4"), ignore)
    assert (plain.precision, again.precision) == ("", "nf4")
    assert again.image.tobytes() == made.image.tobytes() != plain.image.tobytes()
    whole = model.run(replace(REQUEST, precision="16-bit"), ignore)
    assert (whole.precision, whole.image.tobytes()) == ("", plain.image.tobytes())
    with pytest.raises(NotSupported, match="cannot be kept in 'gguf-q4' on this machine"):
        model.run(replace(REQUEST, precision="gguf-q4"), ignore)
    model.close()
