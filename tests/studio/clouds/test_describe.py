"""Words about pictures and prompts: kept, found, stopped, and paid for once. The only fake is the provider's seam."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.clouds.contract import KeyState, NoClouds
from studio.clouds.describe import MAX_DESCRIPTION, MOST_AT_ONCE
from studio.contract import Progress, Tell
from studio.errors import BadPicture, BadRequest, Cancelled, CloudFault, NotFound, NotReady
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, PATIENCE_SECONDS, ask, finished

SAID = "A violin on a velvet sofa."


class Skies(NoClouds):
    """A provider that says what a test tells it to, when it is let go."""

    def __init__(self) -> None:
        self.readers = {OWNER: "Skies"}
        self.says: Callable[[], str] = lambda: SAID
        self.pictures: list[Image.Image] = []
        self.prompts: list[str] = []
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def keys(self, owner: str) -> tuple[KeyState, ...]:
        return (KeyState("Skies", "SKIES_KEY", "", "write SKIES_KEY=... into .env.", ".env", "https://skies.invalid"),)

    def reader(self, owner: str) -> str:
        return self.readers.get(owner, "")

    def describe(self, owner: str, picture: Image.Image, tell: Tell) -> str:
        self.pictures.append(picture)
        return self._answer(tell)

    def improve_prompt(self, owner: str, prompt: str, tell: Tell) -> str:
        self.prompts.append(prompt)
        return self._answer(tell)

    def wait_until_asked(self) -> None:
        if not self.asked.acquire(timeout=PATIENCE_SECONDS):
            raise TimeoutError("nothing was asked")

    def _answer(self, tell: Tell) -> str:
        self.asked.release()
        while not self.go.wait(0.01):
            tell(Progress(0, 0, "waiting"))
        return self.says()


@pytest.fixture
def skies() -> Iterator[Skies]:
    skies = Skies()
    yield skies
    skies.go.set()


@pytest.fixture
def studio(open_studio: OpenStudio, skies: Skies) -> Studio:
    return open_studio(clouds=skies)


@pytest.fixture
def picture(studio: Studio) -> str:
    return finished(studio, ask(studio)).assets[0]


def test_a_description_is_kept_with_its_picture_and_found(studio: Studio, skies: Skies, picture: str):
    before = studio.pulse(OWNER)
    described = studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS)
    assert described.description == studio.asset(OWNER, picture).description == SAID
    assert [asset.id for asset in studio.gallery(OWNER, query="velvet").assets] == [picture]
    assert studio.pulse(OWNER) > before
    assert skies.pictures[0].size == (64, 64)


def test_a_prompt_is_improved_as_it_was_meant(studio: Studio, skies: Skies):
    assert studio.describing.improve_prompt(OWNER, "  a violin\x00 ").answer.result(PATIENCE_SECONDS) == SAID
    assert skies.prompts == ["a violin"]


def test_what_is_asked_twice_at_once_is_sent_once(studio: Studio, skies: Skies, picture: str):
    skies.go.clear()
    first = studio.describing.describe(OWNER, picture)
    assert studio.describing.describe(OWNER, picture) is first
    skies.go.set()
    first.answer.result(PATIENCE_SECONDS)
    assert len(skies.pictures) == 1
    studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS)
    assert len(skies.pictures) == 2


def test_stop_ends_the_waiting(studio: Studio, skies: Skies, picture: str):
    skies.go.clear()
    asked = studio.describing.describe(OWNER, picture)
    skies.wait_until_asked()
    asked.stop()
    with pytest.raises(Cancelled):
        asked.answer.result(PATIENCE_SECONDS)
    assert studio.asset(OWNER, picture).description == ""


def test_who_stopped_and_asks_again_gets_an_answer(studio: Studio, skies: Skies):
    skies.go.clear()
    first = studio.describing.improve_prompt(OWNER, "a violin")
    skies.wait_until_asked()
    first.stop()
    again = studio.describing.improve_prompt(OWNER, "a violin")  # before the first has noticed
    with pytest.raises(Cancelled):
        first.answer.result(PATIENCE_SECONDS)
    assert studio.describing.improve_prompt(OWNER, "a violin") is again
    skies.go.set()
    assert again.answer.result(PATIENCE_SECONDS) == SAID


def test_the_end_of_the_app_ends_the_waiting(open_studio: OpenStudio, skies: Skies):
    studio = open_studio(clouds=skies)
    skies.go.clear()
    asked = studio.describing.improve_prompt(OWNER, "a violin")
    skies.wait_until_asked()
    studio.close()
    with pytest.raises(Cancelled):
        asked.answer.result(PATIENCE_SECONDS)


def test_a_fault_is_said_and_the_next_question_is_answered(studio: Studio, skies: Skies, picture: str):
    def refuse() -> str:
        raise CloudFault("Skies did not want to.")

    skies.says = refuse
    with pytest.raises(CloudFault, match="did not want to"):
        studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS)
    skies.says = lambda: SAID
    assert studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS).description == SAID


def test_a_bug_is_logged_and_a_sentence_to_the_person(studio: Studio, skies: Skies, caplog: pytest.LogCaptureFixture):
    skies.says = lambda: {}["a bug"]
    with pytest.raises(Exception, match="the log has the details"):
        studio.describing.improve_prompt(OWNER, "a violin").answer.result(PATIENCE_SECONDS)
    skies.says = lambda: SAID
    assert studio.describing.improve_prompt(OWNER, "a violin").answer.result(PATIENCE_SECONDS) == SAID
    studio.close()  # its threads have ended, and have said what they had to say
    assert "KeyError: 'a bug'" in caplog.text


def test_only_so_many_answers_are_awaited_at_once(studio: Studio, skies: Skies):
    skies.readers["grace"] = "Skies"
    skies.go.clear()
    waiting = [studio.describing.improve_prompt(OWNER, f"{number} violins") for number in range(MOST_AT_ONCE)]
    with pytest.raises(BadRequest, match="4 answers already"):
        studio.describing.improve_prompt(OWNER, "a cello")
    theirs = studio.describing.improve_prompt("grace", "a cello")
    skies.go.set()
    assert {asked.answer.result(PATIENCE_SECONDS) for asked in [*waiting, theirs]} == {SAID}
    assert studio.describing.improve_prompt(OWNER, "a cello").answer.result(PATIENCE_SECONDS) == SAID


def test_it_is_off_without_a_key(open_studio: OpenStudio, skies: Skies, tmp_path: Path):
    skies.readers.clear()
    studio = open_studio(clouds=skies)
    with pytest.raises(NotReady, match="such as Skies: write SKIES_KEY"):
        studio.describing.improve_prompt(OWNER, "a violin")
    with pytest.raises(NotReady, match="No provider here"):
        open_studio(outputs=tmp_path / "alone").describing.improve_prompt(OWNER, "a violin")
    assert skies.prompts == []


def test_what_is_not_there_or_anothers_is_not_sent(studio: Studio, skies: Skies, picture: str):
    skies.readers["grace"] = "Skies"
    for owner, id in (("grace", picture), (OWNER, "0" * 32), (OWNER, "'; DROP TABLE assets")):
        with pytest.raises(NotFound):
            studio.describing.describe(owner, id)
    studio.delete(OWNER, [picture])
    with pytest.raises(NotFound):
        studio.describing.describe(OWNER, picture)
    assert skies.pictures == []


@pytest.mark.parametrize("prompt", ["", " \u200d ", "x" * 10_001, 5, None])
def test_a_prompt_that_is_none_is_not_sent(prompt: str, studio: Studio, skies: Skies):
    with pytest.raises(BadRequest):
        studio.describing.improve_prompt(OWNER, prompt)
    assert skies.prompts == []


def test_a_spoilt_file_is_not_sent(studio: Studio, skies: Skies, picture: str):
    studio.path(OWNER, picture).write_bytes(b"no picture")
    with pytest.raises(BadPicture, match="cannot be read any more"):
        studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS)
    assert skies.pictures == []


def test_what_a_model_says_is_cleaned_and_cut(studio: Studio, skies: Skies, picture: str):
    skies.says = lambda: "\ud800\x07" + "very " * 10_000
    described = studio.describing.describe(OWNER, picture).answer.result(PATIENCE_SECONDS)
    assert described.description.startswith("very very")
    assert len(described.description) <= MAX_DESCRIPTION
