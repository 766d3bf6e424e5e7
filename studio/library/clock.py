"""A clock for new assets that never goes backwards, even if the system clock does, or after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from studio.library.database import Database

DAY_SECONDS = 86_400.0
"""Assets dated further ahead were made while the clock was wrong, and are ignored."""


class Clock:
    """Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        """
        Args:
            now: Unix time, seconds; may go backwards.
        """
        self._database, self._now = database, now
        self._lock = threading.Lock()
        self._latest: float | None = None  # the latest time given or in the index; None: not read yet

    def made_now(self) -> float:
        """The creation time of a new asset: Unix time, seconds, later than all before.

        The system time, or just after the latest asset if that is ahead by less than a day.
        """
        with self._lock:
            if self._latest is None:
                self._latest = self._latest_in_index()
            now = self._now()
            is_back = 0 <= self._latest - now < DAY_SECONDS
            self._latest = round(self._latest + 0.001 if is_back else now, 3)
            return self._latest

    def _latest_in_index(self) -> float:
        soon = self._now() + DAY_SECONDS
        rows = self._database.rows(
            "SELECT MAX(created) AS created FROM assets WHERE created < ? UNION ALL"
            " SELECT * FROM (SELECT created FROM jobs ORDER BY number DESC LIMIT 1) WHERE created < ?",
            (soon, soon),
        )
        return max((row["created"] for row in rows if row["created"] is not None), default=0.0)
