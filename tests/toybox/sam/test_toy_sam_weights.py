"""The toy SAM that ships: it opens strictly, is small, is the one the README lists, and knows a toy from the floor."""

import hashlib

import numpy as np

from benchmarks.toy_sam import score_cases, toy_cases
from toybox.sam.model import FOLDER, WEIGHTS_NAME, load_model, predictor_for

README = FOLDER.parent / "README.md"


def test_the_weights_are_small_and_the_ones_in_the_readme() -> None:
    content = (FOLDER / WEIGHTS_NAME).read_bytes()
    assert len(content) < 10_000_000
    assert hashlib.sha256(content).hexdigest() in README.read_text()


def test_one_click_selects_a_toy_of_an_unseen_scene_or_what_is_behind_it() -> None:
    predictor = predictor_for(load_model(FOLDER))
    objects, backgrounds = toy_cases(10)
    assert np.mean([score.clicks[0] for score in score_cases(predictor, objects)]) > 0.85
    assert np.mean([score.clicks[0] for score in score_cases(predictor, backgrounds)]) > 0.9
