"""The door for uploads: every kind of picture becomes plain pixels, everything else one sentence, and nothing warns."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.errors import BadPicture, TooLarge
from studio.intake import MAX_BYTES, read_picture
from tests.studio.pictures_in import (
    GREY,
    GREY_ALPHA,
    RGB,
    RGBA,
    SIGNATURE,
    chunk,
    corners,
    exif,
    header,
    png,
    saved,
    with_chunks,
)

FORMATS = {"PNG": {}, "JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
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


def complaint(file: bytes) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(BadPicture) as caught:
        read_picture(file)
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Z].{20,200}\.", sentence), sentence
    return sentence


def assert_like(image: Image.Image, expected: Image.Image, tolerance: int = 0) -> None:
    assert (image.mode, image.size) == (expected.mode, expected.size)
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= tolerance


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


def swapped_profile() -> bytes:
    """sRGB with red and green exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = (profile.index(tag, 128) for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")


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


# --- what is not taken ------------------------------------------------------------------------------------------------


def test_an_empty_file_is_said():
    assert "is empty" in complaint(b"")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(TooLarge, match=r"has 100 MB; 100 MB is the most. Save it smaller"):
        read_picture(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(BadPicture, match=r"cannot be read: .* Choose another"):
            read_picture(path)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (saved(Image.new("P", (4, 4)), "GIF"), "a GIF"),
        (saved(Image.new("RGB", (4, 4)), "TIFF"), "a TIFF picture"),
        (saved(Image.new("RGB", (4, 4)), "BMP"), "a BMP picture"),
        (saved(Image.new("RGB", (16, 16)), "ICO"), "an icon"),
        (saved(Image.new("RGB", (16, 16)), "AVIF"), "an AVIF picture"),
        (saved(Image.new("RGB", (16, 16)), "JPEG2000"), "a JPEG 2000 picture"),
        (saved(Image.new("RGB", (4, 4)), "EPS"), "an EPS drawing"),
        (saved(Image.new("RGB", (4, 4)), "PDF"), "a PDF document"),
        (saved(Image.new("RGB", (4, 4)), "PPM"), "a Netpbm picture"),
        (saved(Image.new("RGB", (4, 4)), "DDS"), "a DDS texture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "an AVIF picture"),
        (b"8BPS\0\1" + bytes(20), "a Photoshop file"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "an SVG drawing"),
        (
            b'<?xml version="1.0"?>\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
            "an SVG drawing",
        ),
        (b"\xef\xbb\xbf<!-- made by hand -->\n<svg/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'<?xml version="1.0"?><rss/>', "an XML file"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"\x1f\x8b\x08" + bytes(40), "an archive"),
        (b"\0\0\0\x20ftypisom" + bytes(20), "a video"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound"),
        (b"MZ\x90\0", "a program"),
        (struct.pack("<Q", 80) + b'{"weight": {}}', "a model's weights"),
        (b"ply\nformat binary_little_endian 1.0\n", "a splat or mesh"),
        (b"hello", "a file of text"),
        ("Ein Bild von einem Fuchs, größer als sonst".encode("utf-16"), "a file of text"),
    ],
)
def test_what_it_seems_to_be_is_named(file: bytes, kind: str):
    sentence = complaint(file)
    assert f"seems to be {kind}" in sentence and "PNG" in sentence


@pytest.mark.parametrize("file", [b"\0" * 100, b"\xff\xd8", b"\x89PNG", b"\x00", random.Random(1).randbytes(500)])
def test_what_is_nothing_known_is_said(file: bytes):
    assert "no picture that Diorama can read" in complaint(file)


# --- sizes, from the header alone -------------------------------------------------------------------------------------


def jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG whose header says another size."""
    file = saved(corners(), "JPEG")
    at = file.index(b"\xff\xc0") + 5
    return file[:at] + struct.pack(">HH", height, width) + file[at + 4 :]


def webp_of(width: int, height: int) -> bytes:
    """A small WebP whose extended header says another size."""
    file = saved(corners(), "WEBP", exif=exif(1))
    at = file.index(b"VP8X") + 12
    return file[:at] + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3] + file[at + 6 :]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (SIGNATURE + header(6000, 7000) + chunk(b"IDAT", b"junk") + chunk(b"IEND", b""), "6000 x 7000 pixels, 42 mega"),
        (jpeg_of(6000, 7000), "6000 x 7000 pixels, 42 megapixels; 40 is the most"),
        (webp_of(6000, 7000), "6000 x 7000 pixels, 42 megapixels; 40 is the most"),
        (SIGNATURE + header(10**5, 10**5) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "100000 x 100000 pixels"),
        (SIGNATURE + header(70_000, 10) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "70000 x 10 pixels"),
        (SIGNATURE + header(0, 10) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "0 x 10 pixels"),
        (SIGNATURE + header(2**31 + 5, 10) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "2147483653 x 10 pixels"),
        (jpeg_of(0, 10), "0 x 10 pixels"),
        (webp_of(2**24, 2), "16777216 x 2 pixels"),
    ],
)
def test_a_size_is_refused_before_a_pixel_is_decoded(file: bytes, said: str):
    assert said in complaint(file)  # their pixels are junk: whoever decoded first would complain about that


def test_a_bomb_of_169_megapixels_in_half_a_megabyte_is_refused():
    pack = zlib.compressobj(9)
    row = bytes(1 + 13_000)
    pixels = b"".join([*(pack.compress(row) for _ in range(13_000)), pack.flush()])
    file = SIGNATURE + header(13_000, 13_000, 8, GREY) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    assert len(file) < 600_000
    assert "13000 x 13000 pixels, 169 megapixels" in complaint(file)


def test_a_picture_larger_than_its_header_says_does_not_grow():
    file = saved(Image.new("RGB", (2000, 2000)), "PNG")
    small = SIGNATURE + header(10, 10) + file[33:]
    with suppress(BadPicture):  # said to be damaged, which it is
        assert read_picture(small).image.size == (10, 10)


# --- animated, damaged, cut off ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_an_animation_is_said(format: str):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    file = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)
    assert "is animated" in complaint(file)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_cut_off_anywhere_is_said(format: str):
    noise = Image.frombytes("RGB", (40, 30), random.Random(5).randbytes(3600))
    file = saved(noise, format, exif=exif(6), icc_profile=swapped_profile(), **FORMATS[format])
    for length in range(20, len(file) - (2 if format == "JPEG" else 1), 7):
        assert re.search("cut off|damaged", complaint(file[:length])), length


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_ends_in_the_middle_of_its_pixels_is_cut_off(format: str):
    noise = Image.frombytes("RGB", (200, 150), random.Random(5).randbytes(90_000))
    file = saved(noise, format, **FORMATS[format])
    assert "is cut off" in complaint(file[: len(file) // 2])


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"PLTE", b"tRNS"])
def test_a_wrong_checksum_is_damage(kind: bytes):
    image = Image.new("P", (40, 40))
    image.putpalette(range(256))
    file = bytearray(saved(image, "PNG", transparency=3))
    at = file.index(kind)
    (length,) = struct.unpack(">I", file[at - 4 : at])
    file[at + 4 + length] ^= 1
    assert "is damaged" in complaint(bytes(file))


def test_a_wrong_checksum_of_a_text_loses_only_the_text():
    info = PngInfo()
    info.add_text("parameters", "a fox")
    file = saved(corners(), "PNG", pnginfo=info)
    assert read_picture(file).text == {"parameters": "a fox"}
    taken = read_picture(file.replace(b"a fox", b"a fax"))
    assert taken.text == {}
    assert_like(taken.image, corners())


def test_a_million_empty_chunks_are_damage():
    file = with_chunks(saved(corners(), "PNG"), chunk(b"tEXt", b"") * 250_000)
    assert re.search("cut off|damaged", complaint(file))


def test_a_jpeg_of_endless_scans_is_not_decoded():
    file = saved(corners(), "JPEG", progressive=True)
    assert read_picture(file).image.size == (48, 32)
    last = file.rindex(b"\xff\xda")
    comment = b"\xff\xfe\0\x06\xff\xd9\xff\xda"  # what stands in a remark does not count
    assert "is damaged" in complaint(file[:-2] + (comment + file[last:-2]) * 150 + file[-2:])
    assert read_picture(file[:-2] + comment * 150 + file[-2:]).image.size == (48, 32)


# --- bombs beside the pixels ------------------------------------------------------------------------------------------

BOMB = zlib.compress(bytes(50_000_000), 9)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"parameters\0\0" + BOMB),
        chunk(b"iTXt", b"diorama\0\1\0\0\0" + BOMB),
        chunk(b"iCCP", b"profile\0\0" + BOMB),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + BOMB),
        chunk(b"zTXt", b"parameters\0\0junk"),
        chunk(b"iTXt", b"diorama"),
        chunk(b"iTXt", b"diorama\0\x05\0\0\0x"),
        chunk(b"tEXt", b"parameters"),
        chunk(b"tEXt", b"parameters\0" + b"x" * 2_000_000),
        chunk(b"tEXt", b"x" * 100 + b"\0y"),
        chunk(b"eXIf", b"MM\0*" + b"\xff" * 1000),
        chunk(b"eXIf", exif(1)[6:] + bytes(10_000_000)),
    ],
)
def test_a_bomb_beside_the_pixels_does_not_matter(extra: bytes):
    taken = read_picture(with_chunks(saved(corners(), "PNG"), extra))
    assert taken.text == {}
    assert_like(taken.image, corners())


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(999_999), 9)),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(999_999), 9)),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(3_999_999), 9)),
    ],
)
def test_of_thousands_of_bombs_one_is_looked_at(extra: bytes):
    """15 GB and more unpacked, which would take minutes."""
    file = with_chunks(saved(corners(), "PNG"), extra * (60_000_000_000 // 4_000_000))
    assert_like(read_picture(file).image, corners())


def test_texts_are_kept_up_to_a_bound_all_together():
    texts = (b"parameters", b"prompt", b"invokeai_metadata", b"sd-metadata", b"Dream", b"diorama")
    extra = [chunk(b"tEXt", name + b"\0" + b"x" * 900_000) for name in texts]
    taken = read_picture(with_chunks(saved(corners(), "PNG"), *extra))
    assert 1_000_000 < sum(map(len, taken.text.values())) <= 4_000_000


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_exif_of_ten_megabytes_still_turns_the_picture(format: str):
    long = exif(6) + random.Random(2).randbytes(10_000_000)
    stored = corners().transpose(Image.Transpose.ROTATE_90)
    file = saved(stored, "WEBP", exif=long, lossless=True)
    if format == "PNG":  # a chunk of more than a megabyte is not read at all
        file = with_chunks(saved(stored, "PNG"), chunk(b"eXIf", long[6:]))
    expected = stored if format == "PNG" else corners()
    assert_like(read_picture(file).image, expected)


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
    ],
)
def test_texts_are_found_in_exif_comments(format: str, comment: bytes):
    taken = read_picture(saved(corners(), format, exif=exif(1, comment)))
    assert taken.text == {"parameters": "a fox, 狐\nSteps: 4"}


def test_comfyuis_graph_is_found_in_a_webp():
    tags = {0x0110: 'prompt:{"1": {}}', 0x010F: 'workflow:{"nodes": []}'}
    assert read_picture(saved(corners(), "WEBP", exif=exif(1, tags=tags))).text == {"prompt": '{"1": {}}'}


# --- fuzz -------------------------------------------------------------------------------------------------------------


def rich(format: str) -> bytes:
    """A small file with everything in it that is parsed."""
    extras = {"exif": exif(6, b"UNICODE\0" + "a fox".encode("utf-16-be")), "icc_profile": swapped_profile()}
    image = corners().resize((12, 8))
    if format != "PNG":
        return saved(image, format, **extras)
    info = PngInfo()
    info.add_text("parameters", "a fox\nSteps: 4", zip=True)
    info.add_itxt("diorama", "{}", zip=True)
    return saved(image.convert("P"), "PNG", pnginfo=info, transparency=1, **extras)


RICH = {format: rich(format) for format in FORMATS}


@pytest.mark.parametrize("format", FORMATS)
def test_no_damage_gets_past_the_door_or_breaks_it(format: str):
    whole = RICH[format]
    places = st.integers(0, len(whole))

    @given(st.lists(st.tuples(places, st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=6), places)
    def try_it(changes: list[tuple[int, bytes, int]], length: int) -> None:
        file = whole
        for at, noise, lost in changes:
            file = file[:at] + noise + file[at + lost :]
        for one in (file, file[:length]):
            try:
                taken = read_picture(one)
            except BadPicture:
                continue
            assert taken.image.mode in ("RGB", "RGBA") and taken.image.info == {}
            taken.image.load()

    try_it()


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"zTXt", b"iTXt", b"IDAT"])
def test_no_chunk_with_a_right_checksum_breaks_the_door(kind: bytes):
    whole = RICH["PNG"]
    at = whole.index(kind) - 4
    (length,) = struct.unpack(">I", whole[at : at + 4])
    body = whole[at + 8 : at + 8 + length]

    @given(st.integers(0, length), st.binary(max_size=8), st.integers(0, 8))
    def try_it(place: int, noise: bytes, lost: int) -> None:
        changed = chunk(kind, body[:place] + noise + body[place + lost :])
        with suppress(BadPicture):
            read_picture(whole[:at] + changed + whole[at + 12 + length :]).image.load()

    try_it()


@given(st.binary(max_size=300))
def test_no_bytes_break_the_door(file: bytes):
    for start in (b"", SIGNATURE, b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", SIGNATURE + header(8, 8)):
        with pytest.raises(BadPicture):
            read_picture(start + file)


def test_taken_pictures_can_be_opened_again():
    for format in FORMATS:
        buffer = io.BytesIO(saved(read_picture(RICH[format]).image, "PNG"))
        with Image.open(buffer) as image:
            image.load()
