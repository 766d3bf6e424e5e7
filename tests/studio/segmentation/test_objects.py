"""What an object is called: after the words of its picture, and after its colour where the words name several."""

from __future__ import annotations

import numpy as np
import pytest

from studio.segmentation import colour_names
from studio.segmentation.objects import suggested_name


def seen(*rgb: int) -> np.ndarray:
    """A selection that is of one colour all over."""
    found = colour_names.mean_inside(np.full((2, 2, 3), rgb, np.uint8), np.full((2, 2), 255, np.uint8))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("prompt", "rgb", "name"),
    [
        ("a red ball and a blue cube on a green floor", (140, 30, 28), "red ball"),
        ("a red ball and a blue cube on a green floor", (30, 45, 110), "blue cube"),
        ("a red ball and a blue cube on a green floor", (120, 165, 110), "object"),
        ("a red ball and a blue cube on a green floor", (130, 90, 60), "object"),
        ("a brown dog next to an orange cat", (120, 85, 55), "brown dog"),
        ("a brown dog next to an orange cat", (220, 135, 60), "orange cat"),
        ("a black cat, a white cat and a gray cat", (40, 38, 36), "black cat"),
        ("a black cat, a white cat and a gray cat", (225, 222, 215), "white cat"),
        ("a black cat, a white cat and a gray cat", (125, 126, 130), "gray cat"),
        ("a Pink rose and a purple one", (235, 150, 185), "Pink rose"),
        ("a Turquoise vase and a yellow lemon", (70, 180, 185), "Turquoise vase"),
        ("a red ball and a cube", (40, 80, 200), "object"),
        ("a red ball and a cube", (200, 40, 40), "red ball"),
        ("a red ball", (40, 80, 200), "red ball"),
        ("a ball and a cube", (40, 80, 200), "ball"),
        ("", (40, 80, 200), "object"),
    ],
)
def test_of_several_things_the_one_with_the_colour_is_meant(prompt: str, rgb: tuple[int, int, int], name: str):
    assert suggested_name(prompt, [], colour=seen(*rgb)) == name
    assert suggested_name(prompt, [], colour=None) != "object" or not prompt


def test_a_taken_name_gets_a_number_and_not_the_name_of_another_thing():
    prompt, red = "a red ball and a blue cube", seen(200, 40, 40)
    assert suggested_name(prompt, ["Red ball"], colour=red) == "red ball 2"
    assert suggested_name(prompt, ["red ball", "red ball 2"], colour=red) == "red ball 3"
    assert suggested_name(prompt, ["object"], colour=seen(130, 130, 130)) == "object 2"
    assert suggested_name("a red ball and a red cube", ["red ball"], colour=red) == "red cube"
    assert suggested_name("a ball and a cube", ["ball"], colour=red) == "cube"


def test_what_was_asked_since_counts_as_before():
    prompt = "a red ball"
    assert suggested_name(prompt, [], ["make it blue"], seen(40, 80, 200)) == "ball"
    assert suggested_name(prompt, [], ["add a green cube next to it"], seen(50, 150, 60)) == "green cube"


def test_nothing_selected_has_no_colour():
    assert colour_names.mean_inside(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)) is None


def test_only_what_is_selected_counts_and_by_how_much():
    pixels = np.array([[[255, 0, 0], [0, 0, 255], [0, 255, 0]]], np.uint8)
    found = colour_names.mean_inside(pixels, np.array([[200, 0, 50]], np.uint8))
    assert found == pytest.approx([0.8, 0.2, 0.0])


@pytest.mark.parametrize("rgb", [(0, 0, 0), (1, 0, 0), (255, 255, 255), (0, 0, 1)])
def test_the_darkest_and_the_lightest_have_no_strong_colour(rgb: tuple[int, int, int]):
    assert colour_names.fitting(seen(*rgb), ["red", "green", "blue", "yellow"]) == []
