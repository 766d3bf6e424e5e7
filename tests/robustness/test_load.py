"""Twenty visitors with fifty jobs each on all tabs: nothing is lost, made twice or another's, and nothing piles up.

The server is a process of its own: else its memory, threads and files could not be told from those of the tests.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import load

FEW = 50
"""Threads or files more than at half time: of pools and of connections that are just being closed, not of 500 jobs."""
PAGES = 300


def test_load(tmp_path: Path):
    with load.serving(tmp_path) as (url, pid):
        outcome = load.run(url, pid, visitors=20, jobs=50, sessions=2_100, pages=PAGES, seconds=1.0)
    half, whole = outcome.half, outcome.whole
    assert half and whole
    assert outcome.wrong == []
    assert len(outcome.seconds) == 1_000
    assert (whole.kb - half.kb) / 500 < 20
    assert max(whole.threads - half.threads, whole.files - half.files) < FEW
    assert outcome.idle_share < 0.2  # 0.05 where nothing else runs: `python -m benchmarks.load`


def test_a_page_at_rest_asks_as_seldom_as_the_load_assumes():
    watcher = (load.ROOT / "ui/shared/scripts/watcher.js").read_text(encoding="utf-8")
    assert [float(each) for each in re.findall(r"wait: document.hidden \? 0 : (\d+)", watcher)] == [
        load.WATCHED_SECONDS
    ]
    assert f"? 2000 : {load.WATCHED_SECONDS}000" in watcher
