"""Pictures found by what they mean: ranked, filtered, kept up to date, and each owner's own. The model is a fake."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.contract import Readiness, Task, Tell
from studio.errors import NotReady
from studio.service import Studio
from studio.words import meaning
from studio.words.contract import WordsRequest
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, spec_of
from tests.studio.pictures_in import saved

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "teal": (0, 140, 140)}


class Sees:
    """Sees nothing but the mean colour of a picture, and reads nothing but names of colours."""

    def __init__(self) -> None:
        self.looks = 0

    def run(self, request: WordsRequest, tell: Tell) -> np.ndarray:
        if request.picture is not None:
            self.looks += 1
            seen = np.asarray(request.picture, np.float32).mean(axis=(0, 1))
        else:
            seen = np.sum([COLOURS.get(word, (0, 0, 0)) for word in request.words.split()], axis=0, dtype=np.float32)
        return np.asarray((seen + 1) / np.linalg.norm(seen + 1), np.float32)

    def close(self) -> None:
        """Nothing is kept."""


def eyes(sees: Sees, **changes: Any) -> Any:
    return spec_of(sees, "eyes", **{"tasks": frozenset({Task.EMBED}), "seed": False} | changes)


@pytest.fixture
def sees() -> Sees:
    return Sees()


@pytest.fixture
def studio(open_studio: OpenStudio, sees: Sees) -> Studio:
    return open_studio(FakeModel(), eyes(sees))


def brought(studio: Studio, colour: str, name: str = "", owner: str = OWNER) -> str:
    side = 8 + sum(map(ord, colour + name + owner)) % 50  # no file is brought twice
    image = Image.new("RGB", (side, 9), COLOURS[colour])
    return studio.take_in(owner, saved(image, "PNG"), f"{name or 'picture'}.png").id


def found(studio: Studio, query: str, owner: str = OWNER, **filters: Any) -> list[str]:
    """Once all of the owner's pictures have been looked at."""
    studio.gallery(owner, query=query, meaning=True)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := studio.meanings.progress(owner))[0] < seen[1]:
        assert time.monotonic() < deadline, seen
        time.sleep(0.005)
    return [asset.id for asset in studio.gallery(owner, query=query, meaning=True, **filters).assets]


def test_what_looks_like_the_words_comes_first(studio: Studio):
    ids = {colour: brought(studio, colour) for colour in COLOURS}
    assert found(studio, "red")[0] == ids["red"]
    assert found(studio, "blue")[:2] == [ids["blue"], ids["teal"]]
    assert found(studio, "green blue")[0] == ids["teal"]
    assert studio.gallery(OWNER, query="green blue").assets == ()
    assert studio.count(OWNER, query="red", meaning=True) == len(COLOURS)


def test_what_the_words_find_comes_before_it(studio: Studio):
    red, named = brought(studio, "red"), brought(studio, "green", "red kite")
    assert found(studio, "red")[:2] == [named, red]


def test_filters_and_pages_hold(studio: Studio):
    ids = [brought(studio, "red", f"{number}") for number in range(5)]
    blue = brought(studio, "blue")
    studio.star(OWNER, blue, True)
    assert found(studio, "red", starred=True) == [blue]
    first = studio.gallery(OWNER, query="red", meaning=True, limit=4)
    second = studio.gallery(OWNER, query="red", meaning=True, limit=4, after=first.next)
    pages = [asset.id for page in (first, second) for asset in page.assets]
    assert (len(pages), set(pages), second.next) == (6, {*ids, blue}, "")
    assert studio.gallery(OWNER, query="red", meaning=True, limit=4, after="9" * 5_000) == first
    studio.delete(OWNER, [ids[0]])
    assert ids[0] not in found(studio, "red") and len(found(studio, "red")) == 5


def test_another_owners_pictures_are_not_found(studio: Studio):
    mine, theirs = brought(studio, "red"), brought(studio, "red", "theirs", owner="grace")
    assert found(studio, "red") == [mine]
    assert found(studio, "red", owner="grace") == [theirs]


