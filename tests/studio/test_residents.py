"""Who stays loaded and who leaves."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, strategies as st

from studio.contract import Progress, Tell
from studio.errors import Cancelled, GpuLost, OutOfMemory
from studio.residents import Loaded, Residents, leaving
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.fakes import FakeModel, ignore, spec_of


def test_the_least_recently_used_model_makes_room():
    models = {id: FakeModel() for id in "abc"}
    specs = {id: spec_of(model, id, gpu_gb=4.0) for id, model in models.items()}
    residents = Residents(8.0)
    for id in "abac":
        residents.load(specs[id], ignore)
    assert {id: model.closed for id, model in models.items()} == {"a": False, "b": True, "c": False}


def test_a_loaded_model_is_not_loaded_again():
    loads = []
    residents = Residents(8.0)
    spec = spec_of(None, load=lambda _tell: loads.append(1) or FakeModel())
    for _ in range(3):
        with residents.use(spec, ignore):
            assert residents.has(spec.id)
    assert loads == [1]


def test_other_weights_in_the_place_of_the_loaded_ones_are_loaded():
    """A person replaced a checkpoint: pictures would be of the old one, and their recipes would name the new one."""
    old, new, newest = FakeModel(), FakeModel(), FakeModel()
    residents = Residents(8.0)
    residents.load(spec_of(old, revision="1"), ignore)
    with residents.use(spec_of(new, revision="2"), ignore) as model:
        assert model is new and old.closed
        residents.load(spec_of(newest, revision="3"), ignore)
        assert not new.closed
    assert new.closed and not newest.closed and residents.has("fake")


def test_a_model_at_work_never_leaves():
    busy, newcomer = FakeModel(), FakeModel()
    residents = Residents(8.0)
    with residents.use(spec_of(busy, "busy", gpu_gb=6.0), ignore):
        residents.load(spec_of(newcomer, "new", gpu_gb=6.0), ignore)
        residents.drop("busy")
        assert not busy.closed
    residents.drop("busy")
    assert busy.closed and not residents.has("busy")


def test_models_without_need_make_nobody_leave():
    resident = FakeModel()
    residents = Residents(1.0)
    residents.load(spec_of(resident, "large", gpu_gb=9.0), ignore)
    residents.load(spec_of(FakeModel(), "cloud", gpu_gb=0.0), ignore)
    assert not resident.closed


def test_a_failed_load_leaves_nothing_resident():
    def load(_tell: Tell) -> FakeModel:
        raise MemoryError

    residents = Residents(8.0)
    with pytest.raises(OutOfMemory, match="ran out of memory"):
        residents.load(spec_of(None, load=load), ignore)
    assert not residents.has("fake")


class AcceleratorError(RuntimeError):
    """As torch calls it."""


def test_a_model_that_runs_out_of_memory_leaves_with_what_it_held():
    """Whoever asked: a job, a click, a word."""
    model, other, residents = FakeModel(), FakeModel(), Residents(8.0)
    residents.load(spec_of(other, "other"), ignore)
    held: list[weakref.ref[np.ndarray]] = []

    def work() -> None:
        activations = np.zeros(8)
        held.append(weakref.ref(activations))
        raise MemoryError

    with pytest.raises(OutOfMemory, match="was unloaded") as caught, residents.use(spec_of(model), ignore):
        work()
    assert caught.value.__cause__ is not None and held[0]() is None
    assert model.closed and not other.closed and not residents.gpu_lost.is_set()
    with residents.use(spec_of(FakeModel()), ignore) as again:
        assert again is not model


def test_a_lost_gpu_makes_all_models_leave_even_where_they_cannot_say_so():
    """CUDA's errors are sticky: every later call of this process fails, that which frees memory, too."""
    lost = AcceleratorError("CUDA error: an illegal memory access was encountered")

    class Stuck(FakeModel):
        def close(self) -> None:
            super().close()
            raise lost

    idle, busy, culprit, residents = Stuck(), Stuck(), Stuck(), Residents(8.0)
    residents.load(spec_of(idle, "idle"), ignore)
    with residents.use(spec_of(busy, "busy"), ignore):
        with pytest.raises(GpuLost, match="The GPU stopped answering"), residents.use(spec_of(culprit), ignore):
            raise lost
        assert idle.closed and culprit.closed and not busy.closed
    assert busy.closed and residents.gpu_lost.is_set()
    assert not any(residents.has(id) for id in ("idle", "busy", "fake"))


def test_two_threads_load_a_model_once():
    loads = []
    both = threading.Barrier(2, timeout=PATIENCE_SECONDS)
    residents = Residents(8.0)
    spec = spec_of(None, load=lambda _tell: loads.append(1) or FakeModel())

    def use() -> None:
        with residents.use(spec, ignore):
            both.wait()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]


def test_who_waits_for_a_load_of_another_thread_can_be_stopped():
    loading, go = threading.Event(), threading.Event()
    residents = Residents(8.0)
    spec = spec_of(None, load=lambda _tell: loading.set() or (go.wait(PATIENCE_SECONDS) and FakeModel()))

    heard: list[str] = []

    def stop(progress: Progress) -> None:
        heard.append(progress.note)
        if len(heard) > 1:  # the first says that it will be loaded
            raise Cancelled

    with ThreadPoolExecutor() as pool:
        first = pool.submit(residents.load, spec, ignore)
        assert loading.wait(PATIENCE_SECONDS)
        with pytest.raises(Cancelled):
            residents.load(spec, stop)
        assert set(heard) == {f"loading {spec.label}"}
        go.set()
        first.result()
    assert residents.has(spec.id)


def test_closing_gives_everything_back():
    models = [FakeModel(), FakeModel()]
    residents = Residents(8.0)
    for index, model in enumerate(models):
        residents.load(spec_of(model, str(index)), ignore)
    residents.close()
    assert all(model.closed for model in models)


LOADED = st.lists(
    st.builds(Loaded, st.uuids().map(str), st.floats(0, 20), st.booleans()), max_size=6, unique_by=lambda one: one.id
)


@given(LOADED, st.floats(0, 40), st.floats(0, 40))
def test_the_policy_keeps_the_budget_with_as_few_leavers_as_it_can(
    loaded: list[Loaded], needed_gb: float, budget_gb: float
):
    leavers = leaving(loaded, needed_gb, budget_gb)
    by_id = {one.id: one for one in loaded}
    assert not any(by_id[id].in_use or by_id[id].gpu_gb == 0 for id in leavers)
    movable = [one.id for one in loaded if not one.in_use and one.gpu_gb > 0]
    assert leavers == movable[: len(leavers)]
    used_gb = sum(one.gpu_gb for one in loaded if one.id not in leavers)
    assert needed_gb == 0 or used_gb + needed_gb <= budget_gb + 1e-6 or leavers == movable
    if leavers:
        assert used_gb + by_id[leavers[-1]].gpu_gb + needed_gb > budget_gb - 1e-6


def test_a_model_without_work_leaves_the_card_and_small_ones_stay():
    large, small = FakeModel(), FakeModel()
    residents = Residents(8.0, idle_seconds=0.01)
    residents.load(spec_of(small, "small", gpu_gb=0.0), ignore)
    with residents.use(spec_of(large, "large"), ignore):
        assert not large.closed
    wait_until(lambda: large.closed)
    assert not residents.has("large") and residents.has("small")
    residents.close()
