"""Models of words: the bundled ones at work, the large ones at tiny random size, against transformers' own classes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from torchvision.transforms.functional import to_pil_image
from transformers import (
    BertTokenizerFast,  # pyright: ignore[reportAttributeAccessIssue]
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPModel,
)

from pipelines.catalog import WEIGHTS
from pipelines.hub.cache import Checkpoint
from pipelines.words import blip, clip_meaning, qwen
from pipelines.words.toy_prompts import TOY_PROMPTS, ToyPrompts
from studio.contract import Progress
from studio.errors import Cancelled, NotReady, NotSupported
from studio.validation import unknown_words
from studio.words.contract import WordsRequest
from tests.pipelines.families.test_flow_edits import clouds, ignore, on_cpu
from tests.pipelines.tiny import save_klein
from toybox.world import render, sample_scene


def stop(_progress: Progress) -> None:
    raise Cancelled


# --- CLIP -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy_clip() -> Any:
    return clip_meaning.open_checkpoint(Checkpoint(WEIGHTS / "toy-clip", "Toy CLIP", variant="toy"), [on_cpu()])


def test_toy_pictures_are_described(toy_clip: Any):
    """Measured on 60 scenes: the colour of all, the kind of 95 %, the background of all."""
    rng, right = random.Random(7), np.zeros(3)
    for _ in range(12):
        scene = sample_scene(rng, count=1, split="any")
        picture = to_pil_image(render(scene, size=64, supersampling=1).image)
        said = toy_clip.run(WordsRequest(picture, "describe"), ignore)
        thing = scene.objects[0]
        assert said[0].isupper() and said.endswith(" background.")
        right += (f" {thing.colour} " in said, f" {thing.kind} " in said, f" {scene.background} " in said)
    assert (right >= (11, 9, 11)).all(), right


def test_words_and_pictures_that_mean_the_same_lie_near(toy_clip: Any):
    picture = to_pil_image(render(sample_scene(random.Random(3), count=1), size=64, supersampling=1).image)
    seen = toy_clip.run(WordsRequest(picture), ignore)
    said = toy_clip.run(WordsRequest(picture, "describe"), ignore)
    right, wrong = (toy_clip.run(WordsRequest(words=each), ignore) for each in (said, "a walrus in the rain"))
    assert seen.dtype == np.float32 and np.linalg.norm(seen) == pytest.approx(1, abs=1e-5)
    assert seen @ right > seen @ wrong
    model: Any = CLIPModel.from_pretrained(WEIGHTS / "toy-clip", dtype=torch.float32).eval()
    tokens = toy_clip._tokenizer([said], padding="max_length", max_length=32, return_tensors="pt")
    with torch.no_grad():
        plain = model.get_text_features(**tokens).pooler_output[0]
    assert np.allclose(right, plain / plain.norm(), atol=1e-5)
    assert toy_clip.run(WordsRequest(words="word " * 500), ignore).shape == right.shape


# --- BLIP -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: weights, configuration and tokenizer in one folder."""
    folder = tmp_path_factory.mktemp("blip")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "a", "red", "ball", "cat", "on", "sand"]
    inner = Tokenizer(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer = BertTokenizerFast(tokenizer_object=inner, bos_token="[DEC]")
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": 5, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    config = BlipConfig(
        text_config=small | ends | {"vocab_size": len(words), "encoder_hidden_size": 16, "projection_dim": 16},
        vision_config=small | {"image_size": 32, "patch_size": 16},
    )
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    return folder


def test_blip_says_what_transformers_own_classes_say(blip_folder: Path):
    model = blip.open_checkpoint(Checkpoint(blip_folder / "model.safetensors", "BLIP"), [on_cpu()])
    seen: list[Progress] = []
    said = model.run(WordsRequest(clouds(1)), seen.append)
    network: Any = BlipForConditionalGeneration.from_pretrained(blip_folder)
    processor: Any = BlipProcessor.from_pretrained(blip_folder)
    with torch.no_grad():
        inputs = processor(images=clouds(1), return_tensors="pt")
        tokens = network.eval().generate(**inputs, max_new_tokens=blip.LONGEST, num_beams=3)
    plain = processor.decode(tokens[0], skip_special_tokens=True).strip()
    assert said == (f"{plain[:1].upper()}{plain[1:]}." if plain else "")
    assert seen[0] == Progress(0, blip.LONGEST) and len(seen) > 1
    with pytest.raises(Cancelled):
        model.run(WordsRequest(clouds(1)), stop)
    model.close()


def test_damaged_weights_are_refused(blip_folder: Path, tmp_path: Path):
    for path in blip_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    kept = tmp_path / "model.safetensors"
    kept.write_bytes(kept.read_bytes()[:-100])
    with pytest.raises(NotReady, match="cannot be opened"):
        blip.open_checkpoint(Checkpoint(kept, "BLIP"), [on_cpu()])
    with pytest.raises(NotReady, match="cannot be opened"):
        qwen.open_checkpoint(Checkpoint(tmp_path, "Qwen3"), [on_cpu()])
    with pytest.raises(NotReady, match="cannot be opened"):
        clip_meaning.open_checkpoint(Checkpoint(kept, "CLIP"), [on_cpu()])


# --- prompts ----------------------------------------------------------------------------------------------------------


def test_kleins_text_encoder_writes(tmp_path: Path):
    """At tiny random size it writes nonsense, and the same nonsense again."""
    model = qwen.open_checkpoint(Checkpoint(save_klein(tmp_path), "Qwen3"), [on_cpu()])
    seen: list[Progress] = []
    said = model.run(WordsRequest(words="a red ball"), seen.append)
    assert isinstance(said, str) and said == model.run(WordsRequest(words="a red ball"), ignore)
    assert seen[-1].steps == qwen.LONGEST and len(seen) > 1
    with pytest.raises(Cancelled):
        model.run(WordsRequest(words="a red ball"), stop)
    model.close()


@pytest.mark.parametrize(
    "wish",
    [
        "ball",
        "a tree and a snowman",
        "small rocket",
        "red ball on a blue background",
        "two donuts and a can",
        "orange cone",
    ],
)
def test_toy_prompts_keep_what_was_asked_for_and_say_the_rest(wish: str):
    said = ToyPrompts().run(WordsRequest(words=wish), ignore)
    known = TOY_PROMPTS.known_words
    assert known is not None and not unknown_words(said.replace("two donuts", ""), known())
    assert said == ToyPrompts().run(WordsRequest(words=wish), ignore)
    assert "background" in said and all(word in said.split() for word in wish.split() if word != "a")
    assert said == wish or len(said) > len(wish)


def test_a_prompt_without_toys_is_refused():
    with pytest.raises(NotSupported, match="Name one of: ball"):
        ToyPrompts().run(WordsRequest(words="a walrus"), ignore)
    assert ToyPrompts().run(WordsRequest(words="The Ball."), ignore).count("ball") == 1


def test_what_is_looked_at_may_have_any_shape(toy_clip: Any):
    for size in ((1, 1), (300, 5), (5, 300)):
        assert np.isfinite(toy_clip.run(WordsRequest(Image.new("RGB", size)), ignore)).all()
