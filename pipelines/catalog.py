"""The models that run on this machine. Light to import: each `load` imports its own module."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

from pipelines.machine import Machine, inspect
from studio.contract import Model, ModelSpec, Range, Readiness, Size, Style, Task, Tell

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

TOY_STYLES = tuple(
    Style(colour, f"On {colour}", f"{{prompt}} on a {colour} background", unless="background")
    for colour in ("blue", "green", "grey", "sand", "pink", "purple")
)

TEXT_STYLES = (
    Style("photo", "Photograph", "{prompt}, photograph, natural light, 35 mm lens, sharp focus"),
    Style("cinema", "Cinematic", "{prompt}, cinematic still, dramatic light, shallow depth of field, film grain"),
    Style("watercolour", "Watercolour", "{prompt}, watercolour painting, soft edges, paper texture"),
    Style("ink", "Ink drawing", "{prompt}, black ink drawing, fine lines, white paper"),
    Style("clay", "Clay figure", "{prompt}, handmade clay figure, stop-motion, soft studio light"),
    Style("isometric", "Isometric", "{prompt}, isometric 3D render, clean shapes, pastel colours"),
    Style("product", "Product shot", "{prompt}, product photograph, plain light background, soft shadow"),
)


def models(machine: Machine | None = None) -> tuple[ModelSpec, ...]:
    """Every model this code can open, the one to start with first.

    Args:
        machine: What to judge readiness by; None looks at this machine.
    """
    machine = machine or inspect()
    klein = _klein_4b(machine)
    return (klein, _toy_klein()) if klein.readiness().ok else (_toy_klein(), klein)


def revision_of(folder: Path) -> str:
    """Names the weights by what is in them: 12 hex digits of the SHA-256 of the files. 15 MB take some 20 ms."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _toy_klein() -> ModelSpec:
    folder = WEIGHTS / "toy-klein"
    return ModelSpec(
        id="toy-klein",
        label="Toy klein",
        tasks=frozenset({Task.GENERATE}),
        load=partial(_load_klein, source=str(folder), text_tokens=32),
        readiness=partial(_bundled, folder),
        revision=revision_of(folder),
        licence="Apache-2.0",
        about="Toy world only: ten objects, ten colours, six backgrounds. Runs anywhere in a second.",
        sizes=(Size(128, 128),),
        steps=Range(4, 20, 8),
        guidance=Range(1, 8, 3),
        negative_prompt=True,
        references=1,
        styles=TOY_STYLES,
        examples=(
            "a red ball on a grey background",
            "a yellow house on a blue background",
            "a green tree and a white snowman on a sand background",
            "a purple rocket on a pink background",
        ),
        known_words=partial(_known_words, folder / "known_words.json"),
    )


def _klein_4b(machine: Machine) -> ModelSpec:
    sizes = ((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))
    return ModelSpec(
        id="flux2-klein-4b",
        label="FLUX.2 klein 4B",
        tasks=frozenset({Task.GENERATE}),
        load=partial(_load_klein, source="black-forest-labs/FLUX.2-klein-4B", text_tokens=512),
        readiness=partial(_needs_gpu, machine, "FLUX.2 klein 4B", gpu_gb=13, download_gb=16),
        gpu_gb=16,
        licence="Apache-2.0",
        about="Draws anything you can say, in four steps.",
        sizes=tuple(Size(*size) for size in sizes),
        any_size=(256, 1536, 16),
        steps=Range(1, 12, 4),
        references=4,
        styles=TEXT_STYLES,
        examples=(
            "a fox asleep in a teacup, morning light",
            "a paper-cut city at night with glowing windows",
            "a small robot watering a bonsai tree",
        ),
    )


def _load_klein(_tell: Tell, *, source: str, text_tokens: int) -> Model:
    from pipelines.flux import Checkpoint, Flux2Klein

    return Flux2Klein(Checkpoint(source, text_tokens=text_tokens))


def _bundled(folder: Path) -> Readiness:
    if (folder / "model_index.json").is_file():
        return Readiness(True, "ready")
    return Readiness(False, "weights missing", f"The folder {folder} is missing: clone the repository again.")


def _needs_gpu(machine: Machine, label: str, gpu_gb: float, download_gb: float) -> Readiness:
    gpu = machine.gpu
    if gpu is None or gpu.total_gb < gpu_gb:
        found = f"this one has {gpu.total_gb:.0f} GB" if gpu else "none was found here"
        return Readiness(
            False,
            f"needs a GPU with {gpu_gb:.0f} GB",
            f"{label} needs a GPU with {gpu_gb:.0f} GB of memory; {found}. The toy model runs everywhere.",
        )
    return Readiness(True, f"{download_gb:.0f} GB download")


def _known_words(path: Path) -> frozenset[str]:
    return frozenset(json.loads(path.read_text())["words"])
