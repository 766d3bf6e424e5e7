"""Changing pictures through the studio: a real store and real jobs; only the model is a fake."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import masks
from studio.contract import ImageRequest, IterateRequest, ModelSpec, Range, Size, Stroke, Task
from studio.errors import BadRequest, NotFound, NotReady, NotSupported, UnknownModel
from studio.imaging import edit_codec, replay
from studio.intake.picture import read_picture
from studio.recipe import from_values, read_png, to_text
from studio.recipe.edit import EditRecipe
from studio.recipe.selection import SegmentRequest
from studio.scheduling.contract import JobView
from studio.segmentation import objects
from studio.service import Studio
from tests.studio.changing import moved, picture
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of, until

BRUSH = Stroke(((40.0, 30.0), (60.0, 34.0)), 8)


def editor(model: FakeModel, id: str = "fake", **changes: Any) -> ModelSpec:
    values: dict[str, Any] = {
        "tasks": frozenset({Task.GENERATE, Task.ITERATE}),
        "references": 3,
        "sizes": (Size(96, 96),),
    }
    return spec_of(model, id, **values | {"any_size": (32, 160, 16)} | changes)


def turned(request: ImageRequest) -> Image.Image:
    """Every pixel is another one than in the first reference."""
    return (
        Image.eval(request.references[0], lambda value: (value + 128) % 256)
        if request.references
        else picture(request.size)
    )


@pytest.fixture
def fake() -> FakeModel:
    model = FakeModel()
    model.paint = turned
    return model


@pytest.fixture
def studio(open_studio: OpenStudio, fake: FakeModel) -> Studio:
    return open_studio(editor(fake))


def keep(studio: Studio, size: tuple[int, int] = (120, 90), *, owner: str = OWNER, **options: Any) -> str:

    file = io.BytesIO()
    picture(size, **options).save(file, "PNG")
    return studio.take_in(owner, file.getvalue(), "a red ball.png").id


def cut_out(studio: Studio, source: str) -> str:
    """An object of a picture: a disc."""
    stroke = Stroke(((70.0, 50.0),), 15)
    return studio.selections.keep(OWNER, SegmentRequest(source, strokes=(stroke,)), "disc").id


def change(studio: Studio, source: str, instruction: str = "make it blue", **values: Any) -> JobView:
    return finished(studio, studio.iterate(OWNER, IterateRequest(source, instruction, **values)))


def pixels(studio: Studio, asset_id: str) -> np.ndarray:
    return np.asarray(read_picture(studio.path(OWNER, asset_id)).image)


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (["make it blue"], "ball"),
        (["put it on sand", "make it brighter"], "ball"),
        (["turn it into a little house"], "little house"),
        (["turn it into a tree", "turn it into a house", "make it yellow"], "house"),
        (["Add a green cube next to it"], "green cube"),
        (["add more light"], "ball"),
    ],
)
def test_an_object_of_a_version_is_named_after_what_it_is_by_now(studio: Studio, instructions: list[str], name: str):
    version = keep(studio)
    for instruction in instructions:
        (version,) = change(studio, version, instruction).assets
    assert studio.selections.suggested_name(OWNER, version) == name
    studio.rename(OWNER, version, "a tall tower on a hill")
    assert studio.selections.suggested_name(OWNER, version) == "tall tower"


def test_a_version_is_kept_beside_its_picture_with_all_that_made_it(studio: Studio, fake: FakeModel):
    source, more = keep(studio), keep(studio, seed=1)
    thing = cut_out(studio, source)
    job = change(
        studio, source, references=(more,), object=thing, strokes=(BRUSH,), seed=7, steps=5, guidance=3.0, count=2
    )
    assert (job.task, job.state, job.title, job.model) == (Task.ITERATE, "done", "make it blue", "fake")
    assert len(job.assets) == 2
    made = studio.asset(OWNER, job.assets[1])
    assert made.parents == (source, thing, more)
    recipe = read_png(studio.path(OWNER, made.id))
    assert recipe is not None
    said = recipe.recipe
    assert (said.task, said.prompt, said.title, said.seed, said.steps, said.guidance) == (
        "iterate",
        "make it blue",
        "make it blue",
        8,
        5,
        3.0,
    )
    asked = fake.requests[-1]
    assert asked.seed == 8 and len(asked.references) == 2
    assert studio.gallery(OWNER, query="blue").assets[0].id == made.id


def test_without_a_mask_the_whole_picture_is_new_in_its_own_shape(studio: Studio):
    source = keep(studio, (240, 120))
    made = studio.asset(OWNER, change(studio, source).assets[0])
    assert made.width / made.height == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_with_an_object_every_other_pixel_stays(studio: Studio, mode: str):
    source = keep(studio, mode=mode)
    thing = cut_out(studio, source)
    made = pixels(studio, change(studio, source, object=thing, feather=4.0).assets[0])
    before = pixels(studio, source)
    mask = studio.selections.mask(OWNER, thing)
    assert made.shape == before.shape
    near = masks.grown(np.where(mask >= 128, 255, 0).astype(np.uint8), 4) > 0
    assert np.array_equal(made[~near], before[~near])
    inside = studio.selections.mask(OWNER, thing) == 255
    assert (made[inside][:, :3] != before[inside][:, :3]).any(axis=1).mean() > 0.95


def test_strokes_add_to_an_object_and_the_eraser_takes_away(studio: Studio):
    source = keep(studio)
    thing = cut_out(studio, source)
    hole = Stroke(((70.0, 50.0),), 5, add=False)
    made = pixels(studio, change(studio, source, object=thing, strokes=(BRUSH, hole), feather=0.0).assets[0])
    differs = (made != pixels(studio, source)).any(axis=2)
    assert differs[30, 42] and differs[40, 70] and not differs[50, 70] and not differs[80, 10]


def test_inverted_the_object_stays_and_all_else_may_change(studio: Studio):
    source = keep(studio)
    made = pixels(studio, change(studio, source, strokes=(BRUSH,), invert=True, feather=0.0).assets[0])
    differs = (made != pixels(studio, source)).any(axis=2)
    assert not differs[28:33, 42:58].any() and differs[60:].mean() > 0.95


def test_an_extended_picture_keeps_what_was_there(studio: Studio, fake: FakeModel):
    source = keep(studio)
    job = change(studio, source, "", extend=(16, 0, 40, 8), feather=3.0)
    assert job.title == "Extend left, right and bottom"
    made = pixels(studio, job.assets[0])
    assert made.shape[:2] == (98, 176)
    assert np.array_equal(made[:87, 19:133], pixels(studio, source)[:87, 3:117])
    assert "Continue" in fake.requests[-1].prompt
    assert studio.asset(OWNER, job.assets[0]).recipe.prompt == ""


def test_a_model_that_honours_a_mask_gets_one_and_another_does_not(open_studio: OpenStudio, fake: FakeModel):
    other = FakeModel()
    other.paint = turned
    studio = open_studio(editor(fake, mask=True), editor(other, "plain"))
    source = keep(studio)
    change(studio, source, strokes=(BRUSH,))
    change(studio, source, strokes=(BRUSH,), model="plain")
    mask = fake.requests[-1].mask
    assert mask is not None and mask.mode == "L" and mask.size == fake.requests[-1].references[0].size
    assert set(np.unique(np.asarray(mask))) == {0, 255}
    assert other.requests[-1].mask is None


def test_a_model_that_moves_the_frame_is_put_right_and_says_so(open_studio: OpenStudio):
    model = FakeModel()
    model.paint = lambda request: moved(request.references[0], 5, -3)
    studio = open_studio(editor(model, sizes=(Size(256, 256),), any_size=(64, 512, 16)))
    source = keep(studio, (256, 192), seed=3)
    large = Stroke(((128.0, 96.0),), 50)
    made = studio.asset(OWNER, change(studio, source, strokes=(large,)).assets[0])
    assert made.recipe.notice == "The model moved the picture by 5, -3 pixels; this was corrected."
    assert made.recipe.edit is not None
    assert made.recipe.edit.drift[:2] == pytest.approx([5, -3], abs=0.4)
    assert np.abs(pixels(studio, made.id).astype(int) - pixels(studio, source)).mean() < 1


def test_a_cloud_that_answers_in_another_size_still_changes_nothing_else(open_studio: OpenStudio):
    model = FakeModel()
    model.paint = lambda request: Image.new("RGB", (77, 50), "magenta")
    studio = open_studio(editor(model, exact_size=False))
    source = keep(studio)
    made = pixels(studio, change(studio, source, strokes=(BRUSH,), feather=2.0).assets[0])
    differs = (made != pixels(studio, source)).any(axis=2)
    assert (made[30, 42] == (255, 0, 255)).all() and differs.mean() < 0.1


def test_a_transparent_change_keeps_its_alpha(open_studio: OpenStudio):
    model = FakeModel()
    model.paint = lambda request: Image.new("RGBA", request.size, (9, 9, 9, 0))
    studio = open_studio(editor(model, transparent=True))
    source = keep(studio)
    made = pixels(studio, change(studio, source, strokes=(BRUSH,), transparent=True, feather=0.0).assets[0])
    assert made.shape == (90, 120, 4) and made[30, 42, 3] == 0 and made[80, 10, 3] == 255


def test_what_a_version_was_made_with_can_be_asked_again(studio: Studio):
    source = keep(studio)
    wanted = IterateRequest(
        source,
        "make it blue",
        object=cut_out(studio, source),
        strokes=(Stroke(((1.0, 2.5),), 3, add=False), BRUSH),
        extend=(0, 8, 0, 0),
        feather=2.0,
        seed=11,
        steps=4,
        guidance=2.0,
    )
    made = finished(studio, studio.iterate(OWNER, wanted)).assets[0]
    again = studio.request_of_version(OWNER, made)
    assert again == replace(wanted, model="fake", feather=2.0)
    assert again is not None
    twin = finished(studio, studio.iterate(OWNER, again)).assets[0]
    assert np.array_equal(pixels(studio, twin), pixels(studio, made))
    assert studio.request_of_version(OWNER, source) is None
    assert studio.request_of_version(OWNER, finished(studio, ask(studio)).assets[0]) is None


def test_a_job_goes_on_after_a_restart_with_what_it_was_asked(open_studio: OpenStudio, tmp_path: Path):
    gated = FakeModel()
    gated.gated = True
    gated.paint = turned
    first = open_studio(editor(gated))
    source = keep(first)
    job = first.iterate(OWNER, IterateRequest(source, "make it blue", strokes=(BRUSH,), seed=3, count=2, feather=0.0))
    gated.open_gate(gated.steps + 1)
    until(first, job, lambda view: len(view.assets) == 1)
    gated.wait_until_entered()
    gated.wait_until_entered()
    gated.let_go()
    first.close()
    model = FakeModel()
    model.paint = turned
    second = open_studio(editor(model))
    over = finished(second, second.job(OWNER, job.id))
    assert over.state == "done" and len(over.assets) == 2
    assert [second.asset(OWNER, each).seed for each in over.assets] == [3, 4]


def test_a_source_that_is_deleted_while_its_job_waits_is_still_changed(studio: Studio, fake: FakeModel):
    fake.gated = True
    source = keep(studio)
    before = ask(studio)
    job = studio.iterate(OWNER, IterateRequest(source, "make it blue"))
    studio.delete(OWNER, [source])
    fake.let_go()
    assert finished(studio, before).state == "done"
    assert finished(studio, job).state == "done"


def test_a_change_forms_in_its_place_in_the_picture(studio: Studio, fake: FakeModel):
    source = keep(studio, (1200, 800))
    fake.gated = True
    job = studio.iterate(
        OWNER, IterateRequest(source, "make it red", strokes=(Stroke(((300.0, 200.0),), 20),), seed=77)
    )
    fake.open_gate()
    view = until(studio, job, lambda view: view.preview is not None)
    fake.let_go()
    shown = Image.open(io.BytesIO(view.preview or b"")).convert("RGB")
    assert shown.size == (512, 341)
    whole = Image.open(studio.path(OWNER, source)).convert("RGB").resize(shown.size)
    seen, before = (np.asarray(each, np.int16) for each in (shown, whole))
    assert np.abs(seen[250, 400] - before[250, 400]).max() < 25  # it is a JPEG
    assert np.abs(seen[85, 128] - (77, 0, 77)).max() < 25
    finished(studio, job)


def test_stop_and_skip_work_as_in_generate(studio: Studio, fake: FakeModel):
    fake.gated = True
    job = studio.iterate(OWNER, IterateRequest(keep(studio), "make it blue", count=2))
    fake.wait_until_entered()
    studio.skip(OWNER, job.id)
    fake.open_gate()
    fake.wait_until_entered()
    studio.cancel(OWNER, job.id)
    fake.let_go()
    over = finished(studio, job)
    assert over.state == "stopped" and over.assets == ()


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_picture_that_is_not_ones_own_does_not_exist(studio: Studio):
    mine, foreign, gone = keep(studio), keep(studio, owner="somebody", seed=1), keep(studio, seed=2)
    studio.delete(OWNER, [gone])
    for wrong in (foreign, gone, "0" * 32, "' OR 1=1 --", "../../etc/passwd", ""):
        for request in (
            IterateRequest(wrong, "make it blue"),
            IterateRequest(mine, "make it blue", references=(wrong,)),
        ):
            with pytest.raises(NotFound, match="There is no picture"):
                studio.iterate(OWNER, request)
    for wrong in (foreign, gone, "' OR 1=1 --"):
        with pytest.raises(NotFound):
            studio.iterate(OWNER, IterateRequest(mine, "make it blue", object=wrong))
    assert studio.jobs(OWNER) == []


def test_an_object_of_a_picture_of_another_size_is_refused_in_a_sentence(studio: Studio):
    source, other = keep(studio), keep(studio, (100, 90), seed=1)
    with pytest.raises(BadRequest, match="120 x 90 pixels, and this one has 100 x 90"):
        studio.iterate(OWNER, IterateRequest(other, "make it blue", object=cut_out(studio, source)))
    with pytest.raises(BadRequest, match="whole picture, not an object"):
        studio.iterate(OWNER, IterateRequest(source, "make it blue", object=other))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"instruction": ""}, "instruction is empty"),
        ({"instruction": " \u200b "}, "instruction is empty"),
        ({"instruction": "x" * 1_000_000}, "1,000,000 characters"),
        ({"instruction": 5}, "must be text"),
        ({"count": 0}, "number of versions must be 1 to 8"),
        ({"count": 10**6}, "number of versions"),
        ({"count": "two"}, "whole number"),
        ({"seed": -2}, "seed"),
        ({"steps": 0}, "steps"),
        ({"guidance": float("nan")}, "finite"),
        ({"strength": float("nan")}, "finite"),
        ({"strength": -1}, "0.1 to 1"),
        ({"strength": 2}, "0.1 to 1"),
        ({"strength": "strong"}, "must be a number"),
        ({"quality": "best"}, "quality"),
        ({"transparent": True}, "transparent"),
        ({"references": ("0" * 32,) * 4}, "takes 2 more pictures beside the one it changes, not 4"),
        ({"strokes": (Stroke(((-50.0, -50.0),), 3),)}, "Nothing is selected"),
        ({"strokes": (Stroke(((40.0, 30.0),), 3, add=False),)}, "Nothing is selected"),
        ({"strokes": (Stroke(((1e300, 0.0),), 3),)}, "far from the picture"),
        ({"strokes": (Stroke(((float("nan"), 0.0),), 3),)}, "far from the picture"),
        ({"strokes": (Stroke(((1.0, 1.0),) * 20_001, 3),)}, "20,001 points"),
        ({"invert": True}, "first select what stays"),
        ({"invert": True, "strokes": (Stroke(((60.0, 45.0),), 300),)}, "Nothing is selected"),
        ({"invert": "yes"}, "true or false"),
        ({"feather": float("nan")}, "0 to 128"),
        ({"feather": -1}, "0 to 128"),
        ({"feather": 1e9}, "0 to 128"),
        ({"extend": (1, 2, 3)}, "four numbers"),
        ({"extend": (-5, 0, 0, 0)}, "left by 0 to 4096"),
        ({"extend": (0, 0, 0, 10**9)}, "bottom by 0 to 4096"),
        ({"extend": (0, 0.5, 0, 0)}, "top by 0 to 4096"),
        ({"extend": (4096, 4096, 4096, 4096)}, "more than 40 megapixels"),
        ({"object": 7}, "must be the id"),
    ],
)
def test_what_cannot_be_is_one_sentence(open_studio: OpenStudio, fake: FakeModel, values: dict[str, Any], said: str):
    studio = open_studio(editor(fake, strength=Range(0.1, 1, 0.7)))
    request = replace(IterateRequest(keep(studio), "make it blue"), **values)
    with pytest.raises((BadRequest, NotSupported), match=said) as refused:
        studio.iterate(OWNER, request)
    assert len(str(refused.value)) < 250 and "\n" not in str(refused.value)
    assert studio.jobs(OWNER) == []


def test_what_a_model_does_not_honour_is_refused(open_studio: OpenStudio, fake: FakeModel):
    studio = open_studio(
        editor(fake),
        editor(FakeModel(), "one", references=1),
        editor(FakeModel(), "filler", mask=True, mask_only=True),
        spec_of(FakeModel(), "drawer"),
    )
    source = keep(studio)
    with pytest.raises(NotSupported, match="no setting for the strength"):
        studio.iterate(OWNER, IterateRequest(source, "make it blue", strength=0.5))
    with pytest.raises(NotSupported, match="takes no more pictures"):
        studio.iterate(OWNER, IterateRequest(source, "make it blue", model="one", references=(source,)))
    with pytest.raises(NotSupported, match="fills in an area"):
        studio.iterate(OWNER, IterateRequest(source, "a blue ball", model="filler"))
    assert change(studio, source, "", model="filler", strokes=(BRUSH,)).state == "done"
    with pytest.raises(BadRequest, match="instruction is empty"):
        studio.iterate(OWNER, IterateRequest(source, "", strokes=(BRUSH,)))
    for wrong in ("drawer", "nope", "../../x", "https://models.example/x"):
        with pytest.raises(UnknownModel):
            studio.iterate(OWNER, IterateRequest(source, "make it blue", model=wrong))


def test_a_studio_without_an_editor_says_so(open_studio: OpenStudio):
    studio = open_studio(FakeModel())
    with pytest.raises(NotReady, match="No model here can iterate"):
        studio.iterate(OWNER, IterateRequest(keep(studio), "make it blue"))


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_a_request_survives_json():
    request = IterateRequest(
        "a" * 32,
        "make it blue",
        model="m",
        references=("b" * 32,),
        object="c" * 32,
        strokes=(BRUSH, Stroke((), 2, add=False)),
        invert=True,
        feather=0.5,
        extend=(1, 2, 3, 4),
        count=3,
        seed=4,
        steps=5,
        guidance=1.5,
        strength=0.4,
        negative_prompt="fog",
        quality="high",
        transparent=True,
    )
    assert edit_codec.from_json(json.loads(json.dumps(asdict(request)))) == request
    assert edit_codec.from_json({}) == IterateRequest("", "")
    assert edit_codec.from_json({"source": "x", "extend": {"left": 8}}).extend == (8, 0, 0, 0)


@pytest.mark.parametrize(
    "values",
    [
        [],
        "text",
        {"references": "abc"},
        {"extend": 5},
        {"extend": {"up": 5}},
        {"strokes": "many"},
        {"strokes": [{"points": [[1, "2"]]}]},
        {"strokes": [{"points": [[1, 2]], "radius": 0}]},
    ],
)
def test_json_that_is_no_request_is_refused(values: Any):
    with pytest.raises(BadRequest):
        edit_codec.from_json(values)


@pytest.mark.parametrize(
    "edit",
    [
        *("", "no json", "[]", "5", '{"strokes":5}', "[" * 100_000, None, 5, []),
        *({name: "x"} for name in asdict(EditRecipe())),
        *(
            {"object": "\ud800"},
            {"extend": [1, 2, 3]},
            {"extend": [0, 0, 0, -1]},
            {"drift": [[]]},
            {"feather": 10**400},
        ),
    ],
)
def test_a_recipe_with_a_strange_edit_is_read_and_replays_nothing(studio: Studio, edit: object):
    made = change(studio, keep(studio)).assets[0]
    found = read_png(studio.path(OWNER, made))
    assert found is not None
    recipe = from_values(json.loads(to_text(found.recipe)) | {"edit": edit})
    assert recipe is not None and replay.request_of(recipe) is None


def test_a_recipe_with_an_edit_that_is_too_long_is_none(studio: Studio):
    found = read_png(studio.path(OWNER, change(studio, keep(studio)).assets[0]))
    assert found is not None
    assert from_values(json.loads(to_text(found.recipe)) | {"edit": " " * 500_001}) is None


def test_a_mask_file_of_a_picture_without_alpha_selects_everything(studio: Studio):
    assert (objects.mask_in(studio.path(OWNER, keep(studio))) == 255).all()
