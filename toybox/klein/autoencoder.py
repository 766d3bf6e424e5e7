"""First stage: the autoencoder learns to encode pictures as 16 x 16 latents and to decode them."""

import random
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline
from torch import Tensor

from toybox.klein.model import TRAINING_SIZE, build_autoencoder
from toybox.klein.pictures import Geometries
from toybox.klein.run import Budget, Run
from toybox.precision import training_precision
from toybox.words import BACKGROUNDS, COLOURS, HELD_OUT, Background, Colour
from toybox.world import Scene

BATCH, CROP = 32, 64
CROPS_UNTIL = 0.6
_PEAK_RATE = 2e-3
_KL_WEIGHT, _GRADIENT_WEIGHT, _SQUARE_WEIGHT = 1e-4, 0.5, 4.0
_LATENT_NOISE = 0.1


def train_autoencoder(geometries: Geometries, budget: Budget) -> AutoencoderKLFlux2:
    """Trains on pictures that never repeat: each gets new random colours. Crops first, whole pictures later."""
    torch.manual_seed(1)
    model = build_autoencoder(TRAINING_SIZE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3)
    run = Run("autoencoder", model, [optimizer], average=0.998, budget=budget)

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"autoencoder {step}")
        whole = run.share >= CROPS_UNTIL
        pictures = [random_picture(geometries, rng) for _ in range(BATCH // 2 if whole else BATCH)]
        if not whole:
            pictures = [_crop(picture, rng) for picture in pictures]
        batch = torch.stack(pictures).mul_(2).sub_(1)
        return losses(model, batch)

    run.train(loss_of_step)
    run.average.copy_to(model)
    set_latent_statistics(model, geometries)
    return model.eval()


def losses(model: AutoencoderKLFlux2, pictures: Tensor) -> dict[str, Tensor]:
    """The training losses for NCHW pictures in [-1, 1]; "psnr" in dB is for the log."""
    with training_precision():
        posterior = model.encode(pictures, return_dict=False)[0]
        noisy = posterior.sample() + _LATENT_NOISE * torch.randn_like(posterior.mean)
        restored = model.decode(noisy, return_dict=False)[0].float()  # type: ignore[arg-type]  # any float will do
    error = restored - pictures
    absolute, square = error.abs().mean(), error.square().mean()
    gradient = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    divergence = posterior.kl().mean() / posterior.mean[0].numel()
    loss = absolute + _GRADIENT_WEIGHT * gradient + _SQUARE_WEIGHT * square + _KL_WEIGHT * divergence
    return {"loss": loss, "kl": divergence.detach(), "psnr": -10 * (square.detach() / 4).log10()}


def random_picture(geometries: Geometries, rng: random.Random) -> Tensor:
    """A training picture in random colours, 3HW, [0, 1]."""
    index, twin = rng.randrange(len(geometries)), rng.randrange(2)
    family = geometries.family(index)
    colours, background = random_colours(family.twin if twin else family.scene, rng)
    return geometries.shaded(index, twin, colours, background)


def random_colours(scene: Scene, rng: random.Random) -> tuple[list[Colour], Background]:
    """Colours for a scene's objects and its background; no object has a held-out combination."""
    while True:
        colours: list[Colour] = [rng.choice(COLOURS) for _ in scene.objects]
        background = rng.choice(BACKGROUNDS)
        looks = zip(scene.objects, colours, strict=True)
        if not any((thing.kind, colour, background) in HELD_OUT for thing, colour in looks):
            return colours, background


@torch.inference_mode()
def encode(model: AutoencoderKLFlux2, pictures: Tensor) -> Tensor:
    """NCHW pictures in [0, 1] to normalised latents for the flow transformer, (N, 64 tokens, 64)."""
    latents = Flux2KleinPipeline._patchify_latents(model.encode(pictures * 2 - 1, return_dict=False)[0].mode())
    mean = model.bn.get_buffer("running_mean")
    deviation = (model.bn.get_buffer("running_var") + model.config["batch_norm_eps"]).sqrt()
    return ((latents - mean[:, None, None]) / deviation[:, None, None]).flatten(start_dim=2).mT


@torch.inference_mode()
def decode(model: AutoencoderKLFlux2, tokens: Tensor) -> Tensor:
    """Latents as the flow transformer generates them, (N, 64 tokens, 64), to NCHW pictures in [0, 1]."""
    mean = model.bn.get_buffer("running_mean")
    deviation = (model.bn.get_buffer("running_var") + model.config["batch_norm_eps"]).sqrt()
    latents = tokens.mT.unflatten(2, (8, 8)) * deviation[:, None, None] + mean[:, None, None]
    pictures = model.decode(Flux2KleinPipeline._unpatchify_latents(latents), return_dict=False)[0]  # type: ignore[arg-type]
    return (pictures.clamp(-1, 1) + 1) / 2


@torch.inference_mode()
def set_latent_statistics(model: AutoencoderKLFlux2, geometries: Geometries, count: int = 512) -> None:
    """Measures mean and variance of the latents; the variance includes the noise that the decoder tolerates."""
    rng = random.Random("statistics")
    pictures = torch.stack([random_picture(geometries, rng) for _ in range(count)]) * 2 - 1
    posterior = model.eval().encode(pictures, return_dict=False)[0]
    means = Flux2KleinPipeline._patchify_latents(posterior.mean)
    variances = Flux2KleinPipeline._patchify_latents(posterior.var)
    model.bn.get_buffer("running_mean").copy_(means.mean(dim=(0, 2, 3)))
    model.bn.get_buffer("running_var").copy_(means.var(dim=(0, 2, 3)) + variances.mean(dim=(0, 2, 3)))


def _crop(picture: Tensor, rng: random.Random) -> Tensor:
    """A random square crop, more often from the middle, where the objects are."""
    room = picture.shape[-1] - CROP
    top, left = (round(rng.triangular(0, room)) for _ in range(2))
    return picture[:, top : top + CROP, left : left + CROP]


def load_autoencoder(folder: Path) -> AutoencoderKLFlux2:
    """The autoencoder in a folder, in evaluation mode, as float32."""
    return AutoencoderKLFlux2.from_pretrained(folder, torch_dtype=torch.float32).eval()
