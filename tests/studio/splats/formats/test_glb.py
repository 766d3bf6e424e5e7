"""Splats in GLB files (KHR_gaussian_splatting), as the extension and its drafts have them, and files that lie."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studio.splats.any_format import read_splat
from studio.splats.formats.glb import write_glb
from studio.splats.formats.spz import write_spz
from studio.splats.splat import SH_C0, Pose, Splat
from studio.splats.transform import placed
from tests.studio.splats_in import assert_same, assert_sound, complaint, some
from tests.studio.turning_fake import ball

EXTENSION = "KHR_gaussian_splatting"
KINDS = {"f4": 5126, "u1": 5121, "u2": 5123, "i1": 5120, "i2": 5122}
Values = dict[str, Any]


def glb(document: Values, body: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(body), 0x004E4942) + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def scene(attributes: dict[str, np.ndarray], extension: Values, **node: Any) -> tuple[Values, bytes]:
    """A document with one primitive, and its numbers."""
    body, views, accessors = b"", [], []
    for array in attributes.values():
        kind = array.dtype.str[1:]
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": array.nbytes})
        shape = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[array.shape[1]]
        about = {"bufferView": len(accessors), "componentType": KINDS[kind], "count": len(array), "type": shape}
        accessors.append(about | ({} if kind == "f4" else {"normalized": True}))
        body += array.tobytes() + b"\0" * (-array.nbytes % 4)
    indexes = {name: index for index, name in enumerate(attributes)}
    primitive = {"attributes": indexes, "mode": 0, "extensions": {EXTENSION: dict(extension)}}
    return {
        "asset": {"version": "2.0"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [primitive]}],
        "buffers": [{"byteLength": len(body)}],
        "bufferViews": views,
        "accessors": accessors,
    }, body


def attributes(splat: Splat) -> dict[str, np.ndarray]:
    """As the extension names them."""
    values = {
        "ROTATION": splat.rotations[:, [1, 2, 3, 0]],
        "SCALE": splat.scales,
        "OPACITY": splat.opacities[:, None],
        "SH_DEGREE_0_COEF_0": (splat.colours - np.float32(0.5)) / np.float32(SH_C0),
    }
    if splat.sh_rest is not None:
        names = [f"SH_DEGREE_{degree}_COEF_{index}" for degree in (1, 2, 3) for index in range(2 * degree + 1)]
        values |= dict(zip(names, np.moveaxis(splat.sh_rest, 1, 0), strict=False))
    return {"POSITION": splat.positions} | {
        f"{EXTENSION}:{name}": np.ascontiguousarray(v) for name, v in values.items()
    }


ELLIPSE = {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_file_as_the_extension_has_it_is_read(degree: int):
    taken = read_splat(glb(*scene(attributes(some(30, degree=degree)), ELLIPSE)), "a.glb")
    assert (taken.format, taken.notes, taken.up) == ("glb", (), "y")
    assert_same(taken.splat, replace(some(30, degree=degree), pose=Pose()))


def test_a_file_as_the_first_draft_had_it_is_read():
    splat = some(30)
    colours = np.rint(np.concatenate([splat.colours, splat.opacities[:, None]], axis=1) * 255).astype("u1")
    named = {"POSITION": splat.positions, "_ROTATION": splat.rotations[:, [1, 2, 3, 0]], "_SCALE": splat.scales}
    file = glb(*scene(named | {"COLOR_0": colours}, {"quantizedPositionScale": 1.0}))
    assert_same(read_splat(file).splat, splat, colours=0.002, opacities=0.002)


def test_small_numbers_are_read():
    values = attributes(some(30))
    for name, kind, most in ((f"{EXTENSION}:OPACITY", "u2", 65_535), (f"{EXTENSION}:ROTATION", "i2", 32_767)):
        values[name] = np.rint(values[name] * most).astype(kind)
    values[f"{EXTENSION}:SCALE"] = np.rint(values[f"{EXTENSION}:SCALE"] * 255).astype("u1")
    assert_same(read_splat(glb(*scene(values, ELLIPSE))).splat, some(30), opacities=1e-4, rotations=1e-4, scales=0.003)


@pytest.mark.parametrize("name", [f"{EXTENSION}_compression_spz", f"{EXTENSION}_compression_spz_2"])
def test_splats_that_are_an_spz_file_inside_are_read(name: str):
    packed = write_spz(replace(some(30), pose=Pose()))
    document, _ = scene({}, ELLIPSE | {"extensions": {name: {"bufferView": 0}}})
    document["bufferViews"] = [{"buffer": 0, "byteLength": len(packed)}]
    assert_same(read_splat(glb(document, packed)).splat, read_splat(packed).splat, scales=0)


def test_nodes_turn_scale_and_move_what_hangs_below_them():
    splat, half = replace(some(30, degree=1), pose=Pose()), 0.5**0.5
    document, body = scene(
        attributes(splat), ELLIPSE, rotation=[half, 0, 0, half], scale=[2, 2, 2], translation=[1, 2, 3]
    )
    expected = placed(replace(splat, pose=Pose((half, half, 0, 0), 2.0, (1.0, 2.0, 3.0))))
    assert_same(read_splat(glb(document, body)).splat, expected, positions=1e-5, sh_rest=1e-5)
    document["nodes"][0] = {"children": [1], "matrix": [0, 2, 0, 0, -2, 0, 0, 0, 0, 0, 2, 0, 5, 0, 0, 1]}
    document["nodes"].append({"mesh": 0})
    expected = placed(replace(splat, pose=Pose((half, 0, 0, half), 2.0, (5.0, 0.0, 0.0))))
    assert_same(read_splat(glb(document, body)).splat, expected, positions=1e-5, sh_rest=1e-5)
    document["scenes"][0]["nodes"] = [0, 1]  # the same splats twice
    assert read_splat(glb(document, body)).splat.count == 60


def test_linear_colours_become_those_of_a_screen_and_are_told():
    values = attributes(replace(some(2, degree=1), colours=np.full((2, 3), 0.214, np.float32)))
    taken = read_splat(glb(*scene(values, {"kernel": "ellipse", "colorSpace": "lin_rec709_display"})))
    assert np.abs(taken.splat.colours - 0.5).max() < 0.002 and "are linear" in " ".join(taken.notes)


def test_a_band_that_is_not_complete_is_left_out_and_told():
    values = attributes(some(5, degree=2))
    del values[f"{EXTENSION}:SH_DEGREE_2_COEF_4"]
    taken = read_splat(glb(*scene(values, ELLIPSE)))
    assert taken.splat.sh_degree == 1 and "only its whole bands" in " ".join(taken.notes)


def test_a_mesh_is_named_for_what_it_is():
    for file in (write_glb(ball(300), 16), glb({"asset": {"version": "2.0"}})):
        assert "looks like a mesh (GLB)" in complaint(file)


def changed(edit: Callable[[Values], object]) -> bytes:
    document, body = scene(attributes(some(9)), ELLIPSE)
    edit(document)
    return glb(document, body)


LIES: dict[str, tuple[Callable[[Values], object], str]] = {
    "too many": (lambda d: d["accessors"][0].update(count=2**31), "declares 2,147,483,648 splats"),
    "more than there is": (lambda d: d["accessors"][0].update(count=10), "do not fit"),
    "other counts": (lambda d: d["accessors"][2].update(count=8), "SCALE does not fit"),
    "far away": (lambda d: d["bufferViews"][0].update(byteOffset=2**31), "cut off"),
    "negative": (lambda d: d["bufferViews"][0].update(byteOffset=-4), "lengths is not valid"),
    "a stride of 0": (lambda d: d["bufferViews"][0].update(byteStride=0), "do not fit"),
    "a huge stride": (lambda d: d["bufferViews"][0].update(byteStride=2**31), "do not fit"),
    "no such view": (lambda d: d["accessors"][0].update(bufferView=99), "bufferViews is missing"),
    "text for a number": (lambda d: d["accessors"][0].update(bufferView="0"), "bufferViews is missing"),
    "no such accessor": (lambda d: d["meshes"][0]["primitives"][0]["attributes"].update(POSITION=-1), "is missing"),
    "a matrix of nothing": (lambda d: d["nodes"][0].update(matrix=[0] * 16), "stretched or mirrored"),
    "a mirror": (lambda d: d["nodes"][0].update(scale=[-1, 1, 1]), "stretched or mirrored"),
    "stretched": (lambda d: d["nodes"][0].update(scale=[1, 2, 1]), "stretched or mirrored"),
    "endless": (lambda d: d["nodes"][0].update(children=[0]), "more than 200 parts"),
    "endless without splats": (lambda d: d["nodes"].__setitem__(0, {"children": [0, 0]}), "nodes and parts"),
    "compressed": (lambda d: d["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}), "are compressed"),
    "other splats": (
        lambda d: d["meshes"][0]["primitives"][0]["extensions"][EXTENSION].update(kernel="cone"),
        "of the kind 'cone'",
    ),
    "no rotations": (
        lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop(f"{EXTENSION}:ROTATION"),
        "have no ROTATION",
    ),
    "no primitives": (lambda d: d["meshes"].__setitem__(0, {"primitives": 7}), "looks like a mesh"),
    "sparse": (lambda d: d["accessors"][0].update(sparse={}), "unknown kind"),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_file_that_lies_is_refused_with_a_sentence(kind: str):
    edit, said = LIES[kind]
    sentence = complaint(changed(edit), 20)
    assert any(one in sentence for one in said.split("|")), sentence


def test_a_file_cut_off_anywhere_is_refused():
    data = changed(lambda document: None)
    for length in range(4, len(data) - 4, 61):
        complaint(data[:length])


def test_a_file_that_is_spoilt_somewhere_is_sound_or_refused():
    data, random = changed(lambda document: None), np.random.default_rng(5)
    for _ in range(150):
        spoilt = bytearray(data)
        spoilt[int(random.integers(12, len(data)))] = int(random.integers(256))
        try:
            splat = read_splat(bytes(spoilt)).splat
        except Exception as error:
            assert type(error).__name__ == "BadSplat", error
        else:
            assert_sound(splat)
