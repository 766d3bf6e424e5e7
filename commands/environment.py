"""Environment variables for libraries: the shell's settings, then those in .env, then our defaults.

Some are removed: gradio has variables that would open folders, ports or the whole page to others.
"""

from __future__ import annotations

import inspect
import ipaddress
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from pipelines.machine import CONTAINER_SHARE, Machine, container_cores
from providers.keys import read_env

ROOT = Path(__file__).resolve().parents[1]
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

_DEFAULTS = {
    # Waiting threads must not spin: with 2 cores and anything else running, spinning barriers
    # made a picture take 17 s instead of 0.5 s (measured, 2 x EPYC 9005 cores beside a training run).
    "OMP_WAIT_POLICY": "PASSIVE",
    # A matrix product must not depend on memory alignment, as it does on AMD processors: a repeated
    # picture would differ in a few pixels. It costs no time (measured, 2 x EPYC 9005 cores).
    "MKL_CBWR": "AUTO",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
_OF_GRADIO = ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR", "GRADIO_SHARE_SERVER_ADDRESS", "GRADIO_WATCH_")
"""Prefixes of the variables that gradio may still read. We have options for some others (GRADIO_SERVER_NAME, _SHARE,
_ROOT_PATH); the rest would bypass our checks: GRADIO_ALLOWED_PATHS any folder, GRADIO_NUM_WORKERS more ports,
GRADIO_MCP_SERVER and GRADIO_VIBE_MODE more endpoints."""
_INSIDE = "127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""Whose X-Forwarded-For uvicorn trusts on a Space: only its proxy reaches the app, from a private address. Otherwise
all visitors would share the limits of one address."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SCHEMES = ("http", "https", "socks5", "socks5h")
"""Proxy schemes that httpx supports. Source: https://www.python-httpx.org/advanced/proxies/"""


def prepare_environment(*own_hosts: str) -> None:
    """Set what libraries read when they are imported.

    Args:
        own_hosts: more names and addresses of this machine, to be reached without a proxy.
    """
    for folder in (Path.cwd(), ROOT):
        for name, value in read_env(folder / ".env").items():
            if value:  # an empty value in .env.example sets nothing
                os.environ.setdefault(name, value)
    for name in [name for name in os.environ if name.startswith("GRADIO_") and not name.startswith(_OF_GRADIO)]:
        del os.environ[name]
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    if cores := container_cores(CONTAINER_SHARE):
        os.environ.setdefault("OMP_NUM_THREADS", str(cores))
    if os.environ.get("SPACE_ID"):
        os.environ.setdefault("FORWARDED_ALLOW_IPS", _INSIDE)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # on a CPU, it warns of a package that it can do without
    for told in _mend_proxies(own_hosts):
        print(told, file=sys.stderr)


def use_gpu(machine: Machine) -> None:
    """Show libraries only the GPU that readiness was decided for."""
    if machine.gpu and machine.gpu.capability != (0, 0):
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        if os.environ.get("DIORAMA_GPU") or len(machine.gpus) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(machine.gpu.index)


def _mend_proxies(own_hosts: tuple[str, ...]) -> Iterator[str]:
    """Bypass web proxies for this machine, and hide unusable ones from libraries.

    gradio requests a page from its own server before it reports that it runs; through a proxy, that fails.

    Yields:
        Sentences about what was removed.
    """
    if not any(name.lower() in _PROXIES for name in os.environ):
        # The system's own, on macOS and Windows: they are used only while the environment says nothing of
        # proxies, and it is about to.
        systems = {f"{scheme}_proxy": address for scheme, address in getproxies().items()}
        os.environ.update({name: address for name, address in systems.items() if name in _PROXIES})
    for name in [name for name in os.environ if name.lower() in _PROXIES]:
        address = os.environ[name]
        if address.startswith("socks://"):  # as GNOME writes it
            os.environ[name] = address = address.replace("socks", "socks5", 1)
        if address and not _is_proxy(address):
            del os.environ[name]
            yield f"{name} is not the address of a web proxy (http://, https:// or socks5://): ignored."
    listed = {name: [host.strip() for host in os.environ.get(name, "").split(",")] for name in ("no_proxy", "NO_PROXY")}
    if ["*"] in listed.values():
        os.environ.update(no_proxy="*", NO_PROXY="*")
        return
    hosts = [host.strip("[]") if host.endswith("]") else host for each in listed.values() for host in each]
    hosts = [*filter(_is_exception, hosts), *THIS_MACHINE, *own_hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(dict.fromkeys(hosts))


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        _ = parts.port  # raises ValueError if invalid
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname)


def _is_exception(host: str) -> bool:
    """Whether httpx can parse an entry of no_proxy; an invalid one would fail every request."""
    if not host.isascii() or not host:
        return False
    name, colon, port = host.rpartition(":")
    if not colon or "://" in host or (port.isdecimal() and ":" not in name):
        return True
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False


@contextmanager
def without_interfaces() -> Iterator[None]:
    """
    Components that are defined meanwhile get no interface file (.pyi, for editors): gradio brings those of its own, and
    to compare and rewrite them is a third of its import (1.2 of 3.3 s of processor, measured on 2 busy EPYC cores).
    """
    find = inspect.getfile

    def getfile(thing: Any) -> str:
        if type(thing).__module__ == "gradio.component_meta":
            raise OSError("This component has no file.")  # to gradio: no place for an interface
        return find(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = find
