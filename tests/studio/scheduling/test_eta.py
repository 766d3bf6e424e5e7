"""The time left, from reports at known times."""

from __future__ import annotations

import pytest

from studio.scheduling.eta import Eta


def told(*reports: tuple[int, float], steps: int = 4) -> Eta:
    eta = Eta()
    for step, now in reports:
        eta.told(step, steps, now)
    return eta


def test_one_report_tells_nothing():
    assert told((1, 10.0)).seconds_left(0, 10.0) is None


def test_unknown_lengths_tell_nothing():
    assert told((0, 1.0), (0, 2.0), steps=0).seconds_left(0, 2.0) is None


def test_the_steps_left_take_as_long_as_those_before():
    assert told((1, 10.0), (2, 12.0)).seconds_left(0, 12.0) == pytest.approx(4.0)


def test_it_counts_down_between_reports_and_never_below_zero():
    eta = told((1, 10.0), (2, 12.0))
    assert eta.seconds_left(0, 15.0) == pytest.approx(1.0)
    assert eta.seconds_left(0, 99.0) == 0.0


def test_pictures_to_come_count_too():
    assert told((1, 10.0), (2, 12.0)).seconds_left(2, 12.0) == pytest.approx(4.0 + 2 * 8.0)


def test_a_finished_picture_teaches_how_long_one_takes():
    eta = told((0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0))
    eta.begin(6.0)  # two seconds to decode and save
    eta.told(1, 4, 7.0)
    assert eta.seconds_left(1, 7.0) == pytest.approx(3.0 + 6.0)


def test_a_model_that_starts_over_is_measured_anew():
    eta = told((3, 3.0), (1, 10.0), (2, 11.0))
    assert eta.seconds_left(0, 11.0) == pytest.approx(2.0)
