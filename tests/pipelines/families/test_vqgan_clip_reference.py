"""VQGAN and the steps of VQGAN + CLIP against the project's reference numbers, whose source fixtures/README.md names.

What each number would be with a mistake in padding, groups, attention or order is far outside of these bounds.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

from pipelines.families import clip_guidance, taming
from pipelines.families.clip_guidance import Prompt
from tests.lgm.reference import assert_near, generator, normal, weight

FIXTURES = Path(__file__).parent / "fixtures"


def facts(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def arrays(name: str) -> dict[str, Tensor]:
    with np.load(FIXTURES / f"{name}.npz") as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def picture(name: str, height: int, width: int) -> Tensor:
    """(1, 3, height, width) in [0, 1]; the reference's rule for pictures that are not square."""
    noise = generator(f"input/{name}").random((1, 3, height, width))
    channel = np.arange(3)[None, :, None, None]
    y = (np.arange(height)[None, None, :, None] + 0.5) / height
    x = (np.arange(width)[None, None, None, :] + 0.5) / width
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * (x + (1 + channel) * y) + 1.3 * channel)
    return torch.from_numpy((0.7 * waves + 0.3 * noise).astype(np.float32))


def taming_state(params: dict[str, Any], tag: str) -> dict[str, Tensor]:
    """Taming's state dict of a configuration, by taming's own list of keys and the reference's rule for weights."""
    listed = facts("vqgan_keys")
    wide, network = listed["ddconfig"], params["ddconfig"]

    def width(number: int, key: str) -> int:
        if key.startswith("quantize."):
            return params["n_embed"] if number == 16384 else params["embed_dim"]
        return number * network["ch"] // wide["ch"] if number >= wide["ch"] else number

    state = {}
    for key, shape, _twin, _drop in listed["generator"]:
        shape = [width(number, key) for number in shape]
        if key in ("encoder.conv_out.weight", "encoder.conv_out.bias"):
            shape[0] = network["z_channels"]
        elif key == "decoder.conv_in.weight":
            shape[1] = network["z_channels"]
        elif key.startswith(("quant_conv.weight", "post_quant_conv.weight")):
            shape[:2] = [params["embed_dim"], network["z_channels"]]
            shape[:2] = shape[:2] if key.startswith("quant") else shape[1::-1]
        elif key in ("quant_conv.bias", "post_quant_conv.bias"):
            shape = [params["embed_dim"] if key.startswith("quant") else network["z_channels"]]
        state[key] = torch.from_numpy(weight(tag, key, tuple(shape)))
    return state


@pytest.fixture(scope="module")
def reduced() -> Any:
    config = facts("vqgan_reduced")
    return taming.open_vqgan(taming_state(config, config["weights_tag"]), config)


def test_the_key_table_is_the_reference():
    listed = facts("vqgan_keys")
    assert {key: taming.diffusers_key(key, levels=5) for key, *_ in listed["generator"]} == {
        key: twin for key, _, twin, _ in listed["generator"]
    }


def test_the_configuration_shows_in_the_weights():
    config = facts("vqgan_reduced")
    found = taming.diffusers_config(taming.params_of(taming_state(config, config["weights_tag"])))
    wanted = taming.diffusers_config(config)
    assert {**found, "sample_size": 0} == {**wanted, "sample_size": 0}  # any will do


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96)])
def test_the_reduced_vqgan(reduced: Any, height: int, width: int):
    _assert_encodes_and_decodes(reduced, "vqgan_reduced", height, width)


def test_gradients_of_the_reduced_vqgan(reduced: Any):
    expected = arrays("vqgan_reduced")
    z = reduced.quantize.embedding.weight[expected["codes"]].movedim(-1, 1).clone().requires_grad_()
    decoded = reduced.decode(z, force_not_quantize=True).sample
    assert_near(decoded.detach(), expected["decoded_codes"], most=5e-5)
    (decoded * normal("public/vqgan_reduced/grad_weight", *decoded.shape)).sum().backward()
    assert z.grad is not None
    assert_near(z.grad, expected["grad_z"], most=3e-3)


def test_the_published_vqgan():
    config, name = facts("vqgan_f16_16384"), "vqgan_f16_16384"
    _assert_encodes_and_decodes(taming.open_vqgan(taming_state(config, config["weights_tag"]), config), name, 64, 64)


def _assert_encodes_and_decodes(model: Any, name: str, height: int, width: int) -> None:
    expected, size = arrays(name), f"{height}x{width}"
    with torch.no_grad():
        latent = model.encode(2 * picture(f"public/{name}/image_{size}", height, width) - 1).latents
        assert_near(latent, expected[f"latent_{size}"], most=5e-5)
        codebook = model.quantize.embedding.weight
        zq = clip_guidance.quantised(latent.movedim(1, -1), codebook).movedim(-1, 1)
        assert_near(zq, expected[f"zq_{size}"], most=1e-6)
        nearest = torch.cdist(zq.movedim(1, -1).flatten(end_dim=-2), codebook).argmin(dim=1)
        assert nearest.tolist() == expected[f"indices_{size}"].flatten().tolist()
        assert_near(model.decode(zq, force_not_quantize=True).sample, expected[f"decoded_{size}"], most=5e-5)


