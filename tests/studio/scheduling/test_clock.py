"""A clock that is set back, or far ahead and back again: what is kept later is newer, and days stay right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from studio.library.database import Database
from studio.library.store import Store
from tests.studio.test_recipe import RECIPE

DAY = 86_400.0


def test_what_is_kept_after_the_clock_was_set_back_is_newer_all_the_same(tmp_path: Path):
    database = Database(tmp_path / "diorama.sqlite")
    clock = [1_800_000_000.0]
    store = Store(tmp_path, database, now=lambda: clock[0])
    made: list[float] = []

    def keep(at: float, number: int) -> float:
        clock[0] = at
        recipe = replace(RECIPE, id=f"{number:032x}", job_id="", created=at)
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
