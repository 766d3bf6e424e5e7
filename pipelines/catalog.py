"""The models that run on this machine. Light to import: each `load` imports its own module."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from pipelines import bundled, readiness, sam_catalog, solid_catalog, torch_libraries
from pipelines.hub.cache import Checkpoint, Download, Shelf
from pipelines.machine import Machine, inspect
from pipelines.plan import Needs, Placement, plans
from studio.contract import Model, ModelSpec, Progress, Range, Size, Style, Task, Tell
from studio.errors import NotReady

Family = Literal["flux1", "kontext", "fill", "flux2"]
WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

# Sizes, licences and gates as their pages on the Hub said in November 2026; the commits are the ones that Diorama's
# settings were checked against, so that a picture can be made again.
KLEIN = Download(
    "black-forest-labs/FLUX.2-klein-4B", "e7b7dc27f91deacad38e78976d1f2b499d76a294", "FLUX.2 klein 4B", gb=16.0
)
SCHNELL = Download(
    "black-forest-labs/FLUX.1-schnell", "741f7c3ce8b383c54771c7003378a50191e9efe9", "FLUX.1 schnell", 33.7, gated=True
)
DEV = Download(
    "black-forest-labs/FLUX.1-dev", "3de623fc3c33e44ffbe2bad470d0f45bccf2eb21", "FLUX.1 dev", 33.7, gated=True
)
# For these two no commit was at hand to check against: the recipes name the one that was downloaded.
KONTEXT = Download("black-forest-labs/FLUX.1-Kontext-dev", "main", "FLUX.1 Kontext dev", 33.7, gated=True)
FILL = Download("black-forest-labs/FLUX.1-Fill-dev", "main", "FLUX.1 Fill dev", 33.7, gated=True)
KLEIN_NEEDS = Needs(text=8.05, transformer=7.75, vae=0.17, step=1.0, decode=2.5)
FLUX1_NEEDS = Needs(text=9.77, transformer=23.8, vae=0.17, step=1.0, decode=2.5)
KONTEXT_NEEDS = replace(FLUX1_NEEDS, step=1.6)  # it reads the picture beside the one it draws: twice the tokens
TOY_NEEDS = Needs(text=0.01, transformer=0.02, vae=0.01, step=0.05, decode=0.05)

DOWNLOADS = (
    {
        "flux2-klein-4b": KLEIN,
        "flux1-schnell": SCHNELL,
        "flux1-dev": DEV,
        "flux1-kontext-dev": KONTEXT,
        "flux1-fill-dev": FILL,
    }
    | sam_catalog.DOWNLOADS
    | solid_catalog.DOWNLOADS
)
"""What is fetched from the Hub, by the id of the model."""
NEEDS = {
    "toy-klein": TOY_NEEDS,
    "flux2-klein-4b": KLEIN_NEEDS,
    "flux1-schnell": FLUX1_NEEDS,
    "flux1-dev": FLUX1_NEEDS,
    "flux1-kontext-dev": KONTEXT_NEEDS,
    "flux1-fill-dev": FLUX1_NEEDS,
}
"""What the models that make pictures take; those that click are small beside them."""

APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
DEV_LICENCE = "https://huggingface.co/black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md"
MEGAPIXEL = tuple(
    Size(*size) for size in ((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))
)
KONTEXT_SIZES = tuple(
    Size(*size)
    for size in (
        (1024, 1024),
        *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
        *((1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688), (1568, 672)),
    )
)
"""What it was trained on. Source: diffusers 0.42.1, pipeline_flux_kontext.py, PREFERRED_KONTEXT_RESOLUTIONS."""

BOTH = frozenset({Task.GENERATE, Task.ITERATE})
EDITS = frozenset({Task.ITERATE})
DRAWN_OVER = Range(0.1, 1, 0.75)
"""Strengths of a model that knows no instructions: below, nothing can be seen of what was asked."""

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


EXAMPLES = (
    "a fox asleep in a teacup, morning light",
    "a paper-cut city at night with glowing windows",
    "a small robot watering a bonsai tree",
)


def models(machine: Machine | None = None, shelf: Shelf | None = None) -> tuple[ModelSpec, ...]:
    """Every model this code can open, the one to start with first.

    Args:
        machine: What to judge readiness by; None looks at this machine.
        shelf: Where downloads are kept; None reads the variables of the Hub, see `Shelf.here`.
    """
    machine, shelf = machine or inspect(), shelf or Shelf.here()
    toy, klein = toy_klein(machine), klein_4b(machine, shelf)
    plan = readiness.plan_here(machine, KLEIN_NEEDS)
    # Layer by layer klein is too slow for a first impression.
    is_quick = plan is not None and plan.placement < Placement.BLOCKS
    first = (klein, toy) if is_quick else (toy, klein)
    others = (schnell(machine, shelf), dev(machine, shelf), kontext(machine, shelf), fill(machine, shelf))
    seeing = (*sam_catalog.models(machine, shelf, WEIGHTS), *solid_catalog.models(machine, shelf, WEIGHTS))
    specs = (*first, *others, *seeing)
    return tuple(replace(spec, load=partial(_load, spec.load)) for spec in specs)


def _load(load: Callable[[Tell], Model], tell: Tell) -> Model:
    torch_libraries.preload()
    return load(tell)


def toy_klein(machine: Machine, folder: Path = WEIGHTS / "toy-klein") -> ModelSpec:
    return ModelSpec(
        id="toy-klein",
        label="Toy klein",
        tasks=BOTH,
        load=partial(_load_bundled, folder=folder, ram_gb=machine.ram_gb),
        readiness=partial(readiness.of_bundled, folder),
        revision=readiness.revision_of(folder),
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Toy world only: ten objects, ten colours, six backgrounds. Runs anywhere in a second.",
        sizes=(Size(128, 128),),
        steps=Range(4, 20, 8),
        guidance=Range(1, 8, 3),
        negative_prompt=True,
        references=1,
        mask=True,
        styles=TOY_STYLES,
        examples=(
            "a red ball on a grey background",
            "a yellow house on a blue background",
            "a green tree and a white snowman on a sand background",
            "a purple rocket on a pink background",
        ),
        known_words=partial(_known_words, folder / "known_words.json"),
    )


def klein_4b(machine: Machine, shelf: Shelf, download: Download = KLEIN, needs: Needs = KLEIN_NEEDS) -> ModelSpec:
    """Distilled: guidance is not a control, and without guidance there is no negative prompt."""
    return replace(
        _large("flux2-klein-4b", "flux2", download, needs, machine, shelf, text_tokens=512),
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Draws anything you can say, in four steps.",
        tasks=BOTH,
        steps=Range(1, 12, 4),
        references=4,
        mask=True,
    )


def schnell(machine: Machine, shelf: Shelf, download: Download = SCHNELL, needs: Needs = FLUX1_NEEDS) -> ModelSpec:
    """Distilled to few steps: it has no guidance, and was trained on prompts of up to 256 tokens."""
    return replace(
        _large("flux1-schnell", "flux1", download, needs, machine, shelf, text_tokens=256),
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Large and quick: four steps, good at scenes with many parts. Changes a picture by drawing over it.",
        tasks=BOTH,
        steps=Range(1, 12, 4),
        references=1,
        mask=True,
        strength=DRAWN_OVER,
    )


def dev(machine: Machine, shelf: Shelf, download: Download = DEV, needs: Needs = FLUX1_NEEDS) -> ModelSpec:
    """Guidance goes in as a number and costs nothing; a negative prompt is not what it was made for."""
    return replace(
        _large("flux1-dev", "flux1", download, needs, machine, shelf, text_tokens=512),
        licence="FLUX.1-dev non-commercial",
        licence_url=DEV_LICENCE,
        about="The finest detail, in 28 steps. The model is not for commercial use.",
        tasks=BOTH,
        steps=Range(8, 50, 28),
        guidance=Range(1, 10, 3.5),
        references=1,
        mask=True,
        strength=DRAWN_OVER,
    )


def kontext(machine: Machine, shelf: Shelf, download: Download = KONTEXT, needs: Needs = KONTEXT_NEEDS) -> ModelSpec:
    """Guidance is the model card's, https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev"""
    return replace(
        _large("flux1-kontext-dev", "kontext", download, needs, machine, shelf, text_tokens=512),
        licence="FLUX.1-dev non-commercial",
        licence_url=f"{shelf.page(download)}/blob/main/LICENSE.md",
        about="Changes a picture as you say and keeps the rest, in 28 steps. The model is not for commercial use.",
        tasks=EDITS,
        sizes=KONTEXT_SIZES,
        any_size=None,
        steps=Range(8, 50, 28),
        guidance=Range(1, 10, 2.5),
        references=1,
        styles=(),
        examples=(),
    )