def test_only_the_vectors_used_last_stay_in_memory(studio: Studio, sees: Sees, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meaning, "KEPT_VECTORS", 2 * 1024)  # room of two small galleries
    owners = ("ada", "grace", "mary")
    red = {owner: [brought(studio, "red", owner=owner)] for owner in owners}
    for owner in (*owners, "ada", "nobody"):
        assert found(studio, "red", owner=owner) == red.get(owner, [])
    assert [owner for owner, _ in studio.meanings._matrices] == ["ada", "nobody"]
    assert sees.looks == len(owners)
    monkeypatch.setattr(meaning, "KEPT_VECTORS", 0)
    assert found(studio, "red", owner="mary") == red["mary"], "what is searched stays, however large"


def test_each_picture_is_looked_at_once_over_starts_too(open_studio: OpenStudio, studio: Studio, sees: Sees):
    for colour in COLOURS:
        brought(studio, colour)
    found(studio, "red")
    assert sees.looks == len(COLOURS)
    studio.close()
    again = open_studio(FakeModel(), eyes(sees))
    assert len(found(again, "red")) == len(COLOURS)
    assert sees.looks == len(COLOURS)
    brought(again, "red", "later")
    assert len(found(again, "red")) == len(COLOURS) + 1
    assert sees.looks == len(COLOURS) + 1
    again.close()
    other = open_studio(FakeModel(), eyes(sees, revision="r2"))
    found(other, "red")
    assert sees.looks == 2 * len(COLOURS) + 2, "vectors of other weights are not compared"


def test_without_a_model_that_is_here_it_is_the_search_by_words(open_studio: OpenStudio, sees: Sees):
    away = Readiness(True, "0.6 GB download", download_gb=0.6)
    studio = open_studio(FakeModel(), eyes(sees, readiness=lambda: away))
    named = brought(studio, "green", "red kite")
    brought(studio, "red")
    assert [asset.id for asset in studio.gallery(OWNER, query="red", meaning=True).assets] == [named]
    assert (studio.meanings.model(), sees.looks) == (None, 0)


def test_a_model_that_cannot_be_opened_is_said(open_studio: OpenStudio):
    def broken(_tell: Tell) -> Any:
        raise NotReady("Its weights are damaged.")

    studio = open_studio(FakeModel(), replace(eyes(Sees()), load=broken))
    brought(studio, "red")
    with pytest.raises(NotReady, match="damaged"):
        studio.gallery(OWNER, query="red", meaning=True)


def test_an_index_of_before_gets_its_table(open_studio: OpenStudio, sees: Sees, tmp_path: Any):
    studio = open_studio(FakeModel(), eyes(sees))
    brought(studio, "red")
    studio.close()
    with sqlite3.connect(tmp_path / "outputs" / "diorama.sqlite") as index:
        index.executescript(
            "DROP TRIGGER collected_delete; DROP TABLE collected;"
            "DROP TRIGGER embeddings_delete; DROP TABLE embeddings; PRAGMA user_version = 4;"
        )
    index.close()
    assert len(found(open_studio(FakeModel(), eyes(sees)), "red")) == 1


def test_two_who_search_the_same_words_at_once_both_get_their_answer(
    open_studio: OpenStudio, sees: Sees, monkeypatch: pytest.MonkeyPatch
):
    queued: list[Callable[[], object]] = []
    studio = open_studio(FakeModel(), eyes(sees))
    monkeypatch.setattr(meaning, "WAIT_SECONDS", PATIENCE_SECONDS)
    red = brought(studio, "red")
    held, go = threading.Event(), threading.Event()
    studio.meanings._later(meaning.LANE, "hold the lane", lambda: (held.set(), go.wait(PATIENCE_SECONDS)))
    assert held.wait(PATIENCE_SECONDS)
    later = studio.meanings._later
    monkeypatch.setattr(studio.meanings, "_later", lambda *chore: (later(*chore), queued.append(chore[-1])))
    with ThreadPoolExecutor() as pool:
        pages = [pool.submit(studio.gallery, OWNER, query="red", meaning=True) for _ in range(2)]
        wait_until(lambda: len(queued) == 4)  # of each: to read the words, and to look at pictures
        go.set()
        for page in pages:
            page.result(PATIENCE_SECONDS / 2)
    assert found(studio, "red") == [red]
