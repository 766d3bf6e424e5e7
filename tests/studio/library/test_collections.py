"""Collections: what is put into one is found in it by its owner, also after the index was lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import BadRequest, NotFound
from studio.library.collections.names import LONGEST_NAME, MOST_OF_ONE
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER
from tests.studio.pictures_in import saved
from tests.studio.words.test_local import noise

FOREIGN = "grace"


@pytest.fixture
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio()


def pictures(studio: Studio, owner: str, count: int) -> list[str]:
    return [studio.take_in(owner, saved(noise(), "PNG"), f"{number}.png").id for number in range(count)]


def within(studio: Studio, owner: str, name: str) -> set[str]:
    found = {asset.id for asset in studio.gallery(owner, collection=name).assets}
    assert studio.count(owner, collection=name) == len(found)
    return found


def test_what_is_put_into_a_collection_is_found_in_it_by_its_owner_alone(studio: Studio):
    one, two, three = pictures(studio, OWNER, 3)
    (theirs,) = pictures(studio, FOREIGN, 1)
    before = studio.pulse(OWNER)
    assert studio.collect(OWNER, [one, two], "  Red\n things ") == "Red things"
    studio.collect(OWNER, [two, three], "Blue things")
    studio.collect(FOREIGN, [theirs], "Red things")
    assert studio.pulse(OWNER) > before
    assert within(studio, OWNER, "Red things") == {one, two}
    assert within(studio, FOREIGN, "Red things") == {theirs}
    assert within(studio, OWNER, "red") == set()
    assert studio.collections(OWNER) == (("Blue things", 2), ("Red things", 2))
    assert studio.collections(FOREIGN) == (("Red things", 1),)
    with pytest.raises(NotFound):
        studio.collect(OWNER, [one, theirs], "Mine")
    studio.collect(OWNER, [one], "Red things", is_in=False)
    studio.delete(OWNER, [two])
    assert (within(studio, OWNER, "Red things"), studio.collections(OWNER)) == (set(), (("Blue things", 1),))
    studio.restore(OWNER, [two])
    assert within(studio, OWNER, "Red things") == {two}


def test_collections_survive_a_rebuild_a_restart_and_a_lost_index(open_studio: OpenStudio, tmp_path: Path):
    outputs = tmp_path / "outputs"
    studio = open_studio(outputs=outputs)
    one, two = pictures(studio, OWNER, 2)
    studio.collect(OWNER, [one, two], "Both")
    studio.collect(OWNER, [two], "Both", is_in=False)
    studio.rebuild()
    assert within(studio, OWNER, "Both") == {one}
    studio.close()
    (outputs / "diorama.sqlite").unlink()
    with (outputs / "notes.jsonl").open("a") as journal:  # it reached only the journal; and what a stranger wrote
        journal.write(json.dumps({"asset": two, "collections": ["Late"]}) + "\n")
        journal.writelines(
            json.dumps({"asset": one, "collections": bad}) + "\n" for bad in ("x", [1], ["\ud800"], None)
        )
    again = open_studio(outputs=outputs)
    assert (within(again, OWNER, "Both"), within(again, OWNER, "Late")) == ({one}, {two})


def test_a_name_that_is_none_and_too_many_of_them_are_refused(studio: Studio):
    (one,) = pictures(studio, OWNER, 1)
    for name in ("", "  \u200d ", "x" * (LONGEST_NAME + 1), 5, None):
        with pytest.raises(BadRequest):
            studio.collect(OWNER, [one], name)  # type: ignore[arg-type]
    for number in range(MOST_OF_ONE):
        studio.collect(OWNER, [one], f"number {number}")
    with pytest.raises(BadRequest, match="can be in 100 collections"):
        studio.collect(OWNER, [one], "one more")
    studio.collect(OWNER, [one], "number 7")
    assert len(studio.collections(OWNER)) == MOST_OF_ONE
