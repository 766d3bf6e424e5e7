"""Can a model run here, and if not, what does it need? Answered without torch and without the network."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from pipelines import bundled
from pipelines.hub.cache import Download, Shelf
from pipelines.machine import Machine
from pipelines.plan import Means, Needs, Placement, Plan, least, plan
from studio.contract import Readiness

SPARE_GB = 0.5
"""Kept free on the disk of the cache, as `hub.fetch` does."""
CONTEXT_GB = 0.7
"""What CUDA itself takes on a card as soon as torch uses it."""


def means(machine: Machine) -> Means:
    """What models can count on, before torch is asked."""
    gpu = machine.gpu
    if gpu is None:
        return Means(0.0, 0.0, machine.ram_gb, (0, 0))
    context_gb = CONTEXT_GB if gpu.capability != (0, 0) else 0.0
    return Means(max(0.0, gpu.free_gb - context_gb), gpu.total_gb, machine.ram_gb, gpu.capability)


def plan_here(machine: Machine, needs: Needs) -> Plan | None:
    """What the plan will be, with nothing else loaded: other models of Diorama make room."""
    return plan(means(machine), needs)


def of_download(download: Download, needs: Needs, machine: Machine, shelf: Shelf) -> Readiness:
    """In the order in which a person can do something about it: the machine, the licence, the disk."""
    if plan_here(machine, needs) is None:
        return _too_small(download, needs, machine)
    return of_files(download, shelf)


def of_files(download: Download, shelf: Shelf) -> Readiness:
    """Whether a download is here, or can come."""
    if shelf.snapshot(download) is not None:
        return Readiness(True, "ready")
    if download.gated and shelf.token is None:
        return Readiness(
            False,
            "gated: needs a free licence",
            f"{download.label} is gated: accept the licence at {shelf.page(download)}, "
            "put HF_TOKEN=... in .env, and start Diorama again.",
        )
    # Never 0: what is still missing may be some small file.
    to_come_gb = max(0.1, download.gb - shelf.started_bytes(download) / 1e9)
    free_gb = shelf.free_bytes() / 1e9
    if to_come_gb + SPARE_GB > free_gb:
        return Readiness(
            False,
            f"not enough disk: needs {in_gb(to_come_gb)} GB",
            f"Not enough disk for {download.label}: needs {in_gb(to_come_gb)} GB, {in_gb(free_gb)} GB free in "
            f"{shelf.cache}. Free some space, or set HF_HOME to a folder on another disk.",
        )
    return Readiness(True, f"{in_gb(to_come_gb)} GB download", download_gb=to_come_gb)


def of_bundled(folder: Path) -> Readiness:
    fault = bundled.fault(folder)
    return Readiness(False, "weights damaged", fault, is_damaged=True) if fault else Readiness(True, "ready")


def revision_of(folder: Path) -> str:
    """Names the weights by what is in them: 12 hex digits of the SHA-256 of the files. 15 MB take some 20 ms."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        with suppress(OSError):  # `of_bundled` says so
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _too_small(download: Download, needs: Needs, machine: Machine) -> Readiness:
    """Names the smallest machine that would do, and from when on it is fast."""
    here = means(machine)
    asked = least(needs, machine.ram_gb)
    fast = least(needs, max(machine.ram_gb, asked.ram_gb), slowest=Placement.TEXT_LEAVES)
    card_gb, fast_gb = _up(asked.total_gb), _up(fast.total_gb)
    if machine.gpu and here.card and here.total_gb >= asked.total_gb and machine.ram_gb >= asked.ram_gb:
        free = f"{machine.gpu.free_gb:.0f} of {here.total_gb:.0f} GB are free"
        return Readiness(
            False,
            f"needs {card_gb} GB free on the GPU",
            f"{download.label} needs {card_gb} GB of memory on the GPU; {free}. Close other programs and start Diorama "
            "again, or use the toy model.",
        )
    has_card = bool(here.card) and here.total_gb >= asked.total_gb
    if has_card:
        return Readiness(
            False,
            f"needs {_up(asked.ram_gb)} GB memory",
            f"{download.label} needs {_up(asked.ram_gb)} GB of main memory beside this GPU; this machine has "
            f"{machine.ram_gb:.0f} GB. The toy model runs everywhere.",
        )
    found = f"this one has {here.total_gb:.0f} GB" if here.card else "none that can be used was found here"
    fast_from = f", and is fast from {fast_gb} GB on" if fast_gb > card_gb else ""
    return Readiness(
        False,
        f"needs a GPU with {card_gb} GB",
        f"{download.label} needs a GPU with {card_gb} GB of memory{fast_from}; {found}. The toy model runs everywhere.",
    )


def in_gb(gb: float) -> str:
    """A size as people read it, without its unit: "34", "4.0", "0.2"."""
    return f"{gb:.0f}" if gb >= 9.5 else f"{gb:.1f}"


def _up(gb: float) -> int:
    return -int(-gb // 1)
