"""Decoding of uploads: every kind of picture becomes plain pixels, and nothing else of the file goes along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.intake.picture import read_picture
from tests.studio import wrapped
from tests.studio.pictures_in import (
    FORMATS,
    GREY,
    GREY_ALPHA,
    RGB,
    RGBA,
    assert_like,
    chunk,
    corners,
    exif,
    png,
    saved,
    swapped_profile,
    with_chunks,
)

UPRIGHT = {  # what a camera stores for each orientation of the same scene
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


# --- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_comes_in_as_it_is(format: str, tmp_path: Path):
    file = saved(corners(), format, **FORMATS[format])
    taken = read_picture(file)
    assert taken.format == format and taken.text == {}
    assert_like(taken.image, corners(), tolerance=6 if format == "JPEG" else 0)
    path = tmp_path / "picture.exe"  # the name does not matter
    path.write_bytes(file)
    assert read_picture(path) == taken


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (65_535, 1)])
def test_any_shape_comes_in(size: tuple[int, int]):
    assert read_picture(saved(Image.new("RGB", size), "PNG")).image.size == size


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", FORMATS)
def test_every_orientation_becomes_the_same_upright_picture(format: str, orientation: int):
    turn = UPRIGHT[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    file = saved(stored, format, exif=exif(orientation), **FORMATS[format])
    assert_like(read_picture(file).image, corners(), tolerance=6 if format == "JPEG" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int):
    assert_like(read_picture(saved(corners(), "PNG", exif=exif(orientation))).image, corners())


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_of_the_file_goes_along(format: str):
    options = FORMATS[format] | ({"comment": b"secret"} if format == "JPEG" else {})
    gps = exif(1, tags={0x8298: "secret"})
    image = read_picture(saved(corners(), format, exif=gps, xmp=b"<x>secret</x>", dpi=(300, 300), **options)).image
    assert image.info == {} and not image.getexif()
    assert b"secret" not in saved(image, "PNG")


def test_sixteen_bits_become_eight():
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16)
    grey = png(16, 16, 16, GREY, (ramp * 257).astype(">u2").tobytes())
    assert_like(read_picture(grey).image, Image.fromarray(ramp.astype(np.uint8)).convert("RGB"))
    colours = np.stack([ramp, ramp[::-1], ramp * 0], axis=-1)
    file = png(16, 16, 16, RGB, (colours * 257).astype(">u2").tobytes())
    assert_like(read_picture(file).image, Image.fromarray(colours.astype(np.uint8)))
    clear = np.concatenate([colours, ramp[..., None]], axis=-1)
    file = png(16, 16, 16, RGBA, (clear * 257).astype(">u2").tobytes())
    assert_like(read_picture(file).image, Image.fromarray(clear.astype(np.uint8)))


def test_ink_becomes_light():
    colours = corners()
    file = saved(colours.convert("CMYK"), "JPEG", quality=95, subsampling=0)
    assert_like(read_picture(file).image, colours, tolerance=8)


def test_a_palette_with_transparency_keeps_it():
    image = Image.new("P", (4, 2))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2, 0, 1, 2, 0, 1])
    taken = read_picture(saved(image, "PNG", transparency=b"\x00\x80\xff")).image
    assert taken.mode == "RGBA"
    assert [taken.getpixel((x, 0)) for x in range(3)] == [(255, 0, 0, 0), (0, 255, 0, 128), (0, 0, 255, 255)]
    assert read_picture(saved(image, "PNG")).image.mode == "RGB"


@pytest.mark.parametrize(
    ("depth", "colour", "rows", "key", "clear"),
    [
        (1, GREY, b"\x40", b"\0\1", 1),
        (1, GREY, b"\xb0", b"\0\0", 1),
        (2, GREY, b"\x20", b"\0\2", 1),
        (4, GREY, b"\x0f\x00", b"\0\x0f", 1),
        (8, GREY, b"\0\x09\0\0", b"\0\x09", 1),
        (16, GREY, b"\0\0\1\2\0\0\0\0", b"\1\2", 1),
        (8, RGB, b"\0\0\0\1\2\3\0\0\0\0\0\0", b"\0\1\0\2\0\3", 1),
        (16, RGB, bytes(6) + b"\1\1\2\2\3\3" + bytes(12), b"\1\1\2\2\3\3", 1),
    ],
)
def test_a_colour_that_means_clear_is_clear(depth: int, colour: int, rows: bytes, key: bytes, clear: int):
    image = read_picture(png(4, 1, depth, colour, rows, chunk(b"tRNS", key))).image
    assert image.mode == "RGBA"
    assert [image.getpixel((x, 0))[3] == 0 for x in range(4)] == [x == clear for x in range(4)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_grey_and_black_and_white_become_rgb(mode: str):
    image = corners().convert("L").point(lambda value: 255 * (value > 99)).convert(mode)
    expected = image.convert("RGB")
    assert_like(read_picture(saved(image, "PNG")).image, expected)  # what is opaque everywhere has no alpha


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_what_shows_through_is_kept(format: str):
    image = corners()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    assert_like(read_picture(saved(image, format, **options)).image, image)


def test_grey_with_alpha_keeps_it():
    image = read_picture(png(2, 1, 8, GREY_ALPHA, b"\x10\x80\x20\xff")).image
    assert [image.getpixel((x, 0)) for x in range(2)] == [(16, 16, 16, 128), (32, 32, 32, 255)]


def test_a_phones_file_of_two_pictures_gives_the_first():
    file = saved(corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (48, 32))], quality=95, subsampling=0)
    assert_like(read_picture(file).image, corners(), tolerance=6)


def test_html_around_a_picture_is_lost():
    html = b"<html><script>alert(1)</script></html>"
    file = with_chunks(saved(corners(), "PNG"), chunk(b"tEXt", b"Comment\0" + html)) + html
    taken = read_picture(file)
    assert_like(taken.image, corners())
    assert taken.text == {} and html not in saved(taken.image, "PNG")


# --- colours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_colours_mean_what_the_profile_says(format: str):
    red, green = (Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 255, 0)))
    file = saved(red, format, icc_profile=swapped_profile(), **FORMATS[format])
    assert_like(read_picture(file).image, green, tolerance=4)


def test_a_profile_leaves_the_alpha_alone():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 100))
    taken = read_picture(saved(image, "PNG", icc_profile=swapped_profile())).image
    assert_like(taken, Image.new("RGBA", (8, 8), (0, 255, 0, 100)), tolerance=4)


def test_srgb_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_like(read_picture(saved(corners(), "PNG", icc_profile=profile)).image, corners())


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "profile", [b"junk", bytes(200), swapped_profile()[:400], swapped_profile() + bytes(3_900_000)]
)
def test_a_profile_that_cannot_be_used_is_ignored(mode: str, profile: bytes):
    image = corners().convert(mode)
    file = saved(image, "JPEG", icc_profile=profile, quality=95, subsampling=0)
    assert read_picture(file).image.size == image.size


# --- texts ------------------------------------------------------------------------------------------------------------


def test_texts_are_found_in_every_kind_of_png_chunk():
    info = PngInfo()
    info.add_text("parameters", "ein Fuchs über dem Café", zip=True)
    info.add_itxt("prompt", "狐", zip=True)
    info.add_itxt("Dream", "狐")
    info.add_text("Comment", "not of interest")
    taken = read_picture(saved(corners(), "PNG", pnginfo=info))
    assert taken.text == {"parameters": "ein Fuchs über dem Café", "prompt": "狐", "Dream": "狐"}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + "a fox, 狐\nSteps: 4".encode("utf-16-be"),
        b"UNICODE\0" + "a fox, 狐\nSteps: 4".encode("utf-16-le"),
        b"ASCII\0\0\0" + "a fox, 狐\nSteps: 4".encode(),
        bytes(8) + "a fox, 狐\nSteps: 4".encode(),
        b"UNICODE\0" + "a fox, 狐\nSteps: 4".encode("utf-16"),  # with a byte order mark
        b"UNICODE\0\xfe\xff" + "a fox, 狐\nSteps: 4".encode("utf-16-be"),
        b"Unicode\0" + "a fox, 狐\nSteps: 4".encode(),
        b"JIS\0\0\0\0\0" + "a fox, 狐\nSteps: 4".encode("iso2022_jp"),
        "a fox, 狐\nSteps: 4".encode(),  # without the eight letters
        "\ufeffa fox, 狐\nSteps: 4".encode(),
        "a fox, 狐\nSteps: 4".encode("utf-16-be"),
        "a fox, 狐\nSteps: 4".encode("utf-16"),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("inner", [True, False], ids=["second folder", "first folder"])
def test_texts_are_found_in_exif_comments(format: str, comment: bytes, inner: bool):
    data = exif(1, comment) if inner else exif(1, tags={0x9286: comment})
    taken = read_picture(saved(corners(), format, exif=data))
    assert taken.text == {"parameters": "a fox, 狐\nSteps: 4"}


def test_comfyuis_graph_is_found_in_a_webp():
    tags = {0x0110: 'prompt:{"1": {}}', 0x010F: 'workflow:{"nodes": []}'}
    text = read_picture(saved(corners(), "WEBP", exif=exif(1, tags=tags))).text
    assert text == {"prompt": '{"1": {}}', "workflow": '{"nodes": []}'}


# --- containers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", wrapped.WHOLE)
def test_what_browsers_show_whole_is_taken(name: str):
    assert read_picture(wrapped.WHOLE[name]).image.size == (wrapped.WIDTH, wrapped.HEIGHT)


@pytest.mark.parametrize("ending", [b"", b"\xff", b"\xff\xff\xff"], ids=["none", "half", "half, padded"])
@pytest.mark.parametrize("name", wrapped.WITHOUT_END)
def test_a_jpeg_without_its_end_has_all_of_its_pixels(name: str, ending: bytes):
    whole, file = wrapped.WITHOUT_END[name]
    assert_like(read_picture(file + ending).image, read_picture(whole).image)


# --- photos of phones -------------------------------------------------------------------------------------------------


def of_size(size: tuple[int, int], format: str, **options: Any) -> bytes:
    """Four corners of a colour each, with so much of a pattern in them that a file of it is as long as a photo's."""
    noise = Image.effect_noise((512, 512), 90).convert("RGB")
    image = corners().resize(size, Image.Resampling.NEAREST)
    for left in range(0, size[0], 1024):
        for top in range(0, size[1], 1024):
            image.paste(noise, (left + 256, top + 256))
    return saved(image, format, **options)


