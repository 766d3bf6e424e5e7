"""Stop, skip, queue, watch: every moment at which a person may press something."""

from __future__ import annotations

import io
import logging
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import app
from studio.contract import GenerateRequest, Progress, Readiness, Size, Tell
from studio.errors import BadRequest, NotFound, OutOfMemory, StorageFailed, TooManyJobs
from studio.grids.grid import GridRequest, axis
from studio.scheduling.contract import Done, Failed, Stopped, Waiting
from studio.scheduling.known_addresses import MAX_FROM_ADDRESS
from studio.scheduling.ledger import MAX_WAITING
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import ENDLESS, OWNER, FakeModel, ask, finished, picture, spec_of, until
from tests.studio.selecting_fake import ColourModel, colour_spec


def test_the_events_of_a_job_end_with_its_assets(open_studio: OpenStudio):
    studio = open_studio()
    *before, last = studio.events(OWNER, ask(studio).id)
    assert isinstance(last, Done) and len(last.assets) == 1
    assert all(isinstance(event, Waiting | Progress) for event in before)


def test_a_listener_that_comes_late_hears_the_end(open_studio: OpenStudio):
    studio = open_studio()
    job = finished(studio, ask(studio))
    assert list(studio.events(OWNER, job.id)) == [Done(job.assets)]


