"""SAM 2 through our code: the package's own classes at a tiny size with random weights, from files on the disk."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from pipelines import catalog, readiness
from pipelines.bundled import LISTING
from pipelines.families import sam
from pipelines.hub.cache import HubCache
from pipelines.machine import inspect
from pipelines.mask_scores import count_sureness
from pipelines.records import segmentation
from studio import masks
from studio.contract import ModelSpec, Progress, Size, Task
from studio.errors import NotReady
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.segmentation.contract import GridMaskRequest, MaskRequest
from studio.segmentation.outline_model import OUTLINE
from studio.service import Studio
from tests.pipelines.conftest import ignore
from toybox.checksums import listing
from toybox.sam.model import build_model, predictor_for, save_model

SIZE = Size(200, 120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(7)
    model = build_model()
    with torch.no_grad():  # untrained, the masks of one click would hardly depend on where it is
        for parameter in model.sam_mask_decoder.parameters():
            parameter.mul_(1.6)
    folder = tmp_path_factory.mktemp("weights") / "toy-sam"
    save_model(model, folder)
    (folder / LISTING).write_text(listing(folder))
    return folder


@pytest.fixture
def opened(folder: Path) -> Iterator[sam.Sam]:
    model = sam.open_folder(folder)
    yield model
    model.close()


def picture(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size)


def request(seed: int, *points: Point, **options: object) -> MaskRequest:
    return MaskRequest(lambda: picture(seed), f"picture {seed}", SIZE, points=points, **options)  # type: ignore[arg-type]


def test_one_click_is_answered_as_the_packages_own_predictor_does(opened: sam.Sam, folder: Path):
    from toybox.sam.model import load_model

    theirs = predictor_for(load_model(folder))
    count_sureness(theirs.model.sam_mask_decoder)
    side = theirs.model.image_size
    theirs.set_image(picture(1).resize((side, side), Image.Resampling.BILINEAR))
    point = np.array([[50 * side / 200, 30 * side / 120]])
    _, scores, logits = theirs.predict(point, np.array([1]), multimask_output=True)
    found = opened.run(request(1, Point(50, 30)), ignore)
    order = np.argsort(-scores, kind="stable")
    assert isinstance(found.logits, np.ndarray)
    assert np.allclose(found.logits, logits[order], atol=1e-4)
    assert np.allclose(found.scores, scores[order], atol=1e-5)


def test_a_picture_is_decoded_once_and_a_repeated_click_is_remembered(opened: sam.Sam):
    decoded: list[int] = []

    def load() -> Image.Image:
        decoded.append(1)
        return picture(2)

    for x in (20, 60, 20):
        opened.run(MaskRequest(load, "two", SIZE, points=(Point(x, 40),)), ignore)
    assert decoded == [1]
    assert len(opened._answers) == 2


def test_the_answer_does_not_depend_on_what_was_asked_before(opened: sam.Sam, folder: Path):
    clicks = (Point(50, 30), Point(120, 80, False), Point(70, 90))
    step_by_step = [opened.run(request(3, *clicks[:count]), ignore) for count in (1, 2, 3)][-1]
    opened.run(request(4, Point(10, 10)), ignore)
    fresh = sam.open_folder(folder)
    at_once = fresh.run(request(3, *clicks), ignore)
    fresh.close()
    assert np.array_equal(step_by_step.logits, at_once.logits)
    assert len(at_once.scores) == 1


def test_the_chosen_mask_of_the_first_click_is_the_one_that_is_refined(opened: sam.Sam):
    clicks = (Point(50, 30), Point(120, 80))
    results = [opened.run(request(5, *clicks, choice=choice), ignore).logits for choice in (0, 2)]
    assert not np.array_equal(*results)


def test_a_box_and_a_mask_to_begin_with_give_one_mask(opened: sam.Sam):
    start = np.zeros((120, 200), np.uint8)
    start[20:60, 30:90] = 255
    assert len(opened.run(request(6, box=Box(30, 20, 90, 60)), ignore).scores) == 1
    assert len(opened.run(request(6, Point(60, 40), start=start), ignore).scores) == 1
    assert len(opened.run(request(6, Point(60, 40), box=Box(30, 20, 90, 60)), ignore).scores) == 1


def test_a_click_that_removes_never_comes_first(opened: sam.Sam):
    add, remove = Point(50, 30), Point(120, 80, False)
    one = opened.run(request(7, remove, add), ignore)
    other = opened.run(request(7, add, remove), ignore)
    assert np.array_equal(one.logits, other.logits)


def test_a_grid_of_clicks_gives_three_masks_each(opened: sam.Sam):
    told: list[Progress] = []
    found = opened.run(GridMaskRequest(lambda: picture(8), "eight", SIZE), told.append)
    assert isinstance(found, list)
    assert len(found) == 3 * sam.GRID[False] ** 2
    assert {round(each.point.x) for each in found} == {round(200 * (i + 0.5) / 16) for i in range(16)}
    assert [progress.step for progress in told[1:]] == list(range(0, 256, 32))
    click = found[3 * 100].point
    alone = opened.run(MaskRequest(lambda: picture(8), "eight", SIZE, points=(click,)), ignore)
    best = max((each for each in found if each.point == click), key=lambda each: each.score)
    assert np.allclose(best.logits, alone.logits[0], atol=1e-3)


def test_old_pictures_make_room(opened: sam.Sam, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sam, "KEPT_BYTES", 1_500_000)
    for seed in range(6):
        opened.run(request(seed, Point(50, 30)), ignore)
    assert 1 <= len(opened._embedded) < 6
    assert list(opened._embedded)[-1] == "picture 5"


def test_two_people_clicking_at_once_get_the_masks_of_their_own_pictures(folder: Path, tmp_path: Path):
    spec = catalog.spec_of(segmentation.TOY_SAM, inspect(), HubCache(tmp_path), folder)
    studio = Studio([spec], tmp_path / "outputs")
    people = ("ann", "bob")
    alone, wrong = sam.open_folder(folder), []
    pictures = {}
    for seed, owner in enumerate(people):
        path = tmp_path / f"{owner}.png"
        picture(20 + seed).save(path)
        pictures[owner] = studio.take_in(owner, path).id
    expected = {
        (owner, x): masks.enlarged(alone.run(request(20 + seed, Point(x, 60)), ignore).logits[0], SIZE) > 0
        for seed, owner in enumerate(people)
        for x in range(4, 200, 28)
    }

    def click(owner: str) -> None:
        rng = random.Random(owner)
        for _ in range(100):
            x = rng.choice(range(4, 200, 28))
            found = studio.selections.segment(owner, SegmentRequest(pictures[owner], points=(Point(x, 60),)))
            if not np.array_equal(found.candidates[0].mask > 0, expected[owner, x]):
                wrong.append((owner, x))

    threads = [threading.Thread(target=click, args=(owner,)) for owner in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone.close()
    studio.close()
    assert wrong == []
    different = [(expected["ann", x] != expected["bob", x]).mean() for x in range(4, 200, 28)]
    assert max(different) > 0.03  # else this test could not tell them apart


def test_a_published_checkpoint_is_opened_strictly_and_nothing_in_it_is_run(tmp_path: Path):
    path = tmp_path / "sam2.1_hiera_tiny.pt"
    for content in (b"", b"<html>", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(NotReady, match="not a checkpoint of SAM"):
            sam.open_published(path, "t")
    torch.save({"model": {"some": torch.zeros(1)}}, path)
    with pytest.raises(NotReady, match="another model"):
        sam.open_published(path, "t")
    torch.save({"model": Path("/")}, path)
    with pytest.raises(NotReady, match="not a checkpoint of SAM"):
        sam.open_published(path, "t")


def test_the_tiny_one_of_the_published_sizes_works_with_random_weights(tmp_path: Path):
    path = tmp_path / "sam2.1_hiera_tiny.pt"
    torch.save({"model": sam.build(sam.published_config("t")).state_dict()}, path)
    opened = sam.open_published(path, "t")
    found = opened.run(request(9, Point(50, 30)), ignore)
    assert found.logits.shape == (3, 256, 256)
    opened.close()


def test_weights_that_do_not_fit_are_refused(folder: Path, tmp_path: Path):
    (tmp_path / "config.yaml").write_bytes((folder / "config.yaml").read_bytes())
    save_file({"some": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(NotReady, match="another model"):
        sam.open_folder(tmp_path)


def models(folder: Path) -> list[ModelSpec]:
    """Those that select, with a cache and the folder of bundled weights both here."""
    return [spec for spec in catalog.models(inspect(), HubCache(folder), weights=folder) if Task.SEGMENT in spec.tasks]


def test_the_catalog_says_what_each_size_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(segmentation.LOCAL_SAM, raising=False)
    specs = [spec for spec in models(tmp_path) if spec.id != OUTLINE.id]
    assert {spec.id for spec in specs} == {
        "toy-sam",
        "sam2.1-tiny",
        "sam2.1-small",
        "sam2.1-base-plus",
        "sam2.1-large",
    }
    for spec in specs:
        assert (spec.tasks, spec.licence, spec.gated) == ({Task.SEGMENT}, "Apache-2.0", False)
    large = next(spec for spec in specs if spec.id == "sam2.1-large")
    assert large.readiness().label == "0.9 GB download"
    assert large.page_url.endswith("facebook/sam2.1-hiera-large")
    toy = next(spec for spec in specs if spec.id == "toy-sam")
    assert not toy.readiness().ok
    assert readiness.of_bundled(tmp_path).hint


def test_a_checkpoint_on_this_disk_is_taken_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "sam2.1_hiera_small.pt"
    monkeypatch.setenv(segmentation.LOCAL_SAM, str(path))
    specs = {spec.id: spec for spec in models(tmp_path)}
    assert not specs["sam2.1-small"].readiness().ok
    path.touch()
    assert specs["sam2.1-small"].readiness().ok
    assert specs["sam2.1-small"].readiness().download_gb == 0
    assert specs["sam2.1-large"].readiness().download_gb > 0
