"""A turn around a splat as an MP4 (H.264), on white: quick to look at.

Where many large splats overlap, it is rendered smaller and enlarged.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from studio.geometry import PictureCamera
from studio.splats.metadata import line_about
from studio.splats.rasterizer import painted, pairs_of, through
from studio.splats.splat import Splat
from studio.splats.transform import placed
from studio.splats.turntable import FRAMES, camera_around, turntable

SIDE = 720
FRAMES_PER_SECOND = 24
_PAIRS = 3_000_000
"""Pairs of a Gaussian and a pixel per frame: about 0.3 s on one core."""
_LEAST_SIDE = 360
_THREADS = 2
_ELEVATION_DEG = 10.0
"""Of the camera, for a splat without its own."""


def turntable_in_steps(splat: Splat) -> Generator[bytes]:
    """An MP4 of SIDE x SIDE pixels: once around, starting at the splat's own camera.

    In FRAMES + 1 parts: empty ones, one after each frame, then the MP4. Takes about ten seconds (2 cores) for 65,536
    splats.
    """
    splat = placed(splat)
    note = line_about(splat, "+y")
    threads = ThreadPoolExecutor(_THREADS)
    try:
        yield from _mp4(threads.map(partial(_frame, splat), turntable(first_camera(splat), FRAMES)), note, SIDE, SIDE)
    finally:  # whoever asked for it may have left
        threads.shutdown(wait=False, cancel_futures=True)


def first_camera(splat: Splat) -> PictureCamera:
    """Where the video starts; its picture is as large as can be rendered in time. Args: splat: placed."""
    own = splat.pose.camera
    start = camera_around(splat, SIDE, _ELEVATION_DEG) if own is None else through(own, own.crop, SIDE)
    share = (_PAIRS / max(_PAIRS, pairs_of(splat, start))) ** 0.5
    return through(start, start.crop, max(_LEAST_SIDE, round(SIDE * share)))


def _frame(splat: Splat, camera: PictureCamera) -> Image.Image:
    seen = painted(splat, camera, _PAIRS).over(Image.new("RGB", (camera.width, camera.height), "white"))
    return seen.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def write_mp4(frames: Iterable[Image.Image], note: str, width: int, height: int) -> bytes:
    """Frames at FRAMES_PER_SECOND as H.264 that every browser and player shows; the index comes first.

    Args:
        frames: RGB, of this size in pixels; both numbers are even.
        note: stored as the file's comment, such as a recipe as JSON.
    """
    *_, film = _mp4(frames, note, width, height)
    return film


def _mp4(frames: Iterable[Image.Image], note: str, width: int, height: int) -> Iterator[bytes]:
    """Nothing after each frame, then the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "turntable.mp4")  # to move the index to the front, the file is read again
        with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
            file.metadata["comment"] = note
            stream = file.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": "20", "preset": "veryfast"})
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuv420p"
            told = stream.codec_context
            told.colorspace = told.color_primaries = told.color_trc = Colorspace.ITU709  # or players guess
            told.color_range = ColorRange.MPEG
            for frame in frames:
                picture = av.VideoFrame.from_image(frame)
                file.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
                yield b""
            file.mux(stream.encode())
        yield path.read_bytes()
