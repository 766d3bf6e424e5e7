"""Opens a diffusers pipeline from a folder or a file, offline, without pickled weights. Places only what it must."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import load_file

from pipelines.checkpoint_kinds import is_pickle, not_weights, read_header
from pipelines.families.control import ip_adapter_weights
from pipelines.hub.cache import Checkpoint, components, missing, pipeline_class
from pipelines.opening import packed, single_file
from pipelines.opening.damage import opening, unusable
from pipelines.plan import Placement, Plan, Precision
from studio.validation import short

SAME_PARTS = {"LatentConsistencyModelPipeline": "StableDiffusionPipeline"}
"""Classes that only differ in sampling, and are opened as the other one."""


def open_pipeline(kind: type[diffusers.DiffusionPipeline], checkpoint: Checkpoint, plan: Plan) -> Any:
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
        cause = "is pickled, and opening it could run malicious code" if is_pickle(start) else not_weights(start)
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
