"""Scenes of the toy world, rendered as pictures, masks and depth.

World coordinates are right-handed with y up, in units of about one object. The floor is the plane y = 0. A picture is
linear in its colours (see `Planes`), so a traced geometry can be recoloured at almost no cost.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from toybox.rays import Layer, Rays, cast_shadow, trace
from toybox.words import (
    BACKGROUND_RGB,
    BACKGROUNDS,
    COLOUR_RGB,
    COLOURS,
    HELD_OUT,
    KINDS,
    Background,
    Colour,
    Kind,
    Size,
    pair_is_held_out,
)

Split = Literal["train", "held out", "any"]

_SCALES: dict[Size | None, tuple[float, float]] = {"small": (0.56, 0.68), None: (0.8, 0.92), "big": (1.03, 1.12)}
_PAIR_SCALE = (0.64, 0.75)
_SKY_WHITE, _FLOOR_SHADE = 0.18, 0.94


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on an orbit around a target, looking at it.

    Attributes:
        azimuth_deg: 0 looks from +z towards -z; positive goes round towards +x.
        elevation_deg: positive when the camera is above the target.
        distance: from the target, in units.
        fov_deg: field of view across the square picture.
        target: the point at the centre of the picture.
    """

    azimuth_deg: float = 0.0
    elevation_deg: float = 20.0
    distance: float = 2.85
    fov_deg: float = 40.0
    target: tuple[float, float, float] = (0.0, 0.54, 0.0)


@dataclass(frozen=True)
class Light:
    """A distant light; the angles are as in `Camera`."""

    azimuth_deg: float = 45.0
    elevation_deg: float = 52.0


@dataclass(frozen=True)
class Thing:
    """One object of a scene.

    Attributes:
        kind: which of the ten shapes.
        colour: the colour of its main parts.
        x: position on the floor, in units.
        z: position on the floor, in units; larger is nearer to the default camera.
        yaw_deg: rotation around its vertical axis, counter-clockwise seen from above.
        scale: 1 makes it about one unit high.
        lift: height of its base above the floor, in units.
    """

    kind: Kind
    colour: Colour
    x: float = 0.0
    z: float = 0.0
    yaw_deg: float = 0.0
    scale: float = 0.9
    lift: float = 0.0

    @property
    def size(self) -> Size | None:
        """The word for its size if it is the only object, None for an ordinary size."""
        if self.scale <= _SCALES["small"][1]:
            return "small"
        return "big" if self.scale >= _SCALES["big"][0] else None


@dataclass(frozen=True)
class Scene:
    """Everything that determines a picture.

    Attributes:
        objects: from left to right as the sampled cameras see them.
        background: colour of floor and sky; None for plain white without a floor.
        camera: where the picture is taken from.
        light: where the light comes from.
    """

    objects: tuple[Thing, ...]
    background: Background | None = "grey"
    camera: Camera = field(default_factory=Camera)
    light: Light = field(default_factory=Light)


class Rendering(NamedTuple):
    """A picture and its ground truth, all of the same height and width.

    Attributes:
        image: HWC uint8 RGB, [0, 255].
        mask: HW uint8, 255 where an object covers at least half of the pixel.
        depth: HW float32, distance along the viewing axis in units; infinite outside the mask.
        object_masks: NHW uint8, 255 where the object is visible, in the order of the scene.
    """

    image: np.ndarray
    mask: np.ndarray
    depth: np.ndarray
    object_masks: np.ndarray


class Planes(NamedTuple):
    """A geometry without its colours: image = own + sum of weights[n] * colour[n] + ground * background.

    Attributes:
        weights: NHW float32, weight of each object's colour.
        own: 3HW float32, highlights, sky light and parts with a fixed colour.
        ground: HW float32, weight of the background colour.
        coverage: NHW float32, the share of the pixel in which each object is visible.
        depth: HW float32 as in `Rendering`.
    """

    weights: Tensor
    own: Tensor
    ground: Tensor
    coverage: Tensor
    depth: Tensor


