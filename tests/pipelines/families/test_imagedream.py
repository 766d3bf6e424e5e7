"""ImageDream as a pipeline: against the published code's numbers on small parts, and as a model of Diorama."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
)

from pipelines.families.imagedream import ImageDream, Noise, Parts, open_imagedream, token_ids
from pipelines.speed.background_compile import BackgroundCompiled
from studio.contract import Progress
from studio.errors import Cancelled, NotReady, StudioError
from studio.solid.contract import ViewsRequest
from tests.lgm.reference import arrays, assert_near, facts, images, normal
from tests.pipelines.conftest import ignore
from tests.pipelines.tiny_views import LOOP, picture, reference_parts, save_imagedream

TAG, SET = "public/pipeline_loop", "public"
EXPECTED = arrays("pipeline_loop")


@pytest.fixture(scope="module")
def parts() -> Parts:
    return reference_parts()


@pytest.fixture(scope="module")
def reference(parts: Parts) -> ImageDream:
    return ImageDream(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_imagedream(tmp_path_factory.mktemp("imagedream") / "tiny")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> ImageDream:
    return open_imagedream(folder, label="Tiny", revision="abc")


def order(seed: int = 1, **changes: float) -> ViewsRequest:
    asked = {"elevation_deg": 0.0, "steps": 2, "guidance": 5.0} | changes
    return ViewsRequest(picture(), asked["elevation_deg"], seed, int(asked["steps"]), asked["guidance"])


# --- the published numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "kind", "settings", "prefix"),
    [
        ("vae", AutoencoderKL, None, ""),
        ("text_encoder", CLIPTextModel, CLIPTextConfig, "text_model."),
        ("image_encoder", CLIPVisionModel, CLIPVisionConfig, "vision_model."),
    ],
)
def test_the_libraries_own_parts_have_the_published_keys_and_shapes(part: str, kind: Any, settings: Any, prefix: str):
    known = facts(f"imagedream_{part}_keys")
    with torch.device("meta"):
        made = kind(settings(**known["config"])) if settings else kind(**known["config"])
    assert {prefix + key: list(value.shape) for key, value in made.state_dict().items()} == known["keys"]


def test_the_words_are_read_as_the_published_code_reads_them(parts: Parts):
    assert_near(parts.words[0], EXPECTED["prompt_embeds_neg"], most=3e-4)
    assert_near(parts.words[1], EXPECTED["prompt_embeds_pos"], most=3e-4)


def test_texts_begin_end_and_are_filled_up_as_the_published_tokenizer_does(folder: Path):
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = token_ids(tokenizer, 77)
    begin, end = tokenizer.convert_tokens_to_ids(["<|startoftext|>", "<|endoftext|>"])
    assert ids.shape == (2, 77)
    assert ids[1].tolist() == [begin, end, *[0] * 75], "the empty prompt, filled up with '!'"
    assert ids[0, 0] == begin and ids[0, -1] == end, "cut to length, its end kept"


@torch.inference_mode()
def test_the_picture_is_seen_as_the_published_code_sees_it(reference: ImageDream):
    shown = images(f"{TAG}/image", 1, 300)[0].permute(1, 2, 0)
    noise = normal(f"{TAG}/vae_noise", 1, 4, 32, 32)
    seen = reference.seen((shown.numpy() * 255).astype(np.uint8), shown, noise)
    assert_near(seen.tokens[1, :, ::4], EXPECTED["image_embeds_pos"], most=3e-4)
    assert not seen.tokens[0].any(), "the unguided half sees no picture"
    assert_near(seen.latents, EXPECTED["ip_img"], most=3e-4)


@torch.inference_mode()
def test_the_whole_loop_gives_the_published_latents_and_pictures(reference: ImageDream):
    shown = images(f"{TAG}/image", 1, 300)[0].permute(1, 2, 0)
    noise = Noise(normal(f"{TAG}/latents", 5, 4, 32, 32), normal(f"{TAG}/vae_noise", 1, 4, 32, 32))
    seen = reference.seen((shown.numpy() * 255).astype(np.uint8), shown, noise.posterior)
    numbers: list[int] = []
    latents = reference.denoised(
        seen,
        noise.latents,
        elevation_deg=LOOP["call"]["elevation"],
        steps=LOOP["call"]["num_inference_steps"],
        guidance=LOOP["call"]["guidance_scale"],
        report=lambda number, _clean: numbers.append(number),
    )
    assert numbers == [1, 2, 3]
    assert_near(latents, EXPECTED["latents_final"], most=3e-3, rms=3e-4)
    assert_near(reference.decoded(latents)[:, ::4, ::4], EXPECTED["images_sub"], most=3e-4)


def test_the_scheduler_steps_as_the_published_one():
    known, expected = facts("scheduler"), arrays("scheduler")
    scheduler = DDIMScheduler(**{key: value for key, value in known["config"].items() if not key.startswith("_")})
    assert_near(scheduler.betas, expected["betas"], most=1e-5)
    assert_near(scheduler.alphas_cumprod, expected["alphas_cumprod"], most=1e-5)
    assert scheduler.final_alpha_cumprod.item() == pytest.approx(expected["final_alpha_cumprod"].item())
    for count in (3, 30, 50):
        scheduler.set_timesteps(count)
        assert scheduler.timesteps.tolist() == expected[f"timesteps_{count}"].tolist()
        sample, trajectory = normal(f"{SET}/sched/x", 2, 4, 8, 8), []
        for i, timestep in enumerate(scheduler.timesteps):
            sample = scheduler.step(normal(f"{SET}/sched/eps{i}", 2, 4, 8, 8), timestep, sample).prev_sample
            trajectory.append(sample)
        shown = trajectory if count <= 4 else [trajectory[0], trajectory[count // 2], trajectory[-1]]
        wanted = expected[f"trajectory_{count}"]
        # Relative: after 50 steps values reach 20, and how float32 rounds on the way differs between processors.
        assert_near(torch.stack(shown), wanted, most=1e-5 * max(1.0, wanted.abs().max().item()))


@pytest.mark.parametrize("side", [256, 330])
def test_pictures_are_prepared_as_the_published_processor_does(side: int):
    shown, expected = images(f"public/clip/image{side}", 1, side)[0], arrays("clip_preprocess")
    pixels = (shown.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    assert pixels.sum((0, 1)).tolist() == expected[f"u8_{side}_sum"].tolist()
    given = CLIPImageProcessorPil()(pixels, return_tensors="pt").pixel_values
    assert_near(given[:, :, ::7, ::7], expected[f"pixel_values_{side}_sub"], most=3e-4)
    small = F.interpolate(2 * shown[None] - 1, (256, 256), mode="bilinear")
    assert_near(small[:, :, ::8, ::8], expected[f"vae_input_{side}_sub"], most=3e-4)


# --- as a model -------------------------------------------------------------------------------------------------------


def test_four_views_come_of_a_picture_and_the_same_again_of_the_same_seed(tiny: ImageDream):
    told: list[Progress] = []
    result = tiny.run(order(), told.append)
    assert [(view.mode, view.size) for view in result.images] == [("RGB", (16, 16))] * 4
    assert (result.seed, result.revision) == (1, "abc")
    assert [(each.step, each.steps) for each in told] == [(0, 2), (1, 2), (2, 2)]
    assert told[1].preview is not None and told[1].preview.size == (16, 16)
    again = tiny.run(order(), ignore)
    assert [view.tobytes() for view in again.images] == [view.tobytes() for view in result.images]


@pytest.mark.parametrize("change", [{"seed": 2}, {"elevation_deg": 30.0}, {"steps": 3}, {"guidance": 2.0}])
def test_whatever_is_asked_for_changes_the_views(tiny: ImageDream, change: dict):
    one = tiny.run(order(), ignore).images[0].tobytes()
    assert tiny.run(order(**change), ignore).images[0].tobytes() != one


def test_without_guidance_the_unguided_half_is_not_computed(tiny: ImageDream):
    batches = []
    unet = tiny._parts.unet
    handle = unet.input_blocks[0].register_forward_hook(lambda _module, given, _out: batches.append(len(given[0])))
    tiny.run(order(guidance=1.0), ignore)
    tiny.run(order(guidance=1.5), ignore)
    handle.remove()
    assert batches == [5, 5, 10, 10]


def test_the_network_is_compiled_while_it_works_plainly_and_answers_alike_then(folder: Path, tiny: ImageDream):
    """By the compiler's front end: one graph of the whole network. Kernels are made in test_stable_diffusion."""
    model = open_imagedream(folder, label="Tiny", revision="abc")
    compiled = model.compile_in_background(backend="aot_eager")
    first = model.run(order(), ignore)
    compiled.wait()
    assert compiled.is_compiled
    plain = tiny.run(order(), ignore)
    for result in (first, model.run(order(), ignore)):
        for view, wanted in zip(result.images, plain.images, strict=True):
            assert np.abs(np.asarray(view, int) - np.asarray(wanted, int)).max() <= 2
    unguided = order(guidance=1.0)  # another shape: plainly
    assert model.run(unguided, ignore).images == tiny.run(unguided, ignore).images
    model.close()


