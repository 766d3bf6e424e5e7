"""Model files on this disk: pausable downloads, loading, deletion."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from studio.catalog import in_gb
from studio.contract import ModelSpec, Progress, Readiness, Task
from studio.errors import BadRequest, Cancelled, NotSupported, StudioError
from studio.residents import Residents

log = logging.getLogger(__name__)

Action = Literal["download", "pause", "cancel", "load", "unload", "delete"]
_IN_MEMORY: set[Action] = {"load", "unload"}
SUGGESTED = (Task.GENERATE, Task.SEGMENT, Task.VIEWS)
"""A model for each of these is suggested to a new user."""


class Meter(NamedTuple):
    """Memory or a disk, in GB (1e9 bytes)."""

    label: str
    used_gb: float
    total_gb: float


@dataclass(frozen=True)
class Fetch:
    """A download that is running, paused or failed."""

    state: Literal["running", "paused", "failed"]
    note: str = ""  # "downloading FLUX.1 schnell: 3.2 of 33.7 GB, 25 MB/s, 4 minutes left", or why it failed


@dataclass(frozen=True)
class ModelState:
    """The current state of a local model."""

    spec: ModelSpec
    readiness: Readiness
    disk_gb: float  # of its files, partial downloads included
    is_loaded: bool
    fetch: Fetch | None
    actions: tuple[Action, ...]  # what can be done with it now


class ModelFiles:
    """One per studio. Thread-safe."""

    def __init__(
        self,
        specs: Callable[[], Iterable[ModelSpec]],
        residents: Residents,
        warm: Callable[[str], None],
        meters: Callable[[], Iterable[Meter]],
        token: Callable[[], str] = str,
    ) -> None:
        """
        Args:
            specs: returns all models offered now.
            warm: loads a model in the background.
            meters: returns the memory and disks of this machine now.
            token: what the Hub says about this machine's token, as a sentence; "": nothing.
        """
        self._specs, self._residents, self._warm = specs, residents, warm
        self.meters, self.token = meters, token
        self._lock = threading.Lock()
        self._fetches: dict[str, Fetch] = {}
        self._stops: dict[str, threading.Event] = {}
        self._threads: dict[str, threading.Thread] = {}

    def states(self) -> list[ModelState]:
        return [self._state(spec) for spec in self._here()]

    def suggested(self) -> list[str]:
        """Ids of at most three models worth downloading on this machine; none once any was downloaded.

        For each task the first that fits, in catalog order.
        """
        here = [spec for spec in self._here() if spec.weights]
        if any(spec.weights.kept_gb() > 0 for spec in here if spec.weights):
            return []
        found: list[str] = []
        for task in SUGGESTED:
            fitting = [spec for spec in here if task in spec.tasks and spec.pace != "slow" and _is_to_be_had(spec)]
            if task == Task.SEGMENT and not any(spec.pace for spec in here):
                fitting.reverse()  # without a GPU, the smallest
            found += [spec.id for spec in fitting[:1]]
        return found

    def act(self, model_id: str, action: str) -> None:
        """Start an action and return.

        Raises:
            BadRequest: there is no such model or action.
            NotSupported: not possible now.
            StorageFailed
        """
        spec = next((spec for spec in self._here() if spec.id == model_id), None)
        if spec is None:
            raise BadRequest("There is no such model on this machine. Reload the page.")
        possible = {*self._state(spec).actions}
        if possible & _IN_MEMORY:  # what is wanted may just have come about
            possible |= _IN_MEMORY
        if action not in possible:
            raise NotSupported(f"{spec.label} cannot do that now. Reload the page.")
        match action:
            case "download":
                self._begin(spec)
            case "pause":
                self._end(spec, Fetch("paused"))
            case "cancel":
                self._end(spec, None)
                self._remove(spec)
            case "load":
                self._warm(spec.id)
            case "unload":
                self._residents.drop(spec.id)
            case "delete":
                self._residents.drop(spec.id)
                if self._residents.has(spec.id):
                    raise NotSupported(f"{spec.label} is in use. Wait for it, or stop it, then delete it.")
                self._remove(spec)

    def close(self) -> None:
        """End the downloads; partial files are kept."""
        for stop in [*self._stops.values()]:
            stop.set()
        for thread in [*self._threads.values()]:
            thread.join()

    def _here(self) -> list[ModelSpec]:
        specs = {spec.id: spec for spec in self._specs() if spec.lane != "cloud"}
        return [*specs.values()]

    def _state(self, spec: ModelSpec) -> ModelState:
        with self._lock:
            fetch = self._fetches.get(spec.id)
        readiness, is_loaded = spec.readiness(), self._residents.has(spec.id)
        disk_gb = spec.weights.kept_gb() if spec.weights else 0.0
        actions: list[Action] = []
        if fetch and fetch.state == "running":
            actions.extend(("pause", "cancel"))
        elif spec.weights:
            is_complete = spec.weights.is_complete()
            if readiness.download_gb or (disk_gb and not readiness.ok and not is_complete):
                actions.append("download")
            if disk_gb:
                actions.append("delete" if is_complete else "cancel")
        if readiness.ok and not readiness.download_gb and spec.lane != "workers":
            actions.append("unload" if is_loaded else "load")
        return ModelState(spec, readiness, disk_gb, is_loaded, fetch, tuple(actions))

    def _begin(self, spec: ModelSpec) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self._fetch, args=(spec, stop), name=f"fetch {spec.id}", daemon=True)
        with self._lock:
            if (now := self._fetches.get(spec.id)) and now.state == "running":
                return  # since it was offered, somebody else has begun it
            self._fetches[spec.id] = Fetch("running", f"looking for {spec.label}")
            self._stops[spec.id], self._threads[spec.id] = stop, thread
            thread.start()  # before anybody can wait for it

    def _fetch(self, spec: ModelSpec, stop: threading.Event) -> None:
        def tell(progress: Progress) -> None:
            if stop.is_set():
                raise Cancelled
            self._say(spec, stop, Fetch("running", progress.note))

        assert spec.weights is not None
        try:
            spec.weights.fetch(tell)
            self._say(spec, stop, None)
        except Cancelled:
            return
        except StudioError as error:
            self._say(spec, stop, Fetch("failed", str(error)))
        except Exception:
            self._say(spec, stop, Fetch("failed", "Something went wrong; the log has the details."))
            log.exception("The download of %s failed.", spec.id)

    def _say(self, spec: ModelSpec, stop: threading.Event, fetch: Fetch | None) -> None:
        """Set the state, unless the download was stopped and has a newer one."""
        with self._lock:
            if stop.is_set():
                return
            self._fetches.pop(spec.id, None)
            if fetch is not None:
                self._fetches[spec.id] = fetch

    def _end(self, spec: ModelSpec, fetch: Fetch | None) -> None:
        with self._lock:
            stop, thread, now = self._stops.get(spec.id), self._threads.get(spec.id), self._fetches.pop(spec.id, None)
            if stop is not None:
                stop.set()
            if fetch is not None and now is not None:
                self._fetches[spec.id] = replace(fetch, note=now.note)
        if thread is not None:
            thread.join()

    def _remove(self, spec: ModelSpec) -> None:
        with self._lock:
            self._fetches.pop(spec.id, None)
        if spec.weights:
            spec.weights.remove()


def _is_to_be_had(spec: ModelSpec) -> bool:
    ready = spec.readiness()
    return bool(ready.download_gb) or (spec.gated and ready.label.startswith("gated"))


def size_of(state: ModelState) -> str:
    """Its size on this disk, or of its download."""
    if state.disk_gb and not state.readiness.download_gb:
        return f"{in_gb(state.disk_gb)} on disk"
    if not state.spec.download_gb:
        return "" if state.spec.lane == "workers" else "included"
    return f"{in_gb(state.spec.download_gb)} download"
