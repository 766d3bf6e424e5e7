"""A clock that is set back, or far ahead and back again: what is kept later is newer, and days stay right."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PIL import Image

from studio.contract import Progress
from studio.library.database import Database
from studio.library.store import Store
from studio.recipe import NOW
from tests.studio.clouds.test_spending import Biller, cloud
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import ENDLESS, OWNER, FakeModel, ask, finished
from tests.studio.recipe.test_recipe import RECIPE

DAY = 86_400.0


def test_what_is_kept_after_the_clock_was_set_back_is_newer_all_the_same(tmp_path: Path):
    database = Database(tmp_path / "diorama.sqlite")
    clock = [1_800_000_000.0]
    store = Store(tmp_path, database, now=lambda: clock[0])
    made: list[float] = []

    def keep(at: float, number: int) -> float:
        clock[0] = at
        recipe = replace(RECIPE, id=f"{number:032x}", job_id="", created=NOW)
        made.append(store.save(Image.new("RGB", (8, 8)), recipe).created)
        return made[-1]

    start = clock[0]
    assert keep(start, 1) == start
    assert keep(start - 3600, 2) == start + 0.001  # an hour back: daylight saving done by hand
    assert keep(start - 3599, 3) == start + 0.002
    assert keep(start + 5, 4) == start + 5
    assert made == sorted(made)
    assert keep(start + 400 * DAY, 5) == start + 400 * DAY
    assert keep(start + 10, 6) == start + 10  # no year of pictures from the future for one wrong minute
    before = [store.asset(RECIPE.owner, f"{number:032x}") for number in range(1, 7)]
    store.rebuild()  # the files say the same
    assert [store.asset(RECIPE.owner, f"{number:032x}") for number in range(1, 7)] == before
    database.close()


def test_jobs_and_pictures_stay_in_order_when_the_clock_is_set_back_over_a_restart(open_studio: OpenStudio):
    clock = [1_800_000_000.0]
    studio = open_studio(now=lambda: clock[0])
    before = finished(studio, ask(studio, "before"))
    studio.close()
    clock[0] -= 3600
    studio = open_studio(now=lambda: clock[0])
    after = [finished(studio, ask(studio, words)) for words in ("after", "after that")]
    jobs = [before, *after]
    assert [job.created for job in jobs] == sorted({job.created for job in jobs})
    assert after[-1].created < clock[0] + 3601
    assert [job.id for job in studio.jobs(OWNER)] == [job.id for job in reversed(jobs)]
    made = [asset.job_id for asset in studio.gallery(OWNER).assets]
    assert made == [job.id for job in reversed(jobs)]
    for job in jobs:
        assert studio.asset(OWNER, job.assets[0]).created > job.created


def test_a_job_that_goes_on_after_the_clock_was_set_back_is_heard(open_studio: OpenStudio, tmp_path: Path):
    """The numbers of its changes go on above those that were written down."""
    model = FakeModel(steps=ENDLESS)
    studio = open_studio(model)
    job = ask(studio)
    model.wait_until_entered()
    studio.close()
    with closing(sqlite3.connect(tmp_path / "outputs" / "diorama.sqlite")) as index, index:
        index.execute("UPDATE jobs SET version = version + 3600000")
    model = FakeModel()
    model.gated = True
    studio = open_studio(model)
    events = studio.events(OWNER, job.id)
    next(events)
    model.open_gate()
    assert any(isinstance(event, Progress) and event.step == 1 for event in events)
    model.let_go()


def test_a_day_of_spending_over_a_clock_that_is_set(open_studio: OpenStudio):
    """What is dated a little ahead was made today all the same; what a wrong year says counts on no day before."""
    noon = datetime(2026, 6, 1, 12).timestamp()
    clock = [noon]
    studio = open_studio(FakeModel(), cloud(Biller(1.0)), now=lambda: clock[0])

    def spend(at: float) -> float:
        clock[0] = at
        finished(studio, ask(studio, model="cloud"))
        return studio.spending.today(OWNER).made

    assert spend(noon) == 1
    assert spend(noon + DAY / 2 + 600) == 1  # a few moments past midnight
    assert spend(noon + DAY / 2 - 3000) == 3  # and back before it: yesterday, with what was made since
    assert spend(noon + 400 * DAY) == 1
    clock[0] = noon + 2 * DAY
    assert studio.spending.today(OWNER).made == 0
