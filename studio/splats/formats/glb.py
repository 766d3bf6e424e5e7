"""A splat as a GLB file for mesh tools: its approximate surface with vertex colours, y up.

The recipe, the camera and the word "approximate" are in the extras.

Source: Khronos, glTF 2.0 specification, sections 3 and 4.4 (GLB); KHR_materials_unlit.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from studio.recipe import APP_VERSION
from studio.splats.mesh import RESOLUTION, Mesh, mesh_of
from studio.splats.metadata import KEYWORD, values_about
from studio.splats.splat import Splat

NOTE = "Approximate: the surface of a Gaussian splat, which is soft, and whose colours hold the light it was seen in."
_FLOAT, _UINT, _USHORT = 5126, 5125, 5123
_ARRAY, _ELEMENTS = 34962, 34963
_JSON, _BIN = 0x4E4F534A, 0x004E4942


def write_glb(splat: Splat, resolution: int = RESOLUTION) -> bytes:
    """A GLB file with one mesh in world coordinates; glTF's y is up and its front is +z, as here.

    Args:
        resolution: cells along the longest side of the splat; see `mesh.mesh_of`.

    Raises:
        BadSplat: the splat is too thin to have a surface.
    """
    mesh = mesh_of(splat, resolution)
    about = values_about(splat, "+y")
    body, views, accessors = _packed(mesh)
    document = {
        "asset": {"version": "2.0", "generator": f"Diorama {APP_VERSION}", "extras": {KEYWORD: about, "note": NOTE}},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": (splat.recipe.title if splat.recipe else "") or "splat"}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2},
                        "indices": 3,
                        "material": 0,
                        "mode": 4,
                    }
                ],
                "extras": {"note": NOTE},
            }
        ],
        "materials": [
            {
                "name": "as seen",
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "extensionsUsed": ["KHR_materials_unlit"],
        "buffers": [{"byteLength": len(body)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(body), _BIN) + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _packed(mesh: Mesh) -> tuple[bytes, list[dict[str, Any]], list[dict[str, Any]]]:
    """The arrays one after the other, and the buffer views and accessors; all end at multiples of 4."""
    colours = np.ones((len(mesh.colours), 4))
    colours[:, :3] = _linear(mesh.colours)
    arrays = (
        (mesh.corners.astype("<f4"), _FLOAT, "VEC3", _ARRAY),
        (mesh.normals.astype("<f4"), _FLOAT, "VEC3", _ARRAY),
        (np.rint(colours * 65_535).astype("<u2"), _USHORT, "VEC4", _ARRAY),
        (mesh.triangles.reshape(-1).astype("<u4"), _UINT, "SCALAR", _ELEMENTS),
    )
    body, views, accessors = b"", [], []
    for array, component, kind, target in arrays:
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": array.nbytes, "target": target})
        accessor = {"bufferView": len(accessors), "componentType": component, "count": len(array), "type": kind}
        if component == _USHORT:
            accessor["normalized"] = True
        if not accessors:  # positions must have bounds
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        accessors.append(accessor)
        body += array.tobytes()
    return body, views, accessors


def _linear(colours: np.ndarray) -> np.ndarray:
    """sRGB colours as the linear ones that glTF wants. Source: IEC 61966-2-1 (sRGB)."""
    values = np.clip(colours.astype(np.float64), 0, 1)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