@pytest.mark.parametrize(
    ("size", "format", "options", "shown"),
    [
        ((8001, 5001), "JPEG", {"exif": exif(6)}, (5000, 7999)),
        ((8064, 6048), "JPEG", {"quality": 50}, (7302, 5477)),
        ((16_384, 12_288), "JPEG", {"quality": 50}, (7302, 5477)),
        ((8064, 6048), "PNG", {"compress_level": 1}, (7302, 5477)),
    ],
    ids=["40 megapixels on end", "48 megapixels", "201 megapixels", "48 megapixels of PNG"],
)
def test_a_photo_that_is_too_large_is_made_smaller_and_told(
    size: tuple[int, int], format: str, options: dict[str, Any], shown: tuple[int, int]
):
    taken = read_picture(of_size(size, format, **options))
    assert taken.image.size == shown
    assert taken.was == (size if not options.get("exif") else size[::-1])
    expected = corners() if not options.get("exif") else corners().transpose(Image.Transpose.ROTATE_270)
    for x, y in ((8, 8), (shown[0] - 8, 8), (8, shown[1] - 8), (shown[0] - 8, shown[1] - 8)):
        place = x * expected.width // shown[0], y * expected.height // shown[1]
        assert (
            np.abs(
                np.subtract(np.asarray(taken.image)[y, x], np.asarray(expected)[place[1], place[0]], dtype=int)
            ).max()
            < 9
        )