def is_allowed(scene: Scene, split: Split) -> bool:
    """Whether the scene belongs to the split: training scenes contain no held-out combination and no held-out pair."""
    if split == "any":
        return True
    mixtures = [(thing.kind, thing.colour, scene.background) in HELD_OUT for thing in scene.objects]
    names: list[tuple[Kind, Colour]] = [(thing.kind, thing.colour) for thing in scene.objects]
    pair = len(names) == 2 and pair_is_held_out(names[0], names[1])
    if split == "train":
        return not (any(mixtures) or pair)
    return pair if len(names) == 2 else any(mixtures)


def sample_scene(rng: random.Random, *, count: int | None = None, split: Split = "train") -> Scene:
    """A random scene with one or two objects that fit into the picture.

    Args:
        rng: the same state gives the same scene.
        count: number of objects; None means one or two at random.
        split: see `is_allowed`. A held-out scene with one object has a held-out combination, with two a held-out pair.
    """
    count = count if count is not None else rng.choice((1, 1, 2))
    camera = Camera(azimuth_deg=rng.uniform(-15, 15), elevation_deg=rng.uniform(14, 28))
    light = Light(azimuth_deg=rng.uniform(30, 60), elevation_deg=rng.uniform(45, 60))
    places = [_place(rng, index, count) for index in range(count)]
    while True:
        looks: list[tuple[Kind, Colour]] = [(rng.choice(KINDS), rng.choice(COLOURS)) for _ in range(count)]
        things = tuple(Thing(*look, *place) for look, place in zip(looks, places, strict=True))
        scene = Scene(objects=things, background=rng.choice(BACKGROUNDS), camera=camera, light=light)
        if (count == 1 or looks[0] != looks[1]) and is_allowed(scene, split):
            return scene