@pytest.mark.parametrize("fault", ["no graph", "another answer"])
def test_a_network_that_cannot_be_compiled_goes_on_plainly(fault: str):
    def answer(batch: torch.Tensor) -> torch.Tensor:
        if fault == "no graph":
            torch._dynamo.graph_break()
            return 2 * batch
        return 2 * batch + torch.rand_like(batch)  # never the same twice

    network, batch = BackgroundCompiled(answer, backend="aot_eager"), torch.ones(64)
    for _ in range(2):
        assert network(batch).min() >= 2
        network.wait()
        assert not network.is_compiled


def test_the_views_are_in_the_order_of_lgm(tiny: ImageDream):
    """ImageDream's frame 1 is LGM's front; the fifth is not shown."""
    noise = tiny.noise(1)
    pixels = np.asarray(picture())
    with torch.inference_mode():
        seen = tiny.seen(pixels, torch.from_numpy(pixels.astype(np.float32) / 255), noise.posterior)
        frames = tiny.decoded(tiny.denoised(seen, noise.latents, elevation_deg=0, steps=2, guidance=5))
    shown = [np.asarray(view) for view in tiny.run(order(), ignore).images]
    for view, frame in enumerate((1, 2, 3, 0)):
        assert np.abs(shown[view] - 255 * frames[frame].numpy()).max() <= 1


