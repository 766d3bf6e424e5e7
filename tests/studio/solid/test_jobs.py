"""Views and the splat of them are one job: it goes on by itself, stops as a whole, and outlives its process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio.contract import Model, Progress, Task, Tell
from studio.geometry import Crop, PictureCamera
from studio.service import Studio
from studio.solid.codec import from_json, to_json
from studio.solid.contract import NO_VIEWS, SolidRequest
from tests.studio.crashing import child
from tests.studio.fakes import finished, until
from tests.studio.turning_fake import FakeSplats, FakeViews, disc_png, turning_specs

OWNER = "local"
IDS = ("1" * 32, "2" * 32, "3" * 32, "4" * 32)


def kinds(studio: Studio, ids: tuple[str, ...]) -> list[tuple[str, int]]:
    return [(asset.kind, asset.index) for asset in (studio.asset(OWNER, id) for id in ids)]


VIEWS = [("view", index) for index in range(4)]


def test_one_job_makes_the_views_and_the_splat_of_them(studio: Studio, disc: str, views: FakeViews, splats: FakeSplats):
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, seed=7, elevation_deg=12)))
    assert (job.state, job.task, job.model, job.source) == ("done", Task.SPLAT, "ball", disc)
    assert kinds(studio, job.assets) == [*VIEWS, ("splat", 4)]
    assert studio.asset(OWNER, job.assets[4]).parents == (disc, *job.assets[:4])
    assert len(studio.jobs(OWNER)) == len(views.orders) == len(splats.orders) == 1
    assert views.orders[0].elevation_deg == splats.orders[0].elevation_deg == 12


def test_a_model_that_finds_the_camera_of_the_picture_is_believed(studio: Studio, disc: str, splats: FakeSplats):
    splats.camera = PictureCamera(64, 64, Crop(0, 0, 64), 24, 3.2, 0, 9, (0.01, 0.02, 0))
    splat = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, elevation_deg=5))).assets[4]
    camera, picture = studio.splats.splat(OWNER, splat).pose.camera, studio.asset(OWNER, disc)
    assert camera is not None and (camera.width, camera.height) == (picture.width, picture.height)
    assert replace(camera, width=64, height=64, crop=Crop(0, 0, 64)) == splats.camera


def test_views_that_are_there_are_used_and_only_what_is_missing_is_made(studio: Studio, disc: str, views: FakeViews):
    first = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, splat=False)))
    front, right, back, left = first.assets
    of_all = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=(front, right, back, left))))
    assert kinds(studio, of_all.assets) == [("splat", 0)] and len(views.orders) == 1
    of_three = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=(front, right, "", left))))
    new, splat = of_three.assets
    assert kinds(studio, of_three.assets) == [("view", 2), ("splat", 4)]
    assert studio.asset(OWNER, splat).parents == (disc, front, right, new, left)
    request = SolidRequest(disc, views=(front, right, back, left), only=(1,))
    new, splat = finished(studio, studio.solids.make(OWNER, request)).assets
    assert studio.asset(OWNER, splat).parents == (disc, front, new, back, left)


def test_the_job_says_what_it_makes_now_and_with_which_model(
    studio: Studio, disc: str, views: FakeViews, splats: FakeSplats
):
    views.gated = splats.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc))
    for model, task in (("four-views", Task.VIEWS), ("ball", Task.SPLAT)):
        until(studio, job, lambda view, task=task: view.task == task and view.state == "running")
        assert studio.job(OWNER, job.id).model == model
        views.let_go()
        news = studio.news(OWNER)
    splats.let_go()
    assert finished(studio, job).task == Task.SPLAT and news


def test_stop_during_the_views_makes_nothing_more(studio: Studio, disc: str, views: FakeViews, splats: FakeSplats):
    views.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc))
    views.gate.release()
    until(studio, job, lambda view: view.step == 1)
    studio.cancel(OWNER, job.id)
    views.let_go()
    over = finished(studio, job)
    assert (over.state, over.assets, splats.orders) == ("stopped", (), [])
    assert studio.solids.views_of(OWNER, disc) == NO_VIEWS


def test_stop_during_the_splat_keeps_the_views(studio: Studio, disc: str, splats: FakeSplats):
    splats.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc))
    until(studio, job, lambda view: view.task == Task.SPLAT and len(view.assets) == 4)
    studio.cancel(OWNER, job.id)
    splats.let_go()
    over = finished(studio, job)
    assert over.state == "stopped" and kinds(studio, over.assets) == VIEWS
    assert studio.solids.views_of(OWNER, disc) == over.assets


def test_skip_leaves_out_what_is_made_and_what_would_be_made_of_it(studio: Studio, disc: str, views: FakeViews):
    views.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc))
    until(studio, job, lambda view: view.task == Task.VIEWS and view.state == "running")
    studio.skip(OWNER, job.id)
    views.let_go()
    assert (finished(studio, job).state, finished(studio, job).assets) == ("done", ())


class Broken(FakeViews):
    closed = False

    def run(self, request: object, tell: Tell) -> None:  # type: ignore[override]
        raise MemoryError

    def close(self) -> None:
        self.closed = True


def test_the_model_that_ran_out_of_memory_is_the_one_that_leaves(tmp_path: Path):
    broken = Broken()
    studio = Studio(turning_specs(broken), tmp_path / "outputs")
    disc = studio.take_in(OWNER, disc_png(), "red disc.png").id
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc)))
    assert job.state == "failed" and "ran out of memory" in job.error and broken.closed
    studio.close()


class Deadly(FakeSplats):
    """A model that takes its process with it: the views are there."""

    def run(self, request: object, tell: Tell) -> None:  # type: ignore[override]
        tell(Progress(0, 1))
        os.kill(os.getpid(), signal.SIGKILL)


def in_process(folder: Path, model: Model, request: Callable[[Studio], SolidRequest]) -> dict[str, list]:
    """Ask for something in a process of its own that may end early."""

    def ask(say: Callable[[str, object], None]) -> None:
        studio = Studio(turning_specs(FakeViews(), model), folder)  # type: ignore[arg-type]
        job = studio.solids.make(OWNER, request(studio))
        say("job", job.id)
        finished(studio, job)

    return child(ask)


def test_kill_9_after_the_views_gives_one_splat_of_just_these_views(tmp_path: Path):
    folder, views, splats = tmp_path / "outputs", FakeViews(), FakeSplats(300)

    def request(studio: Studio) -> SolidRequest:
        return SolidRequest(studio.take_in(OWNER, disc_png(), "red disc.png").id, seed=5)

    (id,) = in_process(folder, Deadly(), request)["job"]
    again = Studio(turning_specs(views, splats), folder)
    job = finished(again, again.job(OWNER, id))
    assert job.state == "done" and kinds(again, job.assets) == [*VIEWS, ("splat", 4)]
    assert views.orders == [] and len(splats.orders) == 1
    assert again.count(OWNER, kind="view") == 4 and again.count(OWNER, kind="splat") == 1
    again.close()


BEFORE: list[tuple[dict, SolidRequest]] = [
    (
        {"object": IDS[0], "model": "toy-views", "elevation_deg": 12.0, "seed": 3, "steps": 4, "guidance": 2.5}
        | {"only": [2], "keep": ["", IDS[1], "", IDS[3]], "source": IDS[0]},
        SolidRequest(IDS[0], False, ("", IDS[1], "", IDS[3]), (2,), "toy-views", "", 12.0, 3, 4, 2.5),
    ),
    (
        {"object": IDS[0], "views": list(IDS), "model": "toy-lgm", "elevation_deg": -3.0, "after": "", "source": "x"},
        SolidRequest(IDS[0], views=IDS, splat_model="toy-lgm", elevation_deg=-3.0),
    ),
]


@pytest.mark.parametrize(("row", "request_of_it"), BEFORE)
def test_a_job_that_was_left_by_a_diorama_before_is_understood(row: dict, request_of_it: SolidRequest):
    assert from_json(row) == request_of_it == from_json(to_json(request_of_it))
