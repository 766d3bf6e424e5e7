"""Changes that are made again: on another picture, with another model, all of a branch in one job."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from studio.contract import IterateRequest, Range, Stroke
from studio.errors import BadRequest, NotFound, UnknownModel
from studio.imaging import replay
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, until
from tests.studio.imaging.test_iterate_job import BRUSH, change, editor, keep, pixels, turned


@pytest.fixture
def fake() -> FakeModel:
    model = FakeModel()
    model.paint = turned
    return model


@pytest.fixture
def other() -> FakeModel:
    model = FakeModel()
    model.paint = lambda request: Image.eval(request.references[0], lambda value: 255 - value)
    return model


@pytest.fixture
def studio(open_studio: OpenStudio, fake: FakeModel, other: FakeModel) -> Studio:
    return open_studio(editor(fake), editor(other, "other", steps=Range(1, 4, 2), guidance=None))


def test_a_row_says_what_not_every_worker_can_do():
    changes = [IterateRequest("a", "x"), IterateRequest("b", "y", precision="nf4"), IterateRequest("c", "z", fast=True)]
    values = replay.to_json(changes)
    assert (values["precision"], values["fast"]) == ("nf4", True)
    assert [replay.link(values, index, None) for index in range(3)] == changes


def branch(studio: Studio) -> tuple[str, str, str]:
    """A picture, and two changes one upon the other."""
    source = keep(studio)
    first = change(studio, source, "paint the middle", strokes=(BRUSH,), seed=5, steps=7, feather=0.0).assets[0]
    second = change(studio, first, "make room", extend=(0, 0, 8, 0), seed=9, guidance=2.5).assets[0]
    return source, first, second


def test_a_branch_is_made_again_on_another_picture_one_change_upon_the_other(studio: Studio, fake: FakeModel):
    _, _, end = branch(studio)
    another = keep(studio, seed=4)
    asked = len(fake.requests)
    job = finished(studio, studio.replay(OWNER, end, source=another))
    assert (job.state, job.title, job.pictures) == ("done", "make room", 2)
    first, second = (studio.asset(OWNER, each) for each in job.assets)
    assert (first.parents, second.parents) == ((another,), (first.id,))
    assert [each.title for each in (first, second)] == ["paint the middle", "make room"]
    assert [(each.seed, each.steps, each.guidance) for each in fake.requests[asked:]] == [(5, 7, 4.0), (9, 3, 2.5)]
    assert np.array_equal(pixels(studio, first.id)[60:], pixels(studio, another)[60:])
    assert [node.asset.title for node in studio.tree(OWNER, another).nodes][1:] == ["paint the middle", "make room"]


def test_the_same_again_is_the_same(studio: Studio):
    source, _, end = branch(studio)
    job = finished(studio, studio.replay(OWNER, end))
    assert studio.asset(OWNER, job.assets[0]).parents == (source,)
    assert np.array_equal(pixels(studio, job.assets[1]), pixels(studio, end))


def test_only_the_latest_changes_with_new_seeds(studio: Studio, fake: FakeModel):
    _, first, end = branch(studio)
    job = finished(studio, studio.replay(OWNER, end, last=1, new_seed=True))
    made = studio.asset(OWNER, job.assets[0])
    assert len(job.assets) == 1 and made.parents == (first,)
    assert made.seed != 9
    assert studio.request_of_version(OWNER, made.id) is not None


def test_with_another_model_its_own_defaults_count(studio: Studio, other: FakeModel):
    _, _, end = branch(studio)
    job = finished(studio, studio.replay(OWNER, end, model="other"))
    assert job.state == "done"
    assert [(each.seed, each.steps, each.guidance) for each in other.requests] == [(5, 2, 0.0), (9, 2, 0.0)]
    mixed = change(studio, job.assets[1], "more").assets[0]
    with pytest.raises(BadRequest, match="made with other and fake"):
        studio.replay(OWNER, mixed)
    assert finished(studio, studio.replay(OWNER, mixed, model="fake")).state == "done"


def test_a_change_that_does_not_fit_the_new_picture_stops_there_with_a_sentence(studio: Studio):
    _, _, end = branch(studio)
    small = keep(studio, (20, 20), seed=6)
    with pytest.raises(BadRequest, match="Nothing is selected"):
        studio.replay(OWNER, end, source=small)
    all_of_it = change(studio, keep(studio, (150, 150)), "all of it").assets[0]
    dot = change(studio, all_of_it, "a dot", strokes=(Stroke(((90.0, 90.0),), 3),)).assets[0]
    job = finished(studio, studio.replay(OWNER, dot, source=small))  # there the dot lies beside the picture
    assert job.state == "failed" and "Nothing is selected" in job.error
    assert [studio.asset(OWNER, each).title for each in job.assets] == ["all of it"]


def test_what_cannot_be_replayed_is_said(studio: Studio):
    source, first, end = branch(studio)
    drawn = finished(studio, ask(studio)).assets[0]
    for picture in (source, drawn):
        with pytest.raises(BadRequest, match="nothing to replay"):
            studio.replay(OWNER, picture)
    foreign = keep(studio, owner="somebody", seed=8)
    for wrong in (foreign, "0" * 32, "' OR 1=1"):
        with pytest.raises(NotFound):
            studio.replay(OWNER, end, source=wrong)
        with pytest.raises(NotFound):
            studio.replay(OWNER, wrong)
    for last in (-1, True, 1.5, "2"):
        with pytest.raises(BadRequest, match="whole number"):
            studio.replay(OWNER, first, last=last)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownModel):
        studio.replay(OWNER, first, model="nope")
    at = first
    for number in range(8):
        at = change(studio, at, f"change {number}", seed=number).assets[0]
    with pytest.raises(BadRequest, match="9 changes lead to this version; at most 8"):
        studio.replay(OWNER, at)
    assert len(finished(studio, studio.replay(OWNER, at, last=8)).assets) == 8


def test_a_replay_that_was_interrupted_goes_on_where_it_was(open_studio: OpenStudio, fake: FakeModel):
    first = open_studio(editor(fake))
    _, _, end = branch(first)
    first.close()
    gated = FakeModel()
    gated.gated = True
    gated.paint = turned
    second = open_studio(editor(gated))
    job = second.replay(OWNER, end)
    gated.open_gate(gated.steps + 1)
    until(second, job, lambda view: len(view.assets) == 1)
    gated.let_go()
    second.close()
    third = open_studio(editor(fake))
    over = finished(third, third.job(OWNER, job.id))
    assert over.state == "done" and len(over.assets) == 2
    assert third.asset(OWNER, over.assets[1]).parents == (over.assets[0],)
    assert np.array_equal(pixels(third, over.assets[1]), pixels(third, end))


def test_a_skipped_change_is_left_out_of_the_chain(studio: Studio, fake: FakeModel):
    source, _, end = branch(studio)
    fake.gated = True
    asked = len(fake.requests)
    job = studio.replay(OWNER, end)
    until(studio, job, lambda view: view.state == "running")
    while len(fake.requests) == asked:
        fake.wait_until_entered()
    studio.skip(OWNER, job.id)
    fake.let_go()
    over = finished(studio, job)
    assert [studio.asset(OWNER, each).parents for each in over.assets] == [(source,)]
    edit = studio.asset(OWNER, over.assets[0]).recipe.edit
    assert edit is not None and edit.extend == (0, 0, 8, 0)
