"""A GPU that is lost to a process: Diorama starts again in its place, with the same command line, and not for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from commands import terminal
from tests.app_process import ROOT
from tests.patience import PATIENCE_SECONDS

SCRIPT = r"""
import sys
from pathlib import Path
from commands import terminal

told = Path(sys.argv[1])
told.write_text((told.read_text() if told.exists() else "") + f"{sys.argv[2:]} may: {terminal.may_start_again()}\n")
sys.exit(terminal.start_again() if terminal.may_start_again() else 3)
"""


def test_the_same_command_runs_again_once(tmp_path: Path):
    (tmp_path / "losing.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "losing.py"), str(tmp_path / "told"), "--port", "7861"]
    answer = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, timeout=PATIENCE_SECONDS, check=False)
    assert answer.returncode == 3
    told = (tmp_path / "told").read_text().splitlines()
    assert told == ["['--port', '7861'] may: True", "['--port', '7861'] may: False"]


def test_after_a_while_it_may_start_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIORAMA_STARTED_AGAIN", "1000.0")
    assert terminal.may_start_again()
