"""Gaussian splats in a GLB file, by glTF's extension KHR_gaussian_splatting, y up; reading only.

Source: Khronos, KHR_gaussian_splatting README (release candidate of 2026); its first draft (`_ROTATION`, `_SCALE`, and
colours with opacities in COLOR_0); KHR_gaussian_splatting_compression_spz of Cesium (the splats as an SPZ file).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.errors import BadSplat
from studio.splats.formats import spz
from studio.splats.formats.glb_reader import NO_SPLAT, GlbFile, Values, damaged
from studio.splats.sanitize import CheckedSplat, Columns, check_count, sound
from studio.splats.splat import SH_C0, SH_COUNTS, Pose, Splat
from studio.splats.transform import placed
from studio.validation import shown

_EXTENSION = "KHR_gaussian_splatting"
_MOST_PARTS = 200
_MOST_UNEVEN = 1e-3
"""Axis scales that differ by less count as equal."""
_LINEAR = "The colours of this file are linear; they were turned into those of a screen, the same from all sides."
_PARTIAL = "Some harmonics of this file are missing: only its whole bands were read."


def read_glb(data: bytes) -> CheckedSplat:
    """All splats of its scene as one.

    Raises:
        BadSplat: it has none, is damaged, or uses an unsupported variant.
    """
    file = GlbFile(data)
    splats: list[Splat] = []
    notes: dict[str, None] = {}
    for primitive, matrix in file.primitives():
        extension = _extension(primitive)
        if extension is None:
            continue
        part = _compressed(file, extension) or _plain(file, primitive, extension)
        splats.append(placed(replace(placed(part.splat), pose=_pose(matrix))))
        notes |= dict.fromkeys(part.notes)
        check_count(sum(one.count for one in splats), "GLB")
        if len(splats) > _MOST_PARTS:
            raise damaged(f"its splats are in more than {_MOST_PARTS:,} parts")
    if not splats:
        raise BadSplat(NO_SPLAT)
    return CheckedSplat(_joined(splats), tuple(notes))


def _extension(primitive: Values) -> Values | None:
    """A primitive's splat extension and the extensions of that; None if it has none."""
    extensions = primitive.get("extensions")
    if not isinstance(extensions, dict):
        return None
    named = {name: one for name, one in extensions.items() if isinstance(one, dict) and "gaussian_splat" in name}
    if not named:
        return None
    main = named.get(_EXTENSION, {})
    inner = main.get("extensions")
    return main | {"extensions": named | (inner if isinstance(inner, dict) else {})}


def _compressed(file: GlbFile, extension: Values) -> CheckedSplat | None:
    """The splats of a primitive stored as SPZ; None if they are not."""
    for name, one in extension["extensions"].items():
        if "compression" in name or "spz" in name:
            if "spz" not in name or not isinstance(one, dict):
                raise BadSplat(
                    f"This GLB file is compressed by {shown(name)}, which Diorama does not read. Export PLY."
                )
            return spz.read_spz(bytes(file.view(one.get("bufferView"))))
    return None


