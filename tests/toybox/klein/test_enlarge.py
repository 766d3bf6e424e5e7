"""The larger autoencoder: it begins as the smaller one, and learns to encode as that does at half the size."""

from pathlib import Path

import numpy as np
import torch

from toybox.klein.enlarge import TOYS, enlarged, losses
from toybox.klein.model import PICTURE_SIZE, TRAINING_SIZE, build_autoencoder
from toybox.klein.run import Budget, Run


def test_what_the_smaller_one_has_learned_is_in_the_larger_one() -> None:
    small = build_autoencoder(TRAINING_SIZE)
    large = enlarged(small)
    levels = small.encoder.down_blocks
    for ours, theirs in (
        *zip(large.encoder.down_blocks[1:], levels, strict=True),
        *zip(large.decoder.up_blocks[:3], small.decoder.up_blocks[:3], strict=True),
    ):
        own = ours.state_dict()
        assert all(torch.equal(own[name], value) for name, value in theirs.state_dict().items())
    latents = torch.randn(1, 16, 16, 16)
    assert large.decode(latents).sample.shape[-1] == PICTURE_SIZE
    assert small.decode(latents).sample.shape[-1] == TRAINING_SIZE


def test_it_learns_the_latents_of_the_smaller_one_and_the_larger_picture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = build_autoencoder(TRAINING_SIZE).eval()
    large = enlarged(small)
    optimizer = torch.optim.AdamW(large.parameters(), lr=1e-3)
    Run("enlarge", large, [optimizer], average=0.9, budget=Budget(1, tmp_path))
    pictures = torch.from_numpy(np.random.default_rng(0).random((TOYS + 1, 3, 8, 8), dtype=np.float32)) * 2 - 1
    pictures = torch.nn.functional.interpolate(pictures, size=32, mode="bilinear")
    seen = []
    for _ in range(8):
        found = losses(large, small, pictures, torch.tensor(1.0))
        found["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append((float(found["latents"]), float(found["psnr"])))
    assert seen[-1][0] < seen[0][0] and seen[-1][1] > seen[0][1] + 1
