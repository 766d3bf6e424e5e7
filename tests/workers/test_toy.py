"""A real model in a real worker: `python cli.py worker` draws with the bundled toy klein for an app without models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cli
from studio.contract import GenerateRequest
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.fakes import OWNER, finished
from tests.workers.conftest import OpenApp, StartWorker
from tests.workers.nats_server import NatsServer
from tests.workers.painting import painter

ROOT = Path(__file__).parents[2]


def test_a_worker_draws_with_the_bundled_model(one_server: NatsServer, open_app: OpenApp):
    command = [sys.executable, "cli.py", "worker", "--name", "gpu-box"]
    environment = os.environ | {"DIORAMA_NATS": one_server.address, "DIORAMA_MODELS": "", "DIORAMA_CHECKPOINTS": ""}
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        studio = open_app()
        job = studio.generate(OWNER, GenerateRequest("a red ball on a grey background", "toy-klein", seed=3))
        done = finished(studio, job)  # on the worker: this studio has no model of its own
        assert done.state == "done", done.error
        asset = studio.asset(OWNER, done.assets[0])
        assert (asset.model, asset.seed, bool(asset.recipe.revision)) == ("toy-klein", 3, True)
        with Image.open(studio.path(OWNER, asset.id)) as image:
            red, green, blue = np.asarray(image.convert("RGB").resize((8, 8)))[4, 4].astype(int)
            assert red > 1.5 * max(green, blue)
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=PATIENCE_SECONDS)
        assert worker.returncode == 128 + signal.SIGTERM
        assert "Working for 127.0.0.1:" in said and "Traceback" not in said
        wait_until(lambda: not studio.workers.present())
    finally:
        worker.kill()
        worker.communicate()


def test_a_watched_folder_may_use_a_model_that_only_a_worker_has(
    one_server: NatsServer,
    open_app: OpenApp,
    start_worker: StartWorker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    start_worker(painter())
    studio = open_app()
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", "painter", seed=3)))
    recipe = studio.path(OWNER, job.assets[0])
    (tmp_path / "prompts.txt").write_text("a blue ball")
    monkeypatch.setenv("DIORAMA_NATS", one_server.address)
    arguments = ("--recipe", str(recipe), "--once", "--json", "--outputs", str(tmp_path / "watched"))
    assert cli.main(["watch", str(tmp_path), *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["prompt"], told["seed"]) == ("painter", "a blue ball", 3)
