"""The plan of a job's pictures, by its task. The one place that knows every kind of picture job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from studio.catalog import Catalog
from studio.contract import ModelSpec, Task
from studio.imaging import control, upscale
from studio.imaging.generate_job import PicturePlan, generate_plans
from studio.imaging.iterate_job import iterate_plans
from studio.imaging.versions import Versions
from studio.library.store import Store
from studio.residents import Residents
from studio.scheduling.live_job import LiveJob


def plans_of(
    job: LiveJob,
    spec: ModelSpec,
    store: Store,
    versions: Versions,
    catalog: Catalog,
    residents: Residents,
    choices: Path,
) -> Callable[[int], PicturePlan]:
    """See `generate_job.make_pictures`.

    Args:
        choices: the folder for `wildcards`.
    """
    if job.row.task == Task.UPSCALE:
        return upscale.upscale_plans(job, spec, store)
    if job.row.task == Task.CONTROL:
        return control.control_plans(job, spec, store)
    follow = control.follow(job, spec, catalog, residents)
    if job.row.task == Task.ITERATE:
        return iterate_plans(job, spec, store, versions.complete, follow)
    followed = partial(control.followed, spec=spec, path_of=partial(store.path, job.row.owner), follow=follow)
    return generate_plans(job.row.request, spec, choices, followed)
