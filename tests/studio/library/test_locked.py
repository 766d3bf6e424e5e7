"""Another program holds the index: nobody waits for long, nothing is half done, and what a job made is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.errors import IndexBusy
from studio.scheduling.contract import JobView
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, until
from tests.studio.library.test_store import index
from tests.studio.pictures_in import corners, saved


@contextmanager
def held(outputs: Path, how: str = "IMMEDIATE") -> Iterator[None]:
    """What a backup or an SQLite browser does."""
    other = sqlite3.connect(outputs / "diorama.sqlite", isolation_level=None)
    other.execute(f"BEGIN {how}")
    try:
        yield
    finally:
        other.close()


def files_in(outputs: Path) -> list[str]:
    return sorted(
        f"{path.parent.name}/{path.name}"
        for folder in ("images", "splats", "trash")
        for path in (outputs / folder).iterdir()
    )


def note_of(job: JobView) -> bool:
    return job.note == "waiting for another program to let go of the index"


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_job_keeps_what_it_made_says_so_and_ends_once_the_index_is_free(
    open_studio: OpenStudio, model: FakeModel, tmp_path: Path, how: str
):
    studio = open_studio(model, busy_seconds=0.02)
    job = ask(studio, count=4)
    until(studio, job, lambda view: view.state == "running")
    with held(tmp_path / "outputs", how):
        model.let_go()
        waiting = until(studio, job, note_of)
        assert (waiting.state, waiting.assets) == ("running", ())
        assert studio.gallery(OWNER).assets == ()  # reading goes on
    done = finished(studio, job)
    assert (done.state, done.error, done.note, len(done.assets)) == ("done", "", "", 4)
    assert len(files_in(tmp_path / "outputs")) == 4
    assert len(model.requests) == 4  # none was made twice


def test_the_start_and_the_end_of_a_job_wait_as_well(open_studio: OpenStudio, model: FakeModel, tmp_path: Path):
    studio = open_studio(model, busy_seconds=0.02)
    first, second = ask(studio), ask(studio)
    model.wait_until_entered()
    studio.cancel(OWNER, first.id)
    with held(tmp_path / "outputs"):
        model.let_go()
        until(studio, first, note_of)
    assert finished(studio, first).state == "stopped"
    assert finished(studio, second).state == "done"
    studio.close()
    again = open_studio(model)
    assert [view.state for view in again.jobs(OWNER)] == ["done", "stopped"]  # and so after a restart


def test_stop_ends_a_job_that_waits_for_the_index(open_studio: OpenStudio, model: FakeModel, tmp_path: Path):
    studio = open_studio(model, busy_seconds=0.02)
    job = ask(studio, count=2)
    until(studio, job, lambda view: view.state == "running")
    with held(tmp_path / "outputs"):
        model.let_go()
        until(studio, job, note_of)
        studio.cancel(OWNER, job.id)
    assert finished(studio, job).state == "stopped"
    assert len(files_in(tmp_path / "outputs")) == studio.count(OWNER)


def test_the_next_picture_is_made_while_the_last_one_is_written_down(
    open_studio: OpenStudio, model: FakeModel, tmp_path: Path
):
    """The model waits for no disk; one picture at most is ahead of it, and their order stays."""
    studio = open_studio(model, busy_seconds=0.02)
    job = ask(studio, count=4, seed=10)
    model.wait_until_entered()
    with held(tmp_path / "outputs"):
        model.let_go()
        model.wait_until_entered()
        waiting = until(studio, job, lambda view: view.picture == 1 and note_of(view))
        assert waiting.assets == () and len(model.requests) == 2
    done = finished(studio, job)
    assert [studio.asset(OWNER, id).seed for id in done.assets] == [10, 11, 12, 13]


def test_a_picture_that_is_not_wanted_takes_none_with_it_that_is_being_written(
    open_studio: OpenStudio, model: FakeModel, tmp_path: Path
):
    studio = open_studio(model, busy_seconds=0.02)
    job = ask(studio, count=3, seed=10)
    model.wait_until_entered()
    with held(tmp_path / "outputs"):
        model.open_gate(4)
        until(studio, job, lambda view: view.picture == 1)
        studio.skip(OWNER, job.id)
        model.let_go()
        until(studio, job, lambda view: view.picture == 2)
    assert [studio.asset(OWNER, id).seed for id in finished(studio, job).assets] == [10, 12]


def test_when_the_patience_is_over_the_job_fails_with_a_sentence_and_the_next_one_works(
    open_studio: OpenStudio, model: FakeModel, tmp_path: Path
):
    studio = open_studio(model, busy_seconds=0, patience_seconds=0)
    job = ask(studio, count=2)
    until(studio, job, lambda view: view.state == "running")
    with held(tmp_path / "outputs"):
        model.let_go()
        failed = finished(studio, job)
        assert failed.state == "failed"
        assert failed.error.startswith("Another program holds the index ")
        assert files_in(tmp_path / "outputs") == []
    assert finished(studio, ask(studio)).state == "done"


ACTIONS: dict[str, Callable[[Studio, str, str, str], Any]] = {
    "star": lambda studio, shown, binned, job: studio.star(OWNER, shown, True),
    "rename": lambda studio, shown, binned, job: studio.rename(OWNER, shown, "another name"),
    "delete": lambda studio, shown, binned, job: studio.delete(OWNER, [shown]),
    "delete with its versions": lambda studio, shown, binned, job: studio.delete_tree(OWNER, shown),
    "restore": lambda studio, shown, binned, job: studio.restore(OWNER, [binned]),
    "upload": lambda studio, shown, binned, job: studio.take_in(OWNER, saved(corners(), "JPEG")),
    "a new job": lambda studio, shown, binned, job: ask(studio),
    "stop a waiting job": lambda studio, shown, binned, job: studio.cancel(OWNER, job),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_what_cannot_be_written_down_is_refused_whole_with_a_sentence(
    open_studio: OpenStudio, model: FakeModel, tmp_path: Path, action: str
):
    outputs = tmp_path / "outputs"
    studio = open_studio(model, busy_seconds=0)
    shown, binned = (studio.take_in(OWNER, saved(corners().crop((0, 0, side, side)), "PNG")).id for side in (8, 16))
    studio.delete(OWNER, [binned])
    running, job = ask(studio), ask(studio)
    until(studio, running, lambda view: view.state == "running")

    def seen() -> tuple[Any, ...]:
        jobs = [(view.id, view.state) for view in studio.jobs(OWNER)]
        return index(outputs), files_in(outputs), jobs, studio.path(OWNER, shown), studio.path(OWNER, binned)

    before = seen()
    with held(outputs):
        with pytest.raises(IndexBusy, match=r"Another program holds the index .*diorama\.sqlite\. Close it, or wait"):
            ACTIONS[action](studio, shown, binned, job.id)
        assert seen() == before
    studio.rebuild()  # nor is anything of it in the files
    assert seen() == before
    ACTIONS[action](studio, shown, binned, job.id)
    assert seen() != before


def test_a_folder_in_good_order_is_opened_without_writing_also_after_a_crash(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio()
    asset = studio.take_in(OWNER, saved(corners(), "PNG"))
    studio.rename(OWNER, studio.star(OWNER, asset.id, True).id, "mine")
    studio.close()
    (tmp_path / "outputs/images/.writing-0123").touch()  # what a crash leaves
    with held(tmp_path / "outputs"):
        again = open_studio(busy_seconds=0)
        assert [(one.title, one.starred) for one in again.gallery(OWNER).assets] == [("mine", True)]
    assert files_in(tmp_path / "outputs") == [f"images/{asset.name}"]
