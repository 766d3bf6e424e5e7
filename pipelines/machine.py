"""This machine's hardware, without importing torch, so that the page can show it before torch is loaded."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psutil

from pipelines import zero_gpu
from pipelines.plan import ANYWHERE, BITSANDBYTES, Precision
from pipelines.zero_gpu import Lender
from studio.errors import BadRequest
from studio.model_files import Meter

CONTAINER_LIMIT, CONTAINER_SHARE = (Path(f"/sys/fs/cgroup/{name}.max") for name in ("memory", "cpu"))
"""Of memory and of the processor for this process's container, on Linux. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html"""

AMD = "0x1002"
"""Vendor of AMD's cards. Source: https://docs.kernel.org/gpu/amdgpu/driver-misc.html"""


@dataclass(frozen=True)
class Gpu:
    """One graphics card; memory in GB (1e9 bytes)."""

    name: str
    total_gb: float
    free_gb: float
    capability: tuple[int, int]  # CUDA compute capability; (0, 0) where there is none, as on Apple chips
    index: int = 0  # in the order of nvidia-smi, which CUDA calls PCI_BUS_ID


@dataclass(frozen=True)
class Machine:
    """What models can count on."""

    system: str  # "Linux x86_64"
    cores: int
    ram_gb: float
    gpus: tuple[Gpu, ...]
    can: frozenset[Precision] = ANYWHERE  # in what the installed packages can keep weights
    note: str = ""  # a sentence about what a person could mend; "": nothing
    compiler: bool = False  # what PyTorch compiles networks with is installed
    lender: Lender | None = None  # of the card, where that is here for single pieces of work only

    @property
    def gpu(self) -> Gpu | None:
        """The card models run on: the one with the most free memory."""
        return max(self.gpus, key=lambda gpu: gpu.free_gb, default=None)

    @property
    def models_gb(self) -> float:
        """What the loaded models may take together."""
        return self.gpu.total_gb if self.gpu else self.ram_gb / 2

    def __str__(self) -> str:
        chips = ", ".join(f"{gpu.name} ({gpu.total_gb:.0f} GB)" for gpu in self.gpus) or "no GPU"
        return f"{self.system}, {self.cores} CPU cores, {self.ram_gb:.0f} GB memory, {chips}"


def inspect(said: Mapping[str, str] = os.environ) -> Machine:
    """Look at this machine: a few milliseconds, or as long as `nvidia-smi` takes where there is one (at most 5 s).

    Args:
        said: variables: DIORAMA_GPU chooses a card by its number or a part of its name, DIORAMA_VRAM_GB is the most
            that models may take of it.

    Raises:
        BadRequest: one of them is wrong.
    """
    ram_gb, build, note = _ram_gb(), torch_build(), ""
    if zero_gpu.is_here():
        card = Gpu("ZeroGPU", zero_gpu.GPU_GB, zero_gpu.GPU_GB, zero_gpu.CAPABILITY)
        system = f"{platform.system()} {platform.machine()}"
        return Machine(system, _cores(), ram_gb, (card,), installed(), lender=zero_gpu.lender())
    found = _nvidia_gpus() or amd_gpus(Path("/sys/class/drm"))
    gpus = chosen(found, said) if build != "CPU" else ()
    if found and not gpus:
        note = f"{found[0].name} is not used: the installed PyTorch runs on CPUs only. README says which to install."
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        # Apple chips share one memory; Metal hands a process at most about three quarters of it by default.
        gpus = chosen((Gpu("Apple GPU", ram_gb, 0.75 * ram_gb, (0, 0)),), said)
    system, compiler = f"{platform.system()} {platform.machine()}", find_spec("triton") is not None
    return Machine(system, _cores(), ram_gb, gpus, installed(), note, compiler)


