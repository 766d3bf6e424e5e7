"""The MP4 of a turntable: a real browser plays it, and shows the frames that went in."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from studio.geometry import Crop, PictureCamera
from studio.splats.splat import Pose
from studio.splats.turntable import camera_around, turntable
from studio.splats.video import (
    FRAMES,
    FRAMES_PER_SECOND,
    SIDE,
    first_camera,
    turntable_in_steps,
    write_mp4,
)
from tests import browser as chromium
from tests.patience import settled
from tests.projection import project
from tests.studio.splats_in import some

PLAY = """async ([data, frames, rate]) => {
  const video = document.createElement("video"), bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  if (!video.canPlayType('video/mp4; codecs="avc1.640020"')) return null;
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


def film(count: int, side: int = 54) -> list[Image.Image]:
    """A square that moves over a slope, whose colours change slowly: video keeps colours at half the resolution."""
    slope = np.linspace(30, 220, side)[None, :, None] * np.ones((side, 1, 3)) * (1.0, 0.8, 0.6)
    frames = []
    for index in range(count):
        frame = slope.astype(np.uint8)
        frame[8:24, 2 * index : 2 * index + 16] = (200, 30, 60)
        frames.append(Image.fromarray(frame))
    return frames


def seen(shown: str) -> np.ndarray:
    """HWC float32 RGB, [0, 255], of a frame that the page gave back."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown))).convert("RGB"), np.float32)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium.opened() as browser:
        yield browser.new_page()


@pytest.mark.browser
def test_a_browser_shows_the_frames_that_went_in(page: Page):
    frames = film(18)
    looked_at = [0, 1, 7, 15, 16, 17, 3]
    data = base64.b64encode(write_mp4(frames, "", 54, 54)).decode()
    played = settled(page, PLAY, [data, looked_at, FRAMES_PER_SECOND])
    if played is None:
        pytest.skip("this Chromium plays no H.264")
    assert (played["width"], played["height"]) == (54, 54)
    assert played["seconds"] == pytest.approx(18 / FRAMES_PER_SECOND, abs=0.01)
    for index, shown in zip(looked_at, played["shown"], strict=True):
        difference = np.abs(seen(shown) - np.asarray(frames[index], np.float32))
        within = np.ones((54, 54), bool)
        within[6:26, max(0, 2 * index - 3) : 2 * index + 19] = False  # where colours of two pixels become one
        within[10:22, 2 * index + 3 : 2 * index + 13] = True
        assert difference[within].mean() < 3 and difference.mean() < 5


@pytest.mark.browser
def test_the_film_of_a_splat_goes_around_it_on_white(page: Page):
    white, red, blue = (1.0, 1.0, 1.0), (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    splat = some(3, pose=Pose(camera=PictureCamera(640, 480, Crop(100, 50, 300))))
    splat = replace(
        splat,
        positions=np.array([[0.4, 0, 0], [-0.4, 0, 0], [0, -0.4, 0]], np.float32),
        scales=np.full((3, 3), 0.05, np.float32),
        opacities=np.ones(3, np.float32),
        colours=np.array([red, blue, white], np.float32),
    )
    *_, film = turntable_in_steps(splat)
    data = base64.b64encode(film).decode()
    played = settled(page, PLAY, [data, [0, FRAMES // 2], FRAMES_PER_SECOND])
    if played is None:
        pytest.skip("this Chromium plays no H.264")
    assert played["seconds"] == pytest.approx(3, abs=0.01)
    front, back = (seen(shown) for shown in played["shown"])
    camera = turntable(PictureCamera(SIDE, SIDE, Crop(0, 0, SIDE)), 1)[0]
    places, _ = project(camera, splat.positions)
    (right, row), (left, _), _ = places.round().astype(int)
    assert front[row, right, 0] > 200 > 100 > front[row, right, 2] and front[row, left, 2] > 200
    assert back[row, left, 0] > 200 > 100 > back[row, left, 2] and back[row, right, 2] > 200
    assert front[5, 5].min() > 250


def test_the_file_says_what_it_holds_before_the_pictures_begin():
    data = write_mp4(film(5), '{"recipe": "größer"}', 54, 54)
    assert data[4:12] == b"ftypisom" and 0 < data.find(b"moov") < data.find(b"mdat")
    with av.open(io.BytesIO(data), "r") as file:
        (stream,) = file.streams.video
        context = stream.codec_context
        assert file.metadata["comment"] == '{"recipe": "größer"}'
        assert (context.name, context.pix_fmt, stream.average_rate) == ("h264", "yuv420p", FRAMES_PER_SECOND)
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert len([*file.decode(stream)]) == 5


def test_a_film_tells_of_each_frame_and_whoever_leaves_ends_it():
    parts = turntable_in_steps(some(3))
    assert [next(parts) for _ in range(3)] == [b""] * 3
    parts.close()
    *frames, film = turntable_in_steps(some(3))
    assert frames == [b""] * FRAMES
    assert film[4:8] == b"ftyp"


def test_where_large_splats_lie_over_each_other_the_film_is_painted_smaller():
    few, many = (replace(some(count), pose=Pose()) for count in (20, 20_000))
    assert first_camera(few).width == SIDE and first_camera(many).width == SIDE // 2


def test_a_camera_around_a_splat_sees_all_of_it_from_every_side():
    splat = some(500)
    for camera in turntable(camera_around(splat, side=200, elevation_deg=20), 8):
        places, depth = project(camera, splat.world_positions())
        assert (depth > 0).all() and places.min() > 0 and places.max() < 200


def test_a_turntable_goes_around_once_to_the_right():
    start = PictureCamera(100, 100, Crop(0, 0, 100), azimuth_deg=30)
    assert [camera.azimuth_deg for camera in turntable(start, 4)] == [30, 120, 210, 300]
    assert turntable(start, 1) == [start]
