"""Time to save a picture, and its parts: encoding, disk, row, thumbnail.

Run `python -m benchmarks.save_path`. "Save" is the whole `Store.save`; the parts are also timed one by one, with the
same picture in the same folder. The picture has as much detail as a photograph: soft shapes with grain.
"""

from __future__ import annotations

import io
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import in_turn
from studio.library import files
from studio.library.annotations import Note
from studio.library.assets import insert
from studio.library.database import Database
from studio.library.store import PNG_LEVEL, THUMBNAIL_SIDE, Store
from studio.recipe import FoundRecipe, Recipe, png_text, to_text

SIDES = (128, 1024, 2048)
ROUNDS = 9


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, rounds=ROUNDS, sides=SIDES)
    rows: list[Row] = []
    for side in options.sides:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(Path(folder), photograph(side), options.rounds)
    print_table(f"Saving a picture, p50, in {tempfile.gettempdir()}", rows)


def measure(folder: Path, image: Image.Image, rounds: int) -> list[Row]:
    """The rows for one picture size."""
    database = Database(folder / "diorama.sqlite")
    store, data = Store(folder, database), encoded(image)
    parts: dict[str, Callable[[], object]] = {
        "save": lambda: store.save(image, recipe(image)),
        "encode as PNG": lambda: encoded(image),
        "write, fsync, rename, fsync": lambda: write(folder, data),
        "row and commit": lambda: add_row(database, image),
        "thumbnail": lambda: thumbnail(folder, image),
    }
    with closing(database):
        times = in_turn(parts, rounds)
    side = f"{image.width} x {image.height}"
    size = Row(f"{side}: size of the file", len(data) / 1e6, 1, unit="MB")
    return [*(median_ms(f"{side}: {name}", taken) for name, taken in times.items()), size]


def photograph(side: int) -> Image.Image:
    """Soft shapes with grain, RGB, with the file size of a photograph."""
    grain = np.random.default_rng(1)
    soft = Image.fromarray(grain.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    noise = grain.normal(0, 3, (side, side, 3))
    return Image.fromarray((np.asarray(soft) + noise).clip(0, 255).astype(np.uint8))


def recipe(image: Image.Image) -> Recipe:
    """A new recipe for the next file."""
    return replace(_RECIPE, id=secrets.token_hex(16), width=image.width, height=image.height, created=time.time())


_RECIPE = Recipe(
    kind="image",
    owner="local",
    task="generate",
    model="toy-klein",
    prompt="a red ball on a grey background",
    prompt_sent="a red ball on a grey background",
    width=0,
    height=0,
    steps=8,
    guidance=3.0,
    seed=1,
    seconds=0.5,
    title="a red ball on a grey background",
)


def encoded(image: Image.Image) -> bytes:
    """The PNG as the store writes it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=png_text(recipe(image)), compress_level=PNG_LEVEL)
    return buffer.getvalue()


def write(folder: Path, data: bytes) -> None:
    """Write bytes to the disk as the store does."""
    path = files.write_temporary(folder, lambda file: file.write(data))
    path.rename(folder / f"{secrets.token_hex(8)}.png")
    files.sync_folder(folder)


def add_row(database: Database, image: Image.Image) -> None:
    """Insert a row as the store does."""
    made = recipe(image)
    with database.transaction() as connection:
        insert(connection, f"{made.id}.png", FoundRecipe(made, to_text(made), *image.size), Note(), deleted=False)


def thumbnail(folder: Path, image: Image.Image) -> None:
    """Make a thumbnail as the store does."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    files.write_temporary(folder, lambda file: small.save(file, "WEBP", quality=80))


if __name__ == "__main__":
    main(sys.argv[1:])
