"""Which model a program has loaded, for APIs where that is set once and applies from then on."""

from __future__ import annotations

from studio.contract import ModelSpec, Task
from studio.errors import NotReady, NotSupported, UnknownModel
from studio.service import Studio
from ui.programs.fitting import chosen, tasks_of


class Choices:
    """One choice per owner, for as long as the app runs."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._of_owner: dict[str, str] = {}

    def load(self, owner: str, name: str, task: Task | None = None) -> ModelSpec:
        """Choose a model, and load it in the background.

        Args:
            task: all that the program can ask for; None: also changes.

        Raises:
            UnknownModel: there is no such model.
            NotSupported: a program cannot use it for that.
            NotReady: it cannot run here.
        """
        try:
            spec = chosen(self._studio, owner, name, Task.GENERATE, [])
        except UnknownModel:
            spec = chosen(self._studio, owner, name, Task.ITERATE, [])
        if task and task not in tasks_of(spec):
            does = "follows a picture" if spec.control else "only changes pictures"
            raise NotSupported(f"{spec.label} {does}, which cannot be sent here. Choose another model.")
        ready = spec.ready_for(owner)
        if not ready.ok:
            raise NotReady(ready.hint or f"{spec.label} cannot run here: {ready.label}.")
        self._of_owner[owner] = spec.id
        self._studio.warm(spec.id)
        return spec

    def current(self, owner: str) -> ModelSpec:
        """The chosen model, or the first that is ready.

        Raises:
            UnknownModel: there is no model at all.
        """
        choice = self._of_owner.get(owner)
        return self._studio.model(choice) if choice else chosen(self._studio, owner, "", Task.GENERATE, [])

    def name_for(self, owner: str, name: str, task: Task) -> str:
        """The requested name, or else the chosen model if it can do the task; "": any that can."""
        known = {spec.id for spec in self._studio.models(task)}
        choice = self._of_owner.get(owner, "")
        return name or (choice if choice in known else "")
