"""A search by meaning among 100,000 pictures with embeddings of CLIP ViT-B/32's size, after the first one.

Run `python -m benchmarks.meaning`. Rows and embeddings are in a real SQLite file. The embedding of the query is not
measured, because it is cached for further pages and searches.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gallery_page import OWNER, PICTURES, fill
from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import by_both_clocks, seconds
from studio.contract import ModelCard, Progress, Readiness, Task
from studio.library.database import Database
from studio.library.store import Store
from studio.residents import Residents
from studio.words.contract import WordsRequest
from studio.words.meaning import Meanings

WIDTH, PAGE, ROUNDS = 512, 60, 15


class Reads:
    """Embeds any text as a pseudo-random vector."""

    def run(self, request: WordsRequest, _tell: Callable[[Progress], None]) -> np.ndarray:
        vector = np.random.default_rng(len(request.words)).normal(size=WIDTH).astype(np.float32)
        return vector / np.linalg.norm(vector)

    def close(self) -> None:
        """There is nothing to release."""


READS = ModelCard(id="reads", label="Reads", tasks=frozenset({Task.EMBED})).spec(
    load=lambda _tell: Reads(), readiness=lambda: Readiness(True, "ready"), revision="1"
)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, pictures=PICTURES, rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder) / "diorama.sqlite")) as database:
        fill(database, options.pictures)
        embed(database)
        rows = measure(database, Path(folder), options.rounds)
    print_table(f"Search by meaning among {options.pictures:,} pictures, {PAGE} a page", rows)


def embed(database: Database) -> None:
    """Insert a random embedding for each picture."""
    chance = np.random.default_rng(1)
    ids = [row["id"] for row in database.rows("SELECT id FROM assets")]
    with database.transaction() as connection:
        for id in ids:
            vector = chance.normal(size=WIDTH)
            kept = (vector / np.linalg.norm(vector)).astype(np.float16).tobytes()
            connection.execute(
                "INSERT INTO embeddings (asset, embedder, vector) VALUES (?, ?, ?)", (id, "reads 1", kept)
            )


def measure(database: Database, folder: Path, rounds: int) -> list[Row]:
    """Time the first search, which reads the embeddings, then each query in wall-clock and CPU time."""

    def now(_lane: str, name: str, work: Callable[[], object]) -> None:
        if name.startswith("read"):
            work()

    residents, store = Residents(8.0), Store(folder, database)
    meanings = Meanings(database, store, lambda _task: [READS], residents, now, lambda _owner, _id: True)
    first = seconds(lambda: meanings.find(OWNER, query="something", limit=PAGE))
    rows = [Row("the first search, which reads all vectors", first, 1, unit="s")]
    ways = {"search": {}, "search, words found too": {"query": "purple snowman"}, "search, starred": {"starred": True}}
    for name, look in ways.items():
        search: Any = partial(meanings.find, OWNER, limit=PAGE, **{"query": "something"} | look)
        processor, clock = by_both_clocks(search, rounds)
        rows.append(median_ms(f"{name}: processor", processor, "<= 50 ms"))
        rows.append(median_ms(f"{name}: by the clock", clock, "<= 50 ms, idle"))
    residents.close()
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
