"""One training step of the toy ImageDream: noise is added to four views, and the network predicts the velocity.

The autoencoder is trained first, then the network with the picture encoder. Source: Wang and Shi, ImageDream (2023),
and its base, MVDream (2023): views of one object share a timestep and attend to one another.
"""

import random
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from lgm.cameras import FRAME_OF_VIEW, imagedream_cameras
from toybox.precision import training_precision
from toybox.solid.grids import SIDE, Grids, sample_colour
from toybox.solid.photos import photo_of
from toybox.solid.records import Records, shade_bytes
from toybox.solid.toy_views import MEAN, STD, Parts, build_scheduler, words_of
from toybox.solid.turntable import VIEWS

BATCH, PICTURES = 8, 24
FRAMES = VIEWS + 1
_PHOTOS, _UNSEEN = 0.7, 0.1
"""Shares of pictures that are photos (the others are the first view itself), and that are dropped."""
_KL, _SQUARE, _GRADIENT = 1e-6, 4.0, 0.5


class Scene(NamedTuple):
    """A batch of objects.

    Attributes:
        pictures: (B, 3, H, W) as the model gets them.
        views: (B, 4, 3, H, W) over white.
        elevations_deg: (B,).
    """

    pictures: Tensor
    views: Tensor
    elevations_deg: list[float]


class Source:
    """Draws objects in random colours."""

    def __init__(self, grids: Grids, records: Records, seed: int) -> None:
        self.grids, self._records = grids, records
        self._random = random.Random(seed)

    def draw(self, count: int) -> Scene:
        """This many different objects."""
        indexes = sorted(self._random.sample(range(len(self.grids)), count))
        planes = torch.from_numpy(np.stack([self.grids.planes[index][1 : 1 + VIEWS] for index in indexes]))
        colours = torch.stack([sample_colour(int(self.grids.kinds[index]), self._random) for index in indexes])
        views = shade_bytes(planes, colours[:, None], torch.ones(3))
        pictures = [
            photo_of(self._records, index, colour, SIDE, self._random) if self._random.random() < _PHOTOS else shown[0]
            for index, colour, shown in zip(indexes, colours, views, strict=True)
        ]
        return Scene(torch.stack(pictures), views, [float(self.grids.angles[index, 0, 1]) for index in indexes])


class AutoencoderLessons:
    """Trains the autoencoder."""

    def __init__(self, model: AutoencoderKL, source: Source, pictures: int = PICTURES) -> None:
        self._model, self._source, self._pictures = model, source, pictures

    def step(self, _number: int) -> dict[str, Tensor]:
        """Losses by name; "psnr" in dB is for the log."""
        scene = self._source.draw(self._pictures // 4)
        pictures = torch.cat([scene.views[:, 1:].flatten(0, 1), scene.pictures]) * 2 - 1
        with training_precision():
            posterior = self._model.encode(pictures, return_dict=False)[0]
            restored = self._model.decode(posterior.sample(), return_dict=False)[0].float()  # type: ignore[arg-type]
        error = restored - pictures
        square = error.square().mean()
        gradient = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        loss = error.abs().mean() + _SQUARE * square + _GRADIENT * gradient + _KL * posterior.kl().mean()
        return {"loss": loss, "psnr": -10 * (square.detach() / 4).log10()}


@torch.no_grad()
def measure_latents(model: AutoencoderKL, source: Source, count: int = 64) -> None:
    """Sets the factor that scales latents to unit variance."""
    scene = source.draw(count)
    latents = model.encode(scene.views.flatten(0, 1) * 2 - 1, return_dict=False)[0].mean
    model.register_to_config(scaling_factor=round(1 / float(latents.std()), 5))


class Learner(nn.Module):
    """The networks that are trained in the second part."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.unet, self.image_encoder = parts.unet, parts.image_encoder


class ViewsLessons:
    """Trains network and picture encoder."""

    def __init__(self, parts: Parts, source: Source, batch: int = BATCH) -> None:
        self._parts, self._source, self._batch = parts, source, batch
        self._words = words_of(parts.text_encoder)
        self._kept = build_scheduler().alphas_cumprod
        self._mean, self._std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))

    def step(self, _number: int) -> dict[str, Tensor]:
        """The loss, and its part at high noise levels."""
        scene = self._source.draw(self._batch)
        clean, seen = self._latents(scene)
        times = torch.randint(0, len(self._kept), (self._batch,))
        kept = self._kept[times].view(-1, 1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        with training_precision():
            said = self._said(scene, noisy, times, seen).float()
        velocity = kept.sqrt() * noise - (1 - kept).sqrt() * clean
        error = (said - velocity[:, :VIEWS]).square().mean(dim=(1, 2, 3, 4))
        late = error.detach()[times > 0.7 * len(self._kept)]
        return {"loss": error.mean(), "late": late.mean() if len(late) else error.detach().mean()}

    @torch.no_grad()
    def _latents(self, scene: Scene) -> tuple[Tensor, Tensor]:
        """(B, 5, 4, h, w) in ImageDream's order, the last being the picture, and (B, 4, h, w) of the picture.

        The picture's latents are samples, as in the pipeline; the views' are means, because samples are unpredictable.
        """
        pictures = torch.cat([scene.views, scene.pictures[:, None]], dim=1)
        with training_precision():
            found = self._parts.vae.encode(pictures.flatten(0, 1) * 2 - 1, return_dict=False)[0]
        shape, factor = (-1, FRAMES), self._parts.vae.config["scaling_factor"]
        drawn, means = ((each.float() * factor).unflatten(0, shape) for each in (found.sample(), found.mean))
        order = [FRAME_OF_VIEW.index(frame) for frame in range(VIEWS)]
        return torch.cat([means[:, order], means[:, VIEWS:]], dim=1), drawn[:, VIEWS]

    def _said(self, scene: Scene, noisy: Tensor, times: Tensor, seen: Tensor) -> Tensor:
        """The predicted velocity of the four views: (B, 4, 4, h, w)."""
        shown = (torch.rand(len(noisy)) >= _UNSEEN).float()
        pixels = (scene.pictures - self._mean) / self._std
        tokens = self._parts.image_encoder(pixels, output_hidden_states=True).hidden_states[-2]
        unet = self._parts.unet
        picture = unet.picture_tokens(tokens * shown[:, None, None])
        camera = torch.cat([imagedream_cameras(elevation) for elevation in scene.elevations_deg])
        said = unet.denoise(
            noisy.flatten(0, 1),
            times.repeat_interleave(FRAMES),
            unet.seen(self._words.expand(len(camera), -1, -1), picture, FRAMES),
            camera,
            FRAMES,
            seen * shown[:, None, None, None],
        )
        return said.unflatten(0, (-1, FRAMES))[:, :VIEWS]
