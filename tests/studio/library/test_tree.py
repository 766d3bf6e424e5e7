"""The tree of versions: what hangs where, what is deleted with what, and that a restart changes none of it."""

from __future__ import annotations

import pytest

from studio.errors import BadRequest, NotFound
from studio.library.annotations import Note
from studio.library.assets import insert
from studio.library.store import Store
from studio.library.tree import MAX_NODES, Tree
from studio.recipe import FoundRecipe, Recipe, to_text
from studio.service import Studio
from tests.studio.changing import picture
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER


def name_of(number: int) -> str:
    return f"{number:032x}"


class Forest:
    """Versions written down by hand, as any recipe may be: number -> its parents."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._store: Store = studio._store  # pyright: ignore[reportPrivateUsage]

    def grow(self, number: int, *parents: int, kind: str = "image", owner: str = OWNER) -> str:
        return self._store.save(picture((4, 4)), self.recipe(number, *parents, kind=kind, owner=owner)).id

    def grow_in_the_index(self, parents: dict[int, int]) -> None:
        """Many at once, without files."""
        with self.studio._database.transaction() as connection:  # pyright: ignore[reportPrivateUsage]
            for number, parent in parents.items():
                recipe = self.recipe(number, parent)
                insert(connection, f"{number}.png", FoundRecipe(recipe, to_text(recipe), 4, 4), Note(), deleted=False)

    def recipe(self, number: int, *parents: int, kind: str = "image", owner: str = OWNER) -> Recipe:
        return Recipe(
            id=name_of(number),
            kind=kind,  # pyright: ignore[reportArgumentType]
            owner=owner,
            job_id="",
            index=0,
            task="iterate" if parents else "generate",
            model="fake",
            revision="r1",
            prompt=f"version {number}",
            prompt_sent="",
            style="",
            negative_prompt="",
            width=4,
            height=4,
            steps=None,
            guidance=None,
            seed=1,
            parents=tuple(name_of(each) for each in parents),
            created=1000.0 + number,
            seconds=0.1,
            title=f"version {number}",
        )

    def tree(self, number: int) -> Tree:
        return self.studio.tree(OWNER, name_of(number))


@pytest.fixture
def forest(studio: Studio) -> Forest:
    return Forest(studio)


def drawn(tree: Tree) -> list[tuple[int, int | None, int]]:
    """Each node as number, number of its parent, depth."""
    return [(int(node.asset.id, 16), int(node.parent, 16) if node.parent else None, node.depth) for node in tree.nodes]


def grow_some(forest: Forest) -> list[tuple[int, int | None, int]]:
    """1 -> (2 -> (4, 5), 3 -> 6); returns it in order."""
    for number, parent in ((1, None), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)):
        forest.grow(number, *([parent] if parent else []))
    return [(1, None, 0), (2, 1, 1), (4, 2, 2), (5, 2, 2), (3, 1, 1), (6, 3, 2)]


def test_every_version_shows_the_whole_tree_from_its_root_down(forest: Forest):
    wanted = grow_some(forest)
    for number in range(1, 7):
        tree = forest.tree(number)
        assert drawn(tree) == wanted
        assert tree.root == name_of(1) and tree.is_whole
    forest.grow(9)
    assert drawn(forest.tree(9)) == [(9, None, 0)]


def test_a_reference_or_an_object_beside_the_picture_makes_no_branch(forest: Forest):
    forest.grow(1)
    forest.grow(2)
    forest.grow(3, 1, kind="object")
    forest.grow(4, 1, 3, 2)
    assert drawn(forest.tree(1)) == [(1, None, 0), (4, 1, 1)]
    assert drawn(forest.tree(2)) == [(2, None, 0)]
    assert drawn(forest.tree(3)) == drawn(forest.tree(1))  # an object shows the tree of its picture


def test_what_was_made_from_an_object_hangs_under_its_picture(forest: Forest):
    forest.grow(1)
    forest.grow(2, 1, kind="object")
    forest.grow(3, 2)
    forest.grow(4, 3)
    assert drawn(forest.tree(4)) == [(1, None, 0), (3, 1, 1), (4, 3, 2)]


def test_an_object_whose_picture_is_gone_is_a_root_of_its_own(forest: Forest):
    forest.grow(2, 1, kind="object")
    forest.grow(3, 2)
    assert drawn(forest.tree(2)) == [(2, None, 0), (3, 2, 1)]
    assert drawn(forest.tree(3)) == [(3, None, 0)]


def test_circles_and_parents_that_are_not_there_do_no_harm(forest: Forest):
    forest.grow(1, 2)
    forest.grow(2, 1)
    forest.grow(3, 3)
    forest.grow(4, 99)
    assert {number for number, _, _ in drawn(forest.tree(1))} == {1, 2}
    assert drawn(forest.tree(3)) == [(3, None, 0)]
    assert drawn(forest.tree(4)) == [(4, None, 0)]


def test_a_tree_too_large_to_show_is_cut_at_its_deepest(forest: Forest):
    forest.grow(1)
    forest.grow_in_the_index({number: 1 if number % 2 else number - 1 for number in range(2, 1500)})
    assert len(forest.tree(1).nodes) == 1499 and forest.tree(1).is_whole
    forest.grow_in_the_index({number: number - 1 for number in range(1500, MAX_NODES + 800)})
    tree = forest.tree(MAX_NODES + 700)
    assert len(tree.nodes) == MAX_NODES and not tree.is_whole
    assert tree.root == name_of(1) and name_of(1499) in {node.asset.id for node in tree.nodes}


def test_nobody_sees_what_somebody_else_made_from_the_same_picture(forest: Forest):
    forest.grow(1, owner="somebody")
    forest.grow(2, 1)
    forest.grow(3, 2, owner="somebody")
    assert drawn(forest.tree(2)) == [(2, None, 0)]
    with pytest.raises(NotFound):
        forest.tree(1)
    for wrong in ("", "nope", "' OR 1=1", name_of(77)):
        with pytest.raises(NotFound):
            forest.studio.tree(OWNER, wrong)


def test_a_branch_is_deleted_with_all_that_grew_on_it_and_comes_back(forest: Forest):
    wanted = grow_some(forest)
    gone = forest.studio.delete_tree(OWNER, name_of(2))
    assert gone == (name_of(2), name_of(4), name_of(5))
    assert drawn(forest.tree(1)) == [(1, None, 0), (3, 1, 1), (6, 3, 2)]
    assert forest.studio.count(OWNER) == 3
    forest.studio.restore(OWNER, gone)
    assert drawn(forest.tree(1)) == wanted


def test_undo_brings_back_only_what_went_with_the_branch(forest: Forest):
    grow_some(forest)
    forest.studio.delete(OWNER, [name_of(5)])
    gone = forest.studio.delete_tree(OWNER, name_of(2))
    assert gone == (name_of(2), name_of(4))
    forest.studio.restore(OWNER, gone)
    assert forest.studio.asset(OWNER, name_of(5)).deleted


def test_a_deleted_version_stays_in_the_tree_while_something_grows_on_it(forest: Forest):
    wanted = grow_some(forest)
    forest.studio.delete(OWNER, [name_of(2)])
    tree = forest.tree(4)
    assert drawn(tree) == wanted
    assert [node.asset.deleted for node in tree.nodes][:2] == [False, True]
    forest.studio.delete(OWNER, [name_of(4), name_of(5)])
    assert drawn(forest.tree(1)) == [(1, None, 0), (3, 1, 1), (6, 3, 2)]
    forest.studio.delete(OWNER, [name_of(1)])
    assert forest.tree(6).root == name_of(1)


def test_the_tree_is_the_same_after_a_rebuild_and_a_restart(open_studio: OpenStudio):
    first = open_studio()
    forest = Forest(first)
    wanted = grow_some(forest)
    first.rename(OWNER, name_of(4), "  the   blue one ")
    first.star(OWNER, name_of(3), True)
    first.delete(OWNER, [name_of(5)])
    first.rebuild()
    wanted.remove((5, 2, 2))
    assert drawn(forest.tree(1)) == wanted
    first.close()
    second = open_studio()
    tree = second.tree(OWNER, name_of(6))
    assert drawn(tree) == wanted
    assert [node.asset.title for node in tree.nodes if node.asset.id == name_of(4)] == ["the blue one"]
    assert second.rename(OWNER, name_of(4), "").title == "version 4"


def test_a_title_must_be_short_text(forest: Forest):
    forest.grow(1)
    with pytest.raises(BadRequest, match="201 characters"):
        forest.studio.rename(OWNER, name_of(1), "x" * 201)
    with pytest.raises(BadRequest, match="must be text"):
        forest.studio.rename(OWNER, name_of(1), 5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NotFound):
        forest.studio.rename("somebody", name_of(1), "mine")
    assert forest.studio.rename(OWNER, name_of(1), "a\nb\0\ud800").title == "a b"
