"""The architecture of the toy FLUX.2 klein and how it is saved: the pipeline's classes at a tiny size."""

import json
from pathlib import Path

from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Transformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM

from toybox.klein.tokenizer import build_tokenizer
from toybox.wordings import MORE_COLOUR_NAMES, MORE_KIND_NAMES, every_word, understood_words
from toybox.words import BACKGROUND_NAMES, COLOUR_NAMES, KIND_NAMES, SIZE_NAMES

PICTURE_SIZE, TRAINING_SIZE = 256, 128
"""What it draws, and the pictures that all stages but the last are trained on; both have 16 x 16 latents."""
MAX_SEQUENCE_LENGTH = 32
STEPS, GUIDANCE = 8, 3.0
TEXT_OUT_LAYERS = (9, 18, 27)
TEXT_WIDTH = 64
LATENT_CHANNELS = 16
FOLDER = Path("weights/toy-klein")


def build_autoencoder(size: int) -> AutoencoderKLFlux2:
    """An untrained autoencoder: pictures of `TRAINING_SIZE` or `PICTURE_SIZE` to 16 x 16 latents with 16 channels."""
    channels = (16, 32, 64, 64) if size == TRAINING_SIZE else (16, 16, 32, 64, 64)
    return AutoencoderKLFlux2(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=size,
    )


def build_text_encoder(tokenizer: Qwen2Tokenizer) -> Qwen3ForCausalLM:
    """An untrained text encoder, deep enough for the layers that FLUX.2 klein reads."""
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=128,
        num_hidden_layers=max(TEXT_OUT_LAYERS),
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    return Qwen3ForCausalLM(config)


def build_transformer() -> Flux2Transformer2DModel:
    """An untrained flow transformer: 8 x 8 picture tokens of 2 x 2 latents."""
    return Flux2Transformer2DModel(
        in_channels=4 * LATENT_CHANNELS,
        num_layers=2,
        num_single_layers=6,
        attention_head_dim=32,
        num_attention_heads=6,
        joint_attention_dim=len(TEXT_OUT_LAYERS) * TEXT_WIDTH,
        axes_dims_rope=(8, 8, 8, 8),
        guidance_embeds=False,
    )


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Euler steps with a fixed time shift: klein's formula is made for thousands of tokens, and there are 64 here."""
    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=False, shift=2.0)


def build_pipeline() -> Flux2KleinPipeline:
    """The whole pipeline with its final tokenizer and random weights, and the autoencoder of `TRAINING_SIZE`."""
    tokenizer = build_tokenizer(every_word())
    return Flux2KleinPipeline(
        scheduler=build_scheduler(),
        vae=build_autoencoder(TRAINING_SIZE),
        text_encoder=build_text_encoder(tokenizer),
        tokenizer=tokenizer,
        transformer=build_transformer(),
        is_distilled=False,
    )


def save_pipeline(pipeline: Flux2KleinPipeline, folder: Path) -> None:
    """Writes the pipeline as float16 in files below 10 MB, with a list of the words it knows.

    The pipeline is converted to float16 in place.
    """
    for module in (pipeline.vae, pipeline.text_encoder, pipeline.transformer):
        module.half()
    pipeline.save_pretrained(folder, max_shard_size="9MB", safe_serialization=True)
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)
    words = {
        "kinds": {kind: (*names, *MORE_KIND_NAMES.get(kind, ())) for kind, names in KIND_NAMES.items()},
        "colours": {colour: (*names, *MORE_COLOUR_NAMES.get(colour, ())) for colour, names in COLOUR_NAMES.items()},
        "backgrounds": BACKGROUND_NAMES,
        "sizes": SIZE_NAMES,
        "words": understood_words(),
    }
    (folder / "known_words.json").write_text(json.dumps(words, indent=1) + "\n")
