"""The architecture of the toy SAM 2 and how it is saved: the package's classes at a tiny size."""

from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from sam2.modeling.sam.transformer import Attention, TwoWayAttentionBlock
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_image_predictor import SAM2ImagePredictor

PICTURE_SIZE = 384
"""Side of the pictures that the finished model sees; most of the training uses smaller ones."""
FOLDER = Path("weights/toy-sam")
CONFIG_NAME, WEIGHTS_NAME = "config.yaml", "model.safetensors"

_WIDTH = 128
_POINTING, _QUIET = 2.0, 0.3
"""Large enough that a position attends mostly to its neighbours among 256; small beside the positional encoding."""

_BACKBONES = "sam2.modeling.backbones"
CONFIG: dict[str, Any] = {
    "model": {
        "_target_": "sam2.modeling.sam2_base.SAM2Base",
        "image_encoder": {
            "_target_": f"{_BACKBONES}.image_encoder.ImageEncoder",
            "scalp": 1,
            "trunk": {
                "_target_": f"{_BACKBONES}.hieradet.Hiera",
                "embed_dim": 32,
                "num_heads": 1,
                "stages": [1, 2, 6, 2],
                "window_spec": [8, 8, 16, 8],
                "global_att_blocks": [4, 5, 6, 7, 8, 10],
                "window_pos_embed_bkg_spatial_size": [8, 8],
            },
            "neck": {
                "_target_": f"{_BACKBONES}.image_encoder.FpnNeck",
                "position_encoding": {
                    "_target_": "sam2.modeling.position_encoding.PositionEmbeddingSine",
                    "num_pos_feats": _WIDTH,
                    "normalize": True,
                    "scale": None,
                    "temperature": 10000,
                },
                "d_model": _WIDTH,
                "backbone_channel_list": [256, 128, 64, 32],
                "fpn_top_down_levels": [2, 3],
                "fpn_interp_model": "nearest",
            },
        },
        "memory_attention": None,
        "memory_encoder": None,
        "num_maskmem": 1,
        "image_size": PICTURE_SIZE,
        "directly_add_no_mem_embed": True,
        "use_high_res_features_in_sam": True,
        "multimask_output_in_sam": True,
        "iou_prediction_use_sigmoid": True,
    }
}
"""In the format of the package's configurations; there is no memory, because it never sees videos.

Source of the format and of everything not said here: sam2/configs/sam2.1/sam2.1_hiera_t.yaml.
"""


def build_model(size: int = PICTURE_SIZE) -> SAM2Base:
    """An untrained model in training mode for pictures of this side length, a multiple of 32; the caller seeds torch.

    The weights have the same names and shapes for every size.
    """
    model: SAM2Base = instantiate(OmegaConf.create(CONFIG)["model"], _recursive_=True, image_size=size)
    _let_tokens_look_where_they_point(model)
    return model


def save_model(model: SAM2Base, folder: Path) -> None:
    """Writes the weights as float16, and the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS_NAME)
    OmegaConf.save(OmegaConf.create(CONFIG), folder / CONFIG_NAME)
    (folder / WEIGHTS_NAME).chmod(0o644)


def load_model(folder: Path = FOLDER) -> SAM2Base:
    """The saved model as float32, in evaluation mode."""
    model: SAM2Base = instantiate(OmegaConf.select(OmegaConf.load(folder / CONFIG_NAME), "model"), _recursive_=True)
    weights = load_file(folder / WEIGHTS_NAME)
    model.load_state_dict({name: value.float() for name, value in weights.items()}, strict=True)
    return model.eval()


def predictor_for(model: SAM2Base) -> SAM2ImagePredictor:
    """The package's predictor with the size of this model's features: it assumes 1024 pixels."""
    predictor = SAM2ImagePredictor(model)
    size = model.image_size
    predictor._bb_feat_sizes = [(size // 4, size // 4), (size // 8, size // 8), (size // 16, size // 16)]
    return predictor


def _let_tokens_look_where_they_point(model: SAM2Base) -> None:
    """Initialises the decoder's attention with equal query and key projections, and with small learned tokens.

    Both sides have the same positional encoding, so a click attends to the picture around it, and the picture around a
    click to it, from the first step, unless larger values drown that encoding. Whether this learns faster than the
    usual initialisation has not been measured: after 140 steps, the single mask was empty with both.
    """
    for module in (*model.sam_prompt_encoder.modules(), *model.sam_mask_decoder.modules()):
        if isinstance(module, torch.nn.Embedding):
            torch.nn.init.normal_(module.weight, std=_QUIET)
        elif isinstance(module, TwoWayAttentionBlock):
            torch.nn.init.constant_(module.norm1.weight, _QUIET)
        elif isinstance(module, Attention):
            torch.nn.init.orthogonal_(module.q_proj.weight, gain=_POINTING)
            with torch.no_grad():
                module.k_proj.weight.copy_(module.q_proj.weight)
