"""All bad input that the tests know under an audit hook: nothing is opened, changed or started that must not be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.robustness import jail


def test_bad_input_opens_no_file_elsewhere(tmp_path: Path):
    """In a process of its own, for an audit hook cannot be taken off again."""
    outputs, temporary, report = tmp_path / "outputs", tmp_path / "temporary", tmp_path / "report"
    temporary.mkdir()
    places = dict.fromkeys(jail.CACHES, str(temporary))
    command = [sys.executable, "-m", "tests.robustness.corpus", str(outputs)]
    watched = os.environ | places | jail.environment(report, outputs, temporary)
    del watched["PYTHONPATH"]  # it watches itself, from where it is ready
    answer = subprocess.run(command, cwd=jail.ROOT, env=watched, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    *seen, last = report.read_text().splitlines()
    assert last == "open, to read: /etc/hostname"
    assert seen == []
    assert int(answer.stdout.split()[-1]) > 400
