"""Toys on a turntable: one object, a photo of it, and cameras around it as LGM assumes them.

Source of the cameras: 3DTopia/LGM core/options.py and core/utils.py: an angle of view of 49.1 degrees, a distance of
1.5, four views a quarter turn apart, the object filling 80 % of the first one. Directions are those of `world.Camera`.
"""

import math
import random
from dataclasses import dataclass, replace

import torch

from toybox.shapes import SHAPES
from toybox.words import COLOURS, HELD_OUT, KINDS
from toybox.world import Camera, Scene, Thing, render_planes, sample_scene

FOV_DEG, RADIUS, FILLS = 49.1, 1.5, 0.8
VIEWS, EXTRA_VIEWS = 4, 4
"""The number of views a network gets, and of extra ones that it is also evaluated on."""

_FULL_TURN = 0.3
_PROBE_SIZE, _PROBES = 64, 3


@dataclass(frozen=True)
class Turntable:
    """One object, the photo of it, and its cameras.

    Attributes:
        photo: the scene of the photo, the object alone on a floor.
        cameras: the four views, the first from the photo's direction, then the extra ones; all at one distance.
        scale: LGM's units per world unit: multiplied by it, the cameras are 1.5 away.
    """

    photo: Scene
    cameras: tuple[Camera, ...]

    @property
    def thing(self) -> Thing:
        return self.photo.objects[0]

    @property
    def scale(self) -> float:
        return RADIUS / self.cameras[0].distance

    def scene(self, index: int) -> Scene:
        """The scene for the camera with this index: the object alone on white."""
        return replace(self.photo, background=None, camera=self.cameras[index])


def sample_turntable(rng: random.Random, *, held_out: bool = False) -> Turntable:
    """Draws an object, its photo and its cameras.

    Args:
        rng: random generator.
        held_out: whether the combination of kind and colour is held out, see `is_held_out`.
    """
    scene = sample_scene(rng, count=1, split="any")
    looks = [(kind, colour) for kind in KINDS for colour in COLOURS if is_held_out(kind, colour) == held_out]
    kind, colour = rng.choice(looks)
    yaw_deg = rng.uniform(-180, 180) if rng.random() < _FULL_TURN else scene.objects[0].yaw_deg
    thing = replace(scene.objects[0], kind=kind, colour=colour, yaw_deg=yaw_deg)
    photo = replace(scene, objects=(thing,), camera=replace(scene.camera, elevation_deg=rng.uniform(2, 34)))
    first = frame(photo)
    around = [replace(first, azimuth_deg=first.azimuth_deg + 90 * turn) for turn in range(VIEWS)]
    others = [
        replace(first, azimuth_deg=rng.uniform(-180, 180), elevation_deg=rng.uniform(-5, 55))
        for _ in range(EXTRA_VIEWS)
    ]
    return Turntable(photo, (*around, *others))


def is_held_out(kind: str, colour: str) -> bool:
    """Whether no training turntable shows this kind in this colour: 15 of the 100."""
    return (kind, colour, "sand") in HELD_OUT


def frame(photo: Scene) -> Camera:
    """The camera that looks in the photo's direction, with the object filling its picture as LGM expects.

    Distance and target are such that the longer side of the object's bounding box fills `FILLS` of the picture and
    that the box is centred.
    """
    thing = photo.objects[0]
    target = (thing.x, thing.lift + SHAPES[thing.kind].middle * thing.scale, thing.z)
    camera = Camera(photo.camera.azimuth_deg, photo.camera.elevation_deg, 2.4 * thing.scale, FOV_DEG, target)
    for _ in range(_PROBES):
        camera = _nearer(replace(photo, background=None, camera=camera))
    return camera


def _nearer(scene: Scene) -> Camera:
    """One step towards the camera that frames the object well."""
    camera = scene.camera
    coverage = render_planes(scene, size=_PROBE_SIZE, supersampling=2).coverage[0]
    left, right = _extent(coverage.sum(dim=0))
    top, bottom = _extent(coverage.sum(dim=1))
    across, down = (left + right) / 2, (top + bottom) / 2
    reach = math.tan(math.radians(camera.fov_deg) / 2) * camera.distance
    azimuth, elevation = math.radians(camera.azimuth_deg), math.radians(camera.elevation_deg)
    rightward = torch.tensor([math.cos(azimuth), 0.0, -math.sin(azimuth)])
    upward = torch.tensor(
        [-math.sin(azimuth) * math.sin(elevation), math.cos(elevation), -math.cos(azimuth) * math.sin(elevation)]
    )
    target = torch.tensor(camera.target) + reach * (across * rightward - down * upward)
    fills = max(right - left, bottom - top) / 2
    x, y, z = target.tolist()
    return replace(camera, distance=camera.distance * fills / FILLS, target=(x, y, z))


def _extent(line: torch.Tensor) -> tuple[float, float]:
    """Where the covered part of a row or column of pixels begins and ends, in [-1, 1], with subpixel accuracy."""
    used = line.nonzero().flatten()
    first, last = int(used[0]), int(used[-1])
    size = len(line)
    return 2 * first / size - 1, 2 * (last + 1) / size - 1
