"""The terminal verbs `models` and `download`. No torch, no gradio."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from app import find_keys
from commands.options import OUTPUTS, own_checkpoints, own_models
from commands.programs.remote import workers_at
from pipelines import catalog
from pipelines.checkpoint_kinds import read_header
from pipelines.hub.cache import Download, HubCache
from pipelines.loras import files as loras
from pipelines.loras.kinds import made_for
from pipelines.machine import Machine, inspect
from pipelines.plan import Needs
from pipelines.records import RECORDS
from providers import catalog as clouds
from studio.catalog import Catalog, in_gb
from studio.contract import ModelSpec, Progress
from studio.errors import BadRequest, UnknownModel


def add_verbs(verbs: Any) -> None:
    """Add models and download to the parser's verbs."""
    listing = verbs.add_parser("models", help="list the models, their licences, and whether they can run here")
    listing.set_defaults(verb=models)
    listing.add_argument("--json", action="store_true", help="one JSON line per model")

    fetching = verbs.add_parser(
        "download", help="download a model before it is needed; after Ctrl+C it resumes where it stopped"
    )
    fetching.set_defaults(verb=download)
    fetching.add_argument("model", metavar="MODEL", help="model id; see `models`")
    fetching.add_argument("--json", action="store_true", help="a JSON line: model, path")
    lora = verbs.add_parser("lora", help="download a LoRA from the Hub into the folder loras")
    lora.set_defaults(verb=bring_lora)
    lora.add_argument("id", metavar="ID", help="owner/name, or owner/name/file.safetensors where it has several")
    lora.add_argument("--json", action="store_true", help="a JSON line: name, family, path, triggers")


# --- models -----------------------------------------------------------------------------------------------------------


def models(options: argparse.Namespace) -> int:
    """Print every model with its licence, size and readiness."""
    machine = inspect()
    folder = own_checkpoints(OUTPUTS)
    own = own_models(folder, machine)
    with workers_at() as workers:
        known = Catalog((*catalog.models(machine), *own(), *clouds.models(find_keys())), away=workers.models)
        specs = known.all()
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
    """What has to be downloaded once."""
    if spec.lane != "gpu":
        return ""
    return f"{in_gb(spec.download_gb)} download" if spec.download_gb else "included"


def memory(spec: ModelSpec, machine: Machine) -> str:
    """The memory a model takes on this machine, or would take on one it fits."""
    if spec.lane != "gpu" or spec.layout:
        return spec.layout
    if any(record.id == spec.id and isinstance(record.needs, Needs) for record in RECORDS):
        return f"{in_gb(spec.gpu_gb)} of weights"
    on_card = spec.gpu_gb and (machine.gpu or not spec.readiness().ok)
    return in_gb(spec.gpu_gb) if on_card else "on the CPU"


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
        "disk_gb": round(spec.weights.kept_gb(), 3) if spec.weights else 0.0,
        "layout": spec.layout,
        "pace": spec.pace,
        "about": spec.about,
        "sizes": [str(each) for each in spec.sizes],
        "styles": [style.id for style in spec.styles],
    }


# --- download ---------------------------------------------------------------------------------------------------------


def download(options: argparse.Namespace) -> int:
    """Download a model, even one that cannot run here; prints its path."""
    machine = inspect()
    downloads = catalog.downloads(machine)
    if options.model not in downloads:
        if any(spec.id == options.model for spec in catalog.models()):
            raise BadRequest(f"{options.model} is included with Diorama: there is nothing to download.")
        raise UnknownModel(options.model, downloads)
    from pipelines.hub import fetch  # takes a second to import

    shown, hub, wanted = ProgressLine(), HubCache.here(), downloads[options.model]
    if hub.snapshot(wanted) is None:
        print(preflight(wanted, hub), file=sys.stderr)
    try:
        folder = fetch.fetch(wanted, hub, shown.tell)
    except KeyboardInterrupt:
        shown.end()
        print("Stopped. The same command resumes from here.", file=sys.stderr)
        raise
    finally:
        shown.end()
    print(json.dumps({"model": options.model, "path": str(folder)}) if options.json else folder)
    return 0


def bring_lora(options: argparse.Namespace) -> int:
    """Download a LoRA from the Hub; prints how prompts refer to it."""
    from pipelines.loras import from_hub  # takes a second to import

    shown = ProgressLine()
    try:
        path = from_hub.bring(options.id, HubCache.here(), loras.folder(), shown.tell)
    finally:
        shown.end()
    made, words = made_for(read_header(path)), loras.triggers(path)
    if options.json:
        print(json.dumps({"name": path.stem, "family": made.family, "path": str(path), "triggers": words}))
    else:
        print(f"<lora:{path.stem}:0.8> for {made.name}" + (f"; it answers to: {words}" if words else ""))
    return 0


def preflight(wanted: Download, hub: HubCache) -> str:
    """What is about to be downloaded, from where, and whether the disk has room."""
    to_come_gb = max(0.1, wanted.gb - hub.started_bytes(wanted) / 1e9)
    licence = next(record.licence for record in RECORDS if record.label == wanted.label)
    gate = ", gated" if wanted.gated else ""
    return (
        f"{wanted.label}: {in_gb(to_come_gb)} from {hub.host} ({licence}{gate}); "
        f"{in_gb(hub.free_bytes() / 1e9)} free in {hub.cache}."
    )


class ProgressLine:
    """A progress line in a terminal; in a file, one line per step."""

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
