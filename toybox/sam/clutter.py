"""Clutter: random pictures of one to twelve things on a background, and which pixel belongs to what.

Things overlap, have parts of other colours, cast shadows, come in groups, and are drawn in several styles, from line
drawings to surfaces with the statistics of photographs.
"""

import io
import math
from typing import Literal, NamedTuple, get_args

import numpy as np
from PIL import Image, ImageFilter

from toybox.sam.fills import Fields, sample_colour, sample_colours, sample_fill
from toybox.sam.outlines import Outline, Placement, Split, raster, sample_outline, sample_placement

MOST_REGIONS = 64
Style = Literal["anything", "plain", "line", "portrait"]

_STYLES: tuple[Style, ...] = get_args(Style)
_STYLE_SHARES = (0.52, 0.18, 0.08, 0.22)
_MOST_THINGS = 12


class Clutter(NamedTuple):
    """A picture and its labels.

    Attributes:
        image: HWC uint8 RGB, [0, 255].
        regions: HW uint8, the smallest part a pixel belongs to; 0 is the background.
        things: (64,) uint8, the thing each region belongs to; 0 for the background.
        groups: (64,) uint8, the group of equal things each region belongs to; 0 for none.
        is_part: (64,) bool, whether the region can be selected without the rest of its thing.
    """

    image: np.ndarray
    regions: np.ndarray
    things: np.ndarray
    groups: np.ndarray
    is_part: np.ndarray


class Look(NamedTuple):
    """How a thing is painted.

    Attributes:
        outline: of its body.
        border: width of the line around it in pixels; 0 for none.
        split: of its fills.
        seed: things with the same seed have the same colours and pattern.
    """

    outline: Outline
    border: float
    split: Split
    seed: int


def sample_clutter(rng: np.random.Generator, fields: Fields, size: int, split: Split = "train") -> Clutter:
    """Draws a picture.

    Args:
        rng: the same state gives the same picture.
        fields: source of noise.
        size: height and width in pixels.
        split: in a held-out picture, every thing has an outline or a fill that no training picture shows.
    """
    style = _STYLES[rng.choice(len(_STYLES), p=_STYLE_SHARES)]
    painter = _Painter(rng, fields, size, style, split)
    painter.paint_background()
    few = style == "portrait" or rng.random() < 0.2
    count = int(rng.integers(1, 3) if few else rng.integers(2, _MOST_THINGS + 1))
    for _ in range(count):
        room = 0.24 if count <= 2 else 0.34 / math.sqrt(count)
        radius = size * float(np.clip(room * math.exp(rng.normal(0, 0.4)), 0.04, 0.4))
        if not few and rng.random() < 0.12:
            painter.paint_group(radius * 0.7)
        else:
            margin = min(0.3, radius / size) if few else 0.02
            painter.paint_thing(size * rng.uniform(margin, 1 - margin, 2), radius)
    return painter.finish()


