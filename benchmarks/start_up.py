"""Time until the page is served, compared with a bare Gradio page, and whether torch was imported before.

Run `python -m benchmarks.start_up`. Both are started in turn with the same environment; the time is from process start
to the last byte of the first page. If available, CPU seconds are shown, too, which other processes affect less.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from tests.app_process import ROOT
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

ROUNDS = 5
_LOOK_EVERY = 0.01  # seconds
_BARE = """if True:
    import sys
    import gradio as gr
    with gr.Blocks() as page:
        gr.Textbox()
    page.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
"""
# No analytics: a slow network would be measured instead.
_ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Start:
    """One process, from its start to its first page."""

    seconds: float
    cpu_seconds: float | None  # None if not available
    has_torch: bool | None


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    rounds = options_of(__doc__, arguments, rounds=ROUNDS).rounds
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(start([sys.executable, "-c", _BARE], ()))
        with tempfile.TemporaryDirectory() as outputs:
            ours.append(start([sys.executable, "app.py", "--port"], ("--outputs", outputs)))
    print_table("Process start to page served", rows(bare, ours))


def rows(bare: Sequence[Start], ours: Sequence[Start]) -> list[Row]:
    """The rows for these starts."""
    count = len(ours)
    table = [
        Row("bare gradio page", statistics.median(one.seconds for one in bare), count, unit="s"),
        Row("Diorama", statistics.median(one.seconds for one in ours), count, unit="s"),
        Row("Diorama / bare", _ratio([o.seconds for o in ours], [b.seconds for b in bare]), count, "<= 1.5", "x"),
    ]
    bare_cpu = [one.cpu_seconds for one in bare if one.cpu_seconds is not None]
    our_cpu = [one.cpu_seconds for one in ours if one.cpu_seconds is not None]
    if bare_cpu and our_cpu:
        table.append(Row("processor time, Diorama / bare", _ratio(our_cpu, bare_cpu), count, unit="x"))
    told = [one.has_torch for one in ours if one.has_torch is not None]
    if told:
        table.append(Row("torch loaded when the page was served", sum(told) / len(told), len(told), "never"))
    return table


def start(command: list[str], more: Sequence[str]) -> Start:
    """Start a page and wait for it.

    Args:
        command: to run; a free port is appended.
        more: arguments after the port.
    """
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, str(port), *more],
        cwd=ROOT,
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while b"</html>" not in fetch(port):
            if process.poll() is not None or time.monotonic() - began > PATIENCE_SECONDS:
                sys.exit(f"'{' '.join(command)[:60]}' serves no page.")
            time.sleep(_LOOK_EVERY)
        return Start(time.monotonic() - began, cpu_seconds(process.pid), has_torch(process.pid))
    finally:
        process.kill()
        process.wait()


def fetch(port: int) -> bytes:
    """The response at the page's address; empty if the connection is refused."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as line:
            line.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            parts = []
            while part := line.recv(65_536):
                parts.append(part)
    except OSError:
        return b""
    answer = b"".join(parts)
    return answer if answer.startswith(b"HTTP/1.1 200") else b""


def cpu_seconds(process: int) -> float | None:
    """CPU time of all threads of a process. Source: proc(5), /proc/pid/stat, fields 14 and 15."""
    path = Path(f"/proc/{process}/stat")
    if not path.exists():
        return None
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def has_torch(process: int) -> bool | None:
    """Whether a process has mapped torch's library, which happens first when torch is imported."""
    path = Path(f"/proc/{process}/maps")
    return "libtorch" in path.read_text() if path.exists() else None


def _ratio(ours: Sequence[float], bare: Sequence[float]) -> float:
    """The ratio of the medians."""
    return statistics.median(ours) / statistics.median(bare)


if __name__ == "__main__":
    main(sys.argv[1:])
