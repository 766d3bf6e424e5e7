"""Fetch a pipeline from the Hub into the cache: once, with progress, resumable, stoppable, and verified.

Huggingface's own downloader discards partial files when interrupted, so the large files are streamed here, into the
same cache. Knows nothing of torch or of what the weights are for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, hf_hub_download

from pipelines.hub import download as hub_download
from pipelines.hub.cache import SPARE_GB, Download, HubCache, components, missing
from pipelines.hub.download import ArrivedDamaged, Blob, DownloadStopped, Fetcher, Patience
from pipelines.hub.explained import explained
from studio.contract import Progress, Tell
from studio.errors import NotReady, StorageFailed

WATCH_SECONDS = 0.25
"""How often a download reports progress and checks for Stop."""
AT_ONCE = 4
"""Parallel downloads."""
SPEED_SECONDS = 20.0
"""The period over which speed is measured."""
VARIANTS = (".fp16.", ".bf16.", ".fp8.", ".ema.", ".non_ema.")
"""Marks of second copies of the same weights."""


def fetch(wanted: Download, hub: HubCache, tell: Tell, patience: Patience | None = None) -> Path:
    """The folder of the pipeline, complete and verified; uses the network only if something is missing.

    Args:
        tell: hears "downloading FLUX.1 schnell: 3.2 of 33.7 GB, 4 minutes left"; an exception from it ends the download
            within a second, and the next one resumes.

    Raises:
        NotReady: gated, no network, or an unexpected response of the Hub; the message says what to do.
        StorageFailed
    """
    for _, part in wanted.parts:
        fetch(replace(part, label=wanted.label), hub, tell, patience)
    download = _Transfer(wanted, hub, patience or Patience())
    pool = ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="hub")
    try:
        return _watched(pool.submit(download.run, pool), download, tell)
    except (OSError, httpx2.HTTPError, ArrivedDamaged) as error:
        raise explained(error, wanted, hub) from error
    finally:
        download.leave()
        pool.shutdown(wait=False, cancel_futures=True)


class _Transfer:
    """The work of one `fetch`, on threads of its own; the watching thread reads its fields."""

    def __init__(self, wanted: Download, hub: HubCache, patience: Patience) -> None:
        self.label = wanted.label
        self.stop = threading.Event()
        self.what = "looking for"
        self.total = 0
        self._done: dict[str, int] = {}  # bytes by blob
        self._lock = threading.Lock()
        self._wanted, self._hub = wanted, hub
        self._folder = hub.folder(wanted.repo)
        self._fetcher = Fetcher(self._folder, hub.token, self.stop, patience)
        self._api = HfApi(endpoint=hub.endpoint, token=hub.token or False)

    @property
    def done(self) -> int:
        with self._lock:
            return sum(self._done.values())

    def leave(self) -> None:
        """The watcher has gone: stop everything."""
        self.stop.set()
        self._fetcher.interrupt()

    def run(self, pool: ThreadPoolExecutor) -> Path:
        there = self._hub.snapshot(self._wanted)
        if there is not None and self._checked(there):
            return there
        commit, files = self._listing()
        self._room_for(files)
        snapshot = self._folder / "snapshots" / commit
        for path, blob in files.items():
            self._counter(path)(hub_download.kept_bytes(self._folder, blob))
        self.what, self.total = "downloading", sum(blob.size for blob in files.values())
        chores = [pool.submit(self._bring, commit, path, blob, snapshot) for path, blob in files.items()]
        for chore in chores:
            chore.result()
        if lacking := missing(snapshot, self._wanted.file, self._wanted.unopened):
            raise NotReady(f"{self._wanted.repo} lacks {', '.join(lacking)}, which {self.label} needs. Update Diorama.")
        if self._wanted.revision != commit:
            reference = self._folder / "refs" / self._wanted.revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(commit, encoding="utf-8")
        return snapshot

    def _checked(self, snapshot: Path) -> bool:
        """Verify every large file unless it was verified before; discard it if it is wrong."""
        wanted = self._wanted
        links = [
            path
            for path in snapshot.rglob(wanted.file or "*.safetensors")
            if hub_download.is_hash(path.resolve().name) and (wanted.file or path.parent.name not in wanted.unopened)
        ]
        doubtful = [path for path in links if not self._fetcher.stamps.covers(path.resolve())]
        self.what, self.total = "checking", sum(path.stat().st_size for path in doubtful)
        right = True
        for path in doubtful:
            blob = path.resolve()
            if hub_download.digest(blob, self.stop, self._counter(blob.name)) == blob.name:
                self._fetcher.stamps.add(blob)
            else:
                path.unlink()
                blob.unlink()
                right = False
        self._done.clear()
        return right

    def _listing(self) -> tuple[str, dict[str, Blob]]:
        """The commit, and the files of a pipeline: safetensors, settings and tokenizers of its parts."""
        info = self._api.model_info(self._wanted.repo, revision=self._wanted.revision, files_metadata=True, timeout=20)
        commit = info.sha or self._wanted.revision
        siblings = {each.rfilename: each for each in info.siblings or ()}
        paths = self._paths(commit, siblings)
        files = {}
        for path in paths:
            lfs = siblings[path].lfs
            files[path] = Blob(lfs.sha256, lfs.size) if lfs else Blob("", siblings[path].size or 0)
        return commit, files

    def _paths(self, commit: str, siblings: Iterable[str]) -> list[str]:
        """Which files of a repository are needed."""
        repo, file = self._wanted.repo, self._wanted.file
        if file:
            return [path for path in siblings if path == file]
        index = Path(self._small(commit, "model_index.json"))
        parts = components(index.read_text(encoding="utf-8"))
        paths = [path for path in siblings if _is_needed(path, parts, self._wanted)]
        safe = {path.partition("/")[0] for path in paths if path.endswith(".safetensors")}.union(self._wanted.unopened)
        pickled = [part for part in parts if part not in safe and _has(siblings, part, (".bin", ".pt", ".ckpt"))]
        if pickled:
            raise NotReady(
                f"{repo} has pickled weights only ({', '.join(pickled)}), and opening them could run malicious code. "
                "Choose a repository with safetensors."
            )
        return paths

    def _room_for(self, files: dict[str, Blob]) -> None:
        needed = sum(blob.size - hub_download.kept_bytes(self._folder, blob) for blob in files.values())
        free = self._hub.free_bytes()
        if needed and needed + SPARE_GB * 1e9 > free:
            raise StorageFailed(
                f"Not enough disk for {self.label}: {_gb(needed)} GB have to be downloaded and {self._hub.cache} has "
                f"{_gb(free)} GB free. Free some space, or set HF_HOME to a folder on another disk."
            )

    def _bring(self, commit: str, path: str, blob: Blob, snapshot: Path) -> None:
        count = self._counter(path)
        if blob.sha256:
            url = f"{self._hub.endpoint}/{self._wanted.repo}/resolve/{commit}/{path}"
            place = self._fetcher.bring(blob, url, count)
            hub_download.link(place, snapshot / path)
        else:
            self._small(commit, path)
        count(blob.size)

    def _small(self, commit: str, path: str) -> str:
        """Download a small file with huggingface_hub."""
        if self.stop.is_set():
            raise DownloadStopped
        hub = self._hub
        return hf_hub_download(
            self._wanted.repo,
            path,
            revision=commit,
            cache_dir=hub.cache,
            endpoint=hub.endpoint,
            token=hub.token or False,
        )

    def _counter(self, name: str) -> Callable[[int], None]:
        def count(bytes_so_far: int) -> None:
            with self._lock:
                self._done[name] = bytes_so_far

        return count


def _watched(work: Future[Path], download: _Transfer, tell: Tell) -> Path:
    """Report progress until it is over; the first report comes only if there is something to wait for."""
    past: deque[tuple[float, int]] = deque()
    while not wait([work], timeout=WATCH_SECONDS).done:
        now, done = time.monotonic(), download.done
        past.append((now, done))
        while now - past[0][0] > SPEED_SECONDS:
            past.popleft()
        tell(Progress(0, 0, _note(download, done, _bytes_a_second(past))))
    return work.result()


def _note(download: _Transfer, done: int, speed: float | None) -> str:
    """
    Args:
        speed: bytes a second; None: not known yet.
    """
    label = download.label
    if not download.total:
        return f"{download.what} {label}"
    unit, size = ("GB", 1e9) if download.total >= 1e9 else ("MB", 1e6)
    at = f", {speed / 1e6:.3g} MB/s{left((download.total - done) / speed)}" if speed else ""
    return f"{download.what} {label}: {done / size:.1f} of {download.total / size:.1f} {unit}{at}"


def left(seconds: float | None) -> str:
    """The remaining time in words, to append to a progress note."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return f", {minutes} minutes left" if minutes > 1 else ", a minute left" if seconds > 30 else ", seconds left"


def _bytes_a_second(past: deque[tuple[float, int]]) -> float | None:
    seconds, gained = past[-1][0] - past[0][0], past[-1][1] - past[0][1]
    return gained / seconds if seconds > 2 and gained > 0 else None


def _is_needed(path: str, parts: Collection[str], wanted: Download) -> bool:
    folder, _, name = path.rpartition("/")
    if path == "model_index.json":
        return True
    if folder not in parts:
        return False
    if name.endswith((".safetensors", ".safetensors.index.json")):
        marks = [mark for mark in VARIANTS if mark in name]
        return folder not in wanted.unopened and marks == ([f".{wanted.variant}."] if wanted.variant else [])
    return name.endswith((".json", ".txt", ".model", ".jinja")) and not any(mark in name for mark in VARIANTS)


def _has(siblings: Iterable[str], part: str, ends: tuple[str, ...]) -> bool:
    return any(path.startswith(f"{part}/") and path.endswith(ends) for path in siblings)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f}" if size < 10e9 else f"{size / 1e9:.0f}"
