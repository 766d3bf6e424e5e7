"""ImageDream: from one picture of an object to four views of it. Knows nothing of masks, crops or splats.

    picture -> CLIP   -> tokens  --.
            -> VAE    -> latents --+-> MultiViewUNet, DDIM: five latents -> VAE -> four views
    words   -> CLIP   -> tokens  --'

Five views are denoised: four around the object, and one for the picture itself, which is not shown. The text is
always the same, so it is encoded once and its encoder freed.

Source: ashawkey/mvdream_diffusers pipeline_mvdream.py; ImageDream, https://arxiv.org/abs/2312.02201.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from diffusers import AutoencoderKL, DDIMScheduler
from PIL import Image
from torch import Tensor
from transformers import CLIPImageProcessorPil, CLIPTextModel, CLIPTokenizer, CLIPVisionModel

from lgm.cameras import FRAME_OF_VIEW, imagedream_cameras
from lgm.config import MultiViewUNetConfig
from lgm.multiview_unet import MultiViewUNet
from lgm.weights import open_network
from pipelines.device import release_memory
from pipelines.families import preview
from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import check_numbers, opening
from pipelines.plan import Plan
from pipelines.speed.background_compile import BackgroundCompiled, pays
from studio.contract import Progress, Tell
from studio.solid.contract import ViewsRequest, ViewsResult
from studio.validation import short

FRAMES = 5
"""Four views, and one for the picture."""
PROMPT = ""
NEGATIVE_PROMPT = (
    "ugly, blurry, pixelated obscure, unnatural colors, poor lighting, dull, unclear, cropped, lowres, low quality, "
    "artifacts, duplicate"
)
"""As in LGM's own app. Source: 3DTopia/LGM app.py."""
STEPS = 30
GUIDANCE = 5.0
"""The default. Source: 3DTopia/LGM infer.py."""


class Parts(NamedTuple):
    """The parts of the pipeline: the published networks, or small ones of the same classes."""

    unet: MultiViewUNet
    vae: Any  # AutoencoderKL, whose annotations call its config a dict
    image_encoder: CLIPVisionModel
    image_processor: CLIPImageProcessorPil
    scheduler: Any  # DDIMScheduler
    words: Tensor  # [2, L, C] the negative and the positive text, encoded


class Noise(NamedTuple):
    """Everything random."""

    latents: Tensor  # [5, 4, h, w] float32
    posterior: Tensor  # [1, 4, h, w] float32, of the picture's own latents


class Seen(NamedTuple):
    """The picture as the network sees it, the unconditional half first."""

    tokens: Tensor  # [2, T, ip_width]
    latents: Tensor  # [2, 4, h, w]


