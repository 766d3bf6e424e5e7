"""On a ZeroGPU Space models work where a card is lent: the real package `spaces`, and a scheduler on this machine."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from pipelines import zero_gpu
from studio.contract import ImageRequest, Size
from studio.recipe import read_png
from tests.pipelines.tiny_diffusion import save_sd15
from tests.pipelines.zero_gpu.scheduler import Scheduler

ROOT = Path(__file__).resolve().parents[3]


class Space(NamedTuple):
    """What a Space told, and what its scheduler was asked."""

    told: dict[str, Any]
    scheduler: Scheduler


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("space")
    (folder / "checkpoints").mkdir()
    save_sd15(folder / "checkpoints" / "mine")
    with Scheduler().serving() as scheduler:
        zero = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": scheduler.url, "SPACE_ID": "a/b"}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.pipelines.zero_gpu.on_a_space", str(folder)],
            cwd=ROOT,
            env=os.environ | zero | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin and process.stdout
        lines: list[str] = []
        with process.stdin, process.stdout:
            for line in process.stdout:
                lines.append(line)
                if line == "refuse\n":
                    scheduler.refusals = 1
                    print(file=process.stdin, flush=True)
        assert process.wait() == 0, "".join(lines)
        return Space(json.loads(lines[-1]), scheduler)


def test_a_large_model_works_where_the_card_is_and_brings_its_picture_back(space: Space):
    workers = {int(query["pid"]) for query in space.scheduler.of("/allow")}
    assert len(workers) >= 3 and space.told["pid"] not in workers  # one for each model
    assert space.told["steps"][-1] == 3
    assert space.told["toys"] == 1
    for path in map(Path, space.told["pictures"]):
        found = read_png(path)
        assert found and (found.recipe.steps, found.width, found.height) == (3, 256, 256)
    assert len(space.told["pictures"]) == 2
    assert "ZeroGPU (48 GB)" in space.told["machine"]
    assert space.scheduler.of("/startup-report") == [{}]


def test_the_visitors_token_pays_for_as_long_as_the_picture_takes(space: Space):
    first, second, looking, *_ = space.scheduler.of("/schedule")
    for lease in (first, second):  # each picture is a lease of its own
        assert json.loads(decoded(lease["token"])) == {"user": "the visitor's own"}
    assert "token" not in looking  # nobody's: it was asked for by no request
    wanted = zero_gpu.seconds_of(ImageRequest("", Size(256, 256), 1, 3, 1.0))
    factor = int(looking["durationSeconds"]) / zero_gpu.seconds_of(Image.new("RGB", (1, 1)))
    assert int(first["durationSeconds"]) == round(wanted * factor)


def decoded(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.split(".")[1] + "==")


def test_a_picture_is_looked_at_once_and_clicks_need_no_card(space: Space):
    assert space.told["far"] < 1e-3
    assert len(space.scheduler.of("/schedule")) == 2 + 1 + 5  # pictures; the one look; what is stopped and refused


def test_stop_errors_and_a_used_up_quota_are_sentences_and_the_next_one_works(space: Space):
    stopped, refused, bug, done, quota = space.told["said"]
    assert (stopped, refused, done) == ("stopped", "This cannot be painted.", "done")
    assert bug == "Something went wrong on the lent GPU; the log has the details."
    assert quota.startswith("ZeroGPU lends no card now: ") and quota.endswith(".")
    assert str(space.told["pid"]) not in space.told["begun"] and len(space.told["begun"]) == 4


@pytest.mark.parametrize(
    ("steps", "size", "seconds"),
    [(1, Size(64, 64), 15), (20, Size(1024, 1024), 27), (50, Size(1024, 1024), 42), (50, Size(4096, 4096), 120)],
)
def test_more_steps_and_pixels_ask_for_longer_within_bounds(steps: int, size: Size, seconds: int):
    assert zero_gpu.seconds_of(ImageRequest("", size, 1, steps, 1.0)) == seconds


@pytest.mark.parametrize("said", ["", "false", "0", "no"])
def test_elsewhere_nothing_is_lent(monkeypatch: pytest.MonkeyPatch, said: str):
    monkeypatch.setenv("SPACES_ZERO_GPU", said)
    assert not zero_gpu.is_here()


def test_without_it_the_package_is_not_imported():
    code = "import sys, app; from pipelines import catalog; catalog.models(); print('spaces' in sys.modules)"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SPACE")}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
