"""The demo behind the tiles of the empty stage: a picture that reliably turns out well. Knows no layout."""

from __future__ import annotations

from studio.completion import default_size
from studio.contract import GenerateRequest, ModelSpec, Task
from studio.errors import NotReady
from studio.service import Studio
from ui.shared.pictures import Answer


def demo_model(studio: Studio, owner: str) -> ModelSpec | None:
    """The first model that is ready and has a demo."""
    specs = studio.models(Task.GENERATE)
    return next((spec for spec in specs if spec.demo and spec.ready_for(owner).ok), None)


def begin(studio: Studio, owner: str, _values: Answer) -> Answer:
    """Queue the demo's picture.

    Returns:
        `{job}`, its id, and what the page needs next: `change`, an instruction, and its `seed`; `point`, a click on the
        object; `models`, by task, that were trained on such pictures.
    """
    spec = demo_model(studio, owner)
    if spec is None or spec.demo is None:
        raise NotReady("No model that is ready here has a demo. Describe a picture and press Generate.")
    demo, size = spec.demo, default_size(spec)
    job = studio.generate(owner, GenerateRequest(demo.prompt, spec.id, seed=demo.seed))
    return {
        "job": job.id,
        "seed": demo.seed,
        "change": demo.change,
        "point": [demo.place[0] * size.width, demo.place[1] * size.height, 1],
        "models": {task: _like(studio, owner, spec, task) for task in Task},
    }


def _like(studio: Studio, owner: str, spec: ModelSpec, task: Task) -> str:
    """A model trained on the same kind of pictures as `spec`; "": the first that is ready."""
    specs = studio.models(task)
    return next((each.id for each in specs if each.toys_only == spec.toys_only and each.ready_for(owner).ok), "")


ROUTES = {"demo": begin}
