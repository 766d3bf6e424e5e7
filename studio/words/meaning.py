"""Search by meaning: a vector per picture in SQLite, one matrix in memory, and the best matches.

Full-text matches come first among them. Vectors are made in the background, a few at a time, once somebody has
searched by meaning. Knows no model.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Unpack

import numpy as np

from studio.contract import ModelSpec, Task
from studio.errors import BadPicture, NotFound, NotReady, StudioError
from studio.intake.picture import read_picture
from studio.library import search
from studio.library.assets import to_asset
from studio.library.database import Database
from studio.library.search import Filters, GalleryPage
from studio.library.store import Store
from studio.residents import Residents, unheard
from studio.scheduling.lanes import LaneName
from studio.segmentation.objects import flat
from studio.words.contract import WordsRequest

LANE: LaneName = "words"
MOST = 120
"""Results of one search; later ones mean something else."""
KEPT_QUERIES = 64
KEPT_VECTORS = 100_000
"""Room in memory for vectors, of all owners together: 200 MB. The matrix used last stays, however large."""
BATCH = 8
"""Pictures to embed before the next question has its turn."""
WAIT_SECONDS = 60.0
"""For embedding the search words, which may load the model."""
_BY_WORDS = 1.0
"""Added to the similarity, which is at most 1, of full-text matches."""
_AT_ONCE = 200
MOST_RANKED = 2_000
"""Best matches to filter."""


@dataclass
class _Matrix:
    """An owner's pictures, as vectors of one model."""

    ids: list[str] = field(default_factory=list)
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (N, D), with room for more
    last: int = 0  # number of the newest row in here

    @property
    def room(self) -> int:
        """Of how many vectors; at least one, as an empty matrix is not free either."""
        return max(1, len(self.vectors))

    def add(self, rows: list[tuple[int, str, bytes]]) -> None:
        new = [(id, np.frombuffer(blob, np.float16)) for _, id, blob in rows if blob]
        self.last = rows[-1][0] if rows else self.last
        if not new:
            return
        count, width = len(self.ids), len(new[0][1])
        if count + len(new) > len(self.vectors):
            grown = np.zeros((max(1024, 2 * (count + len(new))), width), np.float32)
            if count:
                grown[:count] = self.vectors[:count]
            self.vectors = grown
        self.vectors[count : count + len(new)] = [vector for _, vector in new]
        self.ids += [id for id, _ in new]

    def best(self, vector: np.ndarray) -> tuple[list[str], list[float]]:
        """Ids and cosines of the best matches, at most MOST_RANKED, best first."""
        if not self.ids:
            return [], []
        likeness = self.vectors[: len(self.ids)] @ vector
        few = min(MOST_RANKED, len(likeness))
        order = np.argpartition(-likeness, few - 1)[:few]
        order = order[np.argsort(-likeness[order], kind="stable")]
        return [self.ids[index] for index in order], likeness[order].tolist()