@pytest.mark.parametrize("case", ["w1", "w05", "wneg", "wneg_stop", "w1_stop"])
def test_the_distance_to_a_prompt(case: str):
    weight_, stop = facts("vqgan_clip_ops")["prompt_weights"][case]
    expected = arrays("vqgan_clip_ops")
    embeds = normal("public/vqgan_clip/embed", 5, 16).requires_grad_()
    prompt = Prompt(normal("public/vqgan_clip/target", 2, 16), weight_, float(stop))
    loss = clip_guidance.distance(embeds, prompt)
    loss.backward()
    assert embeds.grad is not None
    assert_near(loss.detach(), expected[f"prompt_{case}_loss"], most=5e-6)
    assert_near(embeds.grad, expected[f"prompt_{case}_grad"], most=5e-6)


def test_the_clamp_lets_gradients_back_inside():
    expected = arrays("vqgan_clip_ops")
    x = expected["clamp_x"].requires_grad_()
    clamped = clip_guidance.clamped(x)
    clamped.backward(expected["clamp_upstream"])
    assert x.grad is not None
    assert_near(clamped.detach(), expected["clamp_y"], most=5e-6)
    assert_near(x.grad, expected["clamp_grad"], most=5e-6)


def test_the_quantiser_lets_gradients_straight_through():
    expected = arrays("vqgan_clip_ops")
    x = normal("public/vqgan_clip/vq_x", 2, 3, 4).requires_grad_()
    chosen = clip_guidance.quantised(x, normal("public/vqgan_clip/codebook", 12, 4))
    chosen.backward(normal("public/vqgan_clip/vq_upstream", 2, 3, 4))
    assert x.grad is not None
    assert_near(chosen.detach(), expected["vq_y"], most=5e-6)
    assert_near(x.grad, expected["vq_grad"], most=5e-6)


def test_cutouts():
    known, expected = facts("vqgan_clip_ops"), arrays("vqgan_clip_ops")
    image, side = picture("public/vqgan_clip/cut_image", 96, 80), known["cut_size"]
    boxes = known["cutout_boxes_size_y_x"]
    cuts = torch.cat([clip_guidance.resampled(image[..., y : y + s, x : x + s], side) for s, y, x in boxes])
    assert_near(cuts, expected["cutouts"], most=5e-6)
    assert_near(clip_guidance.clamped(cuts), expected["cutouts_clamped"], most=5e-6)
    assert_near(clip_guidance.shrunk_whole(image, side), expected["pool_cutout"], most=5e-6)


def test_eight_steps(reduced: Any):
    known, expected = facts("vqgan_clip_loop"), arrays("vqgan_clip_loop")
    text, vision, tag = known["clip_text_config"], known["clip_vision_config"], known["clip_weights_tag"]
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=text["projection_dim"]))
    ruled = {key: value for key, value in clip.state_dict().items() if key != "logit_scale"}
    weights = {key: torch.from_numpy(weight(tag, key, tuple(value.shape))) for key, value in ruled.items()}
    clip.load_state_dict(weights, strict=False)
    clip.eval().requires_grad_(False)
    ids = torch.tensor(known["input_ids"])
    said: Any = clip.get_text_features(ids)
    said = said.pooler_output
    assert_near(said, expected["text_embeds"], most=2e-5)
    prompts = [Prompt(embed[None], float(w)) for embed, w in zip(said, known["prompt_weights"], strict=True)]
    z = reduced.quantize.embedding.weight[expected["codes"]].movedim(-1, 1).clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.1)
    for number in range(known["steps"]):
        taken = clip_guidance.step(
            reduced, clip, z, optimizer, prompts, lambda image: clip_guidance.shrunk_whole(image, 32)
        )
        assert_near(taken.losses, expected["losses"][number], most=1e-5)
        assert_near(z.detach()[0], expected["z_after"][number], most=5e-4)
        if number == 0:
            assert z.grad is not None
            assert_near(taken.image, expected["image_step0"], most=2e-5)
            assert_near(taken.cuts, expected["cutout_step0"], most=2e-5)
            assert_near(taken.embeds, expected["image_embeds_step0"], most=2e-5)
            assert_near(z.grad, expected["grad_step0"], most=2e-5)
    codebook = reduced.quantize.embedding.weight
    with torch.no_grad():
        final = clip_guidance.decoded(reduced, clip_guidance.quantised(z.movedim(1, -1), codebook).movedim(-1, 1))
    assert_near(final, expected["image_final"], most=2e-5)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a red fox", [("a red fox", 1.0, -math.inf)]),
        (
            "a castle:2 | fog:0.5 | text:-0.3",
            [("a castle", 2.0, -math.inf), ("fog", 0.5, -math.inf), ("text", -0.3, -math.inf)],
        ),
        ("a red fox:0.5:-0.9", [("a red fox", 0.5, -0.9)]),
        (" two words : 2 ", [("two words", 2.0, -math.inf)]),
        ("sky:1e-1", [("sky", 0.1, -math.inf)]),
        ("a clock at 12:30", [("a clock at 12:30", 1.0, -math.inf)]),
        ("a clock at 12:30:2", [("a clock at 12:30:2", 1.0, -math.inf)]),
        ("a clock at 12:30 :2", [("a clock at 12:30", 2.0, -math.inf)]),
        ("a cat: the movie", [("a cat: the movie", 1.0, -math.inf)]),
        ("ratio: nan", [("ratio: nan", 1.0, -math.inf)]),
        ("fog:1e999", [("fog:1e999", 1.0, -math.inf)]),
        ("a || b |", [("a", 1.0, -math.inf), ("b", 1.0, -math.inf)]),
        (":2", [(":2", 1.0, -math.inf)]),
        (" | ", []),
    ],
)
def test_a_weight_is_a_number_at_the_end(prompt: str, wanted: list[tuple[str, float, float]]):
    assert clip_guidance.wishes(prompt) == wanted