class _Painter:
    """A picture that is painted from back to front."""

    def __init__(self, rng: np.random.Generator, fields: Fields, size: int, style: Style, split: Split) -> None:
        self.rng, self.fields, self.size, self.style, self.split = rng, fields, size, style, split
        self.image = np.zeros((size, size, 3), np.float32)
        self.regions = np.zeros((size, size), np.uint8)
        self.things = np.zeros(MOST_REGIONS, np.uint8)
        self.groups = np.zeros(MOST_REGIONS, np.uint8)
        self.is_part = np.zeros(MOST_REGIONS, bool)
        self.region_count, self.thing_count, self.group_count = 1, 0, 0
        self.has_shadows = style in ("anything", "portrait") and rng.random() < 0.5
        self.shadow_shift = rng.normal(0, 0.02, 2) * size
        has_borders = rng.random() < {"anything": 0.2, "plain": 0.5, "line": 1.0, "portrait": 0.1}[style]
        self.border_width = 1.6 * has_borders
        self.paper = np.clip(rng.choice((1.0, 0.95, rng.uniform(0, 1))) + rng.normal(0, 0.02, 3), 0, 1)

    def paint_background(self) -> None:
        """One surface, or sometimes two that meet at a horizon; both are the same background."""
        rng, size = self.rng, self.size
        if self.style == "line" or (self.style == "plain" and rng.random() < 0.5):
            self.image[:] = self.paper
            return
        self.image[:] = self._surface(self.image, size, sample_colour(rng), rng, "train")
        if rng.random() < 0.2:
            row = int(size * rng.uniform(0.25, 0.8))
            floor = self.image[row:]
            floor[:] = self._surface(floor, size, self.image[row].mean(axis=0), rng, "train")

    def paint_group(self, radius: float) -> None:
        """Two to five things with the same look, close together."""
        look = self._look()
        self.group_count += 1
        middle = self.size * self.rng.uniform(0.15, 0.85, 2)
        angle, count = self.rng.uniform(0, 6.3), int(self.rng.integers(2, 6))
        along = np.array([math.cos(angle), math.sin(angle)]) * radius * self.rng.uniform(1.3, 2.2)
        for index in range(count):
            centre = middle + along * (index - count / 2) + self.rng.normal(0, 0.15 * radius, 2)
            first = self.region_count
            self._paint(look, sample_placement(self.rng, centre, radius))
            self.groups[first : self.region_count] = self.group_count

    def paint_thing(self, centre: np.ndarray, radius: float) -> None:
        """One thing, with or without extra parts."""
        placement = sample_placement(self.rng, centre, radius)
        attached = self.rng.random() < 0.2
        self._paint(self._look(), placement)
        share = {"anything": 0.35, "plain": 0.4, "line": 0.3, "portrait": 0.7}[self.style]
        if self.rng.random() < share:
            body = self.region_count - 1
            for _ in range(int(self.rng.integers(1, 5))):
                self._paint_piece(body, placement, attached)
            self.is_part[body] = attached

    def finish(self) -> Clutter:
        """Applies light, blur, noise and compression to the whole picture."""
        rng, image = self.rng, self.image
        if self.style in ("anything", "portrait") and rng.random() < 0.35:
            light = self.fields.cut(rng, self.size, self.size, smooth=True) * rng.uniform(0.03, 0.12)
            image = image * np.exp(light)[..., None]
        if rng.random() < 0.4:
            image = image + rng.normal(0, rng.uniform(0.004, 0.04), image.shape)
        picture = Image.fromarray((np.clip(image, 0, 1) * 255).round().astype(np.uint8))
        if rng.random() < 0.25:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.3)))
        if rng.random() < 0.25:
            packed = io.BytesIO()
            picture.save(packed, "JPEG", quality=int(rng.integers(25, 85)))
            picture = Image.open(packed)
        return Clutter(np.array(picture), self.regions, self.things, self.groups, self.is_part)

    def _look(self) -> Look:
        rng = self.rng
        unseen = 0 if self.split == "train" else int(rng.integers(1, 4))
        outline_split: Split = "held out" if unseen & 1 else "train"
        fill_split: Split = "held out" if unseen & 2 else "train"
        border = self.border_width * math.exp(rng.normal(0, 0.35)) * self.size / 256
        return Look(sample_outline(rng, outline_split), border, fill_split, int(rng.integers(2**31)))

    def _paint(self, look: Look, placement: Placement) -> None:
        """Paints a new thing as one region."""
        box, cover, border = raster(look.outline, placement, self.size, look.border)
        if box.is_empty or self.region_count == MOST_REGIONS:
            return
        if self.has_shadows:
            self._throw_shadow(look, placement)
        self.thing_count += 1
        part = box.rows_and_columns
        under = self.image[part]
        colours = np.random.default_rng(look.seed)
        surface = self._surface(under, placement.radius, under.mean(axis=(0, 1)), colours, look.split)
        self._lay(part, cover, surface, border)
        self._claim(part, cover, self.thing_count)

    def _paint_piece(self, body: int, placement: Placement, attached: bool) -> None:
        """Paints a part of the last thing: a patch on its body, or a limb that sticks out."""
        rng = self.rng
        if self.region_count == MOST_REGIONS:
            return
        reach = 1.0 if attached else 0.55
        centre = placement.centre + placement.matrix @ rng.uniform(-reach, reach, 2)
        spot = sample_placement(rng, centre, placement.radius * rng.uniform(0.15, 0.5))
        box, cover, border = raster(sample_outline(rng, "train"), spot, self.size, self.border_width)
        if box.is_empty:
            return
        part = box.rows_and_columns
        if not attached:
            inside = np.isin(self.regions[part], np.flatnonzero(self.things == self.things[body]))
            cover, border = cover * inside, border * inside
        under = self.image[part]
        surface = self._surface(under, spot.radius, under.mean(axis=(0, 1)), rng, "train")
        self._lay(part, cover, surface, border)
        self.is_part[self.region_count] = True
        self._claim(part, cover, int(self.things[body]))

    def _surface(
        self, under: np.ndarray, scale: float, beneath: np.ndarray, rng: np.random.Generator, split: Split
    ) -> np.ndarray:
        """The surface of a thing in front of these pixels, HW3."""
        shape = (under.shape[0], under.shape[1])
        colours = sample_colours(rng, beneath)
        if self.style in ("plain", "line") and rng.random() < 0.85 and split == "train":
            return np.broadcast_to(colours[0], under.shape)
        surface = sample_fill(rng, shape, scale, colours, self.fields, split)
        if self.style != "plain" and rng.random() < 0.5:
            x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
            y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
            slope = rng.normal(0, 0.25, 2)
            round_off = rng.choice((0, 0.25)) * (x * x + y * y)
            surface = surface * np.clip(1 + slope[0] * x + slope[1] * y - round_off, 0.2, 1.5)[..., None]
        return surface

    def _lay(self, part: tuple[slice, slice], cover: np.ndarray, surface: np.ndarray, border: np.ndarray) -> None:
        ink = np.float32(0.08) if self.paper.mean() > 0.4 else np.float32(0.95)
        if self.style == "line" and border.max() == 0:
            surface = np.broadcast_to(ink, surface.shape)
        elif self.style == "line" and self.rng.random() < 0.7:
            surface = np.broadcast_to(self.paper.astype(np.float32), surface.shape)
        drawn = surface + (ink - surface) * border[..., None]
        self.image[part] += (drawn - self.image[part]) * cover[..., None]

    def _claim(self, part: tuple[slice, slice], cover: np.ndarray, thing: int) -> None:
        self.regions[part][cover >= 0.5] = self.region_count
        self.things[self.region_count] = thing
        self.region_count += 1

    def _throw_shadow(self, look: Look, placement: Placement) -> None:
        shifted = placement._replace(centre=placement.centre + self.shadow_shift)
        box, cover, _ = raster(look.outline, shifted, self.size)
        if box.is_empty:
            return
        shade = np.zeros((self.size, self.size), np.uint8)
        shade[box.rows_and_columns] = cover * 255
        soft = Image.fromarray(shade).filter(ImageFilter.GaussianBlur(self.size * self.rng.uniform(0.004, 0.025)))
        self.image *= 1 - self.rng.uniform(0.2, 0.5) * np.asarray(soft, np.float32)[..., None] / 255
