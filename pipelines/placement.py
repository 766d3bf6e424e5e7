"""A diffusers pipeline, opened and laid out as a plan says. Knows nothing of prompts, pictures or the network."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from pipelines.damage import opening, unusable
from pipelines.device import release_memory
from pipelines.hub.cache import missing, pipeline_class
from pipelines.plan import Placement, Plan


class Placed:
    """A pipeline on this machine; used by one thread at a time."""

    def __init__(self, kind: type[diffusers.DiffusionPipeline], folder: Path, plan: Plan, label: str) -> None:
        """Open a folder in the diffusers layout; the network is not looked at, and pickled weights are not opened.

        Raises:
            NotReady: the weights are missing or damaged.
            torch.OutOfMemoryError: the card is fuller than the plan thought.
        """
        self.plan = plan
        self.device = torch.device(plan.device)
        self._aside: dict[str, torch.nn.Module] = {}  # text encoders, while no prompt is read
        self.pipeline: Any = _open(kind, folder, plan, label)
        self.pipeline.set_progress_bar_config(disable=True)
        self._siblings: dict[type, Any] = {}
        self._lay_out()
        _bridge_dtypes(self.pipeline.vae, self.network.dtype)

    @property
    def network(self) -> Any:
        """The part that is asked at every step."""
        return getattr(self.pipeline, network_name(type(self.pipeline)))

    def of_kind(self, kind: type[diffusers.DiffusionPipeline]) -> Any:
        """Another pipeline over the same opened parts, wherever they lie."""
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
        """The text encoders are on the device while the block runs; the rest may have had to leave."""
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

    def rest(self) -> None:
        """Nothing runs: what was on the device for one picture only leaves it, also after Stop and after an error."""
        self.pipeline.maybe_free_model_hooks()

    def close(self) -> None:
        """Give memory back. Nothing else is called afterwards."""
        self._aside.clear()
        self._siblings.clear()
        self.pipeline = None
        release_memory()

    def _lay_out(self) -> None:
        pipeline, device = self.pipeline, self.device
        match self.plan.placement:
            case Placement.RESIDENT:
                return  # opened in its place
            case Placement.TEXT_LEAVES:
                # Taken out, not only moved: a pipeline works on the device of the first part it has.
                self._aside = {
                    name: part
                    for name, part in pipeline.components.items()
                    if name.startswith("text_encoder") and isinstance(part, torch.nn.Module)
                }
                for name in self._aside:
                    setattr(pipeline, name, None)
                self.network.to(device)
                pipeline.vae.to(device)
            case Placement.PARTS:
                pipeline.enable_model_cpu_offload(device=device)
            case Placement.BLOCKS:
                pipeline.enable_group_offload(
                    onload_device=device, offload_device=torch.device("cpu"), offload_type="leaf_level"
                )
        pipeline.vae.enable_tiling()  # only pictures larger than it was trained on are cut: memory stays bounded


def _open(kind: type[diffusers.DiffusionPipeline], folder: Path, plan: Plan, label: str) -> Any:
    """The pipeline. `Any`: diffusers annotates its methods more narrowly than they are."""
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # bars of the loaders; progress is told by `tell`
    # The libraries open both all the same: with an empty tokenizer, and with parts that do not belong together.
    if lacking := missing(folder):
        raise unusable(f"{label} in {folder}", f"{', '.join(lacking)} missing")
    if (found := pipeline_class(folder)) != kind.__name__:
        raise unusable(f"{label} in {folder}", f"it is a {found or 'pipeline of no class'}, not a {kind.__name__}")
    others = getattr(torch, plan.other_dtype)
    with opening(f"{label} in {folder}"):
        return kind.from_pretrained(
            str(folder),
            dtype=dict.fromkeys(_narrow(kind), getattr(torch, plan.dtype)) | {"default": others},
            # Straight to the device: through main memory it is four times slower, and twice as large in there.
            # Source: https://github.com/huggingface/diffusers/pull/11904
            device_map=plan.device if plan.placement == Placement.RESIDENT else None,
            use_safetensors=True,
            local_files_only=True,
        )


def network_name(kind: type[diffusers.DiffusionPipeline]) -> str:
    """How pipelines of this kind call the part that is asked at every step."""
    return "unet" if "unet" in inspect.signature(kind.__init__).parameters else "transformer"


def _narrow(kind: type[diffusers.DiffusionPipeline]) -> list[str]:
    """The parts in the plan's first dtype: the network, and the CLIPs that a UNet has to agree with."""
    name = network_name(kind)
    parts = inspect.signature(kind.__init__).parameters if name == "unet" else ()
    return [name, *(part for part in parts if part.startswith("text_encoder"))]


def _bridge_dtypes(vae: Any, narrow: torch.dtype) -> None:
    """Let pictures into an autoencoder that is wider than the network, and out of it again.

    The pipelines hand pictures over in the network's dtype and expect latents in it; the autoencoder of a Turing
    card is float32.
    """
    if vae.dtype == narrow:
        return
    last = vae.encoder if getattr(vae, "quant_conv", None) is None else vae.quant_conv
    vae.encoder.register_forward_pre_hook(lambda _module, values: (values[0].to(vae.dtype), *values[1:]))
    last.register_forward_hook(lambda _module, _values, latents: latents.to(narrow))
