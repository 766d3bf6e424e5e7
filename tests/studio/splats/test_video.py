"""The MP4 of a turntable: a real browser plays it, and shows the frames that went in."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from studio.splats.mp4 import write_mp4
from studio.splats.splat import Camera, Crop, Pose
from studio.splats.turntable import camera_around, turntable
from studio.splats.video import FRAMES, SECONDS, SIDE, thinned, write_film
from tests import browser as chromium
from tests.studio.splats_in import some

PLAY = """async ([data, frames, rate]) => {
  const video = document.createElement("video"), bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  if (!video.canPlayType('video/mp4; codecs="avc1.42C029"')) return null;
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  await new Promise((done, failed) => {
    video.oncanplaythrough = done;
    video.onerror = () => failed(new Error(video.error.message));
    video.load();
  });
  const canvas = document.createElement("canvas"), shown = [];
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  const context = canvas.getContext("2d");
  for (const frame of frames) {
    const presented = new Promise((done) => { // "seeked" may come before the frame does
      const look = (_, { mediaTime }) =>
        Math.round(mediaTime * rate) === frame ? done() : video.requestVideoFrameCallback(look);
      video.requestVideoFrameCallback(look);
    });
    video.currentTime = (frame + 0.5) / rate;
    await presented;
    context.drawImage(video, 0, 0);
    shown.push(canvas.toDataURL("image/png").split(",")[1]);
  }
  return { width: canvas.width, height: canvas.height, seconds: video.duration, shown };
}"""


def film(count: int, width: int = 54, height: int = 38) -> list[np.ndarray]:
    """A square that moves over a slope, whose colours change slowly: video keeps colours at half the resolution."""
    slope = np.linspace(30, 220, width)[None, :, None] * np.ones((height, 1, 3)) * (1.0, 0.8, 0.6)
    frames = []
    for index in range(count):
        frame = slope.astype(np.uint8)
        frame[8:24, 2 * index : 2 * index + 16] = (200, 30, 60)
        frames.append(frame)
    return frames


def seen(shown: str) -> np.ndarray:
    """HWC float32 RGB, [0, 255], of a frame that the page gave back."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown))).convert("RGB"), np.float32)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    path = chromium.find()
    if path is None:
        pytest.skip("no Chromium here: python -m tests.browser --install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


@pytest.mark.browser
def test_a_browser_shows_the_frames_that_went_in(page: Page):
    frames = film(18)  # more than there are frame numbers
    looked_at = [0, 1, 7, 15, 16, 17, 3]
    data = base64.b64encode(write_mp4(frames, 12.5)).decode()
    played = page.evaluate(PLAY, [data, looked_at, 12.5])
    if played is None:
        pytest.skip("this Chromium plays no H.264")
    assert (played["width"], played["height"]) == (54, 38) and played["seconds"] == pytest.approx(18 / 12.5, abs=0.01)
    for index, shown in zip(looked_at, played["shown"], strict=True):
        difference = np.abs(seen(shown) - frames[index])
        within = np.ones((38, 54), bool)
        within[7:25, max(0, 2 * index - 2) : 2 * index + 18] = False  # where colours of two pixels become one
        within[10:22, 2 * index + 3 : 2 * index + 13] = True
        assert difference[within].max() <= 6 and difference.mean() < 4


@pytest.mark.browser
def test_the_film_of_a_splat_goes_around_it_on_white(page: Page):
    white, red, blue = (1.0, 1.0, 1.0), (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    splat = some(3, pose=Pose(camera=Camera(640, 480, Crop(100, 50, 300))))
    splat = replace(
        splat,
        positions=np.array([[0.4, 0, 0], [-0.4, 0, 0], [0, -0.4, 0]], np.float32),
        scales=np.full((3, 3), 0.05, np.float32),
        opacities=np.ones(3, np.float32),
        colours=np.array([red, blue, white], np.float32),
    )
    data = base64.b64encode(write_film(splat)).decode()
    played = page.evaluate(PLAY, [data, [0, FRAMES // 2], FRAMES / SECONDS])
    if played is None:
        pytest.skip("this Chromium plays no H.264")
    assert played["seconds"] == pytest.approx(SECONDS, abs=0.01)
    front, back = (seen(shown) for shown in played["shown"])
    camera = turntable(Camera(SIDE, SIDE, Crop(0, 0, SIDE)), 1)[0]
    places, _ = camera.project(splat.positions)
    (right, row), (left, _), _ = places.round().astype(int)
    assert front[row, right, 0] > 200 > 100 > front[row, right, 2] and front[row, left, 2] > 200
    assert back[row, left, 0] > 200 > 100 > back[row, left, 2] and back[row, right, 2] > 200
    assert front[5, 5].min() > 250


def test_a_film_of_very_many_splats_is_of_fewer():
    many = replace(some(70_000), scales=np.full((70_000, 3), 0.001, np.float32))
    fewer = thinned(many)
    assert fewer.count == 23_334 and np.allclose(fewer.scales, 0.001 * 3**0.5)
    assert thinned(some(100)).count == 100


def test_what_does_not_move_costs_next_to_nothing():
    still = [film(1, 320, 240)[0]] * 10
    one, ten = len(write_mp4(still[:1])), len(write_mp4(still))
    assert one > 320 * 240 * 1.5 and ten - one < 9 * 40


def test_the_boxes_fill_the_file_and_the_samples_are_where_they_say():
    data = write_mp4(film(5), note=b'{"recipe": 1}')
    at, boxes = 0, {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        boxes[kind] = data[at + 8 : at + length]
        at += length
    assert at == len(data) and list(boxes) == [b"ftyp", b"uuid", b"moov", b"mdat"]
    assert boxes[b"uuid"].endswith(b'{"recipe": 1}')
    sizes = boxes[b"moov"].partition(b"stsz")[2]
    assert sum(struct.unpack_from(">5I", sizes, 12)) == len(boxes[b"mdat"])
    (offset,) = struct.unpack_from(">I", boxes[b"moov"].partition(b"stco")[2], 8)
    assert data[offset - 8 : offset][4:] == b"mdat"


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [np.zeros((10, 11, 3), np.uint8)],
        [np.zeros((10, 10), np.uint8)],
        [np.zeros((10, 10, 4), np.uint8)],
        [np.zeros((10, 10, 3), np.float32)],
        [np.zeros((10, 10, 3), np.uint8), np.zeros((10, 12, 3), np.uint8)],
    ],
)
def test_frames_that_are_none_are_refused(frames: list[np.ndarray]):
    with pytest.raises(ValueError, match=r"got .*, expected "):
        write_mp4(frames)


def test_a_camera_around_a_splat_sees_all_of_it_from_every_side():
    splat = some(500)
    for camera in turntable(camera_around(splat, side=200, elevation_deg=20), 8):
        places, depth = camera.project(splat.world_positions())
        assert (depth > 0).all() and places.min() > 0 and places.max() < 200


def test_a_turntable_goes_around_once_to_the_right():
    start = Camera(100, 100, Crop(0, 0, 100), azimuth_deg=30)
    assert [camera.azimuth_deg for camera in turntable(start, 4)] == [30, 120, 210, 300]
    assert turntable(start, 1) == [start]
