"""The architecture of the toy LGM and how it is saved: LGM's classes at a tiny size."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lgm.config import PARAMETERS, LGMConfig
from lgm.model import LGM
from toybox.solid.grids import SIDE

FOLDER = Path("weights/toy-lgm")
CONFIG_NAME, WEIGHTS_NAME = "config.json", "model.safetensors"
CONFIG = LGMConfig(
    input_size=SIDE,
    down_channels=(32, 64, 96, 64),
    down_attention=(False, False, True, True),
    up_channels=(64, 96, 64, 32),
    up_attention=(True, True, False, False),
    splat_size=SIDE,
    output_size=2 * SIDE,
    num_heads=4,
)
"""As many levels up as down: one Gaussian for every pixel of the four views."""

FIRST_SCALE, FIRST_OPACITY = 0.006, 0.1
"""The output of an untrained network: a quarter of a pixel of a view, and almost transparent."""


def build_model(config: LGMConfig = CONFIG) -> LGM:
    """An untrained model in training mode; the caller seeds torch."""
    model = LGM(config)
    says = torch.zeros(PARAMETERS)  # in the order of `Gaussians.packed`
    says[3] = torch.logit(torch.tensor(FIRST_OPACITY))
    says[4:7] = torch.expm1(torch.tensor(10 * FIRST_SCALE)).log()  # inverse softplus
    says[7] = 1
    model.conv.bias = nn.Parameter(says)
    nn.init.normal_(model.conv.weight, std=0.5 / PARAMETERS**0.5)
    return model


def save_model(model: LGM, folder: Path) -> None:
    """Writes the weights as float16, and the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS_NAME)
    (folder / CONFIG_NAME).write_text(json.dumps(asdict(model.config), indent=2) + "\n")
    (folder / WEIGHTS_NAME).chmod(0o644)


def load_model(folder: Path = FOLDER) -> LGM:
    """The saved model as float32, in evaluation mode."""
    model = LGM(LGMConfig(**json.loads((folder / CONFIG_NAME).read_text())))
    model.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS_NAME).items()})
    return model.eval()