def test_a_waiting_job_is_stopped_at_once_and_never_starts(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    first, second, third = ask(studio, "first"), ask(studio, "second"), ask(studio, "third")
    assert studio.cancel(OWNER, second.id).state == "stopped"
    assert list(studio.events(OWNER, second.id)) == [Stopped()]
    model.open_gate(8)
    assert finished(studio, first).state == finished(studio, third).state == "done"
    assert [request.prompt for request in model.requests] == ["first", "third"]


@pytest.mark.parametrize("steps_done", [0, 1, 2, 3], ids=["before the first tell", "early", "late", "after the last"])
def test_stop_leaves_within_a_step_and_makes_no_picture(open_studio: OpenStudio, model: FakeModel, steps_done: int):
    studio = open_studio(model)
    job = ask(studio)
    model.open_gate(steps_done)
    model.wait_until_entered()
    until(studio, job, lambda view: view.step == steps_done)
    stopping = studio.cancel(OWNER, job.id)
    assert stopping.stopping and stopping.state == "running"
    model.open_gate()
    over = finished(studio, job)
    assert (over.state, over.stopping, over.assets) == ("stopped", False, ())
    assert not studio.gallery(OWNER).assets


def test_the_next_job_starts_only_when_the_stopped_one_has_left(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    model.deaf_until = threading.Event()
    stubborn, after = ask(studio, "stubborn"), ask(studio, "after")
    model.wait_until_entered()
    studio.cancel(OWNER, stubborn.id)
    model.open_gate()
    assert studio.job(OWNER, stubborn.id).stopping
    assert studio.job(OWNER, after.id).state == "waiting"
    assert studio.job(OWNER, after.id).position == 1
    model.deaf_until.set()
    model.open_gate(4)
    assert finished(studio, stubborn).state == "stopped"
    assert finished(studio, after).state == "done"
    assert model.most_inside == 1


def test_stop_keeps_the_pictures_made_before(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio, count=3)
    model.open_gate(4)
    until(studio, job, lambda view: view.picture == 1)
    studio.cancel(OWNER, job.id)
    model.open_gate()
    over = finished(studio, job)
    assert over.state == "stopped" and len(over.assets) == 1


def test_stop_after_the_end_changes_nothing(open_studio: OpenStudio):
    studio = open_studio()
    job = finished(studio, ask(studio))
    assert studio.cancel(OWNER, job.id) == job


def test_skip_leaves_out_one_picture_and_goes_on(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio, count=3, seed=10)
    model.open_gate(4)
    until(studio, job, lambda view: view.picture == 1)
    studio.skip(OWNER, job.id)
    model.open_gate(5)
    over = finished(studio, job)
    assert over.state == "done"
    assert [studio.asset(OWNER, id).seed for id in over.assets] == [10, 12]


def test_skip_after_the_last_report_leaves_the_picture_out_too(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio)
    model.open_gate(3)
    until(studio, job, lambda view: view.step == 3)
    studio.skip(OWNER, job.id)
    model.open_gate()
    assert finished(studio, job).assets == ()


def test_skip_in_the_very_moment_in_which_a_picture_begins_leaves_just_that_one_out(open_studio: OpenStudio):
    """Pressed at each change of the job, from inside of the lane's thread."""
    studio = open_studio(FakeModel())
    studio.hosting.pause(True)
    job = ask(studio, count=2)
    compared = studio.compare(OWNER, GridRequest(GenerateRequest("a red ball"), axis("steps", [2, 3])))
    with studio.listening(OWNER, lambda _is_news: [studio.skip(OWNER, one.id) for one in (job, compared)]):
        studio.hosting.pause(False)
        for one in (job, compared):
            over = finished(studio, one)
            assert (over.state, over.error, over.assets) == ("done", "", ())
    assert len(finished(studio, ask(studio, count=2)).assets) == 2


def test_a_waiting_job_is_not_skipped(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    ask(studio, "first")
    second = ask(studio, "second")
    assert studio.skip(OWNER, second.id).state == "waiting"
    model.open_gate(8)
    assert len(finished(studio, second).assets) == 1


def test_waiting_jobs_know_their_position(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    jobs = [ask(studio, str(number)) for number in range(4)]
    model.wait_until_entered()
    assert [studio.job(OWNER, job.id).position for job in jobs] == [0, 1, 2, 3]
    studio.cancel(OWNER, jobs[1].id)
    assert [studio.job(OWNER, job.id).position for job in jobs] == [0, 0, 1, 2]


def test_a_change_of_position_is_a_new_version(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    jobs = [ask(studio, str(number)) for number in range(3)]
    model.wait_until_entered()
    before = studio.job(OWNER, jobs[2].id).version
    studio.cancel(OWNER, jobs[1].id)
    assert studio.job(OWNER, jobs[2].id).version > before


def test_one_owner_cannot_fill_the_queue(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    ask(studio)
    model.wait_until_entered()
    for _ in range(MAX_WAITING):
        ask(studio)
    with pytest.raises(TooManyJobs, match="32 jobs waiting"):
        ask(studio)
    assert ask(studio, owner="another").state == "waiting"


def test_many_names_at_one_address_cannot_fill_the_queue(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    names = [f"visitor {number}" for number in range(MAX_FROM_ADDRESS // MAX_WAITING + 1)]
    for name in names:
        studio.hosting.came_from(name, "192.0.2.7")
    studio.hosting.came_from("elsewhere", "198.51.100.1")
    ask(studio, owner=names[0])
    model.wait_until_entered()
    for name in names[:-1]:
        for _ in range(MAX_WAITING):
            ask(studio, owner=name)
    with pytest.raises(TooManyJobs, match="256 jobs from your address are waiting already"):
        ask(studio, owner=names[-1])
    for owner in ("elsewhere", "who signed in"):
        assert ask(studio, owner=owner).state == "waiting"
    studio.hosting.came_from(names[-1], "203.0.113.5")
    assert ask(studio, owner=names[-1]).state == "waiting"


def test_the_list_is_newest_first_and_never_hides_what_runs(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    over = ask(studio, "over")
    model.open_gate(4)
    finished(studio, over)
    active = [ask(studio, str(number)).id for number in range(3)]
    assert [job.id for job in studio.jobs(OWNER)] == [*reversed(active), over.id]
    assert [job.id for job in studio.jobs(OWNER, limit=1)] == [*reversed(active)]


def test_progress_and_preview_are_seen_while_it_runs(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(spec_of(model, sizes=(Size(1024, 512),)))
    job = ask(studio)
    model.open_gate(2)
    view = until(studio, job, lambda view: view.step == 2)
    assert (view.state, view.steps, view.pictures) == ("running", 3, 1)
    assert view.preview is not None
    with Image.open(io.BytesIO(view.preview)) as preview:
        assert (preview.format, preview.size) == ("JPEG", (512, 256))


def test_time_left_is_told_from_the_second_step_on(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio, count=2)
    model.open_gate()
    assert until(studio, job, lambda view: view.step == 1).seconds_left is None
    model.open_gate()
    left = until(studio, job, lambda view: view.step == 2).seconds_left
    assert left is not None and left > 0
    model.open_gate(6)
    assert finished(studio, job).seconds_left is None


def test_loading_is_said_once(open_studio: OpenStudio):
    loading, notes = threading.Event(), []
    fake = FakeModel()

    def load(_tell: Tell) -> FakeModel:
        loading.wait()
        return fake

    studio = open_studio(spec_of(fake, load=load, label="Toy"))
    job = ask(studio)
    notes.append(until(studio, job, lambda view: bool(view.note)).note)
    loading.set()
    finished(studio, job)
    second = ask(studio)
    notes += [event.note for event in studio.events(OWNER, second.id) if isinstance(event, Progress)]
    assert [note for note in notes if note] == ["loading Toy"]


def test_the_pulse_grows_with_every_change_of_the_owner_and_of_nobody_else(open_studio: OpenStudio):
    studio = open_studio()
    mine, others = [studio.pulse(OWNER)], studio.pulse("another")
    job = ask(studio)
    mine.append(studio.pulse(OWNER))
    asset_id = finished(studio, job).assets[0]
    mine.append(studio.pulse(OWNER))
    studio.star(OWNER, asset_id, True)
    mine.append(studio.pulse(OWNER))
    studio.delete(OWNER, [asset_id])
    mine.append(studio.pulse(OWNER))
    studio.restore(OWNER, [asset_id])
    mine.append(studio.pulse(OWNER))
    assert mine == sorted(set(mine))
    assert studio.pulse("another") == others


def test_nobody_sees_or_touches_another_owners_job(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio)
    for use in (studio.job, studio.cancel, studio.skip, lambda owner, id: next(studio.events(owner, id))):
        with pytest.raises(NotFound, match="There is no job"):
            use("another", job.id)
    assert studio.jobs("another") == []
    model.open_gate(4)
    done = finished(studio, job)
    with pytest.raises(NotFound):
        studio.job("another", done.id)


def test_halves_of_letters_name_nothing_and_nobody(studio: Studio):
    id = ask(studio).id
    for owner, job in ((OWNER, "\ud800"), (OWNER, f"{id}\udc00"), (f"{OWNER}\ud800", id)):
        for use in (studio.job, studio.cancel, studio.skip, lambda owner, id: next(studio.events(owner, id))):
            with pytest.raises(NotFound, match="There is no job"):
                use(owner, job)
    assert not studio.jobs("\ud800") and not studio.models_used("\ud800")
    assert studio.spending.today("\ud800").total == 0


# --- failures ---------------------------------------------------------------------------------------------------------


class AcceleratorError(RuntimeError):
    """As torch calls it."""


class OutOfMemoryError(RuntimeError):
    """Named like torch's, which is not at home here."""


def failing(error: BaseException) -> FakeModel:
    model = FakeModel()

    def fail(request: object) -> None:
        raise error

    model.paint = fail
    return model


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (BadRequest("The moon is full. Wait a day."), "The moon is full. Wait a day."),
        (ValueError("secret /path"), "Something went wrong"),
        (SystemExit(3), "Something went wrong"),
        (RecursionError("deep"), "Something went wrong"),
        (MemoryError(), "ran out of memory"),
        (OutOfMemoryError("CUDA out of memory"), "ran out of memory"),
        (OutOfMemory("Too large for this GPU. Try 512 x 512."), "Try 512 x 512."),
        (AcceleratorError("CUDA error: unspecified launch failure"), "GPU stopped answering"),
        (RuntimeError("HIP error: the device is lost"), "GPU stopped answering"),
    ],
)
def test_a_failure_is_a_sentence_and_the_next_job_runs(open_studio: OpenStudio, error: BaseException, sentence: str):
    model = failing(error)
    studio = open_studio(model)
    *_, last = studio.events(OWNER, ask(studio).id)
    assert isinstance(last, Failed)
    assert sentence in last.error and "Traceback" not in last.error and "secret" not in last.error
    model.paint = picture
    assert finished(studio, ask(studio)).state == "done"


def test_the_traceback_of_a_bug_goes_to_the_log(open_studio: OpenStudio, caplog: pytest.LogCaptureFixture):
    studio = open_studio(failing(ValueError("got 3, expected 4")))
    with caplog.at_level(logging.ERROR):
        finished(studio, ask(studio))
    assert "Traceback" in caplog.text and "got 3, expected 4" in caplog.text


@pytest.mark.parametrize(
    "error", [MemoryError(), OutOfMemoryError(), OutOfMemory("Too large."), AcceleratorError("CUDA error")]
)
def test_a_model_that_ran_out_of_memory_is_unloaded(open_studio: OpenStudio, error: Exception):
    model = failing(error)
    studio = open_studio(model)
    finished(studio, ask(studio))
    assert model.closed


def test_a_failed_load_leaves_nothing_and_can_be_tried_again(open_studio: OpenStudio):
    tries = []

    def load(_tell: Tell) -> FakeModel:
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return FakeModel()

    studio = open_studio(spec_of(None, load=load))
    assert "ran out of memory" in finished(studio, ask(studio)).error
    assert finished(studio, ask(studio)).state == "done"


@pytest.mark.parametrize(
    "wrong", [Image.new("RGB", (32, 32)), Image.new("RGBA", (64, 64)), Image.new("L", (64, 64)), None]
)
def test_a_model_that_breaks_its_word_fails_the_job(open_studio: OpenStudio, wrong: Image.Image | None):
    model = FakeModel()
    model.paint = lambda request: wrong
    studio = open_studio(model)
    assert finished(studio, ask(studio)).state == "failed"
    assert not studio.gallery(OWNER).assets


def test_pictures_made_before_a_failure_are_kept(open_studio: OpenStudio):
    model = FakeModel()
    model.paint = lambda request: picture(request) if request.seed == 1 else None
    studio = open_studio(model)
    job = finished(studio, ask(studio, count=2, seed=1))
    assert job.state == "failed" and len(job.assets) == 1


def test_a_model_that_stays_away_after_a_restart_fails_its_job_with_a_sentence(open_studio: OpenStudio):
    model = FakeModel(steps=ENDLESS)
    studio = open_studio(model)
    ask(studio)
    model.wait_until_entered()
    waiting = ask(studio)
    studio.close()
    reopened = open_studio(spec_of(FakeModel(), "newer"))
    assert "There is no model 'fake'. Choose one of: newer." in finished(reopened, waiting).error


# --- the end of a process ---------------------------------------------------------------------------------------------


def test_closing_keeps_waiting_and_running_jobs_for_the_next_start(open_studio: OpenStudio):
    model = FakeModel(steps=ENDLESS)
    studio = open_studio(model)
    running, waiting = ask(studio, "running", count=2), ask(studio, "waiting")
    for _ in range(3):  # three interruptions on purpose are no crash
        model.wait_until_entered()
        studio.close()
        studio = open_studio(model)
    model.wait_until_entered()
    studio.close()
    studio = open_studio(FakeModel())
    assert len(finished(studio, running).assets) == 2
    assert len(finished(studio, waiting).assets) == 1
    assert [asset.title for asset in studio.gallery(OWNER).assets] == ["waiting", "running", "running"]


def test_closing_lets_a_finished_picture_in(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    job = ask(studio)
    model.open_gate(3)
    until(studio, job, lambda view: view.step == 3)
    closing = threading.Thread(target=studio.close)
    closing.start()
    model.open_gate()
    closing.join()
    assert finished(open_studio(FakeModel()), job).state == "done"
    assert len(model.requests) == 1


def test_closing_ends_the_listeners(open_studio: OpenStudio):
    model = FakeModel(steps=ENDLESS)
    studio = open_studio(model)
    ask(studio)
    model.wait_until_entered()
    waiting = ask(studio)
    heard: list[object] = []
    listener = threading.Thread(target=lambda: heard.extend(studio.events(OWNER, waiting.id)))
    listener.start()
    studio.close()
    listener.join(PATIENCE_SECONDS)
    assert not listener.is_alive()
    assert all(isinstance(event, Waiting) for event in heard)


def test_a_closed_studio_says_so(open_studio: OpenStudio):
    studio = open_studio()
    studio.close()
    with pytest.raises(StorageFailed, match="shutting down"):
        ask(studio)


def test_what_is_given_up_is_not_made_at_the_next_start_though_its_model_is_deaf(open_studio: OpenStudio):
    model = FakeModel(steps=ENDLESS)
    model.deaf_until = threading.Event()
    studio = open_studio(model)
    running, waiting = ask(studio, "running", count=2), ask(studio, "waiting")
    model.wait_until_entered()
    studio.close(give_up=True)
    studio = open_studio(FakeModel())
    assert studio.job(OWNER, running.id).state == studio.job(OWNER, waiting.id).state == "stopped"
    model.deaf_until.set()
    assert len(finished(studio, ask(studio)).assets) == 1
    assert len(studio.gallery(OWNER).assets) == 1


def test_what_was_written_down_and_not_yet_queued_is_given_up_as_well(open_studio: OpenStudio, tmp_path: Path):
    """Ctrl+C may come between the two."""
    studio = open_studio(resume=False)
    done = finished(studio, ask(studio))
    columns = "owner, task, lane, model, title, pictures, request, created, version"
    with closing(sqlite3.connect(tmp_path / "outputs" / "diorama.sqlite")) as index, index:
        values = f"SELECT 'cut-off', 'waiting', {columns} FROM jobs"
        index.execute(f"INSERT INTO jobs (id, state, {columns}) {values}")
    studio.close(give_up=True)
    studio = open_studio(FakeModel())
    assert [(job.id, job.state) for job in studio.jobs(OWNER)] == [("cut-off", "stopped"), (done.id, "done")]


def test_a_terminal_leaves_the_jobs_of_the_page_to_the_page(open_studio: OpenStudio):
    model = FakeModel(steps=ENDLESS)
    studio = open_studio(model)
    running, waiting = ask(studio, "running"), ask(studio, "waiting")
    model.wait_until_entered()
    studio.close()
    studio = open_studio(FakeModel(), resume=False)
    assert len(finished(studio, ask(studio)).assets) == 1
    assert len(studio.gallery(OWNER).assets) == 1
    studio.close(give_up=True)
    studio = open_studio(FakeModel())
    assert len(finished(studio, running).assets) == len(finished(studio, waiting).assets) == 1


# --- models in the background -----------------------------------------------------------------------------------------


def test_warming_loads_a_model_before_it_is_needed(open_studio: OpenStudio):
    loaded = threading.Event()
    fake = FakeModel()

    def load(_tell: Tell) -> FakeModel:
        loaded.set()
        return fake

    studio = open_studio(spec_of(fake, load=load))
    studio.warm("fake")
    assert loaded.wait(PATIENCE_SECONDS)


def test_a_model_for_clicks_can_be_warmed_after_what_is_loading(open_studio: OpenStudio):
    begins, is_over, loads = threading.Event(), threading.Event(), list[str]()

    def load(_tell: Tell) -> FakeModel:
        assert begins.wait(PATIENCE_SECONDS)
        loads.append("pictures")
        return FakeModel()

    def load_quickly(_tell: Tell) -> ColourModel:
        loads.append("clicks")
        is_over.set()
        return ColourModel()

    studio = open_studio(spec_of(None, load=load), replace(colour_spec(), load=load_quickly))
    app.warm_up(studio)
    begins.set()
    assert is_over.wait(PATIENCE_SECONDS)
    assert loads == ["pictures", "clicks"]


def test_a_model_for_clicks_that_needs_the_gpu_is_not_warmed_unasked(open_studio: OpenStudio):
    fake, loads = FakeModel(), list[str]()
    large = replace(colour_spec(), gpu_gb=2.0, load=lambda _tell: loads.append("clicks"))
    studio = open_studio(fake, large)
    app.warm_up(studio)
    finished(studio, ask(studio))
    studio.close()
    assert loads == []


def test_a_model_that_is_not_ready_is_not_warmed(open_studio: OpenStudio):
    loads: list[str] = []
    away = spec_of(None, "away", load=lambda _tell: loads.append("away"), readiness=lambda: Readiness(False, "no GPU"))
    studio = open_studio(FakeModel(), away)
    studio.warm("away")
    finished(studio, ask(studio, model="fake"))
    assert loads == []


def test_a_failed_warming_does_not_end_the_lane(open_studio: OpenStudio, caplog: pytest.LogCaptureFixture):
    tried = threading.Event()

    def load(_tell: Tell) -> FakeModel:
        tried.set()
        raise ValueError("broken")

    studio = open_studio(FakeModel(), spec_of(None, "broken", load=load))
    studio.warm("broken")
    assert tried.wait(PATIENCE_SECONDS)
    assert finished(studio, ask(studio, model="fake")).state == "done"


def test_cloud_jobs_run_side_by_side(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(spec_of(model, lane="cloud"))
    jobs = [ask(studio) for _ in range(8)]
    for job in jobs:
        until(studio, job, lambda view: view.state == "running")
    model.open_gate(32)
    assert [finished(studio, job).state for job in jobs] == ["done"] * 8
