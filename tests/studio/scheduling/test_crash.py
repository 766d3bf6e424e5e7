"""kill -9 at many instants: nothing acknowledged is lost, and every picture is made exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished

ROOT = Path(__file__).parents[3]


def crashing(*arguments: object, module: str = "crashing") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", f"tests.studio.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_kill_9_loses_nothing_and_doubles_nothing(tmp_path: Path):
    points = os.environ.get("DIORAMA_CRASH_POINTS", "20")
    answer = crashing("rounds", tmp_path, points, 1)
    assert answer.returncode == 0, answer.stderr
    *complaints, killed = answer.stdout.splitlines()
    assert complaints == []
    assert int(killed.removeprefix("killed ")) > 2 * int(points), "too few of the rounds died while they worked"


def test_kill_9_loses_no_view_and_no_splat(tmp_path: Path):
    points = os.environ.get("DIORAMA_CRASH_POINTS", "20")
    answer = crashing(tmp_path, points, module="crashing_splats")
    assert answer.returncode == 0, answer.stderr
    *complaints, killed = answer.stdout.splitlines()
    assert complaints == []
    assert killed == f"killed {points}", "some of the rounds did not die while they worked"


def test_a_job_that_ends_the_process_twice_is_not_tried_a_third_time(open_studio: OpenStudio, tmp_path: Path):
    for _ in range(2):
        assert crashing("die", tmp_path / "outputs").returncode == -signal.SIGKILL
    studio = open_studio(FakeModel())
    (job,) = studio.jobs(OWNER)
    assert job.state == "failed" and "ended twice while it worked on this" in job.error
    assert finished(studio, ask(studio)).state == "done"


def test_a_job_that_ended_the_process_once_runs_once_more(open_studio: OpenStudio, tmp_path: Path):
    assert crashing("die", tmp_path / "outputs").returncode == -signal.SIGKILL
    studio = open_studio(FakeModel())
    (job,) = studio.jobs(OWNER)
    assert len(finished(studio, job).assets) == 1
