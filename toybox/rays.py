"""Sphere tracing: where rays hit an object of the toy world, how it is lit there and what shadow it casts."""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from toybox.shapes import SHAPES, Shape
from toybox.words import Kind

_MOST_STEPS, _STEPS_BETWEEN_SORTING = 44, 4
_TOUCH = 0.0015
_SHADOW_STEPS, _SHADOW_SHARPNESS, _SHADOW_REACH = 16, 7.0, 1.6
_AMBIENT, _DIRECT, _GLOSS, _GLOSS_EXPONENT = 0.5, 0.66, 0.3, 36
_TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


class Placed(Protocol):
    """What this module needs to know about an object; see `toybox.world.Thing`."""

    @property
    def kind(self) -> Kind: ...
    @property
    def x(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def yaw_deg(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def lift(self) -> float: ...


class Rays(NamedTuple):
    """Rays of a square picture from one point.

    Attributes:
        origin: (3,) world coordinates.
        towards: (rays, 3) unit vectors.
        axial: (rays,) how far along the viewing axis a ray gets per unit.
        size: rays along each side.
    """

    origin: Tensor
    towards: Tensor
    axial: Tensor
    size: int


class Layer(NamedTuple):
    """One object as all rays see it, without its colour.

    Attributes:
        reach: (rays,) distance along the ray, infinite where it misses.
        depth: (rays,) distance along the viewing axis, infinite where it misses.
        weight: (rays,) how strongly the colour of the object shows.
        own: (3, rays) highlights and parts with a fixed colour.
    """

    reach: Tensor
    depth: Tensor
    weight: Tensor
    own: Tensor


def trace(thing: Placed, rays: Rays, towards_light: Tensor) -> Layer:
    """Traces the rays to one object and shades it."""
    shape = SHAPES[thing.kind]
    origin, towards, light = (
        _into_frame(thing, rays.origin, is_point=True),
        _into_frame(thing, rays.towards, is_point=False),
        _into_frame(thing, towards_light, is_point=False),
    )
    index, start, end = _near_sphere(origin, towards, shape)
    towards = towards[index]
    reach = _march(origin, towards, start, end, shape)
    hit = reach.isfinite().nonzero().squeeze(dim=1)
    index, towards, reach = index[hit], towards[hit], reach[hit]
    weight, own = _light(origin + towards * reach[:, None], towards, light, shape, scale=thing.scale)
    count = len(rays.towards)
    layer = Layer(
        reach=torch.full((count,), torch.inf),
        depth=torch.full((count,), torch.inf),
        weight=torch.zeros(count),
        own=torch.zeros(3, count),
    )
    layer.reach[index] = reach * thing.scale
    layer.depth[index] = reach * thing.scale * rays.axial[index]
    layer.weight[index] = weight
    layer.own[:, index] = own
    return layer


def cast_shadow(thing: Placed, floor: Tensor, towards_light: Tensor) -> Tensor:
    """How much light one object lets through to points on the floor.

    Args:
        thing: the object that casts the shadow.
        floor: (points, 3) world coordinates.
        towards_light: (3,) unit vector.

    Returns:
        (points,) in [0, 1], with a soft edge, and darker where the object touches the floor.
    """
    shape = SHAPES[thing.kind]
    light = torch.ones(len(floor))
    points = _into_frame(thing, floor, is_point=True)
    direction = _into_frame(thing, towards_light, is_point=False)
    middle = torch.tensor([0.0, shape.middle, 0.0])
    along = ((middle - points) @ direction).clamp_min(0)
    passing = (points + along[:, None] * direction - middle).norm(dim=1)
    index = (passing < shape.radius * 1.35).nonzero().squeeze(dim=1)
    if len(index) == 0:
        return light
    px, py, pz = points[index].unbind(dim=1)
    dx, dy, dz = direction.tolist()
    rim = 0.72 + 0.28 * (_distance(shape, px, py, pz) / 0.22).clamp(0, 1)
    travelled = torch.full((len(index),), 0.02)
    open_sky = torch.ones(len(index))
    for _ in range(_SHADOW_STEPS):
        near = _distance(shape, px + dx * travelled, py + dy * travelled, pz + dz * travelled)
        open_sky = torch.minimum(open_sky, (_SHADOW_SHARPNESS * near / travelled).clamp(0, 1))
        travelled += near.clamp(0.03, _SHADOW_REACH / 6)
    light[index] = open_sky * rim
    return light


def _into_frame(thing: Placed, vectors: Tensor, *, is_point: bool) -> Tensor:
    """World coordinates (..., 3) in the object's frame; points are unscaled, directions keep their length."""
    yaw = math.radians(thing.yaw_deg)
    turn = torch.tensor([[math.cos(yaw), 0.0, -math.sin(yaw)], [0.0, 1.0, 0.0], [math.sin(yaw), 0.0, math.cos(yaw)]])
    if is_point:
        vectors = (vectors - torch.tensor([thing.x, thing.lift, thing.z])) / thing.scale
    return vectors @ turn.T


def _distance(shape: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    nearest = shape.parts[0].distance(x, y, z)
    for part in shape.parts[1:]:
        nearest = torch.minimum(nearest, part.distance(x, y, z))
    return nearest


def _near_sphere(origin: Tensor, towards: Tensor, shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Which rays hit the bounding sphere, and where they enter and leave it."""
    offset = origin - torch.tensor([0.0, shape.middle, 0.0])
    along = towards @ offset
    inside = along * along - (offset @ offset) + shape.radius**2
    root = inside.clamp_min(0).sqrt()
    index = ((inside > 0) & (root > along)).nonzero().squeeze(dim=1)
    return index, (-along - root)[index].clamp_min(0), (-along + root)[index]


def _march(origin: Tensor, towards: Tensor, start: Tensor, end: Tensor, shape: Shape) -> Tensor:
    """Distance at which each ray hits the shape, infinite where it leaves the bounding sphere first."""
    found = torch.full_like(start, torch.inf)
    index = torch.arange(len(start))
    reach, ends = start.clone(), end
    dx, dy, dz = (part.contiguous() for part in towards.unbind(dim=1))
    ox, oy, oz = origin.tolist()
    for step in range(1, _MOST_STEPS + 1):
        near = _distance(shape, ox + dx * reach, oy + dy * reach, oz + dz * reach)
        reach = reach + near
        if step % _STEPS_BETWEEN_SORTING == 0:
            touched = near < _TOUCH
            found[index[touched]] = reach[touched]
            kept = ((~touched) & (reach < ends)).nonzero().squeeze(dim=1)
            index, reach, ends = index[kept], reach[kept], ends[kept]
            dx, dy, dz = dx[kept], dy[kept], dz[kept]
            if len(index) == 0:
                break
    return found


def _light(points: Tensor, towards: Tensor, light: Tensor, shape: Shape, *, scale: float) -> tuple[Tensor, Tensor]:
    """Shading: the weight of the object's colour (points,) and what is added to it (3, points)."""
    x, y, z = points.unbind(dim=1)
    distances = torch.stack([part.distance(x, y, z) for part in shape.parts])
    part_index = distances.argmin(dim=0)
    step = 0.004
    normal = torch.zeros_like(points)
    for corner in _TETRAHEDRON:
        near = _distance(shape, x + corner[0] * step, y + corner[1] * step, z + corner[2] * step)
        normal += near[:, None] * torch.tensor(corner)
    normal = torch.nn.functional.normalize(normal, dim=1)
    direct = (normal @ light).clamp_min(0)
    near_floor = 0.62 + 0.38 * (y * scale / 0.3).clamp(0, 1)
    lit = _AMBIENT * (0.55 + 0.45 * normal[:, 1]) * near_floor + _DIRECT * direct
    halfway = torch.nn.functional.normalize(light - towards, dim=1)
    gloss = _GLOSS * (normal * halfway).sum(dim=1).clamp_min(0) ** _GLOSS_EXPONENT
    shows_colour = torch.tensor([part.rgb is None for part in shape.parts])[part_index]
    part_rgb = torch.tensor([part.rgb or (0.0, 0.0, 0.0) for part in shape.parts])[part_index]
    own = part_rgb.T * lit + gloss  # [3, points]
    return lit * shows_colour, own
