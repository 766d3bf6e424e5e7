"""One page of a gallery with 100,000 pictures, with every query that the page makes.

Run `python -m benchmarks.gallery_page`. The rows are in a real SQLite file in a temporary folder, without pictures,
because a page needs only rows. Times are CPU time: after the first query everything is in memory, so that an idle
machine takes no longer, and other processes hardly matter.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import by_both_clocks
from studio.library import search
from studio.library.annotations import Note
from studio.library.assets import Asset, insert
from studio.library.database import Database
from studio.recipe import UPLOAD, FoundRecipe, Recipe, to_text

OWNER = "local"
PICTURES, ROUNDS, PAGE = 100_000, 15, 60
PROMISE = "<= 20 ms"
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "brown", "pink", "grey")
KINDS = ("ball", "cube", "cone", "cylinder", "donut", "snowman", "tree", "house", "mushroom", "rocket")
MODELS = ("toy-klein", "flux2-klein-4b", "flux1-schnell", "flux1-dev", "sd_xl_base_1.0")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, pictures=PICTURES, rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder) / "diorama.sqlite")) as database:
        fill(database, options.pictures)
        rows = measure(database, options.rounds)
    print_table(f"Gallery of {options.pictures:,} pictures, {PAGE} a page, p50", rows)


def fill(database: Database, count: int) -> None:
    """Insert rows as after a few years: some starred, some uploads, some with parents, some of another owner."""
    chance = random.Random(1)
    ids: list[str] = []
    with database.transaction() as connection:
        for number in range(count):
            made = recipe(number, chance, ids)
            ids.append(made.id)
            found = FoundRecipe(made, to_text(made), made.width, made.height)
            deleted = chance.random() < 0.02
            insert(connection, f"{made.id}.png", found, Note(starred=chance.random() < 0.01), deleted=deleted)


def recipe(number: int, chance: random.Random, earlier: Sequence[str]) -> Recipe:
    """The recipe of one picture; number 0 is the oldest, and the parent of many."""
    what = f"{chance.choice(COLOURS)} {chance.choice(KINDS)}"
    prompt = f"a {what} beside a {chance.choice(KINDS)} on a {chance.choice(COLOURS)} background, take {number}"
    is_upload, has_parent = chance.random() < 0.05, earlier and chance.random() < 0.1
    return Recipe(
        id=f"{chance.getrandbits(128):032x}",
        kind="image",
        owner=OWNER if chance.random() < 0.95 else "somebody else",
        task=UPLOAD if is_upload else "generate",
        model=chance.choice(MODELS),
        revision="1",
        prompt=prompt,
        prompt_sent=prompt,
        width=1024,
        height=1024,
        steps=8,
        guidance=3.0,
        seed=number,
        parents=(chance.choice((earlier[0], earlier[-1])),) if has_parent else (),
        created=1.7e9 + 600.0 * number,
        seconds=0.5,
        title=prompt,
    )


def measure(database: Database, rounds: int) -> list[Row]:
    """CPU time of every query, and at the end the wall-clock time of the slowest one."""
    rows, slowest = [], 0.0
    for name, ask in questions(database).items():
        ask()
        processor, clock = by_both_clocks(ask, rounds)
        rows.append(median_ms(name, processor, PROMISE))
        slowest = max(slowest, statistics.median(clock))
    return [*rows, Row("the slowest of these by the clock", 1000 * slowest, rounds, "<= 20 ms, idle", "ms")]


def questions(database: Database) -> dict[str, Callable[[], object]]:
    """The queries of the page, by name."""

    def page(**look: object) -> Callable[[], object]:
        return lambda: search.find(database, OWNER, limit=PAGE, **look)  # pyright: ignore[reportArgumentType]

    def count(**look: object) -> Callable[[], object]:
        return lambda: search.count(database, OWNER, **look)  # pyright: ignore[reportArgumentType]

    middle, oldest = places(database)
    busy = next(asset for asset in _assets(database, oldest) if search.relatives(database, asset).children)
    return {
        "newest page": page(),
        "page in the middle": page(after=middle),
        "starred": page(starred=True),
        "of one model": page(model="flux1-dev"),
        "uploads": page(kind="upload"),
        "made here": page(kind="image"),
        "search, one word of many": page(query="red"),
        "search, two words": page(query="purple snowman"),
        "search, rare word": page(query="take 77777"),
        "search, beginning of a word": page(query="mush"),
        "search, nothing found": page(query="zeppelin"),
        "search, starred, in the middle": page(query="red", starred=True, after=middle),
        "search, uploads of one model": page(query="red", kind="upload", model="flux1-dev"),
        "count, all": count(),
        "count, starred": count(starred=True),
        "count, search": count(query="red"),
        "count, uploads of one model": count(kind="upload", model="flux1-dev"),
        "models in use": lambda: search.models_used(database, OWNER),
        "parents and children": lambda: search.relatives(database, busy),
    }


def places(database: Database) -> tuple[str, str]:
    """Cursors of the page in the middle and of the last full one."""
    cursors = [""]
    while following := search.find(database, OWNER, after=cursors[-1], limit=search.MAX_PAGE).next:
        cursors.append(following)
    return cursors[len(cursors) // 2], cursors[-1]


def _assets(database: Database, oldest: str) -> itertools.chain[Asset]:
    last = search.find(database, OWNER, after=oldest, limit=search.MAX_PAGE).assets
    return itertools.chain(reversed(last), search.find(database, OWNER, limit=search.MAX_PAGE).assets)


if __name__ == "__main__":
    main(sys.argv[1:])
