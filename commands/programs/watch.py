"""The terminal verb `watch`: runs a recipe once on every new file in a folder, even across restarts.

A journal in the outputs folder records which files were started, by content hash, and their jobs. It is written
before a job is queued; after a crash in between, the job is found by its source picture or prompt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import open_studio
from commands import pictures
from commands.programs import again
from commands.programs.remote import workers_at
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import GenerateRequest, IterateRequest, UpscaleRequest
from studio.errors import BadRequest, StudioError
from studio.library import files, kinds
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.validation import cleaned

Watched = GenerateRequest | IterateRequest | UpscaleRequest
JOURNAL = "watched.jsonl"
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_MOST_JOBS = 500  # latest ones to search for a job that was not recorded


def add_verbs(verbs: Any) -> None:
    """Add watch to the parser's verbs."""
    watching = verbs.add_parser("watch", help="run a recipe on every new file of a folder, each once")
    watching.set_defaults(verb=watch)
    watching.add_argument(
        "folder", type=Path, metavar="FOLDER", help="pictures, or .txt files with one prompt per line"
    )
    watching.add_argument(
        "--recipe",
        required=True,
        help="of a change or an upscale, for pictures; of a picture from words, for .txt files",
    )
    watching.add_argument("--once", action="store_true", help="process what is there, then exit")
    watching.add_argument(
        "--every", type=_seconds, default=1.0, metavar="SECONDS", help="between two looks at the folder (default: 1)"
    )
    pictures.add_output(
        watching, "one JSON line per picture, as `generate` prints it", "a folder (default: only the outputs folder)"
    )


def watch(options: argparse.Namespace) -> int:
    """Run the recipe on each file. Returns 2 if one of them failed, which has been reported."""
    if not options.folder.is_dir():
        raise BadRequest(f"There is no folder '{options.folder}'. Give the folder that receives the files.")
    pictures.make_way(options.output)
    with workers_at() as workers, closing(open_studio(options.outputs, workers=workers)) as studio:  # resumes its jobs
        failed, seen = False, dict[Path, tuple[int, int]]()
        recipe = again.read(studio, options.recipe).request
        if not isinstance(recipe, Watched):
            raise BadRequest("Give the recipe of a picture from words, of a change or of an upscale.")
        _check_apart(options, recipe)
        journal = Journal(options.outputs / JOURNAL, recipe)
        while True:
            for path in _settled(options.folder, recipe, seen, at_once=options.once):
                failed = not _done(studio, journal, recipe, path, options) or failed
            if options.once:
                return 2 if failed else 0
            time.sleep(options.every)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"these are 0.01 to 86400 seconds, not '{text}'")
    return seconds


def _check_apart(options: argparse.Namespace, recipe: Watched) -> None:
    """Raises BadRequest if the pictures would arrive in the watched folder, and be changed again and again."""
    output: Path = options.output or options.outputs / kinds.FOLDERS[".png"]
    arrive = output.parent if pictures.is_png(output) else output
    if not isinstance(recipe, GenerateRequest) and arrive.resolve() == options.folder.resolve():
        raise BadRequest(f"What is made would arrive in '{options.folder}' and be changed again. Watch another folder.")


class Journal:
    """Which files were started with a recipe, and their jobs, on disk."""

    def __init__(self, path: Path, recipe: Watched) -> None:
        self._path, self._recipe = path, hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]
        self._jobs: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                entry = json.loads(line)
                if entry["recipe"] == self._recipe:
                    self._jobs[entry["part"]] = entry["job"]
            except (ValueError, KeyError, TypeError):  # truncated by a crash
                continue

    def job_of(self, part: str) -> str | None:
        """The job of a part of a file; "": started, but its job was not recorded; None: new."""
        return self._jobs.get(part)

    def note(self, part: str, job: str) -> None:
        """Record durably that a part was started, or by which job."""
        self._jobs[part] = job
        entry = json.dumps({"recipe": self._recipe, "part": part, "job": job})
        with files.storage_errors(self._path.parent), open(self._path, "a", opener=files.private) as file:
            file.write(f"{entry}\n")
            file.flush()
            os.fsync(file.fileno())


def _settled(folder: Path, recipe: Watched, seen: dict[Path, tuple[int, int]], *, at_once: bool) -> Iterator[Path]:
    """Files that did not change between two scans. Each version of a file is yielded once."""
    endings = (".txt",) if isinstance(recipe, GenerateRequest) else PICTURES
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings or path.name.startswith(".") or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # just moved away
            about = path.stat()
            state, before = (about.st_size, about.st_mtime_ns), seen.get(path)
            if before == (-1, state[1]):
                continue
            if before == state or at_once:
                seen[path] = (-1, state[1])
                yield path
            else:
                seen[path] = state


def _done(studio: Studio, journal: Journal, recipe: Watched, path: Path, options: argparse.Namespace) -> bool:
    """Run the recipe on a file unless already done. Returns whether it succeeded."""
    try:
        content = path.read_bytes()
        parts = _parts(studio, recipe, path, content)
        went_well = True
        for part, request in parts:
            job_id = journal.job_of(part)
            job = _left(studio, request, job_id) if job_id is not None else None
            if job is not None and job.is_over:
                continue
            if job is None:
                journal.note(part, "")
                job = again.submit(studio, request)
            journal.note(part, job.id)
            went_well = pictures.kept(studio, job, options) == 0 and went_well
        return went_well
    except (StudioError, OSError) as error:
        pictures.notice(f"{path.name}: {getattr(error, 'strerror', '') or error}")
        return False


def _parts(studio: Studio, recipe: Watched, path: Path, content: bytes) -> list[tuple[str, Watched]]:
    """The requests for a file: one for a picture, or one per line of text, each with a key derived from the content."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not isinstance(recipe, GenerateRequest):
        return [(sha256, again.on(recipe, studio.take_in(LOCAL_OWNER, path, path.name).id))]
    lines = [line for each in content.decode("utf-8-sig", "replace").splitlines() if (line := cleaned(each))]
    return [(f"{sha256}-{number}", replace(recipe, prompt=line)) for number, line in enumerate(lines)]


def _left(studio: Studio, request: Watched, job_id: str) -> JobView | None:
    """The job started for a request; None if the crash came before that."""
    if job_id:
        return studio.job(LOCAL_OWNER, job_id)
    jobs = studio.jobs(LOCAL_OWNER, _MOST_JOBS)
    if isinstance(request, GenerateRequest):
        return next((job for job in jobs if job.title == request.prompt and job.model == request.model), None)
    return next((job for job in jobs if job.source == request.source), None)
