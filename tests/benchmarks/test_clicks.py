"""The benchmarks of clicks drive the real page in a real Chromium, once."""

from __future__ import annotations

import pytest

from benchmarks import click_to_mask, click_to_picture
from tests import browser
from tests.benchmarks.test_tables import table_of

pytestmark = pytest.mark.browser


def test_the_click_is_measured_beside_the_pipeline(capsys: pytest.CaptureFixture[str]):
    if browser.find() is None:
        pytest.skip("no Chromium here: python -m tests.browser --install")
    click_to_picture.main(["--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert {"the pipeline alone, p50", "click to finished picture, p50", "click - pipeline"} <= set(rows)


def test_the_click_on_a_picture_is_measured(capsys: pytest.CaptureFixture[str]):
    if browser.find() is None:
        pytest.skip("no Chromium here: python -m tests.browser --install")
    click_to_mask.main(["--rounds", "1"])
    assert "a click to its mask, p50" in table_of(capsys.readouterr().out)
