"""Opens a diffusers pipeline and places it on the devices as a plan says. Knows no prompts, pictures or network."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import load_file

from pipelines.checkpoint_kinds import not_weights, read_header
from pipelines.device import release_memory
from pipelines.families.control import ip_adapter_weights
from pipelines.hub.cache import Checkpoint, components, missing, pipeline_class
from pipelines.opening import packed, single_file
from pipelines.opening.building import building
from pipelines.opening.damage import opening, unusable
from pipelines.plan import Placement, Plan, Precision, Tiles
from pipelines.speed.warm_up import WarmUp
from studio.validation import short

SAME_PARTS = {"LatentConsistencyModelPipeline": "StableDiffusionPipeline"}
"""Classes that only differ in sampling, and are opened as the other one."""


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
            self.pipeline: Any = _open(kind, checkpoint, plan)
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
        return _dtype(self.plan.dtype)

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


def _open(kind: type[diffusers.DiffusionPipeline], checkpoint: Checkpoint, plan: Plan) -> Any:
    """The pipeline. `Any`, as diffusers' annotations are too narrow."""
    folder, label = checkpoint.path, checkpoint.label
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # `tell` reports progress instead
    if checkpoint.config:
        return _of_file(kind, checkpoint, checkpoint.config, plan)
    # The libraries would open these anyway: with an empty tokenizer, or with mismatched parts.
    if lacking := missing(folder, unopened=(*checkpoint.without, *checkpoint.parts)):
        raise unusable(f"{label} in {short(folder)}", f"{', '.join(lacking)} missing")
    found = pipeline_class(folder).replace("Inpaint", "")  # the same parts
    if SAME_PARTS.get(found, found) != kind.__name__.replace("ControlNet", ""):
        what = f"it is a {found or 'pipeline of no class'}, not a {kind.__name__}"
        raise unusable(f"{label} in {short(folder)}", what)
    _look_into(label, [file for file in folder.glob("*/*.safetensors") if file.parent.name not in checkpoint.parts])
    _look_into(label, checkpoint.parts.values())
    dtypes, others = _dtypes(kind, plan), _dtype(plan.other_dtype)
    network, is_resident = network_name(kind), plan.placement == Placement.RESIDENT
    # Weights to be quantized are read in main memory, where the file is just mapped.
    read_on = plan.device if is_resident and plan.precision == Precision.FULL else "cpu"
    with opening(f"{label} in {short(folder)}"):
        pipeline = kind.from_pretrained(
            str(folder),
            dtype=dtypes,
            variant="fp16" if any(".fp16." in path.name for path in folder.glob("*/*.safetensors")) else None,
            **dict.fromkeys(checkpoint.without),
            **{
                name: _part(folder, name, file, read_on, dtypes.get(name, others))
                for name, file in checkpoint.parts.items()
                if name != "ip_adapter"
            },
            # Straight to the device: through main memory it takes four times as long, and twice its size there.
            # Source: https://github.com/huggingface/diffusers/pull/11904
            device_map=plan.device if read_on == plan.device and is_resident else None,
            use_safetensors=True,
            local_files_only=True,
        )
    _sound(pipeline, checkpoint)
    with opening(f"{label} in {short(folder)}"):
        if adapter := checkpoint.parts.get("ip_adapter"):
            ip_adapter_weights.put_on(pipeline, adapter)
        packed.pack(pipeline, network, plan)
    if is_resident and read_on != plan.device:
        pipeline.to(plan.device)
    return pipeline


def _look_into(label: str, files: Iterable[Path]) -> None:
    """Raises NotReady if one of them is a web page or pickled, whatever its name says."""
    for path in files:
        with path.open("rb") as file:
            start = file.read(64)
        is_pickled = start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
        cause = "is pickled, and opening it could run malicious code" if is_pickled else not_weights(start)
        if cause:
            raise unusable(label, f"{path.name} {cause}")


def _of_file(kind: type[diffusers.DiffusionPipeline], checkpoint: Checkpoint, config: Path, plan: Plan) -> Any:
    """The pipeline of a single file."""
    with opening(f"{checkpoint.label} in {short(checkpoint.path)}"):
        pipeline = single_file.open_file(kind, checkpoint.path, config)
    _sound(pipeline, checkpoint)
    dtypes = _dtypes(kind, plan)
    device = plan.device if plan.placement == Placement.RESIDENT else "cpu"
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            part.to(dtypes.get(name, dtypes["default"])).eval()
    packed.pack(pipeline, network_name(kind), plan)
    for part in pipeline.components.values() if device != "cpu" else ():
        if isinstance(part, torch.nn.Module):
            part.to(device)
    return pipeline


def _sound(pipeline: Any, checkpoint: Checkpoint) -> None:
    """Check the user's own weights, as pipelines open with damaged ones."""
    if checkpoint.own and (fault := single_file.fault(pipeline)):
        raise unusable(f"{checkpoint.label} in {short(checkpoint.path)}", fault)


def _dtypes(kind: type[diffusers.DiffusionPipeline], plan: Plan) -> dict[str, torch.dtype]:
    return dict.fromkeys(_narrow(kind), _dtype(plan.dtype)) | {"default": _dtype(plan.other_dtype)}


def _dtype(name: str) -> torch.dtype:
    return getattr(torch, name)


def _part(folder: Path, name: str, file: Path, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """A component as the folder describes it, with the weights of a file.

    Raises:
        RuntimeError, KeyError: they are of another network.
    """
    if file.suffix == ".gguf":
        return packed.read_gguf(_kind(folder, name), file, folder, name, dtype).to(device).eval()
    if name == "image_encoder":
        return ip_adapter_weights.open_encoder(file, device, dtype)
    with torch.device("meta"):
        module = _controlnet(folder) if name == "controlnet" else _described(folder, name)
    if not read_header(file).keys() & module.state_dict().keys():  # its makers' names
        by_makers = type(module).from_single_file(str(file), config=str(folder), subfolder=name, local_files_only=True)
        return by_makers.to(device, dtype).eval()
    weights = {key: tensor.to(dtype) for key, tensor in load_file(file, device=device).items()}
    module.load_state_dict(weights, assign=True)
    return module.eval()


def _described(folder: Path, name: str) -> Any:
    """A component as the folder describes it."""
    kind = _kind(folder, name)
    return kind.from_config(kind.load_config(folder / name))


def _kind(folder: Path, name: str) -> Any:
    return getattr(diffusers, components((folder / "model_index.json").read_text(encoding="utf-8"))[name])


def _controlnet(folder: Path) -> Any:
    """Derived from its UNet, without a configuration of its own."""
    return diffusers.ControlNetModel.from_unet(_described(folder, "unet"), load_weights_from_unet=False)


def network_name(kind: type[diffusers.DiffusionPipeline]) -> str:
    """The name of the part that runs at every step, in pipelines of this kind."""
    return "unet" if "unet" in inspect.signature(kind.__init__).parameters else "transformer"


def _narrow(kind: type[diffusers.DiffusionPipeline]) -> list[str]:
    """The parts with the plan's first dtype: the network, and what must match a UNet."""
    name = network_name(kind)
    parts = inspect.signature(kind.__init__).parameters if name == "unet" else ()
    return [name, *(part for part in parts if part.startswith(("text_encoder", "image_encoder", "controlnet")))]


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
