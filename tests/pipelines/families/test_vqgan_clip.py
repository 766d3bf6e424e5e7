"""VQGAN + CLIP as a model, on tiny random checkpoints in the layouts that the published ones have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import VQModel
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

from pipelines import catalog
from pipelines.families import taming
from pipelines.families.vqgan_clip import Method, VqganClip, open_checkpoint
from pipelines.hub.cache import Checkpoint, HubCache
from pipelines.machine import Machine
from pipelines.records.vqgan import IMAGENET, OWN_VQGAN
from studio.contract import ImageRequest, Progress, Size
from studio.errors import BadRequest, Cancelled, NotReady
from tests.pipelines.conftest import ignore
from tests.pipelines.families.test_flow_match import on_cpu
from tests.pipelines.families.test_taming import PARAMS, lightning, taming_key
from tests.pipelines.loopback_hub import serving
from toybox.captions import known_words
from toybox.vqgan_clip.model import build_tokenizer

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
ASKED = ImageRequest("a red ball | fog:-0.5", Size(48, 32), seed=3, steps=3, guidance=0.0)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, tokenizer = tmp_path_factory.mktemp("clip"), build_tokenizer(known_words())
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = size | {"vocab_size": len(tokenizer), "max_position_embeddings": 16, "eos_token_id": 1, "bos_token_id": 0}
    torch.manual_seed(0)
    vision = size | {"image_size": 16, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(clip_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.manual_seed(1)
    weights = VQModel.from_config(taming.diffusers_config(PARAMS)).state_dict()  # type: ignore[union-attr]
    weights["quantize.embedding.weight"] = torch.randn(8, 4)
    state = {
        taming_key(key): value[:, :, None, None] if ".to_" in key and value.ndim == 2 else value
        for key, value in weights.items()
    }
    path = lightning(tmp_path_factory.mktemp("taming") / "last.ckpt", state)
    return Checkpoint(path, "Tiny", beside=clip_folder)


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> VqganClip:
    return open_checkpoint(checkpoint, [on_cpu()])


def test_every_step_is_seen(model: VqganClip, checkpoint: Checkpoint):
    told: list[Progress] = []
    result = model.run(ASKED, told.append)
    assert [one.step for one in told] == [0, 1, 2, 3]
    assert all(one.preview is not None and one.preview.size == ASKED.size for one in told[1:])
    assert (result.image.size, result.image.mode, result.seed) == (ASKED.size, "RGB", 3)
    assert len(result.scores) == 3 and all(-1 <= score <= 1 for score in result.scores)
    assert [frame.size for frame in result.frames] == [ASKED.size] * 4
    assert result.frames[-1].tobytes() == result.image.tobytes()
    assert len(result.revision) == 12 and checkpoint.path.with_suffix(".safetensors").is_file()


def test_a_seed_is_the_same_picture_whatever_was_drawn_before(model: VqganClip):
    first = model.run(ASKED, ignore)
    torch.manual_seed(99)
    torch.rand(7)
    again = model.run(ASKED, ignore)
    assert (again.image.tobytes(), again.scores) == (first.image.tobytes(), first.scores)
    assert model.run(replace(ASKED, seed=4), ignore).image.tobytes() != first.image.tobytes()


def test_a_picture_to_begin_with_is_where_it_begins(model: VqganClip):
    start = Image.linear_gradient("L").convert("RGB")
    began = [model.run(replace(ASKED, references=(start,), seed=seed), ignore).frames[0] for seed in (1, 2)]
    assert began[0].tobytes() == began[1].tobytes() != model.run(ASKED, ignore).frames[0].tobytes()


def test_it_may_begin_with_the_typical_picture_that_clip_likes_best(model: VqganClip):
    def beginnings(starts: int, typical: torch.Tensor) -> set[bytes]:
        other = VqganClip(model._vqgan, model._clip, model._tokenizer, Method(starts=starts), typical=typical)
        return {other.run(replace(ASKED, seed=seed, steps=1), ignore).frames[0].tobytes() for seed in range(5)}

    three = torch.stack([torch.full((2, 3), code) for code in range(3)])
    assert len(beginnings(3, three)) == 1 < len(beginnings(1, three))
    assert beginnings(3, three) <= set().union(*(beginnings(1, one) for one in three.split(1)))


def test_of_several_starts_the_one_that_clip_likes_best_soon_goes_on(model: VqganClip):
    three = torch.stack([torch.full((2, 3), code) for code in range(3)])
    method = Method(starts=3, tries=3)
    told: list[Progress] = []
    result = VqganClip(model._vqgan, model._clip, model._tokenizer, method, typical=three).run(
        replace(ASKED, steps=12), told.append
    )
    tried = [float(one.note.split()[-1]) for one in told[1:7]]  # two steps each
    assert max(sum(tried[index : index + 2]) for index in (0, 2, 4)) == pytest.approx(sum(result.scores[:2]), abs=0.02)
    assert (len(told), len(result.scores), len(result.frames)) == (17, 12, 13)
    steps = [one.step for one in told]
    assert steps == sorted(steps) and steps[-1] == 12


def test_what_is_not_wanted_counts(model: VqganClip):
    asked = replace(ASKED, steps=15)  # a picture changes when a code does
    scores = {word: model.run(replace(asked, negative_prompt=word), ignore).scores for word in ("", "cube", "cube:9")}
    assert len(set(scores.values())) == 3


def test_a_long_way_is_a_short_film(model: VqganClip):
    assert len(model.run(replace(ASKED, steps=121), ignore).frames) == 62


def test_a_prompt_of_weights_only_is_refused(model: VqganClip):
    with pytest.raises(BadRequest, match="no text"):
        model.run(replace(ASKED, prompt=" | "), ignore)


def test_more_phrases_than_anybody_writes_are_refused(model: VqganClip):
    """5,000 of them were read for minutes before the first step, and Stop was not heard."""
    with pytest.raises(BadRequest, match="5,000 phrases between bars; 40 is the most"):
        model.run(ImageRequest("a|" * 5000, Size(32, 32), seed=1, steps=1, guidance=0.0), ignore)


def test_stop_ends_it(model: VqganClip):
    def stop(progress: Progress) -> None:
        if progress.step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.run(ASKED, stop)


def test_a_folder_of_diffusers_is_the_same_vqgan(model: VqganClip, checkpoint: Checkpoint, tmp_path: Path):
    vqgan, _ = taming.open_file(checkpoint.path)
    vqgan.save_pretrained(tmp_path)
    other = open_checkpoint(replace(checkpoint, path=tmp_path, revision="1"), [on_cpu()])
    assert other.run(ASKED, ignore).image.tobytes() == model.run(ASKED, ignore).image.tobytes()


def _cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def _lacking(file: Path) -> None:
    save_file({"logit_scale": torch.zeros(())}, file)


@pytest.mark.parametrize("spoil", [Path.unlink, _cut_off, _lacking])
def test_a_clip_that_is_no_good_is_refused_in_a_sentence(
    spoil: Any, checkpoint: Checkpoint, clip_folder: Path, tmp_path: Path
):
    for file in clip_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spoil(tmp_path / "model.safetensors")
    with pytest.raises(NotReady, match=r"The CLIP of Tiny in .* cannot be opened"):
        open_checkpoint(replace(checkpoint, beside=tmp_path), [on_cpu()])


def test_its_file_has_to_be_brought(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = next(spec for spec in catalog.models(LAPTOP, HubCache(tmp_path), records=[IMAGENET]))
    monkeypatch.delenv(OWN_VQGAN, raising=False)
    assert (spec.readiness().ok, spec.readiness().label) == (False, "needs a file from you")
    assert f"{OWN_VQGAN}=" in spec.readiness().hint
    monkeypatch.setenv(OWN_VQGAN, str(tmp_path / "missing.ckpt"))
    assert spec.readiness().label == "file missing"
    monkeypatch.setenv(OWN_VQGAN, str(checkpoint.path))
    assert spec.readiness().label == "0.6 GB download"


def test_its_clip_comes_from_the_hub_with_its_tokenizer(
    checkpoint: Checkpoint, clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert IMAGENET.download is not None
    monkeypatch.setenv(OWN_VQGAN, str(checkpoint.path))
    record = replace(IMAGENET, download=replace(IMAGENET.download, revision="main"))
    with serving(IMAGENET.download.repo, clip_folder) as served:
        hub = HubCache(tmp_path, served.url)
        (spec,) = catalog.models(LAPTOP, hub, records=[record])
        made = spec.load(ignore).run(ASKED, ignore)
        asked = len(served.asked)
        assert spec.readiness().ok and spec.load(ignore).run(ASKED, ignore).scores == made.scores
        assert len(served.asked) == asked  # all of it is here
