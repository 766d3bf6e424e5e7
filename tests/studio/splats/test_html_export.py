"""The viewer in a real Chromium with software WebGL, from the exported page as a file: no server, no network."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from studio.geometry import Crop, PictureCamera, camera_values
from studio.splats.html_export import viewer_bytes, write_html
from studio.splats.splat import Pose, Splat
from tests import browser as chromium
from tests.patience import settled
from tests.projection import project
from tests.studio.splats_in import FIXTURES, recipe

pytestmark = pytest.mark.browser
SETTLED = "canvas[data-settled=yes]"
PICTURE = PictureCamera(640, 480, Crop(100, 20, 400))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium.opened() as browser:
        yield browser


class Sheet:
    """The exported page of a splat, opened from a file."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, splat: Splat, folder: Path) -> Sheet:
        path = folder / "splat.html"
        path.write_bytes(write_html(splat))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(SETTLED)
        return self

    def pixels(self) -> np.ndarray:
        """HWC uint8, RGBA, of the canvas."""
        self.page.wait_for_selector(SETTLED)
        script = "async () => [...new Uint8Array(await (await viewer.picture()).arrayBuffer())]"
        return np.asarray(Image.open(io.BytesIO(bytes(settled(self.page, script)))).convert("RGBA"))

    def camera(self) -> dict[str, Any]:
        return self.page.evaluate("viewer.camera")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.locator("canvas").press(key)


@pytest.fixture
def sheet(chrome: Browser) -> Iterator[Sheet]:
    context = chrome.new_context(viewport={"width": 640, "height": 528}, reduced_motion="reduce", has_touch=True)
    sheet = Sheet(context.new_page())
    yield sheet
    context.close()
    assert not sheet.errors


def balls(
    *places: tuple[tuple[float, float, float], tuple[float, float, float]], camera: PictureCamera | None
) -> Splat:
    """Small opaque balls."""
    count = len(places)
    return Splat(
        positions=np.array([place for place, _ in places], np.float32),
        scales=np.full((count, 3), 0.02, np.float32),
        rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacities=np.ones(count, np.float32),
        colours=np.array([colour for _, colour in places], np.float32),
        pose=Pose(camera=camera),
        recipe=recipe(title="</script><b>three balls"),
    )


RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
THREE = balls(((-0.3, 0, 0), RED), ((0, 0.3, 0), GREEN), ((0, 0, 0.3), BLUE), camera=PICTURE)


def centre(pixels: np.ndarray, channel: int) -> tuple[float, float]:
    """The middle (x, y) of what has this colour."""
    others = [index for index in range(3) if index != channel]
    ys, xs = np.nonzero((pixels[..., channel] > 100) & (pixels[..., others] < 60).all(axis=2))
    assert len(xs), "nothing of this colour"
    return float(xs.mean()) + 0.5, float(ys.mean()) + 0.5


def test_the_splat_lies_where_the_camera_of_its_picture_sees_it(sheet: Sheet, tmp_path: Path):
    pixels = sheet.open(THREE, tmp_path).pixels()
    height, width = pixels.shape[:2]
    scale = min(width / PICTURE.width, height / PICTURE.height)
    edge = ((width - scale * PICTURE.width) / 2, (height - scale * PICTURE.height) / 2)
    places, _ = project(PICTURE, THREE.positions)
    for channel, place in enumerate(places):
        assert np.allclose(centre(pixels, channel), scale * place + edge, atol=1.0)


def test_the_page_needs_no_network_and_shows_its_title_as_text(sheet: Sheet, tmp_path: Path):
    sheet.open(THREE, tmp_path)
    assert [url.partition(":")[0] for url in sheet.asked] == ["file", "blob"]  # itself, and the sorter it brings
    assert sheet.page.title() == "</script><b>three balls"
    assert sheet.page.locator("h1").inner_text() == "</script><b>three balls"
    about = json.loads(sheet.page.locator("#about").inner_text())
    assert THREE.recipe is not None and about["recipe"]["id"] == THREE.recipe.id


def test_turned_and_reset_it_is_the_first_picture_to_the_pixel(sheet: Sheet, tmp_path: Path):
    first = sheet.open(THREE, tmp_path).pixels()
    sheet.press("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft", "+", "+")
    sheet.page.wait_for_selector("canvas[data-home=no]")
    moved = sheet.pixels()
    assert (moved != first).any()
    sheet.page.get_by_role("button", name="Reset").click()
    sheet.page.wait_for_selector("canvas[data-home=yes]")
    assert np.array_equal(sheet.pixels(), first)
    assert sheet.camera() == camera_values(PICTURE)


