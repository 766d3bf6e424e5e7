"""All that a model needs of this machine and its owner, one by one: `readiness` says only what is in the way first."""

from __future__ import annotations

from pathlib import Path

from pipelines import readiness
from pipelines.hub.cache import Download, HubCache
from pipelines.local_model import LocalModel
from pipelines.machine import Machine
from studio.catalog import in_gb
from studio.contract import Need


def of(model: LocalModel, weights: Download | Path, machine: Machine, hub: HubCache) -> tuple[Need, ...]:
    """Memory, disk, licence and access, in this order; a file of one's own where it needs one.

    Args:
        weights: a download, or the folder of a bundled model.
    """
    found = [_memory(model, machine)]
    if own := readiness.own_file(model):
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
    """What the plan is, or the smallest machine that would do beside this one."""
    wanted, gpu = readiness.too_small(model, machine), machine.gpu
    card = f"a GPU with {gpu.total_gb:.0f} GB" if gpu else "no GPU"
    here = f"{machine.ram_gb:.0f} GB and {card}"
    if wanted:
        return Need("Memory", f"{wanted.label}; here: {here}", False)
    return Need("Memory", f"enough: {here}", True)


def _disk(download: Download, hub: HubCache) -> Need:
    to_come_gb = readiness.to_come_gb(download, hub)
    if not to_come_gb:
        return Need("Disk", "already downloaded", True)
    free_gb = hub.free_bytes() / 1e9
    text = f"{in_gb(to_come_gb)} to download; {in_gb(free_gb)} free"
    return Need("Disk", text, to_come_gb + readiness.SPARE_GB <= free_gb)


def _access(download: Download, hub: HubCache) -> Need:
    if not download.gated:
        return Need("Access", "open: no account, no token", True)
    token = "HF_TOKEN is set" if hub.token else "HF_TOKEN is not set"
    return Need("Access", f"gated: accept its licence once; {token}", hub.token is not None, hub.page(download))
