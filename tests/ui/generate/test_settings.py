"""The column shows what the chosen model honours, and remembers what was set."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import gradio as gr
import pytest
from playwright.sync_api import Route, expect

from pipelines.catalog import models
from studio import completion
from studio.contract import GenerateRequest, ModelSpec, Readiness, Size, Task
from studio.errors import BadRequest, StudioError
from studio.service import Studio
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog
from ui.generate.compare import fields_of
from ui.generate.offers import offer
from ui.generate.settings import request_from, values_of
from ui.shared.bridge import Bridge
from ui.shared.model_texts import unknown_sentence
from ui.shared.shapes import shape_of, shapes

EVERYTHING = ("#shape", "#seed", "#steps", "#guidance", "#negative-prompt", "#style")
TOY, FULL, *_ = catalog(Brush())


def test_only_what_the_model_honours_is_shown(visitor: Visitor):
    visitor.open_more()
    for name in ("#seed", "#steps"):
        expect(visitor.page.locator(name)).to_be_visible()
    for name in ("#shape", "#guidance", "#negative-prompt", "#style"):
        expect(visitor.page.locator(name)).to_be_hidden()
    visitor.choose_model("Full painter")
    for name in EVERYTHING:
        expect(visitor.page.locator(name)).to_be_visible()
    expect(visitor.page.get_by_role("button", name="a yellow ball")).to_be_visible()


def test_what_is_typed_while_the_answer_to_a_choice_of_model_is_under_way_is_kept(visitor: Visitor):
    asked: list[Route] = []
    is_over = threading.Event()

    def hold(call: Route) -> None:
        if '"full"' in (call.request.post_data or "") and not is_over.is_set():
            asked.append(call)
        else:
            call.continue_()

    page = visitor.page
    visitor.open_more()
    page.locator("#steps input[type=number]").fill("20")
    page.route("**/gradio_api/run/**", hold)
    with page.expect_request(lambda request: '"full"' in (request.post_data or "")):
        visitor.choose_model("Full painter")
    page.locator("#seed input").fill("77")
    page.locator("#steps input[type=number]").fill("9")
    page.locator("#steps input[type=number]").blur()
    expect(page.locator("#guidance")).to_be_hidden()
    is_over.set()
    for call in asked:
        call.continue_()
    expect(page.locator("#guidance")).to_be_visible()
    for _ in range(2):
        expect(page.locator("#seed input")).to_have_value("77")
        expect(page.locator("#steps input[type=number]")).to_have_value("9")
        expect(page.locator("#guidance input[type=number]")).to_have_value("4")
        visitor.reload()
        visitor.more.click()
    visitor.choose_model("Toy painter")
    expect(page.locator("#steps input[type=number]")).to_have_value("20")  # what it had is its own
    expect(page.locator("#seed input")).to_have_value("")


def test_of_two_models_chosen_one_after_the_other_the_last_one_is_shown(visitor: Visitor):
    asked: list[Route] = []
    page, run = visitor.page, "**/gradio_api/run/**"
    page.route(run, lambda call: asked.append(call) if '"full"' in (call.request.post_data or "") else call.continue_())
    with page.expect_request(lambda request: '"full"' in (request.post_data or "")):
        visitor.choose_model("Full painter")
    visitor.choose_model("Far painter")
    expect(page.locator("#model input")).to_have_value("Far painter · 4 GB download")
    for call in asked:
        call.continue_()
    page.unroute(run)
    expect(page.locator("#terms")).to_contain_text("Licence: Painters <only>")
    expect(page.locator("#negative-prompt")).to_be_hidden()


def test_whoever_returns_to_a_model_before_another_ones_answer_finds_its_controls(visitor: Visitor):
    asked: list[Route] = []
    page, run = visitor.page, "**/gradio_api/run/**"
    is_first = lambda request: not asked and '"full"' in (request.post_data or "")  # noqa: E731
    first = page.locator("#model input").input_value()
    page.route(run, lambda call: asked.append(call) if is_first(call.request) else call.continue_())
    visitor.choose_model("Full painter")
    while not asked:
        page.wait_for_timeout(10)
    questions = list[str]()
    page.on("request", lambda request: questions.append(request.url) if "/gradio_api/run/" in request.url else None)
    visitor.choose_model(first.partition(" · ")[0])
    expect(page.locator("#model input")).to_have_value(first)
    page.wait_for_timeout(200)
    assert not questions  # gradio mixes answers that come together
    with page.expect_event("requestfinished", lambda request: request == asked[0].request):
        asked[0].continue_()
    visitor.open_more()
    expect(page.locator("#negative-prompt")).to_be_hidden()
    visitor.choose_model("Full painter")
    expect(page.locator("#negative-prompt")).to_be_visible()


def test_sizes_of_a_shape_and_a_fixed_seed_wait_for_no_answer_that_could_come_after_another_models(visitor: Visitor):
    page, run, held = visitor.page, "**/gradio_api/run/**", list[Route]()
    size, shape = page.locator("#size"), page.locator("#shape")
    visitor.choose_model("Full painter")
    visitor.open_more()
    page.route(run, lambda call: held.append(call))
    shape.locator("label", has_text="3:2").click()
    expect(size).to_be_hidden()  # there is only one
    expect(page.locator("#width")).to_be_hidden()
    shape.locator("label", has_text="Custom").click()
    expect(page.locator("#width input")).to_have_value("256")
    shape.locator("label", has_text="Square").click()
    expect(size.locator("label")).to_have_text(["256 x 256", "192 x 192"])
    expect(size.locator("label.selected")).to_have_text("256 x 256")
    expect(page.locator("#height")).to_be_hidden()
    page.locator("#seed input").fill("7")
    expect(visitor.more).to_have_text("More · seed 7")
    page.locator("#seed input").fill("-1")
    expect(visitor.more).to_contain_text("More: seed, steps")
    for call in held:
        call.continue_()


def test_a_model_that_cannot_run_says_what_it_needs_before_anything_is_asked(regular: Visitor):
    regular.choose_model("Big painter")
    expect(regular.page.locator("#model input")).to_have_value("Big painter · needs a GPU with 13 GB")
    expect(regular.page.locator("#preflight")).to_contain_text("Big painter needs a GPU with 13 GB.")


def test_the_licence_and_the_gate_of_a_model_are_said_under_it(regular: Visitor):
    terms = regular.page.locator("#terms")
    expect(terms).to_be_hidden()
    regular.choose_model("Far painter")
    expect(terms).to_have_text("Licence: Painters <only> · gated: accept it once on its page")
    expect(terms.get_by_role("link", name="on its page")).to_have_attribute("href", "https://painters.invalid/far")
    regular.choose_model("Full painter")
    expect(terms).to_be_hidden()


def test_a_model_that_is_not_here_yet_says_what_its_first_picture_downloads(regular: Visitor):
    model = regular.page.locator("#model")
    expect(model).not_to_contain_text("downloads")
    regular.choose_model("Far painter")
    expect(model).to_contain_text("Comes from afar. The first picture downloads 4 GB, once.")
    regular.choose_model("Toy painter")
    expect(model).not_to_contain_text("downloads")


def test_a_prompt_that_is_too_long_says_how_much_of_it_is_read(regular: Visitor):
    read = regular.page.locator("#improve .read")
    regular.choose_model("Full painter")
    regular.write("a yellow ball, very small, beside a large red cube on a grey background")
    expect(read).to_have_text("Full painter reads about the first 8 words of this.")
    regular.write(200 * "ball")
    expect(read).to_have_text("Full painter reads only the beginning of this.")
    regular.write("a yellow ball beside a red cube")
    expect(read).to_be_hidden()
    regular.write("ein gelber Ball neben einem unwahrscheinlich großen Würfel auf grauem Grund")
    expect(read).to_be_visible()
    regular.choose_model("Toy painter")  # it does not say that it reads only so much
    expect(read).to_be_hidden()


def test_a_custom_size_is_the_size_of_the_picture(visitor: Visitor):
    visitor.choose_model("Full painter")
    visitor.page.locator("#shape label", has_text="Custom").click()
    visitor.page.locator("#width input").fill("320")
    visitor.page.locator("#height input").fill("128")
    visitor.make("a yellow ball")
    expect(visitor.image).to_have_js_property("naturalWidth", 320)
    expect(visitor.image).to_have_js_property("naturalHeight", 128)


def test_settings_are_there_again_after_a_reload(visitor: Visitor):
    visitor.choose_model("Full painter")
    visitor.page.locator("#shape label", has_text="3:2").click()
    visitor.page.locator("#count label").nth(2).click()
    with visitor.saving():
        visitor.write("a purple ball")
    visitor.open_more()
    with visitor.saving():
        visitor.page.locator("#steps input[type=number]").fill("9")
    visitor.reload()
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a purple ball")
    expect(visitor.page.locator("#model input")).to_have_value("Full painter · ready")
    expect(visitor.page.locator("#shape label.selected")).to_contain_text("3:2")
    expect(visitor.page.locator("#count label.selected")).to_have_text("3")
    visitor.open_more()
    expect(visitor.page.locator("#steps input[type=number]")).to_have_value("9")


def test_a_prompt_that_was_only_written_is_kept(regular: Visitor):
    with regular.saving():
        regular.write("a yellow ball")
    regular.reload()
    expect(regular.page.locator("#prompt textarea")).to_have_value("a yellow ball")


def test_each_model_keeps_its_own_numbers(visitor: Visitor):
    visitor.open_more()
    steps = visitor.page.locator("#steps input[type=number]")
    steps.fill("12")
    steps.press("Tab")
    visitor.choose_model("Full painter")
    expect(steps).to_have_value("6")
    visitor.choose_model("Toy painter")
    expect(steps).to_have_value("12")


def test_a_fixed_seed_is_shown_while_it_is_folded_away(visitor: Visitor):
    visitor.choose_model("Full painter")
    expect(visitor.more).to_have_text("More: seed, steps, guidance, sampler, leave out, style, weights, fast")
    visitor.choose_model("Toy painter")
    expect(visitor.more).to_have_text("More: seed, steps")
    visitor.open_more()
    with visitor.saving():
        visitor.page.locator("#seed input").fill("358")
    expect(visitor.more).to_have_text("More · seed 358")
    visitor.reload()
    expect(visitor.more).to_have_text("More · seed 358")
    visitor.open_more()
    with visitor.saving():
        visitor.page.locator("#seed input").fill("")
    expect(visitor.more).to_have_text("More: seed, steps")
    visitor.reload()
    expect(visitor.more).to_have_text("More: seed, steps")


def test_the_badge_tells_what_runs_here(regular: Visitor):
    badge = regular.page.get_by_role("button", name="Toy painter, CPU")
    badge.click()
    card = regular.page.locator("#about-here")
    expect(card).to_contain_text("Full painter")
    expect(card).to_contain_text("needs a GPU with 13 GB")
    regular.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


# --- without a browser ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (Size(1024, 1024), "1:1"),
        (Size(1216, 832), "3:2"),
        (Size(832, 1216), "2:3"),
        (Size(1344, 768), "16:9"),
        (Size(1152, 896), "5:4"),
    ],
)
def test_a_size_has_the_nearest_common_shape(size: Size, shape: str):
    assert shape_of(size) == shape


def test_sizes_are_grouped_by_shape_in_the_order_of_the_model():
    assert list(shapes(FULL)) == ["1:1", "3:2", "2:3"]
    assert shapes(FULL)["1:1"] == [Size(256, 256), Size(192, 192)]


@pytest.mark.parametrize(
    "remembered", [{"steps": 900}, {"steps": "many"}, {"style": "gone"}, {"shape": 7}, {"seed": -1}]
)
def test_what_the_browser_kept_and_does_not_fit_becomes_the_default(remembered: dict):
    assert offer(FULL, remembered) == offer(FULL, {})


@pytest.mark.parametrize("spec", [TOY, FULL])
def test_a_request_survives_the_way_through_the_controls(spec: ModelSpec):
    request = GenerateRequest("a ball", spec.id, spec.sizes[-1], seed=7, steps=5)
    if spec is FULL:
        request = GenerateRequest(
            "a ball",
            "full",
            Size(320, 64),
            1,
            7,
            5,
            3.0,
            "people",
            "ink",
            precision="nf4",
            fast=True,
            sampler="Euler a",
        )
    values = {"prompt": "a ball", "count": 1, **values_of(spec, request)}
    assert request_from(spec, values) == request


@pytest.mark.parametrize("spec", [each for each in models() if Task.GENERATE in each.tasks], ids=lambda spec: spec.id)
def test_the_controls_of_every_model_can_be_drawn(spec: ModelSpec):
    """Gradio makes such a component of each answer to a choice of model."""
    shown = offer(spec, {})
    for name in ("steps", "guidance", "clip_skip"):
        gr.Slider(**shown[name])
    assert shown["steps"]["visible"] == bool(spec.steps and spec.steps.low < spec.steps.high)


def test_a_shape_counts_before_its_sizes_are_there():
    values = {"prompt": "a ball", "shape": "3:2", "size": "256 x 256"}
    assert request_from(FULL, values).size == Size(384, 256)
    assert request_from(FULL, values | {"shape": "1:1", "size": "192 x 192"}).size == Size(192, 192)


def test_what_the_model_does_not_honour_never_gets_into_the_request():
    values = {"prompt": "a ball", "size": "128 x 128", "guidance": 3, "negative_prompt": "people", "style": "ink"}
    request = request_from(TOY, values | {"precision": "nf4", "fast": True, "sampler": "Euler"})
    assert (request.guidance, request.negative_prompt, request.style) == (None, "", "")
    assert (request.precision, request.fast, request.sampler) == ("", False, "")


def test_weights_and_fast_are_offered_where_there_is_a_choice():
    one = replace(FULL, precisions=("nf4",), fast=False)
    shown = [(offer(spec, {})["precision"]["visible"], offer(spec, {})["fast"]["visible"]) for spec in (FULL, one, TOY)]
    assert shown == [(True, True), (False, False), (False, False)]
    assert offer(FULL, {})["precision"]["choices"] == [("Automatic", ""), ("16-bit", "16-bit"), ("4-bit (NF4)", "nf4")]


def test_samplers_are_offered_where_there_is_a_choice():
    shown = offer(FULL, {"sampler": "Euler a"})["sampler"]
    assert shown == {"choices": [(each, each) for each in FULL.samplers], "value": "Euler a", "visible": True}
    assert not offer(TOY, {"sampler": "Euler a"})["sampler"]["visible"]
    assert "sampler" in offer(FULL, {})["more"]["label"] and "sampler" not in offer(TOY, {})["more"]["label"]
    assert {"id": "sampler", "label": "Sampler", "example": "Euler; Euler a"} in fields_of(FULL)["fields"]


@pytest.mark.parametrize("values", [{"steps": "x"}, {"prompt": 3}, {"seed": [1]}, {"size": "wide"}])
def test_values_that_are_none_are_refused_with_a_sentence(values: dict):
    with pytest.raises(BadRequest, match=r"\.$"):
        request_from(FULL, {"prompt": "a ball", **values})


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1.9, 0])
@pytest.mark.parametrize("name", ["count", "seed", "steps", "guidance", "width"])
def test_no_number_is_quietly_made_another_one(name: str, number: float):
    values = {"prompt": "a ball", "count": 1, "shape": "custom", "width": 128, "height": 128, name: number}
    request = request_from(FULL, values)
    if (name, number) in {("seed", 0), ("guidance", 1.9)}:  # fine as they are
        assert getattr(completion.completed(request, FULL), name) == number
    else:
        with pytest.raises(StudioError, match=r"(must be|not make pictures of) .*\.$"):
            completion.completed(request, FULL)


def test_only_the_first_unknown_words_are_named():
    one, many = unknown_sentence(TOY, ("dragon",)), unknown_sentence(TOY, tuple("abcdefghijklmnopq"))
    assert "does not know: dragon. " in one
    assert "does not know: a, b, c, d, e and 12 more. " in many


def test_a_long_unknown_word_is_cut():
    assert f"does not know: {'x' * 24}, {'y' * 23}…. " in unknown_sentence(TOY, ("x" * 24, "y" * 25))


def test_an_error_that_needs_no_owner_is_said_as_a_sentence(studio: Studio):
    bridge = Bridge(studio, lambda request, token: token, gr.BrowserState())
    choose = bridge.open_listener(lambda studio, model: {"model": studio.model(model)}, {})
    with pytest.raises(gr.Error, match=r"There is no model &#x27;gone&#x27;\. Choose one of: toy"):
        choose("gone")


def test_a_spec_without_sizes_of_its_own_still_offers_a_custom_one():
    free = ModelSpec(
        id="free",
        label="Free",
        tasks=frozenset({Task.GENERATE}),
        load=lambda tell: TOY.load(tell),
        readiness=lambda: Readiness(True, "ready"),
        any_size=(64, 512, 8),
    )
    assert offer(free, {})["width"] == {"label": "Width, 64 to 512", "value": 64, "step": 8, "visible": True}
