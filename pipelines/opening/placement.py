"""Places a diffusers pipeline on the devices as a plan says. Knows no prompts, pictures or network."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import diffusers
import torch

from pipelines.device import release_memory
from pipelines.hub.cache import Checkpoint
from pipelines.opening.building import building
from pipelines.opening.pipeline import network_name, open_pipeline
from pipelines.plan import Placement, Plan, Tiles
from pipelines.speed.warm_up import WarmUp


class Placed:
    """A pipeline on this machine; not thread-safe."""

    def __init__(self, kind: type[diffusers.DiffusionPipeline], checkpoint: Checkpoint, plan: Plan) -> None:
        """Open a folder in the diffusers layout, offline, without pickled weights.

        Raises:
            NotReady: the weights are missing or damaged.
            torch.OutOfMemoryError: the GPU is fuller than planned.
        """
        self.plan = plan
        self.device = torch.device(plan.device)
        self._aside: dict[str, torch.nn.Module] = {}  # encoders, while no prompt is encoded
        with building():
            self.pipeline: Any = open_pipeline(kind, checkpoint, plan)
        self.pipeline.set_progress_bar_config(disable=True)
        self._siblings: dict[type, Any] = {}
        self._lay_out()
        _bridge_dtypes(self.pipeline.vae, self.dtype)
        self._compiled: dict[torch.nn.Module, Any] = {}  # its blocks, and their compiled versions
        self.is_compiled = False
        self.warm_up = WarmUp()

    @property
    def dtype(self) -> torch.dtype:
        """The network's compute dtype, whatever its weights are stored in."""
        return getattr(torch, self.plan.dtype)

    @property
    def network(self) -> Any:
        """The part that runs at every step."""
        return getattr(self.pipeline, network_name(type(self.pipeline)))

    def of_kind(self, kind: type[diffusers.DiffusionPipeline]) -> Any:
        """Another pipeline over the same opened parts, wherever they are."""
        if isinstance(self.pipeline, kind):
            return self.pipeline
        if kind not in self._siblings:
            wanted = inspect.signature(kind.__init__).parameters
            parts = {name: part for name, part in self.pipeline.components.items() if name in wanted}
            said = self.pipeline.config.items()
            settings = {name: value for name, value in said if name in wanted and name not in parts}
            self._siblings[kind] = sibling = kind(**parts, **settings)
            sibling.set_progress_bar_config(disable=True)
        return self._siblings[kind]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The text encoders are on the device while the block runs; the rest may have to leave."""
        if not self._aside:
            yield
            return
        others = (self.network, self.pipeline.vae)
        try:
            for module in others:
                module.to("cpu")
            for name, module in self._aside.items():
                setattr(self.pipeline, name, module.to(self.device))
            yield
        finally:
            for name, module in self._aside.items():
                setattr(self.pipeline, name, None)
                module.to("cpu")
            for module in others:
                module.to(self.device)

    def compile(self, is_wanted: bool) -> None:
        """Let the blocks run compiled, one for all of a kind, or not; from Hopper on with cuDNN's attention.

        They are compiled when first run at a size.
        """
        if is_wanted == self.is_compiled:
            return
        self.is_compiled = is_wanted
        if not self._compiled:
            self.network.compile_repeated_blocks(fullgraph=True)
            blocks = self.network.modules()
            self._compiled = {each: fast for each in blocks if (fast := each._compiled_call_impl) is not None}
        for module, fast in self._compiled.items():
            module._compiled_call_impl = fast if is_wanted else None
        if self.device.type == "cuda" and torch.cuda.get_device_capability() >= (9, 0):
            if is_wanted:
                self.network.set_attention_backend("_native_cudnn")
            else:
                self.network.reset_attention_backend()

    def rest(self) -> None:
        """Nothing runs: remove what was on the device for one picture only, also after Stop and after an error."""
        self.pipeline.maybe_free_model_hooks()

    def close(self) -> None:
        """Free its memory. Nothing else is called afterwards."""
        self._aside.clear()
        self._siblings.clear()
        self._compiled.clear()
        self.pipeline = None
        release_memory()

    def _lay_out(self) -> None:
        pipeline, device = self.pipeline, self.device
        match self.plan.placement:
            case Placement.RESIDENT if self.plan.channels_last:  # else it is already in place
                pipeline.vae.to(memory_format=torch.channels_last)
            case Placement.TEXT_LEAVES:
                # Removed, not just moved, as a pipeline uses the device of its first part.
                self._aside = {
                    name: part
                    for name, part in pipeline.components.items()
                    if name.startswith(("text_encoder", "image_encoder")) and isinstance(part, torch.nn.Module)
                }
                for name in self._aside:
                    setattr(pipeline, name, None)
                self.network.to(device)
                pipeline.vae.to(device)
            case Placement.PARTS:
                pipeline.enable_model_cpu_offload(device=device)
            case Placement.STREAMED | Placement.BLOCKS:
                pipeline.enable_group_offload(
                    onload_device=device,
                    offload_device=torch.device("cpu"),
                    offload_type="leaf_level",
                    # A stream fetches the next layer while one works. It learns their order from the first picture, and
                    # an autoencoder that works in tiles has no fixed one.
                    use_stream=self.plan.placement == Placement.STREAMED and device.type == "cuda",
                    exclude_modules="vae",
                )
                pipeline.vae.to(device)
        _decode_in(pipeline.vae, self.plan.tiles)


def _bridge_dtypes(vae: Any, narrow: torch.dtype) -> None:
    """Convert between an autoencoder and a network of different dtypes.

    Pipelines pass pictures in the network's dtype and expect latents in it; on a Turing GPU, the autoencoder is
    float32.
    """
    if "force_upcast" in vae.config:  # SDXL's overflows in float16, which no plan uses for it
        vae.register_to_config(force_upcast=False)
    if vae.dtype == narrow:
        return
    last = vae.encoder if getattr(vae, "quant_conv", None) is None else vae.quant_conv
    vae.encoder.register_forward_pre_hook(lambda _module, values: (values[0].to(vae.dtype), *values[1:]))
    last.register_forward_hook(lambda _module, _values, latents: latents.to(narrow))


def _decode_in(vae: Any, tiles: Tiles) -> None:
    """Limit the memory of decoding as planned; pictures up to the size of a tile are not split."""
    if tiles == Tiles.WHOLE:
        return
    vae.enable_tiling()
    if tiles == Tiles.SMALL:
        vae.tile_sample_min_size //= 2
        vae.tile_latent_min_size //= 2
