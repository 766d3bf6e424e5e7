"""Words by models of this machine: who answers, what is kept, and what is said where nobody can. Models are fakes."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from studio.contract import ModelSpec, Readiness, Task, Tell
from studio.errors import NotReady
from studio.service import Studio
from studio.words.contract import WordsRequest
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, PATIENCE_SECONDS, FakeModel, spec_of
from tests.studio.pictures_in import saved

AWAY = Readiness(True, "1.0 GB download", download_gb=1.0)
TOY = Image.new("RGB", (96, 96), (178, 178, 184))
TOY.paste((219, 26, 23), (30, 30, 66, 66))


class Says:
    """A model of words that says what a test tells it to."""

    def __init__(self, words: str) -> None:
        self.words, self.requests = words, list[WordsRequest]()

    def run(self, request: WordsRequest, tell: Tell) -> str:
        self.requests.append(request)
        return self.words

    def close(self) -> None:
        """Nothing is kept."""


def speaker(id: str, task: Task, words: str, **changes: Any) -> ModelSpec:
    return spec_of(Says(words), id, **{"tasks": frozenset({task}), "seed": False} | changes)


TOYS = speaker("toys", Task.DESCRIBE, "A red cube.", toys_only=True)
SEER = speaker("seer", Task.DESCRIBE, "A hill in the mist.")
COMPLETER = speaker(
    "toy-words", Task.IMPROVE, "a red ball", toys_only=True, known_words=lambda: frozenset({"a", "ball"})
)
WRITER = speaker("writer", Task.IMPROVE, "a violin in velvet light")


def noise() -> Image.Image:
    return Image.effect_noise((96, 96), 90).convert("RGB")


def described(studio: Studio, picture: Image.Image) -> str:
    asset = studio.take_in(OWNER, saved(picture, "PNG"), "picture.png")
    return studio.describing.describe(OWNER, asset.id).answer.result(PATIENCE_SECONDS).description


def test_the_toys_are_described_by_who_knows_them_and_photos_by_another(open_studio: OpenStudio):
    studio = open_studio(FakeModel(), TOYS, SEER)
    assert described(studio, TOY) == "A red cube."
    assert described(studio, noise()) == "A hill in the mist."
    found = studio.gallery(OWNER, query="mist").assets
    assert [asset.description for asset in found] == ["A hill in the mist."]
    assert [studio.describing.reader(OWNER, asset.id) for asset in found] == ["Seer"]


def test_what_only_knows_toys_describes_no_photo(open_studio: OpenStudio):
    away = speaker("seer", Task.DESCRIBE, "never", readiness=lambda: AWAY)
    studio = open_studio(FakeModel(), TOYS, away)
    asset = studio.take_in(OWNER, saved(noise(), "PNG"), "photo.png")
    assert studio.describing.reader(OWNER, asset.id) == ""
    with pytest.raises(NotReady, match="download Seer: `python cli"):
        studio.describing.describe(OWNER, asset.id)
    assert described(studio, TOY) == "A red cube."


@pytest.mark.parametrize(
    ("models", "prompt", "wanted"),
    [
        ((COMPLETER,), "a ball", "a red ball"),
        ((COMPLETER, WRITER), "a ball", "a violin in velvet light"),
        ((WRITER,), "a violin", "a violin in velvet light"),
    ],
)
def test_a_prompt_is_improved_here(open_studio: OpenStudio, models: tuple[ModelSpec, ...], prompt: str, wanted: str):
    studio = open_studio(FakeModel(), *models)
    assert studio.describing.improver(OWNER) == models[-1].label
    assert studio.describing.improve_prompt(OWNER, prompt).answer.result(PATIENCE_SECONDS) == wanted


@pytest.mark.parametrize(("models", "reader"), [((COMPLETER,), ""), ((COMPLETER, WRITER), "Writer")])
def test_who_knows_the_toys_alone_improves_no_prompt_for_a_model_that_is_none(
    open_studio: OpenStudio, models: tuple[ModelSpec, ...], reader: str
):
    describing = open_studio(FakeModel(), *models).describing
    assert describing.improver(OWNER, for_toys=False) == reader
    if reader:
        better = describing.improve_prompt(OWNER, "a ball", for_toys=False)
        assert better.answer.result(PATIENCE_SECONDS) == "a violin in velvet light"
    else:
        with pytest.raises(NotReady, match="No provider here"):
            describing.improve_prompt(OWNER, "a ball", for_toys=False)


def test_a_prompt_with_words_that_nobody_here_knows_is_told_what_it_needs(open_studio: OpenStudio):
    studio = open_studio(FakeModel(), COMPLETER)
    with pytest.raises(NotReady, match="No provider here"):
        studio.describing.improve_prompt(OWNER, "a walrus")
