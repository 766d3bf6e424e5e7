"""The models of one studio, and which of them a request means. Loads none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from studio import completion, validation
from studio.contract import ModelSpec, Task
from studio.errors import BadRequest, NotReady, UnknownModel

_VERBS = {
    Task.UPSCALE: "enlarge pictures",
    Task.CONTROL: "make such pictures to follow",
    Task.VIEWS: "make views of objects",
    Task.SPLAT: "make splats",
}
"""How messages put it, where the name of the task is not a verb."""


def in_gb(gb: float) -> str:
    """A size for people: "34 GB", "4.0 GB", "0.2 GB"."""
    return f"{gb:.0f} GB" if gb >= 9.5 else f"{gb:.1f} GB"


class Catalog:
    """The models by task; the first that is ready is the default of its task."""

    def __init__(
        self,
        specs: Iterable[ModelSpec],
        own: Callable[[], Iterable[ModelSpec]] = tuple[ModelSpec, ...],
        away: Callable[[], Iterable[ModelSpec]] = tuple[ModelSpec, ...],
    ) -> None:
        """
        Args:
            own: returns the user's own models, now.
            away: returns the models of other machines, now; they also stand in for models that cannot run here.

        Raises:
            ValueError: a spec is incomplete.
        """
        self._fixed, self._own, self._away = {spec.id: spec for spec in specs}, own, away
        for task in (Task.GENERATE, Task.ITERATE):
            for spec in self.models(task):
                completion.default_size(spec)

    @property
    def _specs(self) -> dict[str, ModelSpec]:
        here = {**self._fixed, **{spec.id: spec for spec in self._own()}}
        away = {spec.id: spec for spec in self._away()}
        return {**here, **{id: spec for id, spec in away.items() if id not in here or not here[id].readiness().ok}}

    def all(self) -> list[ModelSpec]:
        """Every model once, in order; those of other machines last."""
        return [*self._specs.values()]

    def every(self) -> Iterator[ModelSpec]:
        """Task by task; a model with several tasks is repeated."""
        return (spec for task in Task for spec in self.models(task))

    def models(self, task: Task) -> list[ModelSpec]:
        return [spec for spec in self._specs.values() if task in spec.tasks]

    def model(self, model_id: str) -> ModelSpec:
        """
        Raises:
            UnknownModel: it is not in the catalog.
        """
        if not isinstance(model_id, str):
            raise BadRequest(f"The model must be the id of a model, not {validation.shown(model_id)}.")
        specs = self._specs
        if model_id not in specs:
            raise UnknownModel(model_id, specs)
        return specs[model_id]

    def ready(self, model_id: str, task: Task, owner: str = "", *, follows: bool = False) -> ModelSpec:
        """The model that was asked for, or the first local one that is ready: nothing goes to a cloud unasked.

        Args:
            follows: whether the request has a control picture.

        Raises:
            UnknownModel: it cannot do the task.
            NotReady: none is ready.
        """
        local = [spec for spec in self.models(task) if not spec.provider]
        if task == Task.GENERATE:
            local = [spec for spec in local if (spec.control or spec.likeness if follows else not spec.control)]
        specs = [self._able(model_id, task)] if model_id != "" else local
        if not specs:
            raise NotReady(f"No model here can {_VERBS.get(task, task)}. Start Diorama with a catalog that has one.")
        states = [spec.ready_for(owner) for spec in specs]
        for spec, readiness in zip(specs, states, strict=True):
            if readiness.ok:
                if spec.control:
                    self.ready(spec.control, Task.CONTROL, owner)
                return spec
            if readiness.is_damaged:
                raise NotReady(readiness.hint)
        readiness = states[0]
        raise NotReady(readiness.hint or f"{specs[0].label} cannot run here: {readiness.label}.")

    def _able(self, model_id: str, task: Task) -> ModelSpec:
        spec = self._specs.get(model_id) if isinstance(model_id, str) else self.model(model_id)
        if spec is None or task not in spec.tasks:
            raise UnknownModel(model_id, [each.id for each in self.models(task) if not each.provider])
        return spec
