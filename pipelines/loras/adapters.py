"""LoRAs on an opened pipeline: applied when a prompt names them, and removed without a trace."""

from __future__ import annotations

import re
from pathlib import Path

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file

from pipelines.loras.files import Lora, check, triggers
from pipelines.loras.kinds import Made
from pipelines.opening.building import building
from pipelines.opening.packed import seen_as
from pipelines.opening.placement import Placed
from studio.errors import BadRequest


class Adapters:
    """Those of one model; not thread-safe."""

    def __init__(self, label: str, family: str, network: torch.nn.Module) -> None:
        """
        Args:
            family: of LoRAs that fit, see `loras.kinds`; "" for none.
        """
        width = getattr(network, "inner_dim", 0)  # of a FLUX
        self._label, self.model = label, Made(family, width if isinstance(width, int) else 0)
        self.on: tuple[Lora, ...] = ()

    def put_on(self, placed: Placed, loras: tuple[Lora, ...]) -> None:
        """Apply exactly these. Those already applied stay.

        Raises:
            BadRequest: one is damaged, or does not fit; then none is applied.
        """
        if loras == self.on:
            return
        for lora in loras:
            if not self.model.family:
                raise BadRequest(
                    f"{self._label} does not support LoRAs. Take <lora:{lora.path.stem}> out of the prompt."
                )
            check(lora, self.model)
        self.take_off(placed)
        try:
            with placed.reading():  # a LoRA may include the text encoders
                for number, lora in enumerate(loras):
                    _load(placed, lora.path, f"lora_{number}")
                if loras:
                    weights = [lora.weight for lora in loras]
                    placed.pipeline.set_adapters([f"lora_{number}" for number in range(len(loras))], weights)
        except (ValueError, RuntimeError, KeyError, AssertionError, TypeError, SafetensorError) as error:
            self.on = loras  # wrapped layers remain
            self.take_off(placed)
            if isinstance(error, torch.OutOfMemoryError):
                raise
            names, why = ", ".join(lora.path.name for lora in loras), str(error).partition("\n")[0][:200]
            raise BadRequest(f"{self._label} cannot use {names}: {why or type(error).__name__}.") from error
        self.on = loras

    def take_off(self, placed: Placed) -> None:
        if self.on:
            with placed.reading():
                placed.pipeline.unload_lora_weights()
        self.on = ()

    def notice(self, prompt: str) -> str:
        """The trigger words of applied LoRAs, if the prompt has none of them."""
        said = prompt.lower()
        words = {lora.path.stem: triggers(lora.path) for lora in self.on}
        unused = [
            f"{name} answers to: {text}"
            for name, text in words.items()
            if text and not any(word in said for word in re.split(r"\s*,\s*", text.lower()))
        ]
        return ". ".join(unused)[:300]


def _load(placed: Placed, path: Path, name: str) -> None:
    """Raises ValueError if no layer fits, or one has another width, for which FLUX.1's pipeline would widen the
    model itself.
    """
    # diffusers silently loads nothing from these.
    tensors = {
        re.sub(r"^diffusion_model\.(?=(?:single_)?transformer_blocks)", "transformer.", key): value
        for key, value in load_file(path).items()
    }
    layers = dict(placed.network.named_modules())
    for key, value in tensors.items():
        found = re.fullmatch(r"(?:unet|transformer)\.(.+)\.lora_A\.weight", key)
        width = getattr(layers.get(found[1]), "in_features", None) if found else None
        if width is not None and value.shape[1] != width:
            raise ValueError(f"it changes layers of width {value.shape[1]}, where the model has {width}")
    parts = [part for part in placed.pipeline.components.values() if isinstance(part, torch.nn.Module)]
    with building():
        verbosity = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()  # or it lists all layers that a LoRA does not change
        try:
            with seen_as(placed.dtype, *parts):
                placed.pipeline.load_lora_weights(tensors, adapter_name=name)
        finally:
            transformers.logging.set_verbosity(verbosity)
    if not any(name in names for names in placed.pipeline.get_list_adapters().values()):
        raise ValueError("no layer of it fits")
