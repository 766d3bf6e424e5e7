"""One small picture in every kind of file that browsers show whole, or do not."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.studio.pictures_in import SIGNATURE, chunk, exif, header, saved

WIDTH, HEIGHT = 96, 64
_BLOCKS = np.random.default_rng(5).integers(0, 256, (16, 24, 3), dtype=np.uint8)
PICTURE = Image.fromarray(_BLOCKS.repeat(4, 0).repeat(4, 1))
OTHER = Image.fromarray(255 - np.asarray(PICTURE))


# --- PNG --------------------------------------------------------------------------------------------------------------


def packed(image: Image.Image) -> bytes:
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(image)))


def control(number: int, width: int = WIDTH, height: int = HEIGHT, x: int = 0, y: int = 0) -> bytes:
    """What comes before each frame of an animation."""
    return chunk(b"fcTL", struct.pack(">5I2H2B", number, width, height, x, y, 1, 10, 0, 0))


def frame(number: int, image: Image.Image) -> bytes:
    return chunk(b"fdAT", struct.pack(">I", number) + packed(image))


def frames(count: int) -> bytes:
    return chunk(b"acTL", struct.pack(">2I", count, 0))


def damaged(one: bytes) -> bytes:
    """The chunk with a wrong checksum."""
    return one[:-1] + bytes([one[-1] ^ 1])


_HEAD = SIGNATURE + header(WIDTH, HEIGHT)
_PACKED = packed(PICTURE)
_PIXELS, _END, _TEXT = chunk(b"IDAT", _PACKED), chunk(b"IEND", b""), chunk(b"tEXt", b"Comment\0a fox")
_MIDDLE = len(_PACKED) // 2
_PNG = _HEAD + _PIXELS
_WHOLE_PNG = {
    "as it should be": _PNG + _END,
    "without IEND": _PNG,
    "junk for IEND": _PNG + b"garbage!" * 4,
    **{f"{length} bytes of IEND": _PNG + _END[:length] for length in (4, 8, 10)},
    "a wrong checksum of IEND": _PNG + damaged(_END),
    "without the checksum of the pixels": _PNG[:-4],
    "half a checksum of the pixels": _PNG[:-2],
    "without both checksums of the pixels": _PNG[:-8],
    "bytes after the end": _PNG + _END + b"PK\3\4" * 20,
    "a chunk that nobody knows": _HEAD + chunk(b"teST", b"x" * 9) + _PIXELS + _END,
    "a wrong checksum of such a one": _HEAD + damaged(chunk(b"teST", b"x" * 9)) + _PIXELS + _END,
    "a wrong checksum of a text": _HEAD + damaged(_TEXT) + _PIXELS + _END,
    "a wrong checksum of the pixels": _HEAD + damaged(_PIXELS) + _END,
    "a wrong checksum of the last pixels": (
        _HEAD + chunk(b"IDAT", _PACKED[:_MIDDLE]) + damaged(chunk(b"IDAT", _PACKED[_MIDDLE:])) + _END
    ),
    "a wrong checksum of the pixels, and a text after them": _HEAD + damaged(_PIXELS) + _TEXT + _END,
    "a wrong checksum of the pixels of the frame": (
        _HEAD + frames(1) + _PIXELS + control(0) + damaged(frame(1, OTHER)) + _END
    ),
    **{
        f"a wrong checksum of {kind.decode()}": _HEAD + damaged(chunk(kind, body)) + _PIXELS + _END
        for kind, body in (
            (b"gAMA", struct.pack(">I", 200_000)),
            (b"cICP", b"\x0c\x0d\0\1"),
            (b"tRNS", bytes(6)),
            (b"pHYs", bytes(9)),
            (b"eXIf", exif(6)[6:]),
        )
    },
    "a wrong checksum within the pixels": _HEAD + chunk(b"IDAT", _PACKED[:-1] + bytes([_PACKED[-1] ^ 1])) + _END,
    "none within the pixels": _HEAD + chunk(b"IDAT", _PACKED[:-4]) + _END,
    "half of one within the pixels": _HEAD + chunk(b"IDAT", _PACKED[:-2]) + _END,
    "a wrong one over two chunks": _HEAD + chunk(b"IDAT", _PACKED[:-2]) + chunk(b"IDAT", b"\0\0") + _END,
    "bytes after the pixels": _HEAD + chunk(b"IDAT", _PACKED + b"more" * 20) + _END,
    "more rows than it says": _HEAD + chunk(b"IDAT", packed(Image.new("RGB", (WIDTH, 2 * HEIGHT)))) + _END,
    "pixels in pieces": _HEAD + b"".join(chunk(b"IDAT", part) for part in (b"", _PACKED[:9], _PACKED[9:])) + _END,
    "a palette for colours": _HEAD + chunk(b"PLTE", bytes(30)) + _PIXELS + _END,
    "a clear colour of another kind": _HEAD + chunk(b"tRNS", bytes(3)) + _PIXELS + _END,
    "a clear colour too late": _PNG + chunk(b"tRNS", bytes(6)) + _END,
    "an animation of one frame": _HEAD + frames(1) + control(0) + _PIXELS + _END,
    "an animation of one frame without IEND": _HEAD + frames(1) + control(0) + _PIXELS,
    "an animation of one frame, which comes later": _HEAD + frames(1) + _PIXELS + control(0) + frame(1, OTHER) + _END,
    "an animation of one small frame": (
        _HEAD + frames(1) + _PIXELS + control(0, 48, 32, 10, 6) + frame(1, OTHER.crop((0, 0, 48, 32))) + _END
    ),
    "an animation of one frame and a rest": (
        _HEAD + frames(1) + control(0) + _PIXELS + control(1) + frame(2, OTHER) + _END
    ),
    "an animation that was broken off": _HEAD + frames(5) + control(0) + _PIXELS + _END,
    "an animation of none": _HEAD + frames(0) + control(0) + _PIXELS + _END,
    "an animation announced too late": _PNG + frames(2) + control(0) + frame(1, OTHER) + _END,
    "a wrong checksum of the animation": _HEAD + damaged(frames(1)) + control(0) + _PIXELS + _END,
}
_BROKEN_PNG = {
    "a wrong checksum of the first pixels": (
        _HEAD + damaged(chunk(b"IDAT", _PACKED[:_MIDDLE])) + chunk(b"IDAT", _PACKED[_MIDDLE:]) + _END
    ),
    "a wrong pixel": _HEAD + _PIXELS[:_MIDDLE] + bytes([_PIXELS[_MIDDLE] ^ 255]) + _PIXELS[_MIDDLE + 1 :] + _END,
    "the last pixels missing": _PNG[:-12],
    "many pixels missing": _PNG[:-40],
    "rows missing": _HEAD + chunk(b"IDAT", packed(PICTURE.crop((0, 0, WIDTH, 50)))) + _END,
    "the last row missing": _HEAD + chunk(b"IDAT", packed(PICTURE.crop((0, 0, WIDTH, HEIGHT - 1)))) + _END,
    "half of its pixels": _HEAD + chunk(b"IDAT", _PACKED[:_MIDDLE]) + _END,
    "no pixels": _HEAD + _END,
    "a wrong checksum of the header": SIGNATURE + damaged(header(WIDTH, HEIGHT)) + _PIXELS + _END,
    "a long header": SIGNATURE + chunk(b"IHDR", struct.pack(">2I6B", WIDTH, HEIGHT, 8, 2, 0, 0, 0, 0)) + _PIXELS + _END,
}


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _segments(file: bytes) -> list[bytes]:
    """What stands before the pixels, piece by piece; at last the pixels."""
    pieces, at = [], 2
    while file[at + 1] != 0xDA:
        length = 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        pieces.append(file[at : at + length])
        at += length
    return [*pieces, file[at:]]


_JPEG = saved(PICTURE, "JPEG", quality=92, subsampling=0)
_RESTARTS = saved(PICTURE, "JPEG", quality=92, restart_marker_blocks=2)
_PIECES = _segments(_JPEG)


def _glued(glue: bytes) -> bytes:
    return b"\xff\xd8" + glue.join(_PIECES)


def _with_segment(segment: bytes) -> bytes:
    return b"\xff\xd8" + b"".join([_PIECES[0], segment, *_PIECES[1:]])


_WHOLE_JPEG = {
    "as it should be": _JPEG,
    "progressive": saved(PICTURE, "JPEG", quality=92, progressive=True),
    "grey": saved(PICTURE.convert("L"), "JPEG", quality=92),
    "half the colours": saved(PICTURE, "JPEG", quality=92, subsampling=2),
    "RGB inside": saved(PICTURE, "JPEG", quality=92, keep_rgb=True),
    "with restarts": _RESTARTS,
    "with a wrong restart": _RESTARTS.replace(b"\xff\xd1", b"\xff\xd5", 1),
    "bytes after the end": _JPEG + b"ftypmp42" * 30,
    "another one after the end": _JPEG + _JPEG,
    "a byte between segments": _glued(b"\0"),
    "bytes between segments": _glued(b"abc\0\0"),
    "many bytes between segments": _glued(b"q" * 100_000),
    "what looks like a marker between segments": _glued(b"\xff\0x"),
    "padding between segments": _glued(b"\xff\xff\xff"),
    "markers without a body": _glued(b"\xff\xd0\xff\x01"),
    "padding at the start": b"\xff\xd8\xff" + _JPEG[2:],
    **{f"a remark of length {length}": _with_segment(b"\xff\xfe" + struct.pack(">H", length)) for length in range(3)},
    "without JFIF": b"\xff\xd8" + b"".join(_PIECES[1:]),
    "bytes before the end": _JPEG[:-2] + b"garbage" + _JPEG[-2:],
    "bytes for the end": _JPEG[:-2] + b"garbage!" * 5,
}
_ODD = PICTURE.crop((0, 0, WIDTH - 13, HEIGHT - 11))
WITHOUT_END: dict[str, tuple[bytes, bytes]] = {
    name: (file, file[:-2])
    for name, file in {
        "as it should be": _JPEG,
        "progressive": saved(PICTURE, "JPEG", quality=92, progressive=True),
        "grey": saved(PICTURE.convert("L"), "JPEG", quality=92),
        "half the colours": saved(PICTURE, "JPEG", quality=92, subsampling=2),
        "another size": saved(_ODD, "JPEG", quality=92),
        "with restarts": _RESTARTS,
        "of one colour": saved(Image.new("RGB", (WIDTH, HEIGHT), "red"), "JPEG"),
    }.items()
}
"""A JPEG, and the same without its end, of which Chromium shows all but the last rows: nothing of it is missing."""
_BROKEN_JPEG = {
    "a byte before the first segment": b"\xff\xd8\0" + _JPEG[2:],
    "a byte before the picture": b"\n" + _JPEG,
    "the end before the pixels": _with_segment(b"\xff\xd9"),
    "pixels missing": _JPEG[:-60],
    "the last pixels missing": _JPEG[:-4],
    "the last bytes of restarts missing": _RESTARTS[:-6],
    "rows missing": _JPEG[: len(_JPEG) // 2],
}


# --- WebP -------------------------------------------------------------------------------------------------------------


def part(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*parts: bytes) -> bytes:
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _three_bytes(*values: int) -> bytes:
    return b"".join(struct.pack("<I", value)[:3] for value in values)


def animation(flags: int, *frames: tuple[Image.Image, int, int]) -> bytes:
    parts = [part(b"VP8X", struct.pack("<I", flags) + _three_bytes(WIDTH - 1, HEIGHT - 1))]
    parts.append(part(b"ANIM", b"\xff\xff\xff\xff\0\0"))
    for image, x, y in frames:
        place = _three_bytes(x // 2, y // 2, image.width - 1, image.height - 1, 100) + b"\0"
        parts.append(part(b"ANMF", place + saved(image, "WEBP", lossless=True)[12:]))
    return riff(*parts)


def _said_length(file: bytes, more: int) -> bytes:
    return file[:4] + struct.pack("<I", len(file) - 8 + more) + file[8:]


_WEBP, _EXTENDED = saved(PICTURE, "WEBP", lossless=True), saved(PICTURE, "WEBP", lossless=True, exif=exif(1))
_WHOLE_WEBP = {
    "as it should be": _WEBP,
    "lossy": saved(PICTURE, "WEBP", quality=90),
    "bytes after the end": _WEBP + b"abc" * 50,
    "a part that nobody knows": riff(_EXTENDED[12:30], part(b"JUNK", b"abc"), _EXTENDED[30:]),
    "an animation of one frame": animation(2, (PICTURE, 0, 0)),
    "an animation of one small frame": animation(2, (PICTURE.crop((0, 0, 48, 32)), 10, 6)),
    "an animation of one small frame, said to be clear": animation(0x12, (PICTURE.crop((0, 0, 48, 32)), 10, 6)),
    "an animation of one frame and bytes after it": animation(2, (PICTURE, 0, 0)) + b"xyz",
}
_BROKEN_WEBP = {
    "longer than it is": _said_length(_WEBP, 100),
    "shorter than it is": _said_length(_WEBP, -20),
    "without a length": _said_length(_WEBP, 8 - len(_WEBP)),
    "without its last bytes": _EXTENDED[:-3],
}

WHOLE: dict[str, bytes] = {
    f"{format}: {name}": file
    for format, files in (("PNG", _WHOLE_PNG), ("JPEG", _WHOLE_JPEG), ("WebP", _WHOLE_WEBP))
    for name, file in files.items()
}
"""What Chromium shows whole, by what is special about the file."""
BROKEN: dict[str, bytes] = {
    f"{format}: {name}": file
    for format, files in (("PNG", _BROKEN_PNG), ("JPEG", _BROKEN_JPEG), ("WebP", _BROKEN_WEBP))
    for name, file in files.items()
}
"""What Chromium shows a part of, or nothing."""
ANIMATED: dict[str, bytes] = {
    "PNG": _HEAD + frames(2) + control(0) + _PIXELS + control(1) + frame(2, OTHER) + _END,
    "PNG with another picture first": (
        _HEAD + frames(2) + _PIXELS + control(0) + frame(1, OTHER) + control(2) + frame(3, PICTURE) + _END
    ),
    "WebP": animation(2, (PICTURE, 0, 0), (OTHER, 0, 0)),
}
