"""LGM against the published code's numbers, within the tolerances of the reference's README."""

from __future__ import annotations

import pytest
import torch

from lgm.config import BIG, LGMConfig
from lgm.gaussians import Gaussians, unpacked
from lgm.model import LGM, activated
from tests.lgm.reference import arrays, assert_near, facts, filled, images


def model_of(name: str) -> LGM:
    with torch.device("meta"):
        model = LGM(LGMConfig(**facts(name)["config"]))
    return filled(model, facts(name)["weights_tag"])


def views_of(name: str) -> torch.Tensor:
    known = facts(name)
    side = known["config"]["input_size"]
    return torch.stack([images(f"{known['weights_tag']}/images{i}", 4, side) for i in range(known["batch"])])


@pytest.mark.parametrize("size", ["big", "small"])
def test_keys_and_shapes_are_those_of_the_published_weights_in_their_order(size: str):
    known = facts(f"lgm_{size}_keys")
    config = LGMConfig(**known["config"])
    with torch.device("meta"):
        found = {key: list(value.shape) for key, value in LGM(config).state_dict().items()}
    assert found == known["keys"]
    assert list(found) == list(known["keys"])
    assert config.count == known["num_gaussians"]


def test_the_big_config_is_the_published_one():
    published = facts("lgm_big_keys")["config"]
    listed = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(BIG).items()}
    assert listed == {**published, "num_heads": 16}


@pytest.mark.parametrize("name", ["lgm_reduced_a", "lgm_reduced_sym"])
@torch.inference_mode()
def test_inputs_are_colours_and_rays_of_each_pixel(name: str):
    got = model_of(name).inputs_of(views_of(name), -facts(name)["elevation"])
    assert_near(got, arrays(name)["input"], most=2e-6)


@pytest.mark.parametrize(
    ("name", "most", "rms", "conv_most", "conv_rms"),
    [("lgm_reduced_a", 1.5e-3, 3e-5, 4e-4, 4e-5), ("lgm_reduced_sym", 5e-4, 2e-5, 4e-4, 4e-5)],
)
@torch.inference_mode()
def test_reduced_networks_give_the_published_numbers(
    name: str, most: float, rms: float, conv_most: float, conv_rms: float
):
    model, expected = model_of(name), arrays(name)
    raw = model.raw(expected["input"])
    assert_near(raw, expected["conv_out"], most=conv_most, rms=conv_rms)
    assert_near(activated(raw, 4).packed(), expected["gaussians"], most=most, rms=rms)


@torch.inference_mode()
def test_the_whole_big_network_gives_the_published_numbers():
    """Half a minute on one core and 4 GB: the one run that shows the published size works."""
    model, expected = model_of("lgm_big"), arrays("lgm_big")
    raw = model.raw(model.inputs_of(views_of("lgm_big"), -facts("lgm_big")["elevation"]))
    assert_near(raw[:, :, ::8, ::8], expected["conv_out_sub"], most=4e-4, rms=4e-5)
    packed = activated(raw, 4).packed()
    assert_near(packed[:, expected["index"]], expected["gaussians"], most=3e-4, rms=1e-5)
    known = facts("lgm_big")["output"]["per_channel"]
    assert_near(packed[0].mean(0), torch.tensor([each["mean"] for each in known]), most=1e-5)


@torch.inference_mode()
def test_every_gaussian_is_valid_whatever_the_network_says():
    made = activated(50 * torch.randn(8, 14, 4, 4, generator=torch.Generator().manual_seed(0)), 4)
    assert made.positions.shape == (2, 64, 3)
    assert made.positions.abs().max() <= 1
    assert (made.opacities >= 0).all() and (made.opacities <= 1).all()
    assert (made.scales >= 0).all()
    assert_near(made.rotations.norm(dim=-1), torch.ones(2, 64), most=1e-6)
    assert (made.colours >= 0).all() and (made.colours <= 1).all()


def test_a_gaussian_belongs_to_view_row_and_column_in_that_order():
    raw = torch.zeros(4, 14, 2, 2)
    raw[3, 0, 1, 0] = 0.5
    made = activated(raw, 4)
    assert made.positions[0, :, 0].nonzero().tolist() == [[3 * 4 + 1 * 2 + 0]]


def test_packing_and_unpacking_lose_nothing():
    packed = torch.arange(28.0).view(2, 14)
    assert torch.equal(unpacked(packed).packed(), packed)
    with pytest.raises(ValueError, match=r"got \(2, 13\), expected \[..., N, 14\]"):
        unpacked(packed[:, :13])


def test_a_splat_of_a_batch_and_a_choice_of_its_gaussians_can_be_taken():
    batch = unpacked(torch.arange(2 * 3 * 14.0).view(2, 3, 14))
    one = batch.one(1).only(torch.tensor([True, False, True]))
    assert isinstance(one, Gaussians)
    assert torch.equal(one.packed(), batch.packed()[1, [0, 2]])


def test_pictures_of_another_size_are_refused_with_the_sizes():
    with torch.device("meta"):
        model = LGM(LGMConfig(**facts("lgm_reduced_sym")["config"]))
        with pytest.raises(ValueError, match=r"got \(1, 4, 9, 32, 32\), expected \[B, 4, 9, 16, 16\]"):
            model.raw(torch.zeros(1, 4, 9, 32, 32))


def test_a_config_whose_sizes_do_not_meet_is_refused():
    with pytest.raises(ValueError, match="expected input_size = splat_size"):
        LGMConfig(splat_size=64)
    with pytest.raises(ValueError, match="6 blocks and 5 attention flags"):
        LGMConfig(down_attention=(False,) * 5)


def test_gradients_reach_every_weight_that_is_used():
    config = LGMConfig(**facts("lgm_reduced_sym")["config"])
    torch.manual_seed(0)
    model = LGM(config)
    model(torch.randn(1, 4, 9, 16, 16)).packed().square().sum().backward()
    assert not [name for name, value in model.named_parameters() if value.grad is None]