def _plain(file: GlbFile, primitive: Values, extension: Values) -> CheckedSplat:
    """The splats of a primitive stored in accessors."""
    kernel = extension.get("kernel", "ellipse")
    if kernel != "ellipse":
        raise BadSplat(
            f"This GLB file has splats of the kind {shown(kernel)}, which Diorama does not read. Export PLY."
        )
    accessors = primitive.get("attributes")
    named = {_plain_name(name): index for name, index in accessors.items()} if isinstance(accessors, dict) else {}
    missing = [name for name in ("POSITION", "ROTATION", "SCALE") if name not in named]
    if missing:
        raise damaged(f"its splats have no {missing[0]}")
    positions = file.numbers(named["POSITION"])
    count = len(positions)

    def read(name: str, width: int) -> np.ndarray:
        values = file.numbers(named[name])
        if values.shape != (count, width) and not (name == "COLOR_0" and values.shape == (count, 3)):
            raise damaged(f"its {name} does not fit its splats")
        return values

    fallback = read("COLOR_0", 4) if "COLOR_0" in named else np.ones((count, 4), np.float32)
    has_harmonics = "SH_DEGREE_0_COEF_0" in named
    colours = read("SH_DEGREE_0_COEF_0", 3) * np.float32(SH_C0) + 0.5 if has_harmonics else fallback[:, :3]
    opacities = read("OPACITY", 1)[:, 0] if "OPACITY" in named else np.append(fallback, np.ones((count, 1)), 1)[:, 3]
    bands = [[f"SH_DEGREE_{degree}_COEF_{index}" for index in range(2 * degree + 1)] for degree in (1, 2, 3)]
    whole = next((at for at, band in enumerate(bands) if not set(band) <= named.keys()), len(bands))
    notes = (_PARTIAL,) if any(name in named for band in bands[whole:] for name in band) else ()
    rest = [read(name, 3) for band in bands[:whole] for name in band]
    if str(extension.get("colorSpace", "")).lower().startswith("lin"):
        notes, colours, rest = (*notes, _LINEAR), _of_a_screen(colours), []
    taken = sound(
        Columns(
            positions=read("POSITION", 3),
            scales=np.abs(read("SCALE", 3)),
            rotations=read("ROTATION", 4)[:, [3, 0, 1, 2]],
            opacities=opacities.astype(np.float32),
            colours=colours.astype(np.float32),
            sh_rest=np.stack(rest, axis=1) if rest else None,
        ),
        Pose(),
    )
    return CheckedSplat(taken.splat, (*notes, *taken.notes))


def _plain_name(name: str) -> str:
    """The name of an attribute without its extension prefix."""
    return name.removeprefix(f"{_EXTENSION}:").removeprefix("_")


def _of_a_screen(colours: np.ndarray) -> np.ndarray:
    """Linear colours as sRGB. Source: IEC 61966-2-1."""
    light = np.clip(colours, 0, None)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _pose(matrix: np.ndarray) -> Pose:
    """Raises BadSplat if it is more than a rotation, a uniform scale and a translation."""
    sides = np.linalg.norm(matrix[:3, :3], axis=0)
    scale = float(sides.mean())
    if not 0 < scale < np.inf or np.abs(sides / scale - 1).max() > _MOST_UNEVEN or np.linalg.det(matrix[:3, :3]) <= 0:
        raise BadSplat(
            "The splats of this GLB file are stretched or mirrored, which Diorama does not read. Export PLY."
        )
    x, y, z = (float(one) for one in matrix[:3, 3])
    return Pose(_quaternion(matrix[:3, :3] / scale), scale, (x, y, z))


def _quaternion(matrix: np.ndarray) -> tuple[float, float, float, float]:
    """The quaternion of a rotation matrix. Source: Bar-Itzhack (2000), "New Method for Extracting the Quaternion"."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    symmetric = np.array(
        (
            (a + e + i, h - f, c - g, d - b),
            (h - f, a - e - i, b + d, c + g),
            (c - g, b + d, e - a - i, f + h),
            (d - b, c + g, f + h, i - a - e),
        )
    )
    w, x, y, z = (float(one) for one in np.linalg.eigh(symmetric)[1][:, -1])
    return (1.0, 0.0, 0.0, 0.0) if abs(abs(w) - 1) < 1e-12 else (w, x, y, z)


def _joined(splats: list[Splat]) -> Splat:
    """One after the other; harmonics that only some have are 0 in the others."""
    if len(splats) == 1:
        return splats[0]
    each = SH_COUNTS[max(one.sh_degree for one in splats)]
    rest = np.zeros((sum(one.count for one in splats), each, 3), np.float32) if each else None
    start = 0
    for one in splats:
        if rest is not None and one.sh_rest is not None:
            rest[start : start + one.count, : one.sh_rest.shape[1]] = one.sh_rest
        start += one.count
    names = ("positions", "scales", "rotations", "opacities", "colours")
    return Splat(*(np.concatenate([getattr(one, name) for one in splats]) for name in names), sh_rest=rest)