def test_stop_ends_it_at_the_next_step(tiny: ImageDream):
    told = []

    def stop(progress: Progress) -> None:
        told.append(progress.step)
        if progress.step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        tiny.run(order(steps=5), stop)
    assert told == [0, 1]
    assert len(tiny.run(order(), ignore).images) == 4


def test_numbers_that_are_no_picture_are_told_in_a_sentence(folder: Path):
    broken = open_imagedream(folder, label="Tiny")
    with torch.no_grad():
        broken._parts.unet.out[2].bias.fill_(torch.nan)
    with pytest.raises(StudioError, match="Tiny produced invalid numbers, not a picture"):
        broken.run(order(), ignore)


def test_the_encoders_get_the_weights_of_files_with_the_published_keys(folder: Path, tiny: ImageDream):
    """Their own names have no prefix; a loader that missed the file's would make weights up."""
    kept = load_file(folder / "image_encoder" / "model.safetensors")
    loaded = tiny._parts.image_encoder.state_dict()
    for key, value in kept.items():
        assert torch.equal(loaded[key.removeprefix("vision_model.")], value)


def test_closing_lets_go_of_everything(folder: Path):
    model = open_imagedream(folder)
    model.close()
    assert not hasattr(model, "_parts")


# --- files that do not belong together --------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return save_imagedream(tmp_path / "copy")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "image_encoder"])
def test_a_part_that_lacks_a_weight_is_refused_not_made_up(copy: Path, part: str):
    path = next((copy / part).glob("*.safetensors"))
    weights = load_file(path)
    weights.pop(next(key for key in weights if key.endswith("bias")))
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(NotReady, match=r"The weights of Tiny in .* cannot be opened \(.*lacks.* Fetch them again\.$"):
        open_imagedream(copy, label="Tiny")


@pytest.mark.parametrize(
    "file", ["unet/config.json", "vae/diffusion_pytorch_model.safetensors", "tokenizer/vocab.json"]
)
def test_a_missing_file_is_refused(copy: Path, file: str):
    (copy / file).unlink()
    with pytest.raises(NotReady, match="cannot be opened"):
        open_imagedream(copy)


def test_a_cut_file_is_refused(copy: Path):
    path = copy / "image_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(NotReady, match="cannot be opened"):
        open_imagedream(copy)


def test_the_config_of_another_network_is_refused(copy: Path):
    (copy / "unet" / "config.json").write_text(json.dumps({"down_block_types": []}))
    with pytest.raises(NotReady, match="down_block_types"):
        open_imagedream(copy)
