"""Descriptions and better prompts from local models: which one would answer, and its answer.

Nothing is downloaded for it. Knows no model, no provider and no layout.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from studio.contract import ModelSpec, Task, Tell
from studio.errors import NotReady
from studio.residents import Residents
from studio.segmentation.objects import flat
from studio.validation import cleaned, unknown_words
from studio.words.contract import WordsRequest


class LocalWords:
    """Who would answer, for any thread; the answers come on the lane of the models."""

    def __init__(self, models: Callable[[Task], list[ModelSpec]], residents: Residents) -> None:
        self._models, self._residents = models, residents

    def describer(self, is_toy: bool) -> ModelSpec | None:
        """Who would describe a picture, of the toy world or not; None: nobody here."""
        here = self._here(Task.DESCRIBE)
        return next((spec for wanted in (is_toy, False) for spec in here if spec.toys_only == wanted), None)

    def improver(self, prompt: str = "", *, for_toys: bool = True) -> ModelSpec | None:
        """Who would improve a prompt, preferring a model that knows all words; None: nobody here.

        Args:
            for_toys: the picture may show the toy world.
        """
        here = sorted(self._here(Task.IMPROVE), key=lambda spec: spec.toys_only)
        able = (spec for spec in here if for_toys or not spec.toys_only)
        able = (spec for spec in able if not (spec.known_words and unknown_words(prompt, spec.known_words())))
        return next(able, None)

    def could(self, task: Task) -> ModelSpec | None:
        """Who could do it after a download."""
        return next((spec for spec in self._able(task) if spec.readiness().download_gb), None)

    def describe(self, spec: ModelSpec, picture: Image.Image, tell: Tell) -> str:
        """
        Raises:
            NotReady: it has nothing to say.
            Cancelled: from `tell`.
        """
        return self._said(spec, WordsRequest(flat(picture), Task.DESCRIBE.value), tell)

    def improve(self, spec: ModelSpec, prompt: str, tell: Tell) -> str:
        """Raises as `describe`, and NotSupported if it does not know such prompts."""
        return self._said(spec, WordsRequest(words=prompt), tell)

    def _said(self, spec: ModelSpec, request: WordsRequest, tell: Tell) -> str:
        with self._residents.use(spec, tell) as model:
            words = cleaned(model.run(request, tell))
        if not words:
            raise NotReady(f"{spec.label} found no words for this. Try another one.")
        return words

    def _here(self, task: Task) -> list[ModelSpec]:
        return [spec for spec in self._able(task) if not spec.readiness().download_gb]

    def _able(self, task: Task) -> list[ModelSpec]:
        return [spec for spec in self._models(task) if not spec.provider and spec.readiness().ok]
