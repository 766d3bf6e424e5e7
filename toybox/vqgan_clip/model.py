"""The architectures of the toy VQGAN and the toy CLIP and how they are saved: the libraries' classes at a tiny size."""

import json
from collections.abc import Iterable
from pathlib import Path

from diffusers import VQModel
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from toybox.captions import known_words
from toybox.klein.model import TRAINING_SIZE

VQGAN_FOLDER, CLIP_FOLDER = Path("weights/toy-vqgan"), Path("weights/toy-clip")
CLIP_SIDE, CLIP_WIDTH, WORDS = 64, 128, 32
WORDS_NAME = "known_words.json"
SPECIAL_TOKENS = ("<|startoftext|>", "<|endoftext|>")
_BLOCKS = 5


def build_vqgan() -> VQModel:
    """An untrained VQGAN: 128 x 128 pixels to 8 x 8 codes out of 512, each a vector of 16 numbers.

    Its layers at 16 x 16 and above have the shapes of those of the toy FLUX.2's smaller autoencoder.
    """
    return VQModel(
        down_block_types=("DownEncoderBlock2D",) * (_BLOCKS - 1) + ("AttnDownEncoderBlock2D",),
        up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * (_BLOCKS - 1),
        block_out_channels=(16, 32, 64, 64, 128),
        layers_per_block=1,
        latent_channels=64,
        sample_size=TRAINING_SIZE,
        num_vq_embeddings=512,
        vq_embed_dim=16,
        norm_num_groups=8,
    )


def build_clip() -> CLIPModel:
    """An untrained CLIP: embeds pictures of 64 x 64 and captions of at most 32 tokens in 128 dimensions."""
    text = {
        "vocab_size": len(build_tokenizer(known_words())),
        "hidden_size": CLIP_WIDTH,
        "intermediate_size": 2 * CLIP_WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": WORDS,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    vision = {
        "hidden_size": CLIP_WIDTH,
        "intermediate_size": 2 * CLIP_WIDTH,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "image_size": CLIP_SIDE,
        "patch_size": 8,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=CLIP_WIDTH))


def build_tokenizer(words: Iterable[str]) -> CLIPTokenizer:
    """A tokenizer with one token for each of the words that spells any other.

    A word is built from right to left: every merge joins one more letter and an ending. So at most one merge applies
    at a time, and a known word always becomes one token.

    Args:
        words: lower case, ASCII.
    """
    letters = sorted(bytes_to_unicode().values())
    tokens = (*SPECIAL_TOKENS, *letters, *(f"{letter}</w>" for letter in letters))
    vocabulary = {token: index for index, token in enumerate(tokens)}
    merges: list[tuple[str, str]] = []
    for word in sorted(set(words)):
        ending = f"{word[-1]}</w>"
        for letter in reversed(word[:-1]):
            if (joined := letter + ending) not in vocabulary:
                vocabulary[joined] = len(vocabulary)
                merges.append((letter, ending))
            ending = joined
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]  # the underlying BPE takes pairs
        model_max_length=WORDS,
    )


def save_vqgan(model: VQModel, folder: Path) -> None:
    """Writes the VQGAN as float16, with the words that its CLIP knows; the model is converted in place."""
    model.half().save_pretrained(folder)
    (folder / WORDS_NAME).write_text(json.dumps({"words": known_words()}, indent=1) + "\n")
    _open_to_all(folder)


def save_clip(model: CLIPModel, folder: Path) -> None:
    """Writes the CLIP model as float16 with its tokenizer; the model is converted in place."""
    model.half().save_pretrained(folder)
    build_tokenizer(known_words()).save_pretrained(folder)
    _open_to_all(folder)


def _open_to_all(folder: Path) -> None:
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
