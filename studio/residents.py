"""The loaded models, and which is unloaded first. Knows nothing of devices: a model's spec says what it needs."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from studio.contract import Model, ModelSpec, Progress, Tell
from studio.errors import GpuLost
from studio.scheduling.failures import is_gpu_lost, of_memory_or_card

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2


class Loaded(NamedTuple):
    """What the policy needs to know about a resident model."""

    id: str
    gpu_gb: float
    in_use: bool


def leaving(loaded: Sequence[Loaded], needed_gb: float, budget_gb: float) -> list[str]:
    """Which models to unload so that another fits: least recently used first, never one in use.

    A model larger than the whole budget gets all the room there is; whether it can run is up to its readiness.

    Args:
        loaded: least recently used first.
        needed_gb: of the new model; 0 unloads none.
    """
    used_gb = sum(one.gpu_gb for one in loaded)
    leavers = []
    for one in loaded:
        if needed_gb <= 0 or used_gb + needed_gb <= budget_gb:
            break
        if not one.in_use and one.gpu_gb > 0:
            leavers.append(one.id)
            used_gb -= one.gpu_gb
    return leavers


def unheard(_progress: Progress) -> None:
    """A `Tell` nobody listens to."""


class _Resident:
    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.model: Model | None = None
        self.users = 0
        self.loading = threading.Lock()  # the second user waits for the first one's load
        self.uses = 0


class Residents:
    """The loaded models, within a memory budget. Thread-safe.

    Attributes:
        gpu_lost: set once the GPU or its driver failed: nothing runs on it again in this process.
    """

    def __init__(self, budget_gb: float, idle_seconds: float | None = None) -> None:
        """
        Args:
            idle_seconds: unload models from the GPU after so long without work; None: never.
        """
        self._budget_gb, self._idle_seconds = budget_gb, idle_seconds
        self._timers: dict[str, threading.Timer] = {}
        self.gpu_lost = threading.Event()
        self._lock = threading.Lock()
        self._residents: OrderedDict[str, _Resident] = OrderedDict()  # least recently used first

    def has(self, model_id: str) -> bool:
        with self._lock:
            resident = self._residents.get(model_id)
            return resident is not None and resident.model is not None

    @contextmanager
    def use(self, spec: ModelSpec, tell: Tell) -> Iterator[Model]:
        """The loaded model, kept while the block runs. A failed or stopped load leaves nothing behind.

        Args:
            tell: hears about the load, if there is one; an exception from it ends the load.

        Raises:
            OutOfMemory: it did not fit and was unloaded. GpuLost: all were unloaded.
        """
        if not self.has(spec.id):
            tell(Progress(0, 0, f"loading {spec.label}"))
        with self._lock:
            resident = self._residents.get(spec.id)
            leavers: list[Model] = []
            if resident and resident.spec.revision != spec.revision:  # its files were replaced by others
                del self._residents[spec.id]
                leavers = [resident.model] if resident.model and not resident.users else []
                resident = None
            if resident is None:
                leavers += self._make_room(spec.gpu_gb)
                resident = self._residents[spec.id] = _Resident(spec)
            resident.users += 1
            resident.uses += 1
            self._residents.move_to_end(spec.id)
        try:
            for leaver in leavers:
                _close(leaver)
            yield self._loaded(resident, tell)
        except Exception as error:
            fault = of_memory_or_card(error)
            if fault is None:
                raise
            log.exception("%s leaves.", spec.label)
            link: BaseException | None = error
            while link is not None:  # frames keep the arrays that did not fit alive
                traceback.clear_frames(link.__traceback__)
                link = link.__cause__ or link.__context__
            self._forsake(resident, isinstance(fault, GpuLost))
            if fault is error:
                raise
            raise fault from error
        finally:
            self._let_go(resident)

    def load(self, spec: ModelSpec, tell: Tell) -> None:
        """Load the model before it is needed."""
        with self.use(spec, tell):
            pass

    def drop(self, model_id: str) -> None:
        """Unload a model, unless it is in use."""
        with self._lock:
            resident = self._residents.get(model_id)
            if resident is None or resident.users:
                return
            del self._residents[model_id]
        if resident.model is not None:
            _close(resident.model)

    def leave(self, model_id: str) -> None:
        """Leave a model to the user it hangs with: the next one loads it anew. Returns at once."""
        with self._lock:
            resident = self._residents.get(model_id)
            if resident is not None and resident.users:
                del self._residents[model_id]  # and it is closed if its user ever lets go

    def close(self) -> None:
        for timer in [*self._timers.values()]:
            timer.cancel()
        for model_id in list(self._residents):
            self.drop(model_id)

    def _forsake(self, resident: _Resident, gpu_is_lost: bool) -> None:
        """Unload a model that ran out of memory (or all), as soon as nobody uses it."""
        with self._lock:
            leavers = [*self._residents.values()] if gpu_is_lost else [resident]
            leavers = [each for each in leavers if self._residents.get(each.spec.id) is each]
            for each in leavers:
                del self._residents[each.spec.id]
        if gpu_is_lost:
            self.gpu_lost.set()
        for each in leavers:
            if not each.users and each.model is not None:
                _close(each.model)

    def _watch(self, resident: _Resident, seconds: float) -> None:
        """Unload it after a while, unless it is used before. Called with the lock."""
        if earlier := self._timers.get(resident.spec.id):
            earlier.cancel()
        timer = threading.Timer(seconds, self._drop_idle, (resident, resident.uses))
        timer.daemon = True
        self._timers[resident.spec.id] = timer
        timer.start()

    def _drop_idle(self, resident: _Resident, uses: int) -> None:
        with self._lock:
            is_idle = self._residents.get(resident.spec.id) is resident and resident.uses == uses
        if is_idle:
            self.drop(resident.spec.id)

    def _make_room(self, needed_gb: float) -> list[Model]:
        loaded = [Loaded(id, one.spec.gpu_gb, one.users > 0) for id, one in self._residents.items()]
        gone = [self._residents.pop(id) for id in leaving(loaded, needed_gb, self._budget_gb)]
        return [one.model for one in gone if one.model is not None]

    def _loaded(self, resident: _Resident, tell: Tell) -> Model:
        while not resident.loading.acquire(timeout=_LOOK_SECONDS):
            tell(Progress(0, 0, f"loading {resident.spec.label}"))
        try:
            if resident.model is None:
                resident.model = resident.spec.load(tell)
            return resident.model
        finally:
            resident.loading.release()

    def _let_go(self, resident: _Resident) -> None:
        with self._lock:
            resident.users -= 1
            is_kept = self._residents.get(resident.spec.id) is resident
            if resident.users or (is_kept and resident.model):
                if not resident.users and self._idle_seconds is not None and resident.spec.gpu_gb > 0:
                    self._watch(resident, self._idle_seconds)
                return
            if is_kept:
                del self._residents[resident.spec.id]
        if resident.model is not None:  # replaced or forsaken meanwhile
            _close(resident.model)


def _close(model: Model) -> None:
    """Close it; on a lost GPU even that may fail."""
    try:
        model.close()
    except RuntimeError as error:
        if not is_gpu_lost(error):
            raise
        log.info("It cannot be unloaded: %s", error)
