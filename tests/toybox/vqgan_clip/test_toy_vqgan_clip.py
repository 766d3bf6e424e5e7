"""The bundled toy VQGAN and toy CLIP: how good they are is measured by `benchmarks/vqgan_clip.py`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from benchmarks.toy_flux import as_tensor
from benchmarks.vqgan_clip import unseen
from pipelines.families import clip_guidance
from pipelines.families.clip import open_clip
from toybox.vqgan_clip.clip_lesson import is_held_out
from toybox.vqgan_clip.model import CLIP_FOLDER, VQGAN_FOLDER
from toybox.vqgan_clip.train_clip import open_vqgan
from toybox.words import HELD_OUT
from toybox.world import render


def test_they_are_small_enough_to_come_with_the_repository():
    sizes = [path.stat().st_size for folder in (VQGAN_FOLDER, CLIP_FOLDER) for path in folder.glob("*.safetensors")]
    assert len(sizes) == 3 and max(sizes) <= 10_000_000 and sum(sizes) <= 12_000_000


@torch.no_grad()
def test_clip_finds_the_captions_of_pictures_that_the_vqgan_gives_back():
    cases = unseen(12)
    assert all((s.objects[0].kind, s.objects[0].colour, s.background) in HELD_OUT for s, _ in cases)
    assert all(is_held_out(text) for _, text in cases[1::2])
    vqgan = open_vqgan(VQGAN_FOLDER)
    assert vqgan is not None
    clip, tokenizer = open_clip(CLIP_FOLDER, "the toy")
    pictures = as_tensor([render(scene).image for scene, _ in cases])  # type: ignore[arg-type]
    latents = vqgan.encode(pictures * 2 - 1).latents  # type: ignore[union-attr]
    codes = clip_guidance.quantised(latents.movedim(1, -1), vqgan.quantize.embedding.weight).movedim(-1, 1)
    given_back = clip_guidance.decoded(vqgan, codes)
    assert -10 * (given_back - pictures).square().mean().log10() > 20  # dB
    said = torch.cat([clip_guidance.read(clip, tokenizer, text) for _, text in cases])
    seen = clip_guidance.seen(clip, F.interpolate(given_back, size=64, mode="area"))
    found = F.cosine_similarity(seen[:, None], said[None], dim=-1).argmax(dim=1)
    assert (found == torch.arange(len(cases))).float().mean() >= 0.7