def render(scene: Scene, size: int = 128, supersampling: int = 2) -> Rendering:
    """Renders a scene as a square picture.

    Args:
        scene: what to show and from where.
        size: height and width in pixels.
        supersampling: rays per pixel along each side.
    """
    planes = render_planes(scene, size=size, supersampling=supersampling)
    image = shade(planes, [thing.colour for thing in scene.objects], scene.background)
    covered = planes.coverage.sum(dim=0) >= 0.5
    seen = (planes.coverage >= planes.coverage.amax(dim=0, keepdim=True)) & covered
    return Rendering(
        image=(image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy(),
        mask=covered.to(torch.uint8).mul(255).numpy(),
        depth=planes.depth.where(covered, torch.inf).numpy(),
        object_masks=seen.to(torch.uint8).mul(255).numpy(),
    )


def shade(planes: Planes, colours: list[Colour], background: Background | None) -> Tensor:
    """The picture of a geometry in the given colours, 3HW float32, [0, 1]."""
    own_rgb = torch.tensor([COLOUR_RGB[colour] for colour in colours])  # [N, 3]
    ground_rgb = torch.tensor(BACKGROUND_RGB[background] if background else (1.0, 1.0, 1.0))
    image = planes.own + torch.einsum("nhw,nc->chw", planes.weights, own_rgb)
    return (image + ground_rgb[:, None, None] * planes.ground).clamp_(0, 1)


@torch.inference_mode()
def render_planes(scene: Scene, *, size: int, supersampling: int = 2) -> Planes:
    """Traces a scene once, for any choice of colours; see `Planes`."""
    rays = camera_rays(scene.camera, size * supersampling)
    towards_light = _direction(scene.light.azimuth_deg, scene.light.elevation_deg)
    layers = [trace(thing, rays, towards_light) for thing in scene.objects]
    ground, own = _empty_picture(scene, rays, towards_light, supersampling)
    return _compose(layers, ground, own, size=size, supersampling=supersampling)


def camera_rays(camera: Camera, size: int) -> Rays:
    """One ray through the centre of each pixel of a square picture, row by row from the top-left corner."""
    backward = _direction(camera.azimuth_deg, camera.elevation_deg)
    azimuth = math.radians(camera.azimuth_deg)
    right = torch.tensor([math.cos(azimuth), 0.0, -math.sin(azimuth)])
    up = torch.linalg.cross(backward, right)
    half = math.tan(math.radians(camera.fov_deg) / 2)
    across = ((torch.arange(size) + 0.5) / size * 2 - 1) * half
    towards = across[None, :, None] * right - across[:, None, None] * up - backward  # [H, W, 3]
    stretch = towards.norm(dim=-1, keepdim=True)
    return Rays(
        origin=torch.tensor(camera.target) + backward * camera.distance,
        towards=(towards / stretch).reshape(-1, 3),
        axial=(1 / stretch).reshape(-1),
        size=size,
    )


def _place(rng: random.Random, index: int, count: int) -> tuple[float, float, float, float]:
    yaw_deg = rng.uniform(-40, 40)
    if count == 1:
        size: Size | None = rng.choice((None, None, "small", "big"))
        return rng.uniform(-0.18, 0.18), rng.uniform(-0.15, 0.15), yaw_deg, rng.uniform(*_SCALES[size])
    side = -1 if index == 0 else 1
    return side * rng.uniform(0.48, 0.58), rng.uniform(-0.15, 0.15), yaw_deg, rng.uniform(*_PAIR_SCALE)


def _direction(azimuth_deg: float, elevation_deg: float) -> Tensor:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    level = math.cos(elevation)
    return torch.tensor([math.sin(azimuth) * level, math.sin(elevation), math.cos(azimuth) * level])


def _empty_picture(scene: Scene, rays: Rays, towards_light: Tensor, supersampling: int) -> tuple[Tensor, Tensor]:
    """The background: the weight of its colour and the white added to it, both HW."""
    size = rays.size // supersampling
    if scene.background is None:
        return torch.ones(size, size), torch.zeros(size, size)
    pixels = camera_rays(scene.camera, size)
    upward = pixels.towards[:, 1]
    white = _SKY_WHITE * (upward + 0.3).clamp(0, 1)
    ground = 1 - white
    below = (upward < -1e-3) & bool(pixels.origin[1] > 0)
    index = below.nonzero().squeeze(dim=1)
    reach = -pixels.origin[1] / upward[index]
    floor = pixels.origin + pixels.towards[index] * reach[:, None]
    light = torch.ones(len(index))
    for thing in scene.objects:
        light = torch.minimum(light, cast_shadow(thing, floor, towards_light))
    near = ((6.5 - floor[:, [0, 2]].norm(dim=1)) / 3).clamp(0, 1)
    near = near * near * (3 - 2 * near)
    ground[index] = torch.lerp(ground[index], _FLOOR_SHADE * (0.5 + 0.5 * light), near)
    white[index] = white[index] * (1 - near)
    return ground.reshape(size, size), white.reshape(size, size)


def _compose(layers: list[Layer], ground: Tensor, white: Tensor, *, size: int, supersampling: int) -> Planes:
    """Puts the nearest object in front and averages the rays of each pixel."""
    reach = torch.stack([layer.reach for layer in layers])  # [N, rays]
    front = (reach <= reach.amin(dim=0, keepdim=True)) & reach.isfinite()
    weights = torch.stack([layer.weight for layer in layers]) * front
    own = (torch.stack([layer.own for layer in layers]) * front[:, None]).sum(dim=0)  # [3, rays]
    depth = torch.stack([layer.depth for layer in layers]).nan_to_num(posinf=0).mul(front).sum(dim=0, keepdim=True)
    planes = torch.cat([weights, own, depth, front.float()])
    planes = planes.reshape(len(planes), size, supersampling, size, supersampling).mean(dim=(2, 4))
    weights, own, depth, coverage = planes.split([len(layers), 3, 1, len(layers)])
    covered = coverage.sum(dim=0)
    free = 1 - covered
    return Planes(
        weights=weights,
        own=own + (white * free)[None],
        ground=ground * free,
        coverage=coverage,
        depth=torch.where(covered > 0, depth[0] / covered, torch.inf),
    )
