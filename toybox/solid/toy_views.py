"""The architecture of the toy ImageDream and how it is saved: the pipeline's classes at a tiny size."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from lgm.config import MultiViewUNetConfig
from lgm.multiview_unet import MultiViewUNet
from toybox.solid.grids import SIDE

FOLDER = Path("weights/toy-views")
LATENT_SIDE = SIDE // 4
WORD_WIDTH, WORDS = 64, 8
PICTURE_WIDTH, PATCH = 128, 8

UNET = MultiViewUNetConfig(
    image_size=LATENT_SIDE,
    model_channels=64,
    attention_resolutions=(1, 2),
    num_res_blocks=1,
    channel_mult=(1, 2),
    num_head_channels=32,
    context_dim=WORD_WIDTH,
    ip_dim=8,
    ip_width=PICTURE_WIDTH,
)
SPECIAL_TOKENS = ("<|startoftext|>", "<|endoftext|>")
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""CLIP's values, as in openai/clip-vit-large-patch14 preprocessor_config.json."""


@dataclass(frozen=True)
class Parts:
    """All networks; only the first three are trained."""

    unet: MultiViewUNet
    vae: AutoencoderKL
    image_encoder: CLIPVisionModel
    text_encoder: CLIPTextModel


def build_parts() -> Parts:
    """Untrained networks; the caller seeds torch."""
    return Parts(MultiViewUNet(UNET), build_autoencoder(), build_image_encoder(), build_text_encoder())


def build_autoencoder() -> AutoencoderKL:
    """64 x 64 pixels to 16 x 16 latents with 4 channels."""
    return AutoencoderKL(
        block_out_channels=(32, 64, 64),  # type: ignore[arg-type]
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"),  # type: ignore[arg-type]
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"),  # type: ignore[arg-type]
        layers_per_block=1,
        latent_channels=UNET.in_channels,
        norm_num_groups=16,
        mid_block_add_attention=False,
        sample_size=SIDE,
    )


def build_image_encoder() -> CLIPVisionModel:
    """The pipeline reads the tokens of its second-last layer: 64 patches and the class token."""
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=PICTURE_WIDTH,
            intermediate_size=2 * PICTURE_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            image_size=SIDE,
            patch_size=PATCH,
            projection_dim=PICTURE_WIDTH,
        )
    )


def build_text_encoder() -> CLIPTextModel:
    """Untrained: the same words always give the same states, whose values do not matter, as the words never change."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(build_tokenizer()),
            hidden_size=WORD_WIDTH,
            intermediate_size=WORD_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=WORDS,
            projection_dim=WORD_WIDTH,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    ).requires_grad_(False)


def build_tokenizer() -> CLIPTokenizer:
    """Single letters, within and at the end of a word; no merges."""
    letters = sorted(bytes_to_unicode().values())
    tokens = (*SPECIAL_TOKENS, *letters, *(f"{letter}</w>" for letter in letters))
    return CLIPTokenizer(vocab={token: index for index, token in enumerate(tokens)}, merges=[], model_max_length=WORDS)


def build_scheduler() -> DDIMScheduler:
    """Source of the values: ashawkey/imagedream-ipmv-diffusers scheduler/scheduler_config.json.

    The toy predicts velocities (Salimans and Ho, 2022) where ImageDream predicts noise: at high noise levels, noise is
    easily predicted from the input alone, and what the views show is learned far later.
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
    )


def build_image_processor() -> CLIPImageProcessorPil:
    """As published, but at the toy's size."""
    square = {"height": SIDE, "width": SIDE}
    return CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size=square, image_mean=list(MEAN), image_std=list(STD)
    )


@torch.no_grad()
def words_of(encoder: CLIPTextModel) -> torch.Tensor:
    """The states of the empty prompt, (1, WORDS, WORD_WIDTH)."""
    ids = build_tokenizer()([""], padding="max_length", max_length=WORDS, return_tensors="pt").input_ids
    return encoder(ids)[0]


def save_parts(parts: Parts, folder: Path) -> None:
    """Writes all networks as float16, in the layout of ashawkey/imagedream-ipmv-diffusers."""
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous() for name, value in parts.unet.state_dict().items()}
    save_file(weights, folder / "unet" / "diffusion_pytorch_model.safetensors")
    (folder / "unet" / "config.json").write_text(json.dumps(asdict(parts.unet.config), indent=2) + "\n")
    for name in ("vae", "image_encoder", "text_encoder"):
        network = getattr(parts, name)
        kept = {key: value.clone() for key, value in network.state_dict().items()}
        network.half().save_pretrained(folder / name)
        network.float().load_state_dict(kept)
    build_tokenizer().save_pretrained(folder / "tokenizer")
    build_image_processor().save_pretrained(folder / "feature_extractor")
    build_scheduler().save_pretrained(folder / "scheduler")
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
