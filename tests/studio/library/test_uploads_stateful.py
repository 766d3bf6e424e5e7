"""Whatever order people do things in: the gallery holds exactly what a few lines of plain Python say it holds."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, assume, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image

from studio.library import search
from studio.library.database import Database
from studio.library.store import Store
from studio.library.uploads import Uploads
from studio.library.zip_stream import Entry, zipped
from studio.recipe import png_text
from tests.studio.library.test_store import index
from tests.studio.pictures_in import saved
from tests.studio.recipe.test_recipe import RECIPE

OWNERS = st.sampled_from(["ada", "grace"])
FILES = (
    saved(Image.new("RGB", (8, 6), "red"), "JPEG"),
    saved(Image.new("RGBA", (8, 6), (1, 2, 3, 4)), "WEBP", lossless=True),
    saved(Image.new("RGB", (8, 6), "blue"), "PNG", pnginfo=png_text(RECIPE)),
)


class Kept(NamedTuple):
    owner: str
    id: str


class People(RuleBasedStateMachine):
    """Two people bring, star, delete, restore and take away pictures; now and then Diorama is restarted."""

    kept = Bundle("kept")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.expected: dict[tuple[str, int], Kept] = {}  # by owner and number of the file
        self.deleted: set[Kept] = set()
        self.starred: set[Kept] = set()
        self._start()

    def _start(self) -> None:
        self.database = Database(self.folder / "diorama.sqlite")
        self.store = Store(self.folder, self.database)
        self.store.reconcile()
        self.uploads = Uploads(self.store)

    def _is_there(self, kept: Kept) -> None:
        assume(kept in self.expected.values())  # nobody took the file away

    @rule(target=kept, owner=OWNERS, number=st.integers(0, len(FILES) - 1))
    def bring(self, owner: str, number: int) -> Kept:
        kept = Kept(owner, self.uploads.take_in(owner, FILES[number], "x.png").id)
        assert self.expected.setdefault((owner, number), kept) == kept
        self.deleted.discard(kept)
        return kept

    @rule(kept=kept)
    def bring_back_what_diorama_made_of_it(self, kept: Kept) -> None:
        self._is_there(kept)
        again = self.uploads.take_in(kept.owner, self.store.path(*kept).read_bytes(), "x.png")
        assert again.id == kept.id
        self.deleted.discard(kept)

    @rule(kept=kept)
    def delete(self, kept: Kept) -> None:
        self._is_there(kept)
        self.store.delete(kept.owner, [kept.id])
        self.deleted.add(kept)

    @rule(kept=kept)
    def restore(self, kept: Kept) -> None:
        self._is_there(kept)
        self.store.restore(kept.owner, [kept.id])
        self.deleted.discard(kept)

    @rule(kept=kept, starred=st.booleans())
    def star(self, kept: Kept, starred: bool) -> None:
        self._is_there(kept)
        self.store.star(kept.owner, kept.id, starred)
        (self.starred.add if starred else self.starred.discard)(kept)

    @rule(kept=kept)
    def remove_the_file(self, kept: Kept) -> None:
        self._is_there(kept)
        self.store.path(*kept).unlink(missing_ok=True)
        self.restart()
        self.deleted.discard(kept)
        self.starred.discard(kept)
        self.expected = {what: one for what, one in self.expected.items() if one != kept}

    @rule()
    def restart(self) -> None:
        self.database.close()
        self._start()

    @rule()
    def lose_the_index(self) -> None:
        self.database.close()
        for path in self.folder.glob("diorama.sqlite*"):
            path.unlink()
        self._start()

    @rule()
    def rebuild(self) -> None:
        before = index(self.folder)
        self.store.rebuild()
        assert index(self.folder) == before

    @invariant()
    def the_gallery_is_as_expected(self) -> None:
        for owner in ("ada", "grace"):
            mine = {kept.id for kept in self.expected.values() if kept.owner == owner and kept not in self.deleted}
            page = search.find(self.database, owner, kind="upload", limit=200).assets
            assert {asset.id for asset in page} == mine and len(page) == len(mine)
            assert search.count(self.database, owner) == len(mine)
            stars = {kept.id for kept in self.starred if kept.owner == owner and kept not in self.deleted}
            assert {asset.id for asset in search.find(self.database, owner, starred=True).assets} == stars
            paths = [Entry(asset.name, lambda asset=asset: self.store.path(asset.owner, asset.id)) for asset in page]
            assert sum(map(len, zipped(paths))) > 0

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder)


People.TestCase.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPeople = People.TestCase
