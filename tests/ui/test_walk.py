"""The whole way with the bundled models, from an empty outputs folder: the promise of the first two minutes."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from studio.splats.any_format import read_splat
from tests.app_process import AppProcess
from tests.ui.driver import Visitor
from tests.ui.walk import STEPS, Walk


def test_words_become_a_picture_an_object_a_splat_that_turns_and_comes_back_and_a_file(
    solid_chrome: Browser, tmp_path: Path
):
    app = AppProcess(tmp_path / "outputs")
    try:
        with Visitor.arrives(solid_chrome, app.url, reduced_motion="reduce") as visitor:
            walk = Walk(visitor, tmp_path)
            assert list(walk.steps()) == list(STEPS)
        visitor.assert_nothing_went_wrong()
    finally:
        app.stop()
    assert walk.fit >= 85
    assert walk.turned != walk.before
    assert walk.after == walk.before
    exported = read_splat(walk.file)
    assert exported.splat.count > 1000
