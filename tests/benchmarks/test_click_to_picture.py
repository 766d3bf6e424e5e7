"""The click benchmark drives the real page in a real Chromium, once."""

from __future__ import annotations

import pytest

from benchmarks import click_to_picture
from tests import browser
from tests.benchmarks.test_tables import table_of

pytestmark = pytest.mark.browser


def test_the_click_is_measured_beside_the_pipeline(capsys: pytest.CaptureFixture[str]):
    if browser.find() is None:
        pytest.skip("no Chromium here: python -m tests.browser --install")
    click_to_picture.main(["--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert {"the pipeline alone, p50", "click to finished picture, p50", "click - pipeline"} <= set(rows)
