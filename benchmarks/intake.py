"""Time and memory to read an uploaded picture, for large ones and for a decompression bomb.

Run `python -m benchmarks.intake`. Every file is read in a new process, whose peak memory is compared with that before
reading; rejecting a bomb must cost next to nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from benchmarks.options import options_of
from benchmarks.save_path import photograph
from benchmarks.table import Row, print_table
from tests.app_process import ROOT

MEGAPIXELS = (12.0, 40.0)
BOMB_SIDE = 13_000
_READ = """if True:
    import json, resource, sys, time
    from pathlib import Path
    from studio.errors import StudioError
    from studio.intake.picture import read_picture

    def peak_mb():
        status = Path("/proc/self/status")
        if status.exists():  # getrusage would tell the parent's, if that was more
            return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on a Mac

    before, began = peak_mb(), time.perf_counter()
    try:
        read_picture(Path(sys.argv[1]))
        was_taken = True
    except StudioError:
        was_taken = False
    print(json.dumps([time.perf_counter() - began, peak_mb() - before, was_taken]))
"""


class Reading(NamedTuple):
    """The cost of reading one file."""

    seconds: float
    more_mb: float  # peak memory, beyond that before reading
    was_taken: bool


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    if sys.platform == "win32":
        print("\nIntake: Windows does not tell the highest memory of a process this way; nothing was measured.")
        return
    options = options_of(__doc__, arguments, megapixels=MEGAPIXELS, bomb_side=BOMB_SIDE)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for megapixels in options.megapixels:
            for path in pictures(folder, megapixels):
                rows += describe(f"{megapixels:g} megapixels, {path.suffix[1:].upper()}", path, is_taken=True)
        path = bomb(folder, options.bomb_side)
        megapixels = options.bomb_side**2 / 1e6
        rows += describe(f"bomb of {megapixels:g} megapixels, refused", path, is_taken=False)
    print_table("Reading an uploaded picture", rows)


def pictures(folder: Path, megapixels: float) -> list[Path]:
    """A 4:3 photograph of this size, as JPEG and as PNG."""
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    tile = photograph(min(width, 1000))
    image = Image.new("RGB", (width, int(megapixels * 1e6 / width)))
    for left in range(0, image.width, tile.width):
        for top in range(0, image.height, tile.height):
            image.paste(tile, (left, top))
    paths = [folder / f"{megapixels:g}.jpeg", folder / f"{megapixels:g}.png"]
    image.save(paths[0], quality=90)
    image.save(paths[1], compress_level=1)
    return paths


def bomb(folder: Path, side: int) -> Path:
    """A small PNG file with very many pixels."""
    path = folder / "bomb.png"
    packer = zlib.compressobj(9)
    pixels = b"".join([*(packer.compress(bytes(1 + side)) for _ in range(side)), packer.flush()])
    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    parts = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    chunks = [len(body).to_bytes(4, "big") + kind + body + _checksum(kind + body) for kind, body in parts]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def describe(name: str, path: Path, *, is_taken: bool) -> list[Row]:
    """The rows of one file: its size, and the cost of reading it."""
    reading = read(path)
    if reading.was_taken != is_taken:
        sys.exit(f"{path.name} was {'taken' if reading.was_taken else 'refused'}, which this benchmark did not expect.")
    return [
        Row(f"{name}: file", path.stat().st_size / 1e6, 1, unit="MB"),
        Row(f"{name}: time", reading.seconds, 1, unit="s"),
        Row(f"{name}: memory", reading.more_mb, 1, unit="MB"),
    ]


def read(path: Path) -> Reading:
    """Read a file in a new process."""
    command = [sys.executable, "-c", _READ, str(path)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Reading(*json.loads(answer.stdout))


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


if __name__ == "__main__":
    main(sys.argv[1:])
