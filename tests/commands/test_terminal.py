"""Signals, pipes and letters, each against a small program in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.app_process import ROOT
from tests.patience import PATIENCE_SECONDS

PROGRAM = """
import sys, time
from commands import terminal
terminal.prepare()
def command():
    print("begun", flush=True)
    {body}
    return 3
{last}
"""
RUN = "terminal.run(command, seconds_to_leave=0.5)"
WAIT = "time.sleep(600)"


def started(body: str, last: str = RUN, **options: object) -> subprocess.Popen[str]:
    code = PROGRAM.format(body=body, last=last)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **options)  # type: ignore[call-overload]


def ignoring() -> None:
    """As a shell without job control starts what ends with `&`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize(
    ("body", "last", "number", "status"),
    [
        (WAIT, RUN, signal.SIGINT, 130),
        (WAIT, RUN, signal.SIGTERM, 143),
        (WAIT, "command()", signal.SIGINT, 130),  # while the rest of a command is imported
        (f"try: {WAIT}\n    finally: raise OSError", RUN, signal.SIGINT, 130),  # whatever comes of it
        (f"try: {WAIT}\n    finally: {WAIT}", RUN, signal.SIGINT, 130),  # it never gets done
        (
            f"import threading; threading.Thread(target=time.sleep, args=(600,)).start(); {WAIT}",
            RUN,
            signal.SIGINT,
            130,
        ),
    ],
    ids=["ctrl-c", "sigterm", "early", "stumbling", "hanging", "thread"],
)
@pytest.mark.parametrize("before", [None, ignoring], ids=["", "ignored"])
def test_a_signal_ends_it_with_its_status_and_no_trace(
    body: str, last: str, number: signal.Signals, status: int, before: Callable[[], None] | None
):
    with started(body, last, preexec_fn=before) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == status
    assert told == ""


def test_a_second_signal_ends_it_at_once():
    body = f"try: print('trying', flush=True); {WAIT}\n    finally: print('leaving', flush=True); {WAIT}"
    with started(body, "terminal.run(command)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"  # a signal that comes here would be before the try
        for line in ("trying\n", "leaving\n"):
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGINT
    assert told == ""


def test_a_reader_that_has_enough_ends_it_quietly():
    with started("while True: print('more')", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()
    assert process.returncode == 141
    assert told == ""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_cannot_be_said_becomes_a_question_mark(encoding: str):
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    with started(
        "print('\\u00e9 \\U0001f6f6 \\udce9'); print('\\U0001f6f6', file=sys.stderr)",
        env=environment,
        encoding=encoding,
    ) as process:
        out, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 3
    assert out.splitlines()[1].endswith("?")
    assert len(told.splitlines()) == 1


def test_closed_streams_are_no_fault_and_nothing_gets_their_numbers(tmp_path):
    body = f"open({str(tmp_path / 'file')!r}, 'w').write('whole'); print('said'); __import__('os').write(1, b'raw')"
    command = 'exec "$0" -c "$1" <&- >&- 2>&-'
    answer = subprocess.run(
        ["sh", "-c", command, sys.executable, PROGRAM.format(body=body, last=RUN)], cwd=ROOT, check=False
    )
    assert answer.returncode == 3
    assert (tmp_path / "file").read_text() == "whole"
