"""One large file of the Hub, named by its sha256: streamed with resume, verified, stamped, linked into a snapshot.

Not left to huggingface_hub, so that a download stops at once, resumes where it was, and is verified. Runs on threads of
`hub`; knows nothing of pipelines, and only touches one repository's folder in the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import filelock
import httpx2
from huggingface_hub import get_session
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from pipelines.checkpoint_kinds import not_weights
from studio.errors import Cancelled

TIMEOUT = httpx2.Timeout(10.0)
"""Seconds of silence after which a connection counts as lost."""

PASSING = frozenset({408, 416, 429, 500, 502, 503, 504})
"""Statuses worth retrying; 416 because the partial file is discarded first."""

Count = Callable[[int], None]
"""Receives the number of bytes so far."""


class Patience(NamedTuple):
    """How long to retry lost connections."""

    tries: int = 5  # attempts in a row without progress before giving up
    pause_seconds: float = 1.0  # before the second attempt; doubled before each one after it


class Blob(NamedTuple):
    """A file as the Hub lists it; sha256 is "" for small ones, stored in git itself."""

    sha256: str
    size: int


class ArrivedDamaged(Exception):
    """The download is not what the Hub lists. The message is a sentence."""


class DownloadStopped(Cancelled):
    """The download is no longer wanted."""


class Stamps:
    """Which blobs were verified, with their size and time at that moment."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "diorama-checked.json"
        self._lock = threading.Lock()

    def covers(self, blob: Path) -> bool:
        return self._read().get(blob.name) == _state(blob)

    def add(self, blob: Path) -> None:
        with self._lock:
            stamps = self._read() | {blob.name: _state(blob)}
            temporary = self._path.with_suffix(".new")
            try:
                temporary.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
                os.replace(temporary, self._path)
            except OSError:  # a read-only cache: it is verified again at the next start
                return

    def _read(self) -> dict[str, list[int]]:
        try:
            stamps = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamps if isinstance(stamps, dict) else {}


class Fetcher:
    """Downloads the blobs of one repository; one per download, used by several threads."""

    def __init__(self, folder: Path, token: str | None, stop: threading.Event, patience: Patience) -> None:
        """
        Args:
            folder: of the repository in the cache.
            stop: once set, everything raises `DownloadStopped` in a moment, or when the network times out.
        """
        self.stamps = Stamps(folder)
        self._folder, self._token, self._stop, self._patience = folder, token, stop, patience
        self._lines: set[socket.socket] = set()  # being read from now
        self._lock = threading.Lock()

    def interrupt(self) -> None:
        """Wake threads waiting for a silent connection; call it after setting `stop`."""
        with self._lock:
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def bring(self, blob: Blob, url: str, count: Count) -> Path:
        """The blob, complete and verified, in its place.

        Raises:
            ArrivedDamaged: twice.
            DownloadStopped: the partial file is kept.
            httpx2.HTTPError, OSError: see `explained`.
        """
        place, partial = self._folder / "blobs" / blob.sha256, _partial(self._folder, blob)
        place.parent.mkdir(parents=True, exist_ok=True)
        with _Alone(self._folder.parent / ".locks" / self._folder.name / f"{blob.sha256}.lock", self._stop):
            if place.exists() and (self.stamps.covers(place) or digest(place, self._stop) == blob.sha256):
                self.stamps.add(place)
                return place
            place.unlink(missing_ok=True)
            found = ""
            for _ in range(2):
                self._stream(url, partial, blob.size, count)
                found = digest(partial, self._stop)
                if found == blob.sha256:
                    os.replace(partial, place)
                    self.stamps.add(place)
                    return place
                partial.unlink()
        raise ArrivedDamaged(f"{url} arrived damaged twice (sha256 {found[:12]}..., expected {blob.sha256[:12]}...).")

    def _stream(self, url: str, partial: Path, size: int, count: Count) -> None:
        """Append what is missing to a partial file, retrying as long as connections make progress."""
        if _size(partial) > size:  # left by another version of the file
            partial.unlink()
        failures = 0
        while (before := _size(partial)) < size:
            try:
                self._attempt(url, partial, size, count)
            except (httpx2.TransportError, HfHubHTTPError) as error:
                if isinstance(error, HfHubHTTPError) and error.response.status_code not in PASSING:
                    raise
                failures = 0 if _size(partial) > before else failures + 1
                if failures >= self._patience.tries:
                    raise
                if self._stop.wait(self._patience.pause_seconds * 2 ** max(0, failures - 1)):
                    raise DownloadStopped from None

    def _attempt(self, url: str, partial: Path, size: int, count: Count) -> None:
        """One connection, from where the file ends."""
        have = _size(partial)
        headers = build_hf_headers(token=self._token or False) | {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as answer:
            if answer.is_error:
                answer.read()
            if answer.status_code == 416:
                partial.unlink(missing_ok=True)
            hf_raise_for_status(answer)
            goes_on = answer.status_code == 206
            have = have if goes_on else 0
            with self._interruptible(answer):
                chunks = answer.iter_raw()
                first = next(chunks, b"")
                if not goes_on and (other := not_weights(first[:64])):  # before anything is overwritten
                    raise ArrivedDamaged(f"{url} {other.partition(':')[0]}.")
                if have + int(answer.headers.get("Content-Length", size)) < size:
                    raise httpx2.RemoteProtocolError("the answer is too short")
                with partial.open("ab" if goes_on else "wb") as file:
                    for chunk in chain((first,), chunks):
                        if self._stop.is_set():
                            raise DownloadStopped
                        file.write(chunk)
                        have += len(chunk)
                        if have > size:
                            raise ArrivedDamaged(f"{url} is larger than the {size:,} bytes that are listed.")
                        count(have)
            if have < size:
                raise httpx2.RemoteProtocolError("the answer ended too early")

    @contextmanager
    def _interruptible(self, answer: httpx2.Response) -> Iterator[None]:
        line = answer.extensions["network_stream"].get_extra_info("socket")
        with self._lock:
            self._lines.add(line)
        try:
            yield
        finally:
            with self._lock:
                self._lines.discard(line)


def kept_bytes(folder: Path, blob: Blob) -> int:
    """How much of a blob is already here."""
    places = (folder / "blobs" / blob.sha256, _partial(folder, blob)) if blob.sha256 else ()
    return max((place.stat().st_size for place in places if place.is_file()), default=0)


def link(blob: Path, place: Path) -> None:
    """Link a path of a snapshot to its blob; where links are not allowed, move the file there."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # a link to a blob that is gone
    try:
        place.symlink_to(os.path.relpath(blob, place.parent))
    except OSError:  # Windows without developer mode
        shutil.move(blob, place)


def digest(path: Path, stop: threading.Event, count: Count | None = None) -> str:
    """The sha256 of a file, in hex. Raises `DownloadStopped` within a moment of `stop`."""
    found, seen = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(2**23):
            if stop.is_set():
                raise DownloadStopped
            found.update(chunk)
            seen += len(chunk)
            if count is not None:
                count(seen)
    return found.hexdigest()


def is_hash(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", name) is not None


class _Alone:
    """Holds a blob's lock, the same as huggingface's tools use, so that nobody else writes it; can be stopped."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(path, thread_local=False)
        self._stop = stop

    def __enter__(self) -> None:
        while True:
            if self._stop.is_set():
                raise DownloadStopped
            try:
                self._lock.acquire(timeout=0.5)
                return
            except filelock.Timeout:
                continue

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def _partial(folder: Path, blob: Blob) -> Path:
    return folder / "blobs" / f"{blob.sha256}.diorama.incomplete"


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
