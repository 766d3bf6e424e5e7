"""What follows a job by itself is made once, whoever asks for it and however often."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.errors import NotFound
from studio.service import Studio
from studio.solid.contract import SplatRequest, ViewsRequest
from tests.studio.fakes import finished
from tests.studio.turning_fake import FakeSplats, disc_png, turning_specs

OWNER = "local"
ASKED = 8


@pytest.fixture
def splats() -> FakeSplats:
    return FakeSplats(300)


@pytest.fixture
def studio(tmp_path: Path, splats: FakeSplats) -> Iterator[Studio]:
    opened = Studio(turning_specs(splats=splats), tmp_path / "outputs")
    yield opened
    splats.let_go()
    opened.close()


def request_after(studio: Studio) -> SplatRequest:
    """Four views were made, and a splat of them is to follow."""
    disc = studio.take_in(OWNER, disc_png(), "red disc.png").id
    job = finished(studio, studio.turnings.views(OWNER, ViewsRequest(disc)))
    return SplatRequest(disc, studio.turnings.views_of(OWNER, disc), after=job.id)


def test_what_follows_a_job_is_made_once_however_many_ask_at_the_same_time(studio: Studio, splats: FakeSplats):
    request = request_after(studio)
    with ThreadPoolExecutor(ASKED) as pool:
        jobs = list(pool.map(lambda _: studio.turnings.splat(OWNER, request), range(ASKED)))
    assert len({job.id for job in jobs}) == 1
    done = finished(studio, jobs[0])
    assert studio.turnings.splat(OWNER, request).assets == done.assets
    assert len(splats.orders) == 1


def test_what_was_stopped_does_not_begin_again(studio: Studio, splats: FakeSplats):
    request = request_after(studio)
    splats.gated = True
    job = studio.turnings.splat(OWNER, request)
    studio.cancel(OWNER, job.id)
    splats.let_go()
    assert finished(studio, job).state == "stopped"
    assert studio.turnings.splat(OWNER, request).state == "stopped"


def test_whoever_asks_by_hand_gets_another_one_each_time(studio: Studio, splats: FakeSplats):
    request = request_after(studio)
    by_hand = SplatRequest(request.object, request.views)
    jobs = [finished(studio, studio.turnings.splat(OWNER, one)) for one in (request, by_hand, by_hand)]
    assert len({job.id for job in jobs}) == len(splats.orders) == 3


def test_nothing_follows_a_job_that_is_not_there(studio: Studio):
    request = request_after(studio)
    with pytest.raises(NotFound):
        studio.turnings.splat(OWNER, SplatRequest(request.object, request.views, after="0" * 32))
