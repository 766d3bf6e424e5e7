"""How long a picture takes on a CPU: counted work by a speed that is measured once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.hub.cache import Checkpoint, HubCache
from pipelines.machine import Gpu, Machine
from pipelines.plan import Means, plans
from pipelines.records.flux import TOY_KLEIN
from pipelines.records.stable_diffusion import LCM, SD_15, SDXL
from pipelines.speed import Speed, Work, cpu_ways
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


def test_how_this_cpu_works_fastest_is_measured_once_and_used(tmp_path: Path):
    weights, hub = tmp_path / "mine.safetensors", tmp_path / "hub"
    weights.touch()
    os.truncate(weights, cpu_ways.SMALL_BYTES)
    ways, file = plans(Means(0.0, 0.0, 24.0, (0, 0)), LCM.needs), hub / "diorama-cpu.json"
    first = cpu_ways.known(hub, side=4)
    said = json.loads(file.read_text())
    assert (said["dtype"], said["channels_last"]) == first
    for dtype, share in (("bfloat16", 0.5), ("float32", 1.0)):
        file.write_text(json.dumps(said | {"dtype": dtype, "channels_last": True}))
        (suited,) = cpu_ways.suited(ways, Checkpoint(weights), hub)
        assert (suited.dtype, suited.other_dtype, suited.channels_last) == (dtype, dtype, True)
        assert suited.ram_gb == share * ways[0].ram_gb
    for damaged in ("[" + file.read_text(), json.dumps(said | {"machine": "another"})):
        file.write_text(damaged)
        cpu_ways.known(hub, side=4)
        assert json.loads(file.read_text()).keys() == said.keys() and "another" not in file.read_text()


def test_what_was_measured_decides():
    way = lambda *seconds: cpu_ways.Seconds(*seconds).way  # noqa: E731
    assert way(1.0, 0.5, 1.0, 0.5) == ("bfloat16", True)
    assert way(1.0, 2.6, 1.0, 0.77) == ("float32", True)
    assert way(1.0, 0.95, 1.0, 0.95) == ("float32", False)  # not worth another picture


def test_small_weights_and_those_on_a_card_stay_as_they_are(tmp_path: Path):
    small, large = tmp_path / "small.safetensors", tmp_path / "large.safetensors"
    for file, size in ((small, cpu_ways.SMALL_BYTES - 1), (large, cpu_ways.SMALL_BYTES)):
        file.touch()
        os.truncate(file, size)
    cpu, card = (plans(means, LCM.needs) for means in (Means(0.0, 0.0, 24.0, (0, 0)), Means(24.0, 24.0, 24.0, (8, 0))))
    assert cpu_ways.suited(cpu, Checkpoint(small), tmp_path / "hub") == cpu
    assert cpu_ways.suited(card, Checkpoint(large), tmp_path / "hub") == card
    toy = catalog.spec_of(TOY_KLEIN, LAPTOP, HubCache(tmp_path / "hub"), catalog.WEIGHTS / TOY_KLEIN.id)
    model = toy.load(lambda _told: None)
    assert (model.plan.dtype, model.plan.channels_last) == ("float32", False)  # pyright: ignore[reportAttributeAccessIssue]
    model.close()
    assert not (tmp_path / "hub").exists()
