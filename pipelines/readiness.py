"""Can a model run here, and if not, what does it need? Answered without torch and without the network."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipelines import bundled
from pipelines.hub.cache import SPARE_GB, Download, HubCache
from pipelines.local_model import LocalModel
from pipelines.machine import Machine
from pipelines.plan import Means, Needs, Pace, Plan, Precision, Whole, least, plan
from studio.cards.facts import Need
from studio.catalog import in_gb
from studio.contract import Readiness
from studio.validation import short

EXTRAS = "make extras (or pip install -r requirements-extras.txt)"
CONTEXT_GB = 0.7
"""CUDA's own memory on a GPU, once torch uses it."""


def means(machine: Machine) -> Means:
    """What models can count on, before torch is asked."""
    gpu = machine.gpu
    if gpu is None:
        return Means(0.0, 0.0, machine.ram_gb, (0, 0))
    context_gb = CONTEXT_GB if gpu.capability != (0, 0) else 0.0
    free_gb = max(0.0, gpu.free_gb - context_gb)
    return Means(free_gb, gpu.total_gb, machine.ram_gb, gpu.capability, machine.can, machine.compiler)


def plan_here(machine: Machine, needs: Needs) -> Plan | None:
    """The plan with nothing else loaded: Diorama's other models make room."""
    return plan(means(machine), needs)


def of(model: LocalModel, weights: Download | Path, machine: Machine, hub: HubCache) -> Readiness:
    """In the order in which a person can do something about it: the machine, the licence, the disk.

    Args:
        weights: a download, or the folder of a bundled model.
    """
    if model.fault:
        return Readiness(False, "cannot be opened", model.fault)
    if model.at and isinstance(weights, Path):
        return too_small(model, machine) or Readiness(True, "ready")
    if isinstance(weights, Path):
        found = [of_bundled(weights.parent / id) for id in model.bundles]
        return next((each for each in found if not each.ok), found[0])
    return too_small(model, machine) or own_file(model) or of_files(weights, hub)


def of_files(download: Download, hub: HubCache) -> Readiness:
    """Whether a download is here, or possible."""
    gb = to_come_gb(download, hub)
    if path := download.named():
        hint = f"There is no file {short(path)}: correct {download.local} in .env, or remove it."
        return Readiness(True, "ready") if path.is_file() else Readiness(False, "file missing", hint)
    if not gb:
        return Readiness(True, "ready")
    if download.gated and hub.token is None:
        return Readiness(
            False,
            "gated: needs a free licence",
            f"{download.label} is gated: accept the licence at {hub.page(download)}, "
            "put HF_TOKEN=... in .env, and restart Diorama.",
        )
    free_gb = hub.free_bytes() / 1e9
    if gb + SPARE_GB > free_gb:
        return Readiness(
            False,
            f"not enough disk: needs {in_gb(gb)}",
            f"Not enough disk for {download.label}: needs {in_gb(gb)}, {in_gb(free_gb)} free in "
            f"{short(hub.cache)}. Free some space, or set HF_HOME to a folder on another disk.",
        )
    return Readiness(True, f"{in_gb(gb)} download", download_gb=gb)


def to_come_gb(download: Download, hub: HubCache) -> float:
    """What is still to be downloaded; 0 if everything is here, or the user named a file instead."""
    if download.named() or hub.snapshot(download) is not None:
        return 0.0
    return max(0.1, download.gb - hub.started_bytes(download) / 1e9)  # perhaps only a small file is missing


def needs_of(model: LocalModel, weights: Download | Path, machine: Machine, hub: HubCache) -> tuple[Need, ...]:
    """All requirements of a model: memory, the user's own file, disk, licence and access, as far as they apply.

    Args:
        weights: a download, or the folder of a bundled model.
    """
    found = [_memory(model, machine)]
    if own := own_file(model):
        found.append(Need("File", own.label, False))
    download = weights if isinstance(weights, Download) else None
    if download:
        found.append(_disk(download, hub))
    if model.licence:
        page = hub.page(download) if download else ""
        found.append(Need("Licence", model.licence, True, model.licence_url or page))
    if download:
        found.append(_access(download, hub))
    return tuple(found)


def _memory(model: LocalModel, machine: Machine) -> Need:
    """The plan, or the smallest machine that would do."""
    wanted, gpu = too_small(model, machine), machine.gpu
    card = f"a GPU with {gpu.total_gb:.0f} GB" if gpu else "no GPU"
    here = f"{machine.ram_gb:.0f} GB and {card}"
    if wanted:
        return Need("Memory", f"{wanted.label}; here: {here}", False)
    return Need("Memory", f"enough: {here}", True)