def test_what_swings_comes_back_to_the_first_picture_unless_somebody_takes_hold_of_it(sheet: Sheet, tmp_path: Path):
    first = sheet.open(THREE, tmp_path).pixels()
    sheet.page.evaluate("viewer.swing()")
    assert sheet.camera() == camera_values(PICTURE)  # who wants no motion gets none
    sheet.page.emulate_media(reduced_motion="no-preference")
    sheet.page.evaluate("viewer.swing()")
    sheet.page.wait_for_selector("canvas[data-home=no]")
    sheet.page.wait_for_selector("canvas[data-home=yes]")
    assert np.array_equal(sheet.pixels(), first)
    sheet.page.evaluate("viewer.swing()")
    sheet.page.wait_for_selector("canvas[data-home=no]")
    sheet.press("ArrowUp")
    held = sheet.camera()
    settled(sheet.page, "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert sheet.camera() == held


def test_keys_turn_and_move_and_zoom_as_python_does(sheet: Sheet, tmp_path: Path):
    sheet.open(THREE, tmp_path)
    sheet.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowDown", "Shift+ArrowRight", "-")
    values = sheet.camera()
    assert (values["azimuth_deg"], values["elevation_deg"]) == (15, 10) and values["radius"] > 1.6
    camera = PictureCamera(**values | {"crop": Crop(*values["crop"]), "target": tuple(values["target"])})
    pixels = sheet.pixels()
    scale = pixels.shape[1] / camera.width
    places, _ = project(camera, THREE.positions)
    for channel, place in enumerate(places):
        assert np.allclose(centre(pixels, channel), scale * place, atol=1.5)


def test_dragging_turns_shift_moves_and_the_wheel_zooms(sheet: Sheet, tmp_path: Path):
    sheet.open(THREE, tmp_path)
    mouse = sheet.page.mouse
    box = sheet.page.locator("canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 50, y + 25)
    mouse.up()
    turned = sheet.camera()
    assert turned["azimuth_deg"] == pytest.approx(-20) and turned["elevation_deg"] == pytest.approx(10)
    mouse.wheel(0, 200)
    sheet.page.wait_for_function("viewer.camera.radius > 1.6")
    before = centre(sheet.pixels(), 0)
    sheet.page.keyboard.down("Shift")
    mouse.down()
    mouse.move(x + 80, y + 25)
    mouse.up()
    sheet.page.keyboard.up("Shift")
    after = centre(sheet.pixels(), 0)
    assert after[0] - before[0] == pytest.approx(30, abs=4) and after[1] == pytest.approx(before[1], abs=4)
    mouse.dblclick(x, y)
    sheet.page.wait_for_selector("canvas[data-home=yes]")


def test_one_finger_turns_and_two_zoom_and_move(sheet: Sheet, tmp_path: Path):
    sheet.open(THREE, tmp_path)
    fingers = sheet.page.context.new_cdp_session(sheet.page)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (300, 200))
    touch("touchMove", (350, 200))
    touch("touchEnd")
    assert sheet.camera()["azimuth_deg"] == pytest.approx(-20, abs=1)
    turned = sheet.camera()
    touch("touchStart", (200, 200), (300, 200))
    touch("touchMove", (180, 240), (380, 240))
    touch("touchEnd")
    moved = sheet.camera()
    assert moved["radius"] == pytest.approx(0.75, rel=0.05) and moved["azimuth_deg"] == turned["azimuth_deg"]
    assert moved["target"] != turned["target"]


def test_a_ground_a_box_and_another_splat_are_drawn_when_asked(sheet: Sheet, tmp_path: Path):
    plain = sheet.open(THREE, tmp_path).pixels()
    sheet.page.evaluate("viewer.setBackground([0, 0, 1])")
    assert sheet.pixels()[5, 5].tolist() == [0, 0, 255, 255]
    sheet.page.evaluate("viewer.setBackground(null); viewer.setBox(true)")
    boxed = sheet.pixels()
    lines = (boxed[..., 0] > 200) & (boxed[..., 1] > 80) & (boxed[..., 1] < 140)
    assert lines.sum() > 300 and (plain[..., 3] == 0)[lines].any()
    sheet.page.evaluate("viewer.setBox(false)")
    assert np.array_equal(sheet.pixels(), plain)
    other = balls(((0, 0, 0), GREEN), camera=None)
    sheet.page.evaluate("rows => viewer.load(new Uint8Array(rows).buffer)", list(viewer_bytes(other)))
    pixels = sheet.pixels()
    assert sheet.page.evaluate("viewer.count") == 1 and (pixels[..., 0] < 20).all()
    height, width = pixels.shape[:2]
    assert np.allclose(centre(pixels, 1), (width / 2, height / 2), atol=1)


def test_the_elevation_stops_before_the_poles(sheet: Sheet, tmp_path: Path):
    sheet.open(THREE, tmp_path)
    sheet.page.evaluate("viewer.turn(400, 1000)")
    assert sheet.camera()["elevation_deg"] == 89 and sheet.camera()["azimuth_deg"] == 40


def test_a_splat_without_a_camera_is_seen_as_a_whole(sheet: Sheet, tmp_path: Path):
    places = [((x, y, z), BLUE) for x in (-7, 5) for y in (20, 28) for z in (-3, 4)]
    pixels = sheet.open(balls(*places, camera=None), tmp_path).pixels()
    ys, xs = np.nonzero(pixels[..., 3])
    height, width = pixels.shape[:2]
    assert xs.min() > 0 and ys.min() > 0 and xs.max() < width - 1 and ys.max() < height - 1
    assert ys.max() - ys.min() > height / 3


def test_near_splats_hide_far_ones_from_every_side(sheet: Sheet, tmp_path: Path):
    pair = balls(((0, 0, 0.5), RED), ((0, 0, -0.5), BLUE), camera=PICTURE)
    front = sheet.open(pair, tmp_path).pixels()
    x, y = (round(value) for value in PICTURE.centre_px)
    assert front[y, x, 0] > 240
    sheet.page.evaluate("viewer.turn(180, 0)")
    back = sheet.pixels()
    assert back[y, x, 2] > 240 and back[y, x, 0] < 15


def test_a_stray_splat_far_away_does_not_spoil_the_order(sheet: Sheet, tmp_path: Path):
    places = [
        ((x / 50, y / 50, z), RED if z > 0 else BLUE) for x in range(-9, 10) for y in range(-9, 10) for z in (0.2, -0.2)
    ]
    pixels = sheet.open(balls(*places, ((0, 0, -1e6), GREEN), camera=PICTURE), tmp_path).pixels()
    x, y = (round(value) for value in PICTURE.centre_px)
    assert pixels[y, x, 0] > 240 and pixels[y, x, 2] < 15


def test_the_viewer_draws_as_the_published_equations_do(sheet: Sheet, tmp_path: Path):
    """The reference of the renderer, three views of 200 Gaussians. A .splat keeps rotations and colours in bytes, and
    the screen has 8 bits for each of many layers: that costs a few levels here and there."""
    reference = np.load(FIXTURES / "render.npz")
    position, opacity, scale, rotation, colour = np.split(reference["gaussians"], (3, 4, 7, 11), axis=1)
    splat = Splat(position, scale, rotation, opacity[:, 0], colour)
    sheet.open(THREE, tmp_path)
    sheet.page.set_viewport_size({"width": 64, "height": 64})
    sheet.page.add_style_tag(content="footer, #message { display: none }")
    sheet.page.evaluate("rows => viewer.load(new Uint8Array(rows).buffer)", list(viewer_bytes(splat)))
    for (elevation, azimuth), pose, rgba in zip(
        reference["elev_azim"], reference["poses"], reference["rgba"].astype(np.float32), strict=True
    ):
        # LGM's elevation is negative above
        camera = PictureCamera(64, 64, Crop(0, 0, 64), azimuth_deg=float(azimuth), elevation_deg=-float(elevation))
        assert np.allclose(camera.axes().T, pose[:3, :3], atol=1e-6)
        assert np.allclose(camera.position(), pose[:3, 3], atol=1e-6)
        sheet.page.evaluate("camera => viewer.setHome(camera)", camera_values(camera))
        sheet.page.wait_for_selector("canvas[data-home=yes]")
        drawn = sheet.pixels().astype(np.float32) / 255
        assert drawn.shape == (64, 64, 4)
        over_white = drawn[..., :3] * drawn[..., 3:] + 1 - drawn[..., 3:]
        difference = np.abs(over_white - rgba[..., :3])
        assert np.sqrt((difference**2).mean()) < 0.01 and np.quantile(difference, 0.99) < 0.04


def test_a_browser_without_webgl_says_so(sheet: Sheet, tmp_path: Path):
    path = tmp_path / "splat.html"
    path.write_bytes(write_html(THREE))
    sheet.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    sheet.page.goto(path.as_uri())
    assert "has no WebGL 2" in sheet.page.get_by_role("status").inner_text()
