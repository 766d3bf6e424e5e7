"""The models that turn objects into views and splats here: ImageDream, LGM, and the toys. Light to import."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipelines import bundled, readiness
from pipelines.hub.cache import Download, Shelf
from pipelines.machine import Machine
from studio.contract import Model, ModelSpec, Progress, Range, Readiness, Task, Tell

# Sizes, licences and commits as their pages on the Hub said in November 2026.
IMAGEDREAM = Download(
    "ashawkey/imagedream-ipmv-diffusers", "73a034178e748421506492e91790cc62d6aefef5", "ImageDream", gb=4.0
)
LGM = Download(
    "ashawkey/LGM",
    "bc0097d24ffc5efc2e6a216edd579128f85f53ab",
    "LGM",
    gb=0.83,
    file="model_fp16_fixrot.safetensors",
)
DOWNLOADS = {"imagedream": IMAGEDREAM, "lgm": LGM}
"""What is fetched from the Hub, by the id of the model."""
APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
IMAGEDREAM_GPU_GB = 6.0
"""3.3 GB of float16 weights, and what ten latents of 32 x 32 take on their way through."""
LGM_GPU_GB = 3.0
TOY_ELEVATION_DEG = 21.0
"""In the middle of what the pictures of the toy world have. Source: toybox.world.sample_scene."""
LGM_RAM_GB = 8.0
"""In float32 its forward takes 3.3 GB and half a minute of one core (measured)."""


def models(machine: Machine, shelf: Shelf, weights: Path) -> tuple[ModelSpec, ...]:
    """The ones to start with first: the published ones where there is a GPU, the toys elsewhere.

    The toys are offered only where their weights are.

    Args:
        weights: folder of the bundled models.
    """
    published = (imagedream(machine, shelf), lgm_big(machine, shelf))
    folders = {toy_views: weights / "toy-views", toy_lgm: weights / "toy-lgm"}
    toys = tuple(make(folder) for make, folder in folders.items() if folder.is_dir())
    return (*published, *toys) if machine.gpu else (*toys, *published)


def toy_views(folder: Path) -> ModelSpec:
    """
    Args:
        folder: in the layout of ashawkey/imagedream-ipmv-diffusers.
    """
    return ModelSpec(
        id="toy-views",
        label="Toy views",
        tasks=frozenset({Task.VIEWS}),
        load=partial(_load_bundled_views, folder=folder),
        readiness=partial(readiness.of_bundled, folder),
        revision=readiness.revision_of(folder),
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Toy world only: what its ten kinds of objects look like from behind.",
        steps=Range(4, 50, 10),
        guidance=Range(1, 8, 1),
        elevation_deg=TOY_ELEVATION_DEG,
    )


def toy_lgm(folder: Path) -> ModelSpec:
    """
    Args:
        folder: with config.json and model.safetensors.
    """
    return ModelSpec(
        id="toy-lgm",
        label="Toy LGM",
        tasks=frozenset({Task.SPLAT}),
        load=partial(_load_bundled_splats, folder=folder),
        readiness=partial(readiness.of_bundled, folder),
        revision=readiness.revision_of(folder),
        licence="Apache-2.0",
        licence_url=APACHE,
        about="Toy world only: a splat in seconds, anywhere.",
        seed=False,
    )


def imagedream(machine: Machine, shelf: Shelf, download: Download = IMAGEDREAM) -> ModelSpec:
    """Steps and guidance as LGM's own app asks for them. Source: 3DTopia/LGM infer.py."""
    return ModelSpec(
        id="imagedream",
        label=download.label,
        tasks=frozenset({Task.VIEWS}),
        load=partial(_load_imagedream, download=download, shelf=shelf),
        readiness=partial(_of_card, download, IMAGEDREAM_GPU_GB, machine, shelf),
        revision=download.revision,
        gpu_gb=IMAGEDREAM_GPU_GB,
        download_gb=download.gb,
        licence="CreativeML OpenRAIL",
        licence_url=shelf.page(download),
        page_url=shelf.page(download),
        about="Imagines any single object from four sides, 256 pixels each.",
        steps=Range(10, 50, 30),
        guidance=Range(1, 10, 5),
    )


def lgm_big(machine: Machine, shelf: Shelf, download: Download = LGM) -> ModelSpec:
    """It needs no GPU; without one it takes half a minute."""
    small = machine.gpu is None and machine.ram_gb < LGM_RAM_GB
    return ModelSpec(
        id="lgm",
        label=download.label,
        tasks=frozenset({Task.SPLAT}),
        load=partial(_load_lgm, download=download, shelf=shelf),
        readiness=partial(_too_small, download, machine) if small else partial(readiness.of_files, download, shelf),
        revision=download.revision,
        gpu_gb=LGM_GPU_GB,
        download_gb=download.gb,
        licence="MIT",
        licence_url=shelf.page(download),
        page_url=shelf.page(download),
        about="Four views of any object to 65,536 Gaussians, in a second on a GPU.",
        seed=False,
    )


def _of_card(download: Download, gb: float, machine: Machine, shelf: Shelf) -> Readiness:
    here = readiness.means(machine)
    if here.card and here.total_gb >= gb:
        return readiness.of_files(download, shelf)
    found = f"this one has {here.total_gb:.0f} GB" if here.card else "none that can be used was found here"
    return Readiness(
        False,
        f"needs a GPU with {gb:.0f} GB",
        f"{download.label} needs a GPU with {gb:.0f} GB of memory; {found}. Four pictures of your own do as well.",
    )


def _too_small(download: Download, machine: Machine) -> Readiness:
    return Readiness(
        False,
        f"needs {LGM_RAM_GB:.0f} GB memory",
        f"{download.label} needs {LGM_RAM_GB:.0f} GB of memory; this machine has {machine.ram_gb:.0f} GB. Run it on "
        "another machine.",
    )


def _load_bundled_views(tell: Tell, *, folder: Path) -> Model:
    bundled.check(folder)
    tell(Progress(0, 0, "loading Toy views"))
    from pipelines import device
    from pipelines.families import imagedream as families_imagedream

    return families_imagedream.open_imagedream(
        folder, label="Toy views", revision=readiness.revision_of(folder), device=device.best()
    )


def _load_bundled_splats(tell: Tell, *, folder: Path) -> Model:
    bundled.check(folder)
    tell(Progress(0, 0, "loading Toy LGM"))
    from pipelines import device
    from pipelines.families import lgm_splat

    return lgm_splat.open_folder(folder, label="Toy LGM", device=device.best())


def _load_imagedream(tell: Tell, *, download: Download, shelf: Shelf) -> Model:
    from pipelines import device
    from pipelines.families import imagedream as families_imagedream
    from pipelines.hub import fetch

    folder = fetch.fetch(download, shelf, tell)
    tell(Progress(0, 0, f"loading {download.label}"))
    best = device.best()
    dtype = device.dtype_of(best)
    return families_imagedream.open_imagedream(
        folder, label=download.label, revision=folder.name, device=best, dtype=dtype
    )


def _load_lgm(tell: Tell, *, download: Download, shelf: Shelf) -> Model:
    from pipelines import device
    from pipelines.families import lgm_splat
    from pipelines.hub import fetch

    folder = fetch.fetch(download, shelf, tell)
    tell(Progress(0, 0, f"loading {download.label}"))
    best = device.best()
    return lgm_splat.open_lgm(folder / download.file, label=download.label, device=best, dtype=device.dtype_of(best))
