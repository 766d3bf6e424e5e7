"""How long a picture takes on a CPU: counted work by a speed that is measured once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Gpu, Machine
from pipelines.records.stable_diffusion import LCM, SD_15, SDXL
from pipelines.speed import Speed, Work
from studio.contract import Size
from tests.patience import PATIENCE_SECONDS

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
CARD = Machine("Linux x86_64", 8, 64.0, (Gpu("a card", 24.0, 23.0, (8, 9)),))


def test_seconds_follow_steps_and_size():
    work = Work(step=0.8, step_squared=0.12, decode=2.5)
    assert work.seconds(4, Size(512, 512), (0.1, 0.05)) == pytest.approx(4 * 8 + 50)
    assert work.seconds(1, Size(768, 768), (1, 1e9)) == pytest.approx(2.148, rel=0.02)  # counted by torch


def test_the_speed_is_measured_once_and_kept(tmp_path: Path):
    speed = Speed(tmp_path / "hub")
    speed.tflops()
    for thread in threading.enumerate():
        if thread.name == "speed":
            thread.join(PATIENCE_SECONDS)
    found = speed.tflops()
    assert found is not None and all(0.0001 < each < 1000 for each in found)
    file = tmp_path / "hub" / "diorama-speed.json"
    said = json.loads(file.read_text()) | {"network": 7.0}
    file.write_text(json.dumps(said))
    assert (Speed(tmp_path / "hub").tflops() or (0, 0))[0] == 7.0


def test_a_model_says_it_where_the_cpu_has_to_draw(tmp_path: Path):
    (tmp_path / "diorama-speed.json").write_text(json.dumps({"cores": os.cpu_count(), "network": 0.1, "decode": 0.1}))
    hub = HubCache(tmp_path)
    lcm, base = (catalog.spec_of(each, LAPTOP, hub, tmp_path).seconds for each in (LCM, SD_15))
    assert lcm and base
    assert lcm(4, Size(512, 512)) == pytest.approx(57)
    assert base(25, Size(512, 512)) == pytest.approx(425)
    assert catalog.spec_of(LCM, CARD, hub, tmp_path).seconds is None
    assert catalog.spec_of(SDXL, LAPTOP, hub, tmp_path).seconds is None