def _disk(download: Download, hub: HubCache) -> Need:
    gb = to_come_gb(download, hub)
    if not gb:
        return Need("Disk", "already downloaded", True)
    free_gb = hub.free_bytes() / 1e9
    return Need("Disk", f"{in_gb(gb)} to download; {in_gb(free_gb)} free", gb + SPARE_GB <= free_gb)


def _access(download: Download, hub: HubCache) -> Need:
    if not download.gated:
        return Need("Access", "open: no account, no token", True)
    token = "HF_TOKEN is set" if hub.token else "HF_TOKEN is not set"
    return Need("Access", f"gated: accept its licence once; {token}", hub.token is not None, hub.page(download))


def of_bundled(folder: Path) -> Readiness:
    fault = bundled.fault(folder)
    return Readiness(False, "weights damaged", fault, is_damaged=True) if fault else Readiness(True, "ready")


def revision_of(*folders: Path) -> str:
    """Identifies the weights by their content: 12 hex digits of the SHA-256 of the files. 15 MB take some 20 ms."""
    digest = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.rglob("*.safetensors"))):
        with suppress(OSError):  # reported by `of_bundled`
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def own_file(model: LocalModel) -> Readiness | None:
    """The file that the user must provide, because no Hub has it; None if nothing is missing."""
    path = model.named()
    if not model.own_file or (path and path.is_file()):
        return None
    if path:
        return Readiness(False, "file missing", f"There is no file {short(path)}: correct {model.own_file} in .env.")
    return Readiness(
        False,
        "needs a file from you",
        f"{model.label} is on no Hub: download {model.own_file_from}, put {model.own_file}=/where/it/is in .env, and "
        "start Diorama again.",
    )


def too_small(model: LocalModel, machine: Machine) -> Readiness | None:
    """The smallest machine that would do, and from when on it is fast; None if this one will do."""
    here, needs, label = means(machine), model.needs, model.label
    if isinstance(needs, Whole):
        if needs.card and not (here.card and here.total_gb >= needs.gpu_gb):
            return _card_wanted(model, here, needs.gpu_gb)
        if machine.gpu or machine.ram_gb >= needs.ram_gb:
            return None
        return _memory_wanted(model, machine, needs.ram_gb, "memory")
    if plan_here(machine, needs) is not None:
        return None
    if plan_here(replace(machine, can=frozenset(Precision)), needs) is not None:
        return Readiness(
            False,
            "needs make extras",
            f"{label} fits here with weights in fewer bits: run {EXTRAS}, which installs what packs them (130 MB), and "
            "start Diorama again.",
        )
    asked = least(needs, machine.ram_gb, can=machine.can)
    if not here.card or here.total_gb < asked.total_gb:
        fast = least(needs, max(machine.ram_gb, asked.ram_gb), can=machine.can, slowest=Pace.FAST)
        return _card_wanted(model, here, asked.total_gb, fast.total_gb)
    if machine.gpu and machine.ram_gb >= asked.ram_gb:
        card_gb, free = _up(asked.total_gb), f"{machine.gpu.free_gb:.0f} of {here.total_gb:.0f} GB are free"
        return Readiness(
            False,
            f"needs {card_gb} GB free on the GPU",
            f"{label} needs {card_gb} GB of memory on the GPU; {free}. Close other programs and start Diorama again, "
            "or use the toy model.",
        )
    return _memory_wanted(model, machine, asked.ram_gb, "main memory beside this GPU")


def _memory_wanted(model: LocalModel, machine: Machine, gb: float, what: str) -> Readiness:
    return Readiness(
        False,
        f"needs {_up(gb)} GB memory",
        f"{model.label} needs {_up(gb)} GB of {what}; this machine has {machine.ram_gb:.0f} GB. {model.otherwise}",
    )


def _card_wanted(model: LocalModel, here: Means, gb: float, fast_gb: float = 0.0) -> Readiness:
    found = f"this one has {here.total_gb:.0f} GB" if here.card else "none that can be used was found here"
    fast = f", and is fast from {_up(fast_gb)} GB on" if _up(fast_gb) > _up(gb) else ""
    return Readiness(
        False,
        f"needs a GPU with {_up(gb)} GB",
        f"{model.label} needs a GPU with {_up(gb)} GB of memory{fast}; {found}. {model.otherwise}",
    )


def _up(gb: float) -> int:
    return -int(-gb // 1)