def fill(machine: Machine, shelf: Shelf, download: Download = FILL, needs: Needs = FLUX1_NEEDS) -> ModelSpec:
    """Guidance and steps are the model card's, https://huggingface.co/black-forest-labs/FLUX.1-Fill-dev"""
    return replace(
        _large("flux1-fill-dev", "fill", download, needs, machine, shelf, text_tokens=512),
        licence="FLUX.1-dev non-commercial",
        licence_url=f"{shelf.page(download)}/blob/main/LICENSE.md",
        about="Fills what you paint over, or extends a picture: say what is to be there. Not for commercial use.",
        tasks=EDITS,
        steps=Range(8, 50, 50),
        guidance=Range(1, 60, 30),
        references=1,
        mask=True,
        mask_only=True,
        styles=(),
        examples=(),
    )


def _large(
    model_id: str,
    family: Family,
    download: Download,
    needs: Needs,
    machine: Machine,
    shelf: Shelf,
    *,
    text_tokens: int,
) -> ModelSpec:
    """What all downloaded models have in common; how each is asked is said in its own entry."""
    return ModelSpec(
        id=model_id,
        label=download.label,
        tasks=frozenset({Task.GENERATE}),
        load=_loader(family, download, needs, machine, shelf, text_tokens=text_tokens),
        readiness=partial(readiness.of_download, download, needs, machine, shelf),
        revision=download.revision,
        gpu_gb=_gpu_gb(machine, needs),
        download_gb=download.gb,
        page_url=shelf.page(download),
        gated=download.gated,
        sizes=MEGAPIXEL,
        any_size=(256, 1536, 16),
        styles=TEXT_STYLES,
        examples=EXAMPLES,
    )


