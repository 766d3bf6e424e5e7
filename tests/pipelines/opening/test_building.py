"""Models that are loaded at the same time do not disturb each other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from accelerate import init_empty_weights

from pipelines import catalog
from pipelines.families.sam import Sam
from pipelines.hub.cache import Checkpoint, HubCache
from pipelines.machine import Machine
from pipelines.opening.building import building
from pipelines.plan import Plan
from pipelines.records import RECORDS
from studio.contract import Progress
from tests.patience import PATIENCE_SECONDS
from tests.pipelines.dummy_family import Dummy

ROOT = Path(__file__).resolve().parents[3]
HERE = Machine("Linux x86_64", 2, 24.0, ())


class Slow(Dummy):
    """Takes as long to be built as another model takes to be loaded, and does meanwhile what diffusers does."""

    begun, other_is_done = threading.Event(), threading.Event()

    def __init__(self, _checkpoint: Checkpoint, _plans: Sequence[Plan]) -> None:
        with init_empty_weights():
            self.begun.set()
            self.other_is_done.wait(timeout=3)  # it waits for this one, as it should


def test_a_model_that_is_loaded_while_another_one_is_built_has_its_weights(tmp_path: Path):
    sam = next(record for record in RECORDS if record.id == "toy-sam")
    hub, weights = HubCache(tmp_path, "http://127.0.0.1:1"), catalog.WEIGHTS / sam.id
    slow = catalog.spec_of(replace(sam, family=f"{__name__}:Slow"), HERE, hub, weights)
    quick = catalog.spec_of(sam, HERE, hub, weights)
    heard: list[Progress] = []
    with ThreadPoolExecutor() as pool:
        first = pool.submit(slow.load, lambda _progress: None)
        assert Slow.begun.wait(timeout=PATIENCE_SECONDS)
        model = quick.load(heard.append)
        Slow.other_is_done.set()
        first.result(timeout=PATIENCE_SECONDS)
    assert isinstance(model, Sam)
    assert not any(weight.is_meta for weight in model._predictor.model.parameters())
    assert {told.note for told in heard} == {"loading Toy SAM"}


def test_one_who_waits_can_be_stopped():
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with building(), building():
            held.set()
            done.wait(timeout=PATIENCE_SECONDS)

    def stopped() -> None:
        raise InterruptedError

    with ThreadPoolExecutor() as pool:
        pool.submit(hold)
        assert held.wait(timeout=PATIENCE_SECONDS)
        with pytest.raises(InterruptedError), building(stopped):
            pytest.fail("two build at once")
        done.set()
    with building():  # and the next one goes on
        pass


_FORKS = """
import os, threading, time, torch
from pipelines.opening.building import building
held, plainly = threading.Event(), torch.get_default_dtype

def hold():
    with building():
        held.set()
        time.sleep(1)

threading.Thread(target=hold).start()
held.wait()
if not os.fork():
    is_as_always = torch.get_default_dtype is plainly
    with building(lambda: os._exit(2)):
        os._exit(not is_as_always)
_, status = os.wait()
with building():
    print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked there")
def test_a_process_is_forked_once_nothing_is_built():
    forked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert forked.stdout == "0\n"
