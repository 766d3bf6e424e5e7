"""VQGAN + CLIP as a model: from a prompt, and optionally an initial picture, to a picture and its film."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import VQModel
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from pipelines.families import clip_guidance, taming
from pipelines.families.clip import open_clip
from pipelines.families.clip_guidance import Cutter, Prompt, Wish
from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import check_numbers, opening
from pipelines.plan import Plan
from studio.contract import ImageRequest, ImageResult, Progress, Tell
from studio.errors import BadRequest
from studio.validation import short

UNWANTED = -0.5
"""Factor for the weights in a negative prompt."""
FEW_CUTS = 8
"""Most squares on a CPU, where a step of the published models then takes 12 seconds, not 20."""
FRAMES = 120
"""Most frames of the film: 5 seconds."""


@dataclass(frozen=True)
class Method:
    """How the latent is optimised.

    Attributes:
        rate: of Adam in the first step.
        final: share of that rate in the last step; it falls linearly.
        cuts: squares that CLIP sees in each step.
        smallest: side of the smallest one as a share of the picture's.
        flip: whether squares are mirrored.
        noise: most noise on a square.
        starts: how many of the VQGAN's typical pictures are drawn to choose the start from. 0: it starts from random
            codes.
        tries: how many of them, the best matches, are optimised for a sixth of the steps; the one with the best score
            then goes on. From some starts the background never changes, and that shows early.
        renewed: in the second half, every this many steps, the latent is replaced by that of its picture, which removes
            codes that match CLIP but mean nothing to the VQGAN. 0: never, as in the notebooks.
    """

    rate: float = 0.1
    final: float = 1.0
    cuts: int = 32
    smallest: float = 0.4
    flip: bool = True
    noise: float = 0.1
    starts: int = 0
    tries: int = 1
    renewed: int = 0


METHODS = {
    "": Method(),
    "toy": Method(rate=0.25, final=0.1, cuts=8, smallest=0.75, flip=False, noise=0.08, starts=64, tries=4, renewed=10),
}
"""By the variant of the checkpoint. Source of the plain one: nerdyrodent/VQGAN-CLIP generate.py (Adam 0.1, 32 cuts)."""
MOST_PHRASES = 40
TYPICAL = "typical_codes.safetensors"
"""Beside a VQGAN's weights: "codes", (N, h, w) int16, of pictures of its world."""


class _Way:
    """A latent on its way to a picture, with its scores and frames so far."""

    def __init__(self, z: Tensor, rate: float) -> None:
        self.z, self.optimizer = z, torch.optim.Adam([z], lr=rate)
        self.scores: list[float] = []
        self.frames: list[Image.Image] = []

    def lately(self) -> float:
        """The mean score of its last steps, as a single one depends on the squares."""
        return sum(self.scores[-4:])