def chosen(gpus: tuple[Gpu, ...], said: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Those that a person wants used, as large as they want them used.

    Raises:
        BadRequest: DIORAMA_GPU is none of them, or DIORAMA_VRAM_GB is no size.
    """
    wanted, most = said.get("DIORAMA_GPU", "").strip(), said.get("DIORAMA_VRAM_GB", "").strip()
    if wanted and gpus:
        by_number = [gpu for gpu in gpus if wanted == str(gpu.index)]
        named = tuple(by_number or [gpu for gpu in gpus if wanted.lower() in gpu.name.lower() and len(wanted) > 2])
        if not named:
            there = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in gpus)
            raise BadRequest(f"DIORAMA_GPU is {wanted[:60]}, and the cards here are {there}. Correct it in .env.")
        gpus = named
    if not most:
        return gpus
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", most) or not float(most):
        raise BadRequest(f"DIORAMA_VRAM_GB must be a size in GB such as 8, not {most[:60]}. Correct it in .env.")
    return tuple(replace(gpu, total_gb=min(gpu.total_gb, float(most))) for gpu in gpus)


def installed() -> frozenset[Precision]:
    """In what weights can be kept with the packages that are here."""
    packed = BITSANDBYTES if find_spec("bitsandbytes") else frozenset[Precision]()
    files = frozenset(each for each in Precision if each.is_file) if find_spec("gguf") else frozenset[Precision]()
    return ANYWHERE | packed | files


def torch_build() -> str:
    """What the installed PyTorch runs on: "CUDA", "ROCm" or "CPU"; read from its files, it is not imported.

    Its macOS builds are named CPU, too.
    """
    found = find_spec("torch")
    text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8") if found and found.origin else ""
    for name, build in (("cuda", "CUDA"), ("hip", "ROCm")):
        if re.search(rf"^{name}\b[^=]*= *['\"]", text, re.MULTILINE):
            return build
    return "CPU"


def processor_name() -> str:
    """The processor as Linux calls it, or what Python knows of it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", maxsplit=1)[1].strip()
    return platform.processor() or platform.machine()


def meters(machine: Machine, free_bytes: Callable[[], int]) -> list[Meter]:
    """What is used of the card, of main memory, and of the disk that downloads go to.

    Args:
        free_bytes: of that disk.
    """
    found: list[Meter] = []
    if machine.gpu and machine.gpu.capability != (0, 0):
        now = next((gpu for gpu in _nvidia_gpus() if gpu.index == machine.gpu.index), machine.gpu)
        found.append(Meter(machine.gpu.name, now.total_gb - now.free_gb, now.total_gb))
    memory = psutil.virtual_memory()
    found.append(Meter("Memory", machine.ram_gb - min(machine.ram_gb, memory.available / 1e9), machine.ram_gb))
    return [*found, Meter("Disk", 0.0, free_bytes() / 1e9)]


def _cores() -> int:
    """Cores this process may use, which in a container is fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, container_cores(CONTAINER_SHARE) or allowed)


def _ram_gb() -> float:
    return min(psutil.virtual_memory().total, container_bytes(CONTAINER_LIMIT)) / 1e9


def container_bytes(limit: Path) -> float:
    """What a container may use, from the file that says so; infinite where nothing does."""
    try:
        return float(limit.read_text(encoding="utf-8").strip())  # "max" where there is a file but no limit
    except (OSError, ValueError):
        return math.inf


def container_cores(share: Path) -> int:
    """How many cores' worth of time a container gets, rounded up; 0 where nothing bounds it.

    PyTorch does not know this, and on as many threads as the machine has cores it works many times slower then.
    """
    try:
        microseconds, period = share.read_text(encoding="utf-8").split()
        return math.ceil(int(microseconds) / int(period))  # "max 100000" where there is a file but no bound
    except (OSError, ValueError, ZeroDivisionError):
        return 0


def _nvidia_gpus() -> tuple[Gpu, ...]:
    command = [
        "nvidia-smi",
        "--query-gpu=index,name,memory.total,memory.free,compute_cap",
        "--format=csv,noheader,nounits",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return visible(parse_nvidia_smi(answer), os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def amd_gpus(folder: Path) -> tuple[Gpu, ...]:
    """AMD's cards with memory of their own, as Linux lists them; ROCm's PyTorch calls all of them CUDA.

    Args:
        folder: /sys/class/drm.
    """
    gpus = []
    for device in sorted(folder.glob("card[0-9]*/device")):
        try:
            if (device / "vendor").read_text(encoding="utf-8").strip() != AMD:
                continue
            total, used = (
                int((device / f"mem_info_vram_{which}").read_text(encoding="utf-8")) for which in ("total", "used")
            )
        except (OSError, ValueError):
            continue
        if total >= 2e9:  # less is lent to a processor's own graphics
            gpus.append(Gpu("AMD GPU", total / 1e9, (total - used) / 1e9, (9, 0), len(gpus)))
    return tuple(gpus)


def visible(gpus: tuple[Gpu, ...], allowed: str) -> tuple[Gpu, ...]:
    """Those that a person lets programs see, by number; all where CUDA_VISIBLE_DEVICES says nothing or names them."""
    numbers = [number.strip() for number in allowed.split(",")]
    if not all(number.isdecimal() for number in numbers):
        return gpus
    return tuple(gpu for gpu in gpus if str(gpu.index) in numbers)


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Read `nvidia-smi --query-gpu=index,name,memory.total,memory.free,compute_cap --format=csv,noheader,nounits`.

    Memory is in MiB there. A line with a field it cannot tell ("[N/A]", "[Insufficient Permissions]") is left out.
    """
    gpus = []
    for line in text.splitlines():
        try:
            first, total, free, capability = (part.strip() for part in line.rsplit(",", 3))
            index, _, name = first.partition(",")
            major, minor = (int(part) for part in capability.split("."))
            total_gb, free_gb = (float(mib) * 2**20 / 1e9 for mib in (total, free))
            gpus.append(Gpu(name.strip(), total_gb, free_gb, (major, minor), int(index)))
        except ValueError:
            continue
    return tuple(gpus)
