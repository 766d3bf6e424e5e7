"""A turn around a splat as an MP4, painted in numpy: quick to look at, on a white ground. Knows no encoder's insides.

A film is a look and no measurement: of very many splats, every second, third, ... is painted, a little larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from studio.splats.metadata import line_about
from studio.splats.mp4 import write_mp4
from studio.splats.rasterizer import painted, through
from studio.splats.splat import Pose, Splat
from studio.splats.transform import placed
from studio.splats.turntable import camera_around, turntable

SIDE = 288
FRAMES, FEWER_FRAMES = 48, 24
"""Of a turn in three seconds; the fewer where a frame takes most of a second to paint."""
SECONDS = 3.0
_MANY = 20_000
_MOST_SPLATS = 30_000
_ELEVATION_DEG = 10.0
"""From where a splat without a camera of its own is seen."""


def write_film(splat: Splat) -> bytes:
    """An MP4 of SIDE x SIDE pixels: once around, beginning where the splat's own camera is.

    Takes some seconds; half a minute (2 cores) for 20,000 splats and more.
    """
    splat = thinned(placed(splat))
    frames = FRAMES if splat.count <= _MANY else FEWER_FRAMES
    note = line_about(replace(splat, pose=Pose(camera=splat.pose.camera)), "+y").encode()
    return write_mp4(_painted(splat, frames), frames / SECONDS, note)


def _painted(splat: Splat, frames: int) -> Iterator[np.ndarray]:
    own = splat.pose.camera
    start = camera_around(splat, SIDE, _ELEVATION_DEG) if own is None else through(own, own.crop, SIDE)
    ground = Image.new("RGB", (SIDE, SIDE), "white")
    for camera in turntable(start, frames):
        yield np.asarray(painted(splat, camera).over(ground))


def thinned(splat: Splat) -> Splat:
    """At most _MOST_SPLATS, which cover what all of them did."""
    step = -(-splat.count // _MOST_SPLATS)
    if step <= 1:
        return splat
    fewer = splat.only(slice(None, None, step))
    return replace(fewer, scales=fewer.scales * np.float32(step**0.5))
