"""Real diffusers and transformers classes at tiny size, written to disk and opened as the big ones are."""

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.device import Place, best_place
from pipelines.flux import Checkpoint, Flux2Klein
from studio.contract import ImageRequest, Progress, Size
from studio.errors import Cancelled, NotReady, Skipped
from toybox.klein.model import build_pipeline, save_pipeline

ON_CPU = Place(torch.device("cpu"), torch.float32)
REQUEST = ImageRequest("a red ball on a grey background", Size(64, 64), seed=3, steps=3, guidance=1.0)


def ignore(_progress: Progress) -> None:
    pass


def pixels(picture: Image.Image | None) -> np.ndarray:
    assert picture is not None
    return np.asarray(picture).astype(int)


@pytest.fixture(scope="module")
def klein(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("random-klein")
    torch.manual_seed(0)
    save_pipeline(build_pipeline(), folder)
    model = Flux2Klein(Checkpoint(str(folder), text_tokens=32), ON_CPU)
    yield model
    model.close()


def with_(request: ImageRequest, **changes) -> ImageRequest:
    return ImageRequest(**{**request.__dict__, **changes})


def test_a_seed_gives_the_same_picture_every_time(klein):
    first, again = klein.run(REQUEST, ignore), klein.run(REQUEST, ignore)
    other = klein.run(with_(REQUEST, seed=4), ignore)
    assert first.seed == 3
    assert first.image.size == (64, 64)
    assert first.image.mode == "RGB"
    assert (pixels(first.image) == pixels(again.image)).all()
    assert (pixels(first.image) != pixels(other.image)).any()


def test_every_step_is_reported_and_the_last_preview_is_the_picture(klein):
    seen: list[Progress] = []
    image = klein.run(REQUEST, seen.append).image
    assert [(each.step, each.steps) for each in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert seen[0].note
    assert (pixels(seen[1].preview) != pixels(seen[3].preview)).any()
    # The last step ends at sigma 0, where the estimate of the clean picture is the picture; only rounding may differ.
    assert np.abs(pixels(seen[3].preview) - pixels(image)).max() <= 1


def test_a_wide_picture_has_a_wide_preview(klein):
    seen: list[Progress] = []
    image = klein.run(with_(REQUEST, size=Size(96, 32)), seen.append).image
    assert image.size == (96, 32)
    assert seen[-1].preview is not None
    assert seen[-1].preview.size == (96, 32)


def test_the_preview_of_a_large_picture_is_decoded_small(klein):
    seen: list[Progress] = []
    klein.run(with_(REQUEST, size=Size(512, 256), steps=1), seen.append)
    assert seen[-1].preview is not None
    assert seen[-1].preview.size == (256, 128)


@pytest.mark.parametrize("signal", [Cancelled, Skipped])
@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_stop_leaves_within_a_step_and_the_next_picture_is_whole(klein, step: int, signal: type[Exception]):
    before = klein.run(REQUEST, ignore).image
    told: list[int] = []

    def stop_at(progress: Progress) -> None:
        told.append(progress.step)
        if progress.step == step:
            raise signal

    with pytest.raises(signal):
        klein.run(REQUEST, stop_at)
    assert told == list(range(step + 1))
    assert (pixels(klein.run(REQUEST, ignore).image) == pixels(before)).all()


def test_a_reference_picture_a_negative_prompt_and_guidance_each_change_the_result(klein):
    plain = pixels(klein.run(REQUEST, ignore).image)
    reference = Image.new("RGB", (64, 64), (200, 30, 30))
    edited = pixels(klein.run(with_(REQUEST, references=(reference,)), ignore).image)
    guided = pixels(klein.run(with_(REQUEST, guidance=4.0), ignore).image)
    negative = pixels(klein.run(with_(REQUEST, guidance=4.0, negative_prompt="blue"), ignore).image)
    assert (edited != plain).any()
    assert (guided != plain).any()
    assert (negative != guided).any()


def test_missing_and_damaged_weights_are_a_sentence_that_names_them(tmp_path):
    with pytest.raises(NotReady, match="nowhere"):
        Flux2Klein(Checkpoint(str(tmp_path / "nowhere")), ON_CPU)
    torch.manual_seed(0)
    save_pipeline(build_pipeline(), tmp_path)
    weights = tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(NotReady, match="cannot be opened"):
        Flux2Klein(Checkpoint(str(tmp_path)), ON_CPU)


def test_without_a_gpu_models_run_in_float32_on_the_cpu():
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    assert best_place() == ON_CPU
