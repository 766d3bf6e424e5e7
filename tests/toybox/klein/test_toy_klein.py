"""The shipped toy FLUX.2 klein: small files, the right ones, and they draw and edit what they are told to."""

import hashlib
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import Flux2KleinPipeline
from PIL import Image
from torch import Tensor

from benchmarks.toy_flux import as_tensor, roundness
from toybox.judge import Verdict, load_judge
from toybox.klein.flow import Batch, Velocity
from toybox.klein.model import FOLDER, GUIDANCE, MAX_SEQUENCE_LENGTH, PICTURE_SIZE, STEPS
from toybox.klein.straighten import own_loss
from toybox.klein.text import hidden_states, tokenize
from toybox.wordings import understood_words
from toybox.world import Scene, Thing, render

README = FOLDER.parent / "README.md"
SETTINGS = {
    "num_inference_steps": STEPS,
    "guidance_scale": GUIDANCE,
    "max_sequence_length": MAX_SEQUENCE_LENGTH,
    "height": PICTURE_SIZE,
    "width": PICTURE_SIZE,
}


@pytest.fixture(scope="module")
def pipeline() -> Flux2KleinPipeline:
    opened = Flux2KleinPipeline.from_pretrained(FOLDER, dtype=torch.float32)
    opened.set_progress_bar_config(disable=True)
    return opened


def files() -> list[Path]:
    return [path for path in FOLDER.rglob("*") if path.is_file()]


def judged(picture: Image.Image) -> Verdict:
    return load_judge().look_at(as_tensor([picture]))[0]


def test_the_files_are_small_enough_for_any_host() -> None:
    sizes = [path.stat().st_size for path in files()]
    assert sum(sizes) <= 20e6
    assert max(sizes) <= 10e6


def test_the_readme_lists_the_checksum_of_every_weight_file() -> None:
    listed = dict(re.findall(r"\| `([^`]+\.safetensors)` \| [^|]+ \| `([0-9a-f]{64})` \|", README.read_text()))
    stored = {
        str(path.relative_to(FOLDER.parent)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files()
        if path.suffix == ".safetensors"
    }
    assert stored.items() <= listed.items()


def test_the_list_of_known_words_is_the_one_of_the_wordings() -> None:
    listed = json.loads((FOLDER / "known_words.json").read_text())
    assert tuple(listed["words"]) == understood_words()


def test_the_default_layers_of_the_real_klein_exist(pipeline: Flux2KleinPipeline) -> None:
    states, _ = pipeline.encode_prompt("a red ball", max_sequence_length=MAX_SEQUENCE_LENGTH)
    assert states.shape == (1, MAX_SEQUENCE_LENGTH, pipeline.transformer.config["joint_attention_dim"])


def test_training_gave_the_words_to_the_transformer_as_the_pipeline_does(pipeline: Flux2KleinPipeline) -> None:
    texts = ["a red ball on a blue background", "Make it green!", ""]
    ours = hidden_states(pipeline.text_encoder, tokenize(pipeline.tokenizer, texts))
    theirs, _ = pipeline.encode_prompt(texts, max_sequence_length=MAX_SEQUENCE_LENGTH)
    assert torch.equal(ours, theirs)


def test_a_model_that_leads_back_to_the_picture_from_wherever_it_is_has_nothing_to_learn_from_its_drawings() -> None:
    wanted, words = torch.randn(3, 64, 64), torch.zeros(3, MAX_SEQUENCE_LENGTH, 8)
    asked: list[float] = []

    def towards(strength: float) -> Velocity:
        def velocity(hidden_states: Tensor, timestep: Tensor, **_: object) -> tuple[Tensor]:
            asked.append(float(timestep[0]))
            return (strength * (hidden_states - wanted) / timestep[:, None, None],)

        return velocity

    sigmas = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.0]
    losses = [
        own_loss(towards(right), Batch(wanted, words), words[:1], sigmas, random.Random(2)) for right in (1.0, 0.8)
    ]
    assert losses[0] < 1e-6 < 1e-3 < losses[1]
    assert sorted(set(asked), reverse=True) == asked[: len(asked) // 2 : 2], "it went down by the pipeline's steps"


def test_a_disc_is_round_and_a_square_is_not() -> None:
    down, across = np.mgrid[:64, :64]
    disc = (down - 30) ** 2 + (across - 33) ** 2 <= 15**2
    assert roundness(disc) > 0.99 > 0.93 > roundness((abs(down - 30) < 13) & (abs(across - 33) < 13))


def test_it_draws_what_it_is_told(pipeline: Flux2KleinPipeline) -> None:
    picture = pipeline(prompt="a red ball on a blue background", generator=seeded(0), **SETTINGS).images[0]
    verdict = judged(picture)
    assert picture.size == (PICTURE_SIZE, PICTURE_SIZE)
    assert [look.colour for look in verdict.objects] == ["red"]
    assert verdict.background == "blue"


@pytest.mark.parametrize(
    ("prompt", "colour", "kind", "background"),
    [
        ("on a grey background sits a green cone", "green", "cone", "grey"),
        ("blue cube, green backdrop", "blue", "cube", "green"),
        ("A pink mushroom. Background: sand.", "pink", "mushroom", "sand"),
        ("There's a friendly YELLOW snowman, with a blue wall behind it!", "yellow", "snowman", "blue"),
    ],
    ids=["background first", "terse", "sentences", "filler words"],
)
def test_it_understands_wordings_that_it_was_not_trained_with(
    pipeline: Flux2KleinPipeline, prompt: str, colour: str, kind: str, background: str
) -> None:
    verdict = judged(pipeline(prompt=prompt, generator=seeded(3), **SETTINGS).images[0])
    assert verdict.objects == ((kind, colour),)
    assert verdict.background == background


def test_case_and_punctuation_do_not_matter(pipeline: Flux2KleinPipeline) -> None:
    prompts = ("a yellow cone, grey background", "A Yellow CONE grey background.")
    first, second = (pipeline(prompt=prompt, generator=seeded(1), **SETTINGS).images[0] for prompt in prompts)
    assert first.tobytes() == second.tobytes()


def test_it_edits_what_it_is_told(pipeline: Flux2KleinPipeline) -> None:
    source = render(Scene((Thing("ball", "red"),), background="grey"), PICTURE_SIZE).image
    picture = pipeline(
        image=Image.fromarray(source), prompt="make the ball green", generator=seeded(2), **SETTINGS
    ).images[0]
    verdict = judged(picture)
    assert [look.colour for look in verdict.objects] == ["green"]
    assert verdict.background == "grey"


def test_the_autoencoder_gives_back_what_it_got(pipeline: Flux2KleinPipeline) -> None:
    scene = Scene((Thing("house", "yellow", x=-0.5, scale=0.7), Thing("rocket", "purple", x=0.5, scale=0.7)), "pink")
    picture: Tensor = torch.from_numpy(render(scene, PICTURE_SIZE).image.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        latents = pipeline.vae.encode(picture * 2 - 1).latent_dist.mode()
        restored = (pipeline.vae.decode(latents).sample.clamp(-1, 1) + 1) / 2
    assert -10 * (restored - picture).square().mean().log10() > 30


def test_the_judge_knows_a_rendered_scene() -> None:
    scene = Scene((Thing("donut", "pink", x=-0.5, scale=0.7), Thing("tree", "green", x=0.5, scale=0.7)), "sand")
    verdict = judged(Image.fromarray(render(scene).image))
    assert verdict.objects == (("donut", "pink"), ("tree", "green"))
    assert verdict.background == "sand"


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
