"""Clutter: a seed gives one picture, regions and things fit together, and held-out families stay held out."""

from collections.abc import Callable

import numpy as np
import pytest

from toybox.sam.clutter import MOST_REGIONS, Clutter, sample_clutter
from toybox.sam.fills import FILLS, HELD_OUT_FILLS, Fields
from toybox.sam.outlines import HELD_OUT_OUTLINES, OUTLINES, Contour, Outline, Placement, raster

SIZE = 128


@pytest.fixture(scope="module")
def fields() -> Fields:
    return Fields()


@pytest.fixture(scope="module")
def many(fields: Fields) -> list[Clutter]:
    return [sample_clutter(np.random.default_rng([3, index]), fields, SIZE) for index in range(40)]


def upright(radius: float, centre: tuple[float, float]) -> Placement:
    return Placement(np.eye(2) * radius, np.array(centre))


SQUARE = Contour(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]))


def test_the_same_seed_gives_the_same_bytes(fields: Fields) -> None:
    first, second = (sample_clutter(np.random.default_rng(8), fields, SIZE) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.tobytes() == other.tobytes()


def test_fields_are_the_same_every_time() -> None:
    first, second = (Fields(seed=4).cut(np.random.default_rng(1), 30, 40) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_a_picture_has_the_promised_layout(many: list[Clutter]) -> None:
    for clutter in many:
        assert (clutter.image.shape, clutter.image.dtype) == ((SIZE, SIZE, 3), np.uint8)
        assert (clutter.regions.shape, clutter.regions.dtype) == ((SIZE, SIZE), np.uint8)
        assert len(clutter.things) == len(clutter.groups) == len(clutter.is_part) == MOST_REGIONS


def test_every_region_but_the_background_belongs_to_a_thing(many: list[Clutter]) -> None:
    for clutter in many:
        seen = np.unique(clutter.regions)
        assert (clutter.things[seen[seen > 0]] > 0).all()
        assert clutter.things[0] == clutter.groups[0] == 0


def test_a_part_shares_its_thing_with_another_region(many: list[Clutter]) -> None:
    parts = [(clutter, part) for clutter in many for part in np.flatnonzero(clutter.is_part)]
    assert len(parts) > 10
    for clutter, part in parts:
        assert (clutter.things == clutter.things[part]).sum() > 1


def test_groups_hold_several_things(many: list[Clutter]) -> None:
    members = [
        np.unique(clutter.things[clutter.groups == group])
        for clutter in many
        for group in range(1, clutter.groups.max() + 1)
    ]
    assert len(members) > 5
    assert max(len(things) for things in members) > 1


def test_most_pictures_show_something_and_something_behind_it(many: list[Clutter]) -> None:
    assert sum(clutter.regions.any() for clutter in many) > 35
    assert sum((clutter.regions == 0).mean() > 0.05 for clutter in many) > 30


def test_held_out_families_are_no_training_families() -> None:
    assert len(HELD_OUT_OUTLINES) >= 2
    assert len(HELD_OUT_FILLS) >= 2
    assert not set(HELD_OUT_OUTLINES) & set(OUTLINES)
    assert not set(HELD_OUT_FILLS) & set(FILLS)


@pytest.mark.parametrize("family", [*dict.fromkeys(OUTLINES), *HELD_OUT_OUTLINES], ids=lambda family: family.__name__)
def test_every_outline_covers_a_sensible_part_of_its_square(family: Callable[[np.random.Generator], Outline]) -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        _, cover, _ = raster(family(rng), upright(40, (64, 64)), SIZE)
        assert 0.01 < cover.sum() / 80**2 < 1.3


def test_a_square_covers_its_pixels_and_nothing_else() -> None:
    box, cover, border = raster((SQUARE,), upright(10, (30.0, 50.0)), SIZE)
    whole = np.zeros((SIZE, SIZE))
    whole[box.rows_and_columns] = cover
    assert whole[42:58, 22:38].min() == 1
    assert whole.sum() == pytest.approx(400, rel=0.1)
    assert not border.any()


def test_a_hole_is_taken_away() -> None:
    hole = SQUARE._replace(points=SQUARE.points * 0.5, is_hole=True)
    _, cover, _ = raster((SQUARE, hole), upright(20, (64.0, 64.0)), SIZE)
    middle = cover[cover.shape[0] // 2, cover.shape[1] // 2]
    assert middle == 0
    assert cover.sum() == pytest.approx(40**2 - 20**2, rel=0.1)


def test_what_lies_outside_the_picture_is_cut_off() -> None:
    box, cover, _ = raster((SQUARE,), upright(10, (0.0, 64.0)), SIZE)
    assert box.left == 0
    assert cover.sum() == pytest.approx(200, rel=0.1)
    assert raster((SQUARE,), upright(10, (-40.0, 64.0)), SIZE)[0].is_empty


def test_borders_lie_along_the_edge_alone() -> None:
    box, _, border = raster((SQUARE,), upright(20, (64.0, 64.0)), SIZE, border=3)
    assert border[64 - box.top, 64 - box.left] == 0
    assert border[64 - box.top, 44 - box.left] == 1


def test_noise_has_the_statistics_of_photographs(fields: Fields) -> None:
    """Its power falls with the frequency, which white noise does not."""
    piece = np.concatenate([fields.cut(np.random.default_rng(seed), 256, 256).ravel() for seed in range(8)])
    spectrum = np.abs(np.fft.rfft(piece)) ** 2
    low, high = spectrum[len(spectrum) // 64 : len(spectrum) // 16].mean(), spectrum[len(spectrum) // 2 :].mean()
    assert low > 4 * high