class Meanings:
    """Thread-safe."""

    def __init__(
        self,
        database: Database,
        store: Store,
        models: Callable[[Task], list[ModelSpec]],
        residents: Residents,
        later: Callable[[LaneName, str, Callable[[], object]], None],
        is_toy: Callable[[str, str], bool],
    ) -> None:
        """
        Args:
            later: (lane, name, work): runs it on a thread of the lane.
            is_toy: owner and id of a picture -> whether it shows the toy world.
        """
        self._database, self._store, self._models, self._residents = database, store, models, residents
        self._later, self._is_toy = later, is_toy
        self._lock = threading.Lock()
        self._matrices: OrderedDict[tuple[str, str], _Matrix] = OrderedDict()  # least recently used first
        self._read: OrderedDict[tuple[str, str], np.ndarray] = OrderedDict()

    def model(self) -> ModelSpec | None:
        """The model whose vectors are used: preferably one that knows everything; None: none is here."""
        states = [(spec, spec.readiness()) for spec in self._models(Task.EMBED)]
        here = [spec for spec, ready in states if ready.ok and not ready.download_gb]
        return min(here, key=lambda spec: spec.toys_only, default=None)

    def find(self, owner: str, *, after: str = "", limit: int = 24, **filters: Unpack[Filters]) -> GalleryPage | None:
        """A page of the best matches, best first; None if no model for that is here.

        Raises:
            BadRequest: as `search.find`.
            NotReady: the model does not answer.
        """
        by_words = search.find(self._database, owner, limit=limit, **filters)  # validates the request
        ids = self.ranked(owner, filters, [asset.id for asset in by_words.assets])
        if ids is None:
            return None
        start = int(after) if isinstance(after, str) and re.fullmatch("[0-9]{1,4}", after) else 0
        page = ids[start : start + limit]
        rows = self._database.rows(f"SELECT * FROM assets WHERE id IN ({_places(page)})", tuple(page))
        assets = {row["id"]: to_asset(row) for row in rows}
        following = str(start + limit) if len(ids) > start + limit else ""
        return GalleryPage(tuple(assets[id] for id in page if id in assets), following)

    def ranked(self, owner: str, filters: Filters, by_words: Sequence[str]) -> list[str] | None:
        """Ids of the MOST best matches that pass the filters, full-text matches first; None as for `find`.

        Args:
            by_words: ids of full-text matches.
        """
        spec, query = self.model(), filters.get("query", "")
        if spec is None or not query.strip():
            return None
        self._later(LANE, f"look at pictures of {owner}", partial(self._look, owner, spec))
        vector, matrix = self._vector(spec, query), self._matrix(owner, spec)
        with self._lock:
            ids, likeness = matrix.best(vector)
        words, others = set(by_words), {name: value for name, value in filters.items() if name != "query"}
        where, values = search.condition(self._database, owner, **others, one_by_one=True)  # pyright: ignore[reportArgumentType]
        left = dict.fromkeys(by_words, 0.0)
        for start in range(0, len(ids), _AT_ONCE):
            if len(left) >= MOST + len(words):
                break
            part = ids[start : start + _AT_ONCE]
            found = {
                row["id"]
                for row in self._database.rows(
                    f"SELECT id FROM assets WHERE id IN ({_places(part)}) AND {where}", (*part, *values)
                )
            }
            left |= {id: likeness[start + at] for at, id in enumerate(part) if id in found}
        return sorted(left, key=lambda id: left[id] + (_BY_WORDS if id in words else 0.0), reverse=True)[:MOST]

    def progress(self, owner: str) -> tuple[int, int]:
        """How many pictures have a vector, and how many there are."""
        spec = self.model()
        if spec is None:
            return 0, 0
        where = "owner = ? AND deleted = 0 AND kind IN ('image', 'object')"
        seen = f"SELECT COUNT(*) FROM assets JOIN embeddings ON asset = id AND embedder = ? WHERE {where}"
        done = self._database.rows(seen, (_name(spec), owner))[0][0]
        return done, self._database.rows(f"SELECT COUNT(*) FROM assets WHERE {where}", (owner,))[0][0]

    def _matrix(self, owner: str, spec: ModelSpec) -> _Matrix:
        with self._lock:
            matrix = self._matrices.setdefault((owner, _name(spec)), _Matrix())
            self._matrices.move_to_end((owner, _name(spec)))
            rows = self._database.rows(
                # CROSS JOIN and the plus make SQLite start at the newest rows instead of reading all of the owner's.
                "SELECT embeddings.number, asset, vector FROM embeddings CROSS JOIN assets ON asset = id"
                " WHERE +embedder = ? AND embeddings.number > ? AND +owner = ? ORDER BY embeddings.number",
                (_name(spec), matrix.last, owner),
            )
            matrix.add([(row[0], row[1], row[2]) for row in rows])
            while len(self._matrices) > 1 and sum(each.room for each in self._matrices.values()) > KEPT_VECTORS:
                self._matrices.popitem(last=False)
            return matrix

    def _vector(self, spec: ModelSpec, words: str) -> np.ndarray:
        """Cached, for the next page of the same search."""
        key = (_name(spec), words)
        with self._lock:
            if key in self._read:
                return self._read[key]
        vector = self._asked(spec, words)
        with self._lock:
            self._read[key] = vector
            while len(self._read) > KEPT_QUERIES:
                self._read.popitem(last=False)
        return vector

    def _asked(self, spec: ModelSpec, words: str) -> np.ndarray:
        answer: Future[np.ndarray] = Future()

        def ask() -> None:
            try:
                with self._residents.use(spec, unheard) as model:
                    answer.set_result(model.run(WordsRequest(words=words), unheard))
            except StudioError as error:
                answer.set_exception(error)
            finally:
                if not answer.done():
                    answer.set_exception(NotReady(f"{spec.label} did not answer. Search without it."))

        self._later(LANE, f"read {words} {id(answer)}", ask)  # of its own: each waits for its own answer
        try:
            return answer.result(WAIT_SECONDS)
        except TimeoutError as error:
            raise NotReady(f"{spec.label} is still loading. Search again in a minute.") from error

    def _look(self, owner: str, spec: ModelSpec) -> None:
        """Make vectors of the next few pictures, and repeat while there are more."""
        rows = self._database.rows(
            "SELECT id FROM assets WHERE owner = ? AND deleted = 0 AND kind IN ('image', 'object') AND NOT EXISTS"
            " (SELECT 1 FROM embeddings WHERE asset = id AND embedder = ?) ORDER BY created DESC LIMIT ?",
            (owner, _name(spec), BATCH),
        )
        if not rows:
            return
        with self._residents.use(spec, unheard) as model:
            seen = [(row["id"], _name(spec), self._seen(owner, row["id"], spec, model.run)) for row in rows]

        def keep() -> None:
            with self._database.transaction(can_be_made_again=True) as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO embeddings (asset, embedder, vector) SELECT ?, ?, ?"
                    " WHERE EXISTS (SELECT 1 FROM assets WHERE id = ?)",
                    [(*each, each[0]) for each in seen],
                )

        self._database.patiently(keep)
        self._later(LANE, f"look at pictures of {owner}", partial(self._look, owner, spec))

    def _seen(self, owner: str, asset_id: str, spec: ModelSpec, run: Callable[..., np.ndarray]) -> bytes:
        """The vector of a picture as float16; b"" if the model does not know its kind or the file is unreadable."""
        if spec.toys_only and not self._is_toy(owner, asset_id):
            return b""
        try:
            picture = flat(read_picture(self._store.thumbnail(owner, asset_id)).image)
        except (BadPicture, NotFound):
            return b""
        return run(WordsRequest(picture), unheard).astype(np.float16).tobytes()


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _name(spec: ModelSpec) -> str:
    """Vectors of different weights are not comparable."""
    return f"{spec.id} {spec.revision}"
