"""A splat that lies on its side is stood up by hand in the 3D tab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect

from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from studio.splats.splat import Pose
from tests.studio.splats_in import some
from tests.ui.driver import PHONE, Visitor
from tests.ui.turntable import Turntable


def test_a_splat_that_lies_is_stood_up_by_keys_and_stays_one(chrome: Browser, address: str, tmp_path: Path):
    tower = some(100, degree=1)
    lying = replace(tower, positions=(tower.positions * np.array([0.2, 0.2, 1], np.float32)), pose=Pose())
    file = tmp_path / "tower.ply"
    file.write_bytes(write_ply(lying))
    with Visitor.arrives(chrome, address, **PHONE, reduced_motion="reduce") as visitor:
        visitor.drop(file)
        table = Turntable(visitor.page, 100)
        table.expect_drawn()
        first, tiles, facts = table.shown, table.find(".splats .tile"), table.find(".facts")
        expect(facts).to_contain_text("0.40 × 0.40 × 1.98")
        back = table.page.get_by_role("button", name="Tip back")
        back.focus()
        table.page.keyboard.press("Enter")
        expect(facts).to_contain_text("0.40 × 1.98 × 0.40")
        expect(table.canvas).not_to_have_attribute("data-shows", first)
        expect(back).to_be_focused()
        expect(tiles).to_have_count(1)
        table.expect_drawn()
        table.find(".exports summary").click()
        with table.page.expect_download() as saving:
            table.find(".exports a").filter(has_text="SPZ").click()
        saving.value.save_as(tmp_path / "tower.spz")
        heights = read_splat(tmp_path / "tower.spz").splat.positions[:, 1]
        assert np.abs(np.sort(heights) - np.sort(lying.positions[:, 2])).max() < 1e-3
        for _ in range(3):  # quicker than they are answered
            table.page.get_by_role("button", name="Roll right").press("Enter")
        expect(facts).to_contain_text("1.98 × 0.40 × 0.40")
        expect(tiles).to_have_count(1)
        for name in ("Roll left", "Roll left", "Roll left", "Tip forward"):
            table.page.get_by_role("button", name=name).press("Enter")
        expect(table.canvas).to_have_attribute("data-shows", first)
        expect(facts).to_contain_text("0.40 × 0.40 × 1.98")
        expect(tiles).to_have_count(1)
        assert table.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.assert_nothing_went_wrong()