class VqganClip:
    """An opened VQGAN with the CLIP that guides it; not thread-safe."""

    def __init__(
        self,
        vqgan: Any,
        clip: Any,
        tokenizer: Any,
        method: Method,
        *,
        typical: Tensor | None = None,
        label: str = "the model",
        revision: str = "",
    ) -> None:
        """
        Args:
            vqgan: `diffusers.VQModel`, in evaluation mode, float32, on its device.
            clip: `transformers.CLIPModel`, likewise.
            tokenizer: of that CLIP.
            typical: (N, h, w), codes of typical pictures, if there are any.
            revision: of the weights, for the recipes.
        """
        self._vqgan, self._clip, self._tokenizer = vqgan, clip, tokenizer
        self._method, self._label, self._revision = method, label, revision
        self._typical = typical

    @property
    def factor(self) -> int:
        """Pixels per side of a code."""
        return 2 ** (len(self._vqgan.config.block_out_channels) - 1)

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Make one picture; every step reports with the current picture.

        All randomness comes from one generator on the CPU, starting with the initial codes.

        Raises:
            BadRequest: there is no text in the prompt, or more than `MOST_PHRASES`.
            StudioError: the networks made no numbers.
        """
        wanted = [*clip_guidance.wishes(request.prompt), *_unwanted(request.negative_prompt)]
        if not wanted:
            raise BadRequest("The prompt has no text beside its weights. Write what you want to see: a red ball.")
        if len(wanted) > MOST_PHRASES:  # each takes time at every step, and Stop waits for the step
            told = f"{len(wanted):,} phrases between bars; {MOST_PHRASES} is the most"
            raise BadRequest(f"The prompt has {told}. Leave some out.")
        tell(Progress(0, request.steps, "reading the prompt"))
        device = self._clip.device
        chance = torch.Generator("cpu").manual_seed(request.seed)
        prompts = [Prompt(clip_guidance.read(self._clip, self._tokenizer, w.text), w.weight, w.stop) for w in wanted]
        starts = self._beginnings(request, prompts, chance).to(device).split(1)
        method, side = self._method, self._clip.config.vision_config.image_size
        cut = Cutter(side, method.cuts, method.smallest, method.flip, method.noise, chance)
        ways = [_Way(start.clone().requires_grad_(), method.rate) for start in starts]
        tried = request.steps // 6 if len(ways) > 1 else 0
        total, done = request.steps + tried * (len(ways) - 1), 0

        def follow(way: _Way, first: int, end: int) -> None:
            nonlocal done
            for number in range(first, end):
                seen = self._step(way, number, request.steps, prompts, cut)
                done += 1
                tell(Progress(request.steps * done // total, request.steps, f"CLIP score {way.scores[-1]:.2f}", seen))

        for way in ways:
            follow(way, 0, tried)
        best = max(ways, key=_Way.lately)
        follow(best, tried, request.steps)
        image = self._picture(self._decoded(best.z))
        frames = (*best.frames, image)
        return ImageResult(image, request.seed, self._revision, scores=tuple(best.scores), frames=frames)

    def _step(self, way: _Way, number: int, steps: int, prompts: list[Prompt], cut: Cutter) -> Image.Image:
        """Moves the latent of a way and renews it when it is time; the picture before that."""
        method, over = self._method, number / max(1, steps - 1)
        way.optimizer.param_groups[0]["lr"] = method.rate * (1 + over * (method.final - 1))
        taken = clip_guidance.step(self._vqgan, self._clip, way.z, way.optimizer, prompts, cut)
        if method.renewed and (number + 1) % method.renewed == 0 and 0.5 <= over < 1:
            self._renew(way.z)
        way.scores.append(_score(taken.embeds, prompts))
        seen = self._picture(taken.image)
        if number % -(-steps // FRAMES) == 0:
            way.frames.append(seen)
        return seen

    def close(self) -> None:
        """Free its memory."""
        del self._vqgan, self._clip
        gc.collect()

    def _beginnings(self, request: ImageRequest, prompts: Sequence[Prompt], chance: torch.Generator) -> Tensor:
        """(N, C, H / factor, W / factor): codes of the initial picture, of typical ones, or random ones."""
        codebook = self._vqgan.quantize.embedding.weight
        rows, columns = (max(1, side // self.factor) for side in (request.size.height, request.size.width))
        drawn = torch.randint(len(codebook), (1, rows, columns), generator=chance)
        size = (columns * self.factor, rows * self.factor)
        if request.references:
            start = request.references[0].convert("RGB").resize(size, Image.Resampling.LANCZOS)
            pixels = torch.frombuffer(bytearray(start.tobytes()), dtype=torch.uint8).view(1, size[1], size[0], 3)
            picture = pixels.movedim(-1, 1) / 255
        elif self._method.starts and self._typical is not None:
            picture = F.interpolate(self._best_starts(self._typical, prompts, chance), size=size[::-1], mode="bilinear")
        else:
            return codebook[drawn.to(codebook.device)].movedim(-1, 1).clone()
        with torch.no_grad():
            return self._vqgan.encode((picture * 2 - 1).to(codebook)).latents

    @torch.no_grad()
    def _best_starts(self, typical: Tensor, prompts: Sequence[Prompt], chance: torch.Generator) -> Tensor:
        """The typical pictures that match the prompts best, (N, 3, H, W), best first."""
        codebook, side = self._vqgan.quantize.embedding.weight, self._clip.config.vision_config.image_size
        drawn = typical[torch.randperm(len(typical), generator=chance)[: self._method.starts]].to(codebook.device)
        pictures = torch.cat(
            [clip_guidance.decoded(self._vqgan, codebook[one].movedim(-1, 1)) for one in drawn.split(8)]
        )
        embeds = clip_guidance.seen(self._clip, F.interpolate(pictures, size=side, mode="area"))
        far = [sum(clip_guidance.distance(one[None], prompt).item() for prompt in prompts) for one in embeds]
        return pictures[sorted(range(len(far)), key=far.__getitem__)[: self._method.tries]]

    @torch.no_grad()
    def _renew(self, z: Tensor) -> None:
        z.copy_(self._vqgan.encode(self._decoded(z) * 2 - 1).latents)

    @torch.no_grad()
    def _decoded(self, z: Tensor) -> Tensor:
        nearest = clip_guidance.quantised(z.movedim(1, -1), self._vqgan.quantize.embedding.weight)
        return clip_guidance.decoded(self._vqgan, nearest.movedim(-1, 1))

    def _picture(self, image: Tensor) -> Image.Image:
        check_numbers(self._label, "picture", image)
        return Image.fromarray((image[0] * 255).round().byte().movedim(0, -1).cpu().numpy())


def _unwanted(negative_prompt: str) -> list[Wish]:
    return [wish._replace(weight=UNWANTED * wish.weight) for wish in clip_guidance.wishes(negative_prompt)]


def _score(embeds: Tensor, prompts: Sequence[Prompt]) -> float:
    """How well the picture matches: the mean cosine, weighted, of squares and texts; [-1, 1]."""
    wanted = [prompt for prompt in prompts if prompt.weight > 0]
    near = [prompt.weight * F.cosine_similarity(embeds, prompt.embeds).mean().item() for prompt in wanted]
    return round(sum(near) / sum(prompt.weight for prompt in wanted), 4) if wanted else 0.0


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> VqganClip:
    """A VQGAN, a diffusers folder or a file of taming, and the CLIP in the folder beside it.

    Raises:
        NotReady: the weights are missing or damaged.
    """
    if checkpoint.beside is None:
        raise ValueError(f"got no CLIP beside {checkpoint.path}, expected a folder")
    vqgan: Any
    clip: Any
    vqgan, revision = _open_vqgan(checkpoint)
    clip, tokenizer = open_clip(checkpoint.beside, checkpoint.label)
    device, method = plans[0].device, METHODS[checkpoint.variant]
    if device == "cpu" and not checkpoint.variant:
        method = replace(method, cuts=FEW_CUTS)
    typical = _typical_codes(checkpoint.path) if method.starts else None
    names = {"label": checkpoint.label, "revision": revision}
    return VqganClip(vqgan.to(device), clip.to(device), tokenizer, method, typical=typical, **names)


def _typical_codes(folder: Path) -> Tensor:
    with opening(short(folder / TYPICAL)):
        return load_file(folder / TYPICAL)["codes"].long()


def _open_vqgan(checkpoint: Checkpoint) -> tuple[VQModel, str]:
    if not checkpoint.path.is_dir():
        return taming.open_file(checkpoint.path)
    with opening(f"{checkpoint.label} in {short(checkpoint.path)}"):
        model = VQModel.from_pretrained(
            checkpoint.path, torch_dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
    return model.eval().requires_grad_(False), checkpoint.revision
