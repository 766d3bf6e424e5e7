"""Work on masks: every operation against its definition, written out slowly."""

import math

import numpy as np
import pytest

from studio import masks


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] + 0.5
    return (((columns - x) ** 2 + (rows - y) ** 2) <= radius**2).astype(np.uint8) * 255


def random_mask(seed: int, height: int = 24, width: int = 31) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width)) < 0.45).astype(np.uint8) * 255


def flood(selected: np.ndarray) -> np.ndarray:
    """Parts by walking, one pixel at a time."""
    parts, count = np.zeros(selected.shape, int), 0
    for start in zip(*np.nonzero(selected), strict=True):
        if parts[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            row, column = todo.pop()
            inside = 0 <= row < selected.shape[0] and 0 <= column < selected.shape[1]
            if inside and selected[row, column] and not parts[row, column]:
                parts[row, column] = count
                todo += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return parts


@pytest.mark.parametrize("seed", range(12))
def test_parts_are_those_found_by_walking(seed: int):
    selected = random_mask(seed) > 0
    assert np.array_equal(masks.parts_of(selected), flood(selected))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("value", [0, 255])
def test_the_smallest_masks_have_parts_too(shape: tuple[int, int], value: int):
    mask = np.full(shape, value, np.uint8)
    assert masks.parts_of(mask > 0).max() == (value > 0)
    for result in (masks.without_holes(mask), masks.largest_part(mask), masks.grown(mask, 3), masks.grown(mask, -3)):
        assert result.shape == shape


def test_a_spiral_is_one_part():
    spiral = np.zeros((41, 41), bool)
    for ring in range(0, 20, 4):
        spiral[ring, ring : 41 - ring] = spiral[ring : 41 - ring, 40 - ring] = True
        spiral[40 - ring, ring : 41 - ring] = spiral[ring + 2 : 41 - ring, ring] = True
        spiral[ring + 2, max(0, ring - 2) : ring + 1] = True
    assert np.array_equal(masks.parts_of(spiral), flood(spiral))


@pytest.mark.parametrize("by", [1, 2.5, 7, 40])
def test_growing_reaches_every_pixel_that_is_near_enough_and_no_other(by: float):
    mask = random_mask(1, 20, 20) * (np.random.default_rng(2).random((20, 20)) < 0.05).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    near = np.zeros(mask.shape, bool)
    for row, column in np.ndindex(mask.shape):
        near[row, column] = min(math.dist((row, column), each) for each in zip(rows, columns, strict=True)) <= by
    assert np.array_equal(masks.grown(mask, by) > 0, near)


def test_shrinking_is_growing_of_what_is_not_selected():
    mask = disc(64, 32, 32, 20)
    assert np.array_equal(masks.grown(mask, -4), 255 - masks.grown(255 - mask, 4))
    assert masks.grown(mask, -4).sum() < mask.sum() < masks.grown(mask, 4).sum()
    assert masks.grown(mask, -30).max() == 0


def test_holes_are_filled_and_bays_stay_open():
    ring = disc(64, 32, 32, 24) - disc(64, 32, 32, 12)
    assert np.array_equal(masks.without_holes(ring), disc(64, 32, 32, 24))
    bay = ring.copy()
    bay[30:34, 32:] = 0
    assert np.array_equal(masks.without_holes(bay), bay)


def test_the_largest_part_stays():
    large, small = disc(64, 20, 20, 12), disc(64, 50, 50, 6)
    assert np.array_equal(masks.largest_part(large | small), large)
    assert np.array_equal(masks.largest_part(large), large)


def test_a_stroke_is_as_wide_as_its_brush_and_an_eraser_takes_it_away():
    empty = np.zeros((64, 64), np.uint8)
    drawn = masks.draw_stroke(empty, [(10, 32), (54, 32)], 5, add=True)
    assert abs(int((drawn[:, 32] > 0).sum()) - 10) <= 1
    assert drawn[32, 6] and not drawn[32, 3]  # a round end
    assert masks.draw_stroke(empty, [(20.5, 20.5)], 4, add=True).sum() / 255 == pytest.approx(math.pi * 16, rel=0.2)
    assert masks.draw_stroke(drawn, [(0, 32), (63, 32)], 8, add=False).max() == 0
    assert empty.max() == 0


def test_a_soft_edge_keeps_the_area_and_fades_over_the_width():
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    soft = masks.softened(mask, 8)
    assert soft[32, 20] > 250 and soft[32, 44] < 5
    assert 100 < soft[32, 31] < 200
    assert (soft >= masks.HALF).sum() == pytest.approx((mask > 0).sum(), rel=0.05)


def test_a_box_goes_around_what_is_selected():
    mask = np.zeros((20, 30), np.uint8)
    assert masks.box_of(mask) is None
    mask[3:7, 10:21] = 255
    assert masks.box_of(mask) == (10, 3, 21, 7)
