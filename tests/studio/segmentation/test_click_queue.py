"""The thread that answers clicks."""

from __future__ import annotations

import pytest

from studio.segmentation.click_queue import Clicks


def test_what_breaks_while_a_click_is_prepared_is_in_the_log(caplog: pytest.LogCaptureFixture):
    clicks = Clicks()
    clicks.later(lambda: 1 // 0)
    clicks.close()
    assert "ZeroDivisionError" in caplog.text
