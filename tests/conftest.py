"""What holds for every test: no keys, no network beyond this machine, an id that is the same in every process."""

from __future__ import annotations

import gc
import inspect
import os
import re
import socket
import sys
from collections.abc import Generator
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

from tests.hanging import watched
from tests.patience import PATIENCE_SECONDS

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # both: see commands.environment; must be set before torch is loaded
os.environ.setdefault("MKL_CBWR", "AUTO")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are as many as the cores
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
# What one process compiles is there for all those that the tests start, whatever the shell says.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    GRADIO_NUM_PORTS="0",  # gradio must not search for a port, for it leaves sockets open: tests.ports
    HF_HUB_DISABLE_TELEMETRY="1",
)
# No test leaves this machine: to read the certificates of all the world takes 20 ms for each request of httpx.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("certificate.pem"))

gc.disable()  # until all modules are there, of which hardly anything is garbage: an eighth of the time
# A busy machine may need longer for an answer than the five seconds of httpx.
_asking = inspect.signature(httpx.get).parameters["timeout"].default  # the one of all its functions and clients
vars(_asking).update(dict.fromkeys(("connect", "read", "write", "pool"), float(PATIENCE_SECONDS)))
# An idle connection is given up before uvicorn closes it, after five seconds: else a request may meet its end.
inspect.signature(httpx.Client).parameters["limits"].default.keepalive_expiry = 2.0

# The same examples every time: `make fuzz` draws new ones. A busy machine is no finding, and a temporary folder may
# serve all examples: each one writes its file anew.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("suite")

# At the end no worker is left with a long file.
SLOWEST_FIRST = (
    "robustness",
    "ui",
    "workers",
    "tests",
    "toybox",
    "benchmarks",
    "pipelines",
    "commands",
    "lgm",
    "studio",
    "providers",
)
LONGEST_ID = 60
_NAMES_ITSELF = (bool, int, float, complex, Enum, re.Pattern, type(None))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one package one after the other, so that its app and its browser are started once."""
    ranks = {name: rank for rank, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: ranks.get(_package_of(item), len(ranks)))


def _package_of(item: pytest.Item) -> str:
    """The folder below tests/; "tests" for what lies there itself."""
    package, *inside = item.path.relative_to(Path(__file__).parent).parts
    return package if inside else "tests"


def pytest_collection_finish() -> None:
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with watched(item):
        return (yield)


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # see `lasting`: what still lives at the end is reported by some libraries as a leak


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """
    Short text and what is made of plain values stand in the id; all else is named after its argument, and numbered
    by pytest. What a file holds must not: it may change with the time, and then two workers collect different tests.
    """
    if isinstance(val, _NAMES_ITSELF) or hasattr(val, "__name__"):
        return None
    if isinstance(val, str) and len(val) <= LONGEST_ID and val.isprintable():
        return None
    written = ascii(val) if _is_plain(val) else ""
    return written if 0 < len(written) <= LONGEST_ID else argname


def _is_plain(val: object) -> bool:
    if isinstance(val, dict):
        return all(map(_is_plain, (*val.keys(), *val.values())))
    if isinstance(val, list | tuple):
        return all(map(_is_plain, val))
    return isinstance(val, str | bool | int | float | None)


@pytest.fixture(scope="module", autouse=True)
def lasting() -> None:
    """Collections of garbage, which closing a model asks for, leave out what is here by now: all modules, above all."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_TOKEN")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this process to this machine only."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
