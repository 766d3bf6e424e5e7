"""Reads every uploaded picture: an unknown file becomes a plain picture, or an error message.

The content decides, never the name. Everything that headers say is checked before a pixel is decoded. What is stored
later is our own PNG of these pixels, without the file's location, camera or date.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from studio.contract import Size
from studio.errors import BadPicture, CutOff, Damaged, TooLarge
from studio.intake.colour.colour_space import in_srgb
from studio.intake.containers.any_format import unbox
from studio.intake.containers.byte_ranges import ByteRange, ByteRanges
from studio.intake.containers.header import Format, Header
from studio.intake.containers.png import has_all_pixels
from studio.intake.settings.stealth import hidden_text
from studio.validation import shown

MAX_BYTES = 100_000_000
MAX_PIXELS = 40_000_000
"""Of stored pictures. Larger photos from phones are scaled down."""
_MAX_OF_PHOTO, _MAX_OF_JPEG = 51_000_000, 210_000_000
"""Limits for decoding, and for a JPEG, which can be scaled down while decoding."""
_WHOLE_OF_JPEG = 110_000_000
"""Phones make 108 megapixels; larger JPEGs are decoded at half size, in a quarter of the memory."""
_PIXELS_PER_BYTE = 32
"""Of a photo, at most; more means an empty picture, perhaps a bomb. A JPEG reaches at most 512."""
MAX_SIDE = 65_535

_OPENERS = {"PNG": PngImageFile, "JPEG": JpegImageFile, "WEBP": WebPImageFile}
"""Not `Image.open`, which has size warnings of its own, and opens what is inside a JPEG."""
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error)
"""What Pillow raises for damaged files."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn each EXIF orientation upright. Source: CIPA DC-008 (Exif 2.32), section 4.6.4, tag 0x0112."""


@dataclass(frozen=True)
class DecodedPicture:
    """An uploaded picture, made harmless."""

    image: Image.Image  # RGB, or RGBA if not fully opaque; upright, sRGB, no metadata
    format: Format
    text: Mapping[str, str]  # by PNG keyword, of limited length; may contain a recipe
    too_long: tuple[str, ...] = ()  # keywords of texts that were not read
    was: Size | None = None  # its size in the file, if it was scaled down


def read_picture(source: bytes | Path) -> DecodedPicture:
    """Read an uploaded picture.

    Raises:
        BadPicture: not a picture that Diorama reads; nothing is decoded beyond the size limits.
    """
    with open_upload(source) as file:
        length = file.seek(0, io.SEEK_END)
        if length == 0:
            raise BadPicture("This file is empty. Choose a picture: a PNG, JPEG or WebP file.")
        check_length(length)
        box = unbox(file)
        if box is None:
            file.seek(0)
            raise BadPicture(_no_picture(file.read(1024)))
        _check_size(box, length)
        box.check(file)
        decoded = _decoded(file, box)
    image = _plain(_within_limit(decoded) if box.can_shrink else decoded, box)
    if "parameters" not in box.texts.found and (hidden := hidden_text(image)):
        box.texts.add("parameters", hidden)
    image = _upright(_within_limit(image), box.exif.orientation)
    was = None if _pixels(box.size) <= MAX_PIXELS else box.size if box.exif.orientation < 5 else Size(*box.size[::-1])
    return DecodedPicture(image, box.format, box.texts.found, tuple(box.texts.too_long), was)


@contextmanager
def open_upload(source: bytes | Path) -> Iterator[io.BytesIO | io.BufferedReader]:
    """The bytes of an upload as a file.

    Raises:
        BadPicture: the file is missing or unreadable.
    """
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        with source.open("rb") as file:
            yield file
    except OSError as error:
        raise BadPicture(f"The file {shown(source.name)} cannot be read: {error.strerror}. Choose another.") from error


