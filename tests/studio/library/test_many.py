"""Many people at once: nothing lost, nothing doubled, nobody sees another's."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from studio.errors import NotFound
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of
from tests.studio.pictures_in import corners, saved

PEOPLE = 6
JOBS = 12
SHARED = saved(corners(), "PNG")
"""A file that everybody brings, again and again: each has it once, as one's own."""


class Visitor(threading.Thread):
    """Somebody who asks, stops, stars, deletes and looks, at random; remembers what has to be there afterwards."""

    def __init__(self, studio: Studio, number: int) -> None:
        super().__init__()
        self.owner = f"canary{number}"
        self.kept: set[str] = set()
        self.starred: set[str] = set()
        self.trouble: list[str] = []
        self._studio = studio
        self._chance = random.Random(number)

    def run(self) -> None:
        for _ in range(JOBS):
            job = ask(
                self._studio,
                f"{self.owner} paints",
                owner=self.owner,
                count=self._chance.randint(1, 2),
                model=self._chance.choice(["fake", "cloudy"]),
            )
            if self._chance.random() < 0.3:
                self._studio.cancel(self.owner, job.id)
            over = finished(self._studio, job)
            if over.state == "done" and len(over.assets) != over.pictures:
                self.trouble.append(f"{over.pictures} pictures were asked for, {len(over.assets)} made")
            self.kept |= set(over.assets)
            upload = self._studio.take_in(self.owner, SHARED, f"{self.owner} photographs.png").id
            self.kept |= {upload}
            self._tidy((*over.assets, upload))
            self._look()

    def _tidy(self, assets: tuple[str, ...]) -> None:
        for id in assets:
            match self._chance.randrange(4):
                case 0:
                    self._studio.star(self.owner, id, True)
                    self.starred.add(id)
                case 1:
                    self._studio.delete(self.owner, [id])
                    self.kept.discard(id)
                case 2:
                    self._studio.delete(self.owner, [id])
                    self._studio.restore(self.owner, [id])

    def _look(self) -> None:
        page = self._studio.gallery(self.owner, query="canary", limit=200).assets
        self.trouble += [f"saw {asset.title}" for asset in page if not asset.title.startswith(self.owner)]
        self.trouble += [f"saw {job}" for job in self._studio.jobs(self.owner) if job.owner != self.owner]


def test_many_people_at_once_get_their_own_pictures_and_all_of_them(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio(spec_of(FakeModel(steps=1)), spec_of(FakeModel(steps=1), "cloudy", lane="cloud"))
    people = [Visitor(studio, number) for number in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join(PATIENCE_SECONDS)
    assert [person.is_alive() for person in people] == [False] * PEOPLE
    assert [person.trouble for person in people] == [[]] * PEOPLE
    for rebuilt in (False, True):
        if rebuilt:
            studio.rebuild()
        for person in people:
            page = studio.gallery(person.owner, limit=200).assets
            assert {asset.id for asset in page} == person.kept
            assert {asset.id for asset in page if asset.starred} == person.starred & person.kept
    names = [path.name for part in ("images", "trash") for path in (tmp_path / "outputs" / part).iterdir()]
    assert len(names) == len(set(names))


def test_an_id_of_another_answers_like_one_that_never_was(open_studio: OpenStudio):
    studio = open_studio()
    (theirs,) = finished(studio, ask(studio, owner="them")).assets
    for use in (studio.asset, studio.path, studio.thumbnail):
        with pytest.raises(NotFound) as foreign:
            use("me", theirs)
        with pytest.raises(NotFound) as made_up:
            use("me", "0" * 32)
        assert str(foreign.value).replace(theirs, "0" * 32) == str(made_up.value)


def test_rebuilding_while_pictures_are_made_loses_none(open_studio: OpenStudio):
    studio = open_studio(spec_of(FakeModel(steps=1), lane="cloud"))
    jobs = [ask(studio, count=8) for _ in range(8)]
    while any(not studio.job(job.owner, job.id).is_over for job in jobs):
        studio.rebuild()
    ids = {id for job in jobs for id in finished(studio, job).assets}
    assert len(ids) == 64
    assert {asset.id for asset in studio.gallery(OWNER, limit=200).assets} == ids
    assert all(studio.path(OWNER, id).is_file() for id in ids)
