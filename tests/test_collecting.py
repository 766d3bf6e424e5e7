"""The names of the tests are the same in every process: else two workers refuse to share the suite."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_another_process_collects_the_same_tests_later(request: pytest.FixtureRequest):
    config = request.config
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *config.args],
        cwd=config.invocation_params.dir,
        env=os.environ | {"PYTHONHASHSEED": "1"},  # here it is another one: they are drawn out of four thousand million
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    there = set(done.stdout.splitlines())
    missing = [item.nodeid for item in request.session.items if item.nodeid not in there]
    assert not missing, "\n".join(["only the first process has", *missing])