class ImageDream:
    """A loaded multi-view model; not thread-safe."""

    def __init__(self, parts: Parts, *, label: str = "ImageDream", revision: str = "") -> None:
        self._parts = parts
        self._label = label
        self._revision = revision
        self._projection: preview.Projection | None = None
        self._denoise: Callable[..., Tensor] = parts.unet.denoise

    def compile_in_background(self, *, backend: str = "inductor") -> BackgroundCompiled:
        """Compile the network while the first views are made.

        Args:
            backend: of torch.compile.
        """
        self._denoise = compiled = BackgroundCompiled(self._parts.unet.denoise, backend=backend)
        return compiled

    def run(self, request: ViewsRequest, tell: Tell) -> ViewsResult:
        """Make four views; reports before the first step and after every one, with a preview of the four.

        Noise is drawn on the CPU, so that a seed gives the same views wherever the model runs, up to rounding.

        Raises:
            StudioError: the network made no picture.
            torch.OutOfMemoryError: it did not fit.
        """
        with torch.inference_mode():
            steps = request.steps or STEPS
            tell(Progress(0, steps, "looking at the picture"))
            noise = self.noise(request.seed)
            pixels = np.asarray(request.image.convert("RGB"))
            seen = self.seen(pixels, torch.from_numpy(pixels.astype(np.float32) / 255), noise.posterior)
            latents = self.denoised(
                seen,
                noise.latents,
                elevation_deg=request.elevation_deg,
                steps=steps,
                guidance=request.guidance or GUIDANCE,
                report=partial(self._report, tell, steps),
            )
            pictures = (self.decoded(latents[list(FRAME_OF_VIEW)]) * 255).round().byte().cpu().numpy()
        return ViewsResult(tuple(map(Image.fromarray, pictures)), request.seed, self._revision)

    def close(self) -> None:
        """Free its memory."""
        if isinstance(self._denoise, BackgroundCompiled):
            self._denoise.wait()
        del self._parts, self._denoise
        release_memory()

    def noise(self, seed: int) -> Noise:
        """First the latents, then the posterior."""
        source = torch.Generator("cpu").manual_seed(seed)
        channels, side = self._parts.unet.config.in_channels, self._parts.unet.config.image_size
        latents = torch.randn(FRAMES, channels, side, side, generator=source)
        return Noise(latents, torch.randn(1, channels, side, side, generator=source))

    def seen(self, pixels: np.ndarray, picture: Tensor, posterior: Tensor) -> Seen:
        """A picture through both encoders; the unconditional half of the batch is zero.

        Args:
            pixels: HWC uint8 RGB, the object on white.
            picture: the same, [H, W, 3] floating in [0, 1].
            posterior: [1, 4, h, w] noise.
        """
        tokens, latents = self.picture_tokens(pixels), self.picture_latents(picture, posterior)
        return Seen(torch.cat([torch.zeros_like(tokens), tokens]), torch.cat([torch.zeros_like(latents), latents]))

    def picture_tokens(self, pixels: np.ndarray) -> Tensor:
        """[1, T, ip_width]: the output of the encoder's second to last layer."""
        encoder = self._parts.image_encoder
        prepared: Any = self._parts.image_processor(Image.fromarray(pixels), return_tensors="pt")
        answer = encoder(prepared.pixel_values.to(encoder.device, encoder.dtype), output_hidden_states=True)
        return answer.hidden_states[-2]

    def picture_latents(self, picture: Tensor, posterior: Tensor) -> Tensor:
        """[1, 4, h, w], scaled for the network."""
        vae = self._parts.vae
        side = self._parts.unet.config.image_size * self._factor
        small = F.interpolate((2 * picture - 1).permute(2, 0, 1)[None], (side, side), mode="bilinear")
        found: Any = vae.encode(small.to(vae.device, vae.dtype))
        distribution = found.latent_dist
        drawn = distribution.mean + distribution.std * posterior.to(distribution.mean)
        return drawn * vae.config.scaling_factor

    def denoised(
        self,
        seen: Seen,
        latents: Tensor,
        *,
        elevation_deg: float,
        steps: int,
        guidance: float,
        report: Any = None,
    ) -> Tensor:
        """The five latents without noise.

        Args:
            seen: from `seen`.
            latents: [5, 4, h, w] noise.
            elevation_deg: of the cameras, positive above.
            guidance: classifier-free guidance scale; at 1 or less, the unconditional half is skipped.
            report: called after every step with its number from 1 and the predicted final latents.

        Returns:
            [5, 4, h, w] float32, as between steps whatever the network's dtype.
        """
        unet, halves = self._parts.unet, slice(None) if guidance > 1 else slice(1, None)
        like = next(unet.parameters())
        context = self._parts.words[halves].to(like).repeat_interleave(FRAMES, dim=0)
        tokens = unet.seen(context, unet.picture_tokens(seen.tokens[halves].to(like)), FRAMES)
        picture = seen.latents[halves].to(like)
        camera = imagedream_cameras(elevation_deg).repeat(len(picture), 1).to(like)
        scheduler: Any = DDIMScheduler.from_config(self._parts.scheduler.config)
        scheduler.set_timesteps(steps, device=like.device)
        latents = latents.to(like.device, torch.float32)
        for number, timestep in enumerate(scheduler.timesteps, start=1):
            batch = latents.to(like.dtype).repeat(len(picture), 1, 1, 1)
            noise = self._denoise(batch, timestep.repeat(len(batch)), tokens, camera, FRAMES, picture).float()
            if guidance > 1:
                without, noise = noise.chunk(2)
                noise = without + guidance * (noise - without)
            step = scheduler.step(noise, timestep, latents)
            latents = step.prev_sample
            if report is not None:
                report(number, step.pred_original_sample)
        return latents

    def decoded(self, latents: Tensor) -> Tensor:
        """[N, S, S, 3] float32 in [0, 1]. Raises StudioError if they are not finite."""
        vae = self._parts.vae
        scaled = latents.to(vae.dtype) / vae.config.scaling_factor
        pictures = vae.decode(scaled, return_dict=False)[0].float()
        check_numbers(self._label, "picture", pictures)
        return (pictures / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)

    @property
    def _factor(self) -> int:
        """Pixels per latent cell."""
        return 2 ** (len(self._parts.vae.config.block_out_channels) - 1)

    def _report(self, tell: Tell, steps: int, number: int, clean: Tensor) -> None:
        """The four views so far: front and right above, back and left below."""
        vae = self._parts.vae
        if self._projection is None:
            self._projection = preview.fit(vae, vae.device)
        views = [self._projection.picture(clean[[frame]] / vae.config.scaling_factor) for frame in FRAME_OF_VIEW]
        side = views[0].width
        sheet = Image.new("RGB", (2 * side, 2 * side))
        for place, view in enumerate(views):
            sheet.paste(view, (side * (place % 2), side * (place // 2)))
        tell(Progress(number, steps, "drawing the views", sheet))


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> ImageDream:
    """See `FAMILIES`."""
    device, dtype = plans[0].device, getattr(torch, plans[0].dtype)
    label, revision = checkpoint.label, checkpoint.revision
    model = open_imagedream(checkpoint.path, label=label, revision=revision, device=device, dtype=dtype)
    if pays(torch.device(device)):
        model.compile_in_background()
    return model


def open_imagedream(
    folder: Path,
    *,
    label: str = "ImageDream",
    revision: str = "",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageDream:
    """Open a folder in the layout of ashawkey/imagedream-ipmv-diffusers, offline.

    Raises:
        NotReady: the weights are missing, damaged or of another model.
        torch.OutOfMemoryError: they did not fit.
    """
    transformers.utils.logging.disable_progress_bar()
    with opening(f"{label} in {short(folder)}"):
        settings = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
        unet = open_network(
            partial(MultiViewUNet, MultiViewUNetConfig.from_json(settings)),
            folder / "unet" / "diffusion_pytorch_model.safetensors",
            device=device,
            dtype=dtype,
        )
        parts = Parts(
            unet,
            _opened(AutoencoderKL, folder / "vae", dtype).to(device),
            _opened(CLIPVisionModel, folder / "image_encoder", dtype).to(device),
            CLIPImageProcessorPil.from_pretrained(folder / "feature_extractor", local_files_only=True),
            DDIMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
            _words(folder, device, dtype),
        )
    return ImageDream(parts, label=label, revision=revision)


def token_ids(tokenizer: Any, length: int) -> Tensor:
    """[2, length]: the negative and the positive text, padded with the tokenizer's own padding."""
    texts = [NEGATIVE_PROMPT, PROMPT]
    options = {"padding": "max_length", "max_length": length, "truncation": True, "return_tensors": "pt"}
    return tokenizer(texts, **options).input_ids


def text_tokens(encoder: CLIPTextModel, ids: Tensor) -> Tensor:
    """[B, L, C] of token ids [B, L]: after the last norm; padding is encoded too."""
    return encoder(ids.to(encoder.device))[0]


def _words(folder: Path, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = _opened(CLIPTextModel, folder / "text_encoder", dtype).to(device)
    if len(tokenizer) < encoder.config.vocab_size:  # without its files it opens anyway, but empty
        raise ValueError(f"tokenizer knows {len(tokenizer)} of {encoder.config.vocab_size} tokens")
    with torch.inference_mode():
        return text_tokens(encoder, token_ids(tokenizer, encoder.config.max_position_embeddings))


def _opened(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """A part with all its weights, as the libraries would randomly initialise missing ones.

    Raises:
        ValueError: the file lacks some.
    """
    options = {"dtype": dtype, "use_safetensors": True, "local_files_only": True, "output_loading_info": True}
    part, found = kind.from_pretrained(folder, **options)
    if lacking := sorted(found["missing_keys"]):
        raise ValueError(f"{folder.name} lacks '{lacking[0]}' and {len(lacking) - 1} more")
    return part.eval().requires_grad_(False)