def check_length(length: int) -> None:
    """Raises TooLarge."""
    if length > MAX_BYTES:
        raise TooLarge(
            f"This file has {length / 1e6:,.0f} MB; {MAX_BYTES / 1e6:.0f} MB is the most. Save it smaller, or as JPEG."
        )


def _check_size(box: Header, length: int) -> None:
    """Raises BadPicture if it is too large even for a photo, which would be scaled down."""
    size = box.size
    if not all(size):
        raise BadPicture(f"This picture says that it is {size} pixels: it is damaged. Copy or download it again.")
    pixels, most = _pixels(size), _MAX_OF_JPEG if box.can_shrink else _MAX_OF_PHOTO
    is_photo = pixels <= most and pixels <= length * (512 if box.can_shrink else _PIXELS_PER_BYTE)
    if pixels > MAX_PIXELS and not is_photo:
        megapixels = f"{pixels / 1e6:,.3f}".rstrip("0").rstrip(".")
        raise BadPicture(
            f"This picture is {size} pixels, {megapixels} megapixels; "
            f"{MAX_PIXELS / 1e6:.0f} is the most. Make it smaller, then try again."
        )
    if max(size) > MAX_SIDE:
        raise BadPicture(f"This picture is {size} pixels; {MAX_SIDE:,} is the longest side. Crop it, then try again.")


def _pixels(size: tuple[int, int]) -> int:
    return size[0] * size[1]


# --- pixels -----------------------------------------------------------------------------------------------------------


def _decoded(file: BinaryIO, box: Header) -> Image.Image:
    """The pixels in the mode they were stored in; of a very large JPEG a quarter of them."""
    try:
        picture = _loaded(file, box, box.parts)
    except CutOff:
        if not box.ended:
            raise
        picture, other = (_loaded(file, box, parts) for parts in box.ended)
        if picture != other:  # what is missing was made of the bits that stand for it
            raise
    except Damaged:
        if not box.again:
            raise
        picture = _loaded(file, box, box.again)
    if box.format == "PNG" and _may_miss_rows(picture) and not has_all_pixels(file, box):
        raise CutOff
    return picture


