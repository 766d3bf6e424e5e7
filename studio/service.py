"""What Diorama can do: the one interface of the page, the API and the command line. Thread-safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from studio import completion, validation
from studio.advice import Adviser
from studio.catalog import Catalog
from studio.clouds.contract import Clouds, NoClouds
from studio.clouds.describe import Describing
from studio.clouds.spending import DAILY_CAP_USD, Spending
from studio.collection import Collection
from studio.contract import GenerateRequest, IterateRequest, ModelSpec, Size, Task, UpscaleRequest
from studio.grids import grid
from studio.grids.grid import GridRequest
from studio.grids.grid_job import make_grid
from studio.imaging import edit_codec, replay, upscale, wildcards
from studio.imaging.generate_job import make_pictures
from studio.imaging.plans import plans_of
from studio.imaging.settings_from_recipe import Settings, fit
from studio.library.database import BUSY_SECONDS
from studio.model_files import Meter, ModelFiles
from studio.residents import Residents, unheard
from studio.scheduling.changes import Changes
from studio.scheduling.contract import JobView, NoWorkers, Workers
from studio.scheduling.jobs import PATIENCE_SECONDS, Jobs
from studio.scheduling.live_job import LiveJob
from studio.segmentation.service import Selections
from studio.sharing.hosting import Hosting
from studio.solid import jobs
from studio.solid.splat_service import Splats
from studio.solid.views_service import Solids
from studio.words.meaning import Meanings

IDLE_SECONDS = 1800.0
"""Models leave the GPU after so long without work."""


class Studio(Collection):
    """One outputs folder, the models of a catalog, and the work between them.

    `owner` is whoever asks: an opaque string. The jobs and assets of others do not exist for them.

    Args:
        models: the catalog; the first one that is ready is the default.
        outputs: created if missing.
        own: returns the user's own models, now.
        own_folder: where those are stored, in words.
        memory_gb: budget of the loaded models together.
        meters, token: return memory and disks of this machine, now, and what the Hub says of its token.
        clouds, workers: the providers, and other machines; None: there are none.
        daily_cap_usd: how much an owner may spend a day without confirming; None: any amount.
        busy_seconds: how long to wait for another program that has locked the index.
        patience_seconds: how long a job retries to store its result.
        quota_bytes: per owner, the trash included; None: unlimited.
        admits: whether an owner is still allowed in; nothing runs or is stored for others.
        resume: False leaves the unfinished jobs for a later start.
        now: Unix time, seconds; may go backwards.

    Attributes:
        selections: masks and objects.
        solids: jobs that turn objects into views and splats.
        splats: existing splats.
        gpu_lost: set once only another process can use the GPU.
        hosting: what the admin sees and does.
        adviser: warns about pictures a model was not trained on.
        clouds, spending, workers: whose key pays at which provider, and how much; other machines.
        model_files: the models' files on this disk.
        describing, meanings: descriptions and better prompts; search by meaning.
        presets: named settings.
        signing_key: signs links to files.
    """

    def __init__(
        self,
        models: Iterable[ModelSpec],
        outputs: Path,
        *,
        own: Callable[[], Iterable[ModelSpec]] = tuple[ModelSpec, ...],
        own_folder: str = "",
        memory_gb: float = 8.0,
        meters: Callable[[], Iterable[Meter]] = tuple[Meter, ...],
        token: Callable[[], str] = str,
        clouds: Clouds | None = None,
        workers: Workers | None = None,
        daily_cap_usd: float | None = DAILY_CAP_USD,
        busy_seconds: float = BUSY_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
        quota_bytes: int | None = None,
        admits: Callable[[str], bool] = lambda _owner: True,
        resume: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Open the folder, bring its index up to date, and continue the unfinished jobs.

        Raises:
            OutputsInUse: another Diorama works there.
            StorageFailed: the folder cannot be used.
        """
        cv2.setNumThreads(1)  # jobs run side by side, each on its own core
        self.workers, self.clouds, self.own_folder = workers or NoWorkers(), clouds or NoClouds(), own_folder
        self._catalog = Catalog(models, own, self.workers.models)
        self._changes = Changes()
        self._residents, self._away = Residents(memory_gb, IDLE_SECONDS), Residents(memory_gb)
        self.gpu_lost = self._residents.gpu_lost
        with ExitStack() as opened:
            self._open_library(opened, outputs.absolute(), busy_seconds, now, quota_bytes, admits)
            on = (self._database, self._changes, self._store.clock)
            kept, drop, room = self._store.kept_of_job, self._residents.drop, self._store.usage.make_room
            away = {"workers": self.workers, "patience_seconds": patience_seconds}
            self._jobs = Jobs(*on, work=self._work, made=kept, drop=drop, admit=room, admits=admits, **away)
            if resume:
                self._jobs.resume()
            today = lambda: datetime.fromtimestamp(now())  # noqa: E731
            self.spending = Spending(self._database, self._catalog.every(), daily_cap_usd, now=today)
            self.model_files = ModelFiles(self._catalog.every, self._residents, self.warm, meters, token)
            self._add_services()
            self._opened = opened.pop_all()

    def _add_services(self) -> None:
        """The parts that need both the library and the models."""
        kept, ready = (self._store, self._database), self._catalog.ready
        self.selections = Selections(*kept, self._residents, self._changes, ready)
        self.solids = Solids(*kept, self._changes, ready, self._submit)
        self.splats = Splats(*kept, self._changes, self.solids)
        self.adviser = Adviser(self._catalog, self._store)
        self.hosting = Hosting(self._jobs, self._store, self._changes, self.presets, self.clouds)
        means = (self._store, self.models, self._residents, self._jobs.when_idle, self.adviser.is_toy)
        self.describing = Describing(self.clouds, self._changes, *means)
        self.meanings = Meanings(self._database, *means)

    # --- models -------------------------------------------------------------------------------------------------------

    def models(self, task: Task) -> list[ModelSpec]:
        return self._catalog.models(task)

    def model(self, model_id: str) -> ModelSpec:
        """Raises UnknownModel where it is not in the catalog."""
        return self._catalog.model(model_id)

    def warm(self, model_id: str, *, is_last: bool = False) -> None:
        """Load a model in the background when its lane is idle; nothing is downloaded.

        Args:
            is_last: one for clicks, too, waits for its lane, and for what is loading there.
        """
        spec = self.model(model_id)
        if (ready := spec.readiness()).ok and not ready.download_gb and spec.lane != "workers":
            load = partial(self._residents.load, spec, unheard)
            if Task.SEGMENT not in spec.tasks:
                self._jobs.when_idle(spec.lane, spec.id, load)
            elif is_last:
                self._jobs.when_idle(spec.lane, spec.id, partial(self.selections.later, load, spec))
            else:
                self.selections.later(load, spec)

    def unknown_words(self, model_id: str, prompt: str) -> tuple[str, ...]:
        """The words of a prompt this model was not trained on, in order; a hint, not an error."""
        spec = self.model(model_id)
        known = spec.known_words if spec.readiness().ok else None  # its word list may be damaged like its weights
        return validation.unknown_words(prompt, known()) if known else ()

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def generate(self, owner: str, request: GenerateRequest, *, confirm_cost: bool = False) -> JobView:
        """Queue a job that makes pictures from a prompt; it is stored when this returns.

        Args:
            confirm_cost: even if it costs more than the daily cap leaves.

        Raises:
            OverBudget: it does; nothing was queued.
            NotFound: no such control picture.
            BadRequest, UnknownModel, NotSupported, NotReady, TooManyJobs, StorageFailed: nothing was queued.
        """
        spec = self._catalog.ready(request.model, Task.GENERATE, owner, follows=bool(request.control))
        complete = completion.completed(request, spec)
        self._versions.check_followed(owner, complete)
        wildcards.chosen(complete.prompt, complete.seed or 0, self._wildcards)  # reports a missing file now
        with self.spending.approved(owner, spec, complete, confirmed=confirm_cost):
            return self._submit(owner, spec, Task.GENERATE, complete.prompt, complete.count, asdict(complete))

    def compare(self, owner: str, request: GridRequest) -> JobView:
        """Queue a job that makes a picture with several values of a setting, or of two, on one sheet.

        Raises as `generate` does.
        """
        spec = self._catalog.ready(request.base.model, Task.GENERATE, owner, follows=bool(request.base.control))
        complete = grid.complete(request, spec, self._wildcards)
        self._versions.check_followed(owner, complete.base)
        return self._submit(owner, spec, Task.GENERATE, grid.title_of(complete), 1, grid.to_json(complete))

    def iterate(self, owner: str, request: IterateRequest, *, confirm_cost: bool = False) -> JobView:
        """Queue a job that changes a picture as an instruction says; it is stored when this returns.

        Args and errors as for `generate`; NotFound also for the picture, the object and the references.
        """
        spec = self._catalog.ready(request.model, Task.ITERATE, owner)
        complete = self._versions.complete(owner, request, spec)
        title, values = edit_codec.title_of(complete), asdict(complete)
        with self.spending.approved(owner, spec, complete, confirmed=confirm_cost):
            return self._submit(owner, spec, Task.ITERATE, title, complete.count, values)

    def upscale(self, owner: str, request: UpscaleRequest) -> JobView:
        """Queue a job that enlarges a picture, as a version of it; raises as `generate` does.

        Raises:
            NotFound: the picture is not there, is deleted, or is somebody else's.
            BadRequest, UnknownModel, NotSupported, NotReady, TooManyJobs, StorageFailed: nothing was queued.
        """
        source = self._versions.picture(owner, request.source)
        model = request.model or upscale.model_for(self.path(owner, source.id))
        spec = self._catalog.ready(model, Task.UPSCALE, owner)
        complete = upscale.complete(request, spec, Size(source.width, source.height))
        return self._submit(owner, spec, Task.UPSCALE, source.title, 1, asdict(complete))

    def control(self, owner: str, source_id: str, model: str = "") -> JobView:
        """Queue a job that stores the outlines or the depth of a picture as a version of it."""
        source, spec = self._versions.picture(owner, source_id), self._catalog.ready(model, Task.CONTROL, owner)
        return self._submit(owner, spec, Task.CONTROL, source.title, 1, {"source": source.id})

    def replay(
        self,
        owner: str,
        asset_id: str,
        *,
        source: str = "",
        model: str = "",
        new_seed: bool = False,
        last: int = 0,
        confirm_cost: bool = False,
    ) -> JobView:
        """Queue one job that repeats the changes that led to a version, one after the other; raises as `iterate` does.

        Args:
            source: asset id of the picture to start with; "": the original one.
            model: "": the original one.
            last: how many of the latest changes; 0: all of them.
            confirm_cost: as for `generate`.
        """
        requests = self._versions.changes(owner, asset_id, last)
        spec = self._catalog.ready(replay.model_of(requests, model), Task.ITERATE, owner)
        complete = self._versions.chained(owner, requests, spec, source=source, new_seed=new_seed)
        title, count = edit_codec.title_of(complete[-1]), len(complete)
        with self.spending.approved(owner, spec, replace(complete[0], count=count), confirmed=confirm_cost):
            return self._submit(owner, spec, Task.ITERATE, title, count, replay.to_json(complete))

    # --- what was made ------------------------------------------------------------------------------------------------

    def settings_of(self, owner: str, asset_id: str) -> Settings:
        """The request that repeats a picture, and which of its settings could not be carried over."""
        return fit(self._versions.recipe_of(owner, asset_id), self.models(Task.GENERATE), owner)

    def close(self, *, give_up: bool = False) -> None:
        """Accept no more work, let the running step end, release the folder. Waiting jobs run at the next start.

        Args:
            give_up: stop all jobs for good instead.
        """
        try:
            self.model_files.close()
            self.describing.close()
            self._jobs.close(give_up=give_up)
            self.selections.close()
            self._residents.close()
        finally:
            self._opened.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _submit(
        self, owner: str, spec: ModelSpec, task: Task, title: str, pictures: int, request: dict[str, Any]
    ) -> JobView:
        return self._jobs.submit(
            owner, task=task, lane=spec.lane, model=spec.id, title=title, pictures=pictures, request=request
        )

    def _work(self, job: LiveJob) -> None:
        if job.row.task in (Task.VIEWS, Task.SPLAT):
            return jobs.work(job, self.model, self._residents, self._store)
        away = self.workers.model(job.row.model) if job.is_away else None
        spec, residents = (away, self._away) if away else (self.model(job.row.model), self._residents)
        if "grid" in job.row.request:
            return make_grid(job, spec, residents, self._store, self._wildcards, self._catalog)
        plan_of = plans_of(job, spec, self._store, self._versions, self._catalog, residents, self._wildcards)
        return make_pictures(job, spec, residents, self._store, plan_of)
