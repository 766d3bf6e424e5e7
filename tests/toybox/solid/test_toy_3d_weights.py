"""The toy views and the toy LGM that ship: small, the ones the README lists, and 3D of unseen objects comes of them."""

import hashlib

import numpy as np
import pytest

from benchmarks import toy_3d
from pipelines.families import imagedream as viewing, lgm_splat as splatting
from toybox.solid import toy_lgm, toy_views

README = toy_views.FOLDER.parent / "README.md"


def test_both_are_small_and_the_ones_in_the_readme() -> None:
    files = [path for folder in (toy_views.FOLDER, toy_lgm.FOLDER) for path in folder.rglob("*.safetensors")]
    contents = [path.read_bytes() for path in files]
    assert sum(len(content) for content in contents) < 20_000_000
    assert [content for content in contents if hashlib.sha256(content).hexdigest() not in README.read_text()] == []


@pytest.fixture(scope="module")
def results() -> list[toy_3d.Result]:
    """Two unseen objects, photographed and turned: a cube and a ball."""
    first, second = viewing.open_imagedream(toy_views.FOLDER), splatting.open_folder(toy_lgm.FOLDER)
    return [toy_3d.judged(first, second, case, toy_3d.STEPS) for case in toy_3d.sample_cases(2)]


def test_a_splat_of_true_views_looks_like_its_object_from_everywhere(results: list[toy_3d.Result]) -> None:
    unseen = [score for result in results for score in result.taught[toy_3d.VIEWS :]]
    assert np.mean([score.iou for score in unseen]) > 0.9


def test_a_splat_of_a_photo_looks_like_its_object_from_everywhere(results: list[toy_3d.Result]) -> None:
    assert np.mean([result.scores[0].iou for result in results]) > 0.85
    assert np.mean([score.iou for result in results for score in result.scores[toy_3d.VIEWS :]]) > 0.75