def _loaded(file: BinaryIO, box: Header, parts: tuple[ByteRange, ...]) -> Image.Image:
    try:
        picture = _OPENERS[box.format](cast(BinaryIO, io.BufferedReader(ByteRanges(file, parts))))
        if picture.size != (box.size if box.place is None else box.place[:2]):
            raise Damaged
        if _pixels(box.size) > _WHOLE_OF_JPEG:
            picture.draft(None, (box.size.width // 2, box.size.height // 2))
        picture.load()
    except _UNREADABLE as error:
        raise (CutOff if "truncated" in str(error) else Damaged) from error
    return picture


def _within_limit(picture: Image.Image) -> Image.Image:
    """The picture with at most MAX_PIXELS."""
    scale = math.sqrt(MAX_PIXELS / _pixels(picture.size))
    if scale >= 1:
        return picture
    width, height = (max(1, int(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _may_miss_rows(picture: Image.Image) -> bool:
    """Whether the last row looks as if it were missing."""
    last = picture.crop((0, picture.height - 1, picture.width, picture.height))
    return bool(picture.info.get("interlace")) or not np.asarray(last).any()


def _plain(picture: Image.Image, box: Header) -> Image.Image:
    """RGB or RGBA in sRGB, whatever it was."""
    alpha = _alpha(picture, box.depth)
    picture.info.pop("transparency", None)  # Pillow would warn that it gets lost
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("L" if picture.mode in ("1", "LA") else "RGB")
    colours = picture if box.space is None else in_srgb(picture, box.space)
    plain = colours.convert("RGB")
    plain.info = {}
    if alpha is not None and cast(tuple[int, int], alpha.getextrema())[0] < 255:
        plain.putalpha(alpha)
    if box.place is None or box.place == (*box.size, 0, 0):
        return plain
    whole = Image.new("RGBA", box.size)
    whole.paste(plain, box.place[2:])
    return whole


def _alpha(picture: Image.Image, depth: int) -> Image.Image | None:
    """The opacity of each pixel ("L"); None if it is fully opaque."""
    if "A" in picture.getbands():
        return picture.getchannel("A")
    key = picture.info.get("transparency")
    if key is None:
        return None
    if picture.mode == "P":
        return picture.convert("RGBA").getchannel("A")
    # PNG's one transparent colour, in samples of the file's depth. Source: PNG specification, section 11.3.2.1.
    array = np.asarray(picture)
    if picture.mode == "RGB":
        clear = (array == np.array([value >> 8 if depth == 16 else value for value in key])).all(axis=-1)
    elif picture.mode == "L":
        clear = array == key * 255 // (2**depth - 1)
    else:  # "1", where Pillow has made 0 or 255 of it, and 16 bits of grey
        clear = array == (key != 0 if picture.mode == "1" else key)
    return Image.fromarray(np.where(clear, 0, 255).astype(np.uint8))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey: the upper bits, like Chromium, and like Pillow for colours."""
    return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


# --- what is not taken ------------------------------------------------------------------------------------------------


def _no_picture(head: bytes) -> str:
    """What a file that is no PNG, JPEG or WebP seems to be, and what to do."""
    save = "Save it as PNG or JPEG, then try again."
    for kind, pattern in _PICTURES.items():
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            return f"This looks like {kind}, which Diorama does not read. {save}"
    for kind, pattern in _OTHERS.items():
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            return f"This looks like {kind}, not a picture. Choose a PNG, JPEG or WebP file."
    return "Diorama cannot read this picture. Choose a PNG, JPEG or WebP file."


_PICTURES = {
    "a GIF": rb"GIF8[79]a",
    "a TIFF picture": rb"II[*+]\0|MM\0[*+]",
    "a Photoshop file": rb"8BPS",
    "an AVIF picture": rb".{4}ftyp.{0,24}?(avif|avis)",
    "a HEIC picture": rb".{4}ftyp.{0,24}?(heic|heix|heim|heis|hevc|hevx|mif1|msf1)",
    "a JPEG XL picture": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "a JPEG 2000 picture": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "a BMP picture": rb"BM.{4}\0\0\0\0",
    "an icon": rb"\0\0[\x01\x02]\0[^\0]",
    "an EPS drawing": rb"%!PS|\xc5\xd0\xd3\xc6",
    "an SVG drawing": rb"(\xef\xbb\xbf)?\s*(<\?xml|<!--|<!DOCTYPE svg|<svg)(?=.*<svg)|(\xef\xbb\xbf)?\s*<svg",
    "an OpenEXR picture": rb"v/1\x01",
    "a DDS texture": rb"DDS ",
    "a GIMP file": rb"gimp xcf",
    "a Netpbm picture": rb"P[1-7]\s",
}
_OTHERS = {
    "a PDF document": rb"%PDF-",
    "a web page (HTML)": rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!DOCTYPE html|html|head|body|script|title)",
    "an XML file": rb"(\xef\xbb\xbf)?\s*<\?xml",
    "a zip archive or an Office document": rb"PK\x03\x04",
    "an archive": rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ",
    "a video": rb".{4}ftyp|\x1a\x45\xdf\xa3|RIFF.{4}AVI ",
    "a sound": rb"RIFF.{4}WAVE|ID3|OggS|fLaC",
    "a program": rb"MZ|\x7fELF|#!",
    "a model's weights (safetensors)": rb".{8}\{\"",
    "a splat or mesh (PLY)": rb"(\xef\xbb\xbf)?ply\s",
    "a text file": rb"(\xef\xbb\xbf)?[\t\n\r\x20-\x7e]{16,}|[\t\n\r\x20-\x7e]+\Z|\xff\xfe|\xfe\xff",
}
