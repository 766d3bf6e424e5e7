"""The verb `doctor`: what this machine has, what each tab can do on it, and what to do about the rest.

Its output is safe to paste into a bug report: no keys, no user names, home folders as "~". No torch, no gradio.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app import find_keys
from commands.models import describe, memory
from commands.options import OUTPUTS, own_checkpoints, own_models
from commands.sharing.identity import LOCAL_OWNER
from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine, inspect, nvidia_driver, torch_build
from pipelines.plan import Precision
from providers import catalog as clouds
from studio.clouds.spending import in_dollars, read_cap
from studio.contract import ModelSpec, Task

PACKAGES = ("gradio", "torch", "diffusers", "transformers", "huggingface_hub", "pillow", "bitsandbytes", "gguf")
_SOURCES = {"environment": "a key in the environment", "file": "a key in .env"}


@dataclass(frozen=True)
class Report:
    """The findings, as plain values."""

    machine: dict[str, Any]
    python: str
    packages: dict[str, str]
    outputs: dict[str, Any]
    downloads: dict[str, Any]
    tasks: dict[str, list[str]]  # labels of the usable models, by task
    models: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    daily_cap: str
    todo: list[str]


def add_verbs(verbs: Any) -> None:
    """Add doctor to the parser's verbs."""
    check = verbs.add_parser("doctor", help="show what this machine has and what each tab can do on it")
    check.set_defaults(verb=doctor)
    check.add_argument("--outputs", type=Path, default=OUTPUTS)
    check.add_argument("--json", action="store_true", help="one JSON object, as safe to post as the text")
    check.add_argument("--check-token", action="store_true", help="ask the Hub once whether it accepts HF_TOKEN")


def doctor(options: argparse.Namespace) -> int:
    """Print the report; exit status 1 if no tab can do anything."""
    found = report(options.outputs, check_token=options.check_token)
    text = json.dumps(asdict(found), indent=1) if options.json else "\n".join(lines(found))
    print(_without_home(text))
    return 0 if any(found.tasks.values()) else 1


def report(outputs: Path, *, check_token: bool = False) -> Report:
    """Check everything.

    Args:
        check_token: ask the Hub whether it accepts the token, the only network call.
    """
    machine, hub = inspect(), HubCache.here()
    specs = (*catalog.models(machine, hub), *own_models(own_checkpoints(outputs), machine)())
    place = next(each for each in (outputs, *outputs.absolute().parents) if each.exists())
    token = "set" if hub.token else "missing"
    if check_token and hub.token:
        token = pkgutil.resolve_name("pipelines.hub.token:state")(hub)
    cap = read_cap(os.environ.get("DIORAMA_DAILY_CAP_USD", ""))
    models = [describe(spec) | {"told": state(spec, machine, hub)} for spec in specs]
    return Report(
        machine=_machine(machine),
        python=platform.python_version(),
        packages={name: installed(name) for name in PACKAGES},
        outputs={"folder": str(outputs), "free_gb": round(shutil.disk_usage(place).free / 1e9, 1)},
        downloads={
            "folder": str(hub.cache),
            "free_gb": round(hub.free_bytes() / 1e9, 1),
            "hub": hub.host,
            "token": token,
        },
        tasks={
            task.value: [spec.label for spec in specs if task in spec.tasks and spec.readiness().ok] for task in Task
        },
        models=models,
        keys=[
            {"provider": key.provider, "name": key.name, "source": key.source, "todo": key.todo}
            for key in clouds.accounts(find_keys()).keys(LOCAL_OWNER)  # whether there is one, never the key
        ],
        daily_cap="no" if cap is None else in_dollars(cap),
        todo=todo(machine, models, token),
    )


def todo(machine: Machine, models: list[dict[str, Any]], token: str) -> list[str]:
    """What the user could do, most useful first; one sentence each."""
    found = [machine.note] if machine.note else []
    if machine.gpu and not {Precision.NF4, Precision.Q4} <= machine.can:
        found.append("Run make extras: 4-bit weights make larger models fit, or run faster.")
    if token == "missing" and any(model["gated"] for model in models):
        found.append("Put HF_TOKEN=... in .env, to download gated models such as FLUX.1.")
    if token == "refused":
        found.append("The Hub does not accept HF_TOKEN: make a new one and put it in .env.")
    return found


def lines(found: Report) -> list[str]:
    """The report as text."""
    machine, told = found.machine, {"set": "HF_TOKEN is set", "missing": "no HF_TOKEN, which gated models need"}
    token = found.downloads["token"]
    kept = found.downloads
    text = [
        f"Machine   {machine['told']}",
        *([f"          uses {machine['uses']}"] if machine["uses"] else []),
        f"Python    {found.python}",
        f"Packages  {', '.join(f'{name} {number}' for name, number in found.packages.items())}",
        f"PyTorch   runs on {machine['torch']}"
        + (f", NVIDIA driver {machine['nvidia_driver']}" if machine["nvidia_driver"] else ""),
        f"Outputs   {found.outputs['folder']}, {found.outputs['free_gb']:.0f} GB free",
        f"Downloads {kept['folder']}, {kept['free_gb']:.0f} GB free, from {kept['hub']}, "
        f"{told.get(token, f'HF_TOKEN is {token}')}",
    ]
    text += [
        f"{task.capitalize():9} {', '.join(ready) or 'no model for this yet'}" for task, ready in found.tasks.items()
    ]
    text += [f"          {model['label']}: {model['told']}" for model in found.models]
    for key in found.keys:
        source, name = _SOURCES.get(key["source"]), key["name"]
        text.append(f"Cloud     {key['provider']}: " + (f"{source}, {name}" if source else f"no key; {key['todo']}"))
    text.append(f"          {found.daily_cap} daily cap, DIORAMA_DAILY_CAP_USD")
    return text + [f"To do     {each}" for each in found.todo]


def state(spec: ModelSpec, machine: Machine, hub: HubCache) -> str:
    """Where a model is stored and how it would run, or what it lacks."""
    ready = spec.readiness()
    wanted = catalog.downloads(machine).get(spec.id)
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


def _machine(machine: Machine) -> dict[str, Any]:
    used = machine.gpu
    return {
        "told": str(machine),
        "system": platform.platform(),
        "cores": machine.cores,
        "ram_gb": round(machine.ram_gb, 1),
        "gpus": [asdict(gpu) for gpu in machine.gpus],
        "uses": f"{used.name}, number {used.index}, {used.free_gb:.0f} of {used.total_gb:.0f} GB free" if used else "",
        "torch": torch_build(),
        "nvidia_driver": nvidia_driver(),
        "precisions": sorted(machine.can),
    }


def _without_home(text: str) -> str:
    """Replace the home folder, which names the user; json.dumps doubles backslashes."""
    for home in {str(Path.home()), json.dumps(str(Path.home()))[1:-1]} - {"", "/"}:
        text = text.replace(home, "~")
    return text
