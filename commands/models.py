"""The terminal verbs about models: which there are, what runs on this machine, and downloads. No torch, no gradio."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app import LOCAL_OWNER, OUTPUTS, find_keys
from commands.options import own_checkpoints
from pipelines import catalog, readiness
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine, inspect
from pipelines.plan import Whole
from pipelines.records import RECORDS
from providers import catalog as clouds
from studio.catalog import in_gb
from studio.clouds.spending import in_dollars, read_cap
from studio.contract import ModelSpec, Progress, Task
from studio.errors import BadRequest, UnknownModel

PACKAGES = ("gradio", "torch", "diffusers", "transformers", "huggingface_hub", "pillow")


def add_verbs(verbs: Any) -> None:
    """Add models, download and doctor to the parser's verbs."""
    listing = verbs.add_parser("models", help="list the models, their licences, and whether they can run here")
    listing.set_defaults(verb=models)
    listing.add_argument("--json", action="store_true", help="one JSON line per model")

    fetching = verbs.add_parser(
        "download", help="download a model before it is needed; after Ctrl+C it resumes where it stopped"
    )
    fetching.set_defaults(verb=download)
    fetching.add_argument("model", metavar="MODEL", help="model id; see `models`")

    check = verbs.add_parser("doctor", help="what this machine has and what each tab can do on it")
    check.set_defaults(verb=doctor)
    check.add_argument("--outputs", type=Path, default=OUTPUTS)


# --- models -----------------------------------------------------------------------------------------------------------


def models(options: argparse.Namespace) -> int:
    """Print every model with its licence, its size and its readiness."""
    machine = inspect()
    folder = own_checkpoints(OUTPUTS)
    own = catalog.OwnModels(folder, machine)
    specs = (*catalog.models(machine), *own(), *clouds.models(find_keys()))
    if options.json:
        for spec in specs:
            print(json.dumps(describe(spec)))
        return 0
    rows = [(spec.id, spec.readiness().label, licence(spec), size(spec), memory(spec, machine)) for spec in specs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for spec, row in zip(specs, rows, strict=True):
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if spec.about:
            print(f"{'':{widths[0]}}  {spec.about}")
    print(f"{own.invitation.removesuffix('.')}: {folder}.")
    return 0


def licence(spec: ModelSpec) -> str:
    return f"{spec.licence}, gated" if spec.gated else spec.licence


def size(spec: ModelSpec) -> str:
    """What has to be downloaded, once."""
    if spec.lane == "cloud":
        return ""
    return f"{in_gb(spec.download_gb)} download" if spec.download_gb else "included"


def memory(spec: ModelSpec, machine: Machine) -> str:
    """What a model takes on this machine, or would take on one it fits on."""
    if spec.lane == "cloud":
        return ""
    needs = next((record.needs for record in RECORDS if record.id == spec.id), None)
    if needs is None or isinstance(needs, Whole):
        on_card = spec.gpu_gb and (machine.gpu or not spec.readiness().ok)
        return in_gb(spec.gpu_gb) if on_card else "on the CPU"
    plan = readiness.plan_here(machine, needs)
    return str(plan) if plan else f"{in_gb(spec.gpu_gb)} of weights"


def describe(spec: ModelSpec) -> dict[str, object]:
    """A model as JSON."""
    ready = spec.readiness()
    return {
        "id": spec.id,
        "label": spec.label,
        "tasks": sorted(spec.tasks),
        "ready": ready.ok,
        "readiness": ready.label,
        "hint": ready.hint,
        "licence": spec.licence,
        "licence_url": spec.licence_url,
        "gated": spec.gated,
        "page": spec.page_url,
        "download_gb": spec.download_gb,
        "about": spec.about,
        "sizes": [str(each) for each in spec.sizes],
        "styles": [style.id for style in spec.styles],
    }


# --- download ---------------------------------------------------------------------------------------------------------


def download(options: argparse.Namespace) -> int:
    """Fetch a model onto this disk, also where it could not run; prints where it lies."""
    downloads = catalog.downloads()
    if options.model not in downloads:
        if any(spec.id == options.model for spec in catalog.models()):
            raise BadRequest(f"{options.model} is included with Diorama: there is nothing to download.")
        raise UnknownModel(options.model, downloads)
    from pipelines.hub import fetch  # takes a second to import

    shown = ProgressLine()
    try:
        folder = fetch.fetch(downloads[options.model], HubCache.here(), shown.tell)
    except KeyboardInterrupt:
        shown.end()
        print("Stopped. The same command resumes from here.", file=sys.stderr)
        raise
    finally:
        shown.end()
    print(folder)
    return 0


class ProgressLine:
    """One line of a terminal that says how far it is; in a file, one for each thing it does."""

    def __init__(self) -> None:
        self._told = ""

    def tell(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{progress.note}", end="", file=sys.stderr, flush=True)
        elif (short := progress.note.partition(":")[0]) != self._told:
            self._told = short
            print(progress.note, file=sys.stderr, flush=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# --- doctor -----------------------------------------------------------------------------------------------------------


def doctor(options: argparse.Namespace) -> int:
    """Print what this machine has and what each tab can do on it; exit status 1 when no tab can do anything."""
    machine, hub = inspect(), HubCache.here()
    print(f"Machine   {machine}")
    print(f"Python    {platform.python_version()}")
    print(f"Packages  {', '.join(f'{name} {installed(name)}' for name in PACKAGES)}")
    folder = options.outputs
    free_gb = (
        shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.exists())).free / 1e9
    )
    print(f"Outputs   {folder}, {free_gb:.0f} GB free")
    token = "HF_TOKEN is set" if hub.token else "no HF_TOKEN, which gated models need"
    print(f"Downloads {hub.cache}, {hub.free_bytes() / 1e9:.0f} GB free, {token}")
    specs = catalog.models(machine, hub)
    able = False
    for task in Task:
        ready = [spec.label for spec in specs if task in spec.tasks and spec.readiness().ok]
        able = able or bool(ready)
        print(f"{task.value.capitalize():9} {', '.join(ready) or 'no model for this yet'}")
    for spec in specs:
        print(f"          {spec.label}: {state(spec, machine, hub)}")
    for key in clouds.accounts(find_keys()).keys(LOCAL_OWNER):  # whether, never what
        told = {"environment": "a key in the environment", "file": "a key in .env"}.get(key.source)
        print(f"Cloud     {key.provider}: {f'{told}, {key.name}' if told else f'no key; {key.todo}'}")
    cap = read_cap(os.environ.get("DIORAMA_DAILY_CAP_USD", ""))
    print(f"          {'no' if cap is None else in_dollars(cap)} daily cap, DIORAMA_DAILY_CAP_USD")
    return 0 if able else 1


def state(spec: ModelSpec, machine: Machine, hub: HubCache) -> str:
    """Where a model lies and how it would run, or what it lacks."""
    ready = spec.readiness()
    wanted = catalog.downloads().get(spec.id)
    there = hub.snapshot(wanted) if wanted else None
    kept = f"downloaded to {there}" if there else ready.label
    if not ready.ok:
        return f"{ready.hint} It is {kept}." if there else ready.hint
    return f"{kept}; {memory(spec, machine)}"


def installed(name: str) -> str:
    """The version of an installed package, or "missing"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
