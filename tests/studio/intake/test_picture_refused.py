"""Validation of uploads: what is no picture, or not a whole or a harmless one, gets one sentence, and nothing warns."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.errors import BadPicture, TooLarge
from studio.intake.picture import MAX_BYTES, read_picture
from tests.studio import wrapped
from tests.studio.pictures_in import (
    FORMATS,
    GREY,
    SIGNATURE,
    assert_like,
    chunk,
    corners,
    exif,
    header,
    saved,
    swapped_profile,
    with_chunks,
)


def complaint(file: bytes) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(BadPicture) as caught:
        read_picture(file)
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Z].{20,200}\.", sentence), sentence
    return sentence


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
        (b"hello", "a text file"),
        ("Ein Bild von einem Fuchs, größer als sonst".encode("utf-16"), "a text file"),
    ],
)
def test_what_it_seems_to_be_is_named(file: bytes, kind: str):
    sentence = complaint(file)
    assert f"looks like {kind}" in sentence and "PNG" in sentence


@pytest.mark.parametrize("file", [b"\0" * 100, b"\xff\xd8", b"\x89PNG", b"\x00", random.Random(1).randbytes(500)])
def test_what_is_nothing_known_is_said(file: bytes):
    assert "cannot read this picture" in complaint(file)


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


def test_what_is_larger_than_any_phone_makes_is_refused():
    progressive = saved(Image.new("L", (8000, 8000)), "JPEG", progressive=True)  # decoded as a whole or not at all
    assert "8000 x 8000 pixels, 64 megapixels; 40 is the most" in complaint(progressive)
    file = jpeg_of(20_000, 15_000) + bytes(2_000_000)
    assert "20000 x 15000 pixels, 300 megapixels; 40 is the most" in complaint(file)


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


@pytest.mark.parametrize("name", wrapped.ANIMATED)
def test_several_frames_are_an_animation_however_they_are_stored(name: str):
    assert "is animated" in complaint(wrapped.ANIMATED[name])


@pytest.mark.parametrize("name", wrapped.BROKEN)
def test_what_browsers_show_in_part_is_said(name: str):
    assert re.search("cut off|damaged|cannot read", complaint(wrapped.BROKEN[name]))


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_cut_off_anywhere_is_said(format: str):
    noise = Image.frombytes("RGB", (40, 30), random.Random(5).randbytes(3600))
    file = saved(noise, format, exif=exif(6), icc_profile=swapped_profile(), **FORMATS[format])
    needed = len(file) - {"PNG": 20, "JPEG": 2, "WEBP": 1}[format]  # browsers do without two checksums and IEND
    for length in range(20, needed, 7):
        assert re.search("cut off|damaged", complaint(file[:length])), length


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_ends_in_the_middle_of_its_pixels_is_cut_off(format: str):
    noise = Image.frombytes("RGB", (200, 150), random.Random(5).randbytes(90_000))
    file = saved(noise, format, **FORMATS[format])
    assert "is cut off" in complaint(file[: len(file) // 2])


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_of_what_is_needed_is_damage(kind: bytes):
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
        chunk(b"tEXt", b"parameters\0" + b"x" * 5_000_000),
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
def test_no_damage_gets_past_the_decoder_or_breaks_it(format: str):
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
def test_no_chunk_with_a_right_checksum_breaks_the_decoder(kind: bytes):
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
def test_no_bytes_break_the_decoder(file: bytes):
    for start in (b"", SIGNATURE, b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", SIGNATURE + header(8, 8)):
        with pytest.raises(BadPicture):
            read_picture(start + file)


def test_taken_pictures_can_be_opened_again():
    for format in FORMATS:
        buffer = io.BytesIO(saved(read_picture(RICH[format]).image, "PNG"))
        with Image.open(buffer) as image:
            image.load()
