"""Ctrl+C while a verb works, and a reader that has enough, with the real program."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import cli
from tests.app_process import ROOT
from tests.commands.test_terminal import ignoring
from tests.patience import PATIENCE_SECONDS


def states(outputs: Path) -> list[str]:
    """Of the jobs that were written down."""
    try:
        with closing(sqlite3.connect(f"file:{outputs / 'diorama.sqlite'}?mode=ro", uri=True)) as index:
            return [state for (state,) in index.execute("SELECT state FROM jobs")]
    except sqlite3.OperationalError:  # there is no index, or no table in it yet
        return []


def test_what_ctrl_c_ends_is_not_made_by_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    outputs = tmp_path / "outputs"
    prompts = ["a red ball on a grey background", "a blue cube on a grey background"]
    command = [sys.executable, "cli.py", "generate", *prompts, "--count", "8", "--outputs", str(outputs)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ignoring
    ) as process:
        while "running" not in states(outputs):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert told == ""
    assert states(outputs) == ["stopped"]
    before = [*(outputs / "images").iterdir()]
    assert len(before) < 8
    assert cli.main(["generate", "a red cone", "--steps", "4", "--outputs", str(outputs)]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert states(outputs) == ["stopped", "done"]
    assert len([*(outputs / "images").iterdir()]) == len(before) + 1


def test_a_reader_that_has_enough_is_no_fault():
    answer = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" cli.py models | head -1'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(answer.stdout.splitlines()) == 1
    assert answer.stderr == ""
