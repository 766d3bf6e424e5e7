"""The toy SAM 2: its classes, its clicks and its training pictures, and that training asks as the predictor does."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from benchmarks.toy_sam import box_around, correction, overlap, score_case, toy_cases
from toybox.klein.run import Budget, Run
from toybox.sam.clicks import ADD, REMOVE, Prompt, boxes, corrections, deepest_point, first_clicks, labels_at
from toybox.sam.clutter import MOST_REGIONS
from toybox.sam.fills import Fields
from toybox.sam.lesson import Learner, answer, draw_batch, encode, learn, mask_losses, order_loss, overlaps_of
from toybox.sam.model import build_model, load_model, predictor_for, save_model
from toybox.sam.pictures import MIN_SHARE, Pictures, Source, choose_targets, draw_pictures, target_masks
from toybox.sam.sameness import Sameness
from toybox.sam.toys import TRACED_SIZE, enlarge, shade_planes, trace_toys, training_colours
from toybox.sam.train import optimizers
from toybox.sam.workers import Workers, plan_step
from toybox.words import BACKGROUND_RGB, COLOUR_RGB
from toybox.world import Scene, Thing, is_allowed, render

SIDE, MASK_SIDE, FINE_SIDE, SMALL_SIDE = 256, 64, 128, 64


@pytest.fixture(scope="module")
def untrained() -> SAM2Base:
    torch.manual_seed(1)
    return build_model(SIDE)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source(trace_toys(tmp_path_factory.mktemp("toys") / "toys.npy", 4, seed=2), Fields())


@pytest.fixture(scope="module")
def pictures(source: Source) -> Pictures:
    return draw_pictures(source, np.random.default_rng(0), 24, SIDE)


@pytest.fixture(scope="module")
def workers(source: Source) -> Iterator[Workers]:
    """Two processes: to start one takes seconds."""
    torch.manual_seed(4)
    with Workers(Learner(build_model(SMALL_SIDE)), source.toys, count=2) as workers:
        yield workers


def square(left: int, top: int, side: int, size: int = FINE_SIDE) -> Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., top : top + side, left : left + side] = 1
    return mask


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def test_the_model_is_small_enough_to_ship(untrained: SAM2Base, tmp_path: Path) -> None:
    save_model(untrained, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10e6
    assert 3e6 < sum(each.numel() for each in untrained.parameters()) < 6e6


def test_the_stored_model_answers_like_the_one_that_was_stored(untrained: SAM2Base, tmp_path: Path) -> None:
    save_model(untrained, tmp_path)
    images = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        first, second = (encode(model, images) for model in (untrained, load_model(tmp_path)))
    for one, other in zip(first, second, strict=True):
        assert torch.allclose(one, other, atol=0.02)


@pytest.mark.parametrize("earlier", [False, True], ids=["first click", "with earlier logits"])
@pytest.mark.parametrize("single", [False, True], ids=["three masks", "one mask"])
def test_training_asks_as_the_predictor_does(untrained: SAM2Base, earlier: bool, single: bool) -> None:
    picture, predictor = picture_of(1), predictor_for(untrained)
    points, labels = torch.tensor([[[60.0, 200.0], [10.0, 20.0]]]), torch.tensor([[ADD, REMOVE]], dtype=torch.int32)
    logits = torch.randn(1, 1, MASK_SIDE, MASK_SIDE) if earlier else None
    predictor.set_image(picture)
    _, their_scores, their_logits = predictor.predict(
        points[0].numpy(),
        labels[0].numpy(),
        mask_input=None if logits is None else logits[0].numpy(),
        multimask_output=not single,
    )
    with torch.inference_mode():
        features = encode(untrained, torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
        ours = answer(untrained, features, Prompt(points / SIDE, labels), logits)
    chosen = slice(0, 1) if single else slice(1, 4)
    assert np.allclose(ours.logits[0, chosen].numpy(), their_logits, atol=1e-4)
    assert np.allclose(ours.scores[0, chosen].numpy(), their_scores, atol=1e-5)


def test_training_asks_for_a_box_as_the_predictor_does(untrained: SAM2Base) -> None:
    picture, predictor, prompt = picture_of(2), predictor_for(untrained), boxes(square(20, 30, 40), chance())
    predictor.set_image(picture)
    _, their_scores, their_logits = predictor.predict(
        box=SIDE * prompt.points.flatten().numpy(), multimask_output=False
    )
    with torch.inference_mode():
        features = encode(untrained, torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
        ours = answer(untrained, features, prompt, None)
    assert np.allclose(ours.logits[0, :1].numpy(), their_logits, atol=1e-4)
    assert np.allclose(ours.scores[0, :1].numpy(), their_scores, atol=1e-5)


def test_processes_find_the_mean_of_the_gradients_of_their_batches(source: Source, workers: Workers) -> None:
    """Each batch is learned from here again, with the same weights, in this process."""
    learner = workers.learner
    workers.step(2, SMALL_SIDE)
    workers.step(3, SMALL_SIDE)
    theirs = [parameter.grad.clone() for parameter in learner.parameters() if parameter.grad is not None]
    learner.zero_grad(set_to_none=False)
    turn, seeds = plan_step(3, 2)
    for seed in seeds:
        batch = draw_batch(source, np.random.default_rng(seed), SMALL_SIDE)
        learn(learner, batch, turn, chance(seed))
    ours = [parameter.grad / 2 for parameter in learner.parameters() if parameter.grad is not None]
    assert len(ours) == len(theirs)
    difference = sum((one - other).square().sum() for one, other in zip(ours, theirs, strict=True))
    assert difference < 1e-3 * sum(one.square().sum() for one in ours)


def test_a_few_steps_on_one_batch_lower_its_loss(workers: Workers, tmp_path: Path) -> None:
    learner = workers.learner
    run = Run("sam", learner, optimizers(learner), average=0.9, budget=Budget(1000, tmp_path, decay_from=1))
    losses = []
    for _ in range(3):
        losses.append(workers.step(1, SMALL_SIDE)["loss"].item())
        for optimizer in run.optimizers:
            optimizer.step()
            optimizer.zero_grad()

    assert losses[-1] < 0.9 * losses[0]


def test_a_process_that_is_gone_ends_the_training(workers: Workers) -> None:
    """The last one that uses them."""
    workers.processes[0].kill()
    workers.processes[0].join()
    with pytest.raises((EOFError, OSError)):
        workers.step(0, SMALL_SIDE)


@pytest.mark.parametrize("size", [64, 192, 384])
def test_the_same_weights_fit_pictures_of_any_size(untrained: SAM2Base, size: int) -> None:
    model = build_model(size)
    model.load_state_dict(untrained.state_dict(), strict=True)
    with torch.inference_mode():
        features = encode(model, torch.rand(1, 3, size, size))
        found = answer(model, features, Prompt(torch.tensor([[[0.3, 0.6]]]), torch.tensor([[ADD]])), None)
    assert found.logits.shape == (1, 4, size // 4, size // 4)


def test_features_that_tell_regions_apart_cost_nothing_and_features_that_do_not_cost_much() -> None:
    torch.manual_seed(4)
    regions = torch.zeros(1, 32, 32, dtype=torch.int64)
    regions[:, :, 16:], regions[:, 8:12, 4:8] = 1, 2
    helper = Sameness((3, 3), size=16)
    telling = F.one_hot(regions[:, 1::2, 1::2], 3).permute(0, 3, 1, 2) * 30.0
    silent = torch.ones_like(telling)
    with torch.no_grad():
        good, overlap_of_good = helper((telling, telling), regions, chance())
        bad, overlap_of_bad = helper((silent, silent), regions, chance())
    assert good < 0.3 < 1 < bad
    assert overlap_of_good > 0.99
    assert overlap_of_bad < 0.5


def test_pictures_are_coloured_and_regions_have_owners(pictures: Pictures) -> None:
    assert pictures.images.shape == (24, 3, SIDE, SIDE)
    assert pictures.images.min() >= 0
    assert pictures.images.max() <= 1
    assert pictures.images.flatten(1).std(dim=1).min() > 0.005
    for regions, owners in zip(pictures.regions, pictures.owners, strict=True):
        seen = regions.unique()
        assert (owners[0, seen[seen > 0]] > 0).all()


def test_toy_objects_also_stand_in_front_of_clutter(pictures: Pictures) -> None:
    counts = [len(regions.unique()) for regions in pictures.regions]
    in_front = [regions.max() >= MOST_REGIONS - 3 for regions in pictures.regions]
    assert any(in_front)
    assert any(count > 4 for count, front in zip(counts, in_front, strict=True) if front)
    assert pictures.from_toy.any()


def test_the_same_seed_draws_the_same_batch(source: Source) -> None:
    batches = []
    for _ in range(2):
        batches.append(draw_pictures(source, np.random.default_rng(9), 5, SIDE))
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one, other)


def test_targets_are_large_enough_and_hold_whole_things_parts_and_backgrounds(pictures: Pictures) -> None:
    members = choose_targets(pictures, np.random.default_rng(0), 8)
    masks = target_masks(pictures.regions, members, SIDE)
    areas = masks.sum(dim=(1, 2, 3))
    background = members[:, 0]
    assert (areas[~background] >= MIN_SHARE * SIDE**2).all()
    assert 0 < background.sum() < len(members) / 2
    things = pictures.owners[:, 0].repeat_interleave(8, dim=0)
    whole = [set(things[row][members[row]].tolist()) for row in range(len(members)) if not background[row]]
    assert any(len(owners) == 1 for owners in whole)


def test_a_target_mask_is_the_share_of_its_regions() -> None:
    regions = torch.zeros(1, SIDE, SIDE, dtype=torch.int64)
    regions[:, :, 127:] = 5
    members = torch.zeros(1, MOST_REGIONS, dtype=torch.bool)
    members[0, 5] = True
    mask = target_masks(regions, members, FINE_SIDE)[0, 0]
    assert mask[:, :63].max() == 0
    assert mask[:, 63].unique().tolist() == [0.5]
    assert mask[:, 64:].min() == 1


def test_first_clicks_lie_in_their_masks() -> None:
    masks = torch.cat([square(3, 90, 2), square(0, 0, 128), square(50, 10, 30)] * 40)
    prompt = first_clicks(masks, chance())
    assert (prompt.labels == ADD).all()
    assert (labels_at(prompt.points[:, 0], masks > 0.5) == ADD).all()


def test_first_clicks_reach_every_corner_of_a_mask() -> None:
    points = first_clicks(square(50, 10, 30).repeat(500, 1, 1, 1), chance()).points[:, 0]
    assert points[:, 0].min() * SIDE < 106
    assert points[:, 0].max() * SIDE > 154
    assert points[:, 1].max() * SIDE > 74


def test_a_mask_thinner_than_a_pixel_is_clicked_where_it_is_thickest() -> None:
    thin = torch.zeros(1, 1, FINE_SIDE, FINE_SIDE)
    thin[..., 40, 10:60] = 0.2
    thin[..., 40, 33] = 0.4
    x, y = (SIDE * first_clicks(thin, chance()).points[0, 0]).tolist()
    assert 66 <= x <= 68
    assert 80 <= y <= 82


def test_boxes_surround_their_masks() -> None:
    corners = SIDE * boxes(square(20, 40, 50).repeat(200, 1, 1, 1), chance()).points.flatten(1)
    tight = torch.tensor([40.0, 80, 140, 180])
    assert (corners == tight).all(dim=1).any()
    assert ((corners - tight).abs() <= 12.81).all()
    assert (corners - tight).abs().mean() > 1


def test_corrections_are_added_where_something_is_missing_and_removed_where_there_is_too_much() -> None:
    wanted = square(20, 20, 40)
    small, large = square(20, 20, 20) * 2 - 1, square(20, 20, 60) * 2 - 1
    points, labels = corrections(wanted.repeat(40, 1, 1, 1), torch.cat([small, large] * 20), chance())
    assert labels.tolist() == [ADD, REMOVE] * 20
    assert (labels_at(points, wanted.repeat(40, 1, 1, 1) > 0.5) == labels).all()
    assert labels_at(points[::2], (small > 0).repeat(20, 1, 1, 1)).tolist() == [REMOVE] * 20


def test_a_mask_without_mistakes_is_clicked_all_the_same() -> None:
    points, labels = corrections(square(20, 20, 40), square(20, 20, 40) * 2 - 1, chance())
    assert labels.tolist() == [ADD]
    assert ((points * SIDE >= 40) & (points * SIDE <= 120)).all()


def test_the_deepest_point_is_the_middle_of_the_thickest_part() -> None:
    mask = np.zeros((60, 90), bool)
    mask[5:8, :] = True
    mask[20:41, 50:71] = True
    x, y, depth = deepest_point(mask)
    assert (x, y) == (60.5, 30.5)
    assert depth == 11
    assert deepest_point(np.zeros((5, 5), bool)).depth == 0


def test_the_benchmark_clicks_into_the_largest_mistake() -> None:
    wanted, found = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    wanted[10:40, 10:40] = True
    found[10:40, 10:36] = True
    found[45:60, 45:60] = True
    assert correction(wanted, found) == ((52.5, 52.5), 0)
    found[45:60, 45:60] = False
    (x, y), label = correction(wanted, found)
    assert label == 1
    assert wanted[int(y), int(x)]
    assert not found[int(y), int(x)]
    assert correction(wanted, wanted)[1] == 1


def test_overlap_and_box_of_a_mask() -> None:
    mask = np.zeros((20, 30), bool)
    mask[2:6, 10:18] = True
    assert box_around(mask).tolist() == [10, 2, 18, 6]
    assert overlap(mask, mask) == 1
    assert overlap(mask, ~mask) == 0
    assert overlap(mask, np.roll(mask, 4, axis=1)) == pytest.approx(1 / 3)


def test_a_right_mask_loses_nothing_and_a_wrong_one_much() -> None:
    wanted = square(20, 20, 40)
    logits = torch.cat([wanted * 40 - 20, 20 - wanted * 40, square(20, 20, 20) * 40 - 20], dim=1)
    right, wrong, half = mask_losses(logits, wanted)[0].tolist()
    assert right < 0.01
    assert right < half < wrong
    assert overlaps_of(logits, wanted)[0].tolist() == pytest.approx([1, 0, 0.25])


def test_scores_lose_when_the_better_mask_has_the_lower_one() -> None:
    true_scores = torch.tensor([[0.9, 0.5, 0.48]])
    right = order_loss(torch.tensor([[0.8, 0.2, 0.2]]), true_scores)
    wrong = order_loss(torch.tensor([[0.2, 0.8, 0.8]]), true_scores)
    assert right < 0.1 < 3 < wrong
    swapped = order_loss(torch.tensor([[0.8, 0.1, 0.3]]), true_scores)  # masks as good as each other
    assert swapped < 0.1


def test_the_benchmark_scores_every_case_of_a_picture(untrained: SAM2Base) -> None:
    predictor = predictor_for(untrained)
    objects, backgrounds = toy_cases(2)
    assert len(objects) >= 2
    assert {case.image.shape[0] for case in objects} == {128, 256}
    predictor.set_image(backgrounds[0].image)
    score = score_case(predictor, backgrounds[0].mask)
    assert len(score.clicks) == 3
    assert all(0 <= value <= 1 for value in (*score.clicks, score.best, score.box))
    assert score.best >= score.clicks[0]


def test_a_traced_scene_shows_what_was_rendered(source: Source) -> None:
    scene = source.toys.scene(0)
    colours = torch.zeros(3, 3)
    colours[: len(scene.objects)] = torch.tensor([COLOUR_RGB[thing.colour] for thing in scene.objects])
    assert scene.background is not None
    background = torch.tensor(BACKGROUND_RGB[scene.background])[:, None, None]
    planes = torch.from_numpy(source.toys.planes[0].copy())
    rendering = render(scene, size=TRACED_SIZE)
    shaded = (shade_planes(planes, colours, background) * 255).permute(1, 2, 0).numpy()
    assert np.abs(shaded - rendering.image).max() < 6
    for number, mask in enumerate(rendering.object_masks, start=1):
        assert overlap(planes[-1].numpy() == number, mask > 0) > 0.95  # a tie belongs to both in a rendering


def test_traced_scenes_are_opened_and_not_sent_to_another_process(source: Source) -> None:
    packed = pickle.dumps(source.toys)
    assert len(packed) < 1000
    again = pickle.loads(packed)
    assert np.array_equal(again.planes, source.toys.planes)
    assert again.scene(1) == source.toys.scene(1)


def test_an_enlarged_scene_has_the_same_objects(source: Source) -> None:
    planes = torch.from_numpy(source.toys.planes[0].copy())
    larger = enlarge(planes, 384)
    assert larger.shape == (8, 384, 384)
    assert larger.dtype == torch.uint8
    assert larger[-1].unique().tolist() == planes[-1].unique().tolist()
    again = enlarge(larger, TRACED_SIZE)
    assert (again[-1] == planes[-1]).float().mean() > 0.99
    assert (again[:-1].int() - planes[:-1].int()).abs().float().mean() < 2


def test_new_colours_show_no_held_out_scene(source: Source) -> None:
    rng, scene = np.random.default_rng(0), source.toys.scene(1)
    for _ in range(50):
        colours, background = training_colours(scene, rng)
        names = [next(name for name, rgb in COLOUR_RGB.items() if rgb == colour) for colour in colours]
        ground = next(name for name, rgb in BACKGROUND_RGB.items() if rgb == background)
        things = tuple(Thing(thing.kind, name) for thing, name in zip(scene.objects, names, strict=True))
        assert is_allowed(Scene(things, ground), "train")
