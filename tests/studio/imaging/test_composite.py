"""A change stays where it may be: every byte outside of the feathered mask is the source's, whatever a model does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from studio.contract import IterateRequest, Size, Stroke
from studio.imaging import align, composite, edit_mask
from studio.imaging.crop import fitting
from studio.imaging.edit_mask import Extension
from tests.studio.changing import ANSWERS, backends, moved, picture

NONE = Extension(0, 0, 0, 0)
SPECS = {spec.id: spec for spec in backends()}


def distance_to(mask: np.ndarray) -> np.ndarray:
    """The slow twin: from every pixel to the nearest selected one, HW float."""
    rows, columns = np.nonzero(mask)
    down = np.arange(mask.shape[0])[:, None, None] - rows
    across = np.arange(mask.shape[1])[None, :, None] - columns
    return np.sqrt(down**2 + across**2).min(axis=2)


@st.composite
def masks_of(draw: st.DrawFn, size: Size) -> np.ndarray:
    """A rectangle somewhere, down to one pixel, perhaps at the border, perhaps another one."""
    mask = np.zeros((size.height, size.width), np.uint8)
    for _ in range(draw(st.integers(1, 2))):
        left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
        width, height = draw(st.sampled_from((1, 2, 7, 40))), draw(st.sampled_from((1, 3, 11, 40)))
        mask[top : top + height, left : left + width] = 255
    return mask


@given(data=st.data())
@settings(max_examples=60)
def test_outside_of_the_feathered_mask_every_byte_stays_on_every_backend(data: st.DataObject):
    size = Size(data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60)))
    spec = SPECS[data.draw(st.sampled_from(sorted(SPECS)))]
    mode = data.draw(st.sampled_from(("RGB", "RGBA")))
    answer = data.draw(st.sampled_from(sorted(ANSWERS)))
    feather = data.draw(st.sampled_from((0.0, 1.0, 2.5, 9.0)))
    extension = Extension(*data.draw(st.sampled_from(((0, 0, 0, 0), (0, 0, 5, 0), (9, 1, 0, 3)))))
    mask = data.draw(masks_of(extension.around(size)))
    source = picture(size, mode=mode)
    scene = composite.scene(source, extension, mask, feather, spec)
    made = composite.finished(scene, ANSWERS[answer](scene.shown)).image
    before, after = np.asarray(scene.canvas.convert("RGBA")), np.asarray(made.convert("RGBA"))
    assert before.shape == after.shape
    outside = distance_to(mask > 0) >= max(feather, 0.5)
    assert np.array_equal(after[outside], before[outside])
    kept = after[extension.top :, extension.left :][: size.height, : size.width]
    stays = outside[extension.top :, extension.left :][: size.height, : size.width]
    assert np.array_equal(kept[stays], np.asarray(source.convert("RGBA"))[stays])


@pytest.mark.parametrize("model_id", sorted(SPECS))
def test_inside_of_the_mask_is_what_the_model_made(model_id: str):
    mask = np.zeros((90, 120), np.uint8)
    mask[30:60, 40:80] = 255
    scene = composite.scene(picture((120, 90)), NONE, mask, 3.0, SPECS[model_id])
    made = np.asarray(composite.finished(scene, ANSWERS["one colour"](scene.shown)).image)
    assert (made[30:60, 40:80] == (255, 0, 255)).all()
    between = made[29, 60].astype(int)
    assert (between != np.asarray(scene.canvas)[29, 60]).any() and (between != (255, 0, 255)).any()


@pytest.mark.parametrize("model_id", sorted(SPECS))
@pytest.mark.parametrize("size", [(120, 90), (31, 200), (700, 60)])
def test_a_model_sees_the_shape_of_the_picture_and_gives_it_back(model_id: str, size: tuple[int, int]):
    spec = SPECS[model_id]
    scene = composite.scene(picture(size), NONE, None, 0.0, spec)
    assert scene.shown.size == scene.frame.size
    assert scene.frame.size in spec.sizes or spec.any_size
    if spec.any_size:
        smallest, largest, multiple = spec.any_size
        assert all(smallest <= side <= largest and side % multiple == 0 for side in scene.frame.size)
    made = composite.finished(scene, scene.shown).image
    inner = scene.frame.inner.size
    assert made.size == inner
    assert abs(inner.width / inner.height / (size[0] / size[1]) - 1) < 0.035 + 0.6 / min(inner)  # of whole pixels


@given(width=st.integers(1, 6000), height=st.integers(1, 6000), area=st.integers(256**2, 1024**2))
def test_a_size_keeps_to_shape_and_area(width: int, height: int, area: int):
    spec = replace(SPECS["flux2-klein-4b"], any_size=(256, 1536, 16))
    size = fitting(Size(width, height), area, spec)
    assert all(256 <= side <= 1536 and side % 16 == 0 for side in size)
    assert size.width * size.height <= area or min(size) == 256
    ratio = min(max(width / height, 1 / 3), 3)
    if area >= 512**2 and 1 / 3 <= width / height <= 3:
        assert abs(size.width / size.height / ratio - 1) < 0.06


def test_a_small_object_is_seen_large_with_its_surroundings():
    mask = np.zeros((600, 800), np.uint8)
    mask[300:312, 500:520] = 255
    scene = composite.scene(picture((800, 600)), NONE, mask, 4.0, SPECS["flux2-klein-4b"])
    box = scene.frame.box
    assert box.left <= 480 and box.right >= 540 and box.top < 288 and box.bottom > 324
    assert box.size.width < 120
    assert scene.shown_mask is not None
    shown = np.asarray(scene.shown_mask) > 0
    assert 0.05 < shown.mean() < 0.5


def test_a_source_that_shows_through_keeps_its_alpha_and_gets_what_is_new():
    source = Image.new("RGBA", (64, 64), (10, 20, 30, 0))
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 255
    scene = composite.scene(source, NONE, mask, 2.0, SPECS["flux2-klein-4b"])
    made = np.asarray(composite.finished(scene, Image.new("RGB", scene.frame.size, "red")).image)
    assert (made[30, 30] == (255, 0, 0, 255)).all()
    assert (made[0, 0] == (10, 20, 30, 0)).all()
    edge = made[19, 30]
    assert edge[3] not in (0, 255) and (edge[:3] == (255, 0, 0)).all()  # no colour of what cannot be seen


def test_what_a_model_left_see_through_is_see_through():
    scene = composite.scene(picture((64, 64)), NONE, np.full((64, 64), 255, np.uint8), 0.0, SPECS["flux2-klein-4b"])
    made = composite.finished(scene, Image.new("RGBA", scene.frame.size, (1, 2, 3, 0))).image
    assert made.mode == "RGBA" and made.getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(("x", "y", "scale"), [(3, -2, 1.0), (0, 0, 1.04), (-7, 5, 0.96), (11, 0, 1.0), (1, 1, 1.0)])
def test_a_moved_or_resized_frame_is_put_right(x: int, y: int, scale: float):
    original = picture((256, 192), seed=4)
    answer = moved(original, x, y, scale)
    answer.paste("lime", (100, 60, 150, 120))  # the change itself
    kept = np.ones((192, 256), bool)
    kept[48:132, 88:162] = False
    aligned, drift = align.align(answer, original, kept)
    assert drift is not None
    assert drift.x == pytest.approx(x, abs=0.5) and drift.y == pytest.approx(y, abs=0.5)
    assert drift.scale == pytest.approx(scale, abs=0.004)
    inside = kept.copy()
    inside[:16], inside[-16:], inside[:, :16], inside[:, -16:] = (False,) * 4

    def error(image: Image.Image) -> float:
        return float(np.abs(np.asarray(image, np.int16) - np.asarray(original, np.int16))[inside].mean())

    assert error(aligned) < 0.4 * error(answer)


def test_a_large_picture_is_put_right_as_finely():
    """Made small, its scale can hardly be seen."""
    original = picture((800, 600), seed=8)
    aligned, drift = align.align(moved(original, 9, -4, 1.02), original, np.ones((600, 800), bool))
    assert drift is not None and drift.scale == pytest.approx(1.02, abs=0.002)
    assert (drift.x, drift.y) == pytest.approx((9, -4), abs=0.5)
    assert np.abs(np.asarray(aligned, np.int16) - np.asarray(original, np.int16))[40:-40, 40:-40].mean() < 4


def test_an_answer_of_another_size_is_no_drift_and_a_cut_one_is():
    original = picture((256, 192), seed=5)
    kept = np.ones((192, 256), bool)
    assert align.align(original.resize((512, 384)), original, kept)[1] is None
    cut = original.crop((0, 8, 256, 184))  # stretched back, everything would be too high
    aligned, drift = align.align(cut, original, kept)
    assert drift is not None and drift.scale_y == pytest.approx(192 / 176, abs=0.01)
    assert np.abs(np.asarray(aligned, np.int16) - np.asarray(original, np.int16))[20:172].mean() < 6


@pytest.mark.parametrize("answer", ["every pixel changed", "another picture", "one colour", "one pixel"])
def test_what_is_another_picture_is_not_moved(answer: str):
    original = picture((128, 128), seed=6)
    made, drift = align.align(ANSWERS[answer](original), original, np.ones((128, 128), bool))
    assert drift is None and made.size == (128, 128)


def test_a_plain_picture_has_nothing_to_compare():
    plain = Image.new("RGB", (128, 128), "grey")
    assert align.align(plain, plain, np.ones((128, 128), bool))[1] is None
    assert align.align(plain, plain, np.zeros((128, 128), bool))[1] is None


def test_drift_is_told_in_words():
    told = align.in_words(align.Drift(3.2, -2.0, 1.0, 1.0, 0.9))
    assert told == "The model moved the picture by 3, -2 pixels; this was corrected."
    assert "scaled it by 1.040" in align.in_words(align.Drift(0, 0, 1.04, 1.04, 0.9))
    assert "changed its shape" in align.in_words(align.Drift(0, 0, 1.0, 1.1, 0.9))
    assert "less than a pixel" in align.in_words(align.Drift(0.4, 0, 1.0, 1.0, 0.9))


@given(data=st.data())
@settings(max_examples=30)
def test_the_feather_falls_from_the_mask_to_nothing(data: st.DataObject):
    size = Size(data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40)))
    mask, feather = data.draw(masks_of(size)), data.draw(st.floats(0, 20))
    alpha, away = edit_mask.feathered(mask, feather), distance_to(mask > 0)
    assert (alpha[away == 0] == 255).all() and (alpha[away >= max(feather, 0.5)] == 0).all()
    near = (away > 0) & (away < feather)
    assert np.abs(alpha[near] - 255 * (1 - away[near] / max(feather, 1e-9))).max(initial=0) <= 1.01


def test_strokes_object_inversion_and_extension_make_one_mask():
    size = Size(40, 30)
    thing = np.zeros((30, 40), np.uint8)
    thing[5:10, 5:10] = 200
    thing[20, 20] = 100  # less than half selected
    request = IterateRequest(
        "", "", strokes=(Stroke(((30.0, 15.0),), 3), Stroke(((8.0, 8.0),), 2, add=False)), extend=(2, 0, 0, 1)
    )
    mask = edit_mask.mask_of(request, size, thing)
    assert mask is not None and mask.shape == (31, 42)
    assert (mask[:, :2] == 255).all() and (mask[30] == 255).all()
    assert mask[5, 7] == 255 and mask[15, 32] == 255 and mask[7, 9] == 0 and mask[20, 22] == 0
    turned = edit_mask.mask_of(IterateRequest("", "", object="x", invert=True), size, thing)
    assert turned is not None and turned[6, 6] == 0 and turned[0, 0] == 255
    assert edit_mask.mask_of(IterateRequest("", ""), size, None) is None


def test_room_around_a_picture_has_the_colours_of_its_edge():
    source = picture((30, 20), mode="RGBA")
    canvas = composite.extended(source, Extension(4, 0, 7, 2))
    assert canvas.size == (41, 22) and canvas.mode == "RGBA"
    assert canvas.crop((4, 0, 34, 20)).tobytes() == source.tobytes()