def _loader(
    family: Family, download: Download, needs: Needs, machine: Machine, shelf: Shelf, *, text_tokens: int
) -> Callable[[Tell], Model]:
    def load(tell: Tell) -> Model:
        from pipelines.hub import fetch

        folder = fetch.fetch(download, shelf, tell)
        # Of a branch the recipe names the commit it was when it was downloaded.
        checkpoint = Checkpoint(folder, download.label, text_tokens, revision=folder.name)
        return _open(tell, family, checkpoint, needs, machine.ram_gb)

    return load


def _load_bundled(tell: Tell, *, folder: Path, ram_gb: float) -> Model:
    bundled.check(folder)
    return _open(tell, "flux2", Checkpoint(folder, "Toy klein", text_tokens=32), TOY_NEEDS, ram_gb)


def _open(tell: Tell, family: Family, checkpoint: Checkpoint, needs: Needs, ram_gb: float) -> Model:
    """
    Raises:
        NotReady: it does not fit, or the weights cannot be opened.
    """
    tell(Progress(0, 0, f"loading {checkpoint.label}"))
    from pipelines import device

    means = device.means(ram_gb)
    ways = plans(means, needs)
    if not ways:
        free = f"{means.free_gb:.0f} of {means.total_gb:.0f} GB are free on the GPU"
        found = free if means.card else "PyTorch finds no GPU"
        raise NotReady(f"{checkpoint.label} does not fit now: {found}. Close other programs, or choose another model.")
    if family == "flux2":
        from pipelines.families.flux2 import Flux2Klein

        return Flux2Klein(checkpoint, ways)
    from pipelines.families.flux1 import Flux1, Flux1Fill, Flux1Kontext

    return {"flux1": Flux1, "kontext": Flux1Kontext, "fill": Flux1Fill}[family](checkpoint, ways)


def _gpu_gb(machine: Machine, needs: Needs) -> float:
    """What the plan takes; the whole card where parts leave it, because those fill main memory: one such at a time."""
    plan = readiness.plan_here(machine, needs)
    if plan is None or machine.gpu is None:
        return needs.weights
    return plan.gpu_gb if plan.placement == Placement.RESIDENT else machine.gpu.total_gb


def _known_words(path: Path) -> frozenset[str]:
    return frozenset(json.loads(path.read_text())["words"])
